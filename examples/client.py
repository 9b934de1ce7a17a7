#!/usr/bin/env python3
"""A client for Touchstone that needs nothing beside Python's standard library.

    touchstone serve &
    python3 examples/client.py
    python3 examples/client.py --url http://127.0.0.1:8080 --candidates 2000 --batch-checks 1000
    TOUCHSTONE_API_KEY=ts_… python3 examples/client.py --url https://touchstone.example.org

It sends candidates of one problem in batches, prints results as they become known, waits as long as
the server says where its queue is full, and sends again what was left unanswered: what a training
loop needs. Copy `Client` from here.
"""

import argparse
import collections
import http.client
import json
import os
import random
import time
import urllib.error
import urllib.request

# Statuses that say "later": the queue is full or the key's limit is reached, the server is shutting
# down, something in between gave up waiting.
LATER = (429, 502, 503, 504)


class Refused(Exception):
    """The request is wrong, and sending it again does not help."""

    def __init__(self, problem):
        faults = [f"{fault['path']}: {fault['message']}" for fault in problem.get("errors", [])]
        super().__init__("; ".join([f"{problem['status']} {problem['detail']}", *faults]))
        self.problem = problem


def problem_of(error):
    """What the server says of an error; what stands between may say nothing of use."""
    try:
        problem = json.load(error)
        return {"status": problem["status"], "detail": problem["detail"], **problem}
    except (ValueError, KeyError, TypeError):
        return {"status": error.code, "detail": error.reason}


class Client:
    """Sends submissions and yields what became of them.

    `key` is the API key, where the server has keys. `batch_checks` bounds a request; it must be below
    the server's `validator.queue_checks`.
    `patience_s` is how long to try without any result before giving up, `answer_s` how long to
    wait for the next line of an answer.
    """

    def __init__(self, url, key=None, batch_checks=4096, patience_s=120.0, answer_s=600.0):
        self.key = key
        self.url = url.rstrip("/") + "/v1/checks"
        self.batch_checks = batch_checks
        self.patience_s = patience_s
        self.answer_s = answer_s

    def check(self, submissions, problems=()):
        """Yields one result a submission, in the order in which they become known.

        Every submission needs an `id` of its own: results are told apart by it.
        """
        problems = {problem["id"]: problem for problem in problems}
        for batch in self._batches(submissions, problems):
            yield from self._batch(batch, problems)

    def _batches(self, submissions, problems):
        batch, checks = [], 0
        for submission in submissions:
            shared = problems.get(submission.get("problem"), {})
            count = len(submission.get("checks", ())) + len(shared.get("checks", ()))
            if batch and checks + count > self.batch_checks:
                yield batch
                batch, checks = [], 0
            batch.append(submission)
            checks += count
        if batch:
            yield batch

    def _batch(self, batch, problems):
        """Sends a batch, and what is left of it again, until every submission has a result."""
        missing = {submission["id"]: submission for submission in batch}
        if len(missing) != len(batch):
            raise ValueError("two submissions have the same id")
        deadline, pause = time.monotonic() + self.patience_s, 0.5
        while missing:
            wait, reason = None, "some submissions were not judged"
            try:
                for result in self._send(list(missing.values()), problems):
                    # A fault of the server's, not of the program: no reward follows from it.
                    if result.get("error", {}).get("retryable"):
                        continue
                    del missing[result["id"]]
                    yield result
                    deadline, pause = time.monotonic() + self.patience_s, 0.5
            except urllib.error.HTTPError as error:
                if error.code not in LATER:
                    raise Refused(problem_of(error)) from None
                wait, reason = error.headers.get("Retry-After"), f"status {error.code}"
            except (OSError, http.client.HTTPException, json.JSONDecodeError) as error:
                # An answer that breaks off, in the middle of a line too, is not complete.
                reason = f"the connection failed: {error}"
            if not missing:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(missing)} submissions without a result: {reason}")
            # What several clients would do at the same moment they do at different ones.
            time.sleep(seconds(wait, pause) * random.uniform(1, 1.5))
            pause = min(pause * 2, 30)

    def _send(self, submissions, problems):
        """One request; yields the lines of its answer as they come."""
        named = {submission.get("problem") for submission in submissions}
        body = {
            "problems": [problem for name, problem in problems.items() if name in named],
            "submissions": submissions,
        }
        headers = {"Content-Type": "application/json", "Accept": "application/x-ndjson"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        request = urllib.request.Request(self.url, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=self.answer_s) as answer:
            for line in answer:
                yield json.loads(line)


def seconds(wait, otherwise):
    """`Retry-After` in seconds; a date, which proxies may send, is as good as nothing."""
    try:
        return max(float(wait), 0.0)
    except (TypeError, ValueError):
        return otherwise


PROBLEM = {
    "id": "add",
    "reference": "def add(a, b):\n    return a + b\n",
    "checks": [
        {"id": "small", "kind": "call", "call": "add(2, 3)"},
        {"id": "critic", "kind": "critic", "text": "<testcase> CALL: add(-1, 1) </testcase>"},
        {"id": "wrong", "kind": "call", "call": "add(1, 1)", "expected": "3"},
    ],
}

CANDIDATES = [
    "def add(a, b):\n    return a + b\n",
    "def add(a, b):\n    return a - b\n",
    "def add(a, b):\n    return abs(a) + abs(b)\n",
    "def add(a, b)\n    return a + b\n",
]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--url", default="http://127.0.0.1:8080")
    arguments.add_argument("--candidates", type=int, default=4, help="how many to send")
    arguments.add_argument("--batch-checks", type=int, default=4096)
    options = arguments.parse_args()
    submissions = (
        {
            "id": f"add/{number}",
            "problem": PROBLEM["id"],
            "language": "python",
            "code": CANDIDATES[number % len(CANDIDATES)],
        }
        for number in range(options.candidates)
    )
    key = os.environ.get("TOUCHSTONE_API_KEY")
    client = Client(options.url, key, options.batch_checks)
    rewards, started = collections.Counter(), time.monotonic()
    for result in client.check(submissions, [PROBLEM]):
        if "error" in result:
            print(result["id"], result["error"]["message"])
            continue
        rewards[result["reward"]["generator"]] += 1
        if options.candidates <= 10:
            outcomes = {verdict["id"]: verdict["outcome"] for verdict in result["verdicts"]}
            print(result["id"], result["reward"], outcomes)
    seconds = time.monotonic() - started
    print(f"{sum(rewards.values())} results, rewards {dict(rewards)}, {seconds:.2f} s")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""A remote reward for OpenRLHF: 1.0 for a program that passes all of its checks, else 0.0.

    touchstone serve &
    python3 examples/openrlhf_reward.py --port 5000 &
    ... --remote_rm_url http://127.0.0.1:5000/get_reward --label_key checks

OpenRLHF posts {"query": [prompt and answer], "prompts": [...], "labels": [...]} and reads "rewards". A
label is what the answer is judged by, as JSON: a list of checks, or an object with "checks" and
"reference" (docs/checks.md). A batch that could not be judged whole is a 503, which OpenRLHF repeats.
"""

import argparse
import http.server
import json

from trl_reward import judge


def rewards(query, prompts, labels):
    """One number an answer; None where it could not be judged."""
    answers = [
        whole.removeprefix(prompt) for whole, prompt in zip(query, prompts, strict=True)
    ]
    tests = [json.loads(label) if isinstance(label, str) else label for label in labels]
    tests = [test if isinstance(test, dict) else {"checks": test} for test in tests]
    results = judge(
        answers,
        [test["checks"] for test in tests],
        [test.get("reference") for test in tests],
    )
    # Where no check was valid, nothing can be said for the answer.
    return [
        None if "error" in result else result["reward"]["generator"] or 0.0 for result in results
    ]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        try:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            given = rewards(body["query"], body["prompts"], body["labels"])
        except (KeyError, TypeError, ValueError) as error:
            return self.answer(422, {"detail": f"not what OpenRLHF sends: {error!r}"})
        except Exception as error:
            return self.answer(503, {"detail": f"the service did not judge: {error}"})
        if None in given:
            return self.answer(503, {"detail": "some answers were not judged"})
        extra = {"passed": given}
        self.answer(200, {"rewards": given, "scores": given, "extra_logs": extra})

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--host", default="127.0.0.1")
    arguments.add_argument("--port", type=int, default=5000)
    options = arguments.parse_args()
    server = http.server.ThreadingHTTPServer((options.host, options.port), Handler)
    print(f"http://{options.host}:{server.server_port}/get_reward", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

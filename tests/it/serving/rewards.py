"""Calls the rewards of examples/ with what TRL and OpenRLHF send, against the server of TOUCHSTONE_URL."""

import json
import subprocess
import sys
import urllib.error
import urllib.request

sys.path.insert(0, sys.argv[1])
import client  # noqa: E402
import trl_reward  # noqa: E402

REFERENCE = "def add(a, b):\n    return a + b\n"
CHECKS = [
    {"kind": "call", "call": "add(2, 3)", "expected": "5"},
    {"kind": "critic", "text": "<testcase> CALL: add(-1, 2) </testcase>"},
]
UNFIT = [{"kind": "call", "call": "add(1, 1)", "expected": "3"}]
RIGHT = "Adds:\n```python\ndef add(a, b):\n    return a + b\n```\nDone."
WRONG = "```python\nx = 1\n```\nNo:\n```py\ndef add(a, b):\n    return abs(a) + abs(b)\n```"
BARE = "def add(a, b): return a + b"
CUT = "```python\ndef add(a, b): return a + b"
TEXTS = [RIGHT, WRONG, BARE, CUT, ""]
EXPECTED = [1.0, 0.0, 1.0, 1.0, 0.0]


def equal(got, expected):
    assert got == expected, f"{got} and not {expected}"


def trl():
    count = len(TEXTS)
    columns = {
        "checks": [CHECKS] * count,
        "reference": [REFERENCE] * count,
        # What the trainer passes beside the columns.
        "completion_ids": [[1, 2]] * count,
        "trainer_state": None,
    }
    equal(trl_reward.reward(prompts=["Add."] * count, completions=TEXTS, **columns), EXPECTED)
    chat = [[{"role": "assistant", "content": text}] for text in TEXTS]
    prompts = [[{"role": "user", "content": "Add."}]] * count
    equal(trl_reward.reward(prompts=prompts, completions=chat, **columns), EXPECTED)
    # No check is valid: there is nothing to learn from it.
    columns = {"checks": [UNFIT], "reference": [REFERENCE]}
    equal(trl_reward.reward(prompts=["Add."], completions=[RIGHT], **columns), [None])
    columns = {"checks": [CHECKS, CHECKS], "reference": [REFERENCE, REFERENCE]}
    critics = trl_reward.critic_rewards(["Add."] * 2, [RIGHT, WRONG], **columns)
    equal(critics, [0.0, 0.5])


def openrlhf(folder):
    process = subprocess.Popen(
        [sys.executable, f"{folder}/openrlhf_reward.py", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        url = process.stdout.readline().strip()

        def post(body):
            request = urllib.request.Request(
                url, json.dumps(body).encode(), {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)

        prompt = "<user>Add.<assistant>"
        label = json.dumps({"checks": CHECKS, "reference": REFERENCE})
        body = {
            "query": [prompt + text for text in TEXTS],
            "prompts": [prompt] * len(TEXTS),
            "labels": [label] * len(TEXTS),
        }
        answer = post(body)
        equal(answer["rewards"], EXPECTED)
        equal(answer["scores"], EXPECTED)
        own = json.dumps([{"kind": "script", "source": "assert add(1, 2) == 3"}])
        answer = post({"query": [BARE], "prompts": [""], "labels": [own]})
        equal(answer["rewards"], [1.0])
        try:
            post({"query": [BARE]})
            raise AssertionError("it takes anything")
        except urllib.error.HTTPError as error:
            equal(error.code, 422)
    finally:
        process.kill()
        process.wait()


def retries():
    """Statuses that say "later", a line that breaks off, and a fault, before there are results."""
    import http.server
    import threading

    result = {"id": "0", "verdicts": [], "reward": {"generator": 1.0, "critic": []}}
    fault = {"id": "0", "error": {"code": "engine", "message": "", "retryable": True}}
    line = json.dumps(result) + "\n"
    answers = [
        (429, {"Retry-After": "0"}, "{}"),
        (503, {"Retry-After": "0"}, "not JSON"),
        (504, {"Retry-After": "0"}, ""),
        (200, {}, json.dumps(fault) + "\n"),
        (200, {}, line[:20]),
        (200, {}, line),
        (403, {}, json.dumps({"status": 403, "detail": "not for this key"})),
        (404, {}, "<html>"),
    ]
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append(self.headers.get("Authorization"))
            self.rfile.read(int(self.headers["Content-Length"]))
            status, headers, body = answers.pop(0)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *arguments):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    there = client.Client(f"http://127.0.0.1:{server.server_port}", key="the-key")
    # Where the server does not say how long, nobody wants to wait here.
    client.time.sleep = lambda _: None
    one = [{"id": "0", "language": "python", "code": "", "checks": []}]
    equal(list(there.check(one)), [result])
    for says in ["403 not for this key", "404 Not Found"]:
        try:
            list(there.check(one))
            raise AssertionError("it goes on")
        except client.Refused as refused:
            equal(str(refused), says)
    equal(set(seen), {"Bearer the-key"})
    equal(len(seen), 8)


trl()
openrlhf(sys.argv[1])
retries()

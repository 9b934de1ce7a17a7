"""Writes the first files of the corpora: small requests, values and pairs of values.

Usage: python3 fuzz/seeds.py. What the guest's own encoder makes of Python's values is a value. Files that
fuzzing added are left where they are.
"""

import json
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from hashlib import sha1
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "sandbox"))
sys.dont_write_bytecode = True
import values  # noqa: E402

ITSELF = [1]
ITSELF.append(ITSELF)
TWICE = ["x" * 70]
UTC = timezone.utc
VALUES = [
    None, ..., NotImplemented, True, 7, -1, 300, 2**63, -(10**30), 0.5, -0.0, float("nan"), float("inf"),
    1 + 2j, "", "a", "é\ud800", b"\0\xff", bytearray(b"x"), Decimal("1.50"), Decimal("-1E+400"), Decimal("NaN"),
    Decimal("Infinity"), Fraction(-3, 2), date(2024, 2, 29), datetime(2024, 2, 29, 1, 2, 3, 4), time(1, 2, 3),
    datetime(2024, 1, 1, tzinfo=UTC), time(1, tzinfo=timezone(timedelta(hours=1))), timedelta(-1, 5), UTC,
    range(0, 9, 2), range(10**30), slice(None, 1, 2.0), object(), [1, "a", 2.5], (), ((1, 2), [3]), deque([1, 2]),
    {1, 2}, frozenset({(1, 2), frozenset()}), {"k": [1], 2: None}, OrderedDict(a=1, b=2), Counter("aab"),
    defaultdict(int, {1: 2}), [1.5] * 9, [300] * 9, ITSELF, TWICE * 2, {(1, "a"): {"b": {1.0}}},
]
# Values that Python finds equal although they are written differently, and some that are near.
PAIRS = [
    (1, 1.0), (True, Decimal(1)), (0.5, Fraction(1, 2)), (2**53, 2.0**53), (2**53 + 1, 2.0**53), (0.0, -0.0),
    (1 + 0j, 1), (10**23, 1e23), (Decimal("1E+400"), 10**400), ([1, 2], (1, 2)), ([1, 2], [1, 2.0]), ({1, 2}, {2.0, 1}),
    ({1: 2}, OrderedDict({1: 2})), (OrderedDict(a=1, b=2), OrderedDict(b=2, a=1)), (Counter(a=0), Counter()),
    ({"a": [1]}, {"a": [2]}), (frozenset({(1,)}), {(1.0,)}), (range(0), range(5, 5)), (slice(1), slice(None, 1)),
    (datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))),
    (ITSELF, ITSELF), (ITSELF, [1, ITSELF]), (["a" * 200], ["a" * 200]), (b"a", bytearray(b"a")), ("a", b"a"),
    ([float("nan")], [float("nan")]), (deque([1]), deque([1])), ([1.5] * 9, [1.5] * 9), (1.0, 1.0000001),
]

CALL = {"kind": "call", "call": "f(1)", "expected": "2"}
CHECKS = [
    CALL, {"id": "a", "kind": "call", "call": "f()", "expected_exception": "ValueError", "trusted": True},
    {"kind": "call", "call": "f()"}, {"kind": "stdio", "stdin": "1\n", "expected": "2\n", "exit_status": 3},
    {"kind": "stdio", "expected": "", "files": {"data/in.txt": "AAEC", "b": ""}, "checker": "import sys"},
    {"kind": "script", "source": "assert f() == 2"},
    {"kind": "script", "source": "def check(f): pass", "entry_point": "f"},
    {"kind": "critic", "text": "<testcase> CALL: f(0) </testcase>"},
    {"kind": "critic", "text": "\ud800\0 <testcase>STDIN: 1\n2</testcase>"},
]
FIELDS = [
    {"limits": {"time_ms": 1000, "memory_bytes": 1 << 20, "output_bytes": 1}}, {"isolation": "shared", "seed": 7},
    {"compare": {"float_tolerance": 1e-6, "whitespace": "tokens"}}, {"stop_on_failure": True, "id": "x"},
    {"limits": {}}, {"compare": {"whitespace": "exact"}}, {"isolation": "split", "seed": 2**64 - 1},
    # Refused:
    {"limits": {"time_ms": 0}}, {"language": "c"}, {"unknown": [1]}, {"code": None}, {"seed": -1},
    {"compare": {"float_tolerance": -1}}, {"checks": [{"kind": "call"}]}, {"checks": [[]]}, {"checks": []},
    {"checks": [{"kind": "stdio", "expected": "", "files": {"../x": "AA=="}}]},
    {"problem": "no such"}, {"id": "\ud800"}, {"checks": [{"kind": "other"}]},
]


def requests():
    program = {"language": "python", "code": "def f(x): return 2"}
    for check in CHECKS:
        yield {"submissions": [program | {"checks": [check], "reference": "def f(x): return 2"}]}
    for fields in FIELDS:
        yield {"submissions": [program | {"checks": [CALL]} | fields]}
    problem = {"id": "p", "reference": "x", "checks": [CALL], "limits": {"time_ms": 5}, "compare": {}}
    yield {"problems": [problem], "submissions": [program | {"problem": "p"}, program | {"problem": "p", "checks": CHECKS}]}
    yield {"problems": [problem, problem], "submissions": []}
    yield {"submissions": {}}
    yield []


def write(target, seeds):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        (folder / sha1(seed).hexdigest()).write_bytes(seed)


def pair(a, b):
    first = values.encode(a)
    return bytes([len(first)]) + first + values.encode(b)


write("request", [json.dumps(request, separators=(",", ":")).encode() for request in requests()])
write("value", [values.encode(value) for value in VALUES])
write("comparison", [pair(a, b) for a, b in PAIRS if len(values.encode(a)) < 256])

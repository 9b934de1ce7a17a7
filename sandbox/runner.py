"""Runs one program: fetches the job through the door, executes it, reports what became of it.

With `report.rs` the only speaker of the job's and the report's format. Keeps its own references
to everything it uses, since the program may replace what it finds in modules and builtins.
"""

import builtins
import io
import linecache
import marshal
import sys

import touchstone_candidate as candidate
import touchstone_exports as exports
import touchstone_jobs as jobs
import touchstone_judge as judge
from touchstone_jobs import PROGRAM_FILE
from touchstone_shims import ending
from touchstone_tests import Tests

RUNNER_FILES = frozenset({"<touchstone_runner>", "<touchstone_jobs>"})

# Frames that are shown of each end of a traceback.
SHOWN_FRAMES = 50

_call, _compiled, _describe, _ended, _load, _Module, _modules = (
    jobs.call, jobs.compiled, jobs.describe, jobs.ended, jobs.load, jobs.Module, jobs.modules)
_exec, _eval, _type, _len, _int, _isinstance = exec, eval, type, len, int, isinstance
_set_int_max_str_digits = sys.set_int_max_str_digits
_dumps = marshal.dumps


def main():
    """Runs the job behind the door. The name under which the host calls the interpreter."""
    kind, seed, *fields = jobs.fields(_call(b"J"))
    if seed != b"0":
        jobs.seed(_int(seed))
    if kind == b"P":
        candidate.main(fields[0], fields[1])
        jobs.flush()
        return
    if kind == b"K":
        report = _code(fields[0], fields[1])
    elif kind == b"M":
        report = _main(fields[0], fields[1], fields[2:])
    elif kind == b"C":
        report = _expression(fields[0], fields[1], fields[2])
    elif kind == b"S":
        report = _script(fields[0], fields[1], fields[2], fields[3], fields[4])
    elif kind == b"E":
        report = judge.expression(fields[0], fields[1] if _len(fields) > 1 else None)
    else:
        report = judge.script(fields[0], fields[1], fields[2])
    jobs.flush()
    report.insert(1, b"\n".join(jobs.warnings()))
    _call(b"R" + jobs.joined(report))


def _code(what, source):
    """The code of a text that others will run."""
    phase, file = (b"p", PROGRAM_FILE) if what == b"p" else (b"c", judge.TEST_FILE)
    try:
        return [b"K", _dumps(_compiled(source, file, "exec"))]
    except BaseException as error:
        return _ended(phase, error)


# Programs


def _main(code, ready, arguments):
    """The program as `__main__`."""
    module = _Module("__main__")
    namespace = module.__dict__
    namespace["__file__"] = PROGRAM_FILE
    namespace["__builtins__"] = builtins
    namespace["__annotations__"] = {}
    _modules["__main__"] = module
    sys.argv = [PROGRAM_FILE, *[argument.decode("utf-8", "surrogatepass") for argument in arguments]]
    status, raised = 0, None
    try:
        _exec(_compiled(code, PROGRAM_FILE, "exec", ready), namespace)
    except SystemExit as left:
        status = jobs.exit_status(left)
    except BaseException as error:
        status, raised = 1, error
        _show(error, code)
    try:
        status = ending.finish() or status
    except BaseException as error:
        _show(error, code)
    report = [b"E", b"%d" % status]
    if raised is not None:
        report += _describe(raised)
    return report


def _show(error, code):
    """Prints a traceback as `python3 main.py` does, without the runner's own frames."""
    try:
        text = code.decode("utf-8", "replace")
        linecache.cache[PROGRAM_FILE] = (_len(text), None, text.splitlines(True), PROGRAM_FILE)
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename in RUNNER_FILES:
            trace = trace.tb_next
        _shorten(trace)
        error.__traceback__ = trace
        sys.excepthook(_type(error), error, trace)
    except BaseException:
        pass


def _shorten(trace):
    """Takes the middle out of a very long traceback: printing 100,000 frames would take longer
    than the program that failed."""
    frames = []
    while trace is not None:
        frames.append(trace)
        trace = trace.tb_next
    if _len(frames) > 2 * SHOWN_FRAMES:
        frames[SHOWN_FRAMES - 1].tb_next = frames[-SHOWN_FRAMES]


# Tests in the program's own interpreter


def _expression(code, ready, source):
    """The value of an expression over the candidate's names."""
    phase = b"p"
    try:
        if not code:
            # An expected value stands for itself: how Python limits programs is not its concern.
            _set_int_max_str_digits(0)
        namespace = _load(code, ready)
        phase = b"c"
        expression = _compiled(source.strip(), judge.CALL_FILE, "eval")
        phase = b"t"
        value = _eval(expression, namespace)
        return [b"V", jobs.encode_value(value), jobs.shown(value)]
    except BaseException as error:
        return _ended(phase, error)


def _script(code, ready, source, ready_source, entry_point):
    """Test code in the candidate's namespace."""
    phase = b"p"
    try:
        namespace = _load(code, ready)
        before = dict(namespace)
        phase = b"c"
        script = _compiled(source, judge.TEST_FILE, "exec", ready_source)
        phase = b"t"
        tests = Tests(script)
        _exec(script, namespace)
        if entry_point:
            name = entry_point.decode()
            if "check" not in namespace:
                return [b"N"]
            if name not in namespace:
                raise NameError(f"name '{name}' is not defined")
            namespace["check"](namespace[name])
            tests.ran = True
        return tests.report(namespace, before)
    except BaseException as error:
        return _ended(phase, error)


# Rehearsal

REHEARSED = b"""
from typing import List
import math

class Point:
    def __init__(self, x, y=0):
        self.x, self.y = x, y

def solve(numbers: List[float], threshold: float = 0.5) -> bool:
    \"\"\"A little of everything.\"\"\"
    seen = {}
    for i, a in enumerate(numbers):
        for j, b in enumerate(numbers):
            if i != j and abs(a - b) < threshold:
                return True
        seen[a] = sorted([str(x) for x in range(3)], key=len, reverse=True)
    total = sum(x * x for x in numbers) + len(seen) + Point(1, 2).x
    text = " ".join("ab c".split()).upper()
    while total > 0:
        total -= 10
    try:
        return numbers[99] == text
    except IndexError:
        return False
print(solve([1.0, 2.0]))
"""


CHECK = b"def check(f):\n    assert f([1.0, 2.0]) == False\n    assert f([1.0, 1.2])\n"


def rehearse():
    """Runs every kind of job some times, so that what they share is specialized. To be called
    before the snapshot only."""
    program = _dumps(_compiled(REHEARSED, PROGRAM_FILE, "exec"))
    check = _dumps(_compiled(CHECK, judge.TEST_FILE, "exec"))
    jobs_alone = [
        (b"K", b"0", b"p", REHEARSED),
        (b"K", b"0", b"t", CHECK),
        (b"M", b"0", REHEARSED, b""),
        (b"M", b"0", REHEARSED, program),
        (b"C", b"0", REHEARSED, program, b"solve([1.0, 2.0], 3)"),
        (b"S", b"0", REHEARSED, program, CHECK, check, b"solve"),
    ]
    tests = [
        (b"T", b"0", CHECK, check, b"solve"),
        (b"E", b"0", b"solve([1.0, 2.0], 3)", b"[True, 'a']"),
        (b"E", b"0", b"solve([1.0, 2.0], threshold=len('abc'))", b"(True, 'a')"),
    ]
    standing = [_modules.get("__main__"), sys.stdout, list(sys.path), list(sys.path_hooks)]
    sys.stdout = judge._stdout = type(sys.stdout)(io.BytesIO(), "utf-8")
    try:
        for _ in range(8):
            for job in jobs_alone:
                _rehearse_alone(job)
            for test in tests:
                _rehearse_split((b"P", b"0", REHEARSED, program), test)
    finally:
        _modules["__main__"], sys.stdout, sys.path[:], sys.path_hooks[:] = standing
        judge._stdout = sys.stdout
        for name in ("solution", "test_solution"):
            _modules.pop(name, None)
        sys.argv = judge._argv = [PROGRAM_FILE]
        linecache.cache.clear()
        judge.forget_finders()
        sys.monitoring.free_tool_id(Tests.TOOL)


def _rehearse_alone(job):
    def answer(request):
        if request == b"J":
            return jobs.joined(job)
        reports.append(request)

    reports = []
    _behind(answer, main)
    if reports[0][5:6] not in b"EKVP":
        raise RuntimeError(f"rehearsal of {job[0]} gave {reports}")


def _rehearse_split(program, test):
    """A judge whose candidate is rehearsed anew up to each of its answers: there is one
    interpreter here for what takes two."""
    asked, reports = [], []

    def judge_hears(request):
        if request == b"J":
            return jobs.joined(test)
        if request[:1] != b"X":
            reports.append(request)
            return b""
        asked.append(request[1:])
        kept = _taken_out()
        reply = _answer_of(program, asked)
        _taken_out()
        _put_back(kept)
        return reply

    _behind(judge_hears, main)
    _taken_out()
    if not reports or reports[0][5:6] not in b"VP":
        raise RuntimeError(f"rehearsal of {test[0]} gave {reports}")


def _answer_of(program, asked):
    """A candidate's answer to the last of these requests."""
    requests, replies = list(asked), []

    def candidate_hears(request):
        if request == b"J":
            return jobs.joined(program)
        replies.append(request[1:])
        return requests.pop(0) if requests else b""

    _behind(candidate_hears, main)
    return replies[-1]


def _behind(door, work):
    """Does something with another door."""
    global _call
    before = _call
    _call = candidate.call = judge.call = door
    try:
        work()
    finally:
        _call = candidate.call = judge.call = before


# What one execution leaves in these modules.
_STATE = (
    exports.objects, exports._numbers, exports._classes, exports._told, judge._named, judge._bases,
    judge._known, judge._proxy_classes, judge._exception_classes, judge._class_names,
    judge._from_program, judge._kept_back, judge._gotten,
    candidate._origins, candidate._borrowed_classes, candidate._borrowed, candidate._described, candidate._kept,
)


def _taken_out():
    kept = [each.copy() for each in _STATE]
    for each in _STATE:
        each.clear()
    candidate._namespace = {}
    return kept


def _put_back(kept):
    for each, contents in zip(_STATE, kept):
        (each.extend if type(each) is list else each.update)(contents)

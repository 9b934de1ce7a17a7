"""Runs one program: fetches the job through the door, executes it, reports what became of it.

With `report.rs` the only speaker of the job's and the report's format. Keeps its own references
to everything it uses, since the program may replace what it finds in modules and builtins.
"""

import builtins
import linecache
import random
import struct
import sys
import types
from opcode import opmap

import _host
import touchstone_values
from touchstone_shims import ending, warning

PROGRAM_FILE = "/work/main.py"
RUNNER_FILE = "<touchstone_runner>"
CALL_FILE = "<call>"
TEST_FILE = "<test>"

# Longest text of an exception, and longest repr, that is reported; enough for people.
MESSAGE_CHARS = 2000
REPR_CHARS = 16384

# Frames that are shown of each end of a traceback.
SHOWN_FRAMES = 50

_call = _host.call
_compile = builtins.compile
_exec = builtins.exec
_eval = builtins.eval
_repr = builtins.repr
_str = builtins.str
_type = builtins.type
_len = builtins.len
_int = builtins.int
_isinstance = builtins.isinstance
_unpack_length = struct.Struct("<I").unpack_from
_pack_length = struct.Struct("<I").pack
_Module = types.ModuleType
_class_mro = type.__dict__["__mro__"].__get__
_class_name = type.__dict__["__name__"].__get__
_modules = sys.modules
_encode_value = touchstone_values.encode_or_opaque


def main():
    """Runs the job behind the door. The name under which the host calls the interpreter."""
    fields = _fields(_call(b"J"))
    kind, seed = fields[0], fields[1]
    if seed != b"0":
        _seed(_int(seed))
    if kind == b"M":
        report = _main(fields[2], fields[3:])
    elif kind == b"C":
        report = _call_job(fields[2], fields[3])
    else:
        report = _script(fields[2], fields[3], fields[4])
    _flush()
    report.insert(1, b"\n".join(_warnings()))
    _call(b"R" + b"".join([_pack_length(_len(field)) + field for field in report]))


def _fields(payload):
    fields, at = [], 0
    while at < _len(payload):
        (length,) = _unpack_length(payload, at)
        at += 4
        fields.append(payload[at : at + length])
        at += length
    return fields


def _seed(seed):
    random.seed(seed)
    numpy = _modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed & 0xFFFFFFFF)


def _warnings():
    return [text.encode("utf-8", "backslashreplace") for text in warning._touchstone_warnings]


# Programs


def _compiled(source, file, mode):
    """Code of a text. What nests too deeply for the parser is an error of the text, not a lack of
    memory, whatever the parser calls it."""
    try:
        return _compile(source, file, mode, 0, True)
    except MemoryError as error:
        text = _str(error)
        if not text.startswith("Parser stack overflowed"):
            raise
    raise SyntaxError(text, (file, 1, 0, ""))


def _main(code, arguments):
    """The program as `__main__`."""
    module = _Module("__main__")
    namespace = module.__dict__
    namespace["__file__"] = PROGRAM_FILE
    namespace["__builtins__"] = builtins
    namespace["__annotations__"] = {}
    _modules["__main__"] = module
    sys.argv = [PROGRAM_FILE, *[_text(argument) for argument in arguments]]
    status, raised = 0, None
    try:
        _exec(_compiled(code, PROGRAM_FILE, "exec"), namespace)
    except SystemExit as left:
        status = _exit_status(left)
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


def _exit_status(left):
    code = left.code
    if code is None:
        return 0
    if _isinstance(code, _int):
        return _int(code) & 0xFF
    try:
        print(code, file=sys.stderr)
    except BaseException:
        pass
    return 1


def _show(error, code):
    """Prints a traceback as `python3 main.py` does, without the runner's own frames."""
    try:
        text = code.decode("utf-8", "replace")
        linecache.cache[PROGRAM_FILE] = (_len(text), None, text.splitlines(True), PROGRAM_FILE)
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename == RUNNER_FILE:
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


def _module(code):
    """The candidate program as a module of its own; not `__main__`, so that what it does when it
    is started as a program does not happen."""
    module = _Module("solution")
    namespace = module.__dict__
    namespace["__builtins__"] = builtins
    _modules["solution"] = module
    if code:
        _exec(_compiled(code, PROGRAM_FILE, "exec"), namespace)
    return namespace


def _call_job(code, call):
    """The value of an expression over the candidate's names."""
    phase = b"p"
    try:
        namespace = _module(code)
        phase = b"c"
        expression = _compiled(call.strip(), CALL_FILE, "eval")
        phase = b"t"
        value = _eval(expression, namespace)
        return [b"V", _encode_value(value), _shown(value)]
    except SystemExit as left:
        return [b"L", phase, b"%d" % _exit_status(left)]
    except BaseException as error:
        return [b"X", phase, *_describe(error)]


def _script(code, source, entry_point):
    """Test code in the candidate's namespace."""
    phase = b"p"
    try:
        namespace = _module(code)
        before = dict(namespace)
        phase = b"c"
        script = _compiled(source, TEST_FILE, "exec")
        phase = b"t"
        tests = _Tests(script)
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
    except SystemExit as left:
        return [b"L", phase, b"%d" % _exit_status(left)]
    except BaseException as error:
        return [b"X", phase, *_describe(error)]


class _Tests:
    """Whether a script ran a test, and its `unittest` classes."""

    # The instruction that raises a value; an assert statement compiles to it too.
    RAISE = bytes([opmap["RAISE_VARARGS"], 1])
    TOOL = 4

    def __init__(self, script):
        self.ran = self._asserts(script)
        if not self.ran:
            self._watch(script)

    def _asserts(self, code):
        """Whether a piece of code tests something itself."""
        if any(name.startswith("assert") for name in code.co_names):
            return True
        # Instructions stand at even places.
        at = code.co_code.find(self.RAISE)
        while at > 0 and at % 2 == 1:
            at = code.co_code.find(self.RAISE, at + 1)
        return at >= 0

    def _watch(self, script):
        """Waits for a function that tests something to be called."""
        pending = [script]
        watched = []
        while pending:
            for constant in pending.pop().co_consts:
                if _type(constant) is types.CodeType:
                    pending.append(constant)
                    if self._asserts(constant):
                        watched.append(constant)
        if not watched:
            return
        monitoring = sys.monitoring
        start = monitoring.events.PY_START

        def started(code, offset):
            self.ran = True
            return monitoring.DISABLE

        if monitoring.get_tool(self.TOOL) is None:
            monitoring.use_tool_id(self.TOOL, "touchstone")
        monitoring.register_callback(self.TOOL, start, started)
        for code in watched:
            monitoring.set_local_events(self.TOOL, code, start)

    def report(self, namespace, before):
        cases = [
            value
            for name, value in namespace.items()
            if _isinstance(value, _type)
            and issubclass(value, _TestCase)
            and value is not _TestCase
            and before.get(name) is not value
        ]
        if cases:
            return self._unittest(cases)
        return [b"P"] if self.ran else [b"N"]

    def _unittest(self, cases):
        load = _unittest.defaultTestLoader.loadTestsFromTestCase
        result = _unittest.TestResult()
        for case in cases:
            load(case).run(result)
        bad = result.failures + result.errors
        if bad or result.unexpectedSuccesses:
            test, trace = bad[0] if bad else (result.unexpectedSuccesses[0], "unexpected success")
            lines = [line for line in trace.splitlines() if line and not line[0].isspace()]
            message = f"{lines[-1] if lines else trace} ({test})"
            only = b"0" if result.errors else b"1"
            return [b"F", only, _clip(message)]
        if result.testsRun > _len(result.skipped) or self.ran:
            return [b"P"]
        return [b"N"]


import unittest as _unittest

_TestCase = _unittest.TestCase


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


def rehearse():
    """Runs every kind of job some times, so that what they share is specialized. To be called
    before the snapshot only."""
    global _call
    script = b"def check(f):\n    assert f([1.0, 2.0]) == False\n    assert f([1.0, 1.2])\n"
    jobs = [
        (b"M", b"0", REHEARSED),
        (b"C", b"0", REHEARSED, b"solve([1.0, 2.0], 3)"),
        (b"S", b"0", REHEARSED, script, b"solve"),
    ]
    door, standing = _call, [_modules.get("__main__"), sys.stdout]
    sys.stdout = type(sys.stdout)(__import__("io").BytesIO(), "utf-8")
    try:
        for job in jobs * 8:
            payload = b"".join([_pack_length(_len(field)) + field for field in job])
            reports = []
            _call = lambda request: payload if request == b"J" else reports.append(request)
            main()
            if reports[0][5:6] not in b"EVP":
                raise RuntimeError(f"rehearsal of {job[0]} gave {reports}")
    finally:
        _call = door
        _modules["__main__"], sys.stdout = standing
        _modules.pop("solution", None)
        sys.argv = [PROGRAM_FILE]
        linecache.cache.clear()
        sys.monitoring.free_tool_id(_Tests.TOOL)


# Reports


def _shown(value):
    try:
        text = _repr(value)
        if _len(text) > REPR_CHARS:
            text = text[:REPR_CHARS] + f"… ({_len(text)} characters)"
        return text.encode("utf-8", "backslashreplace")
    except BaseException as error:
        return f"<{_class_name(_type(value))} object whose repr raised {_class_name(_type(error))}>".encode(
            "utf-8", "backslashreplace"
        )


def _describe(error):
    """Class names and the last line of a traceback."""
    warning.of_exception(error)
    kind = _type(error)
    classes = [_class_name(each) for each in _class_mro(kind)[:-1]]
    name = classes[0]
    try:
        text = _str(error)
    except BaseException:
        text = "<exception str() failed>"
    return ["\n".join(classes).encode("utf-8", "backslashreplace"), _clip(f"{name}: {text}" if text else name)]


def _clip(text):
    if _len(text) > MESSAGE_CHARS:
        text = text[:MESSAGE_CHARS] + "…"
    return text.encode("utf-8", "backslashreplace")


def _text(data):
    return data.decode("utf-8", "surrogatepass")


def _flush():
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        try:
            stream.flush()
        except BaseException:
            pass

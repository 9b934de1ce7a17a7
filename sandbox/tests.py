"""Whether test code tests anything, and what its `unittest` classes come to."""

import sys
import types
import unittest as _unittest
from opcode import opmap

from touchstone_jobs import clip

_type, _len, _isinstance = type, len, isinstance
_TestCase = _unittest.TestCase


class Tests:
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
        # pytest's `raises` and `warns` fail where nothing comes.
        if any(name.startswith("assert") or name in ("raises", "warns") for name in code.co_names):
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
            return [b"F", only, clip(message)]
        if result.testsRun > _len(result.skipped) or self.ran:
            return [b"P"]
        return [b"N"]

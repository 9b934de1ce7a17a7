//! Checks of one expression.

use super::*;

const ADD: &str = "def add(a, b):\n    return a + b\n";
const SUBTRACT: &str = "def add(a, b):\n    return a - b\n";
const RAISE: &str = "def add(a, b):\n    raise KeyError(a)\n";

#[test]
fn values() {
    check(vec![
        alone(
            ADD,
            call("add(2, 3)", "5"),
            json!({"outcome": "pass", "message": "", "expected": "5", "actual": "5", "stdout": "",
                   "stderr": "", "isolation": "split", "cached": false, "backstop": null,
                   "warnings": null, "id": "0"}),
        ),
        alone(
            SUBTRACT,
            call("add(2, 3)", "5"),
            json!({"outcome": "fail", "message": "the values differ", "expected": "5", "actual": "-1"}),
        ),
        alone(ADD, call("add([1], [2.0])", "[1, 2]"), passed()),
        alone(
            ADD,
            call("add('1', '2')", "12"),
            outcome("fail", "the values differ"),
        ),
        alone(ADD, call("  add(1,\n 2)  ", " 3 "), passed()),
        alone(
            "class S:\n    def f(self, n):\n        return n.v\nclass N:\n    def __init__(self, v):\n        self.v = v",
            call("S().f(N(1))", "1"),
            passed(),
        ),
        alone(
            "class Any:\n    def __eq__(self, other):\n        return True\n    def __repr__(self):\n        return '5'\ndef f():\n    return Any()",
            call("f()", "5"),
            json!({"outcome": "fail", "message": "the value is not plain data", "actual": "5"}),
        ),
        alone(
            "def f():\n    print('out')\n    import sys\n    print('err', file=sys.stderr)",
            call("f()", "None"),
            json!({"outcome": "pass", "stdout": "out\n", "stderr": "err\n"}),
        ),
        alone(
            "def f(n):\n    a = []\n    a.append(a)\n    return a",
            call("f(1)", "(lambda a: a.append(a) or a)([])"),
            passed(),
        ),
        alone(
            "import numpy as np\ndef f():\n    return np.arange(3)",
            call("f()", "__import__('numpy').array([0, 1, 2])"),
            passed(),
        ),
        // The module is not `__main__`.
        alone(
            "x = __name__\nif x == '__main__':\n    x = 1 / 0",
            call("x", "'solution'"),
            passed(),
        ),
    ]);
}

#[test]
fn references_say_the_value() {
    check(vec![
        beside(
            ADD,
            ADD,
            asked("add(-1, 0)"),
            json!({"outcome": "pass", "expected": "-1", "actual": "-1"}),
        ),
        beside(
            ADD,
            SUBTRACT,
            asked("add(1, 1)"),
            json!({"outcome": "fail", "message": "the values differ", "expected": "2", "actual": "0"}),
        ),
        beside(
            ADD,
            ADD,
            asked("add"),
            invalid("the reference's value is not plain data: function"),
        ),
        beside(
            RAISE,
            ADD,
            asked("add(1, 2)"),
            json!({"outcome": "invalid", "message": "the reference does not pass: KeyError: 1",
                   "fuel": 0, "memory_bytes": 0, "actual": null}),
        ),
        beside(
            ADD,
            SUBTRACT,
            call("add(2, 3)", "6"),
            json!({"outcome": "invalid", "message": "the reference does not pass: the values differ",
                   "expected": "6", "actual": null}),
        ),
        beside(
            ADD,
            SUBTRACT,
            json!({"kind": "call", "call": "add(2, 3)", "expected": "-1", "trusted": true}),
            passed(),
        ),
        beside(
            "def f(:",
            ADD,
            asked("add(1, 2)"),
            invalid(
                "the reference does not pass: the program does not load: SyntaxError: invalid syntax (main.py, line 1)",
            ),
        ),
        beside(
            "while True: pass",
            ADD,
            asked("add(1, 2)"),
            invalid("the reference does not pass: out of guest time"),
        )
        .with("limits", json!({"time_ms": 50})),
    ]);
}

#[test]
fn errors() {
    check(vec![
        alone(
            RAISE,
            call("add(1, 2)", "3"),
            outcome("error", "KeyError: 1"),
        ),
        alone(
            RAISE,
            call("add(1, 2)", "3"),
            json!({"expected": "3", "actual": null}),
        ),
        alone(
            "x = 1",
            call("add(1, 2)", "3"),
            outcome("error", "NameError: name 'add' is not defined"),
        ),
        alone(
            "def add(:",
            call("add(1, 2)", "3"),
            outcome(
                "error",
                "the program does not load: SyntaxError: invalid syntax (main.py, line 1)",
            ),
        ),
        alone(
            "1 / 0",
            call("add(1, 2)", "3"),
            outcome(
                "error",
                "the program does not load: ZeroDivisionError: division by zero",
            ),
        ),
        alone(
            "import sys\ndef f():\n    sys.exit(3)",
            call("f()", "None"),
            outcome("error", "left with exit status 3"),
        ),
        alone(
            "import sys\nsys.exit()\ndef f(): pass",
            call("f()", "None"),
            outcome("error", "left with exit status 0"),
        ),
        alone(
            "import os\ndef f():\n    os._exit(0)",
            call("f()", "None"),
            outcome("error", "left with exit status 0"),
        ),
        alone(
            "def f():\n    assert False, 'no'",
            call("f()", "None"),
            outcome("error", "AssertionError: no"),
        ),
        alone(
            "def f(n):\n    return f(n + 1)",
            call("f(0)", "0"),
            outcome("error", "RecursionError: maximum recursion depth exceeded"),
        ),
        alone(
            "class E(Exception):\n    def __str__(self):\n        raise ValueError\ndef f():\n    raise E",
            call("f()", "0"),
            outcome("error", "E: <exception str() failed>"),
        ),
        alone(
            "def f():\n    raise ValueError('two\\nlines')",
            call("f()", "0"),
            outcome("error", "ValueError: two"),
        ),
    ]);
}

#[test]
fn expected_exceptions() {
    const BASES: &str = "class Mine(ValueError): pass\ndef f(x):\n    raise Mine(x)\n";
    check(vec![
        alone(
            BASES,
            raising("f(1)", "Mine"),
            json!({"outcome": "pass", "message": "", "expected": "Mine", "actual": "Mine: 1"}),
        ),
        alone(BASES, raising("f(1)", "ValueError"), passed()),
        alone(BASES, raising("f(1)", "builtins.ValueError"), passed()),
        alone(
            BASES,
            raising("f(1)", "KeyError"),
            json!({"outcome": "fail", "message": "Mine: 1", "expected": "KeyError", "actual": "Mine: 1"}),
        ),
        alone(
            "def f(x):\n    return x",
            raising("f(1)", "KeyError"),
            json!({"outcome": "fail", "message": "returned, did not raise KeyError", "actual": "1"}),
        ),
        // Only what the call raises counts.
        alone(
            "raise KeyError",
            raising("f(1)", "KeyError"),
            outcome("error", "the program does not load: KeyError"),
        ),
        alone(
            "import sys\ndef f(x):\n    sys.exit(0)",
            raising("f(1)", "SystemExit"),
            outcome("error", "left with exit status 0"),
        ),
        beside(
            "def f(x):\n    return x",
            BASES,
            raising("f(1)", "ValueError"),
            invalid("the reference does not pass: returned, did not raise ValueError"),
        ),
    ]);
}

#[test]
fn checks_that_are_no_good() {
    let closed = "the check does not compile: SyntaxError: '(' was never closed (<call>, line 1)";
    check(vec![
        alone(ADD, call("add(1, 2", "3"), invalid(closed)),
        alone(
            ADD,
            call("x = 1", "3"),
            invalid("the check does not compile: SyntaxError: invalid syntax (<call>, line 1)"),
        ),
        alone(
            ADD,
            call("import os", "3"),
            invalid("the check does not compile: SyntaxError: invalid syntax (<call>, line 1)"),
        ),
        alone(
            ADD,
            call("", "3"),
            invalid("the check does not compile: SyntaxError: invalid syntax (<call>, line 0)"),
        ),
        alone(
            ADD,
            call("add(1, 2)", "3 +"),
            invalid(
                "the expected value cannot be had: SyntaxError: invalid syntax (<expected>, line 1)",
            ),
        ),
        alone(
            ADD,
            call("add(1, 2)", "add(1, 2)"),
            invalid("the expected value cannot be had: NameError: name 'add' is not defined"),
        ),
        alone(
            ADD,
            call("add(1, 2)", "object()"),
            invalid("the expected value is not plain data: object"),
        ),
        alone(
            ADD,
            call("add(1, 2)", "1 / 0"),
            invalid("the expected value cannot be had: ZeroDivisionError: division by zero"),
        ),
        alone(
            ADD,
            call("add(1, 2)", "[0] * 10**9"),
            invalid("the expected value cannot be had: MemoryError"),
        ),
        beside(
            ADD,
            SUBTRACT,
            asked("add(1, 2"),
            invalid(&format!("the reference does not pass: {closed}")),
        ),
        // The candidate cannot make a sound check look invalid.
        alone(
            "import builtins\ndef compile(*a, **k):\n    raise SyntaxError('no')\nbuiltins.compile = builtins.eval = compile\ndef add(a, b):\n    raise SyntaxError('mine')",
            call("add(1, 2)", "3"),
            outcome("error", "SyntaxError: mine"),
        ),
    ]);
}

#[test]
fn tolerances_are_for_floats() {
    let tolerance = |row: Row| row.with("compare", json!({"float_tolerance": 1e-6}));
    let thirds = "def f():\n    return [1 / 3, {'a': (2 / 3,)}, 1]";
    let expected = "[0.33333334, {'a': (0.66666667,)}, 1]";
    check(vec![
        tolerance(alone(thirds, call("f()", expected), passed())),
        alone(
            thirds,
            call("f()", expected),
            outcome("fail", "the values differ"),
        ),
        tolerance(alone(
            thirds,
            call("f()", "[0.3334, {'a': (0.66666667,)}, 1]"),
            outcome("fail", "the values differ"),
        )),
        tolerance(alone(
            "x = 1000001",
            call("x", "1000000"),
            outcome("fail", "the values differ"),
        )),
        tolerance(alone(
            "x = float('nan')",
            call("x", "float('nan')"),
            passed(),
        )),
        tolerance(alone(
            "x = 1e400",
            call("x", "1e308"),
            outcome("fail", "the values differ"),
        )),
    ]);
}

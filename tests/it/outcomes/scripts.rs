//! Checks by test code.

use super::*;

const ADD: &str = "def add(a, b):\n    return a + b\n";
const SUBTRACT: &str = "def add(a, b):\n    return a - b\n";

fn entering(source: &str) -> Value {
    json!({"kind": "script", "source": source, "entry_point": "add"})
}

#[test]
fn what_pytest_expects_to_be_raised() {
    let test = "import pytest\nwith pytest.raises(TypeError):\n    add(1, '')";
    check(vec![
        alone(ADD, script(test), passed()),
        alone(
            "def add(a, b):\n    return a",
            script(test),
            outcome("fail", "Failed: DID NOT RAISE TypeError"),
        ),
        alone(
            "def add(a, b):\n    raise KeyError(b)",
            script(test),
            outcome("error", "KeyError: ''"),
        ),
    ]);
}

#[test]
fn asserts() {
    check(vec![
        alone(
            ADD,
            script("assert add(1, 2) == 3"),
            json!({"outcome": "pass", "message": "", "isolation": "split", "expected": null, "actual": null}),
        ),
        alone(
            SUBTRACT,
            script("assert add(1, 2) == 3"),
            outcome("fail", "AssertionError"),
        ),
        alone(
            SUBTRACT,
            script("assert add(1, 2) == 3, f'got {add(1, 2)}'"),
            outcome("fail", "AssertionError: got -1"),
        ),
        alone(
            ADD,
            script("def test():\n    assert add(1, 2) == 3\ntest()"),
            passed(),
        ),
        alone(
            SUBTRACT,
            script("def test():\n    assert add(1, 2) == 3\ntest()"),
            outcome("fail", "AssertionError"),
        ),
        alone(
            ADD,
            script("if add(1, 2) != 3:\n    raise AssertionError('x')"),
            passed(),
        ),
        alone(
            ADD,
            script(
                "import numpy\nnumpy.testing.assert_array_equal(add(numpy.arange(3), 1), [1, 2, 3])",
            ),
            passed(),
        ),
        alone(
            ADD,
            script("print('testing')\nassert add(1, 2) == 3"),
            json!({"outcome": "pass", "stdout": "testing\n"}),
        ),
        alone(
            ADD,
            script("from solution import add as plus\nassert plus(1, 2) == 3"),
            passed(),
        ),
    ]);
}

#[test]
fn errors() {
    check(vec![
        alone(
            "",
            script("assert add(1, 2) == 3"),
            outcome("error", "NameError: name 'add' is not defined"),
        ),
        alone(
            "def add(a):\n    return a",
            script("assert add(1, 2) == 3"),
            outcome(
                "error",
                "TypeError: add() takes 1 positional argument but 2 were given",
            ),
        ),
        alone(
            "def add(a, b:\n    pass",
            script("assert add(1, 2) == 3"),
            json!({"outcome": "error"}),
        ),
        alone(
            "import sys\ndef add(a, b):\n    sys.exit(0)",
            script("assert add(1, 2) == 3"),
            outcome("error", "left with exit status 0"),
        ),
        alone(
            "import os\nos._exit(0)",
            script("assert add(1, 2) == 3"),
            outcome("error", "left with exit status 0"),
        ),
        alone(
            ADD,
            script("assert add(1, 2) == 3\n1 / 0"),
            outcome("error", "ZeroDivisionError: division by zero"),
        ),
        // An assertion of the program's own, while it loads, is no test's.
        alone(
            "assert False",
            script("assert True"),
            outcome("error", "the program does not load: AssertionError"),
        ),
    ]);
}

#[test]
fn unittest_classes() {
    const TESTS: &str = "import unittest\nclass TestAdd(unittest.TestCase):\n    def test_sum(self):\n        self.assertEqual(add(1, 2), 3)\n    def test_text(self):\n        self.assertEqual(add('a', 'b'), 'ab')\n";
    check(vec![
        alone(ADD, script(TESTS), passed()),
        alone(
            ADD,
            script(&format!(
                "{TESTS}if __name__ == '__main__':\n    unittest.main()\n"
            )),
            passed(),
        ),
        alone(
            "def add(a, b):\n    return a",
            script(TESTS),
            outcome(
                "fail",
                "AssertionError: 1 != 3 (test_sum (test_solution.TestAdd.test_sum))",
            ),
        ),
        alone(SUBTRACT, script(TESTS), json!({"outcome": "error"})),
        alone(
            ADD,
            script(
                "import unittest\nclass T(unittest.TestCase):\n    @unittest.skip('later')\n    def test(self):\n        self.fail()\n",
            ),
            invalid("the script runs no test"),
        ),
        alone(
            ADD,
            script(
                "import unittest\nclass T(unittest.TestCase):\n    @unittest.expectedFailure\n    def test(self):\n        self.assertEqual(add(1, 2), 3)\n",
            ),
            json!({"outcome": "fail"}),
        ),
        alone(
            ADD,
            script(
                "import unittest\nclass T(unittest.TestCase):\n    def setUp(self):\n        raise KeyError('set-up')\n    def test(self):\n        pass\n",
            ),
            outcome("error", "KeyError: 'set-up' (test (test_solution.T.test))"),
        ),
        alone(
            ADD,
            script(
                "import unittest\nclass T(unittest.IsolatedAsyncioTestCase):\n    async def test(self):\n        self.assertEqual(add(1, 2), 3)\n",
            ),
            passed(),
        ),
    ]);
}

#[test]
fn check_functions() {
    const CHECK: &str =
        "def check(candidate):\n    assert candidate(1, 2) == 3\n    assert candidate(0, 0) == 0\n";
    check(vec![
        alone(ADD, entering(CHECK), passed()),
        alone(SUBTRACT, entering(CHECK), outcome("fail", "AssertionError")),
        alone(
            "def plus(a, b):\n    return a + b",
            entering(CHECK),
            outcome("error", "NameError: name 'add' is not defined"),
        ),
        alone(ADD, script(&format!("{CHECK}check(add)\n")), passed()),
        alone(
            SUBTRACT,
            script(&format!("{CHECK}check(add)\n")),
            outcome("fail", "AssertionError"),
        ),
        // Defined and never called: no test ran.
        alone(ADD, script(CHECK), invalid("the script runs no test")),
        alone(ADD, entering("x = 1"), json!({"outcome": "invalid"})),
    ]);
}

#[test]
fn scripts_that_are_no_good() {
    let none = invalid("the script runs no test");
    check(vec![
        alone(ADD, script(""), none.clone()),
        alone(ADD, script("# nothing"), none.clone()),
        alone(ADD, script("add(1, 2)"), none.clone()),
        alone(ADD, script("def test():\n    assert False"), none.clone()),
        alone(
            ADD,
            script("import unittest\nclass T(unittest.TestCase):\n    pass"),
            none,
        ),
        alone(
            ADD,
            script("assert add(1, 2 == 3"),
            invalid(
                "the check does not compile: SyntaxError: '(' was never closed (<test>, line 1)",
            ),
        ),
        alone(
            ADD,
            script("return 1"),
            invalid(
                "the check does not compile: SyntaxError: 'return' outside function (<test>, line 1)",
            ),
        ),
        beside(
            ADD,
            SUBTRACT,
            script("assert add(1, 2) == 4"),
            invalid("the reference does not pass: AssertionError"),
        ),
        beside(
            ADD,
            SUBTRACT,
            script("assert add(1, 2) == undefined"),
            invalid("the reference does not pass: NameError: name 'undefined' is not defined"),
        ),
        beside(
            ADD,
            SUBTRACT,
            script("pass"),
            invalid("the reference does not pass: the script runs no test"),
        ),
        beside(
            ADD,
            SUBTRACT,
            script("assert add(1, 2) == 3"),
            outcome("fail", "AssertionError"),
        ),
        beside(
            ADD,
            "def add(a, b):\n    raise IndexError",
            script("assert add(1, 2) == 3"),
            outcome("error", "IndexError"),
        ),
        beside(
            ADD,
            "import unittest\nunittest.TestCase.__subclasses__()\nfor name in list(vars(unittest.TestCase)):\n    if name.startswith('assert'):\n        setattr(unittest.TestCase, name, lambda *a, **k: None)\ndef add(a, b):\n    return a - b",
            script("assert add(1, 2) == 3"),
            outcome("fail", "AssertionError"),
        ),
    ]);
}

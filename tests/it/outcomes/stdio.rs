//! Checks of a whole program.

use super::*;

const SUM: &str = "print(sum(map(int, input().split())))";

/// A checker that takes any permutation of the answer's words.
const PERMUTED: &str = "import sys\ninput_, output, answer = (open(p).read() for p in sys.argv[1:4])\nassert input_ == '3 1 2\\n', input_\nsys.exit(0 if sorted(output.split()) == sorted(answer.split()) else 4)\n";

fn checked(checker: &str) -> Value {
    json!({"kind": "stdio", "stdin": "3 1 2\n", "expected": "1 2 3\n", "checker": checker})
}

#[test]
fn outputs() {
    check(vec![
        alone(
            SUM,
            stdio("1 2\n", "3\n"),
            json!({"outcome": "pass", "message": "", "expected": "3\n", "actual": "3\n", "stdout": "3\n",
                   "stderr": "", "isolation": "split"}),
        ),
        alone(
            SUM,
            stdio("1 2\n", "4\n"),
            json!({"outcome": "fail", "message": "the outputs differ", "expected": "4\n", "actual": "3\n"}),
        ),
        alone(
            "if __name__ == '__main__':\n    print('main')",
            stdio("", "main"),
            passed(),
        ),
        alone("def f(): pass", stdio("", ""), passed()),
        alone(
            "import sys\nsys.stdout.buffer.write(b'\\xff\\n')",
            stdio("", "x"),
            json!({"actual": "\u{fffd}\n"}),
        ),
        beside(
            SUM,
            SUM,
            json!({"kind": "stdio", "stdin": "4 5"}),
            json!({"outcome": "pass", "expected": "9\n"}),
        ),
        beside(
            SUM,
            "print(0)",
            json!({"kind": "stdio", "stdin": "4 5"}),
            json!({"outcome": "fail", "expected": "9\n", "actual": "0\n"}),
        ),
        beside(
            SUM,
            "print(3)",
            stdio("1 2", "4"),
            invalid("the reference does not pass: the outputs differ"),
        ),
        beside(
            SUM,
            "print(3)",
            stdio("one", "3"),
            invalid(
                "the reference does not pass: ValueError: invalid literal for int() with base 10: 'one'",
            ),
        ),
    ]);
}

#[test]
fn whitespace() {
    let with = |rule: &str, output: &str, expected: &str, expect| {
        let code = format!("import sys\nsys.stdout.write({output:?})");
        alone(&code, stdio("", expected), expect).with("compare", json!({"whitespace": rule}))
    };
    let differ = || outcome("fail", "the outputs differ");
    check(vec![
        with("exact", "1\n", "1\n", passed()),
        with("exact", "1\n", "1", differ()),
        with("exact", "1 \n", "1\n", differ()),
        with("trailing", "1 \r\n2\n\n", "1\n2", passed()),
        with("trailing", "1  2", "1 2", differ()),
        with("trailing", "\n1", "1", differ()),
        with("tokens", "\n1   2\n\n3", "1 2 3\n", passed()),
        with("tokens", "12", "1 2", differ()),
        with("tokens", "0.3000001 x", "0.3 x", differ()),
        with("tokens", "0.30000001 x", "0.3 x", passed()).with(
            "compare",
            json!({"whitespace": "tokens", "float_tolerance": 1e-6}),
        ),
        with("trailing", "0.31 x", "0.3 x", differ()).with(
            "compare",
            json!({"whitespace": "trailing", "float_tolerance": 1e-6}),
        ),
    ]);
}

#[test]
fn exit_statuses() {
    let status = |status: u8| json!({"kind": "stdio", "expected": "", "exit_status": status});
    check(vec![
        alone(
            "import sys\nsys.exit(3)",
            stdio("", ""),
            outcome("error", "exit status 3"),
        ),
        alone("import sys\nsys.exit(3)", status(3), passed()),
        alone(
            "import sys\nsys.exit(4)",
            status(3),
            outcome("error", "exit status 4"),
        ),
        alone("pass", status(3), outcome("fail", "exit status 0")),
        alone("import sys\nsys.exit(0)", stdio("", ""), passed()),
        alone(
            "import sys\nsys.exit('bad')",
            stdio("", ""),
            json!({"outcome": "error", "message": "exit status 1", "stderr": "bad\n"}),
        ),
        alone("import sys\nsys.exit(-1)", status(255), passed()),
        alone(
            "import os\nprint('x', flush=True)\nos._exit(0)",
            stdio("", "x"),
            passed(),
        ),
        alone(
            "import os\nos._exit(7)",
            stdio("", ""),
            outcome("error", "exit status 7"),
        ),
        alone("raise SystemExit", stdio("", ""), passed()),
        // An exception that nobody catches ends a program with status 1.
        alone("1 / 0", status(1), passed()),
        alone(
            "print('x')\n1 / 0",
            stdio("", "x"),
            json!({"outcome": "error", "message": "ZeroDivisionError: division by zero", "actual": "x\n",
                   "stderr": "Traceback (most recent call last):\n  File \"/work/main.py\", line 2, in <module>\n    1 / 0\n    ~~^~~\nZeroDivisionError: division by zero\n"}),
        ),
        alone(
            "def f(:",
            stdio("", ""),
            outcome("error", "SyntaxError: invalid syntax (main.py, line 1)"),
        ),
        alone(
            "input()",
            stdio("", ""),
            outcome("error", "EOFError: EOF when reading a line"),
        ),
    ]);
}

#[test]
fn files() {
    let with = json!({"kind": "stdio", "expected": "hello\n['a.txt', 'd'] b'\\x00\\xff'",
                      "files": {"a.txt": "aGVsbG8=", "d/e/b.bin": "AP8="}});
    check(vec![
        alone(
            "import os\nprint(open('a.txt').read())\nprint(sorted(os.listdir()), open('d/e/b.bin', 'rb').read())",
            with.clone(),
            passed(),
        ),
        alone(
            "open('a.txt', 'a').write('!')\nprint(open('/work/a.txt').read())",
            json!({"kind": "stdio", "expected": "hello!", "files": {"a.txt": "aGVsbG8"}}),
            passed(),
        ),
        alone("import os\nprint(os.listdir())", stdio("", "[]"), passed()),
        alone(
            "open('b.txt')",
            with,
            outcome(
                "error",
                "FileNotFoundError: [Errno 44] No such file or directory: 'b.txt'",
            ),
        ),
    ]);
}

#[test]
fn checkers() {
    check(vec![
        alone("print(3, 2, 1)", checked(PERMUTED), passed()),
        alone(
            "print(3, 2, 2)",
            checked(PERMUTED),
            json!({"outcome": "fail", "message": "the checker: exit status 4", "actual": "3 2 2\n", "expected": "1 2 3\n"}),
        ),
        alone(
            "1 / 0",
            checked(PERMUTED),
            outcome("error", "ZeroDivisionError: division by zero"),
        ),
        alone(
            "print(1)",
            checked("x ="),
            invalid("the checker: SyntaxError: invalid syntax (main.py, line 1)"),
        ),
        alone(
            "print(1)",
            checked("1 / 0"),
            invalid("the checker: ZeroDivisionError: division by zero"),
        ),
        beside(
            "print(1, 2, 3)",
            "print(2, 1, 3)",
            checked(PERMUTED),
            passed(),
        ),
        beside(
            "print(1)",
            "print(2, 1, 3)",
            checked(PERMUTED),
            invalid("the reference does not pass: the checker: exit status 4"),
        ),
        // Sound on the reference: an output that breaks it is wrong.
        beside(
            "print(5)",
            "print('five')",
            json!({"kind": "stdio", "checker": "import sys\nint(open(sys.argv[2]).read())"}),
            outcome(
                "fail",
                "the checker: ValueError: invalid literal for int() with base 10: 'five\\n'",
            ),
        ),
    ]);
}

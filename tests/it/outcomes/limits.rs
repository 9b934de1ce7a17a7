//! Programs that go past their limits.

use super::*;

/// Limits that endless programs reach soon.
fn small(row: Row) -> Row {
    row.with(
        "limits",
        json!({"time_ms": 100, "memory_bytes": 32 << 20, "output_bytes": 1000}),
    )
}

fn function(body: &str) -> String {
    format!("import sys, time, re\ndef f():\n    {body}\n")
}

/// That a body meets a limit in every kind of check.
fn check_everywhere(body: &str, expect: &Value) {
    let code = function(body);
    check(vec![
        small(alone(&code, call("f()", "1"), expect.clone())),
        small(alone(&code, script("assert f()"), expect.clone())),
        small(alone(&format!("{code}f()"), stdio("", ""), expect.clone())),
        small(alone(&format!("{code}f()"), call("1", "1"), expect.clone())),
    ]);
}

#[test]
fn time() {
    let expect = outcome("time_limit", "out of guest time");
    for body in [
        "while True: pass",
        "re.match('(a+)+b', 'a' * 64)",
        "time.sleep(1e6)",
        "sum(range(10**15))",
        "10 ** (10 ** 8) % 7",
        "any(sys.stdin.read(1) for _ in iter(int, 1))",
        "exec('while True:\\n try:\\n  while True: pass\\n except BaseException: pass')",
    ] {
        check_everywhere(body, &expect);
    }
}

#[test]
fn memory() {
    for body in ["[0] * 10**9", "bytearray(10**9)", "'x' * (1 << 30)"] {
        let expect = outcome("memory_limit", "MemoryError");
        let code = function(body);
        check(vec![
            small(alone(&code, call("f()", "1"), expect.clone())),
            small(alone(&code, script("assert f()"), expect.clone())),
            small(alone(&format!("{code}f()"), stdio("", ""), expect.clone())),
        ]);
    }
    for body in [
        "a = []\n    while True: a.append(bytearray(1 << 20))",
        "a = []\n    while True: a.append([0] * 1000)",
        "import numpy\n    numpy.ones(1 << 26)",
    ] {
        check_everywhere(body, &json!({"outcome": "memory_limit"}));
    }
}

#[test]
fn memory_that_is_caught_or_given_back_is_within_the_limit() {
    check(vec![
        small(alone(
            "try:\n    [0] * 10**9\nexcept MemoryError:\n    print('caught')",
            stdio("", "caught"),
            passed(),
        )),
        small(alone(
            "for _ in range(50):\n    a = bytearray(8 << 20)\nprint(len(a))",
            stdio("", "8388608"),
            passed(),
        )),
        alone(
            "a = bytearray(200 << 20)\nprint(len(a))",
            stdio("", "209715200"),
            passed(),
        ),
        alone(
            "a = bytearray(300 << 20)\nprint(len(a))",
            stdio("", ""),
            outcome("memory_limit", "MemoryError"),
        ),
        alone(
            "a = bytearray(700 << 20)\nprint(len(a))",
            stdio("", "734003200"),
            passed(),
        )
        .with("limits", json!({"memory_bytes": 1 << 30})),
    ]);
}

#[test]
fn output() {
    let expect = outcome("output_limit", "too much output");
    for body in [
        "while True: print('x' * 50)",
        "print('x' * 2000)",
        "while True: print('x' * 50, file=sys.stderr)",
        "sys.stderr.buffer.raw.write(b'x' * 2000)",
        "import os\n    os.write(1, b'x' * 2000)",
        "try:\n        while True: print('x' * 50, flush=True)\n    except BaseException: pass",
    ] {
        check_everywhere(body, &expect);
    }
    check(vec![
        small(alone(
            "print('x' * 999)",
            stdio("", &"x".repeat(999)),
            passed(),
        )),
        small(alone(
            "print('x' * 1001, end='', flush=True)",
            stdio("", ""),
            json!({"outcome": "output_limit", "stdout": "x".repeat(1000)}),
        )),
        small(alone(
            "import sys\nprint('x' * 999)\nprint('y' * 999, file=sys.stderr)",
            stdio("", &"x".repeat(999)),
            passed(),
        )),
    ]);
}

#[test]
fn a_tests_own_work_counts() {
    check(vec![
        small(alone(
            "",
            script("while True: pass\nassert 1"),
            outcome("time_limit", "out of guest time"),
        )),
        small(alone(
            "",
            script("a = [0] * 10**9\nassert 1"),
            outcome("memory_limit", "MemoryError"),
        )),
        small(alone(
            "",
            call("[0] * 10**9", "1"),
            outcome("memory_limit", "MemoryError"),
        )),
        small(beside(
            "",
            "",
            script("while True: pass\nassert 1"),
            invalid("the reference does not pass: out of guest time"),
        )),
    ]);
}

#[test]
fn what_was_used_is_told() {
    let results = judge(vec![
        json!({"code": "while True: pass", "checks": [stdio("", "")], "limits": {"time_ms": 10}}),
        json!({"code": "a = bytearray(64 << 20)", "checks": [stdio("", "")]}),
    ]);
    let time = &results[0]["verdicts"][0];
    assert_eq!(
        (&time["fuel"], &time["time_ms"]),
        (&json!(100_000_000), &json!(10.0))
    );
    let memory = results[1]["verdicts"][0]["memory_bytes"]
        .as_u64()
        .expect("a number");
    // What was free in the interpreter's own heap is used first.
    assert!((30 << 20..80 << 20).contains(&memory), "{memory}");
}

#[test]
fn deep_recursion_is_no_crash() {
    let raise_limit = "import sys\nsys.setrecursionlimit(10**9)\ndef f(n): return f(n + 1)\n";
    check(vec![
        alone(
            "def f(n): return f(n + 1)",
            call("f(0)", "0"),
            outcome("error", "RecursionError: maximum recursion depth exceeded"),
        ),
        // Frames of Python functions are in the heap.
        alone(
            raise_limit,
            call("f(0)", "0"),
            json!({"outcome": "memory_limit"}),
        ),
        alone(
            "import sys\nsys.setrecursionlimit(10**9)\nclass A:\n    def __getattr__(self, name): return getattr(self, name + 'x')\n",
            call("A().a", "0"),
            json!({"outcome": "error"}),
        ),
        alone(
            "import sys\nsys.setrecursionlimit(10**9)\nclass A:\n    def __repr__(self): return repr(self)\n",
            call("repr(A())", "0"),
            json!({"outcome": "error"}),
        ),
    ]);
}

#[test]
fn aborts_are_errors() {
    check(vec![
        alone(
            "import os\nos.abort()",
            stdio("", ""),
            json!({"outcome": "error"}),
        ),
        alone(
            "import os\ndef f(): os.abort()",
            call("f()", "1"),
            json!({"outcome": "error"}),
        ),
        alone(
            "import _host\n_host.call(b'nonsense')",
            stdio("", ""),
            outcome("error", "the interpreter crashed: a message out of turn"),
        ),
    ]);
}

//! Checks that a critic model wrote.

use super::*;

const ADD: &str = "def add(a, b):\n    return a + b\n";
const SUBTRACT: &str = "def add(a, b):\n    return a - b\n";

#[test]
fn proposed_tests() {
    check(vec![
        beside(
            ADD,
            SUBTRACT,
            critic("<think>zero?</think><testcase> CALL: add(0, 0) </testcase>"),
            json!({"outcome": "pass", "expected": "0", "actual": "0", "isolation": "split"}),
        ),
        beside(
            ADD,
            SUBTRACT,
            critic("<testcase>CALL: add(0, 0)</testcase> no, <testcase>CALL: add(1, 1)</testcase>"),
            json!({"outcome": "fail", "message": "the values differ", "expected": "2", "actual": "0"}),
        ),
        beside(
            "print(int(input()) + int(input()))",
            "print(int(input()) - int(input()))",
            critic("<testcase>STDIN: 1\n2\n</testcase>"),
            json!({"outcome": "fail", "expected": "3\n", "actual": "-1\n"}),
        ),
        beside(
            ADD,
            "",
            critic("<testcase>CALL: add(1, 1)"),
            outcome("error", "NameError: name 'add' is not defined"),
        ),
    ]);
}

#[test]
fn texts_that_are_no_good() {
    check(vec![
        beside(
            ADD,
            ADD,
            critic(""),
            invalid("the text holds no <testcase>"),
        ),
        beside(
            ADD,
            ADD,
            critic("CALL: add(1, 2)"),
            invalid("the text holds no <testcase>"),
        ),
        beside(
            ADD,
            ADD,
            critic("<testcase>add(1, 2)</testcase>"),
            invalid("the <testcase> begins neither with CALL: nor with STDIN:"),
        ),
        beside(
            ADD,
            ADD,
            critic("<testcase>CALL: </testcase>"),
            invalid("the <testcase> holds no call"),
        ),
        beside(
            ADD,
            ADD,
            critic("<testcase>CALL: add(1,</testcase>"),
            invalid(
                "the reference does not pass: the check does not compile: SyntaxError: '(' was never closed (<call>, line 1)",
            ),
        ),
        beside(
            ADD,
            ADD,
            critic("<testcase>CALL: add(1, '')</testcase>"),
            invalid(
                "the reference does not pass: TypeError: unsupported operand type(s) for +: 'int' and 'str'",
            ),
        ),
        beside(
            ADD,
            ADD,
            critic("<testcase>CALL: add</testcase>"),
            invalid("the reference's value is not plain data: function"),
        ),
        beside(
            ADD,
            ADD,
            critic("<testcase>CALL: [0] * 10**9</testcase>"),
            invalid("the reference does not pass: MemoryError"),
        ),
    ]);
}

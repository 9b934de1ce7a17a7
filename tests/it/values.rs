//! The value format and the comparison, against Python itself.

mod hostile;

use std::path::Path;
use std::process::Command;
use touchstone::domain::value::{Comparison, Difference, Value, equal};
use touchstone::sandbox::values::decode;

/// Runs a program with the guest's encoder at hand; gives what it printed.
fn python(arguments: &[&str]) -> String {
    let output = Command::new("python3")
        .args(arguments)
        .env(
            "PYTHONPATH",
            Path::new(env!("CARGO_MANIFEST_DIR")).join("sandbox"),
        )
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("these tests need python3");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).expect("the programs print ASCII")
}

fn value_of_hex(hex: &str) -> Value {
    let bytes: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|start| u8::from_str_radix(&hex[start..start + 2], 16).expect("hexadecimal"))
        .collect();
    decode(&bytes).expect("the encoder's own bytes")
}

/// The value of each expression, after the statements of a prelude.
fn values_of(prelude: &str, expressions: &[&str]) -> Vec<Value> {
    let mut program = format!("import values\n{prelude}\n");
    for expression in expressions {
        program += &format!("print(values.encode({expression}).hex())\n");
    }
    let printed = python(&["-c", &program]);
    printed.lines().map(value_of_hex).collect()
}

#[track_caller]
fn check(prelude: &str, a: &str, b: &str, expect: Comparison) {
    let values = values_of(prelude, &[a, b]);
    assert_eq!(equal(&values[0], &values[1], 0.0), expect, "{a} == {b}");
}

const DIFFERENT: Comparison = Comparison::Unequal(Difference::Values);
const OPAQUE: Comparison = Comparison::Unequal(Difference::Opaque);

#[test]
fn agrees_with_python_on_random_plain_data() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/values/pairs.py");
    let script = script.to_str().expect("a path in UTF-8");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sandbox");
    let folder = folder.to_str().expect("a path in UTF-8");
    for seed in 0..4 {
        let printed = python(&[script, folder, &seed.to_string()]);
        agrees(&printed);
    }
}

fn agrees(printed: &str) {
    let mut values = Vec::new();
    let mut rows = Vec::new();
    for line in printed.lines() {
        match line.split_once(' ') {
            Some(("v", rest)) => {
                let (hex, text) = rest.split_once(' ').expect("bytes and expression");
                values.push((value_of_hex(hex), text));
            }
            Some(("e", row)) => rows.push(row),
            _ => panic!("{line}"),
        }
    }
    assert!(values.len() >= 100 && rows.len() == values.len());
    for ((a, a_text), row) in values.iter().zip(rows) {
        for ((b, b_text), python) in values.iter().zip(row.bytes()) {
            let ours = equal(a, b, 0.0) == Comparison::Equal;
            let agrees = python == b'-' || ours == (python == b'1');
            assert!(agrees, "{a_text} == {b_text}: we say {ours}");
        }
    }
}

#[test]
fn nan_is_itself() {
    let nan = "float('nan')";
    check("", nan, nan, Comparison::Equal);
    check("", nan, "0.0", DIFFERENT);
    check(
        "",
        "{float('nan'): [1]}",
        "{float('nan'): [1]}",
        Comparison::Equal,
    );
    check(
        "",
        "{float('nan'), 1}",
        "{1.0, float('nan')}",
        Comparison::Equal,
    );
    // As many as there are.
    let two = "{float('nan'), float('nan')}";
    check("", two, two, Comparison::Equal);
    check("", "{float('nan'), 1.0}", two, DIFFERENT);
    check("", two, "{float('nan'), 1.0}", DIFFERENT);
    let prelude = "nan, other = float('nan'), float('nan')";
    let two = "{nan: 1, other: 2}";
    check(prelude, two, two, Comparison::Equal);
    check(prelude, "{nan: 1, 0: 1}", "{nan: 1, other: 1}", DIFFERENT);
    check(
        "",
        "complex('nan+1j')",
        "complex('nan+1j')",
        Comparison::Equal,
    );
    check("", "complex('nan+1j')", "complex('nan+2j')", DIFFERENT);
}

#[test]
fn references_keep_their_shape() {
    let prelude = "a = [1]; a.append(a)\nb = [1, [1]]; b[1].append(b)\nc = [2]; c.append(c)\n\
                   d = {}; d['d'] = d\ns = [0]; t = [s, s]\nu = []\nfor _ in range(60): u = [u, u]\n\
                   v = []\nfor _ in range(60): v = [v, v]\nv = [v, 0]";
    check(prelude, "a", "a", Comparison::Equal);
    check(prelude, "a", "b", Comparison::Equal);
    check(prelude, "a", "c", DIFFERENT);
    check(prelude, "d", "d", Comparison::Equal);
    check(prelude, "t", "[[0], [0]]", Comparison::Equal);
    check(prelude, "u", "u", Comparison::Equal);
    check(prelude, "u", "v", DIFFERENT);
}

#[test]
fn depth_needs_no_stack() {
    let prelude = "def deep(wrap, value=0):\n    for _ in range(100_000): value = wrap(value)\n    return value";
    for wrap in ["lambda x: [x]", "lambda x: (x,)", "lambda x: {0: x}"] {
        let deep = format!("deep({wrap})");
        check(prelude, &deep, &deep, Comparison::Equal);
        check(prelude, &deep, &format!("deep({wrap}, 1)"), DIFFERENT);
    }
    let deep = "{deep(lambda x: frozenset((x,)))}";
    check(prelude, deep, deep, Comparison::Equal);
}

#[test]
fn only_exact_types_are_plain() {
    let prelude = "from collections import namedtuple\nfrom datetime import *\n\
                   class Pleaser:\n    def __eq__(self, other): return True\n    __hash__ = None\n\
                   class L(list): pass\nclass I(int): pass\n\
                   class Meta(type):\n    def __hash__(self): 1 / 0\n    def __eq__(self, other): 1 / 0\n\
                   class M(metaclass=Meta): pass\n\
                   class Zone(tzinfo):\n    def utcoffset(self, _): 1 / 0\n\
                   P = namedtuple('P', 'x y')\nclass T(tuple): _fields = ()\n    \
                   \n    \nT.__iter__ = lambda self: 1 / 0\nT.__len__ = lambda self: 1 / 0";
    for opaque in [
        "Pleaser()",
        "L([1])",
        "I(1)",
        "M()",
        "object()",
        "len",
        "int",
    ] {
        check(prelude, opaque, opaque, OPAQUE);
        check(prelude, "[1]", &format!("[{opaque}]"), OPAQUE);
    }
    check(prelude, "datetime(2024, 1, 1, tzinfo=Zone())", "1", OPAQUE);
    check(prelude, "P(1, 2)", "(1, 2)", Comparison::Equal);
    check(prelude, "T((1, 2))", "(1, 2)", Comparison::Equal);
    let value = &values_of(prelude, &["[Pleaser()]"])[0];
    assert_eq!(value.opaque_class(), Some("Pleaser"));
}

#[test]
fn a_tolerance_is_for_pairs_of_floats() {
    let close = |a: &str, b: &str, tolerance| {
        let values = values_of("", &[a, b]);
        equal(&values[0], &values[1], tolerance) == Comparison::Equal
    };
    assert!(close("[1.0, (2e9,)]", "[1.0000001, (2e9 + 1,)]", 1e-6));
    assert!(close("{'a': 1.0}", "{'a': 1.0000001}", 1e-6));
    assert!(!close("1", "1.0000001", 1e-6));
    assert!(!close("1.0", "1.1", 1e-6));
    assert!(!close("float('inf')", "1e308", 0.5));
    assert!(!close("{1.0}", "{1.0000001}", 1e-6));
    assert!(!close("{1.0: 0}", "{1.0000001: 0}", 1e-6));
}

#[test]
fn large_data_is_compared_quickly_and_exactly() {
    let prelude = "n = 200_000";
    check(
        prelude,
        "set(range(n))",
        "frozenset(range(n))",
        Comparison::Equal,
    );
    check(
        prelude,
        "dict.fromkeys(range(n))",
        "{i: None for i in reversed(range(n))}",
        Comparison::Equal,
    );
    check(
        prelude,
        "{str(i) for i in range(n)}",
        "{str(i + 1) for i in range(n)}",
        DIFFERENT,
    );
    check(
        prelude,
        "['x' * 100_000] * 10_000",
        "['x' * 100_000] * 10_000",
        Comparison::Equal,
    );
    check(
        prelude,
        "[1 << 8_000_000]",
        "[(1 << 8_000_000) + 1]",
        DIFFERENT,
    );
}

#[test]
fn what_is_too_large_is_refused_by_the_encoder() {
    let program = "import values\nu = 'x' * 100\n\
        for value, bounds in [([0] * 11, (10, 99)), (['é' * 9] * 9, (99, 99)), ([u], (9, 99)), (1 << 999, (9, 99)), ([()] * 9, (9, 99))]:\n    \
        try: print(len(values.encode(value, *bounds)))\n    \
        except values.TooLarge: print('too large')";
    let printed = python(&["-c", program]);
    assert_eq!(printed, "too large\ntoo large\ntoo large\ntoo large\n21\n");
}

#[test]
fn what_is_too_large_can_go_as_opaque() {
    let program = "import values\nprint(values.encode_or_opaque([0] * 4_000_001).hex())\n\
        print(values.encode_or_opaque([0]).hex())";
    let printed = python(&["-c", program]);
    let values: Vec<_> = printed.lines().map(value_of_hex).collect();
    assert_eq!(values[0].opaque_class(), Some("(too large to be carried)"));
    assert_eq!(values[1].opaque_class(), None);
}

#[test]
fn builtins_that_the_candidate_replaces_are_not_used() {
    let prelude = "import builtins\ntake, keep = delattr, ('print', 'StopIteration')\n\
                   for name in dir(builtins):\n    \
                   if name[0] != '_' and name not in keep: take(builtins, name)";
    let expression =
        "[[1] * 9, [2.5] * 9, {1: (2, 'x')}, 10**40, b'', {3}, None, True, [-1] * 9, [10**20] * 9]";
    check(prelude, expression, expression, Comparison::Equal);
}

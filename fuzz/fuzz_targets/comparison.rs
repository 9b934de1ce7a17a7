//! Whether two values are equal.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::collections::HashSet;
use touchstone::domain::value::{Comparison, Difference, Node, NodeId, Value, equal};
use touchstone::sandbox::values::decode;

/// Two values: a byte says how long the first is.
fn values(bytes: &[u8]) -> Option<(Value, Value)> {
    let (length, bytes) = bytes.split_first()?;
    let (first, second) = bytes.split_at_checked(usize::from(*length))?;
    Some((decode(first).ok()?, decode(second).ok()?))
}

/// Whether a value has something in it that need not be equal to itself: what is no plain data,
/// and keys, since a forged set or mapping can have some that Python could not hash, or twice.
fn may_differ_from_itself(value: &Value) -> bool {
    let mut pending = vec![value.root()];
    let mut seen: HashSet<NodeId> = HashSet::new();
    while let Some(id) = pending.pop() {
        if !seen.insert(id) {
            continue;
        }
        match value.node(id) {
            Node::Opaque(_) | Node::Set(..) | Node::Mapping(..) => return true,
            Node::Sequence(_, items) => pending.extend(&**items),
            Node::Slice(parts) => pending.extend(&**parts),
            Node::Array(array) => pending.extend(&*array.items),
            _ => {}
        }
    }
    false
}

const TOO_MUCH_WORK: Comparison = Comparison::Unequal(Difference::TooMuchWork);

fuzz_target!(|bytes: &[u8]| {
    let Some((a, b)) = values(bytes) else {
        return;
    };
    for value in [&a, &b] {
        let itself = equal(value, value, 0.0);
        let equal = itself == Comparison::Equal || itself == TOO_MUCH_WORK;
        assert!(
            equal || may_differ_from_itself(value),
            "{value:?}: {itself:?}"
        );
    }
    let (forth, back) = (equal(&a, &b, 0.0), equal(&b, &a, 0.0));
    if forth == TOO_MUCH_WORK || back == TOO_MUCH_WORK {
        return;
    }
    let (forth, back) = (forth == Comparison::Equal, back == Comparison::Equal);
    assert_eq!(forth, back, "{a:?} and {b:?}");
    // A tolerance makes nothing unequal.
    let tolerant = equal(&a, &b, 1e-6);
    assert!(!forth || tolerant == Comparison::Equal || tolerant == TOO_MUCH_WORK);
});

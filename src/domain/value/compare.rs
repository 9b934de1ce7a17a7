//! Python's `==` on plain data: iterative, bounded, and without any code of the candidate's.

use super::classes::{Class, Classes, Side};
use super::number::Number;
use super::steps::{Steps, TooMuchWork};
use super::{Array, MappingKind, Node, NodeId, Value, range};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;

/// Bytes that are compared in one step.
const BYTES_PER_STEP: usize = 256;

/// Whether two values are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// They are.
    Equal,
    /// They are not, or it cannot be said.
    Unequal(Difference),
}

/// Why two values are not equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// They differ.
    Values,
    /// An object that is not plain data: equal to nothing.
    Opaque,
    /// Comparing them would be too much work.
    TooMuchWork,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Difference::Values => "the values differ",
            Difference::Opaque => "the value is not plain data",
            Difference::TooMuchWork => "the values are too large to compare",
        })
    }
}

/// Whether Python would find the values equal, with these differences, all on purpose:
///
/// - nan is equal to nan. In Python the identity of the object decides (`[x] == [x]` holds for a
///   nan `x`), and there is none across two interpreters.
/// - Values that contain themselves are equal where no difference can be found, instead of a
///   `RecursionError`.
/// - Arrays are equal as a whole, where numpy would give an array of truths.
/// - Where both sides are floats, `float_tolerance` allows a difference of that much, absolute or
///   relative to the expected one; keys and elements of sets are compared exactly.
/// - Objects that are not plain data are equal to nothing.
pub fn equal(expected: &Value, actual: &Value, float_tolerance: f64) -> Comparison {
    let mut comparison = Comparing {
        expected,
        actual,
        float_tolerance,
        steps: Steps::new(),
        pending: vec![(expected.root(), actual.root())],
        assumed: HashSet::new(),
        classes: Classes::default(),
    };
    match comparison.run() {
        Ok(None) => Comparison::Equal,
        Ok(Some(difference)) => Comparison::Unequal(difference),
        Err(TooMuchWork) => Comparison::Unequal(Difference::TooMuchWork),
    }
}

/// Whether a float is as near to the expected one as the tolerance asks, absolute or relative.
pub fn floats_are_close(expected: f64, actual: f64, tolerance: f64) -> bool {
    if expected == actual || (expected.is_nan() && actual.is_nan()) {
        return true;
    }
    // An infinite difference would be within any part of infinity.
    let finite = expected.is_finite() && actual.is_finite();
    finite && (expected - actual).abs() <= tolerance * expected.abs().max(1.0)
}

struct Comparing<'a> {
    expected: &'a Value,
    actual: &'a Value,
    float_tolerance: f64,
    steps: Steps,
    /// Pairs that must be equal for the whole to be.
    pending: Vec<(NodeId, NodeId)>,
    /// Pairs that were taken up: a pair met again is either settled or part of itself.
    assumed: HashSet<(NodeId, NodeId)>,
    classes: Classes<'a>,
}

/// What is known of a pair once its parts are pending: a difference, or none so far.
type Found = Result<Option<Difference>, TooMuchWork>;

const DIFFERENT: Found = Ok(Some(Difference::Values));
const SAME_SO_FAR: Found = Ok(None);

fn same_if(same: bool) -> Found {
    if same { SAME_SO_FAR } else { DIFFERENT }
}

impl<'a> Comparing<'a> {
    fn run(&mut self) -> Found {
        while let Some((a, b)) = self.pending.pop() {
            self.steps.take(1)?;
            let difference = self.pair(a, b)?;
            if difference.is_some() {
                return Ok(difference);
            }
        }
        SAME_SO_FAR
    }

    fn pair(&mut self, a: NodeId, b: NodeId) -> Found {
        let (expected, actual) = (self.expected.node(a), self.actual.node(b));
        match (expected, actual) {
            (Node::Int(a), Node::Int(b)) => return same_if(a == b),
            (Node::Float(a), Node::Float(b)) => {
                return same_if(floats_are_close(a.0, b.0, self.float_tolerance));
            }
            (Node::Opaque(_), _) | (_, Node::Opaque(_)) => return Ok(Some(Difference::Opaque)),
            (Node::Str(a), Node::Str(b)) if a.len() <= BYTES_PER_STEP => return same_if(a == b),
            _ if !self.assumed.insert((a, b)) => return SAME_SO_FAR,
            _ => {}
        }
        match (Number::of(expected), Number::of(actual)) {
            (Some(a), Some(b)) => self.numbers(a, b),
            (None, None) => self.objects(expected, actual),
            _ => DIFFERENT,
        }
    }

    fn numbers(&mut self, expected: Number<'_>, actual: Number<'_>) -> Found {
        if let (Number::Complex(a, b), Number::Complex(c, d)) = (expected, actual) {
            let close = |a, b| floats_are_close(a, b, self.float_tolerance);
            return same_if(close(a, c) && close(b, d));
        }
        self.steps
            .take(1 + expected.size_bytes() / BYTES_PER_STEP)?;
        self.steps.take(1 + actual.size_bytes() / BYTES_PER_STEP)?;
        same_if(expected.equals(actual)?)
    }

    fn objects(&mut self, expected: &'a Node, actual: &'a Node) -> Found {
        match (expected, actual) {
            (Node::None, Node::None)
            | (Node::Ellipsis, Node::Ellipsis)
            | (Node::NotImplemented, Node::NotImplemented) => SAME_SO_FAR,
            (Node::Str(a), Node::Str(b)) | (Node::Bytes(a), Node::Bytes(b)) => {
                self.steps.take(a.len().min(b.len()) / BYTES_PER_STEP)?;
                same_if(a == b)
            }
            (Node::Date(_), Node::Date(_)) | (Node::TimeDelta { .. }, Node::TimeDelta { .. }) => {
                same_if(expected == actual)
            }
            (Node::Time(a), Node::Time(b)) | (Node::DateTime(a), Node::DateTime(b)) => {
                same_if(a.in_utc() == b.in_utc())
            }
            (Node::TimeZone(a), Node::TimeZone(b)) => same_if(a == b),
            (Node::Range(a), Node::Range(b)) => {
                same_if(range::Elements::of(a) == range::Elements::of(b))
            }
            (Node::Slice(a), Node::Slice(b)) => self.items(&a[..], &b[..]),
            (Node::Sequence(a, first), Node::Sequence(b, second)) if a == b => {
                self.items(first, second)
            }
            (Node::Array(a), Node::Array(b)) => self.arrays(a, b),
            (Node::Set(_, a), Node::Set(_, b)) => self.sets(a, b),
            (Node::Mapping(a, first), Node::Mapping(b, second)) => match (a, b) {
                (MappingKind::Counter, MappingKind::Counter) => self.counters(first, second),
                (MappingKind::OrderedDict, MappingKind::OrderedDict) => self.ordered(first, second),
                _ => self.mappings(first, second),
            },
            _ => DIFFERENT,
        }
    }

    /// Later pairs are taken up first, so they are put in from the back: a difference near the
    /// front is found without looking at the rest.
    fn items(&mut self, expected: &[NodeId], actual: &[NodeId]) -> Found {
        if expected.len() != actual.len() {
            return DIFFERENT;
        }
        let pairs = expected.iter().copied().zip(actual.iter().copied());
        self.pending.extend(pairs.rev());
        SAME_SO_FAR
    }

    fn arrays(&mut self, expected: &Array, actual: &Array) -> Found {
        if expected.shape != actual.shape {
            return DIFFERENT;
        }
        self.items(&expected.items, &actual.items)
    }

    fn sets(&mut self, expected: &[NodeId], actual: &[NodeId]) -> Found {
        if expected.len() != actual.len() {
            return DIFFERENT;
        }
        let mut wanted = Keyed::with_capacity(expected.len());
        for element in expected {
            wanted.insert(self.class(Side::Expected, *element)?, *element);
        }
        for element in actual {
            let class = self.class(Side::Actual, *element)?;
            if wanted.take(class).is_none() {
                return DIFFERENT;
            }
        }
        SAME_SO_FAR
    }

    fn mappings(&mut self, expected: &[(NodeId, NodeId)], actual: &[(NodeId, NodeId)]) -> Found {
        if expected.len() != actual.len() {
            return DIFFERENT;
        }
        let mut wanted = self.by_class(Side::Expected, expected)?;
        for (key, value) in actual {
            let class = self.class(Side::Actual, *key)?;
            match wanted.take(class) {
                Some(other) => self.pending.push((other, *value)),
                None => return DIFFERENT,
            }
        }
        SAME_SO_FAR
    }

    fn ordered(&mut self, expected: &[(NodeId, NodeId)], actual: &[(NodeId, NodeId)]) -> Found {
        if expected.len() != actual.len() {
            return DIFFERENT;
        }
        for ((key, value), (other_key, other_value)) in expected.iter().zip(actual) {
            if self.class(Side::Expected, *key)? != self.class(Side::Actual, *other_key)? {
                return DIFFERENT;
            }
            self.pending.push((*value, *other_value));
        }
        SAME_SO_FAR
    }

    /// An element that a `Counter` lacks is counted zero times.
    fn counters(&mut self, expected: &[(NodeId, NodeId)], actual: &[(NodeId, NodeId)]) -> Found {
        let mut wanted = self.by_class(Side::Expected, expected)?;
        for (key, count) in actual {
            let class = self.class(Side::Actual, *key)?;
            match wanted.take(class) {
                Some(other) => self.pending.push((other, *count)),
                None if is_zero(self.actual.node(*count)) => {}
                None => return DIFFERENT,
            }
        }
        let all_zero = wanted
            .left()
            .all(|count| is_zero(self.expected.node(*count)));
        same_if(all_zero)
    }

    fn by_class(&mut self, side: Side, pairs: &[(NodeId, NodeId)]) -> Result<Keyed, TooMuchWork> {
        let mut values = Keyed::with_capacity(pairs.len());
        for (key, value) in pairs {
            values.insert(self.class(side, *key)?, *value);
        }
        Ok(values)
    }

    fn class(&mut self, side: Side, key: NodeId) -> Result<Class, TooMuchWork> {
        let value = match side {
            Side::Expected => self.expected,
            Side::Actual => self.actual,
        };
        self.classes.of(side, value, key, &mut self.steps)
    }
}

/// Elements, or the values of a mapping, by the classes of their keys. A class may be there more
/// than once: as nan, or in what is forged. Each stands for one of the other side, in their order.
struct Keyed {
    first: HashMap<Class, NodeId>,
    /// Nearly always empty.
    further: HashMap<Class, VecDeque<NodeId>>,
}

impl Keyed {
    fn with_capacity(count: usize) -> Self {
        Keyed {
            first: HashMap::with_capacity(count),
            further: HashMap::new(),
        }
    }

    fn insert(&mut self, class: Class, value: NodeId) {
        match self.first.entry(class) {
            Entry::Vacant(place) => {
                place.insert(value);
            }
            Entry::Occupied(_) => self.further.entry(class).or_default().push_back(value),
        }
    }

    fn take(&mut self, class: Class) -> Option<NodeId> {
        let value = self.first.remove(&class)?;
        if let Some(next) = self.further.get_mut(&class).and_then(VecDeque::pop_front) {
            self.first.insert(class, next);
        }
        Some(value)
    }

    /// Whatever was not taken.
    fn left(&self) -> impl Iterator<Item = &NodeId> {
        self.first.values().chain(self.further.values().flatten())
    }
}

fn is_zero(node: &Node) -> bool {
    Number::of(node).is_some_and(Number::is_zero)
}

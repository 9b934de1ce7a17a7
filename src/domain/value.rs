//! Plain Python data outside Python: what a call gave, ready to be compared.
//!
//! Owns the shape of a value, shared and cyclic references included, and when two values are
//! equal. Knows neither how a guest encodes values nor what a verdict is.

mod classes;
mod compare;
mod number;
mod range;
mod steps;

pub use compare::{Comparison, Difference, equal, floats_are_close};
use num_bigint::BigInt;

/// A Python value: nodes that name each other by number, so that sharing and cycles keep their
/// shape and no depth of nesting needs a stack.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    nodes: Vec<Node>,
}

/// The number of a node within its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

/// One object.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// `None`
    None,
    /// `...`
    Ellipsis,
    /// `NotImplemented`
    NotImplemented,
    /// `bool`
    Bool(bool),
    /// `int` that fits
    Int(i64),
    /// `int` that does not fit in 64 bits
    BigInt(Box<BigInt>),
    /// `float`
    Float(Float),
    /// `complex`: real and imaginary part
    Complex(Float, Float),
    /// `decimal.Decimal`
    Decimal(Box<Decimal>),
    /// `fractions.Fraction`: numerator and positive denominator
    Fraction(Box<(BigInt, BigInt)>),
    /// `str` in UTF-8, with lone surrogates as three bytes each
    Str(Box<[u8]>),
    /// `bytes` and `bytearray`
    Bytes(Box<[u8]>),
    /// `datetime.date` as days
    Date(i32),
    /// `datetime.time`
    Time(Moment),
    /// `datetime.datetime`
    DateTime(Moment),
    /// `datetime.timedelta`: days, and less than a day in microseconds
    TimeDelta {
        /// Below zero where it is negative.
        days: i32,
        /// Never below zero.
        microseconds: i64,
    },
    /// `datetime.timezone` as its offset in microseconds
    TimeZone(i64),
    /// `list`, `tuple`, `deque`
    Sequence(SequenceKind, Box<[NodeId]>),
    /// `set` and `frozenset`
    Set(SetKind, Box<[NodeId]>),
    /// `dict` and its kin
    Mapping(MappingKind, Box<[(NodeId, NodeId)]>),
    /// `range`: start, stop, step
    Range(Box<[BigInt; 3]>),
    /// `slice`: start, stop, step
    Slice(Box<[NodeId; 3]>),
    /// `numpy.ndarray`
    Array(Box<Array>),
    /// An object that is not plain data: named, not entered.
    Opaque(Box<Opaque>),
}

/// A `float` that is the same as another when its bits are: a value that is nan is itself.
#[derive(Clone, Copy, Debug)]
pub struct Float(pub f64);

impl PartialEq for Float {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

/// What a `Decimal` is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decimal {
    /// ±digits · 10^exponent
    Finite {
        /// Whether it is below zero, or a negative zero.
        negative: bool,
        /// Its digits, 0 to 9 each, without zeros at either end; none for zero.
        digits: Box<[u8]>,
        /// The power of ten of the last digit.
        exponent: i64,
    },
    /// An infinity.
    Infinite {
        /// Whether it is below zero.
        negative: bool,
    },
    /// Not a number, quiet or signalling.
    Nan,
}

/// A time of day or a date and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Moment {
    /// Since midnight or since the year 1, as its own clock shows it.
    pub microseconds: i64,
    /// From UTC to that clock, in microseconds; `None` where the clock is not known.
    pub offset: Option<i64>,
}

impl Moment {
    /// Clocks with an offset are compared by what they show in UTC, those without by themselves.
    fn in_utc(self) -> Moment {
        match self.offset {
            Some(offset) => Moment {
                microseconds: self.microseconds.saturating_sub(offset),
                offset: Some(0),
            },
            None => self,
        }
    }
}

/// Which sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the Python class of that name")]
pub enum SequenceKind {
    List,
    Tuple,
    Deque,
}

/// Which set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the Python class of that name")]
pub enum SetKind {
    Set,
    FrozenSet,
}

/// Which mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the Python class of that name")]
pub enum MappingKind {
    Dict,
    OrderedDict,
    Counter,
    DefaultDict,
}

/// A numpy array, whatever its element type.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Its length along each axis.
    pub shape: Box<[u64]>,
    /// Its elements, the last axis running fastest.
    pub items: Box<[NodeId]>,
}

/// An object that is not plain data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opaque {
    /// The name of its class, as the guest tells it.
    pub class: String,
}

impl Value {
    /// A value of these nodes, the first of which is the value itself; `None` where there is no
    /// node or a node names one that is not there.
    pub fn from_nodes(nodes: Vec<Node>) -> Option<Value> {
        let known = |id: &NodeId| (id.0 as usize) < nodes.len();
        let sound = nodes.iter().all(|node| match node {
            Node::Sequence(_, items) | Node::Set(_, items) => items.iter().all(known),
            Node::Mapping(_, pairs) => pairs.iter().all(|(key, value)| known(key) && known(value)),
            Node::Slice(parts) => parts.iter().all(known),
            Node::Array(array) => array.items.iter().all(known),
            _ => true,
        });
        (sound && !nodes.is_empty()).then_some(Value { nodes })
    }

    /// A value of one node that names no other.
    ///
    /// # Panics
    /// Where the node does name another.
    pub fn of(node: Node) -> Value {
        Value::from_nodes(vec![node]).expect("a single node names no other")
    }

    /// The node that is the value itself.
    pub fn root(&self) -> NodeId {
        NodeId(0)
    }

    /// The node of that number, which is one of this value's own.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// The class of an object within it that is not plain data, if there is one.
    pub fn opaque_class(&self) -> Option<&str> {
        self.nodes.iter().find_map(|node| match node {
            Node::Opaque(opaque) => Some(opaque.class.as_str()),
            _ => None,
        })
    }

    /// About how much memory it takes.
    pub fn size_bytes(&self) -> usize {
        let bodies: usize = self.nodes.iter().map(Node::body_bytes).sum();
        self.nodes.len() * size_of::<Node>() + bodies
    }
}

impl Node {
    fn body_bytes(&self) -> usize {
        let big = |number: &BigInt| number.bits() as usize / 8 + size_of::<BigInt>();
        match self {
            Node::BigInt(number) => big(number),
            Node::Decimal(decimal) => match &**decimal {
                Decimal::Finite { digits, .. } => digits.len() + size_of::<Decimal>(),
                _ => size_of::<Decimal>(),
            },
            Node::Fraction(parts) => big(&parts.0) + big(&parts.1),
            Node::Str(bytes) | Node::Bytes(bytes) => bytes.len(),
            Node::Sequence(_, items) | Node::Set(_, items) => size_of_val(&**items),
            Node::Mapping(_, pairs) => size_of_val(&**pairs),
            Node::Range(parts) => parts.iter().map(big).sum(),
            Node::Slice(parts) => size_of_val(&**parts),
            Node::Array(array) => size_of_val(&*array.shape) + size_of_val(&*array.items),
            Node::Opaque(opaque) => opaque.class.len() + size_of::<Opaque>(),
            _ => 0,
        }
    }
}

impl Decimal {
    /// Settles the one form that a number has: no zeros at either end of the digits.
    pub fn finite(negative: bool, digits: &[u8], exponent: i64) -> Decimal {
        let leading = digits.iter().take_while(|digit| **digit == 0).count();
        let digits = &digits[leading..];
        let trailing = digits.iter().rev().take_while(|digit| **digit == 0).count();
        let digits = &digits[..digits.len() - trailing];
        Decimal::Finite {
            negative,
            digits: digits.into(),
            // Digits are in memory, so there are far fewer than would overflow a sane exponent.
            exponent: if digits.is_empty() {
                0
            } else {
                exponent.saturating_add(trailing as i64)
            },
        }
    }
}

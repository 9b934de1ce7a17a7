//! The host's half of the value format, of which `sandbox/values.py` is the other: what bytes from
//! a guest mean.
//!
//! The bytes are the candidate's for all we know. Whatever they are, decoding neither panics nor
//! recurses, and takes memory in proportion to their number.

mod reader;
mod scalar;

use crate::domain::value::{Array, Float, MappingKind, Node, NodeId, SequenceKind, SetKind, Value};
use reader::Reader;

/// The format that this build speaks, the first byte of every value.
const VERSION: u8 = 1;

/// numpy's own bound on dimensions.
const MOST_DIMENSIONS: u64 = 64;

/// Most nodes of a value. The encoder stops there too, but the bytes may come from elsewhere; a
/// node takes some 36 bytes here, so a value takes at most 72 MiB.
const MOST_NODES: usize = 2_000_000;

/// Why bytes are not a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The first byte is another version's.
    #[error("a value of another version")]
    Version,
    /// The bytes end within a value, or claim more parts than there are bytes.
    #[error("a value that is cut off")]
    CutOff,
    /// Bytes follow the value.
    #[error("bytes after the value")]
    Trailing,
    /// No node begins with this byte.
    #[error("an unknown tag")]
    Tag,
    /// A reference to a node that has not come yet.
    #[error("a reference to nowhere")]
    Reference,
    /// More nodes than a value may have.
    #[error("a value that is too large")]
    TooLarge,
    /// A part of a node is not what that node can have.
    #[error("a malformed node")]
    Malformed,
}

/// The value that these bytes are.
pub fn decode(bytes: &[u8]) -> Result<Value, DecodeError> {
    let mut decoder = Decoder {
        reader: Reader::new(bytes),
        nodes: Vec::new(),
        open: Vec::new(),
        parts: Vec::new(),
        owed: 1,
    };
    if decoder.reader.byte()? != VERSION {
        return Err(DecodeError::Version);
    }
    decoder.run()?;
    if decoder.reader.remaining() > 0 {
        return Err(DecodeError::Trailing);
    }
    Value::from_nodes(decoder.nodes).ok_or(DecodeError::Reference)
}

struct Decoder<'a> {
    reader: Reader<'a>,
    nodes: Vec<Node>,
    /// Nodes whose parts are still coming, the outermost first.
    open: Vec<Open>,
    /// Parts that have come, of all open nodes.
    parts: Vec<NodeId>,
    /// Parts that are still to come. Each takes a byte at least, so a count that cannot be true
    /// is refused before anything is made for it.
    owed: u64,
}

struct Open {
    id: NodeId,
    kind: Kind,
    /// Where its parts begin.
    first: usize,
    /// How many it has.
    count: u64,
}

enum Kind {
    Sequence(SequenceKind),
    Set(SetKind),
    Mapping(MappingKind),
    Slice,
    Array(Box<[u64]>),
}

/// What a tag and the bytes after it began.
enum Begun {
    Whole(Node),
    Parts(Kind, u64),
    Reference(NodeId),
    Block(Number, u64),
}

#[derive(Clone, Copy)]
enum Number {
    Int,
    Float,
}

impl Decoder<'_> {
    fn run(&mut self) -> Result<(), DecodeError> {
        while self.owed > 0 {
            self.owed -= 1;
            if self.nodes.len() >= MOST_NODES {
                return Err(DecodeError::TooLarge);
            }
            let id = NodeId(u32::try_from(self.nodes.len()).map_err(|_| DecodeError::Malformed)?);
            match self.begin()? {
                Begun::Reference(to) => self.parts.push(to),
                Begun::Whole(node) => {
                    self.nodes.push(node);
                    self.parts.push(id);
                }
                Begun::Block(number, count) => self.block(id, number, count)?,
                Begun::Parts(kind, count) => self.open(id, kind, count)?,
            }
            self.close();
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<Begun, DecodeError> {
        let tag = self.reader.byte()?;
        let begun = match tag {
            b'l' => self.sequence(SequenceKind::List)?,
            b't' => self.sequence(SequenceKind::Tuple)?,
            b'q' => self.sequence(SequenceKind::Deque)?,
            b'S' => Begun::Parts(Kind::Set(SetKind::Set), self.reader.unsigned()?),
            b'Z' => Begun::Parts(Kind::Set(SetKind::FrozenSet), self.reader.unsigned()?),
            b'd' => self.mapping(MappingKind::Dict)?,
            b'o' => self.mapping(MappingKind::OrderedDict)?,
            b'C' => self.mapping(MappingKind::Counter)?,
            b'D' => self.mapping(MappingKind::DefaultDict)?,
            b'x' => Begun::Parts(Kind::Slice, 3),
            b'A' => self.array()?,
            b'p' => Begun::Block(Number::Int, self.reader.unsigned()?),
            b'P' => Begun::Block(Number::Float, self.reader.unsigned()?),
            b'R' => self.reference()?,
            _ => Begun::Whole(scalar::read(tag, &mut self.reader)?),
        };
        Ok(begun)
    }

    fn sequence(&mut self, kind: SequenceKind) -> Result<Begun, DecodeError> {
        Ok(Begun::Parts(Kind::Sequence(kind), self.reader.unsigned()?))
    }

    fn mapping(&mut self, kind: MappingKind) -> Result<Begun, DecodeError> {
        let pairs = self.reader.unsigned()?;
        let parts = pairs.checked_mul(2).ok_or(DecodeError::CutOff)?;
        Ok(Begun::Parts(Kind::Mapping(kind), parts))
    }

    fn array(&mut self) -> Result<Begun, DecodeError> {
        let dimensions = self.reader.unsigned()?;
        if dimensions > MOST_DIMENSIONS {
            return Err(DecodeError::Malformed);
        }
        let mut shape = Vec::new();
        for _ in 0..dimensions {
            shape.push(self.reader.unsigned()?);
        }
        // An axis of length 0 empties the array, however long the others are.
        let items = if shape.contains(&0) {
            0
        } else {
            let product = shape
                .iter()
                .try_fold(1u64, |product, length| product.checked_mul(*length));
            product.ok_or(DecodeError::CutOff)?
        };
        Ok(Begun::Parts(Kind::Array(shape.into()), items))
    }

    fn reference(&mut self) -> Result<Begun, DecodeError> {
        let number = self.reader.unsigned()?;
        match u32::try_from(number) {
            Ok(id) if (id as usize) < self.nodes.len() => Ok(Begun::Reference(NodeId(id))),
            _ => Err(DecodeError::Reference),
        }
    }

    fn open(&mut self, id: NodeId, kind: Kind, count: u64) -> Result<(), DecodeError> {
        self.owed = self.owed.checked_add(count).ok_or(DecodeError::CutOff)?;
        if self.owed > self.reader.remaining() as u64 {
            return Err(DecodeError::CutOff);
        }
        // Stands in until its parts have come.
        self.nodes.push(Node::None);
        let first = self.parts.len();
        self.open.push(Open {
            id,
            kind,
            first,
            count,
        });
        Ok(())
    }

    /// A list of numbers of eight bytes each.
    fn block(&mut self, id: NodeId, number: Number, count: u64) -> Result<(), DecodeError> {
        let length = count.checked_mul(8).ok_or(DecodeError::CutOff)?;
        let (numbers, _) = self.reader.bytes(length)?.as_chunks::<8>();
        let first = id.0 + 1;
        let items = (0..numbers.len() as u32)
            .map(|index| NodeId(first + index))
            .collect();
        self.nodes.push(Node::Sequence(SequenceKind::List, items));
        self.nodes.extend(numbers.iter().map(|bytes| match number {
            Number::Int => Node::Int(i64::from_le_bytes(*bytes)),
            Number::Float => Node::Float(Float(f64::from_le_bytes(*bytes))),
        }));
        self.parts.push(id);
        Ok(())
    }

    /// Makes the nodes whose parts have all come, innermost first.
    fn close(&mut self) {
        while let Some(open) = self.open.last() {
            if ((self.parts.len() - open.first) as u64) < open.count {
                return;
            }
            if let Some(open) = self.open.pop() {
                let node = whole(open.kind, &self.parts[open.first..]);
                self.parts.truncate(open.first);
                self.nodes[open.id.0 as usize] = node;
                self.parts.push(open.id);
            }
        }
    }
}

/// The node of parts that have all come.
fn whole(kind: Kind, parts: &[NodeId]) -> Node {
    match kind {
        Kind::Sequence(kind) => Node::Sequence(kind, parts.into()),
        Kind::Set(kind) => Node::Set(kind, parts.into()),
        Kind::Mapping(kind) => {
            let (pairs, _) = parts.as_chunks::<2>();
            Node::Mapping(
                kind,
                pairs.iter().map(|[key, value]| (*key, *value)).collect(),
            )
        }
        Kind::Slice => match parts {
            [start, stop, step] => Node::Slice(Box::new([*start, *stop, *step])),
            _ => Node::None,
        },
        Kind::Array(shape) => Node::Array(Box::new(Array {
            shape,
            items: parts.into(),
        })),
    }
}

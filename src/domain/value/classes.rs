//! Which keys are equal: each class of equal hashable values gets a number.
//!
//! Looking for a set's element in another set by comparing would be quadratic and, for sets in
//! sets, recursive. Numbering the classes bottom-up is neither: two keys are equal where their
//! numbers are.

use super::number::Number;
use super::steps::{Steps, TooMuchWork};
use super::{Moment, Node, NodeId, SequenceKind, Value, range};
use std::collections::HashMap;

/// A class of equal keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Class(u32);

/// Which of the two compared values a node is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Expected,
    Actual,
}

/// The classes of the keys of two values.
#[derive(Default)]
pub(super) struct Classes<'a> {
    shapes: HashMap<Shape<'a>, Class>,
    /// Numbers that are not small, by hash: equal ones may look different.
    numbers: HashMap<u64, Vec<(Number<'a>, Class)>>,
    states: [Vec<State>; 2],
    count: u32,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Unseen,
    /// Its parts are being classified.
    Open,
    Known(Class),
}

/// A key, its parts replaced by their classes.
#[derive(PartialEq, Eq, Hash)]
enum Shape<'a> {
    None,
    Ellipsis,
    NotImplemented,
    Small(i64),
    Str(&'a [u8]),
    Bytes(&'a [u8]),
    Date(i32),
    Time(Moment),
    DateTime(Moment),
    TimeDelta(i32, i64),
    TimeZone(i64),
    Range(range::Elements),
    Slice(Box<[Class]>),
    Tuple(Box<[Class]>),
    /// Sorted, each once.
    Set(Box<[Class]>),
}

impl<'a> Classes<'a> {
    /// The class of a key. Keys that Python could not hash, and opaque ones, are alone in theirs.
    pub(super) fn of(
        &mut self,
        side: Side,
        value: &'a Value,
        key: NodeId,
        steps: &mut Steps,
    ) -> Result<Class, TooMuchWork> {
        self.states[side as usize].resize(value.nodes.len(), State::Unseen);
        let mut stack = vec![(key, false)];
        while let Some((id, parts_known)) = stack.pop() {
            steps.take(1)?;
            let node = value.node(id);
            let parts = parts(node);
            match self.states[side as usize][id.0 as usize] {
                State::Known(_) => continue,
                State::Unseen if !parts.is_empty() => {
                    self.states[side as usize][id.0 as usize] = State::Open;
                    stack.push((id, true));
                    stack.extend(parts.iter().map(|part| (*part, false)));
                    continue;
                }
                // A part of itself is nothing that Python makes: alone in its class.
                State::Open if !parts_known => self.settle(side, id, None),
                State::Unseen | State::Open => {
                    let class = self.classify(side, node, parts, steps)?;
                    self.settle(side, id, class);
                }
            }
        }
        Ok(self.known(side, key))
    }

    fn settle(&mut self, side: Side, id: NodeId, class: Option<Class>) {
        let class = class.unwrap_or_else(|| self.next());
        self.states[side as usize][id.0 as usize] = State::Known(class);
    }

    /// The class of a key whose parts are classified; `None` where it is equal to nothing.
    fn classify(
        &mut self,
        side: Side,
        node: &'a Node,
        parts: &[NodeId],
        steps: &mut Steps,
    ) -> Result<Option<Class>, TooMuchWork> {
        if let Some(number) = Number::of(node) {
            return match number.as_small() {
                Some(small) => Ok(Some(self.of_shape(Shape::Small(small)))),
                None => self.of_number(number, steps).map(Some),
            };
        }
        steps.take(parts.len())?;
        let parts = parts.iter().map(|part| self.known(side, *part)).collect();
        Ok(shape_of(node, parts).map(|shape| self.of_shape(shape)))
    }

    fn of_number(&mut self, number: Number<'a>, steps: &mut Steps) -> Result<Class, TooMuchWork> {
        let next = Class(self.count);
        // Work on a number grows with its size; a guest may send one of many megabytes.
        steps.take(number.size_bytes())?;
        let alike = self.numbers.entry(number.hash()).or_default();
        for (other, class) in alike.iter() {
            // Numbers that collide without being equal are made on purpose.
            steps.take(16 + number.size_bytes() + other.size_bytes())?;
            if number.equals(*other)? {
                return Ok(*class);
            }
        }
        alike.push((number, next));
        self.count += 1;
        Ok(next)
    }

    fn of_shape(&mut self, shape: Shape<'a>) -> Class {
        let next = Class(self.count);
        let class = *self.shapes.entry(shape).or_insert(next);
        if class == next {
            self.count += 1;
        }
        class
    }

    fn next(&mut self) -> Class {
        self.count += 1;
        Class(self.count - 1)
    }

    /// The class of a node that has one; a part is always classified before its whole.
    fn known(&self, side: Side, id: NodeId) -> Class {
        match self.states[side as usize][id.0 as usize] {
            State::Known(class) => class,
            State::Unseen | State::Open => Class(u32::MAX),
        }
    }
}

/// What has to be classified before this node can be.
fn parts(node: &Node) -> &[NodeId] {
    match node {
        Node::Sequence(SequenceKind::Tuple, items) | Node::Set(_, items) => items,
        Node::Slice(parts) => &parts[..],
        _ => &[],
    }
}

fn shape_of(node: &Node, mut parts: Vec<Class>) -> Option<Shape<'_>> {
    Some(match node {
        Node::None => Shape::None,
        Node::Ellipsis => Shape::Ellipsis,
        Node::NotImplemented => Shape::NotImplemented,
        Node::Str(text) => Shape::Str(text),
        Node::Bytes(bytes) => Shape::Bytes(bytes),
        Node::Date(days) => Shape::Date(*days),
        Node::Time(moment) => Shape::Time(moment.in_utc()),
        Node::DateTime(moment) => Shape::DateTime(moment.in_utc()),
        Node::TimeDelta { days, microseconds } => Shape::TimeDelta(*days, *microseconds),
        Node::TimeZone(offset) => Shape::TimeZone(*offset),
        Node::Range(range) => Shape::Range(range::Elements::of(range)),
        Node::Slice(_) => Shape::Slice(parts.into()),
        Node::Sequence(SequenceKind::Tuple, _) => Shape::Tuple(parts.into()),
        Node::Set(..) => {
            parts.sort_unstable();
            parts.dedup();
            Shape::Set(parts.into())
        }
        _ => return None,
    })
}

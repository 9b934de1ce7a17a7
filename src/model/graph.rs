//! Builds ONNX graphs, and differentiates them.
//!
//! A [`Graph`] is written by calling operations on [`Value`]s; each call adds nodes. What depends on
//! a tracked input is remembered on a tape together with its vector-Jacobian product, so that
//! [`Graph::backward`] can add the nodes of the derivative (reverse-mode differentiation by source
//! transformation: the result is a plain graph again). Only operators of the ONNX standard are used,
//! but for the two fused kernels of the decoding graph.

mod backward;
mod calculus;
mod emit;
mod layers;
mod shape;

pub(super) use emit::RUNTIME_DOMAIN;
pub use emit::{Attribute, Operation};
pub use layers::{MASKED, ScatterSum};

use backward::Record;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

/// A size that is a number, or a name for one that is known only at execution. Two dimensions of
/// the same name are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dim {
    /// A number.
    Fixed(usize),
    /// A name.
    Named(&'static str),
}

impl From<usize> for Dim {
    fn from(size: usize) -> Self {
        Dim::Fixed(size)
    }
}

impl From<&'static str> for Dim {
    fn from(name: &'static str) -> Self {
        Dim::Named(name)
    }
}

/// The type of a tensor's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ElementType {
    /// 32-bit floating point.
    F32,
    /// 64-bit floating point; for proofs.
    F64,
    /// 16-bit floating point with the exponent of 32 bits.
    BF16,
    /// 64-bit integers.
    I64,
    /// 32-bit integers.
    I32,
    /// Truth values.
    Bool,
}

impl ElementType {
    /// The number that ONNX files use.
    pub fn onnx(self) -> i32 {
        match self {
            ElementType::F32 => 1,
            ElementType::I32 => 6,
            ElementType::I64 => 7,
            ElementType::Bool => 9,
            ElementType::F64 => 11,
            ElementType::BF16 => 16,
        }
    }

    /// Bytes of an element.
    pub fn bytes(self) -> usize {
        match self {
            ElementType::F32 | ElementType::I32 => 4,
            ElementType::F64 | ElementType::I64 => 8,
            ElementType::BF16 => 2,
            ElementType::Bool => 1,
        }
    }
}

/// A value of a graph: a handle, valid in the graph that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(usize);

/// What a graph knows of a value.
#[derive(Debug, Clone)]
struct Info {
    name: String,
    shape: Vec<Dim>,
    element: ElementType,
    /// Whether a derivative with respect to it may be asked for.
    tracked: bool,
}

/// What a constant is: its type, shape and bytes.
type Constant = (ElementType, Vec<Dim>, Vec<u8>);

/// A graph under construction.
#[derive(Default)]
pub struct Graph {
    values: RefCell<Vec<Info>>,
    nodes: RefCell<Vec<emit::Node>>,
    inputs: RefCell<Vec<Value>>,
    outputs: RefCell<Vec<Value>>,
    constants: RefCell<Vec<(Value, Vec<u8>)>>,
    /// Constants by content, so that each is stored once.
    known_constants: RefCell<HashMap<Constant, Value>>,
    tape: RefCell<Vec<Record>>,
    /// Whether operations go on the tape.
    paused: Cell<bool>,
}

impl Graph {
    /// An empty one.
    pub fn new() -> Self {
        Graph::default()
    }

    /// An input whose derivative is not asked for.
    pub fn input(
        &self,
        name: &str,
        shape: impl IntoIterator<Item = Dim>,
        element: ElementType,
    ) -> Value {
        let value = self.value(name.to_owned(), shape.into_iter().collect(), element, false);
        self.inputs.borrow_mut().push(value);
        value
    }

    /// An input whose derivative may be asked for.
    pub fn tracked_input(
        &self,
        name: &str,
        shape: impl IntoIterator<Item = Dim>,
        element: ElementType,
    ) -> Value {
        let value = self.input(name, shape, element);
        self.values.borrow_mut()[value.0].tracked = true;
        value
    }

    /// Makes a value an output.
    pub fn output(&self, name: &str, value: Value) {
        let made_by_a_node = !self.inputs.borrow().contains(&value)
            && !self.outputs.borrow().contains(&value)
            && !self.constants.borrow().iter().any(|(x, _)| *x == value);
        let value = match made_by_a_node {
            true => value,
            false => self.emit(
                "Identity",
                &[value],
                &[],
                (self.shape(value), self.element(value)),
            ),
        };
        name.clone_into(&mut self.values.borrow_mut()[value.0].name);
        self.outputs.borrow_mut().push(value);
    }

    /// A value's shape.
    pub fn shape(&self, value: Value) -> Vec<Dim> {
        self.values.borrow()[value.0].shape.clone()
    }

    /// How many dimensions a value has.
    pub fn rank(&self, value: Value) -> usize {
        self.values.borrow()[value.0].shape.len()
    }

    /// The type of a value's elements.
    pub fn element(&self, value: Value) -> ElementType {
        self.values.borrow()[value.0].element
    }

    /// Whether a derivative with respect to a value may be asked for.
    pub fn tracked(&self, value: Value) -> bool {
        self.values.borrow()[value.0].tracked
    }

    /// The last dimension, which has to be a number.
    pub fn width(&self, value: Value) -> usize {
        match self.shape(value).last() {
            Some(Dim::Fixed(size)) => *size,
            other => panic!("the last dimension is {other:?}, not a number"),
        }
    }

    /// Names of the inputs and of the constants, with how many elements these have.
    pub fn sources(&self) -> (Vec<String>, HashMap<String, usize>) {
        let inputs = self.inputs.borrow().iter().map(|x| self.name(*x)).collect();
        let constants = self.constants.borrow();
        let sized = constants.iter().map(|(value, bytes)| {
            let count = bytes.len() / self.element(*value).bytes();
            (self.name(*value), count)
        });
        (inputs, sized.collect())
    }

    /// The types of the inputs, by name.
    pub(super) fn input_elements(&self) -> HashMap<String, ElementType> {
        let inputs = self.inputs.borrow();
        let named = inputs.iter().map(|x| (self.name(*x), self.element(*x)));
        named.collect()
    }

    /// The outputs, in order.
    pub(super) fn output_names(&self) -> Vec<String> {
        self.outputs
            .borrow()
            .iter()
            .map(|x| self.name(*x))
            .collect()
    }

    fn value(&self, name: String, shape: Vec<Dim>, element: ElementType, tracked: bool) -> Value {
        let mut values = self.values.borrow_mut();
        values.push(Info {
            name,
            shape,
            element,
            tracked,
        });
        Value(values.len() - 1)
    }

    fn name(&self, value: Value) -> String {
        self.values.borrow()[value.0].name.clone()
    }

    /// Does something without recording it on the tape.
    fn paused<T>(&self, act: impl FnOnce() -> T) -> T {
        let before = self.paused.replace(true);
        let result = act();
        self.paused.set(before);
        result
    }
}

//! Nodes, constants and the finished file.

use super::{Dim, ElementType, Graph, Value};
use crate::model::onnx::{
    AttributeProto, DimensionProto, DimensionValue, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};
use half::bf16;
use prost::Message;
use std::collections::HashSet;

/// The newest set of standard operators in which every operator that is used here has a kernel on
/// both devices.
const OPSET: i64 = 21;
/// The version of the file format that goes with it.
const IR_VERSION: i64 = 10;
/// ONNX Runtime's own operators.
pub(in crate::model) const RUNTIME_DOMAIN: &str = "com.microsoft";

/// A setting of an operator.
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute {
    /// A whole number.
    Int(i64),
    /// Whole numbers.
    Ints(Vec<i64>),
    /// A text.
    Text(&'static str),
    /// A tensor of one element of the given type, zero.
    Zero(ElementType),
}

/// An operation.
pub(super) struct Node {
    operator: &'static str,
    domain: &'static str,
    inputs: Vec<Option<Value>>,
    outputs: Vec<Value>,
    attributes: Vec<(&'static str, Attribute)>,
}

/// What is known of an operation of a finished graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Such as `MatMul`.
    pub operator: &'static str,
    /// Empty for the standard's own operators.
    pub domain: &'static str,
    /// Types of its inputs, without those that are not given.
    pub reads: Vec<ElementType>,
    /// Types of its outputs.
    pub makes: Vec<ElementType>,
    /// Names of its inputs, where they are given.
    pub inputs: Vec<Option<String>>,
    /// Names of its outputs.
    pub outputs: Vec<String>,
}

/// What a node makes: its shape and type.
pub(in crate::model) type Made = (Vec<Dim>, ElementType);

impl Graph {
    /// Adds a node with one output.
    pub(in crate::model) fn emit(
        &self,
        operator: &'static str,
        inputs: &[Value],
        attributes: &[(&'static str, Attribute)],
        made: Made,
    ) -> Value {
        let inputs: Vec<_> = inputs.iter().copied().map(Some).collect();
        self.emit_full(operator, "", inputs, attributes, vec![made])[0]
    }

    /// Adds a node with any number of outputs, optional inputs and a domain.
    pub(in crate::model) fn emit_full(
        &self,
        operator: &'static str,
        domain: &'static str,
        inputs: Vec<Option<Value>>,
        attributes: &[(&'static str, Attribute)],
        made: Vec<Made>,
    ) -> Vec<Value> {
        let node = self.nodes.borrow().len();
        let outputs: Vec<Value> = made
            .into_iter()
            .enumerate()
            .map(|(at, (shape, element))| {
                self.value(format!("{operator}_{node}_{at}"), shape, element, false)
            })
            .collect();
        self.nodes.borrow_mut().push(Node {
            operator,
            domain,
            inputs,
            outputs: outputs.clone(),
            attributes: attributes.to_vec(),
        });
        outputs
    }

    fn constant_bytes(&self, element: ElementType, shape: Vec<Dim>, bytes: Vec<u8>) -> Value {
        let key = (element, shape.clone(), bytes.clone());
        if let Some(value) = self.known_constants.borrow().get(&key) {
            return *value;
        }
        let name = format!("constant_{}", self.constants.borrow().len());
        let value = self.value(name, shape, element, false);
        self.constants.borrow_mut().push((value, bytes));
        self.known_constants.borrow_mut().insert(key, value);
        value
    }

    /// A constant tensor of real numbers.
    pub fn constant(&self, element: ElementType, shape: &[usize], numbers: &[f64]) -> Value {
        let bytes = match element {
            ElementType::F32 => numbers
                .iter()
                .flat_map(|x| (*x as f32).to_le_bytes())
                .collect(),
            ElementType::F64 => numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
            ElementType::BF16 => numbers
                .iter()
                .flat_map(|x| bf16::from_f64(*x).to_le_bytes())
                .collect(),
            other => panic!("{other:?} is not a type of real numbers"),
        };
        let shape = shape.iter().copied().map(Dim::Fixed).collect();
        self.constant_bytes(element, shape, bytes)
    }

    /// A constant number.
    pub fn scalar(&self, element: ElementType, number: f64) -> Value {
        self.constant(element, &[], &[number])
    }

    /// A constant list of whole numbers.
    pub fn integers(&self, numbers: &[i64]) -> Value {
        let bytes = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.constant_bytes(ElementType::I64, vec![numbers.len().into()], bytes)
    }

    /// A constant tensor of whole numbers.
    pub fn integer_tensor(&self, shape: &[usize], numbers: &[i64]) -> Value {
        let bytes = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        let shape = shape.iter().copied().map(Dim::Fixed).collect();
        self.constant_bytes(ElementType::I64, shape, bytes)
    }

    /// A constant whole number.
    pub fn integer(&self, number: i64) -> Value {
        self.constant_bytes(ElementType::I64, vec![], number.to_le_bytes().to_vec())
    }

    /// Every operation: its name, its domain (empty for the standard's own), and the types of what it
    /// reads and makes.
    pub fn operations(&self) -> Vec<Operation> {
        let nodes = self.nodes.borrow();
        let of = |node: &Node| Operation {
            operator: node.operator,
            domain: node.domain,
            reads: node
                .inputs
                .iter()
                .flatten()
                .map(|x| self.element(*x))
                .collect(),
            makes: node.outputs.iter().map(|x| self.element(*x)).collect(),
            inputs: node
                .inputs
                .iter()
                .map(|x| x.map(|x| self.name(x)))
                .collect(),
            outputs: node.outputs.iter().map(|x| self.name(*x)).collect(),
        };
        nodes.iter().map(of).collect()
    }

    /// Whether a value has elements of a type.
    pub(in crate::model) fn uses(&self, element: ElementType) -> bool {
        let values = self.values.borrow();
        values.iter().any(|value| value.element == element)
    }

    /// The file's content.
    pub fn encode(&self) -> Vec<u8> {
        self.encode_nodes(|_, node| vec![node])
    }

    /// The same for a device without arithmetic in 16 bits: every operation on them is done in 32 and
    /// its results are rounded, as the kernels of a GPU do.
    pub fn encode_rounding(&self) -> Vec<u8> {
        let mut widened = HashSet::new();
        self.encode_nodes(|at, node| self.in_32_bits(at, node, &mut widened))
    }

    fn in_32_bits(
        &self,
        at: usize,
        mut proto: NodeProto,
        widened: &mut HashSet<Value>,
    ) -> Vec<NodeProto> {
        let nodes = self.nodes.borrow();
        let node = &nodes[at];
        let narrow = |value: &Value| self.element(*value) == ElementType::BF16;
        if node.operator == "Cast" {
            return vec![proto];
        }
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for (value, name) in node.inputs.iter().zip(&mut proto.input) {
            let Some(value) = value.filter(narrow) else {
                continue;
            };
            let wide = format!("{name}.wide");
            if widened.insert(value) {
                before.push(cast(name, &wide, ElementType::F32));
            }
            *name = wide;
        }
        for (value, name) in node.outputs.iter().zip(&mut proto.output) {
            if narrow(value) {
                let exact = format!("{name}.exact");
                after.push(cast(&exact, name, ElementType::BF16));
                *name = exact;
            }
        }
        for (given, attribute_of) in node.attributes.iter().zip(&mut proto.attribute) {
            if *given == ("value", Attribute::Zero(ElementType::BF16)) {
                *attribute_of = attribute(&("value", Attribute::Zero(ElementType::F32)));
            }
        }
        before.push(proto);
        before.extend(after);
        before
    }

    fn encode_nodes(&self, mut rewrite: impl FnMut(usize, NodeProto) -> Vec<NodeProto>) -> Vec<u8> {
        let values = self.values.borrow();
        let info = |value: &Value| {
            let info = &values[value.0];
            value_info(&info.name, &info.shape, info.element)
        };
        let node = |(at, node): (usize, &Node)| NodeProto {
            input: node
                .inputs
                .iter()
                .map(|input| input.map_or_else(String::new, |value| values[value.0].name.clone()))
                .collect(),
            output: node
                .outputs
                .iter()
                .map(|output| values[output.0].name.clone())
                .collect(),
            name: Some(format!("{}_{at}", node.operator)),
            op_type: Some(node.operator.to_owned()),
            domain: (!node.domain.is_empty()).then(|| node.domain.to_owned()),
            attribute: node.attributes.iter().map(attribute).collect(),
        };
        let initializer = |(value, bytes): &(Value, Vec<u8>)| TensorProto {
            dims: values[value.0].shape.iter().map(number).collect(),
            data_type: Some(values[value.0].element.onnx()),
            name: Some(values[value.0].name.clone()),
            raw_data: Some(bytes.clone()),
        };
        let nodes = self.nodes.borrow();
        let nodes = nodes.iter().enumerate();
        let nodes = nodes
            .flat_map(|(at, x)| rewrite(at, node((at, x))))
            .collect();
        let graph = GraphProto {
            name: Some("touchstone".to_owned()),
            node: nodes,
            initializer: self.constants.borrow().iter().map(initializer).collect(),
            input: self.inputs.borrow().iter().map(info).collect(),
            output: self.outputs.borrow().iter().map(info).collect(),
        };
        let opset = |domain: &str, version| OperatorSetIdProto {
            domain: Some(domain.to_owned()),
            version: Some(version),
        };
        ModelProto {
            ir_version: Some(IR_VERSION),
            producer_name: Some("touchstone".to_owned()),
            graph: Some(graph),
            opset_import: vec![opset("", OPSET), opset(RUNTIME_DOMAIN, 1)],
        }
        .encode_to_vec()
    }
}

fn cast(from: &str, to: &str, element: ElementType) -> NodeProto {
    NodeProto {
        input: vec![from.to_owned()],
        output: vec![to.to_owned()],
        name: Some(format!("Cast_to_{to}")),
        op_type: Some("Cast".to_owned()),
        domain: None,
        attribute: vec![attribute(&("to", Attribute::Int(element.onnx().into())))],
    }
}

fn number(dim: &Dim) -> i64 {
    match dim {
        Dim::Fixed(size) => *size as i64,
        Dim::Named(name) => panic!("a constant has no dimension {name}"),
    }
}

fn value_info(name: &str, shape: &[Dim], element: ElementType) -> ValueInfoProto {
    let dimension = |dim: &Dim| DimensionProto {
        value: Some(match dim {
            Dim::Fixed(size) => DimensionValue::DimValue(*size as i64),
            Dim::Named(name) => DimensionValue::DimParam((*name).to_owned()),
        }),
    };
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto {
            tensor_type: Some(TensorTypeProto {
                elem_type: Some(element.onnx()),
                shape: Some(TensorShapeProto {
                    dim: shape.iter().map(dimension).collect(),
                }),
            }),
        }),
    }
}

fn attribute((name, value): &(&'static str, Attribute)) -> AttributeProto {
    let mut proto = AttributeProto {
        name: Some((*name).to_owned()),
        ..AttributeProto::default()
    };
    let kind = match value {
        Attribute::Int(number) => {
            proto.i = Some(*number);
            2
        }
        Attribute::Text(text) => {
            proto.s = Some(text.as_bytes().to_vec());
            3
        }
        Attribute::Zero(element) => {
            proto.t = Some(TensorProto {
                dims: vec![1],
                data_type: Some(element.onnx()),
                name: None,
                raw_data: Some(vec![0; element.bytes()]),
            });
            4
        }
        Attribute::Ints(numbers) => {
            proto.ints.clone_from(numbers);
            7
        }
    };
    proto.r#type = Some(kind);
    proto
}

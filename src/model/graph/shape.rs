//! Operations that move elements: shapes, slices, lookups.

use super::{Attribute, Dim, ElementType, Graph, Value};

impl Graph {
    /// The same elements in another shape. `target` is ONNX's: 0 keeps a size, -1 follows from the
    /// others.
    pub fn reshape(&self, x: Value, target: &[i64], shape: impl Into<Vec<Dim>>) -> Value {
        self.reshape_to(x, self.integers(target), shape)
    }

    /// The same elements in a shape that is known at execution.
    pub fn reshape_to(&self, x: Value, target: Value, shape: impl Into<Vec<Dim>>) -> Value {
        let made = (shape.into(), self.element(x));
        let reshaped = self.emit("Reshape", &[x, target], &[], made);
        self.record(reshaped, &[x], move |graph, gradient| {
            vec![Some(graph.reshape_like(gradient, x))]
        })
    }

    /// The same elements in another value's shape.
    pub fn reshape_like(&self, x: Value, like: Value) -> Value {
        let shape = self.shape(like);
        let unknown = shape.iter().filter(|dim| matches!(dim, Dim::Named(_)));
        let target = match unknown.count() {
            0 | 1 => {
                let number = |dim: &Dim| match dim {
                    Dim::Fixed(size) => *size as i64,
                    Dim::Named(_) => -1,
                };
                self.integers(&shape.iter().map(number).collect::<Vec<_>>())
            }
            _ => self.shape_of(like),
        };
        self.reshape_to(x, target, shape)
    }

    /// The sizes of a value at execution, `[rank]`.
    pub fn shape_of(&self, x: Value) -> Value {
        let made = (vec![Dim::Fixed(self.rank(x))], ElementType::I64);
        self.emit("Shape", &[x], &[], made)
    }

    /// One size of a value at execution, `[1]`.
    pub fn size_of(&self, x: Value, axis: usize) -> Value {
        let span = [
            ("start", Attribute::Int(axis as i64)),
            ("end", Attribute::Int(axis as i64 + 1)),
        ];
        let made = (vec![Dim::Fixed(1)], ElementType::I64);
        self.emit("Shape", &[x], &span, made)
    }

    /// Dimensions of size 1 put in.
    pub fn unsqueeze(&self, x: Value, axes: &[usize]) -> Value {
        let mut shape = self.shape(x);
        for axis in axes {
            shape.insert(*axis, Dim::Fixed(1));
        }
        let axes: Vec<i64> = axes.iter().map(|axis| *axis as i64).collect();
        let made = (shape, self.element(x));
        let wider = self.emit("Unsqueeze", &[x, self.integers(&axes)], &[], made);
        self.record(wider, &[x], move |graph, gradient| {
            vec![Some(graph.reshape_like(gradient, x))]
        })
    }

    /// Broadcast to another value's shape; for derivatives, has none itself.
    pub(super) fn expand_like(&self, x: Value, like: Value) -> Value {
        let made = (self.shape(like), self.element(x));
        self.emit("Expand", &[x, self.shape_of(like)], &[], made)
    }

    /// Zeros in another value's shape.
    pub(super) fn zeros_like(&self, like: Value) -> Value {
        let element = self.element(like);
        let zero = ("value", Attribute::Zero(element));
        let made = (self.shape(like), element);
        self.emit("ConstantOfShape", &[self.shape_of(like)], &[zero], made)
    }

    /// Dimensions in another order.
    pub fn transpose(&self, x: Value, order: &[usize]) -> Value {
        let shape = self.shape(x);
        let made = (order.iter().map(|i| shape[*i]).collect(), self.element(x));
        let numbers = order.iter().map(|i| *i as i64).collect();
        let moved = self.emit(
            "Transpose",
            &[x],
            &[("perm", Attribute::Ints(numbers))],
            made,
        );
        let mut back = vec![0; order.len()];
        for (to, from) in order.iter().enumerate() {
            back[*from] = to;
        }
        self.record(moved, &[x], move |graph, gradient| {
            vec![Some(graph.transpose(gradient, &back))]
        })
    }

    /// Equal parts along a dimension; the last part is smaller where it does not divide.
    pub fn split(&self, x: Value, axis: usize, part: impl Into<Dim>, parts: usize) -> Vec<Value> {
        let mut shape = self.shape(x);
        shape[axis] = part.into();
        let attributes = [
            ("axis", Attribute::Int(axis as i64)),
            ("num_outputs", Attribute::Int(parts as i64)),
        ];
        let made = vec![(shape, self.element(x)); parts];
        let pieces = self.emit_full("Split", "", vec![Some(x)], &attributes, made);
        let whole = self.shape(x)[axis];
        self.record_all(&pieces, &[x], move |graph, gradients| {
            vec![Some(graph.concat(gradients, axis, whole))]
        });
        pieces
    }

    /// Values one after the other along a dimension, whose size becomes `total`.
    pub fn concat(&self, parts: &[Value], axis: usize, total: impl Into<Dim>) -> Value {
        let mut shape = self.shape(parts[0]);
        shape[axis] = total.into();
        let at = [("axis", Attribute::Int(axis as i64))];
        let joined = self.emit("Concat", parts, &at, (shape, self.element(parts[0])));
        let sources = parts.to_vec();
        self.record(joined, parts, move |graph, gradient| {
            let pieces = graph.split_as(gradient, &sources, axis);
            pieces.into_iter().map(Some).collect()
        })
    }

    /// Parts of the sizes that `like` have along a dimension: numbers, or all one name as
    /// [`Graph::split`] makes them. Other sizes would have to be computed.
    fn split_as(&self, x: Value, like: &[Value], axis: usize) -> Vec<Value> {
        let made = like.iter().map(|x| (self.shape(*x), self.element(*x)));
        let sizes = like.iter().map(|x| match self.shape(*x)[axis] {
            Dim::Fixed(size) => Some(size as i64),
            Dim::Named(_) => None,
        });
        let sizes: Option<Vec<i64>> = sizes.collect();
        let mut attributes = vec![("axis", Attribute::Int(axis as i64))];
        let mut inputs = vec![Some(x)];
        match sizes {
            Some(sizes) => inputs.push(Some(self.integers(&sizes))),
            None => {
                let first = self.shape(like[0])[axis];
                let alike = like.iter().all(|x| self.shape(*x)[axis] == first);
                assert!(alike, "parts of unknown sizes that differ");
                attributes.push(("num_outputs", Attribute::Int(like.len() as i64)));
            }
        }
        self.emit_full("Split", "", inputs, &attributes, made.collect())
    }

    /// The elements `start..end` of a dimension, both given as `[1]`; has no derivative.
    pub fn slice(
        &self,
        x: Value,
        axis: usize,
        span: (Value, Value),
        size: impl Into<Dim>,
    ) -> Value {
        let mut shape = self.shape(x);
        shape[axis] = size.into();
        let inputs = [x, span.0, span.1, self.integers(&[axis as i64])];
        self.emit("Slice", &inputs, &[], (shape, self.element(x)))
    }

    /// Rows `[k, ..]` of `[n, ..]` by their numbers `[k]`, which must differ from one another where a
    /// derivative is asked for.
    pub fn rows(&self, x: Value, numbers: Value) -> Value {
        let mut shape = self.shape(x);
        shape[0] = self.shape(numbers)[0];
        let first = [("axis", Attribute::Int(0))];
        let picked = self.emit("Gather", &[x, numbers], &first, (shape, self.element(x)));
        self.record(picked, &[x], move |graph, gradient| {
            let zeros = graph.zeros_like(x);
            let at = graph.unsqueeze(numbers, &[1]);
            let made = (graph.shape(x), graph.element(x));
            vec![Some(graph.emit(
                "ScatterND",
                &[zeros, at, gradient],
                &[],
                made,
            ))]
        })
    }

    /// Broadcast to a shape that is known at execution; has no derivative.
    pub fn expand(&self, x: Value, target: Value, shape: impl Into<Vec<Dim>>) -> Value {
        self.emit("Expand", &[x, target], &[], (shape.into(), self.element(x)))
    }

    /// Writes `updates` into `x` at `indices`, each place once; has no derivative. Where `x` is an
    /// input whose memory is bound to the output too, nothing else is copied.
    pub fn scatter(&self, x: Value, indices: Value, updates: Value) -> Value {
        let made = (self.shape(x), self.element(x));
        self.emit("ScatterND", &[x, indices, updates], &[], made)
    }
}

//! Element-wise operations, sums and matrix products, each with its derivative.

use super::{Attribute, Dim, ElementType, Graph, Value};

/// The shape that two shapes broadcast to.
fn broadcast(a: &[Dim], b: &[Dim]) -> Vec<Dim> {
    let rank = a.len().max(b.len());
    let at = |shape: &[Dim], i: usize| match (i + shape.len()).checked_sub(rank) {
        Some(i) => shape[i],
        None => Dim::Fixed(1),
    };
    (0..rank)
        .map(|i| match (at(a, i), at(b, i)) {
            (x, y) if x == y => x,
            (Dim::Fixed(1), y) => y,
            (x, Dim::Fixed(1)) => x,
            (x, y) => panic!("{a:?} and {b:?} do not broadcast: {x:?} is not {y:?}"),
        })
        .collect()
}

impl Graph {
    fn binary(&self, operator: &'static str, a: Value, b: Value) -> Value {
        let shape = broadcast(&self.shape(a), &self.shape(b));
        assert_eq!(self.element(a), self.element(b), "{operator} of two types");
        self.emit(operator, &[a, b], &[], (shape, self.element(a)))
    }

    fn unary(&self, operator: &'static str, x: Value) -> Value {
        self.emit(operator, &[x], &[], (self.shape(x), self.element(x)))
    }

    /// Sums a derivative over the dimensions that `x` was broadcast along.
    fn unbroadcast(&self, gradient: Value, x: Value) -> Value {
        let (from, to) = (self.shape(gradient), self.shape(x));
        let lead = from.len() - to.len();
        let mut result = gradient;
        if lead > 0 {
            let axes: Vec<usize> = (0..lead).collect();
            result = self.reduce_sum(result, &axes, false);
        }
        let axes: Vec<usize> = (0..to.len())
            .filter(|i| to[*i] == Dim::Fixed(1) && from[lead + i] != Dim::Fixed(1))
            .collect();
        match axes.is_empty() {
            true => result,
            false => self.reduce_sum(result, &axes, true),
        }
    }

    /// The derivative for an operand, where it is tracked.
    fn toward(&self, x: Value, gradient: impl FnOnce() -> Value) -> Option<Value> {
        self.tracked(x).then(|| self.unbroadcast(gradient(), x))
    }

    /// `a + b`, broadcast.
    pub fn add(&self, a: Value, b: Value) -> Value {
        let sum = self.binary("Add", a, b);
        self.record(sum, &[a, b], move |graph, gradient| {
            vec![graph.toward(a, || gradient), graph.toward(b, || gradient)]
        })
    }

    /// `a - b`, broadcast.
    pub fn sub(&self, a: Value, b: Value) -> Value {
        let difference = self.binary("Sub", a, b);
        self.record(difference, &[a, b], move |graph, gradient| {
            vec![
                graph.toward(a, || gradient),
                graph.toward(b, || graph.neg(gradient)),
            ]
        })
    }

    /// `a * b` of elements, broadcast.
    pub fn mul(&self, a: Value, b: Value) -> Value {
        let product = self.binary("Mul", a, b);
        self.record(product, &[a, b], move |graph, gradient| {
            vec![
                graph.toward(a, || graph.mul(gradient, b)),
                graph.toward(b, || graph.mul(gradient, a)),
            ]
        })
    }

    /// `a / b` of elements, broadcast.
    pub fn div(&self, a: Value, b: Value) -> Value {
        let quotient = self.binary("Div", a, b);
        self.record(quotient, &[a, b], move |graph, gradient| {
            let share = graph.div(gradient, b);
            vec![
                graph.toward(a, || share),
                graph.toward(b, || graph.neg(graph.mul(share, quotient))),
            ]
        })
    }

    /// `x` times a number.
    pub fn scale(&self, x: Value, factor: f64) -> Value {
        self.mul(x, self.scalar(self.element(x), factor))
    }

    /// `x` plus a number.
    pub fn shift(&self, x: Value, by: f64) -> Value {
        self.add(x, self.scalar(self.element(x), by))
    }

    /// `-x`.
    pub fn neg(&self, x: Value) -> Value {
        let negative = self.unary("Neg", x);
        self.record(negative, &[x], |graph, gradient| {
            vec![Some(graph.neg(gradient))]
        })
    }

    /// `e^x`.
    pub fn exp(&self, x: Value) -> Value {
        let power = self.unary("Exp", x);
        self.record(power, &[x], move |graph, gradient| {
            vec![Some(graph.mul(gradient, power))]
        })
    }

    /// The natural logarithm.
    pub fn log(&self, x: Value) -> Value {
        let logarithm = self.unary("Log", x);
        self.record(logarithm, &[x], move |graph, gradient| {
            vec![Some(graph.div(gradient, x))]
        })
    }

    /// The square root.
    pub fn sqrt(&self, x: Value) -> Value {
        let root = self.unary("Sqrt", x);
        self.record(root, &[x], move |graph, gradient| {
            vec![Some(graph.div(graph.scale(gradient, 0.5), root))]
        })
    }

    /// `1 / (1 + e^-x)`.
    pub fn sigmoid(&self, x: Value) -> Value {
        let y = self.unary("Sigmoid", x);
        self.record(y, &[x], move |graph, gradient| {
            let slope = graph.sub(y, graph.mul(y, y));
            vec![Some(graph.mul(gradient, slope))]
        })
    }

    /// The hyperbolic tangent.
    pub fn tanh(&self, x: Value) -> Value {
        let y = self.unary("Tanh", x);
        self.record(y, &[x], move |graph, gradient| {
            let loss = graph.mul(graph.mul(y, y), gradient);
            vec![Some(graph.sub(gradient, loss))]
        })
    }

    /// `log(1 + e^x)`, without overflow. ONNX has it, but not the CPU in 64 bits.
    pub fn softplus(&self, x: Value) -> Value {
        let y = self.paused(|| {
            let zero = self.scalar(self.element(x), 0.0);
            let tail = self.exp(self.neg(self.unary("Abs", x)));
            let positive = self.binary("Max", x, zero);
            self.add(positive, self.log(self.shift(tail, 1.0)))
        });
        self.record(y, &[x], move |graph, gradient| {
            vec![Some(graph.mul(gradient, graph.sigmoid(x)))]
        })
    }

    /// The smaller of two; where they are equal the derivative goes to `a` alone.
    pub fn minimum(&self, a: Value, b: Value) -> Value {
        self.choose("Min", "LessOrEqual", a, b)
    }

    /// The larger of two; where they are equal the derivative goes to `a` alone.
    pub fn maximum(&self, a: Value, b: Value) -> Value {
        self.choose("Max", "GreaterOrEqual", a, b)
    }

    fn choose(
        &self,
        operator: &'static str,
        first_is_taken: &'static str,
        a: Value,
        b: Value,
    ) -> Value {
        let chosen = self.binary(operator, a, b);
        self.record(chosen, &[a, b], move |graph, gradient| {
            let zero = graph.scalar(graph.element(gradient), 0.0);
            let first = graph.compare(first_is_taken, a, b);
            vec![
                graph.toward(a, || graph.select(first, gradient, zero)),
                graph.toward(b, || graph.select(first, zero, gradient)),
            ]
        })
    }

    /// A comparison of elements, such as `Less`.
    pub fn compare(&self, operator: &'static str, a: Value, b: Value) -> Value {
        let shape = broadcast(&self.shape(a), &self.shape(b));
        self.emit(operator, &[a, b], &[], (shape, ElementType::Bool))
    }

    /// `a` where the condition holds, else `b`, broadcast.
    pub fn select(&self, condition: Value, a: Value, b: Value) -> Value {
        let shape = broadcast(&self.shape(a), &self.shape(b));
        let shape = broadcast(&self.shape(condition), &shape);
        let made = (shape, self.element(a));
        let selected = self.emit("Where", &[condition, a, b], &[], made);
        self.record(selected, &[a, b], move |graph, gradient| {
            let zero = graph.scalar(graph.element(gradient), 0.0);
            vec![
                graph.toward(a, || graph.select(condition, gradient, zero)),
                graph.toward(b, || graph.select(condition, zero, gradient)),
            ]
        })
    }

    /// `x` within bounds; no derivative outside.
    pub fn clip(&self, x: Value, low: f64, high: f64) -> Value {
        let element = self.element(x);
        let bounds = [self.scalar(element, low), self.scalar(element, high)];
        let made = (self.shape(x), element);
        let clipped = self.emit("Clip", &[x, bounds[0], bounds[1]], &[], made);
        self.record(clipped, &[x], move |graph, gradient| {
            let inside = graph.compare("Equal", clipped, x);
            let zero = graph.scalar(graph.element(gradient), 0.0);
            vec![Some(graph.select(inside, gradient, zero))]
        })
    }

    /// The same numbers in another type.
    pub fn cast(&self, x: Value, element: ElementType) -> Value {
        let from = self.element(x);
        if from == element {
            return x;
        }
        let to = Attribute::Int(element.onnx().into());
        let converted = self.emit("Cast", &[x], &[("to", to)], (self.shape(x), element));
        self.record(converted, &[x], move |graph, gradient| {
            vec![Some(graph.cast(gradient, from))]
        })
    }

    /// The sum over some dimensions, which stay with size 1 or vanish.
    pub fn reduce_sum(&self, x: Value, axes: &[usize], keep: bool) -> Value {
        self.reduce("ReduceSum", x, axes, keep)
    }

    /// The sum of everything, a number.
    pub fn sum(&self, x: Value) -> Value {
        let axes: Vec<usize> = (0..self.rank(x)).collect();
        self.reduce_sum(x, &axes, false)
    }

    /// The mean over the last dimension, which stays with size 1.
    pub fn mean_last(&self, x: Value) -> Value {
        let axis = self.rank(x) - 1;
        self.reduce("ReduceMean", x, &[axis], true)
    }

    fn reduce(&self, operator: &'static str, x: Value, axes: &[usize], keep: bool) -> Value {
        let shape = self.shape(x);
        let reduced = shape
            .iter()
            .enumerate()
            .filter(|(i, _)| keep || !axes.contains(i))
            .map(|(i, dim)| match axes.contains(&i) {
                true => Dim::Fixed(1),
                false => *dim,
            });
        let numbers: Vec<i64> = axes.iter().map(|axis| *axis as i64).collect();
        let made = (reduced.collect(), self.element(x));
        let keep_dims = Attribute::Int(keep.into());
        let inputs = [x, self.integers(&numbers)];
        let result = self.emit(operator, &inputs, &[("keepdims", keep_dims)], made);
        let count: usize = match operator {
            "ReduceMean" => axes.iter().map(|axis| fixed(shape[*axis])).product(),
            _ => 1,
        };
        let axes = axes.to_vec();
        self.record(result, &[x], move |graph, gradient| {
            let spread = match keep {
                true => gradient,
                false => graph.unsqueeze(gradient, &axes),
            };
            let spread = match count {
                1 => spread,
                count => graph.scale(spread, 1.0 / count as f64),
            };
            vec![Some(graph.expand_like(spread, x))]
        })
    }

    /// The product of matrices in the last two dimensions, `[.., n, k] x [.., k, m]`; the dimensions
    /// before broadcast.
    pub fn matmul(&self, a: Value, b: Value) -> Value {
        let (left, right) = (self.shape(a), self.shape(b));
        let (rank_a, rank_b) = (left.len(), right.len());
        assert_eq!(left[rank_a - 1], right[rank_b - 2], "{left:?} x {right:?}");
        let mut shape = broadcast(&left[..rank_a - 2], &right[..rank_b - 2]);
        shape.extend([left[rank_a - 2], right[rank_b - 1]]);
        let product = self.emit("MatMul", &[a, b], &[], (shape, self.element(a)));
        self.record(product, &[a, b], move |graph, gradient| {
            vec![
                graph.toward(a, || graph.matmul(gradient, graph.turned(b))),
                graph.toward(b, || graph.matmul(graph.turned(a), gradient)),
            ]
        })
    }

    /// The last two dimensions exchanged.
    pub fn turned(&self, x: Value) -> Value {
        let rank = self.rank(x);
        let mut order: Vec<usize> = (0..rank).collect();
        order.swap(rank - 2, rank - 1);
        self.transpose(x, &order)
    }

    /// `a x b` of plain matrices, either one turned first, plus a bias `[m]`.
    fn gemm(&self, a: Value, b: Value, turn: (bool, bool), bias: Option<Value>) -> Value {
        let (left, right) = (self.shape(a), self.shape(b));
        let shape = vec![left[usize::from(turn.0)], right[usize::from(!turn.1)]];
        let attributes = [
            ("transA", Attribute::Int(turn.0.into())),
            ("transB", Attribute::Int(turn.1.into())),
        ];
        let inputs: Vec<Value> = [a, b].into_iter().chain(bias).collect();
        self.emit("Gemm", &inputs, &attributes, (shape, self.element(a)))
    }

    /// A linear layer: rows `[n, in]`, a weight `[out, in]` and a bias `[out]` to `[n, out]`.
    pub fn linear(&self, x: Value, weight: Value, bias: Option<Value>) -> Value {
        let y = self.gemm(x, weight, (false, true), bias);
        let inputs: Vec<Value> = [x, weight].into_iter().chain(bias).collect();
        self.record(y, &inputs, move |graph, gradient| {
            let tracked = |value| graph.tracked(value);
            let input = tracked(x).then(|| graph.gemm(gradient, weight, (false, false), None));
            let weight = tracked(weight).then(|| graph.gemm(gradient, x, (true, false), None));
            let bias =
                bias.map(|bias| tracked(bias).then(|| graph.reduce_sum(gradient, &[0], false)));
            [Some(input), Some(weight), bias]
                .into_iter()
                .flatten()
                .collect()
        })
    }
}

/// A size that has to be a number.
fn fixed(dim: Dim) -> usize {
    match dim {
        Dim::Fixed(size) => size,
        Dim::Named(name) => panic!("{name} is not known yet"),
    }
}

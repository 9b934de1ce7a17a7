//! The layers of a decoder whose derivatives are written by hand, because they need fewer passes over
//! memory, or keep less, than the tape would find.

use super::{Attribute, Dim, ElementType, Graph, RUNTIME_DOMAIN, Value};

/// How the derivative of a lookup adds up the rows of tokens that occur more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScatterSum {
    /// `ScatterND` with a sum, row by row. Right on CUDA; on the CPU its threads overwrite each other
    /// where an index occurs twice.
    Rows,
    /// `ScatterElements` with a sum, one element after the other: always in the same order.
    Elements,
}

/// What stands in for minus infinity before a softmax: infinities make NaN where a whole row is
/// masked, and `e` to this is zero in every type.
pub const MASKED: f64 = -1e9;

impl Graph {
    /// Softmax over the last dimension.
    pub fn softmax(&self, x: Value) -> Value {
        let made = (self.shape(x), self.element(x));
        let y = self.emit("Softmax", &[x], &[("axis", Attribute::Int(-1))], made);
        let last = self.rank(x) - 1;
        self.record(y, &[x], move |graph, gradient| {
            let mean = graph.reduce_sum(graph.mul(gradient, y), &[last], true);
            vec![Some(graph.mul(y, graph.sub(gradient, mean)))]
        })
    }

    /// Root mean square norm over the last dimension (Zhang and Sennrich 2019, arXiv 1910.07467),
    /// computed in 32 bits at least: `x / sqrt(mean(x^2) + epsilon) * weight`, weight `[d]`.
    pub fn rms_norm(&self, x: Value, weight: Value, epsilon: f64) -> Value {
        let element = self.element(x);
        let wide = match element {
            ElementType::BF16 => ElementType::F32,
            other => other,
        };
        let (x, weight) = (self.cast(x, wide), self.cast(weight, wide));
        if wide == ElementType::F32 && !self.tracked(x) && !self.tracked(weight) {
            return self.cast(self.plain_rms_norm(x, weight, epsilon), element);
        }
        let width = self.width(x);
        let (y, inverse) = self.paused(|| {
            let square = self.scale(self.sum_of_squares(x), 1.0 / width as f64);
            let root = self.sqrt(self.shift(square, epsilon));
            let inverse = self.div(self.scalar(wide, 1.0), root);
            (self.mul(self.mul(x, inverse), weight), inverse)
        });
        let y = self.record(y, &[x, weight], move |graph, gradient| {
            // With r for the inverse root and p = gradient * x, element by element:
            // dx = r * gradient * weight - x * r^3 / d * (p . weight), dweight = sum of r * p.
            let product = graph.mul(gradient, x);
            let column = graph.reshape(weight, &[-1, 1], [width.into(), 1.into()]);
            let along = graph.matmul(product, column);
            let cube = graph.mul(graph.mul(inverse, inverse), inverse);
            let share = graph.scale(graph.mul(along, cube), 1.0 / width as f64);
            let straight = graph.mul(graph.mul(gradient, weight), inverse);
            let toward_weight = graph
                .tracked(weight)
                .then(|| graph.weighted_rows(product, inverse));
            vec![
                Some(graph.sub(straight, graph.mul(x, share))),
                toward_weight,
            ]
        });
        self.cast(y, element)
    }

    /// The same without a derivative, in the form that ONNX Runtime knows and makes one kernel of.
    fn plain_rms_norm(&self, x: Value, weight: Value, epsilon: f64) -> Value {
        let element = self.element(x);
        let two = self.scalar(element, 2.0);
        let square = self.emit("Pow", &[x, two], &[], (self.shape(x), element));
        let root = self.sqrt(self.shift(self.mean_last(square), epsilon));
        self.mul(self.div(x, root), weight)
    }

    /// Sums of squares over the last dimension, which stays with size 1.
    fn sum_of_squares(&self, x: Value) -> Value {
        let mut shape = self.shape(x);
        let last = shape.len() - 1;
        shape[last] = Dim::Fixed(1);
        let axes = self.integers(&[last as i64]);
        let keep = [("keepdims", Attribute::Int(1))];
        let made = (shape, self.element(x));
        self.emit("ReduceSumSquare", &[x, axes], &keep, made)
    }

    /// The sum of all rows `[.., d]`, each times its weight `[.., 1]`: `[d]`.
    fn weighted_rows(&self, rows: Value, weights: Value) -> Value {
        const ALL: Dim = Dim::Named("all rows");
        let width = self.width(rows);
        let flat = self.reshape(rows, &[-1, width as i64], [ALL, width.into()]);
        let weights = self.reshape(weights, &[1, -1], [1.into(), ALL]);
        let sum = self.matmul(weights, flat);
        self.reshape(sum, &[-1], [width.into()])
    }

    /// `silu(gate) * up`, the gated unit of the feed-forward layer (Shazeer 2020, arXiv 2002.05202).
    pub fn swiglu(&self, gate: Value, up: Value) -> Value {
        let (open, silu, y) = self.paused(|| {
            let open = self.sigmoid(gate);
            let silu = self.mul(gate, open);
            (open, silu, self.mul(silu, up))
        });
        self.record(y, &[gate, up], move |graph, gradient| {
            // With s for the sigmoid, up * silu' = up * (s + silu (1 - s)) = y + s (up - y).
            let slope = graph.add(y, graph.mul(open, graph.sub(up, y)));
            vec![
                Some(graph.mul(gradient, slope)),
                Some(graph.mul(gradient, silu)),
            ]
        })
    }

    /// Rotary position embedding (Su et al. 2021, arXiv 2104.09864) with the halves of a head as
    /// pairs: `x [rows, heads, length, d]`, `cos` and `sin` `[length, d / 2]`.
    pub fn rotate(&self, x: Value, cos: Value, sin: Value) -> Value {
        let y = match self.element(x) {
            // The fused kernel has no 64 bits.
            ElementType::F64 => self.paused(|| self.rotate_halves(x, cos, sin)),
            element => {
                let from_the_start = self.integers(&[0]);
                let inputs = [x, from_the_start, cos, sin].map(Some).to_vec();
                let made = vec![(self.shape(x), element)];
                self.emit_full("RotaryEmbedding", RUNTIME_DOMAIN, inputs, &[], made)[0]
            }
        };
        self.record(y, &[x], move |graph, gradient| {
            vec![Some(graph.rotate(gradient, cos, graph.neg(sin)))]
        })
    }

    /// [`Graph::rotate`] in standard operators, for tables of any shape that broadcasts to the halves
    /// of `x`; has no derivative where it is not part of that.
    pub(in crate::model) fn rotate_halves(&self, x: Value, cos: Value, sin: Value) -> Value {
        let (last, width) = (self.rank(x) - 1, self.width(x));
        let halves = self.split(x, last, width / 2, 2);
        let (a, b) = (halves[0], halves[1]);
        let first = self.sub(self.mul(a, cos), self.mul(b, sin));
        let second = self.add(self.mul(b, cos), self.mul(a, sin));
        self.concat(&[first, second], last, width)
    }

    /// Attention: queries `[.., n, d]`, scaled already, keys and values `[.., m, d]`, and what is
    /// added to the scores `[n, m]`. The softmax is computed in 32 bits at least.
    pub fn attend(&self, queries: Value, keys: Value, values: Value, mask: Value) -> Value {
        let element = self.element(queries);
        let (shares, y) = self.paused(|| {
            let scores = self.matmul(queries, self.turned(keys));
            let scores = self.add(self.cast(scores, self.element(mask)), mask);
            let shares = self.cast(self.softmax(scores), element);
            (shares, self.matmul(shares, values))
        });
        self.record(y, &[queries, keys, values], move |graph, gradient| {
            let last = graph.rank(y) - 1;
            let toward_values = graph.matmul(graph.turned(shares), gradient);
            let toward_shares = graph.matmul(gradient, graph.turned(values));
            // The sum over a row that softmax's derivative needs equals the product of output and
            // derivative, which is d wide instead of m (Dao et al. 2022, arXiv 2205.14135).
            let along = graph.reduce_sum(graph.mul(gradient, y), &[last], true);
            let toward_scores = graph.mul(shares, graph.sub(toward_shares, along));
            vec![
                Some(graph.matmul(toward_scores, keys)),
                Some(graph.matmul(graph.turned(toward_scores), queries)),
                Some(toward_values),
            ]
        })
    }

    /// The log-probability of each row's target: logits `[n, v]`, targets `[n]`, result `[n]`.
    pub fn token_log_probability(&self, logits: Value, targets: Value) -> Value {
        let targets = self.unsqueeze(targets, &[1]);
        let (shape, element) = (self.shape(logits), self.element(logits));
        let column = vec![shape[0], Dim::Fixed(1)];
        let (normalizer, result) = self.paused(|| {
            let normalizer = self.log_sum_exp(logits);
            let at = [("axis", Attribute::Int(1))];
            let inputs = [logits, targets];
            let made = (column.clone(), element);
            let taken = self.emit("GatherElements", &inputs, &at, made);
            let difference = self.sub(taken, normalizer);
            (normalizer, self.reshape(difference, &[-1], [shape[0]]))
        });
        self.record(result, &[logits], move |graph, gradient| {
            let gradient = graph.unsqueeze(gradient, &[1]);
            let shares = graph.exp(graph.sub(logits, normalizer));
            let spread = graph.mul(shares, graph.neg(gradient));
            let attributes = [
                ("axis", Attribute::Int(1)),
                ("reduction", Attribute::Text("add")),
            ];
            let made = (graph.shape(logits), element);
            let inputs = [spread, targets, gradient];
            vec![Some(graph.emit(
                "ScatterElements",
                &inputs,
                &attributes,
                made,
            ))]
        })
    }

    /// The logarithm of the sum of exponentials over the last of two dimensions, `[n, 1]`; has no
    /// derivative.
    pub fn log_sum_exp(&self, x: Value) -> Value {
        self.paused(|| {
            let mut shape = self.shape(x);
            let last = shape.len() - 1;
            shape[last] = Dim::Fixed(1);
            let axes = self.integers(&[last as i64]);
            let keep = [("keepdims", Attribute::Int(1))];
            let largest = self.emit("ReduceMax", &[x, axes], &keep, (shape, self.element(x)));
            let powers = self.exp(self.sub(x, largest));
            self.add(self.log(self.reduce_sum(powers, &[last], true)), largest)
        })
    }

    /// The entropy of each row of logits in nats, `[n]`; has no derivative.
    pub fn entropy(&self, logits: Value) -> Value {
        self.paused(|| {
            let normalizer = self.log_sum_exp(logits);
            let shares = self.exp(self.sub(logits, normalizer));
            let mean = self.reduce_sum(self.mul(shares, logits), &[1], true);
            let rows = self.shape(logits)[0];
            self.reshape(self.sub(normalizer, mean), &[-1], [rows])
        })
    }

    /// Rows of a table `[v, d]` by token `[n]`, of which any may occur more than once.
    pub fn embed(&self, table: Value, tokens: Value, sum: ScatterSum) -> Value {
        let shape = vec![self.shape(tokens)[0], self.width(table).into()];
        let first = [("axis", Attribute::Int(0))];
        let made = (shape, self.element(table));
        let rows = self.emit("Gather", &[table, tokens], &first, made);
        self.record(rows, &[table], move |graph, gradient| {
            vec![Some(graph.sum_rows(table, tokens, gradient, sum))]
        })
    }

    /// Sums of rows `[n, d]` by token `[n]`, in the shape of the table `[v, d]`.
    fn sum_rows(&self, table: Value, tokens: Value, rows: Value, sum: ScatterSum) -> Value {
        let element = self.element(table);
        // Sums of many rows want more than 16 bits.
        let wide = match element {
            ElementType::BF16 => ElementType::F32,
            other => other,
        };
        let (zeros, rows) = (
            self.cast(self.zeros_like(table), wide),
            self.cast(rows, wide),
        );
        let column = self.unsqueeze(tokens, &[1]);
        let add = ("reduction", Attribute::Text("add"));
        let made = (self.shape(table), wide);
        let sums = match sum {
            ScatterSum::Rows => self.emit("ScatterND", &[zeros, column, rows], &[add], made),
            ScatterSum::Elements => {
                let shape = self.shape(rows);
                let places = self.expand(column, self.shape_of(rows), shape);
                let attributes = [("axis", Attribute::Int(0)), add];
                self.emit("ScatterElements", &[zeros, places, rows], &attributes, made)
            }
        };
        self.cast(sums, element)
    }
}

//! Drawing tokens inside the graph: temperature, top-k, top-p, min-p.
//!
//! The randomness comes from outside, one uniform number a token, so that the same numbers draw the
//! same tokens.

use super::graph::{Attribute, Dim, ElementType, Graph, Value};

/// How tokens are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// Divides the logits; 0 takes the most likely token.
    pub temperature: f64,
    /// Only so many of the most likely tokens are drawn from; 0 is all.
    pub top_k: usize,
    /// Only the most likely tokens that together have this probability (nucleus sampling, Holtzman
    /// et al. 2020, arXiv 1904.09751); 1 is all.
    pub top_p: f64,
    /// Only tokens at least this many times as likely as the most likely one (Nguyen et al. 2024,
    /// arXiv 2407.01082); 0 is all.
    pub min_p: f64,
}

impl Default for Sampling {
    fn default() -> Self {
        Sampling {
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
        }
    }
}

impl Sampling {
    /// Whether tokens have to be sorted to draw one.
    pub(super) fn filters(&self) -> bool {
        self.temperature > 0.0 && (self.top_k > 0 || self.top_p < 1.0 || self.min_p > 0.0)
    }

    /// What is wrong with it.
    pub(super) fn fault(&self) -> Option<String> {
        let Sampling {
            temperature,
            top_p,
            min_p,
            ..
        } = *self;
        if !(temperature.is_finite() && temperature >= 0.0) {
            return Some(format!(
                "temperature {temperature} is not a number from 0 on"
            ));
        }
        if !(top_p > 0.0 && top_p <= 1.0) {
            return Some(format!("top_p {top_p} is not above 0 and at most 1"));
        }
        if !(0.0..=1.0).contains(&min_p) {
            return Some(format!("min_p {min_p} is not between 0 and 1"));
        }
        None
    }
}

/// Inputs that say how each row is drawn, `[rows, 1]` each.
pub(super) struct Draw {
    uniform: Value,
    temperature: Value,
    filter: Option<Filter>,
}

struct Filter {
    top_k: Value,
    top_p: Value,
    min_p: Value,
}

/// Names of those inputs.
pub(super) const UNIFORM: &str = "uniform";
pub(super) const TEMPERATURE: &str = "temperature";
pub(super) const TOP_K: &str = "top_k";
pub(super) const TOP_P: &str = "top_p";
pub(super) const MIN_P: &str = "min_p";

/// What is taken of a sum that a draw must stay below, so that rounding cannot draw past the end.
const INSIDE: f64 = 1.0 - 1e-6;

impl Draw {
    /// Declares the inputs, for so many rows.
    pub fn declare(graph: &Graph, rows: Dim, filtered: bool) -> Self {
        let column = |name, element| graph.input(name, [rows, 1.into()], element);
        let real = |name| column(name, ElementType::F32);
        Draw {
            uniform: real(UNIFORM),
            temperature: real(TEMPERATURE),
            filter: filtered.then(|| Filter {
                top_k: column(TOP_K, ElementType::I64),
                top_p: real(TOP_P),
                min_p: real(MIN_P),
            }),
        }
    }

    /// Tokens `[rows]` from logits `[rows, vocabulary]`, and their log-probabilities `[rows]` under
    /// the model itself: at temperature 1, with nothing left out.
    pub fn tokens(&self, graph: &Graph, logits: Value) -> (Value, Value) {
        let zero = graph.scalar(ElementType::F32, 0.0);
        let greedy = graph.compare("Equal", self.temperature, zero);
        let one = graph.scalar(ElementType::F32, 1.0);
        let divisor = graph.select(greedy, one, self.temperature);
        let shares = graph.softmax(graph.div(logits, divisor));
        let drawn = match &self.filter {
            None => self.pick(graph, shares),
            Some(filter) => self.pick_filtered(graph, filter, shares),
        };
        let best = arg_max(graph, logits);
        let token = graph.select(greedy, best, drawn);
        let rows = graph.shape(logits)[0];
        let token = graph.reshape(token, &[-1], [rows]);
        (token, graph.token_log_probability(logits, token))
    }

    /// The place where the running sum of shares passes the uniform number, `[rows, 1]`.
    fn pick(&self, graph: &Graph, shares: Value) -> Value {
        let sums = running_sum(graph, shares);
        let width = graph.width(shares) as i64;
        // The last of the sums: added up in another order the total would be rounded otherwise, and
        // no sum might pass a number close to 1.
        let end = (graph.integers(&[width - 1]), graph.integers(&[width]));
        let total = graph.slice(sums, 1, end, 1);
        let aim = graph.mul(graph.scale(self.uniform, INSIDE), total);
        let passed = graph.compare("Greater", sums, aim);
        // Sums are rounded: a token without a share must not be drawn for that.
        let real = graph.compare("Greater", shares, graph.scalar(ElementType::F32, 0.0));
        let made = (graph.shape(shares), ElementType::Bool);
        let both = graph.emit("And", &[passed, real], &[], made);
        arg_max(graph, graph.cast(both, ElementType::F32))
    }

    fn pick_filtered(&self, graph: &Graph, filter: &Filter, shares: Value) -> Value {
        let vocabulary = graph.width(shares);
        let shape = graph.shape(shares);
        let made = vec![
            (shape.clone(), ElementType::F32),
            (shape.clone(), ElementType::I64),
        ];
        let all = graph.integers(&[vocabulary as i64]);
        let inputs = vec![Some(shares), Some(all)];
        let sorted = graph.emit_full("TopK", "", inputs, &[], made);
        let (shares, tokens) = (sorted[0], sorted[1]);
        let ranks: Vec<i64> = (0..vocabulary as i64).collect();
        let low_rank = graph.compare("Less", graph.integers(&ranks), filter.top_k);
        let before = graph.sub(running_sum(graph, shares), shares);
        let needed = graph.compare("Less", before, filter.top_p);
        let largest = graph.slice(shares, 1, (graph.integers(&[0]), graph.integers(&[1])), 1);
        let bound = graph.mul(largest, filter.min_p);
        let likely = graph.compare("GreaterOrEqual", shares, bound);
        let zero = graph.scalar(ElementType::F32, 0.0);
        let kept = [low_rank, needed, likely]
            .into_iter()
            .fold(shares, |shares, condition| {
                graph.select(condition, shares, zero)
            });
        // Back to the order of the vocabulary, in which rows are drawn that nothing is left out of:
        // what a row draws must not depend on whether another one is filtered.
        let at = [("axis", Attribute::Int(1))];
        let made = (shape, ElementType::F32);
        let kept = graph.emit("ScatterElements", &[shares, tokens, kept], &at, made);
        self.pick(graph, kept)
    }
}

/// The place of the largest element of each row, `[rows, 1]`.
fn arg_max(graph: &Graph, x: Value) -> Value {
    let attributes = [
        ("axis", Attribute::Int(-1)),
        ("keepdims", Attribute::Int(1)),
    ];
    let made = (vec![graph.shape(x)[0], 1.into()], ElementType::I64);
    graph.emit("ArgMax", &[x], &attributes, made)
}

/// Sums of each row up to and with each element. In two levels: a kernel for such sums may take time
/// with the square of the row's length.
fn running_sum(graph: &Graph, x: Value) -> Value {
    let (shape, width) = (graph.shape(x), graph.width(x));
    let size = (width as f64).sqrt().ceil() as usize;
    let blocks = width.div_ceil(size);
    let missing = (blocks * size - width) as i64;
    let padded = match missing {
        0 => x,
        missing => {
            let made = (vec![shape[0], (blocks * size).into()], ElementType::F32);
            graph.emit("Pad", &[x, graph.integers(&[0, 0, 0, missing])], &[], made)
        }
    };
    let apart = vec![shape[0], blocks.into(), size.into()];
    let target = [-1, blocks as i64, size as i64];
    let padded = graph.reshape(padded, &target, apart.clone());
    let inner = cum_sum(graph, padded, 2, false);
    // The sums of whole blocks are those that stand at their ends, so that sums never decrease.
    let end = (
        graph.integers(&[size as i64 - 1]),
        graph.integers(&[size as i64]),
    );
    let totals = graph.slice(inner, 2, end, 1);
    let flat = vec![shape[0], blocks.into()];
    let totals = graph.reshape(totals, &[-1, blocks as i64], flat);
    let before = cum_sum(graph, totals, 1, true);
    let sums = graph.add(inner, graph.unsqueeze(before, &[2]));
    let whole = vec![shape[0], (blocks * size).into()];
    let sums = graph.reshape(sums, &[-1, (blocks * size) as i64], whole);
    let span = (graph.integers(&[0]), graph.integers(&[width as i64]));
    graph.slice(sums, 1, span, width)
}

fn cum_sum(graph: &Graph, x: Value, axis: i64, exclusive: bool) -> Value {
    let made = (graph.shape(x), graph.element(x));
    let exclusive = [("exclusive", Attribute::Int(exclusive.into()))];
    graph.emit("CumSum", &[x, graph.integer(axis)], &exclusive, made)
}

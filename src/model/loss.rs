//! The losses of training, as graphs over log-probabilities of tokens.

use super::decoder::ROWS;
use super::graph::{Dim, Graph, Value};

/// What a batch is trained for. All are sums over the batch divided by the caller's normalizer, so
/// that batches can be accumulated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// Supervised: minus the log-probabilities of the masked tokens.
    Likelihood,
    /// Direct preference optimisation (Rafailov et al. 2023, arXiv 2305.18290, equation 7): rows are
    /// pairs, the first half chosen, the second rejected. For each pair
    /// `weight * (-log sigmoid(margin) - likelihood * log-probability a token of the chosen)`, with
    /// `margin = beta * (chosen - its reference - (rejected - its reference))` over sums.
    Preference {
        /// How much a difference of log-probabilities counts.
        beta: f64,
        /// Weight of the likelihood term (Pang et al. 2024, arXiv 2404.19733); 0 is plain DPO.
        likelihood: f64,
    },
    /// Policy gradient with clipped ratio (Schulman et al. 2017, arXiv 1707.06347, equation 7) and a
    /// penalty for leaving the reference (the estimator of Shao et al. 2024, arXiv 2402.03300,
    /// equation 4). For each token
    /// `kl * (e^d - d - 1) - min(ratio * advantage, clip(ratio) * advantage)`, with
    /// `ratio = e^(log-probability - old)` and `d = reference - log-probability`.
    Policy {
        /// The ratio counts between `1 - clip` and `1 + clip`.
        clip: f64,
        /// Weight of the penalty.
        kl: f64,
    },
}

/// What the losses read beside log-probabilities: inputs of the graph.
pub(super) struct Terms {
    /// 1 where a token counts, `[rows, length]`.
    pub mask: Value,
    /// Divides the sum, `[]`.
    pub normalizer: Value,
}

/// Half of the rows.
const PAIRS: Dim = Dim::Named("pairs");

impl Loss {
    /// The loss of log-probabilities `[rows, length]`, a number. Declares the inputs that it needs.
    pub(super) fn build(self, graph: &Graph, logp: Value, terms: &Terms) -> Value {
        let sum = match self {
            Loss::Likelihood => graph.neg(graph.sum(graph.mul(logp, terms.mask))),
            Loss::Preference { beta, likelihood } => {
                preference(graph, logp, terms.mask, beta, likelihood)
            }
            Loss::Policy { clip, kl } => policy(graph, logp, terms.mask, clip, kl),
        };
        graph.div(sum, terms.normalizer)
    }
}

fn preference(graph: &Graph, logp: Value, mask: Value, beta: f64, likelihood: f64) -> Value {
    let wide = graph.element(logp);
    let reference = graph.input("reference", [ROWS], wide);
    let weight = graph.input("weight", [PAIRS], wide);
    let sums = graph.reduce_sum(graph.mul(logp, mask), &[1], false);
    let gains = graph.split(graph.sub(sums, reference), 0, PAIRS, 2);
    let margin = graph.scale(graph.sub(gains[0], gains[1]), beta);
    let mut loss = graph.softplus(graph.neg(margin));
    if likelihood != 0.0 {
        let chosen = graph.split(sums, 0, PAIRS, 2)[0];
        let counts = graph.reduce_sum(mask, &[1], false);
        let count = graph.split(counts, 0, PAIRS, 2)[0];
        // An empty completion has a sum of zero, and a mean of zero too.
        let one = graph.scalar(wide, 1.0);
        let mean = graph.div(chosen, graph.maximum(count, one));
        loss = graph.sub(loss, graph.scale(mean, likelihood));
    }
    graph.sum(graph.mul(loss, weight))
}

fn policy(graph: &Graph, logp: Value, mask: Value, clip: f64, kl: f64) -> Value {
    let (shape, wide) = (graph.shape(logp), graph.element(logp));
    let given = |name| graph.input(name, shape.clone(), wide);
    let (advantage, old, reference) = (given("advantage"), given("old"), given("reference"));
    // What does not count has a difference of zero: its power could be infinite, which no mask of
    // zeros takes away again.
    let ahead = |of, before| graph.mul(graph.sub(of, before), mask);
    let ratio = graph.exp(ahead(logp, old));
    let clipped = graph.clip(ratio, 1.0 - clip, 1.0 + clip);
    let gain = graph.minimum(graph.mul(ratio, advantage), graph.mul(clipped, advantage));
    let behind = ahead(reference, logp);
    let distance = graph.shift(graph.sub(graph.exp(behind), behind), -1.0);
    let loss = graph.sub(graph.scale(distance, kl), gain);
    graph.sum(graph.mul(loss, mask))
}

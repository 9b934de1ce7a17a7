//! AdamW as graphs: the norm of all derivatives, and the update.

use super::config::Parameter;
use super::graph::{Attribute, Dim, ElementType, Graph, Value};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// AdamW with decoupled weight decay (Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamW {
    /// How slowly the mean of derivatives changes.
    pub beta1: f64,
    /// How slowly the mean of their squares changes.
    pub beta2: f64,
    /// Added to the root of the latter.
    pub epsilon: f64,
    /// Share of a weight that is taken off per step and unit of learning rate; matrices only, not
    /// biases and norms.
    pub weight_decay: f64,
    /// The norm of all derivatives together is brought down to this.
    pub max_norm: f64,
}

impl Default for AdamW {
    fn default() -> Self {
        AdamW {
            beta1: 0.9,
            beta2: 0.95,
            epsilon: 1e-8,
            weight_decay: 0.01,
            max_norm: 1.0,
        }
    }
}

/// The learning rate over the steps: linear warm-up, then half a cosine down to a share of the peak.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The highest rate.
    pub peak: f64,
    /// Steps until it is reached; 0 starts there.
    #[serde(default)]
    pub warmup: u64,
    /// Steps in all; 0 stays at the peak.
    #[serde(default)]
    pub total: u64,
    /// The last rate, as a share of the peak.
    #[serde(default)]
    pub floor: f64,
}

impl Schedule {
    /// Always the same.
    pub fn constant(rate: f64) -> Self {
        Schedule {
            peak: rate,
            warmup: 0,
            total: 0,
            floor: 1.0,
        }
    }

    /// The rate of a step; the first is 1.
    pub fn rate(&self, step: u64) -> f64 {
        if step < self.warmup {
            return self.peak * step as f64 / self.warmup as f64;
        }
        if self.total <= self.warmup {
            return self.peak;
        }
        let done = (step - self.warmup) as f64 / (self.total - self.warmup) as f64;
        let share = 0.5 * (1.0 + (PI * done.min(1.0)).cos());
        self.peak * (self.floor + (1.0 - self.floor) * share)
    }
}

/// Names of a parameter's tensors in the graphs.
pub(super) fn gradient_name(parameter: &str) -> String {
    format!("gradient.{parameter}")
}
pub(super) fn mean_name(parameter: &str) -> String {
    format!("mean.{parameter}")
}
pub(super) fn square_name(parameter: &str) -> String {
    format!("square.{parameter}")
}
pub(super) fn master_name(parameter: &str) -> String {
    format!("master.{parameter}")
}
/// The name of the output that is written over an input.
pub(super) fn next_name(name: &str) -> String {
    format!("{name}.next")
}

fn shape(parameter: &Parameter) -> Vec<Dim> {
    parameter.shape.iter().copied().map(Dim::Fixed).collect()
}

/// The norm of all derivatives together, `norm []`.
pub(super) fn norm_graph(parameters: &[Parameter], wide: ElementType) -> Graph {
    let graph = Graph::new();
    let squares: Vec<Value> = parameters
        .iter()
        .map(|parameter| {
            let name = gradient_name(&parameter.name);
            let gradient = graph.input(&name, shape(parameter), wide);
            graph.whole_sum_of_squares(gradient)
        })
        .collect();
    let total = squares.into_iter().reduce(|a, b| graph.add(a, b));
    let total = total.unwrap_or_else(|| graph.scalar(wide, 0.0));
    graph.output("norm", graph.sqrt(total));
    graph
}

/// The update of every parameter. Each output has the name of the input that it may be written over:
/// whoever reads that input is needed to compute the output.
pub(super) fn update_graph(
    parameters: &[Parameter],
    compute: ElementType,
    wide: ElementType,
    adam: &AdamW,
) -> Graph {
    let graph = Graph::new();
    let number = |name| graph.input(name, [], wide);
    let step = Step {
        clip: number("clip"),
        rate: number("rate"),
        root: number("root"),
        keep: number("keep"),
    };
    for parameter in parameters {
        update(&graph, parameter, compute, wide, adam, &step);
    }
    graph
}

/// What is the same for all parameters in a step, numbers.
struct Step {
    /// Multiplies derivatives.
    clip: Value,
    /// The learning rate over `1 - beta1^t`.
    rate: Value,
    /// `1 / sqrt(1 - beta2^t)`.
    root: Value,
    /// `1 - learning rate * weight decay`.
    keep: Value,
}

fn update(
    graph: &Graph,
    parameter: &Parameter,
    compute: ElementType,
    wide: ElementType,
    adam: &AdamW,
    step: &Step,
) {
    let input = |name: &str| graph.input(name, shape(parameter), wide);
    let write = |name: &str, value| graph.output(&next_name(name), value);
    let name = &parameter.name;
    let (mean_name, square_name) = (mean_name(name), square_name(name));
    // Where matrix products are narrower, the weight itself is kept wide beside.
    let master = match compute == wide {
        true => name.clone(),
        false => master_name(name),
    };
    let gradient = graph.mul(input(&gradient_name(name)), step.clip);
    let blend =
        |old, share: f64, new| graph.add(graph.scale(old, share), graph.scale(new, 1.0 - share));
    let mean = blend(input(&mean_name), adam.beta1, gradient);
    let square = blend(
        input(&square_name),
        adam.beta2,
        graph.mul(gradient, gradient),
    );
    let spread = graph.shift(graph.mul(graph.sqrt(square), step.root), adam.epsilon);
    let change = graph.mul(graph.div(mean, spread), step.rate);
    let weight = input(&master);
    let weight = match parameter.shape.len() {
        1 => weight,
        _ => graph.mul(weight, step.keep),
    };
    let weight = graph.sub(weight, change);
    write(&mean_name, mean);
    write(&square_name, square);
    write(&master, weight);
    if compute != wide {
        write(name, graph.cast(weight, compute));
    }
}

impl Graph {
    fn whole_sum_of_squares(&self, x: Value) -> Value {
        let keep = [("keepdims", Attribute::Int(0))];
        self.emit("ReduceSumSquare", &[x], &keep, (vec![], self.element(x)))
    }
}

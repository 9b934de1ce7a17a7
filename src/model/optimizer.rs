//! AdamW as graphs: the norm of all derivatives, and the update.

use super::config::Parameter;
use super::error::ModelError;
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
        share: number("share"),
        square_share: number("square_share"),
        rate: number("rate"),
        epsilon: number("epsilon"),
        keep: number("keep"),
    };
    for parameter in parameters {
        update(&graph, parameter, compute, wide, adam, &step);
    }
    graph
}

/// What is the same for all parameters in a step, numbers. Corrections and clipping are in them,
/// because every pass over the weights counts.
struct Step {
    /// What multiplies a derivative in the mean: `clip * (1 - beta1)`.
    share: Value,
    /// What multiplies it before it is squared: `clip * sqrt(1 - beta2)`. Squared on its own it would
    /// vanish where the clip is small, and with it what the step is divided by.
    square_share: Value,
    /// The learning rate times `sqrt(1 - beta2^t) / (1 - beta1^t)`.
    rate: Value,
    /// Epsilon times `sqrt(1 - beta2^t)`.
    epsilon: Value,
    /// `1 - learning rate * weight decay`.
    keep: Value,
}

impl AdamW {
    /// Checks that steps with it leave weights finite.
    pub(super) fn check(&self) -> Result<(), ModelError> {
        /// Far above the smallest number in 32 bits, even with the factor of the first step.
        const LEAST_EPSILON: f64 = 1e-30;
        let share = |x: f64| (0.0..1.0).contains(&x);
        let fault = if !(share(self.beta1) && share(self.beta2)) {
            "beta1 and beta2 have to be from 0 to below 1"
        } else if !(self.epsilon >= LEAST_EPSILON && self.epsilon.is_finite()) {
            "epsilon has to be 1e-30 or more"
        } else if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            "weight_decay has to be 0 or more"
        } else if self.max_norm.is_nan() || self.max_norm <= 0.0 {
            "max_norm has to be above 0"
        } else {
            return Ok(());
        };
        Err(ModelError::Input(format!("{fault}: {self:?}")))
    }

    /// The numbers of a step (the first is 1), by the names of the graph's inputs.
    pub(super) fn numbers(&self, step: u64, rate: f64, norm: f64) -> [(&'static str, f64); 5] {
        let clip = (self.max_norm / (norm + 1e-6)).min(1.0);
        let first = 1.0 - self.beta1.powf(step as f64);
        let second = (1.0 - self.beta2.powf(step as f64)).sqrt();
        [
            ("share", clip * (1.0 - self.beta1)),
            ("square_share", clip * (1.0 - self.beta2).sqrt()),
            ("rate", rate * second / first),
            ("epsilon", self.epsilon * second),
            ("keep", 1.0 - rate * self.weight_decay),
        ]
    }
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
    let gradient = input(&gradient_name(name));
    let blend = |old, share: f64, new| graph.add(graph.scale(old, share), new);
    let part = graph.mul(gradient, step.share);
    let mean = blend(input(&mean_name), adam.beta1, part);
    let part = graph.mul(gradient, step.square_share);
    let square = blend(input(&square_name), adam.beta2, graph.mul(part, part));
    let spread = graph.add(graph.sqrt(square), step.epsilon);
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

//! How much memory a model will need, said before anything is placed on a device.

use super::adapter::LoraConfig;
use super::config::{ModelConfig, Parameter};
use super::decoder::Precision;
use super::engine::Device;
use super::error::ModelError;
use super::trainer::Memory;
use std::fmt;

/// What is planned.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// Training, of the adapter where there is one, else of the whole model.
    pub training: Option<TrainingPlan>,
    /// Sampling: answers at a time, and tokens of prompt and answer.
    pub sampling: Option<(usize, usize)>,
    /// An adapter over the model.
    pub adapter: Option<LoraConfig>,
    /// Policies with weights of their own: 2 for a generator and a critic. Adapters share their base.
    pub policies: usize,
}

/// A batch of training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainingPlan {
    /// Rows.
    pub rows: usize,
    /// Tokens a row.
    pub length: usize,
    /// What is kept and what is computed again.
    pub memory: Memory,
}

/// Bytes, by what they are for. Activations are an estimate: they are counted from the shapes that a
/// graph keeps, while the device's allocator may hold more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Estimate {
    /// Weights, in the type that is computed with.
    pub weights: usize,
    /// Wide weights where there are any, derivatives and moments.
    pub optimizer: usize,
    /// What the forward pass keeps for the backward pass, and logits.
    pub activations: usize,
    /// Keys and values of answers.
    pub cache: usize,
}

impl Estimate {
    /// All of it.
    pub fn total(&self) -> usize {
        self.weights + self.optimizer + self.activations + self.cache
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} (weights {}, optimizer {}, activations {}, cache {})",
            Bytes(self.total()),
            Bytes(self.weights),
            Bytes(self.optimizer),
            Bytes(self.activations),
            Bytes(self.cache)
        )
    }
}

/// A size for people.
struct Bytes(usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MIB: f64 = 1024.0 * 1024.0;
        let mib = self.0 as f64 / MIB;
        match mib < 1024.0 {
            true => write!(f, "{mib:.1} MiB"),
            false => write!(f, "{:.1} GiB", mib / 1024.0),
        }
    }
}

/// Estimates what a plan takes on a device.
pub fn estimate(config: &ModelConfig, plan: &Plan, device: Device) -> Estimate {
    let precision = Precision::on(device);
    let (narrow, wide) = (precision.compute.bytes(), precision.wide().bytes());
    let count = |parameters: &[Parameter]| parameters.iter().map(Parameter::elements).sum();
    let base: usize = config.parameter_count();
    let policies = plan.policies.max(1);
    let adapter: Option<usize> = plan
        .adapter
        .as_ref()
        .map(|lora| count(&lora.parameters(config)));
    let trained = adapter.unwrap_or(base);
    let weights = match adapter {
        Some(adapter) => base + policies * adapter,
        None => policies * base,
    };
    // Derivative and two moments, and the weight itself where it is computed with in fewer bits.
    let states = if narrow == wide { 3 } else { 4 };
    let training = plan.training.as_ref();
    Estimate {
        weights: weights * narrow,
        optimizer: training.map_or(0, |_| policies * trained * states * wide),
        activations: training.map_or(0, |training| activations(config, training, narrow, wide)),
        cache: plan.sampling.map_or(0, |(slots, context)| {
            let layer = slots * config.kv_heads * context * config.head_dim;
            policies * 2 * config.layers * layer * narrow
        }),
    }
}

fn activations(config: &ModelConfig, plan: &TrainingPlan, narrow: usize, wide: usize) -> usize {
    let tokens = plan.rows * plan.length;
    let queries = config.heads * config.head_dim;
    let keys = config.kv_heads * config.head_dim;
    // Of a token: the stream before both norms and after them, queries, keys and values before and
    // after they are turned, what attention gives twice, and four widths of the feed-forward layer.
    let per_token = 4 * config.hidden_size
        + 2 * (queries + 2 * keys)
        + 2 * queries
        + 4 * config.intermediate_size;
    let shares = plan.rows * config.heads * plan.length * plan.length;
    let block = (tokens * per_token + shares) * narrow;
    let kept = match plan.memory.checkpoint {
        false => config.layers * block,
        true => config.layers * tokens * config.hidden_size * narrow + block,
    };
    // While one layer's derivative is computed, about as much again as it keeps is in use, and of a
    // block that is computed again what the first time made of it too.
    let working = match plan.memory.checkpoint {
        false => block,
        true => 2 * block,
    };
    let at_once = match plan.memory.head_tokens {
        0 => tokens,
        some => some.min(tokens),
    };
    // Logits, their exponentials and their derivative.
    let head = 3 * at_once * config.vocab_size * wide;
    kept + working + head
}

/// Checks that a plan fits, before anything is loaded.
///
/// # Errors
/// [`ModelError::Memory`] with the estimate, what there is, and what would make it smaller.
pub fn check(
    config: &ModelConfig,
    plan: &Plan,
    device: Device,
    available: usize,
) -> Result<Estimate, ModelError> {
    let estimate = estimate(config, plan, device);
    if estimate.total() <= available {
        return Ok(estimate);
    }
    let mut advice = Vec::new();
    if let Some(training) = &plan.training {
        if plan.adapter.is_none() {
            advice.push("train an adapter instead of the whole model");
        }
        if !training.memory.checkpoint {
            advice.push("compute activations again (checkpoint)");
        }
        if training.memory.head_tokens == 0 {
            advice.push("compute logits in parts (head_tokens)");
        }
        if training.rows > 1 {
            advice.push("accumulate smaller batches");
        }
    }
    if plan.sampling.is_some_and(|(slots, _)| slots > 1) {
        advice.push("write fewer answers at a time");
    }
    Err(ModelError::Memory(format!(
        "{device} has {} free, and about {estimate} are needed; {}",
        Bytes(available),
        match advice.is_empty() {
            true => "take a smaller model".to_owned(),
            false => advice.join(", or "),
        }
    )))
}

/// Bytes that are free on a device, where the system tells.
///
/// On the processor these are the available ones of `/proc/meminfo`; of a GPU, what `nvidia-smi`
/// says.
pub fn available(device: Device) -> Option<usize> {
    match device {
        Device::Cpu => {
            let text = std::fs::read_to_string("/proc/meminfo").ok()?;
            let line = text
                .lines()
                .find(|line| line.starts_with("MemAvailable:"))?;
            let kib: usize = line.split_whitespace().nth(1)?.parse().ok()?;
            Some(kib * 1024)
        }
        Device::Cuda(number) => {
            let output = std::process::Command::new("nvidia-smi")
                .args(["--query-gpu=memory.free", "--format=csv,noheader,nounits"])
                .arg(format!("--id={number}"))
                .output()
                .ok()?;
            let mib: usize = String::from_utf8(output.stdout).ok()?.trim().parse().ok()?;
            Some(mib * 1024 * 1024)
        }
    }
}

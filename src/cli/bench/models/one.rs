//! One measurement of a model: a shape, with random weights, trained or sampled from.

use crate::cli::failure::Usage;
use crate::model::{
    AdamW, Batch, Device, Engine, Extra, Initial, Loss, Memory, ModelConfig, Next, Policy,
    Precision, Request, Sampler, Sampling, Trainer, Weights, library, matmul_rate,
};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Instant;

/// What is done with a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli::bench) enum Work {
    /// A step: derivatives of a batch, and the update.
    Train,
    /// A token for every row.
    Decode,
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Work::Train => "train",
            Work::Decode => "decode",
        })
    }
}

/// What came out.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Measured {
    /// Each step.
    pub times_us: Vec<f64>,
    /// A step as the rivals count it.
    pub step_us: f64,
    /// Tokens a step.
    pub tokens: f64,
    /// Floating-point operations a token.
    pub flops_a_token: f64,
    pub parameters: f64,
    /// Peak of what was resident, less what was before the model was made.
    pub peak_bytes: f64,
    /// What the device reached right after.
    pub matmul_gflops: f64,
}

/// As in the rivals' programs.
const TRAIN_ROWS: usize = 16;
const TRAIN_TOKENS: usize = 128;
const WARM_STEPS: usize = 5;
const STEPS: usize = 20;
const DECODE_ROWS: usize = 128;
const PROMPT: usize = 64;
const NEW: usize = 128;
const DECODE_RUNS: usize = 3;

/// Models of more parameters are trained with what saves memory.
const LARGE: usize = 100_000_000;

/// Threads of ours and theirs.
pub(super) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

pub(super) fn measure(work: Work, shape: &str, device: Device) -> anyhow::Result<Measured> {
    let config = ModelConfig::preset(shape).map_err(|error| Usage(error.to_string()))?;
    let cache = crate::cli::runtime::cache()?;
    let engine = Engine::start(&library::library(&cache, device), device, threads())?;
    let before = resident("VmRSS:")?;
    std::fs::write("/proc/self/clear_refs", "5").context("the peak cannot be forgotten")?;
    let policy = policy(&engine, &config)?;
    let (parameters, layers) = (config.parameter_count(), config.layers);
    let width = layers * config.heads * config.head_dim;
    let (times_us, step_us, tokens, flops) = match work {
        Work::Train => {
            let times = train(&policy)?;
            // Forward and backward; attention as if every token saw the whole row.
            let flops = 6 * parameters + 12 * width * TRAIN_TOKENS;
            (
                times.clone(),
                middle(times),
                TRAIN_ROWS * TRAIN_TOKENS,
                flops,
            )
        }
        Work::Decode => {
            let (times, step) = decode(&policy)?;
            let flops = 2 * parameters + 4 * width * (PROMPT + NEW / 2);
            (times, step, DECODE_ROWS, flops)
        }
    };
    let peak = resident("VmHWM:")?;
    drop(policy);
    Ok(Measured {
        times_us,
        step_us,
        tokens: tokens as f64,
        flops_a_token: flops as f64,
        parameters: parameters as f64,
        peak_bytes: peak - before,
        matmul_gflops: matmul_rate(&engine)? / 1e9,
    })
}

fn policy(engine: &Engine, config: &ModelConfig) -> anyhow::Result<Policy> {
    let mut initial = Initial::new(config, 0);
    let element = Precision::on(engine.device()).compute;
    let weights = Weights::place(engine, config.parameters(), element, |parameter| {
        Ok(initial.draw(parameter))
    })?;
    Ok(Policy::new(engine, config.clone(), weights))
}

/// Tokens that look random.
fn tokens(config: &ModelConfig, count: usize) -> Vec<u32> {
    let mut state = 0x9e37_79b9_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        ((state >> 33) % config.vocab_size as u64) as u32
    };
    (0..count).map(|_| next()).collect()
}

fn train(policy: &Policy) -> anyhow::Result<Vec<f64>> {
    let size = TRAIN_ROWS * TRAIN_TOKENS;
    let drawn = tokens(policy.config(), size + 1);
    let integers = |span: &[u32]| span.iter().map(|token| i64::from(*token)).collect();
    let batch = Batch {
        rows: TRAIN_ROWS,
        length: TRAIN_TOKENS,
        tokens: integers(&drawn[..size]),
        targets: integers(&drawn[1..]),
        mask: vec![1.0; size],
    };
    let memory = match policy.config().parameter_count() > LARGE {
        true => Memory {
            checkpoint: true,
            head_tokens: 1024,
        },
        false => Memory::default(),
    };
    let mut trainer = Trainer::new(policy, AdamW::default(), memory)?;
    let mut times = Vec::new();
    for step in 0..WARM_STEPS + STEPS {
        let started = Instant::now();
        trainer.accumulate(Loss::Likelihood, &batch, &Extra::None, size as f64)?;
        trainer.apply(1e-3)?;
        if step >= WARM_STEPS {
            times.push(started.elapsed().as_secs_f64() * 1e6);
        }
    }
    Ok(times)
}

/// Each step, and the median over runs of a run's mean.
fn decode(policy: &Policy) -> anyhow::Result<(Vec<f64>, f64)> {
    let prompts = tokens(policy.config(), DECODE_ROWS * PROMPT);
    let requests: Vec<Request> = prompts
        .chunks(PROMPT)
        .map(|prompt| Request {
            prompt: prompt.to_vec(),
            samples: 1,
            max_tokens: NEW,
            sampling: Sampling::default(),
            stop_tokens: Vec::new(),
            seed: 0,
        })
        .collect();
    let mut sampler = Sampler::new(policy, DECODE_ROWS, PROMPT + NEW)?;
    let (mut times, mut means) = (Vec::new(), Vec::new());
    for run in 0..=DECODE_RUNS {
        let mut drawn = 0;
        // When the last row of each step had its token.
        let mut marks = Vec::new();
        sampler.sample(&requests, |_| {
            drawn += 1;
            if drawn % DECODE_ROWS == 0 {
                marks.push(Instant::now());
            }
            Next::Continue
        })?;
        if run > 0 {
            let steps = marks.windows(2).map(|pair| pair[1] - pair[0]);
            let steps: Vec<f64> = steps.map(|time| time.as_secs_f64() * 1e6).collect();
            means.push(steps.iter().sum::<f64>() / steps.len() as f64);
            times.extend(steps);
        }
    }
    Ok((times, middle(means)))
}

fn middle(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// A line of the process's own figures, in bytes.
fn resident(name: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kibibytes = line.and_then(|line| line.split_whitespace().next());
    let kibibytes: f64 = kibibytes
        .context("the system does not say how much memory is taken")?
        .parse()?;
    Ok(kibibytes * 1024.0)
}

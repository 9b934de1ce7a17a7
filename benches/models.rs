//! What a train step and a decode step of a model of a million parameters cost.
//!
//! `cargo bench --bench models`, with the library of ONNX Runtime in the user's cache. For rivals in
//! the same run, larger shapes and memory there is `touchstone bench --only models`.

use criterion::{Criterion, criterion_group, criterion_main};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use touchstone::model::{
    AdamW, Batch, Device, ElementType, Engine, Extra, Initial, Loss, Memory, ModelConfig, Next,
    Policy, Request, Sampler, Sampling, Trainer, Weights, library,
};

/// As `touchstone bench` has them.
const TRAIN: (usize, usize) = (16, 128);
const ROWS: usize = 128;
const PROMPT: usize = 64;

fn policy() -> Policy {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))
        .expect("a cache folder");
    let library = library::library(&base.join("touchstone"), Device::Cpu);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let engine = Engine::start(&library, Device::Cpu, threads).expect("ONNX Runtime");
    let config = ModelConfig::preset("1m").expect("a preset");
    let mut initial = Initial::new(&config, 0);
    let weights = Weights::place(
        &engine,
        config.parameters(),
        ElementType::F32,
        |parameter| Ok(initial.draw(parameter)),
    );
    Policy::new(&engine, config, weights.expect("weights"))
}

fn tokens(policy: &Policy, count: usize) -> Vec<u32> {
    let vocabulary = policy.config().vocab_size;
    (0..count).map(|x| (x * x % vocabulary) as u32).collect()
}

fn train(criterion: &mut Criterion, policy: &Policy) {
    let (rows, length) = TRAIN;
    let drawn: Vec<i64> = tokens(policy, rows * length + 1)
        .into_iter()
        .map(i64::from)
        .collect();
    let batch = Batch {
        rows,
        length,
        tokens: drawn[1..].to_vec(),
        targets: drawn[..rows * length].to_vec(),
        mask: vec![1.0; rows * length],
    };
    let mut trainer = Trainer::new(policy, AdamW::default(), Memory::default()).expect("a trainer");
    criterion.bench_function("train-step/1m", |bencher| {
        bencher.iter(|| {
            let counted = batch.counted();
            let done = trainer.accumulate(Loss::Likelihood, &batch, &Extra::None, counted);
            done.expect("a loss");
            trainer.apply(1e-3).expect("a step")
        });
    });
}

fn decode(criterion: &mut Criterion, policy: &Policy) {
    let prompts = tokens(policy, ROWS * PROMPT);
    let mut sampler = Sampler::new(policy, ROWS, policy.config().max_positions).expect("slots");
    criterion.bench_function("decode-step/1m", |bencher| {
        bencher.iter_custom(|steps| {
            // The time between the first tokens, which come with the prompts, and the last: at most
            // so many steps in one go.
            let mut left = steps;
            let mut total = Duration::ZERO;
            while left > 0 {
                let now = left.min(128);
                total += time(&mut sampler, &prompts, now as usize);
                left -= now;
            }
            total
        });
    });
}

fn time(sampler: &mut Sampler, prompts: &[u32], steps: usize) -> Duration {
    let request = |prompt: &[u32]| Request {
        prompt: prompt.to_vec(),
        samples: 1,
        max_tokens: steps + 1,
        sampling: Sampling::default(),
        stop_tokens: Vec::new(),
        seed: 0,
    };
    let requests: Vec<Request> = prompts.chunks(PROMPT).map(request).collect();
    let (mut drawn, mut started) = (0, None);
    let answers = sampler.sample(&requests, |_| {
        drawn += 1;
        if drawn == ROWS {
            started = Some(Instant::now());
        }
        Next::Continue
    });
    answers.expect("answers");
    started.expect("first tokens").elapsed()
}

fn models(criterion: &mut Criterion) {
    let policy = policy();
    train(criterion, &policy);
    decode(criterion, &policy);
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = models
}
criterion_main!(benches);

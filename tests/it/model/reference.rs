//! Against PyTorch: logits of imported checkpoints, and runs of training on the same weights and
//! batches. The numbers were made by the scripts beside them, in `fixtures/model`.

use super::support::{engine, lora_named};
use safetensors::{Dtype, SafeTensors};
use std::path::{Path, PathBuf};
use touchstone::model::{
    AdamW, Batch, Checkpoint, ElementType, Extra, LoraConfig, Loss, Memory, ModelConfig, Policy,
    Schedule, Scorer, Trainer, Weights,
};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/model")
}

/// Tensors of a file as numbers, by name.
struct Numbers(Vec<u8>);

impl Numbers {
    fn read(path: &str) -> Self {
        let path = fixtures().join(path);
        Numbers(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }

    fn get(&self, name: &str) -> Vec<f64> {
        let tensors = SafeTensors::deserialize(&self.0).expect("a file of tensors");
        let tensor = tensors.tensor(name).expect(name);
        let bytes = tensor.data();
        match tensor.dtype() {
            Dtype::F32 => numbers(bytes, |x| f64::from(f32::from_le_bytes(x))),
            Dtype::F64 => numbers(bytes, f64::from_le_bytes),
            Dtype::I64 => numbers(bytes, |x| i64::from_le_bytes(x) as f64),
            other => panic!("{name} is of {other:?}"),
        }
    }

    fn names(&self, prefix: &str) -> Vec<String> {
        let tensors = SafeTensors::deserialize(&self.0).expect("a file of tensors");
        let names = tensors.names().into_iter();
        names
            .filter(|name| name.starts_with(prefix))
            .map(str::to_owned)
            .collect()
    }
}

fn numbers<const N: usize>(bytes: &[u8], convert: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    let chunks = bytes.chunks_exact(N);
    chunks
        .map(|chunk| convert(chunk.try_into().expect("N bytes")))
        .collect()
}

fn policy(name: &str, element: ElementType) -> Policy {
    let folder = fixtures().join(name);
    let config = ModelConfig::read(&folder).expect("a configuration");
    let checkpoint = Checkpoint::open(&folder, &config).expect("a checkpoint");
    let weights = Weights::place(&engine(), config.parameters(), element, |parameter| {
        let mut numbers = vec![0.0; parameter.elements()];
        checkpoint.read_into(&parameter.name, &mut numbers)?;
        Ok(numbers)
    });
    Policy::new(&engine(), config, weights.expect("weights"))
}

/// The largest difference of two lists.
fn apart(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max)
}

#[test]
fn logits_of_imported_checkpoints() {
    for family in ["llama", "qwen2", "qwen3"] {
        let expected = Numbers::read(&format!("{family}/expected.safetensors"));
        let (tokens, lengths) = (expected.get("input_ids"), expected.get("lengths"));
        let logits = expected.get("logits");
        let policy = policy(family, ElementType::F32);
        let vocabulary = policy.config().vocab_size;
        let mut scorer = Scorer::new(&policy, false).expect("a scorer");
        let got = scorer
            .logits(lengths.len(), &integers(&tokens))
            .expect("logits");
        let length = tokens.len() / lengths.len();
        for (row, count) in lengths.iter().enumerate() {
            let span = row * length * vocabulary..(row * length + *count as usize) * vocabulary;
            let distance = apart(&got[span.clone()], &logits[span]);
            assert!(distance < 1e-4, "{family}, row {row}: {distance}");
        }
    }
}

fn integers(numbers: &[f64]) -> Vec<i64> {
    numbers.iter().map(|x| *x as i64).collect()
}

/// Rows, tokens a row, batches of a step and batches of a run, as the script has them.
const ROWS: usize = 4;
const LENGTH: usize = 16;
const PARTS: usize = 2;
const STEPS: usize = 20;

/// Part `part` of a tensor that has one entry for each part of each of two steps.
fn part(all: &[f64], step: usize, part: usize) -> Vec<f64> {
    let size = all.len() / (2 * PARTS);
    let at = (step % 2) * PARTS + part;
    all[at * size..(at + 1) * size].to_vec()
}

fn batch(run: &Numbers, step: usize, at: usize) -> Batch {
    let ids = integers(&part(&run.get("ids"), step, at));
    let rows = ids.chunks(LENGTH + 1);
    Batch {
        rows: ROWS,
        length: LENGTH,
        tokens: rows
            .clone()
            .flat_map(|row| row[..LENGTH].to_vec())
            .collect(),
        targets: rows.flat_map(|row| row[1..].to_vec()).collect(),
        mask: part(&run.get("mask"), step, at),
    }
}

/// Repeats a run of 20 steps and compares losses, norms, the first gradients and the last weights.
fn check(
    name: &str,
    policy: &Policy,
    loss: Loss,
    extra: impl Fn(&Numbers, usize, usize) -> Extra,
    normalizer: impl Fn(&Numbers, usize) -> f64,
) {
    let run = Numbers::read(&format!("training/{name}.safetensors"));
    let schedule = Schedule {
        peak: 3e-3,
        warmup: 5,
        total: STEPS as u64,
        floor: 0.1,
    };
    let mut trainer = Trainer::new(policy, AdamW::default(), Memory::default()).expect("a trainer");
    let (losses, norms) = (run.get("loss"), run.get("gradient_norm"));
    let rates = run.get("learning_rate");
    for step in 0..STEPS {
        let mut total = 0.0;
        for at in 0..PARTS {
            let batch = batch(&run, step, at);
            let extra = extra(&run, step, at);
            let done = trainer.accumulate(loss, &batch, &extra, normalizer(&run, step));
            let done = done.expect("a loss");
            total += done.loss;
            if step == 0 {
                let logp: Vec<f64> = done.logp.iter().map(|x| f64::from(*x)).collect();
                let expected = part(&run.get("log_probabilities"), 0, at);
                assert!(apart(&logp, &expected) < 1e-4, "{name}: log-probabilities");
            }
        }
        assert!(
            (total - losses[step]).abs() < 1e-4,
            "{name} {step}: {total} {}",
            losses[step]
        );
        if step == 0 {
            for parameter in policy.trained().parameters() {
                let got = trainer.gradient(&parameter.name).expect("a gradient");
                let expected = run.get(&format!("gradient.{}", parameter.name));
                assert!(
                    apart(&got, &expected) < 1e-4,
                    "{name}: gradient of {}",
                    parameter.name
                );
            }
        }
        let rate = schedule.rate(step as u64 + 1);
        assert!((rate - rates[step]).abs() < 1e-12, "{rate} {}", rates[step]);
        let norm = trainer.apply(rate).expect("a step");
        assert!(
            (norm - norms[step]).abs() < 1e-4,
            "{name} {step}: {norm} {}",
            norms[step]
        );
    }
    let finals = run.names("final.");
    assert_eq!(finals.len(), policy.trained().parameters().len());
    for name in finals {
        let expected = run.get(&name);
        let got = policy
            .trained()
            .read(name.trim_start_matches("final."))
            .expect("a weight");
        let got: Vec<f64> = got.into_iter().map(f64::from).collect();
        let distance = apart(&got, &expected);
        assert!(distance < 1e-4, "{name}: {distance}");
    }
}

/// Tokens that count in a whole step.
fn counted(run: &Numbers, step: usize) -> f64 {
    let mask = run.get("mask");
    (0..PARTS).flat_map(|at| part(&mask, step, at)).sum()
}

#[test]
fn supervised_training() {
    let policy = policy("qwen2", ElementType::F32);
    check(
        "sft",
        &policy,
        Loss::Likelihood,
        |_, _, _| Extra::None,
        counted,
    );
}

#[test]
fn training_by_preferences() {
    let policy = policy("qwen2", ElementType::F32);
    let loss = Loss::Preference {
        beta: 0.1,
        likelihood: 0.05,
    };
    let extra = |run: &Numbers, step, at| Extra::Preference {
        reference: part(&run.get("reference"), step, at),
        weight: part(&run.get("weights"), step, at),
    };
    let total = |run: &Numbers, step| {
        let weights = run.get("weights");
        (0..PARTS).flat_map(|at| part(&weights, step, at)).sum()
    };
    check("dpo", &policy, loss, extra, total);
}

#[test]
fn training_by_policy_gradient() {
    let policy = policy("qwen2", ElementType::F32);
    let loss = Loss::Policy {
        clip: 0.2,
        kl: 0.02,
    };
    let extra = |run: &Numbers, step, at| Extra::Policy {
        advantage: part(&run.get("advantages"), step, at),
        old: part(&run.get("old"), step, at),
        reference: part(&run.get("reference"), step, at),
    };
    check("policy", &policy, loss, extra, counted);
}

#[test]
fn training_of_an_adapter() {
    let run = Numbers::read("training/lora.safetensors");
    let base = policy("qwen2", ElementType::F32);
    let before = base.base().read("model.norm.weight").expect("a weight");
    let lora: LoraConfig = lora_named(4, 8.0, &["q_proj", "v_proj", "down_proj"]);
    let parameters = lora.parameters(base.config());
    let weights = Weights::place(&engine(), parameters, ElementType::F32, |parameter| {
        let numbers = run.get(&format!("initial.{}", parameter.name));
        Ok(numbers.into_iter().map(|x| x as f32).collect())
    });
    let policy = base.with_adapter(lora, weights.expect("weights"));
    check(
        "lora",
        &policy,
        Loss::Likelihood,
        |_, _, _| Extra::None,
        counted,
    );
    assert_eq!(
        base.base().read("model.norm.weight").expect("a weight"),
        before
    );
}

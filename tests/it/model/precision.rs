//! Whole models: 32 bits against 64, and one way of computing a derivative against another.

use super::support::{Needs, engine, lora, noise, random_policy, skipped, tiny, with_adapter};
use std::hint::black_box;
use touchstone::model::graph::Graph;
use touchstone::model::{
    AdamW, Batch, ElementType, Extra, Loss, Memory, ModelConfig, Policy, Sequence, Trainer,
};

fn batch(vocabulary: usize) -> Batch {
    let token = |row: usize, at: usize| ((row * 31 + at * at * 7 + at) % vocabulary) as u32;
    let sequences: Vec<Sequence> = [(12, 3), (9, 1), (13, 6), (7, 5)]
        .iter()
        .enumerate()
        .map(|(row, (count, prompt))| Sequence {
            tokens: (0..*count).map(|at| token(row, at)).collect(),
            prompt: *prompt,
        })
        .collect();
    Batch::of(&sequences.iter().collect::<Vec<_>>(), 12).expect("a batch")
}

pub(super) fn losses() -> Vec<(Loss, Extra)> {
    let scaled = |seed, count, by: f64, around: f64| -> Vec<f64> {
        let numbers = noise(seed, count).into_iter();
        numbers.map(|x| around + by * x).collect()
    };
    let preference = Loss::Preference {
        beta: 0.3,
        likelihood: 0.2,
    };
    vec![
        (Loss::Likelihood, Extra::None),
        (
            preference,
            Extra::Preference {
                reference: scaled(1, 4, 3.0, -20.0),
                weight: vec![0.7, 1.2],
            },
        ),
        (
            Loss::Policy {
                clip: 0.2,
                kl: 0.05,
            },
            Extra::Policy {
                advantage: scaled(2, 48, 1.0, 0.1),
                old: scaled(3, 48, 0.3, -3.0),
                reference: scaled(4, 48, 0.3, -3.0),
            },
        ),
    ]
}

/// Loss and all derivatives of a batch.
pub(super) fn derivatives(
    policy: &Policy,
    loss: Loss,
    extra: &Extra,
    memory: Memory,
) -> (f64, Vec<Vec<f64>>) {
    let batch = batch(policy.config().vocab_size);
    let mut trainer = Trainer::new(policy, AdamW::default(), memory).expect("a trainer");
    let evaluated = trainer
        .accumulate(loss, &batch, extra, 30.0)
        .expect("a loss");
    let gradient = |name: &str| trainer.gradient(name).expect("a gradient");
    let parameters = policy.trained().parameters();
    let gradients = parameters.iter().map(|parameter| gradient(&parameter.name));
    (evaluated.loss, gradients.collect())
}

/// The largest difference of two lists relative to the second's norm.
pub(super) fn distance(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
    let norm = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
    let total = b.iter().map(|x| norm(x).powi(2)).sum::<f64>().sqrt();
    assert!(total > 1e-3, "the derivatives are all but zero");
    let each = a.iter().zip(b).map(|(a, b)| {
        let difference: Vec<f64> = a.iter().zip(b).map(|(x, y)| x - y).collect();
        // A parameter with hardly any derivative (a bias on keys has none) counts by the whole.
        norm(&difference) / norm(b).max(1e-3 * total)
    });
    each.fold(0.0, f64::max)
}

/// Compares with plain computation in 64 bits.
fn check(config: &ModelConfig, element: ElementType, memory: Memory, tolerance: f64) {
    for (loss, extra) in losses() {
        let exact = random_policy(config, ElementType::F64);
        let (expected, exact) = derivatives(&exact, loss, &extra, Memory::default());
        let policy = random_policy(config, element);
        let (got, gradients) = derivatives(&policy, loss, &extra, memory);
        assert!(
            (got - expected).abs() < tolerance * expected.abs(),
            "{loss:?}: {got} {expected}"
        );
        let distance = distance(&gradients, &exact);
        assert!(
            distance < tolerance,
            "{config:?} {loss:?} {memory:?}: {distance}"
        );
    }
}

#[test]
fn in_32_bits_as_in_64() {
    if skipped(Needs::Wide) {
        return;
    }
    for config in tiny() {
        check(&config, ElementType::F32, Memory::default(), 3e-5);
    }
}

#[test]
fn recomputed_as_kept() {
    if skipped(Needs::Wide) {
        return;
    }
    let checkpoint = Memory {
        checkpoint: true,
        head_tokens: 0,
    };
    let chunks = Memory {
        checkpoint: false,
        head_tokens: 17,
    };
    let both = Memory {
        checkpoint: true,
        head_tokens: 9,
    };
    for config in tiny() {
        for memory in [checkpoint, chunks, both] {
            check(&config, ElementType::F64, memory, 1e-12);
        }
    }
}

#[test]
fn accumulated_as_at_once() {
    if skipped(Needs::Wide) {
        return;
    }
    let config = &tiny()[1];
    let policy = random_policy(config, ElementType::F64);
    let whole = batch(config.vocab_size);
    let half = |from: usize| {
        let span = from * whole.length..(from + 2) * whole.length;
        Batch {
            rows: 2,
            length: whole.length,
            tokens: whole.tokens[span.clone()].to_vec(),
            targets: whole.targets[span.clone()].to_vec(),
            mask: whole.mask[span].to_vec(),
        }
    };
    let gradients = |batches: &[Batch]| {
        let mut trainer =
            Trainer::new(&policy, AdamW::default(), Memory::default()).expect("a trainer");
        for batch in batches {
            let normalizer = whole.counted();
            let done = trainer.accumulate(Loss::Likelihood, batch, &Extra::None, normalizer);
            done.expect("a loss");
        }
        let parameters = policy.trained().parameters().iter();
        let gradient = |name: &str| trainer.gradient(name).expect("a gradient");
        parameters.map(|x| gradient(&x.name)).collect::<Vec<_>>()
    };
    let once = gradients(std::slice::from_ref(&whole));
    let twice = gradients(&[half(0), half(2)]);
    assert!(distance(&twice, &once) < 1e-13);
}

#[test]
fn an_adapter_in_32_bits_as_in_64() {
    if skipped(Needs::Wide) {
        return;
    }
    let config = &tiny()[1];
    let with = |element| with_adapter(&random_policy(config, element), &lora(), 1);
    for (loss, extra) in losses() {
        let exact = derivatives(&with(ElementType::F64), loss, &extra, Memory::default());
        for (element, checkpoint, tolerance) in [
            (ElementType::F32, false, 3e-5),
            (ElementType::F64, true, 1e-12),
        ] {
            let memory = Memory {
                checkpoint,
                head_tokens: 0,
            };
            let got = derivatives(&with(element), loss, &extra, memory);
            assert_eq!(got.1.len(), 2 * 4 * config.layers);
            let distance = distance(&got.1, &exact.1);
            assert!(distance < tolerance, "{loss:?} {element:?}: {distance}");
        }
    }
}

#[test]
fn denormal_numbers_count_as_zero_in_graphs_and_nowhere_else() {
    let half = || {
        let graph = Graph::new();
        let x = graph.input("x", [1.into()], ElementType::F32);
        graph.output("y", graph.scale(x, 0.5));
        let given: (&str, &[usize], &[f64]) = ("x", &[1], &[1e-39]);
        let there = engine().evaluate(&graph, &[given]).expect("a number");
        let here = black_box(1e-39_f32) * black_box(0.5);
        (there[0][0], here > 0.0)
    };
    assert_eq!(half(), (0.0, true));
    let elsewhere = std::thread::spawn(half).join().expect("a thread");
    assert_eq!(elsewhere, (0.0, true));
}

//! Training in 16 bits with weights kept in 32 beside, as on a GPU. On the processor every operation on
//! 16 bits is done in 32 and rounded.

use super::precision::{derivatives, distance, losses};
use super::support::{lora, noise, random_policy, tiny, with_adapter};
use touchstone::model::{
    AdamW, Batch, ElementType, Extra, Loss, Memory, Next, Policy, Request, Sampler, Sampling,
    Sequence, Trainer,
};

/// Both with numbers that 16 bits hold exactly, so that only the arithmetic differs.
fn pair(policy: &Policy) -> (Policy, Policy) {
    let narrow = random_policy(policy.config(), ElementType::BF16);
    let wide = random_policy(policy.config(), ElementType::F32);
    wide.base().copy_from(narrow.base()).expect("copied");
    (narrow, wide)
}

#[test]
fn in_16_bits_as_in_32() {
    for config in tiny() {
        let (narrow, wide) = pair(&random_policy(&config, ElementType::F32));
        for checkpoint in [false, true] {
            let memory = Memory {
                checkpoint,
                head_tokens: 17 * usize::from(checkpoint),
            };
            for (loss, extra) in losses() {
                let (expected, exact) = derivatives(&wide, loss, &extra, Memory::default());
                let (got, gradients) = derivatives(&narrow, loss, &extra, memory);
                let apart = (got - expected).abs() / expected.abs();
                let worst = distance(&gradients, &exact);
                let whole = distance(&[gradients.concat()], &[exact.concat()]);
                println!("{config:?} {loss:?}: {apart:.1e} {whole:.1e} {worst:.1e}");
                assert!(apart < LOSS, "{loss:?}: {got} {expected}");
                assert!(whole < GRADIENT, "{config:?} {loss:?}: {whole}");
                assert!(worst < PARAMETER, "{config:?} {loss:?}: {worst}");
                assert!(whole > 1e-5, "nothing was rounded");
            }
        }
    }
}

/// How far the loss, all derivatives together, and those of the worst parameter may be from 32 bits.
/// Measured: 4e-3, 1.5e-2, 3.4e-2; a number of 16 bits is rounded by up to 4e-3.
const LOSS: f64 = 1e-2;
const GRADIENT: f64 = 2e-2;
const PARAMETER: f64 = 5e-2;

fn sequences() -> Batch {
    let rows: Vec<Sequence> = (0..4)
        .map(|row| Sequence {
            tokens: noise(70 + row, 17)
                .iter()
                .map(|x| ((x + 1.0) * 30.0) as u32)
                .collect(),
            prompt: 1,
        })
        .collect();
    Batch::of(&rows.iter().collect::<Vec<_>>(), 16).expect("a batch")
}

fn run(policy: &Policy) -> Vec<f64> {
    let batch = sequences();
    let mut trainer = Trainer::new(policy, AdamW::default(), Memory::default()).expect("a trainer");
    let step = |trainer: &mut Trainer| {
        let counted = batch.counted();
        let done = trainer.accumulate(Loss::Likelihood, &batch, &Extra::None, counted);
        let loss = done.expect("a loss").loss;
        // So small that a weight in 16 bits alone would not feel most steps.
        trainer.apply(1e-3).expect("a step");
        loss
    };
    (0..60).map(|_| step(&mut trainer)).collect()
}

#[test]
fn losses_fall_as_in_32_bits() {
    let (narrow, wide) = pair(&random_policy(&tiny()[1], ElementType::F32));
    let (got, expected) = (run(&narrow), run(&wide));
    println!("{:.3} {:.3} {:.3}", expected[0], expected[59], got[59]);
    assert!(expected[59] < 0.5 * expected[0], "{expected:?}");
    for (got, expected) in got.iter().zip(&expected) {
        assert!(
            (got - expected).abs() < 0.05 * expected.abs() + 0.02,
            "{got} {expected}"
        );
    }
}

#[test]
fn an_adapter_is_trained_in_16_bits() {
    let (narrow, wide) = pair(&random_policy(&tiny()[1], ElementType::F32));
    let [got, expected] = [narrow, wide].map(|base| run(&with_adapter(&base, &lora(), 9)));
    for (got, expected) in got.iter().zip(&expected) {
        assert!(
            (got - expected).abs() < 0.05 * expected.abs() + 0.02,
            "{got} {expected}"
        );
    }
}

#[test]
fn the_sampler_in_16_bits_sees_what_the_trainer_sees() {
    let policy = random_policy(&tiny()[1], ElementType::BF16);
    let mut sampler = Sampler::new(&policy, 3, 32).expect("a sampler");
    let request = Request {
        prompt: vec![5, 9, 2],
        samples: 3,
        max_tokens: 8,
        sampling: Sampling::default(),
        stop_tokens: vec![],
        seed: 4,
    };
    let answers = sampler
        .sample(&[request], |_| Next::Continue)
        .expect("answers");
    let mut scorer = touchstone::model::Scorer::new(&policy, false).expect("a scorer");
    for answer in answers {
        let sequence = Sequence {
            tokens: [&[5, 9, 2], answer.tokens.as_slice()].concat(),
            prompt: 3,
        };
        let batch = Batch::of(&[&sequence], 12).expect("a batch");
        let logp = scorer.score(&batch).expect("scores").logp;
        for (got, expected) in answer.logp.iter().zip(&logp[2..]) {
            assert!((got - expected).abs() < 0.1, "{got} {expected}");
        }
    }
}

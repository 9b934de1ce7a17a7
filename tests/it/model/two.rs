//! Two models at once: generator and critic side by side.

use super::support::{alone, engine, lora, random_policy, tiny};
use touchstone::model::{
    AdamW, Batch, ElementType, Extra, Loss, Memory, ModelConfig, Policy, Request, Sampler,
    Sampling, Scorer, Sequence, Trainer, Weights,
};

fn train(policy: &Policy, token: u32, steps: usize) {
    let mut trainer = Trainer::new(policy, AdamW::default(), Memory::default()).expect("a trainer");
    let sequence = Sequence {
        tokens: vec![1, 2, 3, token, token, token],
        prompt: 3,
    };
    let batch = Batch::of(&[&sequence], 8).expect("a batch");
    for _ in 0..steps {
        let done = trainer.accumulate(Loss::Likelihood, &batch, &Extra::None, 3.0);
        done.expect("a loss");
        trainer.apply(0.02).expect("a step");
    }
}

/// What a policy says after the prompt that both were trained on.
fn answer(policy: &Policy) -> Vec<u32> {
    let mut sampler = Sampler::new(policy, 2, 32).expect("a sampler");
    let request = Request {
        prompt: vec![1, 2, 3],
        samples: 1,
        max_tokens: 3,
        sampling: Sampling {
            temperature: 0.0,
            ..Sampling::default()
        },
        stop_tokens: vec![],
        seed: 0,
    };
    let answers = sampler.sample(&[request], |_| touchstone::model::Next::Continue);
    answers.expect("answers").remove(0).tokens
}

fn logp(policy: &Policy) -> Vec<f32> {
    let sequence = Sequence {
        tokens: vec![1, 2, 3, 4, 5],
        prompt: 1,
    };
    let batch = Batch::of(&[&sequence], 4).expect("a batch");
    let mut scorer = Scorer::new(policy, false).expect("a scorer");
    scorer.score(&batch).expect("scores").logp
}

fn bits(weights: &Weights) -> Vec<Vec<u32>> {
    let read = |name: &str| weights.read(name).expect("a weight");
    let parameters = weights.parameters().iter();
    parameters
        .map(|one| read(&one.name).into_iter().map(f32::to_bits).collect())
        .collect()
}

#[test]
fn two_full_models_learn_apart() {
    let generator = random_policy(&tiny()[1], ElementType::F32);
    let critic = generator.duplicate().expect("a second model");
    assert_eq!(logp(&generator), logp(&critic));
    train(&generator, 7, 12);
    train(&critic, 9, 12);
    assert_eq!(
        (answer(&generator), answer(&critic)),
        (vec![7; 3], vec![9; 3])
    );
}

#[test]
fn two_adapters_learn_apart_over_one_frozen_base() {
    let base = random_policy(&tiny()[2], ElementType::F32);
    let (weights, reference) = (bits(base.base()), logp(&base));
    let generator = base.with_initial_adapter(&lora(), 1).expect("an adapter");
    let critic = base.with_initial_adapter(&lora(), 2).expect("an adapter");
    assert_eq!(
        logp(&generator),
        reference,
        "an adapter that is new changes nothing"
    );
    train(&generator, 7, 40);
    train(&critic, 9, 40);
    assert_eq!(
        (answer(&generator), answer(&critic)),
        (vec![7; 3], vec![9; 3])
    );
    assert_eq!(bits(base.base()), weights);
    // The policy to stay close to is the base: it needs no weights of its own.
    assert_eq!(logp(&generator.without_adapter()), reference);
}

/// Bytes of this process that lie in memory.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").expect("statm");
    let pages: usize = text
        .split(' ')
        .nth(1)
        .and_then(|x| x.parse().ok())
        .expect("pages");
    pages * 4096
}

#[test]
fn an_adapters_base_lies_in_memory_once() {
    alone("model::two::measured_alone");
}

#[test]
#[ignore = "measures the memory of its process: the test above runs it alone"]
fn measured_alone() {
    let config = ModelConfig {
        hidden_size: 512,
        intermediate_size: 2048,
        vocab_size: 8192,
        head_dim: 128,
        layers: 4,
        ..tiny()[1].clone()
    };
    let before = resident();
    let base = Policy::initial(&engine(), config, 1).expect("a policy");
    let bytes = base.base().bytes();
    assert!(bytes > 70_000_000, "{bytes}");
    let one = resident() - before;
    assert!(one > bytes / 10 * 9, "{one} of {bytes}");
    let policies: Vec<Policy> = (0..6)
        .map(|seed| {
            base.with_initial_adapter(&lora(), seed)
                .expect("an adapter")
        })
        .collect();
    let bound: Vec<Sampler> = policies
        .iter()
        .map(|policy| Sampler::new(policy, 1, 16).expect("a sampler"))
        .collect();
    let adapters: usize = policies.iter().map(|policy| policy.trained().bytes()).sum();
    assert!(adapters < bytes / 10);
    let more = (resident() - before).saturating_sub(one);
    assert!(more < bytes / 4, "{more} beside {bytes}");
    assert_eq!(bound.len(), 6);
}

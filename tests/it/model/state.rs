//! The state of training on disk.

use super::message;
use super::support::{engine, lora, noise, tiny};
use std::fs;
use std::path::Path;
use touchstone::model::{
    AdamW, Batch, Extra, Loss, Memory, ModelError, Policy, Sequence, Trainer, Weights,
};

/// Policies that train all weights and an adapter, always with the same numbers.
fn policies() -> [Policy; 2] {
    let base = Policy::initial(&engine(), tiny()[1].clone(), 4).expect("a policy");
    let adapted = base.with_initial_adapter(&lora(), 5).expect("an adapter");
    [base, adapted]
}

fn trainer(policy: &Policy) -> Trainer {
    Trainer::new(policy, AdamW::default(), Memory::default()).expect("a trainer")
}

fn train(trainer: &mut Trainer, steps: std::ops::Range<usize>) {
    for step in steps {
        let numbers = noise(step as u64, 20);
        let sequence = Sequence {
            tokens: numbers.iter().map(|x| ((x + 1.0) * 30.0) as u32).collect(),
            prompt: 4,
        };
        let batch = Batch::of(&[&sequence], 24).expect("a batch");
        let done = trainer.accumulate(Loss::Likelihood, &batch, &Extra::None, 16.0);
        done.expect("a loss");
        trainer.apply(0.01).expect("a step");
    }
}

fn numbers(weights: &Weights) -> Vec<Vec<u32>> {
    let read = |name: &str| weights.read(name).expect("a weight");
    let parameters = weights.parameters().iter();
    parameters
        .map(|one| read(&one.name).into_iter().map(f32::to_bits).collect())
        .collect()
}

#[test]
fn resumed_training_gives_the_same_numbers() {
    for which in 0..2 {
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("state");
        let whole = &policies()[which];
        let mut undisturbed = trainer(whole);
        train(&mut undisturbed, 0..9);

        let mut first = trainer(&policies()[which]);
        train(&mut first, 0..2);
        first.save(&state).expect("saved");
        train(&mut first, 2..5);
        first.save(&state).expect("saved over the one before");
        drop(first);

        let policy = &policies()[which];
        let mut second = trainer(policy);
        train(&mut second, 20..21);
        second.resume(&state).expect("resumed");
        assert_eq!(second.steps(), 5);
        train(&mut second, 5..9);
        assert_eq!(numbers(policy.trained()), numbers(whole.trained()));
    }
}

/// Saves a state, damages it, and gives the message of resuming from it. Nothing may change.
fn refused(damage: impl FnOnce(&Path)) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let policy = &policies()[0];
    let mut trainer = trainer(policy);
    trainer.save(&state).expect("saved");
    train(&mut trainer, 0..1);
    let before = numbers(policy.trained());
    damage(&state);
    let error = trainer.resume(&state).expect_err("damaged");
    assert_eq!(numbers(policy.trained()), before);
    assert_eq!(trainer.steps(), 1);
    message(folder.path(), &error)
}

#[test]
fn a_damaged_state_is_recognised() {
    let flipped = refused(|state| {
        let path = state.join("moments.safetensors");
        let mut bytes = fs::read(&path).expect("read");
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&path, bytes).expect("written");
    });
    assert_eq!(
        flipped,
        "DIR/state/moments.safetensors: is damaged: its digest is not the one it was saved with"
    );
    let short = refused(|state| {
        let path = state.join("weights.safetensors");
        let bytes = fs::read(&path).expect("read");
        fs::write(&path, &bytes[..bytes.len() / 2]).expect("written");
    });
    assert_eq!(
        short,
        "DIR/state/weights.safetensors: is damaged: its digest is not the one it was saved with"
    );
    let cut =
        refused(|state| fs::write(state.join("trainer.json"), "{\"step\": 3").expect("written"));
    assert!(
        cut.starts_with("DIR/state/trainer.json: is no state of training: "),
        "{cut}"
    );
    let gone = refused(|state| fs::remove_file(state.join("trainer.json")).expect("removed"));
    assert!(
        gone.starts_with("DIR/state/trainer.json: cannot be read: "),
        "{gone}"
    );
}

#[test]
fn a_state_of_another_model_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let [whole, adapted] = policies();
    trainer(&adapted).save(&state).expect("saved");
    let error = trainer(&whole).resume(&state).expect_err("another model");
    let error = message(folder.path(), &error);
    assert!(
        error
            .starts_with("DIR/state: its tensors are not the model's; missing: model.embed_tokens"),
        "{error}"
    );
    let adam = AdamW {
        beta2: 0.999,
        ..AdamW::default()
    };
    let mut other = Trainer::new(&adapted, adam, Memory::default()).expect("a trainer");
    let error = message(
        folder.path(),
        &other.resume(&state).expect_err("other settings"),
    );
    assert!(
        error.contains("was saved with other settings of the optimizer"),
        "{error}"
    );
}

#[test]
fn what_is_not_finite_stops_and_leaves_the_weights() {
    let policy = &policies()[0];
    let mut trainer = trainer(policy);
    train(&mut trainer, 0..2);
    let before = numbers(policy.trained());
    let sequence = Sequence {
        tokens: vec![1, 2, 3, 4],
        prompt: 1,
    };
    let batch = Batch::of(&[&sequence], 4).expect("a batch");
    let infinite = Extra::Policy {
        advantage: vec![f64::INFINITY; 4],
        old: vec![-1.0; 4],
        reference: vec![-1.0; 4],
    };
    let loss = Loss::Policy { clip: 0.2, kl: 0.1 };
    let error = trainer
        .accumulate(loss, &batch, &infinite, 1.0)
        .expect_err("infinite");
    assert!(matches!(error, ModelError::NotFinite(_)));
    assert_eq!(error.to_string(), "step 3: the loss is not finite");
    let error = trainer.apply(0.01).expect_err("nothing to apply");
    assert_eq!(
        error.to_string(),
        "there are no derivatives to apply: no batch was accumulated"
    );

    // A loss that is finite, with derivatives that are not.
    let huge = Extra::Policy {
        advantage: vec![1e38; 4],
        old: vec![-4.0; 4],
        reference: vec![-4.0; 4],
    };
    trainer
        .accumulate(loss, &batch, &huge, 1.0)
        .expect("finite");
    let error = trainer.apply(0.01).expect_err("infinite");
    assert_eq!(
        error.to_string(),
        "step 3: the norm of the derivatives is not finite"
    );
    assert_eq!(numbers(policy.trained()), before);
    train(&mut trainer, 2..4);
    assert_eq!(trainer.steps(), 4);
    assert!(policy.trained().not_finite().expect("read").is_none());

    let norm = "model.norm.weight";
    let mut poisoned = policy.trained().read(norm).expect("a weight");
    poisoned[3] = f32::NAN;
    policy.trained().write(norm, &poisoned).expect("written");
    let done = trainer.accumulate(Loss::Likelihood, &batch, &Extra::None, 3.0);
    assert_eq!(
        done.expect_err("not finite").to_string(),
        "step 5: the loss is not finite"
    );
}

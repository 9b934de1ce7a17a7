//! What a trainer refuses, and what no batch may do to the weights.

use super::support::{random_policy, tiny};
use touchstone::model::{
    AdamW, Batch, ElementType, Evaluated, Extra, Loss, Memory, ModelError, Policy, Scorer,
    Sequence, Trainer,
};

fn policy() -> Policy {
    random_policy(&tiny()[0], ElementType::F32)
}

fn trainer(policy: &Policy) -> Trainer {
    Trainer::new(policy, AdamW::default(), Memory::default()).expect("a trainer")
}

/// Rows of four tokens, the first of them prompt.
fn batch(rows: usize) -> Batch {
    let sequence = Sequence {
        tokens: vec![1, 2, 6, 3],
        prompt: 1,
    };
    Batch::of(&vec![&sequence; rows], 4).expect("a batch")
}

const PREFERENCE: Loss = Loss::Preference {
    beta: 0.3,
    likelihood: 0.2,
};

fn preference(rows: usize) -> Extra {
    Extra::Preference {
        reference: vec![-10.0; rows],
        weight: vec![1.0; rows / 2],
    }
}

fn said(done: Result<Evaluated, ModelError>) -> String {
    match done.expect_err("refused") {
        ModelError::Input(what) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn batches_that_do_not_fit_the_model() {
    let policy = policy();
    let (mut trainer, mut scorer) = (
        trainer(&policy),
        Scorer::new(&policy, false).expect("a scorer"),
    );
    let mut check = |batch: Batch, expected: &str| {
        let done = trainer.accumulate(Loss::Likelihood, &batch, &Extra::None, 1.0);
        assert_eq!(said(done), expected);
        let scored = scorer.score(&batch).expect_err(expected);
        assert_eq!(scored.to_string(), expected);
    };
    check(batch(0), "a batch without tokens");
    let with = |change: fn(&mut Batch)| {
        let mut batch = batch(2);
        change(&mut batch);
        batch
    };
    check(
        with(|batch| batch.tokens[5] = 61),
        "token 61 is not in the vocabulary of 61",
    );
    check(
        with(|batch| batch.targets[0] = -1),
        "token -1 is not in the vocabulary of 61",
    );
    check(
        with(|batch| batch.mask.truncate(7)),
        "a batch of 2 rows of 4 tokens has 7 numbers",
    );
    let long = Sequence {
        tokens: vec![1; 66],
        prompt: 1,
    };
    check(
        Batch::of(&[&long], 65).expect("a batch"),
        "a row of 65 tokens is longer than the model's context of 64",
    );
    let error = scorer.logits(0, &[1, 2]).expect_err("no rows");
    assert_eq!(error.to_string(), "a batch without tokens");
}

#[test]
fn numbers_that_are_not_those_of_the_loss() {
    let policy = policy();
    let mut trainer = trainer(&policy);
    let mut check = |loss, rows, extra: &Extra, expected: &str| {
        let done = trainer.accumulate(loss, &batch(rows), extra, 1.0);
        assert_eq!(said(done), expected);
    };
    check(
        PREFERENCE,
        3,
        &preference(3),
        "3 rows are not pairs of chosen and rejected",
    );
    check(
        PREFERENCE,
        2,
        &preference(4),
        "reference has 4 numbers, the batch needs [2]",
    );
    check(
        Loss::Likelihood,
        2,
        &preference(2),
        "Likelihood was given the numbers of another loss",
    );
    // Those of the batch before are bound still.
    for _ in 0..2 {
        let done = trainer.accumulate(PREFERENCE, &batch(2), &preference(2), 1.0);
        done.expect("a loss");
    }
    let done = trainer.accumulate(PREFERENCE, &batch(2), &Extra::None, 1.0);
    assert_eq!(
        said(done),
        "Preference { beta: 0.3, likelihood: 0.2 } was given the numbers of another loss"
    );
}

#[test]
fn settings_that_would_break_the_weights() {
    let policy = policy();
    let plain = AdamW::default();
    let check = |adam: AdamW, expected: &str| {
        let error = Trainer::new(&policy, adam, Memory::default()).err();
        let error = error.expect(expected).to_string();
        assert!(error.starts_with(expected), "{error}");
    };
    check(
        AdamW {
            epsilon: 0.0,
            ..plain
        },
        "epsilon has to be 1e-30 or more: AdamW { ",
    );
    check(
        AdamW {
            beta2: 1.0,
            ..plain
        },
        "beta1 and beta2 have to be from 0 to below 1: ",
    );
    check(
        AdamW {
            max_norm: 0.0,
            ..plain
        },
        "max_norm has to be above 0: ",
    );
    check(
        AdamW {
            weight_decay: f64::NAN,
            ..plain
        },
        "weight_decay has to be 0 or more: ",
    );
    let mut trainer = trainer(&policy);
    let done = trainer.accumulate(Loss::Likelihood, &batch(1), &Extra::None, 1.0);
    done.expect("a loss");
    for rate in [f64::NAN, f64::INFINITY, 1e39, -0.1] {
        let error = trainer.apply(rate).expect_err("no rate");
        assert_eq!(
            error.to_string(),
            format!("a learning rate of {rate} is not a number from 0 on")
        );
    }
    trainer.apply(0.01).expect("a step");
    assert_eq!(policy.base().not_finite().expect("read"), None);
}

#[test]
fn a_step_is_no_larger_for_a_huge_norm() {
    for normalizer in [1.0, 1e-9, 1e-17] {
        let policy = policy();
        let norm = "model.norm.weight";
        let before = policy.base().read(norm).expect("a weight");
        let mut trainer = trainer(&policy);
        let done = trainer.accumulate(Loss::Likelihood, &batch(1), &Extra::None, normalizer);
        done.expect("a loss");
        trainer.apply(0.01).expect("a step");
        let after = policy.base().read(norm).expect("a weight");
        for (before, after) in before.iter().zip(after) {
            let change = (after - before).abs();
            assert!(change < 0.0101, "{normalizer}: {change}");
        }
    }
}

#[test]
fn what_does_not_count_does_not_overflow() {
    let policy = policy();
    let head = policy.base().read("lm_head.weight").expect("a weight");
    let steep: Vec<f32> = head.iter().map(|x| 100.0 * x).collect();
    let done = policy.base().write("lm_head.weight", &steep);
    done.expect("written");
    let mut batch = batch(1);
    batch.mask = vec![0.0, 0.0, 1.0, 0.0];
    let mut scorer = Scorer::new(&policy, false).expect("a scorer");
    let logp = scorer.score(&batch).expect("scores").logp;
    assert!(logp[1] < -100.0, "e to the other sign of it is infinite");
    let own = vec![0.0, 0.0, f64::from(logp[2]), 0.0];
    let extra = Extra::Policy {
        advantage: vec![1.0; 4],
        old: own.clone(),
        reference: own,
    };
    let loss = Loss::Policy { clip: 0.2, kl: 0.1 };
    let mut trainer = trainer(&policy);
    let done = trainer.accumulate(loss, &batch, &extra, 1.0);
    let got = done.expect("a loss").loss;
    assert!((got + 1.0).abs() < 1e-3, "{got}");
    trainer.apply(0.01).expect("a step");
}

#[test]
fn a_pair_that_is_empty_adds_nothing() {
    let policy = policy();
    let loss = |rows: usize, weight: Vec<f64>| {
        let mut batch = batch(rows);
        // Of two pairs the second: rows are first all chosen ones, then all rejected ones.
        for row in (1..rows).step_by(2).filter(|_| rows == 4) {
            batch.mask[row * 4..(row + 1) * 4].fill(0.0);
        }
        let extra = Extra::Preference {
            reference: vec![0.0; rows],
            weight,
        };
        let mut trainer = trainer(&policy);
        let done = trainer.accumulate(PREFERENCE, &batch, &extra, 1.0);
        let loss = done.expect("a loss").loss;
        (loss, trainer.apply(0.0).expect("a step"))
    };
    let (one, norm) = loss(2, vec![1.0]);
    let (with_empty, same) = loss(4, vec![1.0, 0.0]);
    assert!((one - with_empty).abs() < 1e-5, "{one} {with_empty}");
    assert!((norm - same).abs() < 1e-4 * norm, "{norm} {same}");
}

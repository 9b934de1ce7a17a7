//! Sampling: what is drawn, how often, and that the log-probabilities are the trainer's.

use super::support::{Needs, engine, policies, random_policy, skipped, tiny};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use touchstone::model::{
    AdamW, Batch, Completion, Drawn, ElementType, Extra, Finish, Loss, Memory, ModelConfig, Next,
    Policy, Request, Sampler, Sampling, Scorer, Sequence, Trainer,
};

fn request(prompt: &[u32], samples: usize, max_tokens: usize, seed: u64) -> Request {
    Request {
        prompt: prompt.to_vec(),
        samples,
        max_tokens,
        sampling: Sampling::default(),
        stop_tokens: vec![],
        seed,
    }
}

fn go_on(_: Drawn) -> Next {
    Next::Continue
}

fn prompts() -> Vec<Vec<u32>> {
    let long: Vec<u32> = (0..37).map(|x| (x * x + 3) % 61).collect();
    vec![vec![5, 9, 2], vec![1], long, vec![60, 0, 60, 0]]
}

fn requests() -> Vec<Request> {
    let all = prompts().into_iter().enumerate();
    all.map(|(at, prompt)| request(&prompt, 3, 6 + at, 11))
        .collect()
}

/// Log-probabilities of completions as the training graph sees them.
fn scored(policy: &Policy, requests: &[Request], completions: &[Completion]) -> Vec<Vec<f32>> {
    let mut scorer = Scorer::new(policy, false).expect("a scorer");
    let score = |completion: &Completion| {
        let prompt = &requests[completion.request].prompt;
        let sequence = Sequence {
            tokens: [prompt.as_slice(), &completion.tokens].concat(),
            prompt: prompt.len(),
        };
        let batch = Batch::of(&[&sequence], sequence.tokens.len() + 3).expect("a batch");
        let logp = scorer.score(&batch).expect("scores").logp;
        logp[prompt.len() - 1..][..completion.tokens.len()].to_vec()
    };
    completions.iter().map(score).collect()
}

fn assert_parity(policy: &Policy, requests: &[Request], completions: &[Completion]) {
    let scored = scored(policy, requests, completions);
    for (completion, expected) in completions.iter().zip(&scored) {
        for (got, expected) in completion.logp.iter().zip(expected) {
            assert!(
                (got - expected).abs() < 1e-4,
                "{got} {expected} {completion:?}"
            );
        }
    }
}

#[test]
fn the_sampler_sees_what_the_trainer_sees_before_and_after_an_update() {
    if skipped(Needs::SamplingIn32Bits) {
        return;
    }
    for policy in policies() {
        let mut sampler = Sampler::new(&policy, 5, 64).expect("a sampler");
        let requests = requests();
        let before = sampler.sample(&requests, go_on).expect("answers");
        assert_parity(&policy, &requests, &before);

        let mut trainer =
            Trainer::new(&policy, AdamW::default(), Memory::default()).expect("a trainer");
        let sequence = Sequence {
            tokens: vec![5, 9, 2, 7, 7, 1],
            prompt: 3,
        };
        let batch = Batch::of(&[&sequence], 8).expect("a batch");
        for _ in 0..5 {
            let done = trainer.accumulate(Loss::Likelihood, &batch, &Extra::None, 3.0);
            done.expect("a loss");
            trainer.apply(0.01).expect("a step");
        }
        let after = sampler.sample(&requests, go_on).expect("answers");
        assert_ne!(after, before, "the update has reached the sampler");
        assert_parity(&policy, &requests, &after);
    }
}

#[test]
fn heads_and_numbers_that_the_fused_kernel_does_not_take() {
    for (head, element) in [
        (8, ElementType::F32),
        (6, ElementType::F32),
        (8, ElementType::F64),
    ] {
        for config in tiny() {
            let config = ModelConfig {
                head_dim: head,
                ..config
            };
            let policy = random_policy(&config, element);
            let mut sampler = Sampler::new(&policy, 5, 64).expect("a sampler");
            let requests = requests();
            let answers = sampler.sample(&requests, go_on).expect("answers");
            assert_parity(&policy, &requests, &answers);
            let again = sampler.sample(&requests, go_on).expect("answers");
            assert_eq!(answers, again);
        }
    }
}

#[test]
fn slots_change_nothing() {
    if skipped(Needs::SamplingIn32Bits) {
        return;
    }
    let policy = random_policy(&tiny()[1], ElementType::F32);
    let answers = |slots| {
        let mut sampler = Sampler::new(&policy, slots, 64).expect("a sampler");
        sampler.sample(&requests(), go_on).expect("answers")
    };
    let expected = answers(12);
    assert_eq!(expected.len(), 12);
    for slots in [1, 2, 5, 7, 40] {
        let got = answers(slots);
        for (got, expected) in got.iter().zip(&expected) {
            assert_eq!(got.tokens, expected.tokens, "{slots} slots");
        }
    }
    let mut sampler = Sampler::new(&policy, 5, 64).expect("a sampler");
    let first = sampler.sample(&requests(), go_on).expect("answers");
    let again = sampler.sample(&requests(), go_on).expect("answers");
    assert_eq!(first, again, "a cache that was used before changes nothing");
}

#[test]
fn others_in_the_batch_change_nothing() {
    let policy = random_policy(&tiny()[1], ElementType::F32);
    let mut sampler = Sampler::new(&policy, 4, 64).expect("a sampler");
    let plain = request(&[5, 9, 2], 1, 12, 3);
    let alone = sampler.sample(std::slice::from_ref(&plain), go_on);
    let alone = alone.expect("answers").remove(0);
    let filtered = Request {
        sampling: Sampling {
            top_k: 5,
            ..Sampling::default()
        },
        ..request(&[1, 2], 1, 12, 3)
    };
    let together = sampler.sample(&[plain, filtered], go_on);
    let together = together.expect("answers").remove(0);
    assert_eq!(together.tokens, alone.tokens);
}

#[test]
fn the_largest_uniform_number_draws_a_token_at_the_end() {
    /// Whose first number, of its first stream, is 1 - 1.2e-7.
    const SEED: u64 = 5_228_995;
    let config = ModelConfig {
        vocab_size: 151_936,
        layers: 1,
        ..tiny()[1].clone()
    };
    let policy = Policy::initial(&engine(), config, 3).expect("a policy");
    let mut sampler = Sampler::new(&policy, 1, 16).expect("a sampler");
    for prompt in 0..30 {
        let request = request(&[prompt, 7], 1, 1, SEED);
        let token = sampler.sample(&[request], go_on).expect("answers")[0].tokens[0];
        assert!(token > 150_000, "prompt {prompt}: token {token}");
    }
}

#[test]
fn extreme_settings_are_what_they_come_close_to() {
    let policy = random_policy(&tiny()[0], ElementType::F32);
    let mut scaled = policy.base().read("lm_head.weight").expect("a weight");
    for number in &mut scaled {
        *number *= 30.0;
    }
    let written = policy.base().write("lm_head.weight", &scaled);
    written.expect("written");
    let mut sampler = Sampler::new(&policy, 1, 32).expect("a sampler");
    let mut tokens = |temperature, top_k| {
        let sampling = Sampling {
            temperature,
            top_k,
            ..Sampling::default()
        };
        let request = Request {
            sampling,
            ..request(&[5, 9, 2], 1, 12, 3)
        };
        sampler.sample(&[request], go_on).expect("answers")[0]
            .tokens
            .clone()
    };
    let greedy = tokens(0.0, 0);
    for temperature in [1e-37, 2e-38, 1e-42, 1e-300] {
        assert_eq!(tokens(temperature, 0), greedy, "{temperature}");
        assert_eq!(tokens(temperature, 5), greedy, "{temperature}");
    }
    assert_eq!(tokens(5.0, usize::MAX), tokens(5.0, 0));
}

#[test]
fn a_trainer_that_waits_for_the_weights_does_not_stop_the_sampler() {
    let policy = random_policy(&tiny()[0], ElementType::F32);
    let (begun, waits) = mpsc::channel();
    let (done, answered) = mpsc::channel();
    let weights = policy.base().clone();
    let writer = thread::spawn(move || {
        waits.recv().expect("a token");
        weights.write("model.norm.weight", &[1.0; 64])
    });
    thread::spawn(move || {
        let mut sampler = Sampler::new(&policy, 2, 64).expect("a sampler");
        let answers = sampler.sample(&[request(&[5, 9], 1, 4, 3)], |_| {
            // Only the first one is heard. There is no telling when the writer waits, so it is given
            // time; were it too little, the test would find nothing.
            if begun.send(()).is_ok() {
                thread::sleep(Duration::from_millis(50));
            }
            Next::Continue
        });
        done.send(answers.expect("answers").len())
    });
    let patience = Duration::from_secs(60);
    assert_eq!(answered.recv_timeout(patience), Ok(1));
    writer.join().expect("a thread").expect("written");
}

#[test]
fn answers_end_where_they_should() {
    if skipped(Needs::SamplingIn32Bits) {
        return;
    }
    let policy = random_policy(&tiny()[0], ElementType::F32);
    let mut sampler = Sampler::new(&policy, 3, 16).expect("a sampler");
    let free = sampler
        .sample(&[request(&[3, 4], 2, 9, 5)], go_on)
        .expect("answers");
    assert!(
        free.iter()
            .all(|x| x.tokens.len() == 9 && x.finish == Finish::Length)
    );

    let token = free[0].tokens[4];
    let place = free[0]
        .tokens
        .iter()
        .position(|x| *x == token)
        .expect("there");
    let stopped = Request {
        stop_tokens: vec![token],
        ..request(&[3, 4], 1, 9, 5)
    };
    let stopped = sampler.sample(&[stopped], go_on).expect("answers");
    assert_eq!(stopped[0].tokens, free[0].tokens[..=place]);
    assert_eq!(stopped[0].finish, Finish::Stop);

    let mut seen = Vec::new();
    let watched = sampler.sample(&[request(&[3, 4], 2, 9, 5)], |drawn| {
        seen.push((drawn.sample, drawn.token));
        match drawn.sample == 1 && seen.iter().filter(|x| x.0 == 1).count() == 3 {
            true => Next::Stop,
            false => Next::Continue,
        }
    });
    let watched = watched.expect("answers");
    assert_eq!(watched[0].tokens, free[0].tokens);
    assert_eq!(watched[1].tokens, free[1].tokens[..3]);
    let streamed: Vec<u32> = seen.iter().filter(|x| x.0 == 0).map(|x| x.1).collect();
    assert_eq!(streamed, watched[0].tokens);

    let full = sampler
        .sample(&[request(&[1; 12], 1, 100, 5)], go_on)
        .expect("answers");
    assert_eq!((full[0].tokens.len(), full[0].finish), (4, Finish::Length));
}

/// How often each token is drawn first, in 4,000 answers to one prompt.
fn counts(policy: &Policy, sampling: Sampling) -> Vec<f64> {
    let mut sampler = Sampler::new(policy, 500, 16).expect("a sampler");
    let many = Request {
        sampling,
        ..request(&[7, 3], 4000, 1, 77)
    };
    let mut counts = vec![0.0_f64; policy.config().vocab_size];
    for completion in sampler.sample(&[many], go_on).expect("answers") {
        counts[completion.tokens[0] as usize] += 1.0;
    }
    counts.iter().map(|count| count / 4000.0).collect()
}

/// The distribution of the token after that prompt.
fn shares(policy: &Policy) -> Vec<f64> {
    let vocabulary = policy.config().vocab_size as u32;
    let mut scorer = Scorer::new(policy, false).expect("a scorer");
    let share = |token| {
        let sequence = Sequence {
            tokens: vec![7, 3, token],
            prompt: 2,
        };
        let batch = Batch::of(&[&sequence], 2).expect("a batch");
        f64::from(scorer.score(&batch).expect("scores").logp[1]).exp()
    };
    (0..vocabulary).map(share).collect()
}

/// The shares that sampling should give, written down plainly.
fn expected(shares: &[f64], sampling: Sampling) -> Vec<f64> {
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by(|a, b| shares[*b].total_cmp(&shares[*a]));
    let mut result = vec![0.0; shares.len()];
    if sampling.temperature == 0.0 {
        result[order[0]] = 1.0;
        return result;
    }
    let powers: Vec<f64> = shares
        .iter()
        .map(|x| x.powf(1.0 / sampling.temperature))
        .collect();
    let total: f64 = powers.iter().sum();
    let mut before = 0.0;
    for (rank, token) in order.iter().enumerate() {
        let share = powers[*token] / total;
        let kept = (sampling.top_k == 0 || rank < sampling.top_k)
            && before < sampling.top_p
            && share >= sampling.min_p * powers[order[0]] / total;
        before += share;
        if kept {
            result[*token] = share;
        }
    }
    let kept: f64 = result.iter().sum();
    result.iter().map(|x| x / kept).collect()
}

#[test]
fn tokens_are_drawn_as_often_as_they_should() {
    if skipped(Needs::SamplingIn32Bits) {
        return;
    }
    let policy = random_policy(&tiny()[2], ElementType::F32);
    let shares = shares(&policy);
    let plain = Sampling::default();
    let cases = [
        plain,
        Sampling {
            temperature: 0.0,
            ..plain
        },
        Sampling {
            temperature: 0.5,
            ..plain
        },
        Sampling {
            temperature: 2.0,
            ..plain
        },
        Sampling { top_k: 5, ..plain },
        Sampling {
            top_p: 0.6,
            ..plain
        },
        Sampling {
            min_p: 0.3,
            ..plain
        },
        Sampling {
            temperature: 1.5,
            top_k: 20,
            top_p: 0.8,
            min_p: 0.05,
        },
    ];
    for sampling in cases {
        let expected = expected(&shares, sampling);
        let counts = counts(&policy, sampling);
        for (token, (count, share)) in counts.iter().zip(&expected).enumerate() {
            // The draws are the same every time; five deviations and a half make any fair ones pass.
            let deviation = (share * (1.0 - share) / 4000.0).sqrt();
            assert!(
                (count - share).abs() <= 5.5 * deviation,
                "{sampling:?}, token {token}: {count}, expected {share}"
            );
        }
    }
}

#[test]
fn what_cannot_be_sampled_is_said() {
    if skipped(Needs::SamplingIn32Bits) {
        return;
    }
    let policy = random_policy(&tiny()[1], ElementType::F32);
    let mut sampler = Sampler::new(&policy, 2, 16).expect("a sampler");
    let bad = |sampling| Request {
        sampling,
        ..request(&[1], 1, 4, 0)
    };
    let plain = Sampling::default();
    let cases = [
        (request(&[], 1, 4, 0), "request 0: the prompt is empty"),
        (
            request(&[1; 16], 1, 4, 0),
            "request 0: the prompt has 16 tokens and leaves no room for an answer in a context of 16",
        ),
        (
            request(&[1], 1, 0, 0),
            "request 0: an answer of no tokens was asked for",
        ),
        (
            request(&[61], 1, 4, 0),
            "request 0: token 61 is not in the vocabulary of 61",
        ),
        (
            bad(Sampling {
                temperature: f64::NAN,
                ..plain
            }),
            "request 0: temperature NaN is not a number from 0 on",
        ),
        (
            bad(Sampling {
                top_p: 0.0,
                ..plain
            }),
            "request 0: top_p 0 is not above 0 and at most 1",
        ),
        (
            bad(Sampling {
                min_p: 1.5,
                ..plain
            }),
            "request 0: min_p 1.5 is not between 0 and 1",
        ),
    ];
    for (request, message) in cases {
        let error = sampler.sample(&[request], go_on).expect_err(message);
        assert_eq!(error.to_string(), message);
    }
    let error = Sampler::new(&policy, 2, 65).err().expect("too long");
    assert_eq!(
        error.to_string(),
        "a cache of 2 slots of 65 tokens: it needs one slot at least and between 1 and the model's \
         64 tokens"
    );
    let poisoned = random_policy(&tiny()[1], ElementType::F32);
    let norm = "model.norm.weight";
    poisoned
        .base()
        .write(norm, &[f32::NAN; 64])
        .expect("written");
    assert_eq!(
        poisoned.base().not_finite().expect("read").as_deref(),
        Some(norm)
    );
    let mut sampler = Sampler::new(&poisoned, 2, 16).expect("a sampler");
    let error = sampler
        .sample(&[request(&[1], 1, 4, 0)], go_on)
        .expect_err("not finite");
    assert_eq!(
        error.to_string(),
        "token 0 of request 0: its log-probability is not finite"
    );
}

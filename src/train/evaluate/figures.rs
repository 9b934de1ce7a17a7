//! What is asked of models, and figures over what they wrote.

use crate::model::{Completion, Finish, ModelError, Request, Sampling, Sequence};
use crate::train::player::Player;
use crate::train::task::Task;
use std::collections::BTreeMap;

pub(super) fn request(
    task: &dyn Task,
    prompt: Vec<u32>,
    (samples, max_tokens): (usize, usize),
    (temperature, seed): (f64, u64),
) -> Request {
    Request {
        prompt,
        samples,
        max_tokens,
        sampling: Sampling {
            temperature,
            ..Sampling::default()
        },
        stop_tokens: task.stop_tokens(),
        seed,
    }
}

/// The tokens before the one that ended a completion.
pub(super) fn finished(completion: &Completion) -> Option<&[u32]> {
    match completion.finish {
        Finish::Stop => completion.tokens.split_last().map(|(_, rest)| rest),
        Finish::Length => None,
    }
}

pub(super) fn share(of: &[bool]) -> Option<f64> {
    let count = of.iter().filter(|x| **x).count();
    (!of.is_empty()).then(|| count as f64 / of.len() as f64)
}

pub(super) fn shares(families: BTreeMap<String, Vec<bool>>) -> BTreeMap<String, f64> {
    let shares = families.into_iter();
    shares
        .filter_map(|(family, of)| Some((family, share(&of)?)))
        .collect()
}

fn sum(logp: &[f32]) -> f64 {
    logp.iter().map(|x| f64::from(*x)).sum()
}

pub(super) fn entropy(completions: &[Completion]) -> f64 {
    let all: f64 = completions.iter().map(|one| sum(&one.logp)).sum();
    -all / completions.len().max(1) as f64
}

/// Completions that are scored for the distance from the start: enough to see it grow.
const DISTANCE_SAMPLES: usize = 128;

/// The mean of how much likelier completions have become since the start.
pub(super) fn distance(
    start: &mut Player,
    requests: &[Request],
    completions: &[Completion],
) -> Result<f64, ModelError> {
    let step = completions.len().div_ceil(DISTANCE_SAMPLES).max(1);
    let chosen: Vec<&Completion> = completions.iter().step_by(step).collect();
    let sequences: Vec<Sequence> = chosen
        .iter()
        .map(|completion| {
            let prompt = &requests[completion.request].prompt;
            Sequence {
                tokens: [&prompt[..], &completion.tokens].concat(),
                prompt: prompt.len(),
            }
        })
        .collect();
    let before = start.score(&sequences)?;
    let gains = chosen.iter().zip(&before);
    let all: f64 = gains
        .map(|(now, before)| sum(&now.logp) - sum(before))
        .sum();
    Ok(all / chosen.len().max(1) as f64)
}

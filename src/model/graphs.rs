//! Every graph of a policy, without anything that executes it: to be looked at, or written to
//! `.onnx` files for other tools.

use super::decoding::{decoding_graph, prefill_graph};
use super::error::ModelError;
use super::graph::Graph;
use super::loss::Loss;
use super::optimizer::{AdamW, norm_graph, update_graph};
use super::policy::Policy;
use super::trainer::{Form, Memory, accumulation_graph, evaluation_graph};
use std::path::{Path, PathBuf};

impl Policy {
    /// Writes the graphs that this policy is trained, evaluated and sampled with, one of each kind;
    /// weights are inputs of them. `slots` and `context` are the size of the cache that is sampled
    /// with.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn write_graphs(
        &self,
        folder: &Path,
        slots: usize,
        context: usize,
    ) -> Result<Vec<PathBuf>, ModelError> {
        std::fs::create_dir_all(folder)
            .map_err(|error| ModelError::file(folder, format_args!("cannot be made: {error}")))?;
        let losses = [
            Loss::Likelihood,
            Loss::Preference {
                beta: 0.1,
                likelihood: 0.0,
            },
            Loss::Policy {
                clip: 0.2,
                kl: 0.02,
            },
        ];
        let write = |(name, graph): (String, Graph)| {
            let path = folder.join(format!("{}.onnx", file_name(&name)));
            std::fs::write(&path, graph.encode()).map_err(|error| {
                ModelError::file(&path, format_args!("cannot be written: {error}"))
            })?;
            Ok(path)
        };
        let all = graphs(self, &losses, Memory::default(), (slots, context));
        all.into_iter().map(write).collect()
    }
}

/// `accumulate Likelihood, adds: true` as `accumulate-likelihood-adds-true`.
fn file_name(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '.');
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("-")
}

/// The graphs that a policy is trained, evaluated and sampled with, by what they do; `size` is that
/// of the cache, slots and context. Where the memory says how many tokens the head takes at a time,
/// it is computed in three parts.
pub fn graphs(
    policy: &Policy,
    losses: &[Loss],
    memory: Memory,
    size: (usize, usize),
) -> Vec<(String, Graph)> {
    let (compute, wide) = (policy.precision.compute, policy.precision.wide());
    let parameters = policy.trained().parameters();
    let parts = if memory.head_tokens == 0 { 1 } else { 3 };
    let mut all = vec![
        ("norm".to_owned(), norm_graph(parameters, wide)),
        (
            "update".to_owned(),
            update_graph(parameters, compute, wide, &AdamW::default()),
        ),
    ];
    for loss in losses {
        for adds in [false, true] {
            let form = Form {
                loss: *loss,
                parts,
                memory,
                adds,
            };
            let name = format!("accumulate {loss:?}, adds: {adds}");
            all.push((name, accumulation_graph(policy, form)));
        }
    }
    for entropy in [false, true] {
        let graph = evaluation_graph(policy, entropy);
        all.push((format!("score, entropy: {entropy}"), graph));
    }
    for filtered in [false, true] {
        let prefill = prefill_graph(policy, size, filtered);
        all.push((format!("prefill, filtered: {filtered}"), prefill));
        let decode = decoding_graph(policy, size, filtered);
        all.push((format!("decode, filtered: {filtered}"), decode));
    }
    all
}

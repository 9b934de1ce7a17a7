//! Every graph of a policy, without anything that executes it: to be looked at, or written to files
//! for other tools.

use super::decoding::{decoding_graph, prefill_graph};
use super::graph::Graph;
use super::loss::Loss;
use super::optimizer::{AdamW, norm_graph, update_graph};
use super::policy::Policy;
use super::trainer::{Form, Memory, accumulation_graph, evaluation_graph};

/// Slots and context of the sampling graphs; only sizes depend on them.
const SAMPLER: (usize, usize) = (4, 32);

/// The graphs that a policy is trained, evaluated and sampled with, by what they do. Where the memory
/// says how many tokens the head takes at a time, it is computed in three parts.
pub fn graphs(policy: &Policy, losses: &[Loss], memory: Memory) -> Vec<(String, Graph)> {
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
        let prefill = prefill_graph(policy, SAMPLER, filtered);
        all.push((format!("prefill, filtered: {filtered}"), prefill));
        let decode = decoding_graph(policy, SAMPLER, filtered);
        all.push((format!("decode, filtered: {filtered}"), decode));
    }
    all
}

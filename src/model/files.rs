//! A policy's graphs as `.onnx` files, for other tools to look at or execute.

use super::decoding::{decoding_graph, prefill_graph};
use super::error::ModelError;
use super::graph::Graph;
use super::loss::Loss;
use super::optimizer::{AdamW, norm_graph, update_graph};
use super::policy::Policy;
use super::trainer::{Form, Memory, accumulation_graph, evaluation_graph};
use std::path::{Path, PathBuf};

impl Policy {
    /// Writes the graphs that this policy is executed by; weights are inputs of them. `slots` and
    /// `context` are the size of the cache that is sampled with.
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
        let write = |(name, graph): (&str, Graph)| {
            let path = folder.join(format!("{name}.onnx"));
            std::fs::write(&path, graph.encode()).map_err(|error| {
                ModelError::file(&path, format_args!("cannot be written: {error}"))
            })?;
            Ok(path)
        };
        self.graphs((slots, context))
            .into_iter()
            .map(write)
            .collect()
    }

    /// Every kind of graph, by name.
    pub(super) fn graphs(&self, size: (usize, usize)) -> Vec<(&'static str, Graph)> {
        let accumulate = |loss, memory, parts| {
            let form = Form {
                loss,
                parts,
                memory,
                adds: true,
            };
            accumulation_graph(self, form)
        };
        let plain = Memory::default();
        let frugal = Memory {
            checkpoint: true,
            head_tokens: 1024,
        };
        let preference = Loss::Preference {
            beta: 0.1,
            likelihood: 0.0,
        };
        let policy = Loss::Policy {
            clip: 0.2,
            kl: 0.02,
        };
        let parameters = self.trained().parameters();
        let (compute, wide) = (self.precision.compute, self.precision.wide());
        vec![
            (
                "accumulate-likelihood",
                accumulate(Loss::Likelihood, plain, 1),
            ),
            (
                "accumulate-likelihood-frugal",
                accumulate(Loss::Likelihood, frugal, 2),
            ),
            ("accumulate-preference", accumulate(preference, plain, 1)),
            ("accumulate-policy", accumulate(policy, plain, 1)),
            ("norm", norm_graph(parameters, wide)),
            (
                "update",
                update_graph(parameters, compute, wide, &AdamW::default()),
            ),
            ("score", evaluation_graph(self, true)),
            ("prefill", prefill_graph(self, size, true)),
            ("decode", decoding_graph(self, size, false)),
            ("decode-filtered", decoding_graph(self, size, true)),
        ]
    }
}

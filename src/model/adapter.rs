//! Low-rank adapters.

use super::config::{ModelConfig, Parameter};

/// A low-rank adapter.
#[derive(Debug, Clone, PartialEq)]
pub struct LoraConfig {
    /// Rank.
    pub rank: usize,
    /// Alpha.
    pub alpha: f64,
    /// Targets.
    pub targets: Vec<String>,
}

impl LoraConfig {
    /// Scale of the product.
    pub fn scale(&self) -> f64 {
        self.alpha / self.rank as f64
    }

    /// Its parameters.
    pub fn parameters(&self, config: &ModelConfig) -> Vec<Parameter> {
        let mut all = Vec::new();
        for base in config.parameters() {
            let Some(module) = base.name.strip_suffix(".weight") else {
                continue;
            };
            let Some((_, last)) = module.rsplit_once('.') else {
                continue;
            };
            if !self.targets.iter().any(|target| target == last) {
                continue;
            }
            all.push(Parameter {
                name: format!("{module}.lora_A.weight"),
                shape: vec![self.rank, base.shape[1]],
            });
            all.push(Parameter {
                name: format!("{module}.lora_B.weight"),
                shape: vec![base.shape[0], self.rank],
            });
        }
        all
    }
}

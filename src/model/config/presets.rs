//! Shapes of new models.

use super::{Architecture, ModelConfig, RopeScaling};
use crate::model::ModelError;

/// The names that [`ModelConfig::preset`] knows.
pub const PRESETS: [&str; 5] = ["tiny", "1m", "10m", "qwen2.5-0.5b", "qwen2.5-1.5b"];

impl ModelConfig {
    /// The shape of a new model: `tiny`, `1m` and `10m` by their parameters, for the tokenizer of
    /// [`Tokenizer::bytes`](crate::model::Tokenizer::bytes), whose special tokens they name;
    /// `qwen2.5-0.5b` and `qwen2.5-1.5b` as the models of these names, without their weights.
    ///
    /// # Errors
    /// For another name; the message lists them.
    pub fn preset(name: &str) -> Result<Self, ModelError> {
        Ok(match name {
            "tiny" => small(),
            "1m" => ModelConfig {
                layers: 5,
                ..small()
            },
            "10m" => ModelConfig {
                vocab_size: 2048,
                hidden_size: 320,
                layers: 8,
                heads: 10,
                intermediate_size: 864,
                max_positions: 1024,
                ..small()
            },
            "qwen2.5-0.5b" => qwen(),
            "qwen2.5-1.5b" => ModelConfig {
                hidden_size: 1536,
                layers: 28,
                heads: 12,
                head_dim: 128,
                intermediate_size: 8960,
                ..qwen()
            },
            _ => {
                return Err(ModelError::Input(format!(
                    "there is no preset {name:?}; there are {}",
                    PRESETS.join(", ")
                )));
            }
        })
    }
}

/// 0.8 million parameters.
fn small() -> ModelConfig {
    ModelConfig {
        architecture: Architecture::Qwen2,
        vocab_size: 512,
        hidden_size: 128,
        layers: 4,
        heads: 4,
        kv_heads: 2,
        head_dim: 32,
        intermediate_size: 352,
        max_positions: 512,
        rope_theta: 10_000.0,
        rope_scaling: RopeScaling::None,
        norm_eps: 1e-6,
        tied_embeddings: true,
        initializer_range: 0.02,
        // <|im_end|> and <|endoftext|>, then <|pad|>, after the 256 bytes.
        eos_token_ids: vec![259, 256],
        bos_token_id: None,
        pad_token_id: Some(257),
    }
}

/// Qwen2.5-0.5B.
fn qwen() -> ModelConfig {
    ModelConfig {
        vocab_size: 151_936,
        hidden_size: 896,
        layers: 24,
        heads: 14,
        head_dim: 64,
        intermediate_size: 4864,
        max_positions: 32_768,
        rope_theta: 1_000_000.0,
        // <|im_end|> and <|endoftext|>, of which the second fills rows too.
        eos_token_ids: vec![151_645, 151_643],
        pad_token_id: Some(151_643),
        ..small()
    }
}

//! What a decoder looks like: the numbers of `config.json`, and the parameters that follow from them.

mod json;
mod presets;
mod rope;

pub(crate) use json::Fields;
pub use presets::PRESETS;
pub use rope::rope_tables;

use serde::{Deserialize, Serialize};

/// A family of decoders. They share one definition and differ in biases, norms and names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Architecture {
    /// `LlamaForCausalLM`.
    #[serde(rename = "LlamaForCausalLM")]
    Llama,
    /// `Qwen2ForCausalLM`: biases on queries, keys and values.
    #[serde(rename = "Qwen2ForCausalLM")]
    Qwen2,
    /// `Qwen3ForCausalLM`: queries and keys are normalised per head.
    #[serde(rename = "Qwen3ForCausalLM")]
    Qwen3,
}

/// How the rotary frequencies are stretched for long contexts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RopeScaling {
    /// As trained.
    None,
    /// Every frequency divided by a factor.
    Linear {
        /// The factor.
        factor: f64,
    },
    /// Llama 3: low frequencies are divided, high ones kept, those between are blended.
    Llama3 {
        /// What low frequencies are divided by.
        factor: f64,
        /// Below this many turns in the original context a frequency counts as low.
        low_freq_factor: f64,
        /// Above this many turns it counts as high.
        high_freq_factor: f64,
        /// The context that the model was first trained on.
        original_max_positions: usize,
    },
}

/// The shape of a decoder. All sizes are counts of elements.
///
/// Read from a folder by [`ModelConfig::read`], made by [`ModelConfig::preset`].
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    /// Which family.
    pub architecture: Architecture,
    /// Rows of the embedding; at least the tokenizer's vocabulary.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Decoder blocks.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of a head; even.
    pub head_dim: usize,
    /// Width of the feed-forward layer.
    pub intermediate_size: usize,
    /// The longest context.
    pub max_positions: usize,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// How they are stretched.
    pub rope_scaling: RopeScaling,
    /// Added to the mean square under the root of RMSNorm.
    pub norm_eps: f64,
    /// Whether the head is the embedding.
    pub tied_embeddings: bool,
    /// Standard deviation of new weights.
    pub initializer_range: f64,
    /// Tokens that end an answer.
    pub eos_token_ids: Vec<u32>,
    /// Token that starts a text, where there is one.
    pub bos_token_id: Option<u32>,
    /// Token that fills rows.
    pub pad_token_id: Option<u32>,
}

/// A parameter of a model, by its name in Hugging Face's checkpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Such as `model.layers.0.self_attn.q_proj.weight`.
    pub name: String,
    /// Linear weights are `[out, in]`.
    pub shape: Vec<usize>,
}

impl Parameter {
    /// How many numbers.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

impl ModelConfig {
    /// Whether queries, keys and values have biases.
    pub fn qkv_bias(&self) -> bool {
        self.architecture == Architecture::Qwen2
    }

    /// Whether queries and keys are normalised per head.
    pub fn qk_norm(&self) -> bool {
        self.architecture == Architecture::Qwen3
    }

    /// Every parameter, in the order of a checkpoint.
    pub fn parameters(&self) -> Vec<Parameter> {
        let (width, queries, keys) = (
            self.hidden_size,
            self.heads * self.head_dim,
            self.kv_heads * self.head_dim,
        );
        let mut all = Vec::new();
        let mut add = |name: String, shape: &[usize]| {
            all.push(Parameter {
                name,
                shape: shape.to_vec(),
            });
        };
        add(EMBEDDING.to_owned(), &[self.vocab_size, width]);
        for layer in 0..self.layers {
            let mut add = |name: &str, shape: &[usize]| add(layer_name(layer, name), shape);
            add("input_layernorm.weight", &[width]);
            for (projection, out) in [("q", queries), ("k", keys), ("v", keys)] {
                add(
                    &format!("self_attn.{projection}_proj.weight"),
                    &[out, width],
                );
                if self.qkv_bias() {
                    add(&format!("self_attn.{projection}_proj.bias"), &[out]);
                }
            }
            if self.qk_norm() {
                add("self_attn.q_norm.weight", &[self.head_dim]);
                add("self_attn.k_norm.weight", &[self.head_dim]);
            }
            add("self_attn.o_proj.weight", &[width, queries]);
            add("post_attention_layernorm.weight", &[width]);
            add("mlp.gate_proj.weight", &[self.intermediate_size, width]);
            add("mlp.up_proj.weight", &[self.intermediate_size, width]);
            add("mlp.down_proj.weight", &[width, self.intermediate_size]);
        }
        add(FINAL_NORM.to_owned(), &[width]);
        if !self.tied_embeddings {
            add(HEAD.to_owned(), &[self.vocab_size, width]);
        }
        all
    }

    /// How many numbers the model consists of.
    pub fn parameter_count(&self) -> usize {
        self.parameters().iter().map(Parameter::elements).sum()
    }
}

/// The embedding's name.
pub const EMBEDDING: &str = "model.embed_tokens.weight";
/// The last norm's name.
pub const FINAL_NORM: &str = "model.norm.weight";
/// The head's name, where it is not the embedding.
pub const HEAD: &str = "lm_head.weight";

/// The name of a layer's parameter.
pub fn layer_name(layer: usize, name: &str) -> String {
    format!("model.layers.{layer}.{name}")
}

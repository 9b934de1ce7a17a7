//! `config.json` and `generation_config.json`, as Hugging Face's libraries read and write them.

mod fields;
mod supported;

use std::path::Path;

use serde_json::{Map, Value, json};

pub(crate) use self::fields::Fields;
use super::{Architecture, ModelConfig, RopeScaling};
use crate::model::ModelError;

/// The model's shape.
const CONFIG: &str = "config.json";
/// What generation ends with, among other things.
const GENERATION: &str = "generation_config.json";

/// No size in a model comes near this; products of a few of them stay within 64 bits.
const MOST: usize = 1 << 24;
/// Ten times what the largest published decoders have.
const MOST_LAYERS: usize = 1024;

impl ModelConfig {
    /// Reads `config.json` of a folder and, where it is there, `generation_config.json`, whose
    /// tokens that end an answer come first.
    ///
    /// # Errors
    /// If a file is missing or malformed, or the model is not one of those supported; the message
    /// names the field.
    pub fn read(folder: &Path) -> Result<Self, ModelError> {
        let fields = Fields::read(&folder.join(CONFIG))?;
        let mut config = Self::from_fields(&fields)?;
        let generation = folder.join(GENERATION);
        if generation.exists() {
            let mut ids = Fields::read(&generation)?.tokens("eos_token_id", config.vocab_size)?;
            ids.extend(&config.eos_token_ids);
            config.eos_token_ids = without_repetitions(ids);
        }
        Ok(config)
    }

    fn from_fields(fields: &Fields) -> Result<Self, ModelError> {
        let architecture = supported::check(fields)?;
        let hidden_size = fields.size("hidden_size", MOST)?;
        let heads = fields.size("num_attention_heads", MOST)?;
        let head_dim = match fields.optional_size("head_dim", MOST)? {
            Some(size) => size,
            None if architecture == Architecture::Qwen3 => return Err(fields.missing("head_dim")),
            None if hidden_size.is_multiple_of(heads) => hidden_size / heads,
            None => {
                return Err(fields.refuse(format_args!(
                    "hidden_size {hidden_size} is not a multiple of num_attention_heads {heads}, \
                     and there is no head_dim"
                )));
            }
        };
        let max_positions = fields.size("max_position_embeddings", MOST)?;
        let vocab_size = fields.size("vocab_size", MOST)?;
        let (rope_theta, rope_scaling) = supported::rope(fields, max_positions)?;
        let config = ModelConfig {
            architecture,
            vocab_size,
            hidden_size,
            layers: fields.size("num_hidden_layers", MOST_LAYERS)?,
            heads,
            kv_heads: kv_heads(fields, heads)?,
            head_dim,
            intermediate_size: fields.size("intermediate_size", MOST)?,
            max_positions,
            rope_theta,
            rope_scaling,
            norm_eps: fields.positive("rms_norm_eps")?,
            tied_embeddings: fields.flag("tie_word_embeddings")?,
            initializer_range: fields
                .optional_positive("initializer_range")?
                .unwrap_or(0.02),
            eos_token_ids: without_repetitions(fields.tokens("eos_token_id", vocab_size)?),
            bos_token_id: fields.token("bos_token_id", vocab_size)?,
            pad_token_id: fields.token("pad_token_id", vocab_size)?,
        };
        supported::heads(fields, &config)?;
        Ok(config)
    }

    /// The contents of `config.json`, for weights in `dtype`, such as `float32`. In the form from
    /// before transformers 5, which later versions read too.
    pub(crate) fn to_json(&self, dtype: &str) -> Value {
        let mut all = json!({
            "architectures": [self.architecture],
            "model_type": model_type(self.architecture),
            "vocab_size": self.vocab_size,
            "hidden_size": self.hidden_size,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "head_dim": self.head_dim,
            "intermediate_size": self.intermediate_size,
            "hidden_act": "silu",
            "max_position_embeddings": self.max_positions,
            "rope_theta": self.rope_theta,
            "rope_scaling": scaling_to_json(&self.rope_scaling),
            "rms_norm_eps": self.norm_eps,
            "tie_word_embeddings": self.tied_embeddings,
            "initializer_range": self.initializer_range,
            "attention_dropout": 0.0,
            "use_cache": true,
            "torch_dtype": dtype,
        });
        if let Value::Object(all) = &mut all {
            if self.architecture == Architecture::Llama {
                all.insert("mlp_bias".to_owned(), json!(false));
            } else {
                all.insert("use_sliding_window".to_owned(), json!(false));
            }
            if !self.qkv_bias() {
                all.insert("attention_bias".to_owned(), json!(false));
            }
            all.extend(self.tokens_to_json());
        }
        all
    }

    /// The contents of `generation_config.json`: what stands in that of `source`, where there is
    /// one, with this model's tokens.
    pub(crate) fn generation_to_json(&self, source: Option<&Path>) -> Result<Value, ModelError> {
        let source = source.map(|folder| folder.join(GENERATION));
        let mut all = match source.filter(|path| path.exists()) {
            Some(path) => Fields::read(&path)?.into_map(),
            None => Map::new(),
        };
        all.extend(self.tokens_to_json());
        Ok(Value::Object(all))
    }

    fn tokens_to_json(&self) -> Map<String, Value> {
        let eos = match *self.eos_token_ids {
            [] => Value::Null,
            [only] => json!(only),
            _ => json!(self.eos_token_ids),
        };
        [
            ("bos_token_id", json!(self.bos_token_id)),
            ("eos_token_id", eos),
            ("pad_token_id", json!(self.pad_token_id)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect()
    }
}

/// Only the first Llamas leave the number out, and have as many as queries.
fn kv_heads(fields: &Fields, heads: usize) -> Result<usize, ModelError> {
    match fields.optional_size("num_key_value_heads", MOST)? {
        Some(size) => Ok(size),
        None if fields.text("model_type")? == Some("llama") => Ok(heads),
        None => Err(fields.missing("num_key_value_heads")),
    }
}

fn model_type(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Llama => "llama",
        Architecture::Qwen2 => "qwen2",
        Architecture::Qwen3 => "qwen3",
    }
}

fn scaling_to_json(scaling: &RopeScaling) -> Value {
    match scaling {
        RopeScaling::None => Value::Null,
        RopeScaling::Linear { factor } => json!({"rope_type": "linear", "factor": factor}),
        RopeScaling::Llama3 {
            factor,
            low_freq_factor,
            high_freq_factor,
            original_max_positions,
        } => json!({
            "rope_type": "llama3",
            "factor": factor,
            "low_freq_factor": low_freq_factor,
            "high_freq_factor": high_freq_factor,
            "original_max_position_embeddings": original_max_positions,
        }),
    }
}

fn without_repetitions(ids: Vec<u32>) -> Vec<u32> {
    let mut kept = Vec::new();
    for id in ids {
        if !kept.contains(&id) {
            kept.push(id);
        }
    }
    kept
}

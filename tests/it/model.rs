//! Language models: their files, text, graphs, training and sampling.

mod adapter;
mod chat;
mod checkpoint;
mod config;
mod generator;
mod gradients;
mod kernels;
mod memory;
mod mixed;
mod precision;
mod reference;
mod sampling;
mod state;
pub mod support;
mod tokenizer;
mod training;
mod two;

use std::path::Path;

use serde_json::{Value, json};

/// A folder with a `config.json`, and other files by name.
fn folder(files: &[(&str, String)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("written");
    }
    folder
}

/// A message without the folder's path, which is another one every time.
fn message(folder: &Path, error: &impl ToString) -> String {
    let path = folder.display().to_string();
    error.to_string().replace(&path, "DIR")
}

/// A small `config.json` with changes; a field that is changed to the text `absent` is left out.
fn config_json(changes: Value) -> Value {
    let mut all = json!({
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": 32,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 24,
        "max_position_embeddings": 64,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "hidden_act": "silu",
        "bos_token_id": 1,
        "eos_token_id": 2,
    });
    let fields = all.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        fields.insert(name.clone(), value.clone());
    }
    fields.retain(|_, value| *value != "absent");
    all
}

//! `adapter_config.json`.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::{LoraConfig, TARGETS, supported_targets};
use crate::model::ModelError;
use crate::model::config::Fields;

/// Ranks above this are typing errors: no matrix is that wide.
const MOST_RANK: usize = 1 << 16;

/// Fields that change what an adapter does, and that there is no code for. They may be there if
/// they say nothing: false, or empty.
const SILENT: [&str; 14] = [
    "use_dora",
    "modules_to_save",
    "rank_pattern",
    "alpha_pattern",
    "layers_to_transform",
    "exclude_modules",
    "layer_replication",
    "target_parameters",
    "trainable_token_indices",
    "fan_in_fan_out",
    "lora_bias",
    "use_qalora",
    "alora_invocation_tokens",
    "megatron_config",
];

/// Initializations that leave the base model's weights alone.
const INITIALIZATIONS: [&str; 3] = ["gaussian", "eva", "orthogonal"];

/// The configuration and the base model's name.
pub(super) fn read(path: &Path) -> Result<(LoraConfig, Option<String>), ModelError> {
    let fields = Fields::read(path)?;
    only(&fields, "peft_type", "LORA")?;
    only(&fields, "task_type", "CAUSAL_LM")?;
    only(&fields, "bias", "none")?;
    for name in SILENT {
        if let Some(value) = fields.get(name).filter(|value| !says_nothing(value)) {
            return Err(fields.unsupported(name, value, "supported are adapters without it"));
        }
    }
    if let Some(value @ Value::String(name)) = fields.get("init_lora_weights")
        && !INITIALIZATIONS.contains(&&**name)
    {
        let rest = "it changes the base model, which is not supported";
        return Err(fields.unsupported("init_lora_weights", value, rest));
    }
    let rank = fields.size("r", MOST_RANK)?;
    let mut alpha = fields.positive("lora_alpha")?;
    if fields.flag("use_rslora")? {
        // It divides by the root of the rank instead of the rank.
        alpha *= (rank as f64).sqrt();
    }
    let config = LoraConfig {
        rank,
        alpha,
        targets: targets(&fields)?,
    };
    let base = fields.text("base_model_name_or_path")?.map(str::to_owned);
    Ok((config, base))
}

/// Refuses all but one value; a field that is not there has it.
fn only(fields: &Fields, name: &str, supported: &str) -> Result<(), ModelError> {
    match fields.get(name) {
        Some(value) if value != supported => {
            let rest = format_args!("supported is {supported:?}");
            Err(fields.unsupported(name, value, rest))
        }
        _ => Ok(()),
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(all) => all.is_empty(),
        Value::Object(all) => all.is_empty(),
        _ => false,
    }
}

/// In the order of a layer, whichever order PEFT, for which they are a set, has written.
fn targets(fields: &Fields) -> Result<Vec<String>, ModelError> {
    const NAME: &str = "target_modules";
    let Some(value) = fields.get(NAME) else {
        return Err(fields.missing(NAME));
    };
    let refuse = |value| fields.unsupported(NAME, value, supported_targets());
    let named = match value {
        Value::String(all) if all == "all-linear" => return Ok(TARGETS.map(str::to_owned).into()),
        Value::Array(named) if !named.is_empty() => named,
        _ => return Err(refuse(value)),
    };
    // For `all-linear` PEFT writes whole paths, such as `model.layers.0.self_attn.q_proj`. That they
    // are those of all layers shows in the tensors.
    let last = |value: &'_ Value| value.as_str()?.rsplit('.').next().map(str::to_owned);
    let known = |value: &&Value| last(value).is_some_and(|name| TARGETS.contains(&&*name));
    if let Some(unknown) = named.iter().find(|value| !known(value)) {
        return Err(refuse(unknown));
    }
    let named: BTreeSet<String> = named.iter().filter_map(last).collect();
    let all = TARGETS.iter().filter(|name| named.contains(**name));
    Ok(all.map(|name| (*name).to_owned()).collect())
}

pub(super) fn to_json(config: &LoraConfig, base: Option<&str>) -> Value {
    let targets = TARGETS.iter().filter(|name| config.adapts(name));
    // PEFT takes alpha for a whole number, though it computes with any.
    let alpha = match config.alpha.fract() == 0.0 && config.alpha < f64::from(u32::MAX) {
        true => json!(config.alpha as u32),
        false => json!(config.alpha),
    };
    json!({
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": config.rank,
        "lora_alpha": alpha,
        "lora_dropout": 0.0,
        "target_modules": targets.collect::<Vec<_>>(),
        "bias": "none",
        "fan_in_fan_out": false,
        "inference_mode": true,
        "init_lora_weights": true,
        "modules_to_save": null,
        "use_dora": false,
        "use_rslora": false,
    })
}

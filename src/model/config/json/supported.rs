//! Which of the models that a `config.json` can describe there is code for. A field that would
//! change the numbers and is not understood here has to be refused, not passed over.

use serde_json::Value;

use super::{Fields, MOST};
use crate::model::ModelError;
use crate::model::config::{Architecture, ModelConfig, RopeScaling};

const ARCHITECTURES: &str = "supported are LlamaForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM, \
                             and MistralForCausalLM without a sliding window";

/// The base of the rotary frequencies where none is named.
const THETA: f64 = 10_000.0;

/// The architecture of a model that is supported, but for its heads and rotary embedding.
pub(super) fn check(fields: &Fields) -> Result<Architecture, ModelError> {
    let (architecture, mistral) = architecture(fields)?;
    let silu = |name| match fields.get(name) {
        Some(act) if act != "silu" => Err(fields.unsupported(name, act, "supported is \"silu\"")),
        _ => Ok(()),
    };
    silu("hidden_act")?;
    if let Some(value) = fields.get("quantization_config") {
        let rest = "supported are weights that are not quantized";
        return Err(fields.unsupported("quantization_config", value, rest));
    }
    if architecture != Architecture::Qwen2 {
        absent(fields, "attention_bias", "supported is false")?;
    }
    absent(fields, "mlp_bias", "supported is false")?;
    sliding_window(fields, mistral)?;
    Ok(architecture)
}

/// By `architectures`, or by `model_type` where that is not there; and whether it is Mistral, which
/// is Llama but for the window.
fn architecture(fields: &Fields) -> Result<(Architecture, bool), ModelError> {
    let (name, value) = match (fields.get("architectures"), fields.get("model_type")) {
        (Some(Value::Array(all)), _) if !all.is_empty() => ("architectures", &all[0]),
        (None | Some(Value::Array(_)), Some(model_type)) => ("model_type", model_type),
        (None | Some(Value::Array(_)), None) => return Err(fields.missing("architectures")),
        (Some(other), _) => return Err(fields.wrong("architectures", other, "a list")),
    };
    match value.as_str().unwrap_or_default() {
        "LlamaForCausalLM" | "llama" => Ok((Architecture::Llama, false)),
        "MistralForCausalLM" | "mistral" => Ok((Architecture::Llama, true)),
        "Qwen2ForCausalLM" | "qwen2" => Ok((Architecture::Qwen2, false)),
        "Qwen3ForCausalLM" | "qwen3" => Ok((Architecture::Qwen3, false)),
        _ => Err(fields.unsupported(name, value, ARCHITECTURES)),
    }
}

/// A flag that has to be false.
fn absent(fields: &Fields, name: &str, supported: &str) -> Result<(), ModelError> {
    match fields.flag(name)? {
        true => Err(fields.unsupported(name, &Value::Bool(true), supported)),
        false => Ok(()),
    }
}

fn sliding_window(fields: &Fields, mistral: bool) -> Result<(), ModelError> {
    const SUPPORTED: &str = "supported is attention to the whole context";
    absent(fields, "use_sliding_window", SUPPORTED)?;
    if let Some(Value::Array(types)) = fields.get("layer_types")
        && let Some(other) = types.iter().find(|kind| *kind != "full_attention")
    {
        return Err(fields.unsupported("layer_types", other, SUPPORTED));
    }
    // Mistral has no flag: the window is in use unless it is null.
    if !mistral || fields.is_null("sliding_window") {
        return Ok(());
    }
    Err(match fields.get("sliding_window") {
        Some(window) => fields.unsupported("sliding_window", window, SUPPORTED),
        None => fields.refuse(format_args!(
            "sliding_window is missing, which in Mistral means 4096; {SUPPORTED}"
        )),
    })
}

/// How heads may be divided.
pub(super) fn heads(fields: &Fields, config: &ModelConfig) -> Result<(), ModelError> {
    let (heads, kv_heads, width) = (config.heads, config.kv_heads, config.head_dim);
    if !heads.is_multiple_of(kv_heads) {
        return Err(fields.refuse(format_args!(
            "num_attention_heads {heads} is not a multiple of num_key_value_heads {kv_heads}"
        )));
    }
    if !width.is_multiple_of(2) {
        return Err(fields.refuse(format_args!(
            "head_dim {width} is odd; the rotary embedding needs pairs"
        )));
    }
    match heads.checked_mul(width) {
        Some(product) if product <= MOST => Ok(()),
        _ => Err(fields.refuse(format_args!(
            "num_attention_heads {heads} times head_dim {width} is above {MOST}"
        ))),
    }
}

/// The base and scaling of the rotary frequencies: `rope_parameters` since transformers 5,
/// `rope_theta` with `rope_scaling` before it.
pub(super) fn rope(
    fields: &Fields,
    max_positions: usize,
) -> Result<(f64, RopeScaling), ModelError> {
    whole_head(fields)?;
    let theta = fields.optional_positive("rope_theta")?;
    let scaling = match fields.object("rope_scaling")? {
        Some(scaling) => Some(scaling),
        None => fields.object("rope_parameters")?,
    };
    let Some(scaling) = scaling else {
        return Ok((theta.unwrap_or(THETA), RopeScaling::None));
    };
    whole_head(&scaling)?;
    let own = scaling.optional_positive("rope_theta")?;
    Ok((
        own.or(theta).unwrap_or(THETA),
        rope_scaling(fields, &scaling, max_positions)?,
    ))
}

/// Refuses an embedding that rotates only a part of each head.
fn whole_head(fields: &Fields) -> Result<(), ModelError> {
    const NAME: &str = "partial_rotary_factor";
    match fields.optional_positive(NAME)? {
        Some(part) if part != 1.0 => {
            let value = fields.get(NAME).unwrap_or(&Value::Null);
            Err(fields.unsupported(NAME, value, "supported is 1"))
        }
        _ => Ok(()),
    }
}

fn rope_scaling(
    fields: &Fields,
    scaling: &Fields,
    max_positions: usize,
) -> Result<RopeScaling, ModelError> {
    let name = match scaling.get("rope_type") {
        Some(_) => "rope_type",
        None => "type",
    };
    match scaling.text(name)? {
        Some("default") => Ok(RopeScaling::None),
        Some("linear") => Ok(RopeScaling::Linear {
            factor: scaling.positive("factor")?,
        }),
        Some("llama3") => llama3(fields, scaling, max_positions),
        Some(other) => Err(scaling.unsupported(
            name,
            &Value::from(other),
            "supported are \"default\", \"linear\" and \"llama3\"",
        )),
        None if scaling.names().all(|name| name == "rope_theta") => Ok(RopeScaling::None),
        None => Err(scaling.missing("rope_type")),
    }
}

fn llama3(
    fields: &Fields,
    scaling: &Fields,
    max_positions: usize,
) -> Result<RopeScaling, ModelError> {
    const ORIGINAL: &str = "original_max_position_embeddings";
    let original = match scaling.optional_size(ORIGINAL, MOST)? {
        Some(size) => Some(size),
        None => fields.optional_size(ORIGINAL, MOST)?,
    };
    let (low, high) = (
        scaling.positive("low_freq_factor")?,
        scaling.positive("high_freq_factor")?,
    );
    if low >= high {
        return Err(scaling.refuse(format_args!(
            "low_freq_factor {low} is not below high_freq_factor {high}"
        )));
    }
    Ok(RopeScaling::Llama3 {
        factor: scaling.positive("factor")?,
        low_freq_factor: low,
        high_freq_factor: high,
        original_max_positions: original.unwrap_or(max_positions),
    })
}

//! `config.json` in all its dialects, and what is refused.

use serde_json::{Value, json};
use touchstone::model::config::PRESETS;
use touchstone::model::{Architecture, ModelConfig, RopeScaling, rope_tables};

use super::{config_json, folder, message};

fn read(changes: Value, generation: Option<Value>) -> Result<ModelConfig, String> {
    let mut files = vec![("config.json", config_json(changes).to_string())];
    if let Some(generation) = generation {
        files.push(("generation_config.json", generation.to_string()));
    }
    let folder = folder(&files);
    ModelConfig::read(folder.path()).map_err(|error| message(folder.path(), &error))
}

#[track_caller]
fn check(changes: Value, change: impl FnOnce(&mut ModelConfig)) {
    let mut expected = ModelConfig {
        architecture: Architecture::Llama,
        vocab_size: 32,
        hidden_size: 16,
        layers: 2,
        heads: 4,
        kv_heads: 2,
        head_dim: 4,
        intermediate_size: 24,
        max_positions: 64,
        rope_theta: 10_000.0,
        rope_scaling: RopeScaling::None,
        norm_eps: 1e-5,
        tied_embeddings: false,
        initializer_range: 0.02,
        eos_token_ids: vec![2],
        bos_token_id: Some(1),
        pad_token_id: None,
    };
    change(&mut expected);
    assert_eq!(read(changes, None), Ok(expected));
}

#[track_caller]
fn refused(changes: Value, expected: &str) {
    assert_eq!(read(changes, None), Err(expected.to_owned()));
}

#[test]
fn architectures() {
    check(json!({}), |_| {});
    check(json!({"architectures": "absent"}), |_| {});
    check(
        json!({"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2"}),
        |config| {
            config.architecture = Architecture::Qwen2;
        },
    );
    check(
        json!({"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "head_dim": 8}),
        |config| {
            config.architecture = Architecture::Qwen3;
            config.head_dim = 8;
        },
    );
    check(
        json!({
            "architectures": ["MistralForCausalLM"],
            "model_type": "mistral",
            "sliding_window": null,
        }),
        |_| {},
    );
}

#[test]
fn fields_that_may_be_absent() {
    check(json!({"num_key_value_heads": "absent"}), |config| {
        config.kv_heads = 4
    });
    check(
        json!({"rope_theta": "absent", "hidden_act": "absent"}),
        |_| {},
    );
    check(
        json!({"bos_token_id": null, "eos_token_id": "absent"}),
        |config| {
            config.bos_token_id = None;
            config.eos_token_ids = vec![];
        },
    );
    check(
        json!({"pad_token_id": -1, "tie_word_embeddings": true}),
        |config| {
            config.tied_embeddings = true;
        },
    );
    check(
        json!({"initializer_range": 0.5, "pad_token_id": 3}),
        |config| {
            config.initializer_range = 0.5;
            config.pad_token_id = Some(3);
        },
    );
}

#[test]
fn ends_of_answers() {
    let ids = |config: Value, generation: Value| {
        let config = read(json!({"eos_token_id": config}), Some(generation));
        config.expect("a configuration").eos_token_ids
    };
    assert_eq!(ids(json!(2), json!({})), [2]);
    assert_eq!(ids(json!([5, 2]), json!({"eos_token_id": null})), [5, 2]);
    assert_eq!(ids(json!(2), json!({"eos_token_id": [5, 2]})), [5, 2]);
    assert_eq!(ids(json!(2), json!({"eos_token_id": 7})), [7, 2]);
    assert_eq!(
        read(json!({}), Some(json!({"eos_token_id": 32}))),
        Err(
            "DIR/generation_config.json: eos_token_id is 32, not a token id below the \
             vocabulary's size 32"
                .to_owned()
        )
    );
}

#[test]
fn rotary_embeddings() {
    let llama3 = json!({
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 32,
        "rope_type": "llama3",
    });
    let scaled = |config: &mut ModelConfig| {
        config.rope_scaling = RopeScaling::Llama3 {
            factor: 8.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_max_positions: 32,
        };
    };
    check(json!({"rope_scaling": llama3}), scaled);
    check(
        json!({"rope_scaling": {"type": "linear", "factor": 2}}),
        |config| {
            config.rope_scaling = RopeScaling::Linear { factor: 2.0 };
        },
    );
    // Since transformers 5.
    check(
        json!({"rope_theta": "absent", "rope_parameters": {"rope_theta": 5e5, "rope_type": "default"}}),
        |config| config.rope_theta = 5e5,
    );
    check(
        json!({"rope_theta": "absent", "rope_parameters": {"rope_theta": 5e5}}),
        |config| config.rope_theta = 5e5,
    );
    check(
        json!({"rope_theta": "absent", "rope_parameters": llama3}),
        scaled,
    );
    check(json!({"partial_rotary_factor": 1.0}), |_| {});
}

#[test]
fn models_that_there_is_no_code_for() {
    refused(
        json!({"architectures": ["GemmaForCausalLM"]}),
        "DIR/config.json: architectures is \"GemmaForCausalLM\"; supported are LlamaForCausalLM, \
         Qwen2ForCausalLM, Qwen3ForCausalLM, and MistralForCausalLM without a sliding window",
    );
    refused(
        json!({"hidden_act": "gelu"}),
        "DIR/config.json: hidden_act is \"gelu\"; supported is \"silu\"",
    );
    refused(
        json!({"attention_bias": true}),
        "DIR/config.json: attention_bias is true; supported is false",
    );
    refused(
        json!({"mlp_bias": true}),
        "DIR/config.json: mlp_bias is true; supported is false",
    );
    refused(
        json!({"quantization_config": {"bits": 4}}),
        "DIR/config.json: quantization_config is {\"bits\":4}; supported are weights that are not \
         quantized",
    );
    refused(
        json!({"use_sliding_window": true}),
        "DIR/config.json: use_sliding_window is true; supported is attention to the whole context",
    );
    refused(
        json!({"layer_types": ["full_attention", "sliding_attention"]}),
        "DIR/config.json: layer_types is \"sliding_attention\"; supported is attention to the \
         whole context",
    );
    refused(
        json!({"architectures": ["MistralForCausalLM"], "sliding_window": 4096}),
        "DIR/config.json: sliding_window is 4096; supported is attention to the whole context",
    );
    refused(
        json!({"architectures": ["MistralForCausalLM"]}),
        "DIR/config.json: sliding_window is missing, which in Mistral means 4096; supported is \
         attention to the whole context",
    );
}

#[test]
fn rotary_embeddings_that_there_is_no_code_for() {
    refused(
        json!({"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}),
        "DIR/config.json: rope_scaling.rope_type is \"yarn\"; supported are \"default\", \
         \"linear\" and \"llama3\"",
    );
    refused(
        json!({"rope_parameters": {"type": "dynamic", "factor": 4.0}}),
        "DIR/config.json: rope_parameters.type is \"dynamic\"; supported are \"default\", \
         \"linear\" and \"llama3\"",
    );
    refused(
        json!({"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5}}),
        "DIR/config.json: rope_parameters.partial_rotary_factor is 0.5; supported is 1",
    );
    refused(
        json!({"rope_parameters": {"full_attention": {"rope_type": "default"}}}),
        "DIR/config.json: the field rope_parameters.rope_type is missing",
    );
    refused(
        json!({"rope_scaling": {"rope_type": "linear"}}),
        "DIR/config.json: the field rope_scaling.factor is missing",
    );
    refused(
        json!({"rope_scaling": {
            "rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4,
        }}),
        "DIR/config.json: low_freq_factor 4 is not below high_freq_factor 4",
    );
}

#[test]
fn sizes_that_do_not_fit() {
    refused(
        json!({"num_key_value_heads": 3}),
        "DIR/config.json: num_attention_heads 4 is not a multiple of num_key_value_heads 3",
    );
    refused(
        json!({"head_dim": 5}),
        "DIR/config.json: head_dim 5 is odd; the rotary embedding needs pairs",
    );
    refused(
        json!({"hidden_size": 18}),
        "DIR/config.json: hidden_size 18 is not a multiple of num_attention_heads 4, and there is \
         no head_dim",
    );
    refused(
        json!({"num_attention_heads": 0}),
        "DIR/config.json: num_attention_heads is 0, not a whole number from 1 to 16777216",
    );
    refused(
        json!({"num_hidden_layers": 1e9}),
        "DIR/config.json: num_hidden_layers is 1000000000.0, not a whole number from 1 to 1024",
    );
    refused(
        json!({"num_attention_heads": 65536, "head_dim": 65536}),
        "DIR/config.json: num_attention_heads 65536 times head_dim 65536 is above 16777216",
    );
    refused(
        json!({"rms_norm_eps": 0}),
        "DIR/config.json: rms_norm_eps is 0, not a number above 0",
    );
    refused(
        json!({"eos_token_id": [2, 32]}),
        "DIR/config.json: eos_token_id is 32, not a token id below the vocabulary's size 32",
    );
    refused(
        json!({"tie_word_embeddings": "yes"}),
        "DIR/config.json: tie_word_embeddings is \"yes\", not true or false",
    );
}

#[test]
fn fields_that_have_to_be_there() {
    for name in [
        "vocab_size",
        "hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "intermediate_size",
        "max_position_embeddings",
        "rms_norm_eps",
    ] {
        refused(
            json!({ name: "absent" }),
            &format!("DIR/config.json: the field {name} is missing"),
        );
        refused(
            json!({ name: null }),
            &format!("DIR/config.json: the field {name} is missing"),
        );
    }
    refused(
        json!({"architectures": "absent", "model_type": "absent"}),
        "DIR/config.json: the field architectures is missing",
    );
    refused(
        json!({"architectures": ["Qwen3ForCausalLM"]}),
        "DIR/config.json: the field head_dim is missing",
    );
    refused(
        json!({
            "architectures": ["Qwen2ForCausalLM"],
            "model_type": "qwen2",
            "num_key_value_heads": "absent",
        }),
        "DIR/config.json: the field num_key_value_heads is missing",
    );
}

#[test]
fn files_that_are_none() {
    let check = |text: Option<&str>, expected: &str| {
        let files = text.map(|text| ("config.json", text.to_owned()));
        let folder = folder(files.as_slice());
        let error = ModelConfig::read(folder.path()).expect_err("no configuration");
        assert_eq!(message(folder.path(), &error), expected);
    };
    check(
        None,
        "DIR/config.json: cannot be read: No such file or directory (os error 2)",
    );
    check(
        Some("{"),
        "DIR/config.json: is not JSON: EOF while parsing an object at line 1 column 1",
    );
    check(Some("[]"), "DIR/config.json: is not a JSON object");
}

#[test]
fn presets() {
    let parameters = |name| {
        ModelConfig::preset(name)
            .expect("a preset")
            .parameter_count()
    };
    assert_eq!(
        PRESETS.map(parameters),
        // The last two are what their authors say.
        [804_992, 989_824, 9_265_984, 494_032_768, 1_543_714_304]
    );
    assert_eq!(
        ModelConfig::preset("huge").expect_err("none").to_string(),
        "there is no preset \"huge\"; there are tiny, 1m, 10m, qwen2.5-0.5b, qwen2.5-1.5b"
    );
}

/// The cosines and sines at one position.
#[track_caller]
fn check_rope(changes: Value, position: usize, cosines: &[f32], sines: &[f32]) {
    let config = read(changes, None).expect("a configuration");
    let (all_cosines, all_sines) = rope_tables(&config, position + 1);
    let width = config.head_dim / 2;
    assert_eq!(all_cosines.len(), (position + 1) * width);
    assert_eq!(all_sines.len(), (position + 1) * width);
    for (name, table, expected) in [("cos", all_cosines, cosines), ("sin", all_sines, sines)] {
        for (found, expected) in table[position * width..].iter().zip(expected) {
            assert!(
                (found - expected).abs() < 1e-6,
                "{name}: {found} is not {expected}"
            );
        }
    }
}

// Reference values in double precision, with the formulas of transformers' modeling_rope_utils:
//   i = theta ** (-arange(0, head_dim, 2) / head_dim)
//   linear: i / factor
//   llama3: where(2π/i > old/low, i/factor, i), and between old/high and old/low
//           (1 - s) * i / factor + s * i with s = (old * i / 2π - low) / (high - low)
//   cos(position * i), sin(position * i), rounded to 7 places
#[test]
fn angles() {
    check_rope(
        json!({"head_dim": 8}),
        3000,
        &[-0.9756822, -0.0220966, 0.1542514, -0.9899925],
        &[0.21919, -0.9997558, -0.9880316, 0.14112],
    );
    check_rope(
        json!({"head_dim": 8, "rope_scaling": {"rope_type": "linear", "factor": 4}}),
        3000,
        &[-0.666983, 0.9217513, 0.3466353, 0.7316889],
        &[0.745073, -0.3877816, 0.938, 0.6816388],
    );
    check_rope(
        json!({"head_dim": 16, "rope_theta": 5e5, "rope_scaling": {
            "rope_type": "llama3",
            "factor": 8,
            "low_freq_factor": 1,
            "high_freq_factor": 4,
            "original_max_position_embeddings": 64,
        }}),
        3000,
        &[
            -0.9756822, 0.85147, 0.0348983, -0.9183745, 0.8626402, 0.9947163, 0.9998011, 0.9999925,
        ],
        &[
            0.21919, -0.5244033, 0.9993909, 0.3957123, 0.5058181, 0.1026619, 0.0199423, 0.0038675,
        ],
    );
}

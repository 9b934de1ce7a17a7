//! Adapters in PEFT's layout.

use std::path::Path;

use serde_json::{Value, json};
use touchstone::model::adapter::{TARGETS, export_adapter};
use touchstone::model::checkpoint::Dtype;
use touchstone::model::{Adapter, LoraConfig, ModelConfig, ModelError};

use super::{config_json, folder, message};

fn model() -> ModelConfig {
    let folder = folder(&[("config.json", config_json(json!({})).to_string())]);
    ModelConfig::read(folder.path()).expect("a configuration")
}

fn lora(targets: &[&str]) -> LoraConfig {
    LoraConfig {
        rank: 2,
        alpha: 4.0,
        targets: targets.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn export(folder: &Path, config: &LoraConfig) -> Result<(), ModelError> {
    let parameters = config.parameters(&model());
    let base = Some("somebody/something");
    export_adapter(folder, config, &model(), base, Dtype::F32, |name| {
        let at = parameters.iter().position(|one| one.name == name);
        let at = at.expect("a parameter");
        Ok(vec![at as f32; parameters[at].elements()])
    })
}

/// A folder with an adapter of the queries, whose configuration is then changed.
fn changed(changes: Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    export(folder.path(), &lora(&["q_proj"])).expect("exported");
    let path = folder.path().join("adapter_config.json");
    let text = std::fs::read(&path).expect("read");
    let mut config: Value = serde_json::from_slice(&text).expect("JSON");
    let fields = config.as_object_mut().expect("an object");
    fields.extend(changes.as_object().expect("an object").clone());
    std::fs::write(&path, config.to_string()).expect("written");
    folder
}

#[track_caller]
fn refused(changes: Value, expected: &str) {
    let folder = changed(changes);
    let error = Adapter::open(folder.path(), &model()).expect_err("no adapter");
    assert_eq!(message(folder.path(), &error), expected);
}

#[track_caller]
fn accepted(changes: Value, expected: LoraConfig) {
    let folder = changed(changes);
    let adapter = Adapter::open(folder.path(), &model()).expect("an adapter");
    assert_eq!(*adapter.config(), expected);
}

#[test]
fn parameters_have_an_order() {
    let names = |targets: &[&str]| -> Vec<String> {
        let all = lora(targets).parameters(&model()).into_iter();
        all.map(|one| format!("{} {:?}", one.name, one.shape))
            .collect()
    };
    assert_eq!(
        names(&["down_proj", "v_proj"])[..4],
        [
            "model.layers.0.self_attn.v_proj.lora_A.weight [2, 16]",
            "model.layers.0.self_attn.v_proj.lora_B.weight [8, 2]",
            "model.layers.0.mlp.down_proj.lora_A.weight [2, 24]",
            "model.layers.0.mlp.down_proj.lora_B.weight [16, 2]",
        ]
    );
    // Two layers, seven matrices each, two halves of each.
    assert_eq!(names(&["all-linear"]).len(), 2 * 7 * 2);
    assert_eq!(names(&["all-linear"]), names(&TARGETS));
    assert_eq!(lora(&["q_proj"]).scale(), 2.0);
}

#[test]
fn what_is_exported_is_read_again() {
    for config in [lora(&["q_proj", "v_proj"]), lora(&TARGETS)] {
        let folder = tempfile::tempdir().expect("a folder");
        export(folder.path(), &config).expect("exported");
        // Again, over itself.
        export(folder.path(), &config).expect("exported");
        let adapter = Adapter::open(folder.path(), &model()).expect("an adapter");
        assert_eq!(*adapter.config(), config);
        assert_eq!(adapter.base(), Some("somebody/something"));
        assert_eq!(adapter.first_not_finite(), None);
        for (at, parameter) in config.parameters(&model()).iter().enumerate() {
            let mut numbers = vec![0.0; parameter.elements()];
            let read = adapter.read_into(&parameter.name, &mut numbers);
            read.expect("read");
            assert!(numbers.iter().all(|number| *number == at as f32));
        }
    }
}

#[test]
fn adapters_of_other_forms() {
    accepted(
        json!({"use_rslora": true}),
        LoraConfig {
            alpha: 4.0 * 2_f64.sqrt(),
            ..lora(&["q_proj"])
        },
    );
    accepted(
        json!({"lora_alpha": 0.5, "init_lora_weights": "gaussian", "rank_pattern": {}}),
        LoraConfig {
            alpha: 0.5,
            ..lora(&["q_proj"])
        },
    );
    // What PEFT makes of "all-linear".
    accepted(
        json!({"target_modules": [
            "model.layers.1.self_attn.q_proj", "model.layers.0.self_attn.q_proj",
        ]}),
        lora(&["q_proj"]),
    );
    accepted(
        json!({"task_type": null, "modules_to_save": [], "loftq_config": {}}),
        lora(&["q_proj"]),
    );
}

#[test]
fn adapters_that_there_is_no_code_for() {
    let config = |rest: &str| format!("DIR/adapter_config.json: {rest}");
    let targets = "supported are q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj \
                   and \"all-linear\"";
    let cases = [
        (
            json!({"peft_type": "IA3"}),
            "peft_type is \"IA3\"; supported is \"LORA\"".to_owned(),
        ),
        (
            json!({"task_type": "SEQ_CLS"}),
            "task_type is \"SEQ_CLS\"; supported is \"CAUSAL_LM\"".to_owned(),
        ),
        (
            json!({"bias": "all"}),
            "bias is \"all\"; supported is \"none\"".to_owned(),
        ),
        (
            json!({"use_dora": true}),
            "use_dora is true; supported are adapters without it".to_owned(),
        ),
        (
            json!({"modules_to_save": ["lm_head"]}),
            "modules_to_save is [\"lm_head\"]; supported are adapters without it".to_owned(),
        ),
        (
            json!({"rank_pattern": {"q_proj": 4}}),
            "rank_pattern is {\"q_proj\":4}; supported are adapters without it".to_owned(),
        ),
        (
            json!({"init_lora_weights": "pissa"}),
            "init_lora_weights is \"pissa\"; it changes the base model, which is not supported"
                .to_owned(),
        ),
        (
            json!({"target_modules": ["q_proj", "lm_head"]}),
            format!("target_modules is \"lm_head\"; {targets}"),
        ),
        (
            json!({"target_modules": ".*q_proj"}),
            format!("target_modules is \".*q_proj\"; {targets}"),
        ),
        (json!({"r": null}), "the field r is missing".to_owned()),
        (
            json!({"r": 0}),
            "r is 0, not a whole number from 1 to 65536".to_owned(),
        ),
        (
            json!({"lora_alpha": -1}),
            "lora_alpha is -1, not a number above 0".to_owned(),
        ),
        (
            json!({"target_modules": null}),
            "the field target_modules is missing".to_owned(),
        ),
    ];
    for (changes, expected) in cases {
        refused(changes, &config(&expected));
    }
}

#[test]
fn tensors_that_are_not_the_adapters() {
    refused(
        json!({"r": 4, "target_modules": ["q_proj"]}),
        "DIR: its tensors are not the model's; of another shape than the configuration says: \
         base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight is [2, 16], not [4, 16], \
         base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight is [16, 2], not [16, 4], \
         base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight is [2, 16], not [4, 16], \
         base_model.model.model.layers.1.self_attn.q_proj.lora_B.weight is [16, 2], not [16, 4]",
    );
    let folder = changed(json!({}));
    std::fs::remove_file(folder.path().join("adapter_model.safetensors")).expect("removed");
    let check = |expected: &str| {
        let error = Adapter::open(folder.path(), &model()).expect_err("no adapter");
        assert_eq!(message(folder.path(), &error), expected);
    };
    check("DIR: has no adapter_model.safetensors");
    std::fs::write(folder.path().join("adapter_model.bin"), "").expect("written");
    check(
        "DIR: has adapter_model.bin but no adapter_model.safetensors; load and save it with PEFT, \
         which writes safetensors",
    );
}

#[test]
fn configurations_that_make_no_sense() {
    let check = |config: LoraConfig, expected: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        let error = export(folder.path(), &config).expect_err("refused");
        assert_eq!(error.to_string(), expected);
    };
    let good = lora(&["q_proj"]);
    check(
        LoraConfig {
            rank: 0,
            ..good.clone()
        },
        "the rank of an adapter has to be above 0",
    );
    check(
        LoraConfig {
            alpha: f64::NAN,
            ..good.clone()
        },
        "alpha of an adapter is NaN, not a number above 0",
    );
    check(lora(&[]), "an adapter needs targets");
    check(
        lora(&["lm_head"]),
        "\"lm_head\" cannot be adapted; supported are q_proj, k_proj, v_proj, o_proj, gate_proj, \
         up_proj, down_proj and \"all-linear\"",
    );
}

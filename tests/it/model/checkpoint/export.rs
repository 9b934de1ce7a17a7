//! What is written, and what a failure leaves.

use std::path::Path;

use serde_json::{Value, json};
use touchstone::model::checkpoint::{Dtype, Export, export};
use touchstone::model::{Checkpoint, ModelConfig, ModelError, Parameter};

use super::{check_numbers, checkpoint, numbers, write};
use crate::model::message;

/// Exports numbers that tell where they belong.
fn export_numbers(folder: &Path, what: &Export) -> Result<(), ModelError> {
    let names: Vec<Parameter> = what.config.parameters();
    export(folder, what, |name| {
        let at = names.iter().position(|one| one.name == name);
        let at = at.expect("a parameter");
        Ok(numbers(at, names[at].elements()))
    })
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        let name = entry.expect("an entry").file_name();
        name.into_string().expect("Unicode")
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

#[test]
fn what_is_exported_is_read_again() {
    let cases = [
        json!({}),
        json!({"tie_word_embeddings": true, "eos_token_id": [2, 3], "pad_token_id": 0}),
        json!({"rope_scaling": {"rope_type": "linear", "factor": 2.0}, "head_dim": 6}),
        json!({"rope_scaling": {
            "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 32,
        }}),
        json!({"architectures": ["Qwen2ForCausalLM"], "bos_token_id": null}),
        json!({"architectures": ["Qwen3ForCausalLM"], "head_dim": 8, "eos_token_id": null}),
    ];
    for changes in cases {
        let (source, config) = checkpoint(changes, |_| {});
        for dtype in [Dtype::F32, Dtype::Bf16] {
            let target = tempfile::tempdir().expect("a folder");
            // Its parents are made too.
            let target = target.path().join("a/b");
            let what = Export {
                config: &config,
                dtype,
                shard_bytes: usize::MAX,
                source: Some(source.path()),
            };
            export_numbers(&target, &what).expect("exported");
            assert_eq!(
                names_in(&target),
                ["config.json", "generation_config.json", "model.safetensors"]
            );
            assert_eq!(ModelConfig::read(&target).expect("read"), config);
            check_numbers(&target, &config);
        }
    }
}

#[test]
fn an_export_in_shards() {
    let (_source, config) = checkpoint(json!({}), |_| {});
    let target = tempfile::tempdir().expect("a folder");
    let what = Export {
        config: &config,
        dtype: Dtype::F32,
        // The embedding has 2048 bytes and makes a file of its own.
        shard_bytes: 2047,
        source: None,
    };
    export_numbers(target.path(), &what).expect("exported");
    let names = names_in(target.path());
    assert!(
        names.contains(&"model-00001-of-00012.safetensors".to_owned()),
        "{names:?}"
    );
    check_numbers(target.path(), &config);
    let index = target.path().join("model.safetensors.index.json");
    let index: Value = serde_json::from_slice(&std::fs::read(index).expect("read")).expect("JSON");
    assert_eq!(
        index["metadata"]["total_size"],
        config.parameter_count() * 4
    );
}

#[test]
fn tokenizers_and_settings_are_taken_along() {
    let (source, config) = checkpoint(json!({}), |_| {});
    write(source.path(), "tokenizer.json", b"a tokenizer");
    write(source.path(), "README.md", b"not taken");
    write(
        source.path(),
        "generation_config.json",
        br#"{"temperature": 0.5, "eos_token_id": 9}"#,
    );
    let what = Export {
        config: &config,
        dtype: Dtype::F32,
        shard_bytes: usize::MAX,
        source: Some(source.path()),
    };
    let target = tempfile::tempdir().expect("a folder");
    export_numbers(target.path(), &what).expect("exported");
    let read = |name: &str| std::fs::read(target.path().join(name)).expect("read");
    assert_eq!(read("tokenizer.json"), b"a tokenizer");
    assert!(!target.path().join("README.md").exists());
    let settings: Value = serde_json::from_slice(&read("generation_config.json")).expect("JSON");
    assert_eq!(
        settings,
        json!({"temperature": 0.5, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": null})
    );
}

#[test]
fn an_export_that_fails_leaves_what_was_there() {
    let (_source, config) = checkpoint(json!({}), |_| {});
    let parent = tempfile::tempdir().expect("a folder");
    let target = parent.path().join("model");
    let what = Export {
        config: &config,
        dtype: Dtype::F32,
        shard_bytes: usize::MAX,
        source: None,
    };
    export_numbers(&target, &what).expect("exported");
    let check = |result: Result<(), ModelError>, expected: &str| {
        let error = result.expect_err("failed");
        assert_eq!(message(parent.path(), &error), expected);
        check_numbers(&target, &config);
        assert_eq!(names_in(parent.path()), ["model"]);
    };
    let mut asked = 0;
    let fails = export(&target, &what, |name| match name {
        "model.norm.weight" => Err(ModelError::Input("the device is gone".to_owned())),
        _ => {
            asked += 1;
            let all = config.parameters();
            let parameter = all.iter().find(|one| one.name == name);
            Ok(vec![9.0; parameter.expect("one").elements()])
        }
    });
    check(fails, "the device is gone");
    assert_eq!(asked, config.parameters().len() - 2);
    check(
        export(&target, &what, |_| Ok(vec![])),
        "model.embed_tokens.weight has 512 numbers, and was given 0",
    );
    write(&target, "notes.txt", b"mine");
    let strange = export_numbers(&target, &what).expect_err("refused");
    assert_eq!(
        message(parent.path(), &strange),
        "DIR/model: would be replaced, but has files of somebody else: notes.txt; name another \
         folder"
    );
    assert_eq!(
        std::fs::read(target.join("notes.txt")).expect("kept"),
        b"mine"
    );
}

#[test]
fn an_export_replaces_an_older_one_and_its_own_source() {
    let (source, config) = checkpoint(json!({}), |_| {});
    write(source.path(), "tokenizer.json", b"a tokenizer");
    // The old weights are still read while the new ones are written.
    let old = Checkpoint::open(source.path(), &config).expect("a checkpoint");
    let all = config.parameters();
    let what = Export {
        config: &config,
        dtype: Dtype::F32,
        shard_bytes: 4096,
        source: Some(source.path()),
    };
    export(source.path(), &what, |name| {
        let parameter = all.iter().find(|one| one.name == name).expect("one");
        let mut numbers = vec![0.0; parameter.elements()];
        old.read_into(name, &mut numbers)?;
        Ok(numbers)
    })
    .expect("exported");
    check_numbers(source.path(), &config);
    assert!(!source.path().join("model.safetensors").exists());
    assert!(source.path().join("tokenizer.json").exists());
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written() {
    let (_source, config) = checkpoint(json!({}), |_| {});
    let what = Export {
        config: &config,
        dtype: Dtype::F32,
        shard_bytes: usize::MAX,
        source: None,
    };
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "file", b"");
    let error = export_numbers(&folder.path().join("file/model"), &what).expect_err("refused");
    assert_eq!(
        message(folder.path(), &error),
        "DIR/file/model: cannot be written: File exists (os error 17)"
    );
}

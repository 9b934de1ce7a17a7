//! Weights in files: what is read, what is refused, what is written.

mod export;

use std::path::Path;

use half::{bf16, f16};
use proptest::prelude::*;
use serde_json::{Value, json};
use touchstone::model::{Checkpoint, ModelConfig, Parameter};

use super::{config_json, folder, message};

/// A tensor of a file: name, type, shape, bytes.
type Raw = (String, &'static str, Vec<usize>, Vec<u8>);

/// A safetensors file, written without the code under test.
fn file_of(tensors: &[Raw]) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    let mut data: Vec<u8> = Vec::new();
    for (name, dtype, shape, bytes) in tensors {
        let offsets = [data.len(), data.len() + bytes.len()];
        let info = json!({"dtype": dtype, "shape": shape, "data_offsets": offsets});
        header.insert(name.clone(), info);
        data.extend(bytes);
    }
    let header = Value::Object(header).to_string();
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.extend(data);
    file
}

/// A number that tells which of a parameter's it is, and that every type can hold.
fn number(parameter: usize, at: usize) -> f32 {
    (parameter * 3 + at % 5) as f32 / 4.0 - 2.0
}

fn numbers(parameter: usize, count: usize) -> Vec<f32> {
    (0..count).map(|at| number(parameter, at)).collect()
}

fn bytes(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_le_bytes()).collect()
}

fn raw(at: usize, parameter: &Parameter) -> Raw {
    let numbers = numbers(at, parameter.elements());
    let Parameter { name, shape } = parameter.clone();
    (name, "F32", shape, bytes(&numbers))
}

/// A folder with a `config.json` and a `model.safetensors` whose tensors `change` has changed.
fn checkpoint(
    changes: Value,
    change: impl FnOnce(&mut Vec<Raw>),
) -> (tempfile::TempDir, ModelConfig) {
    let folder = folder(&[("config.json", config_json(changes).to_string())]);
    let config = ModelConfig::read(folder.path()).expect("a configuration");
    let parameters = config.parameters();
    let mut tensors = parameters.iter().enumerate();
    let mut tensors = tensors.by_ref().map(|(at, one)| raw(at, one)).collect();
    change(&mut tensors);
    write(folder.path(), "model.safetensors", &file_of(&tensors));
    (folder, config)
}

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    std::fs::write(folder.join(name), bytes).expect("written");
}

#[track_caller]
fn check_numbers(folder: &Path, config: &ModelConfig) {
    let checkpoint = Checkpoint::open(folder, config).expect("a checkpoint");
    for (at, parameter) in config.parameters().iter().enumerate() {
        let mut found = vec![0.0; parameter.elements()];
        let read = checkpoint.read_into(&parameter.name, &mut found);
        read.expect("read");
        assert_eq!(found, numbers(at, found.len()), "{}", parameter.name);
    }
    assert_eq!(checkpoint.first_not_finite(), None);
    assert_eq!(checkpoint.folder(), folder);
}

/// Opens a folder that has to be refused.
#[track_caller]
fn check_refused(folder: &Path, config: &ModelConfig, expected: &str) {
    let error = Checkpoint::open(folder, config).expect_err("no checkpoint");
    assert_eq!(message(folder, &error), expected);
}

#[track_caller]
fn refused(change: impl FnOnce(&mut Vec<Raw>), expected: &str) {
    let (folder, config) = checkpoint(json!({}), change);
    check_refused(folder.path(), &config, expected);
}

#[test]
fn every_type_of_number_is_read() {
    type Encode = fn(f32) -> Vec<u8>;
    let types: [(&str, Encode); 4] = [
        ("F32", |n| n.to_le_bytes().into()),
        ("F64", |n| f64::from(n).to_le_bytes().into()),
        ("F16", |n| f16::from_f32(n).to_le_bytes().into()),
        ("BF16", |n| bf16::from_f32(n).to_le_bytes().into()),
    ];
    for (dtype, encode) in types {
        let (folder, config) = checkpoint(json!({}), |tensors| {
            for (at, tensor) in tensors.iter_mut().enumerate() {
                let numbers = numbers(at, tensor.3.len() / 4);
                tensor.1 = dtype;
                tensor.3 = numbers.into_iter().flat_map(encode).collect();
            }
        });
        check_numbers(folder.path(), &config);
    }
}

#[test]
fn what_a_tied_model_does_not_need_is_passed_over() {
    let (folder, config) = checkpoint(json!({"tie_word_embeddings": true}), |tensors| {
        for name in [
            "lm_head.weight",
            "model.layers.0.self_attn.rotary_emb.inv_freq",
        ] {
            tensors.push((name.to_owned(), "I64", vec![1], vec![0; 8]));
        }
    });
    check_numbers(folder.path(), &config);
}

#[test]
fn tensors_that_are_not_the_models() {
    refused(
        |tensors| {
            tensors.retain(|tensor| tensor.0 != "model.norm.weight");
            tensors[0].2 = vec![16, 32];
            tensors[1].0 = "model.layers.0.norm.weight".to_owned();
            tensors[2].1 = "I32";
        },
        "DIR: its tensors are not the model's; \
         missing: model.layers.0.input_layernorm.weight, model.norm.weight; \
         unknown: model.layers.0.norm.weight; \
         of another shape than the configuration says: \
         model.embed_tokens.weight is [16, 32], not [32, 16]; \
         of a type other than F64, F32, BF16 and F16: \
         model.layers.0.self_attn.q_proj.weight is I32",
    );
    refused(
        |tensors| tensors.clear(),
        "DIR: its tensors are not the model's; missing: model.embed_tokens.weight, \
         model.layers.0.input_layernorm.weight, model.layers.0.self_attn.q_proj.weight, \
         model.layers.0.self_attn.k_proj.weight, model.layers.0.self_attn.v_proj.weight, \
         model.layers.0.self_attn.o_proj.weight, \
         model.layers.0.post_attention_layernorm.weight, model.layers.0.mlp.gate_proj.weight, \
         model.layers.0.mlp.up_proj.weight, model.layers.0.mlp.down_proj.weight and 11 more",
    );
}

#[test]
fn files_cut_short_or_damaged() {
    let (folder, config) = checkpoint(json!({}), |_| {});
    let whole = std::fs::read(folder.path().join("model.safetensors")).expect("a file");
    let check = |bytes: &[u8], reason: &str| {
        write(folder.path(), "model.safetensors", bytes);
        let expected = format!(
            "DIR/model.safetensors: is cut short or damaged, get it again ({} bytes; {reason})",
            bytes.len()
        );
        check_refused(folder.path(), &config, &expected);
    };
    check(&[], "header too small");
    check(&whole[..100], "invalid header length");
    check(
        &whole[..whole.len() - 1],
        "incomplete metadata, file not fully covered",
    );
    let mut longer = whole.clone();
    longer.push(0);
    check(&longer, "incomplete metadata, file not fully covered");
    let mut huge = whole.clone();
    huge[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    check(&huge, "header too large");
    let mut other = whole.clone();
    other[8] = b'[';
    check(
        &other,
        "invalid JSON in header: invalid type: sequence, expected struct HashMetadata at line 1 \
         column 0",
    );
}

#[test]
fn folders_without_weights() {
    let (folder, config) = checkpoint(json!({}), |_| {});
    write(
        folder.path(),
        "model.safetensors",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
    );
    check_refused(
        folder.path(),
        &config,
        "DIR/model.safetensors: is a pointer of Git LFS, not the weights; `git lfs pull` gets them",
    );
    std::fs::remove_file(folder.path().join("model.safetensors")).expect("removed");
    check_refused(
        folder.path(),
        &config,
        "DIR: has neither model.safetensors nor model.safetensors.index.json",
    );
    write(folder.path(), "pytorch_model.bin", b"");
    check_refused(
        folder.path(),
        &config,
        "DIR: has pytorch_model.bin but no model.safetensors; load and save it with transformers, \
         which writes safetensors",
    );
}

/// A folder with two shards, and an index that `change` has changed.
fn sharded(change: impl FnOnce(&mut Value)) -> (tempfile::TempDir, ModelConfig) {
    let (folder, config) = checkpoint(json!({}), |_| {});
    std::fs::remove_file(folder.path().join("model.safetensors")).expect("removed");
    let parameters = config.parameters();
    let tensors = parameters.iter().enumerate().map(|(at, one)| raw(at, one));
    let tensors: Vec<Raw> = tensors.collect();
    let mut weight_map = serde_json::Map::new();
    for (name, part) in [
        ("a.safetensors", &tensors[..5]),
        ("b.safetensors", &tensors[5..]),
    ] {
        write(folder.path(), name, &file_of(part));
        weight_map.extend(part.iter().map(|tensor| (tensor.0.clone(), json!(name))));
    }
    let mut index = json!({"metadata": {}, "weight_map": weight_map});
    change(&mut index);
    let index = index.to_string();
    write(
        folder.path(),
        "model.safetensors.index.json",
        index.as_bytes(),
    );
    (folder, config)
}

#[test]
fn shards() {
    let (folder, config) = sharded(|_| {});
    check_numbers(folder.path(), &config);

    let check = |change: fn(&mut Value), expected: &str| {
        let (folder, config) = sharded(change);
        check_refused(folder.path(), &config, expected);
    };
    check(
        |index| index["weight_map"]["model.norm.weight"] = json!("c.safetensors"),
        "DIR/model.safetensors.index.json: names shards that are not there: DIR/c.safetensors",
    );
    check(
        |index| index["weight_map"]["model.norm.weight"] = json!("a.safetensors"),
        "DIR/model.safetensors.index.json: names tensors that are not there: \
         model.norm.weight in a.safetensors",
    );
    for name in [
        "../a.safetensors",
        "/etc/passwd",
        "..",
        "sub/a.safetensors",
        "",
    ] {
        let (folder, config) =
            sharded(|index| index["weight_map"]["model.norm.weight"] = json!(name));
        check_refused(
            folder.path(),
            &config,
            &format!(
                "DIR/model.safetensors.index.json: names {name:?}, which is not a file of the \
                 same folder"
            ),
        );
    }
    check(
        |index| *index = json!({"weight_map": 1}),
        "DIR/model.safetensors.index.json: is not an index: invalid type: integer `1`, expected a \
         map at line 1 column 15",
    );
}

#[test]
fn two_shards_with_the_same_tensor() {
    let (folder, config) = sharded(|_| {});
    let all = config.parameters();
    let first = raw(0, &all[0]);
    write(folder.path(), "b.safetensors", &file_of(&[first]));
    check_refused(
        folder.path(),
        &config,
        "DIR/b.safetensors: has the tensor model.embed_tokens.weight, and so has DIR/a.safetensors",
    );
}

#[test]
fn numbers_that_are_none() {
    type Spoil = fn(&mut Raw);
    let cases: [Spoil; 4] = [
        |tensor| tensor.3[4..8].copy_from_slice(&f32::NAN.to_le_bytes()),
        |tensor| tensor.3[4..8].copy_from_slice(&f32::NEG_INFINITY.to_le_bytes()),
        |tensor| {
            tensor.1 = "BF16";
            tensor.3.truncate(32);
            tensor.3[30..].copy_from_slice(&bf16::INFINITY.to_le_bytes());
        },
        // Finite, but not in the type that everything is computed in.
        |tensor| {
            tensor.1 = "F64";
            tensor.3 = [1e300_f64; 16]
                .iter()
                .flat_map(|n| n.to_le_bytes())
                .collect();
        },
    ];
    for spoil in cases {
        let (folder, config) = checkpoint(json!({}), |tensors| {
            let mut norms = tensors.iter_mut();
            spoil(
                norms
                    .rfind(|one| one.0 == "model.norm.weight")
                    .expect("a norm"),
            );
        });
        let checkpoint = Checkpoint::open(folder.path(), &config).expect("a checkpoint");
        assert_eq!(checkpoint.first_not_finite(), Some("model.norm.weight"));
    }
}

#[test]
fn reading_what_is_not_there() {
    let (folder, config) = checkpoint(json!({}), |_| {});
    let checkpoint = Checkpoint::open(folder.path(), &config).expect("a checkpoint");
    let check = |name: &str, room: usize, expected: &str| {
        let error = checkpoint.read_into(name, &mut vec![0.0; room]);
        assert_eq!(error.expect_err("refused").to_string(), expected);
    };
    check("model.nothing", 1, "there is no tensor model.nothing");
    check(
        "model.norm.weight",
        15,
        "model.norm.weight has 16 numbers, and room was made for 15",
    );
}

proptest! {
    /// Whatever becomes of a file's bytes, it is read or refused.
    #[test]
    fn damage_is_told(damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), short in any::<bool>()) {
        let (folder, config) = checkpoint(json!({"num_hidden_layers": 1}), |_| {});
        let path = folder.path().join("model.safetensors");
        let mut bytes = std::fs::read(&path).expect("read");
        // Within the header; elsewhere every byte is a number.
        let header = 1000;
        for (at, value) in damage {
            let at = at.index(header);
            if short {
                bytes.truncate(at.max(1));
                break;
            }
            bytes[at] = value;
        }
        std::fs::write(&path, bytes).expect("written");
        if let Ok(checkpoint) = Checkpoint::open(folder.path(), &config) {
            for parameter in config.parameters() {
                let mut numbers = vec![0.0; parameter.elements()];
                checkpoint.read_into(&parameter.name, &mut numbers).expect("read");
            }
        }
    }
}

//! What a plan is said to need, and that graphs can be written for other tools.

use super::message;
use super::support::{alone, engine, lora_named, policies};
use touchstone::model::memory::{Plan, TrainingPlan, check, estimate};
use touchstone::model::{
    AdamW, Batch, Device, Extra, Loss, Memory, ModelConfig, Policy, Sequence, Trainer,
};

const GIB: f64 = (1_u64 << 30) as f64;

fn plan() -> Plan {
    Plan {
        training: Some(TrainingPlan {
            rows: 4,
            length: 512,
            memory: Memory::default(),
        }),
        sampling: Some((8, 512)),
        adapter: None,
        policies: 2,
    }
}

#[test]
fn sizes_of_real_models() {
    let cuda = Device::Cuda(0);
    let gib = |name: &str| {
        let config = ModelConfig::preset(name).expect("a preset");
        let estimate = estimate(&config, &plan(), cuda);
        let of = |bytes: usize| (bytes as f64 / GIB * 10.0).round() / 10.0;
        (
            of(estimate.weights),
            of(estimate.optimizer),
            of(estimate.cache),
        )
    };
    // 494 M and 1,544 M parameters: 2 bytes a weight, 16 for the optimizer, of two models.
    assert_eq!(gib("qwen2.5-0.5b"), (1.8, 14.7, 0.1));
    assert_eq!(gib("qwen2.5-1.5b"), (5.8, 46.0, 0.2));

    let config = ModelConfig::preset("qwen2.5-1.5b").expect("a preset");
    let adapted = Plan {
        adapter: Some(lora_named(16, 32.0, &["all-linear"])),
        ..plan()
    };
    let adapted = estimate(&config, &adapted, cuda);
    assert!((adapted.weights as f64) < 3.1 * GIB && (adapted.optimizer as f64) < 0.7 * GIB);
}

#[test]
fn what_does_not_fit_is_said_before_anything_is_loaded() {
    let config = ModelConfig::preset("qwen2.5-1.5b").expect("a preset");
    let error = check(&config, &plan(), Device::Cuda(0), 24 << 30).expect_err("too large");
    let error = error.to_string();
    for part in [
        "cuda:0 has 24.0 GiB free, and about ",
        "weights 5.8 GiB, optimizer 46.0 GiB",
        "train an adapter instead of the whole model, or compute activations again (checkpoint), or \
         compute logits in parts (head_tokens), or accumulate smaller batches, or write fewer answers \
         at a time",
    ] {
        assert!(error.contains(part), "{error}");
    }
    check(&config, &plan(), Device::Cuda(0), 139 << 30).expect("fits");
    let tiny = ModelConfig::preset("tiny").expect("a preset");
    let error = check(&tiny, &Plan::default(), Device::Cpu, 1 << 20).expect_err("too large");
    assert_eq!(
        error.to_string(),
        "cpu has 1.0 MiB free, and about 3.1 MiB (weights 3.1 MiB, optimizer 0.0 MiB, activations \
         0.0 MiB, cache 0.0 MiB) are needed; take a smaller model"
    );
}

#[test]
fn graphs_are_written_for_other_tools() {
    let folder = tempfile::tempdir().expect("a folder");
    for (at, policy) in policies().iter().enumerate() {
        let place = folder.path().join(at.to_string());
        let files = policy.write_graphs(&place, 4, 32).expect("written");
        assert_eq!(files.len(), 14);
        for file in files {
            let size = std::fs::metadata(&file).expect("there").len();
            assert!(size > 500, "{}: {size}", file.display());
        }
    }
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("written");
    let error = policies()[0]
        .write_graphs(&file, 4, 32)
        .expect_err("no folder");
    assert!(message(folder.path(), &error).starts_with("DIR/file: cannot be made: "));
}

/// The most bytes of this process that ever lay in memory.
fn peak() -> usize {
    let text = std::fs::read_to_string("/proc/self/status").expect("status");
    let line = text.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<usize>().ok());
    1024 * number.expect("a number")
}

#[test]
fn what_is_computed_again_is_not_kept() {
    alone("model::memory::measured_alone");
}

#[test]
#[ignore = "measures the memory of its process: the test above runs it alone"]
fn measured_alone() {
    let config = ModelConfig {
        layers: 12,
        ..ModelConfig::preset("tiny").expect("a preset")
    };
    let policy = Policy::initial(&engine(), config, 1).expect("a policy");
    let sequence = Sequence {
        tokens: (0..129).collect(),
        prompt: 1,
    };
    let batch = Batch::of(&[&sequence; 8], 128).expect("a batch");
    let step = |checkpoint| {
        let memory = Memory {
            checkpoint,
            head_tokens: 128,
        };
        let before = peak();
        let mut trainer = Trainer::new(&policy, AdamW::default(), memory).expect("a trainer");
        let done = trainer.accumulate(Loss::Likelihood, &batch, &Extra::None, 1024.0);
        done.expect("a loss");
        peak() - before
    };
    // The larger one comes second, in addition to what the first has freed or keeps.
    let (again, more) = (step(true), step(false));
    assert!(again < more, "{again} again, and {more} more when kept");
}

//! An engine and models for tests.

use std::path::PathBuf;
use std::sync::OnceLock;
use touchstone::model::{
    Architecture, Device, ElementType, Engine, Initial, LoraConfig, ModelConfig, Policy,
    RopeScaling, Weights, library,
};

/// The user's cache folder, as the command line finds it.
fn cache() -> PathBuf {
    let folder = |name| std::env::var_os(name).map(PathBuf::from);
    folder("XDG_CACHE_HOME")
        .or_else(|| Some(folder("HOME")?.join(".cache")))
        .expect("HOME")
        .join("touchstone")
}

/// Names the device that tests run on, as the command line does; the processor without it.
const DEVICE: &str = "TOUCHSTONE_TEST_DEVICE";

fn device() -> Device {
    match std::env::var(DEVICE) {
        Ok(name) => name.parse().expect(DEVICE),
        Err(_) => Device::Cpu,
    }
}

/// ONNX Runtime on the device, with the same number of threads in every test.
pub fn engine() -> Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let start = || {
        let library = library::library(&cache(), device());
        Engine::start(&library, device(), 2).expect("ONNX Runtime")
    };
    ENGINE.get_or_init(start).clone()
}

/// Why a test needs the processor.
#[derive(Debug, Clone, Copy)]
pub enum Needs {
    /// A GPU does not have every kernel in 64 bits.
    Wide,
    /// A GPU's kernel of attention to a cache has 16 bits only.
    SamplingIn32Bits,
}

/// Whether the test that asks cannot run on the device; says so, by the test's name.
pub fn skipped(needs: Needs) -> bool {
    if device() == Device::Cpu {
        return false;
    }
    let reason = match needs {
        Needs::Wide => "it computes in 64 bits",
        Needs::SamplingIn32Bits => "it samples in 32 bits",
    };
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test").to_owned();
    println!("skipped on {}: {test}: {reason}", device());
    true
}

/// Numbers that look random and are the same everywhere, in -1..1.
pub fn noise(seed: u64, count: usize) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678_9abc_def1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// A small model of each family.
pub fn tiny() -> [ModelConfig; 3] {
    let of = |architecture| ModelConfig {
        architecture,
        vocab_size: 61,
        hidden_size: 64,
        layers: 2,
        heads: 4,
        kv_heads: 2,
        head_dim: 16,
        intermediate_size: 40,
        max_positions: 64,
        rope_theta: 10_000.0,
        rope_scaling: RopeScaling::None,
        norm_eps: 1e-6,
        tied_embeddings: architecture == Architecture::Qwen2,
        initializer_range: 0.02,
        eos_token_ids: vec![0],
        bos_token_id: None,
        pad_token_id: None,
    };
    [
        of(Architecture::Llama),
        of(Architecture::Qwen2),
        ModelConfig {
            head_dim: 32,
            ..of(Architecture::Qwen3)
        },
    ]
}

/// A small policy of each family in 32 bits, and one with an adapter.
pub fn policies() -> Vec<Policy> {
    let mut all: Vec<Policy> = tiny()
        .iter()
        .map(|config| random_policy(config, ElementType::F32))
        .collect();
    all.push(with_adapter(&all[1], &lora(), 9));
    all
}

/// An adapter's shape.
pub fn lora() -> LoraConfig {
    lora_named(3, 6.0, &["q_proj", "v_proj", "o_proj", "down_proj"])
}

/// An adapter's shape, of some of the linear layers.
pub fn lora_named(rank: usize, alpha: f64, targets: &[&str]) -> LoraConfig {
    LoraConfig {
        rank,
        alpha,
        targets: targets.iter().map(|target| (*target).to_owned()).collect(),
    }
}

/// The policy with an adapter whose numbers are all random.
pub fn with_adapter(policy: &Policy, lora: &LoraConfig, seed: u64) -> Policy {
    let parameters = lora.parameters(policy.config());
    let element = policy.base().element();
    let weights = Weights::place(&engine(), parameters, element, |parameter| {
        let numbers = noise(seed + parameter.name.len() as u64, parameter.elements());
        Ok(numbers.into_iter().map(|x| 0.3 * x as f32).collect())
    });
    policy.with_adapter(lora.clone(), weights.expect("weights"))
}

/// A policy whose weights are all random, norms and biases too, so that no derivative is zero.
pub fn random_policy(config: &ModelConfig, element: ElementType) -> Policy {
    let mut initial = Initial::new(config, 3);
    let weights = Weights::place(&engine(), config.parameters(), element, |parameter| {
        let mut numbers = initial.draw(parameter);
        let seed = parameter.name.len() as u64;
        for (x, n) in numbers.iter_mut().zip(noise(seed, parameter.elements())) {
            *x += 0.1 * n as f32;
        }
        Ok(numbers)
    });
    Policy::new(&engine(), config.clone(), weights.expect("weights"))
}

/// Runs an ignored test of this program in a process of its own: what else runs in this one takes
/// memory too.
pub fn alone(test: &str) {
    let output = std::process::Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", test, "--ignored", "--nocapture"])
        .output()
        .expect("a process");
    let told = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && told.contains("1 passed"),
        "{told}{errors}"
    );
}

//! The first weights of new models and adapters.

use super::adapter::LoraConfig;
use super::config::{EMBEDDING, ModelConfig, Parameter};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};

/// Numbers for a model's parameters, in their order: norms one, biases zero, embeddings and a free
/// head normal with the configured deviation, matrices normal with variance `1 / inputs`; those that
/// write to the residual stream are scaled down by the root of their number (Radford et al. 2019,
/// "Language Models are Unsupervised Multitask Learners", section 2.3).
pub struct Initial {
    random: ChaCha8Rng,
    config: ModelConfig,
}

impl Initial {
    /// The same seed gives the same weights.
    pub fn new(config: &ModelConfig, seed: u64) -> Self {
        Initial {
            random: ChaCha8Rng::seed_from_u64(seed),
            config: config.clone(),
        }
    }

    /// The next parameter's numbers.
    pub fn draw(&mut self, parameter: &Parameter) -> Vec<f32> {
        let name = parameter.name.as_str();
        match parameter.shape[..] {
            [size] if name.ends_with("norm.weight") => vec![1.0; size],
            [size] => vec![0.0; size],
            _ if name.contains("lora_B") => vec![0.0; parameter.elements()],
            _ => self.normal(parameter.elements(), self.deviation(parameter)),
        }
    }

    fn deviation(&self, parameter: &Parameter) -> f64 {
        let name = parameter.name.as_str();
        if name == EMBEDDING || name == super::config::HEAD {
            return self.config.initializer_range;
        }
        let inputs = parameter.shape[1] as f64;
        let writes = name.ends_with("o_proj.weight") || name.ends_with("down_proj.weight");
        match writes {
            true => 1.0 / (inputs * 2.0 * self.config.layers as f64).sqrt(),
            false => 1.0 / inputs.sqrt(),
        }
    }

    fn normal(&mut self, count: usize, deviation: f64) -> Vec<f32> {
        let normal = Normal::new(0.0, deviation).expect("a deviation above zero");
        let random = &mut self.random;
        normal
            .sample_iter(random)
            .map(|x| x as f32)
            .take(count)
            .collect()
    }
}

/// An adapter that changes nothing yet: `A` random, `B` zero.
pub fn initial_adapter(
    lora: &LoraConfig,
    config: &ModelConfig,
    seed: u64,
) -> Vec<(Parameter, Vec<f32>)> {
    let mut initial = Initial::new(config, seed);
    let drawn = lora.parameters(config).into_iter().map(|parameter| {
        let numbers = initial.draw(&parameter);
        (parameter, numbers)
    });
    drawn.collect()
}

//! Policies from folders, and back.

use super::adapter::{Adapter, LoraConfig, export_adapter};
use super::checkpoint::{Checkpoint, Dtype, Export, SHARD_BYTES, export};
use super::config::{ModelConfig, Parameter};
use super::decoder::Precision;
use super::engine::Engine;
use super::error::ModelError;
use super::initial::{Initial, initial_adapter};
use super::policy::Policy;
use super::weights::Weights;
use std::collections::HashMap;
use std::path::Path;

impl Policy {
    /// A new model with random weights; the same seed gives the same ones.
    ///
    /// # Errors
    /// Where the device has no memory left.
    pub fn initial(engine: &Engine, config: ModelConfig, seed: u64) -> Result<Self, ModelError> {
        let mut initial = Initial::new(&config, seed);
        let compute = Precision::on(engine.device()).compute;
        let weights = Weights::place(engine, config.parameters(), compute, |parameter| {
            Ok(initial.draw(parameter))
        })?;
        Ok(Policy::new(engine, config, weights))
    }

    /// The model of a folder in Hugging Face's layout.
    ///
    /// # Errors
    /// Where files are missing, damaged or not of the model that `config.json` describes, a weight
    /// is not finite, or the device has no memory left.
    pub fn load(engine: &Engine, folder: &Path) -> Result<Self, ModelError> {
        let config = ModelConfig::read(folder)?;
        let checkpoint = Checkpoint::open(folder, &config)?;
        if let Some(name) = checkpoint.first_not_finite() {
            let what = format!("{name} has a number that is not finite; the model is broken");
            return Err(ModelError::file(folder, what));
        }
        let compute = Precision::on(engine.device()).compute;
        let weights = Weights::place(engine, config.parameters(), compute, |parameter| {
            let mut numbers = vec![0.0; parameter.elements()];
            checkpoint.read_into(&parameter.name, &mut numbers)?;
            Ok(numbers)
        })?;
        Ok(Policy::new(engine, config, weights))
    }

    /// The same base with a new adapter, which changes nothing yet.
    ///
    /// # Errors
    /// Where the adapter's shape makes no sense, or the device has no memory left.
    pub fn with_initial_adapter(&self, lora: &LoraConfig, seed: u64) -> Result<Self, ModelError> {
        lora.check()?;
        let drawn = initial_adapter(lora, &self.config, seed);
        let mut numbers: HashMap<String, Vec<f32>> = drawn
            .into_iter()
            .map(|(parameter, numbers)| (parameter.name, numbers))
            .collect();
        self.place_adapter(lora.clone(), |parameter| {
            Ok(numbers.remove(&parameter.name).unwrap_or_default())
        })
    }

    /// The same base with the adapter of a folder in PEFT's layout.
    ///
    /// # Errors
    /// Where files are missing, damaged or not for this model, or the device has no memory left.
    pub fn load_adapter(&self, folder: &Path) -> Result<Self, ModelError> {
        let adapter = Adapter::open(folder, &self.config)?;
        if let Some(name) = adapter.first_not_finite() {
            let what = format!("{name} has a number that is not finite; the adapter is broken");
            return Err(ModelError::file(folder, what));
        }
        self.place_adapter(adapter.config().clone(), |parameter| {
            let mut numbers = vec![0.0; parameter.elements()];
            adapter.read_into(&parameter.name, &mut numbers)?;
            Ok(numbers)
        })
    }

    fn place_adapter(
        &self,
        lora: LoraConfig,
        read: impl FnMut(&Parameter) -> Result<Vec<f32>, ModelError>,
    ) -> Result<Self, ModelError> {
        let parameters = lora.parameters(&self.config);
        let compute = self.precision.compute;
        let weights = Weights::place(&self.engine, parameters, compute, read)?;
        Ok(self.with_adapter(lora, weights))
    }

    /// Writes the model, without its adapter, as a folder in Hugging Face's layout; the tokenizer's
    /// files are copied from `source`.
    ///
    /// # Errors
    /// Where something cannot be written; what was there before is there then.
    pub fn export(
        &self,
        folder: &Path,
        dtype: Dtype,
        source: Option<&Path>,
    ) -> Result<(), ModelError> {
        let what = Export {
            config: &self.config,
            dtype,
            shard_bytes: SHARD_BYTES,
            source,
        };
        export(folder, &what, |name| self.base.read(name))
    }

    /// Writes the adapter as a folder in PEFT's layout; `base` is where its model is to be found.
    ///
    /// # Errors
    /// Where there is no adapter, or something cannot be written.
    pub fn export_adapter(
        &self,
        folder: &Path,
        dtype: Dtype,
        base: Option<&str>,
    ) -> Result<(), ModelError> {
        let Some((lora, weights)) = &self.adapter else {
            return Err(ModelError::Input("the model has no adapter".to_owned()));
        };
        export_adapter(folder, lora, &self.config, base, dtype, |name| {
            weights.read(name)
        })
    }
}

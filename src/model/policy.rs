//! A model on a device: its configuration, its weights, and an adapter over them.

use super::adapter::LoraConfig;
use super::config::ModelConfig;
use super::decoder::Precision;
use super::engine::{Binding, Device, Engine};
use super::error::ModelError;
use super::graph::{ElementType, ScatterSum};
use super::weights::{Reading as Tensors, Weights};

/// A model that can be evaluated, sampled from and trained. A handle: clones share their weights,
/// and policies with adapters of their own may share one base.
#[derive(Clone)]
pub struct Policy {
    pub(super) engine: Engine,
    pub(super) config: ModelConfig,
    pub(super) precision: Precision,
    pub(super) base: Weights,
    pub(super) adapter: Option<(LoraConfig, Weights)>,
}

impl Precision {
    /// What fits a device: 32 bits on the processor, which has no arithmetic in 16; `bfloat16` on a
    /// GPU.
    pub fn on(device: Device) -> Self {
        match device {
            Device::Cpu => Precision {
                compute: ElementType::F32,
                scatter: ScatterSum::Elements,
            },
            Device::Cuda(_) => Precision {
                compute: ElementType::BF16,
                scatter: ScatterSum::Rows,
            },
        }
    }
}

impl Policy {
    /// A model whose weights are on the device.
    pub fn new(engine: &Engine, config: ModelConfig, base: Weights) -> Self {
        let precision = Precision {
            compute: base.element(),
            ..Precision::on(engine.device())
        };
        Policy {
            engine: engine.clone(),
            config,
            precision,
            base,
            adapter: None,
        }
    }

    /// The same weights, with graphs that are made otherwise than the device asks for.
    #[must_use]
    pub fn with_precision(&self, precision: Precision) -> Self {
        Policy {
            precision,
            ..self.clone()
        }
    }

    /// The same weights, with graphs that another engine of the device executes: see
    /// [`Engine::beside`].
    #[must_use]
    pub fn with_engine(&self, engine: &Engine) -> Self {
        Policy {
            engine: engine.clone(),
            ..self.clone()
        }
    }

    /// The same base with an adapter.
    #[must_use]
    pub fn with_adapter(&self, lora: LoraConfig, weights: Weights) -> Self {
        Policy {
            adapter: Some((lora, weights)),
            ..self.clone()
        }
    }

    /// The base without an adapter.
    #[must_use]
    pub fn without_adapter(&self) -> Self {
        Policy {
            adapter: None,
            ..self.clone()
        }
    }

    /// A policy with trained weights of its own, equal to this one's now: the model's where there is
    /// no adapter, else the adapter's.
    ///
    /// # Errors
    /// Where the device has no memory left.
    pub fn duplicate(&self) -> Result<Self, ModelError> {
        let mut copy = self.clone();
        match &mut copy.adapter {
            Some((_, weights)) => *weights = weights.duplicate(&self.engine)?,
            None => copy.base = copy.base.duplicate(&self.engine)?,
        }
        Ok(copy)
    }

    /// Its shape.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// What executes it.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The adapter's shape.
    pub fn lora(&self) -> Option<&LoraConfig> {
        self.adapter.as_ref().map(|(lora, _)| lora)
    }

    /// The base's weights.
    pub fn base(&self) -> &Weights {
        &self.base
    }

    /// What training changes: the adapter's weights, or the model's.
    pub fn trained(&self) -> &Weights {
        match &self.adapter {
            Some((_, weights)) => weights,
            None => &self.base,
        }
    }

    /// Held while a graph reads the weights.
    pub(super) fn reading(&self) -> (Tensors<'_>, Option<Tensors<'_>>) {
        let adapter = self.adapter.as_ref().map(|(_, weights)| weights.tensors());
        (self.base.tensors(), adapter)
    }

    /// What its graphs are compiled for.
    pub(super) fn key(&self, graph: &str) -> String {
        format!(
            "{graph} {:?} {:?} {:?}",
            self.config,
            self.lora(),
            self.precision
        )
    }

    /// Puts the weights at their inputs.
    pub(super) fn bind(&self, binding: &mut Binding) -> Result<(), ModelError> {
        self.base.bind(binding)?;
        match &self.adapter {
            Some((_, weights)) => weights.bind(binding),
            None => Ok(()),
        }
    }
}

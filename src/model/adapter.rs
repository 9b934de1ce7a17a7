//! Low-rank adapters, in the layout of Hugging Face's PEFT: `adapter_config.json` beside
//! `adapter_model.safetensors`.

mod json;

use std::path::Path;

use crate::model::checkpoint::{Dtype, Tensors, replace, write_file, write_json};
use crate::model::{ModelConfig, ModelError, Parameter};

/// What can be adapted, in the order of a layer.
pub const TARGETS: [&str; 7] = [
    "q_proj",
    "k_proj",
    "v_proj",
    "o_proj",
    "gate_proj",
    "up_proj",
    "down_proj",
];

const CONFIG: &str = "adapter_config.json";
const WEIGHTS: &str = "adapter_model.safetensors";
/// PEFT wraps a model in two others, whose names stand before its own.
const PREFIX: &str = "base_model.model.";

/// Which matrices an adapter changes, and how far. To a matrix `W` it adds `scale · B · A`.
#[derive(Debug, Clone, PartialEq)]
pub struct LoraConfig {
    /// The inner dimension of `B · A`.
    pub rank: usize,
    /// [`LoraConfig::scale`] times the rank.
    pub alpha: f64,
    /// Some of [`TARGETS`], in any order, or `all-linear` for all of them.
    pub targets: Vec<String>,
}

impl LoraConfig {
    /// What `B · A` is multiplied by.
    pub fn scale(&self) -> f64 {
        self.alpha / self.rank as f64
    }

    /// Whether a matrix, such as `q_proj`, is adapted.
    pub fn adapts(&self, target: &str) -> bool {
        let named = |name: &String| name == target || name == "all-linear";
        TARGETS.contains(&target) && self.targets.iter().any(named)
    }

    /// Checks the numbers and names.
    ///
    /// # Errors
    /// If the rank or alpha is not above 0, or a target is unknown or none is named.
    pub fn check(&self) -> Result<(), ModelError> {
        let known = |name: &&String| TARGETS.contains(&&***name) || **name == "all-linear";
        let what = if self.rank == 0 {
            "the rank of an adapter has to be above 0".to_owned()
        } else if !(self.alpha > 0.0 && self.alpha.is_finite()) {
            format!(
                "alpha of an adapter is {}, not a number above 0",
                self.alpha
            )
        } else if self.targets.is_empty() {
            "an adapter needs targets".to_owned()
        } else if let Some(name) = self.targets.iter().find(|name| !known(name)) {
            format!("{name:?} cannot be adapted; {}", supported_targets())
        } else {
            return Ok(());
        };
        Err(ModelError::Input(what))
    }

    /// An adapter's parameters, layer by layer and in the order of [`TARGETS`]: for each matrix
    /// `[out, in]` first `….lora_A.weight`, `[rank, in]`, then `….lora_B.weight`, `[out, rank]`.
    pub fn parameters(&self, model: &ModelConfig) -> Vec<Parameter> {
        let adapted = |parameter: &Parameter| {
            let module = parameter.name.strip_suffix(".weight")?;
            let (_, target) = module.rsplit_once('.')?;
            self.adapts(target).then(|| module.to_owned())
        };
        let mut all = Vec::new();
        for parameter in model.parameters() {
            if let (Some(module), &[out, into]) = (adapted(&parameter), &parameter.shape[..]) {
                for (half, shape) in [("A", [self.rank, into]), ("B", [out, self.rank])] {
                    all.push(Parameter {
                        name: format!("{module}.lora_{half}.weight"),
                        shape: shape.to_vec(),
                    });
                }
            }
        }
        all
    }
}

fn supported_targets() -> String {
    format!("supported are {} and \"all-linear\"", TARGETS.join(", "))
}

/// An adapter on disk, mapped into memory.
#[derive(Debug)]
pub struct Adapter {
    config: LoraConfig,
    base: Option<String>,
    tensors: Tensors,
}

impl Adapter {
    /// Opens the adapter of a folder and checks it against the model that it is for.
    ///
    /// # Errors
    /// If files are absent or damaged; if the adapter is of a kind that there is no code for (the
    /// message names the field); if tensors are missing, superfluous or of another shape.
    pub fn open(folder: &Path, model: &ModelConfig) -> Result<Self, ModelError> {
        let (config, base) = json::read(&folder.join(CONFIG))?;
        let weights = folder.join(WEIGHTS);
        if !weights.exists() {
            let what = match folder.join("adapter_model.bin").exists() {
                true => {
                    "has adapter_model.bin but no adapter_model.safetensors; load and save it \
                         with PEFT, which writes safetensors"
                }
                false => "has no adapter_model.safetensors",
            };
            return Err(ModelError::file(folder, what));
        }
        let tensors = Tensors::open(&[weights])?;
        tensors.compare(folder, &on_disk(&config.parameters(model)), |_| false)?;
        Ok(Adapter {
            config,
            base,
            tensors,
        })
    }

    /// What the adapter changes. One with rank-stabilized scaling has the alpha that gives the same
    /// scale without.
    pub fn config(&self) -> &LoraConfig {
        &self.config
    }

    /// The name or path of the model that the adapter was made for, as whoever made it knew it.
    pub fn base(&self) -> Option<&str> {
        self.base.as_deref()
    }

    /// Reads one of [`LoraConfig::parameters`], in row-major order.
    ///
    /// # Errors
    /// If there is none of this name, or `into` has not its length.
    pub fn read_into(&self, name: &str, into: &mut [f32]) -> Result<(), ModelError> {
        self.tensors.read_into(&format!("{PREFIX}{name}"), into)
    }

    /// Adds `scale · B · A` to the numbers of a model's parameter, if the adapter changes it.
    ///
    /// # Errors
    /// If the numbers are not as many as the parameter has.
    pub fn merge_into(&self, parameter: &Parameter, numbers: &mut [f32]) -> Result<(), ModelError> {
        let Some(module) = parameter.name.strip_suffix(".weight") else {
            return Ok(());
        };
        let target = module.rsplit('.').next().unwrap_or_default();
        let &[out, into] = &parameter.shape[..] else {
            return Ok(());
        };
        if !self.config.adapts(target) {
            return Ok(());
        }
        if numbers.len() != out * into {
            return Err(ModelError::Input(format!(
                "{} has {} numbers, and was given {}",
                parameter.name,
                out * into,
                numbers.len()
            )));
        }
        let (rank, scale) = (self.config.rank, self.config.scale());
        let (mut a, mut b) = (vec![0.0; rank * into], vec![0.0; out * rank]);
        self.read_into(&format!("{module}.lora_A.weight"), &mut a)?;
        self.read_into(&format!("{module}.lora_B.weight"), &mut b)?;
        let mut sums = vec![0.0_f64; into];
        for (row, weights) in numbers.chunks_mut(into).zip(b.chunks(rank)) {
            sums.fill(0.0);
            for (weight, line) in weights.iter().zip(a.chunks(into)) {
                for (sum, x) in sums.iter_mut().zip(line) {
                    *sum += f64::from(*weight) * f64::from(*x);
                }
            }
            for (number, sum) in row.iter_mut().zip(&sums) {
                *number = (f64::from(*number) + scale * sum) as f32;
            }
        }
        Ok(())
    }

    /// The name of the first tensor with a number that is infinite or none at all.
    pub fn first_not_finite(&self) -> Option<&str> {
        self.tensors.first_not_finite()?.strip_prefix(PREFIX)
    }
}

/// Writes an adapter of `model` into `folder`, for PEFT and [`Adapter::open`]. `base` is the name
/// or path of the model. `read` is asked for each of [`LoraConfig::parameters`] once, in order.
/// The folder is replaced as [`export`](crate::model::checkpoint::export) does it.
///
/// # Errors
/// If the configuration is not one that [`LoraConfig::check`] accepts, something cannot be written,
/// `read` fails or gives another count of numbers, or the folder holds other files than an
/// adapter's. What was there before is there then.
pub fn export_adapter(
    folder: &Path,
    config: &LoraConfig,
    model: &ModelConfig,
    base: Option<&str>,
    dtype: Dtype,
    mut read: impl FnMut(&str) -> Result<Vec<f32>, ModelError>,
) -> Result<(), ModelError> {
    config.check()?;
    // PEFT puts a README.md into the folders that it saves.
    let ours = |name: &str| [CONFIG, WEIGHTS, "README.md"].contains(&name);
    replace(folder, ours, |new| {
        let parameters = on_disk(&config.parameters(model));
        write_file(&new.join(WEIGHTS), &parameters, dtype, |parameter| {
            read(parameter.name.trim_start_matches(PREFIX))
        })?;
        write_json(&new.join(CONFIG), &json::to_json(config, base))
    })
}

fn on_disk(parameters: &[Parameter]) -> Vec<Parameter> {
    let prefixed = |parameter: &Parameter| Parameter {
        name: format!("{PREFIX}{}", parameter.name),
        shape: parameter.shape.clone(),
    };
    parameters.iter().map(prefixed).collect()
}

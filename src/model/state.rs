//! The state of training on disk: what is needed to go on to the same numbers.

use super::checkpoint::{Dtype, Tensors, replace, write_file, write_json};
use super::config::Parameter;
use super::error::ModelError;
use super::optimizer::{AdamW, master_name};
use super::trainer::Trainer;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The files: trained weights, the optimizer's moments, and what else there is to know.
const WEIGHTS: &str = "weights.safetensors";
const MOMENTS: &str = "moments.safetensors";
const STATE: &str = "trainer.json";

/// What else there is to know.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct State {
    /// Updates made.
    step: u64,
    /// How they were made.
    adam: AdamW,
    /// SHA-256 of the files of tensors.
    weights: String,
    moments: String,
}

impl Trainer {
    /// Saves the state as a folder of its own, in place of an older one. Derivatives that are not
    /// applied yet are not part of it.
    ///
    /// # Errors
    /// Where something cannot be written, such as on a full disk: what was there before is there
    /// then.
    pub fn save(&mut self, folder: &Path) -> Result<(), ModelError> {
        replace(folder, Self::is_state_file, |new| self.write(new))
    }

    /// Whether a file of this name is one of those that [`Trainer::write`] writes.
    pub fn is_state_file(name: &str) -> bool {
        [WEIGHTS, MOMENTS, STATE].contains(&name)
    }

    /// Writes the state's files into a folder that is there.
    ///
    /// # Errors
    /// Where something cannot be written.
    pub fn write(&mut self, folder: &Path) -> Result<(), ModelError> {
        let trained = self.policy().trained().clone();
        let parameters = trained.parameters().to_vec();
        let weights = folder.join(WEIGHTS);
        let narrow = self
            .lasting()
            .any(|(name, _)| name.starts_with(&master_name("")));
        write_file(
            &weights,
            &parameters,
            Dtype::F32,
            |parameter| match narrow {
                false => trained.read(&parameter.name),
                true => self.read_lasting(&master_name(&parameter.name)),
            },
        )?;
        let moments = folder.join(MOMENTS);
        let names = self.moments();
        write_file(&moments, &names, Dtype::F32, |parameter| {
            self.read_lasting(&parameter.name)
        })?;
        let state = State {
            step: self.steps(),
            adam: *self.adam(),
            weights: digest(&weights)?,
            moments: digest(&moments)?,
        };
        write_json(&folder.join(STATE), &state)
    }

    /// Goes on from a saved state: the weights of the policy, the optimizer and the step are then
    /// what they were.
    ///
    /// # Errors
    /// Where files are missing or damaged, or are of another model or another optimizer; nothing has
    /// changed then.
    pub fn resume(&mut self, folder: &Path) -> Result<(), ModelError> {
        let path = folder.join(STATE);
        let text = std::fs::read(&path)
            .map_err(|error| ModelError::file(&path, format_args!("cannot be read: {error}")))?;
        let state: State = serde_json::from_slice(&text).map_err(|error| {
            ModelError::file(&path, format_args!("is no state of training: {error}"))
        })?;
        if state.adam != *self.adam() {
            let what = format!(
                "was saved with other settings of the optimizer: {:?}, not {:?}",
                state.adam,
                self.adam()
            );
            return Err(ModelError::file(&path, what));
        }
        let weights = open(&folder.join(WEIGHTS), &state.weights)?;
        let moments = open(&folder.join(MOMENTS), &state.moments)?;
        let trained = self.policy().trained().clone();
        weights.compare(folder, trained.parameters(), |_| false)?;
        moments.compare(folder, &self.moments(), |_| false)?;
        let read = |tensors: &Tensors, name: &str, elements| {
            let mut numbers = vec![0.0; elements];
            tensors.read_into(name, &mut numbers).map(|()| numbers)
        };
        for parameter in trained.parameters() {
            let numbers = read(&weights, &parameter.name, parameter.elements())?;
            trained.write(&parameter.name, &numbers)?;
        }
        let master = master_name("");
        for (name, tensor) in self.lasting() {
            let elements = tensor.shape().iter().product();
            let numbers = match name.strip_prefix(&master) {
                Some(parameter) => read(&weights, parameter, elements)?,
                None => read(&moments, name, elements)?,
            };
            tensor.write(&numbers)?;
        }
        self.resume_at(state.step);
        Ok(())
    }

    /// Names and shapes of the optimizer's moments.
    fn moments(&mut self) -> Vec<Parameter> {
        let master = master_name("");
        self.lasting()
            .filter(|(name, _)| !name.starts_with(&master))
            .map(|(name, tensor)| Parameter {
                name: name.clone(),
                shape: tensor.shape(),
            })
            .collect()
    }

    fn read_lasting(&mut self, name: &str) -> Result<Vec<f32>, ModelError> {
        let found = self.lasting().find(|(other, _)| *other == name);
        match found {
            Some((_, tensor)) => tensor.read(),
            None => Err(ModelError::Input(format!("there is no state {name}"))),
        }
    }
}

fn digest(path: &Path) -> Result<String, ModelError> {
    crate::wheel::digest(path)
        .map_err(|error| ModelError::file(path, format_args!("cannot be read: {error}")))
}

fn open(path: &Path, expected: &str) -> Result<Tensors, ModelError> {
    if digest(path)? != expected {
        let what = "is damaged: its digest is not the one it was saved with";
        return Err(ModelError::file(path, what));
    }
    Tensors::open(&[path.to_owned()])
}

//! Weights on a device, shared by whatever reads them.

use super::config::Parameter;
use super::engine::{Binding, Engine, Tensor};
use super::error::ModelError;
use super::graph::ElementType;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Named tensors on a device. A handle: clones share the tensors, so that a trainer's update is what
/// a sampler reads next, and an adapter's base exists once.
#[derive(Clone)]
pub struct Weights(Arc<Inner>);

struct Inner {
    parameters: Vec<Parameter>,
    element: ElementType,
    tensors: RwLock<BTreeMap<String, Tensor>>,
}

/// Keeps weights from being written.
pub(super) type Reading<'a> = RwLockReadGuard<'a, BTreeMap<String, Tensor>>;

impl Weights {
    /// Places weights on the device, each read by name as `[elements]` in the order of its shape.
    ///
    /// # Errors
    /// What `read` gives, or that the device has no memory left.
    pub fn place(
        engine: &Engine,
        parameters: Vec<Parameter>,
        element: ElementType,
        mut read: impl FnMut(&Parameter) -> Result<Vec<f32>, ModelError>,
    ) -> Result<Self, ModelError> {
        let mut tensors = BTreeMap::new();
        for parameter in &parameters {
            let numbers = read(parameter)?;
            let tensor = engine.tensor(element, &parameter.shape, &numbers)?;
            tensors.insert(parameter.name.clone(), tensor);
        }
        Ok(Weights(Arc::new(Inner {
            parameters,
            element,
            tensors: RwLock::new(tensors),
        })))
    }

    /// Names and shapes, in the order of a checkpoint.
    pub fn parameters(&self) -> &[Parameter] {
        &self.0.parameters
    }

    /// The type of their elements.
    pub fn element(&self) -> ElementType {
        self.0.element
    }

    /// The numbers of one of them.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub fn read(&self, name: &str) -> Result<Vec<f32>, ModelError> {
        match self.tensors().get(name) {
            Some(tensor) => tensor.read(),
            None => Err(ModelError::Input(format!("there is no weight {name}"))),
        }
    }

    /// Overwrites one of them.
    ///
    /// # Errors
    /// Where there is none of that name and size.
    pub fn write(&self, name: &str, numbers: &[f32]) -> Result<(), ModelError> {
        match self.tensors_mut().get_mut(name) {
            Some(tensor) if tensor.shape().iter().product::<usize>() == numbers.len() => {
                tensor.write(numbers)
            }
            _ => Err(ModelError::Input(format!(
                "there is no weight {name} of {} numbers",
                numbers.len()
            ))),
        }
    }

    /// Copies all numbers of other weights of the same names and shapes.
    ///
    /// # Errors
    /// Where names or sizes differ.
    pub fn copy_from(&self, other: &Weights) -> Result<(), ModelError> {
        for parameter in self.parameters() {
            self.write(&parameter.name, &other.read(&parameter.name)?)?;
        }
        Ok(())
    }

    /// The same numbers in tensors of their own.
    ///
    /// # Errors
    /// Where the device has no memory left.
    pub fn duplicate(&self, engine: &Engine) -> Result<Self, ModelError> {
        let parameters = self.0.parameters.clone();
        Weights::place(engine, parameters, self.0.element, |parameter| {
            self.read(&parameter.name)
        })
    }

    /// Bytes on the device.
    pub fn bytes(&self) -> usize {
        let elements: usize = self.0.parameters.iter().map(Parameter::elements).sum();
        elements * self.0.element.bytes()
    }

    /// The name of a weight that is not finite.
    ///
    /// # Errors
    /// Where the device cannot be read.
    pub fn not_finite(&self) -> Result<Option<String>, ModelError> {
        for parameter in self.parameters() {
            if self.read(&parameter.name)?.iter().any(|x| !x.is_finite()) {
                return Ok(Some(parameter.name.clone()));
            }
        }
        Ok(None)
    }

    /// Held while a graph reads the tensors.
    pub(super) fn tensors(&self) -> Reading<'_> {
        self.0
            .tensors
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Held while a graph writes them.
    pub(super) fn tensors_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Tensor>> {
        self.0
            .tensors
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts each at the input of its name.
    pub(super) fn bind(&self, binding: &mut Binding) -> Result<(), ModelError> {
        for (name, tensor) in self.tensors().iter() {
            binding.input(name, tensor)?;
        }
        Ok(())
    }
}

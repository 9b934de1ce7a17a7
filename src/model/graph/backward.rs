//! The tape, and derivatives from it.

use super::{Dim, Graph, Value};
use std::collections::HashMap;

/// The vector-Jacobian product of an operation: from the derivatives of its outputs to those of its
/// inputs, `None` where an input is not tracked.
pub(super) type Product = Box<dyn Fn(&Graph, &[Value]) -> Vec<Option<Value>>>;

/// An operation on the tape.
pub(super) struct Record {
    outputs: Vec<Value>,
    inputs: Vec<Value>,
    product: Product,
}

impl Graph {
    /// Puts an operation with one output on the tape, where an input of it is tracked.
    pub(super) fn record(
        &self,
        output: Value,
        inputs: &[Value],
        product: impl Fn(&Graph, Value) -> Vec<Option<Value>> + 'static,
    ) -> Value {
        self.record_all(&[output], inputs, move |graph, gradients| {
            product(graph, gradients[0])
        });
        output
    }

    /// Puts an operation with any number of outputs on the tape.
    pub(super) fn record_all(
        &self,
        outputs: &[Value],
        inputs: &[Value],
        product: impl Fn(&Graph, &[Value]) -> Vec<Option<Value>> + 'static,
    ) {
        if self.paused.get() || !inputs.iter().any(|input| self.tracked(*input)) {
            return;
        }
        for output in outputs {
            self.values.borrow_mut()[output.0].tracked = true;
        }
        self.tape.borrow_mut().push(Record {
            outputs: outputs.to_vec(),
            inputs: inputs.to_vec(),
            product: Box::new(product),
        });
    }

    /// Adds the derivative of a number with respect to some values, in their shapes.
    ///
    /// # Panics
    /// Where a value has no influence on the number.
    pub fn backward(&self, number: Value, values: &[Value]) -> Vec<Value> {
        let one = self.scalar(self.element(number), 1.0);
        let records = self.tape.take();
        let gradients = self.paused(|| self.pull(&records, number, one, values));
        self.tape.replace(records);
        let missing = |value: &Value| panic!("no derivative for {}", self.name(*value));
        values
            .iter()
            .zip(gradients)
            .map(|(value, gradient)| gradient.unwrap_or_else(|| missing(value)))
            .collect()
    }

    /// Walks a tape backwards from one value's derivative to those of others.
    fn pull(
        &self,
        records: &[Record],
        from: Value,
        seed: Value,
        to: &[Value],
    ) -> Vec<Option<Value>> {
        let mut gradients = HashMap::from([(from, seed)]);
        for record in records.iter().rev() {
            if !record.outputs.iter().any(|x| gradients.contains_key(x)) {
                continue;
            }
            let incoming: Vec<Value> = record
                .outputs
                .iter()
                .map(|output| {
                    let known = gradients.get(output).copied();
                    known.unwrap_or_else(|| self.zeros_like(*output))
                })
                .collect();
            let outgoing = (record.product)(self, &incoming);
            for (input, gradient) in record.inputs.iter().zip(outgoing) {
                let Some(gradient) = gradient.filter(|_| self.tracked(*input)) else {
                    continue;
                };
                let sum = match gradients.get(input) {
                    Some(other) => self.add(*other, gradient),
                    None => gradient,
                };
                gradients.insert(*input, sum);
            }
        }
        to.iter()
            .map(|value| gradients.get(value).copied())
            .collect()
    }

    /// Activation checkpointing (Chen et al. 2016, arXiv 1604.06174): applies `segment` to `inputs`
    /// and `parameters` without keeping what it computes in between; the derivative computes it
    /// again. `segment` must give the same nodes each time.
    pub fn checkpoint(
        &self,
        inputs: &[Value],
        parameters: &[Value],
        segment: impl Fn(&Graph, &[Value], &[Value]) -> Value + 'static,
    ) -> Value {
        let output = self.paused(|| segment(self, inputs, parameters));
        let all: Vec<Value> = inputs.iter().chain(parameters).copied().collect();
        let count = inputs.len();
        let captured = all.clone();
        self.record(output, &all, move |graph, gradient| {
            // The inputs of the second computation depend on the derivative that comes in. Otherwise
            // the runtime would find both computations equal and keep the first one's results, or
            // start the second before it is needed.
            let zero = graph.zero_behind(gradient);
            let (inputs, parameters) = captured.split_at(count);
            let again: Vec<Value> = inputs.iter().map(|x| graph.tied(*x, zero)).collect();
            let before = graph.tape.take();
            let paused = graph.paused.replace(false);
            let output = segment(graph, &again, parameters);
            graph.paused.set(paused);
            let records = graph.tape.replace(before);
            let to: Vec<Value> = again.iter().chain(parameters).copied().collect();
            graph.pull(&records, output, gradient, &to)
        })
    }

    /// Zero, but known only after `value`.
    fn zero_behind(&self, value: Value) -> Value {
        let element = self.element(value);
        let first: Vec<i64> = vec![1; self.rank(value)];
        let corner = self.emit(
            "Slice",
            &[
                value,
                self.integers(&vec![0; first.len()]),
                self.integers(&first),
            ],
            &[],
            (vec![Dim::Fixed(1); first.len()], element),
        );
        let number = self.emit(
            "Reshape",
            &[corner, self.integers(&[])],
            &[],
            (vec![], element),
        );
        self.mul(number, self.scalar(element, 0.0))
    }

    /// The same value with the same tracking, but computed after `zero`.
    fn tied(&self, value: Value, zero: Value) -> Value {
        let zero = self.cast(zero, self.element(value));
        let made = (self.shape(value), self.element(value));
        let copy = self.emit("Add", &[value, zero], &[], made);
        self.values.borrow_mut()[copy.0].tracked = self.tracked(value);
        copy
    }
}

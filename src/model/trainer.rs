//! Training: derivatives of batches are accumulated, then applied.

use super::batch::Batch;
use super::config::{ModelConfig, Parameter};
use super::decoder::{Causal, Decoder, LAYOUT, LENGTH, ROWS, TOKENS, Trained, layout};
use super::engine::{Binding, Tensor};
use super::error::ModelError;
use super::graph::ElementType;
use super::graph::{Dim, Graph, Value};
use super::loss::{Loss, Terms};
use super::optimizer::{
    AdamW, gradient_name, master_name, mean_name, next_name, norm_graph, square_name, update_graph,
};
use super::policy::Policy;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// How the derivative is computed; the numbers do not depend on it, but for rounding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Memory {
    /// Keep only each block's input and compute the block again for its derivative: less than half
    /// of the memory for a tenth more time.
    pub checkpoint: bool,
    /// Logits are computed for this many tokens at a time, and again for their derivative; 0 is all
    /// at once. 1,024 tokens of a vocabulary of 152 K are 620 MB.
    pub head_tokens: usize,
}

/// What a batch gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// Its share of the loss.
    pub loss: f64,
    /// Log-probabilities of the targets before the update, `[rows, length]`.
    pub logp: Vec<f32>,
}

/// Numbers that a loss reads beside the batch, row by row.
#[derive(Debug, Clone, PartialEq)]
pub enum Extra {
    /// For [`Loss::Likelihood`].
    None,
    /// For [`Loss::Preference`].
    Preference {
        /// Log-probabilities of the rows under the reference, `[rows]`.
        reference: Vec<f64>,
        /// Weights of the pairs, `[rows / 2]`.
        weight: Vec<f64>,
    },
    /// For [`Loss::Policy`], each `[rows, length]`.
    Policy {
        /// How much better than expected each token was.
        advantage: Vec<f64>,
        /// Log-probabilities under the policy that was sampled from.
        old: Vec<f64>,
        /// Log-probabilities under the reference.
        reference: Vec<f64>,
    },
}

impl Extra {
    /// The inputs of a graph that it is for: names, shapes and numbers.
    fn inputs(&self, batch: &Batch) -> Vec<(&'static str, Vec<usize>, &[f64])> {
        let whole = vec![batch.rows, batch.length];
        match self {
            Extra::None => vec![],
            Extra::Preference { reference, weight } => vec![
                ("reference", vec![batch.rows], reference),
                ("weight", vec![batch.rows / 2], weight),
            ],
            Extra::Policy {
                advantage,
                old,
                reference,
            } => vec![
                ("advantage", whole.clone(), advantage),
                ("old", whole.clone(), old),
                ("reference", whole, reference),
            ],
        }
    }

    /// Checks that it is what a loss reads beside a batch. What was bound for an earlier batch would
    /// be read in place of what is not given.
    fn check(&self, loss: Loss, batch: &Batch) -> Result<(), ModelError> {
        let fault = match (loss, self) {
            (Loss::Preference { .. }, Extra::Preference { .. })
                if !batch.rows.is_multiple_of(2) =>
            {
                format!("{} rows are not pairs of chosen and rejected", batch.rows)
            }
            (Loss::Likelihood, Extra::None)
            | (Loss::Preference { .. }, Extra::Preference { .. })
            | (Loss::Policy { .. }, Extra::Policy { .. }) => {
                let inputs = self.inputs(batch);
                let is_wrong = |(_, shape, numbers): &&(_, Vec<usize>, &[f64])| {
                    numbers.len() != shape.iter().product::<usize>()
                };
                match inputs.iter().find(is_wrong) {
                    None => return Ok(()),
                    Some((name, shape, numbers)) => format!(
                        "{name} has {} numbers, the batch needs {shape:?}",
                        numbers.len()
                    ),
                }
            }
            _ => format!("{loss:?} was given the numbers of another loss"),
        };
        Err(ModelError::Input(fault))
    }
}

/// A policy being trained: owns derivatives and the optimizer's state on the device.
pub struct Trainer {
    policy: Policy,
    adam: AdamW,
    memory: Memory,
    step: u64,
    /// Gradients, moments and wide weights, by the names of the graphs' inputs.
    state: BTreeMap<String, Tensor>,
    accumulating: HashMap<String, Binding>,
    norm: Binding,
    update: Binding,
    /// Whether derivatives of this step have been added already.
    begun: bool,
}

impl Trainer {
    /// Prepares to train a policy: its adapter where it has one, else all of its weights.
    ///
    /// # Errors
    /// Where the optimizer's settings make no sense, or the device has no memory left or cannot
    /// execute a graph.
    pub fn new(policy: &Policy, adam: AdamW, memory: Memory) -> Result<Self, ModelError> {
        adam.check()?;
        let (engine, precision) = (&policy.engine, policy.precision);
        let wide = precision.wide();
        let parameters = policy.trained().parameters().to_vec();
        let mut state = BTreeMap::new();
        for parameter in &parameters {
            for name in [gradient_name, mean_name, square_name] {
                let tensor = engine.zeros(wide, &parameter.shape)?;
                state.insert(name(&parameter.name), tensor);
            }
            if precision.compute != wide {
                let numbers = policy.trained().read(&parameter.name)?;
                let tensor = engine.tensor(wide, &parameter.shape, &numbers)?;
                state.insert(master_name(&parameter.name), tensor);
            }
        }
        let norm = engine.program(&policy.key("norm"), || norm_graph(&parameters, wide))?;
        let key = policy.key(&format!("update {adam:?}"));
        let update = engine.program(&key, || {
            update_graph(&parameters, precision.compute, wide, &adam)
        })?;
        let mut trainer = Trainer {
            policy: policy.clone(),
            adam,
            memory,
            step: 0,
            state,
            accumulating: HashMap::new(),
            norm: norm.bind()?,
            update: update.bind()?,
            begun: false,
        };
        trainer.bind_updates(&parameters)?;
        Ok(trainer)
    }

    fn bind_updates(&mut self, parameters: &[Parameter]) -> Result<(), ModelError> {
        self.norm.fetch("norm");
        let wide = self.policy.precision.wide();
        let narrow = self.policy.precision.compute != wide;
        let weights = self.policy.trained().clone();
        let mut weights = weights.tensors_mut();
        for parameter in parameters {
            let name = &parameter.name;
            let gradient = gradient_name(name);
            self.norm.input(&gradient, &self.state[&gradient])?;
            self.update.input(&gradient, &self.state[&gradient])?;
            let mut kept = vec![mean_name(name), square_name(name)];
            if narrow {
                kept.push(master_name(name));
            }
            for name in kept {
                let tensor = self.state.get_mut(&name).expect("made above");
                self.update.input(&name, tensor)?;
                self.update.output(&next_name(&name), tensor)?;
            }
            let weight = weights.get_mut(name).expect("a weight of every parameter");
            if !narrow {
                self.update.input(name, weight)?;
            }
            self.update.output(&next_name(name), weight)?;
        }
        Ok(())
    }

    /// The policy that is trained.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Updates made so far.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// Adds a batch's derivatives to those of this step. The loss is divided by `normalizer`, which
    /// is to be the same for all batches of a step: tokens or weights of all of them.
    ///
    /// # Errors
    /// [`ModelError::NotFinite`] where the loss is not. Where the batch does not fit the model or the
    /// loss; the step is then as it was. After all other errors its derivatives are forgotten.
    pub fn accumulate(
        &mut self,
        loss: Loss,
        batch: &Batch,
        extra: &Extra,
        normalizer: f64,
    ) -> Result<Evaluated, ModelError> {
        batch.check(&self.policy.config)?;
        extra.check(loss, batch)?;
        let parts = self.head_parts(batch);
        let form = Form {
            loss,
            parts,
            memory: self.memory,
            adds: self.begun,
        };
        let key = form.key();
        if !self.accumulating.contains_key(&key) {
            let binding = self.bind_accumulation(form)?;
            self.accumulating.insert(key.clone(), binding);
        }
        let wide = self.policy.precision.wide();
        let policy = self.policy.clone();
        let _reading = policy.reading();
        let binding = self.accumulating.get_mut(&key).expect("bound above");
        let size = (batch.rows, batch.length);
        bind_batch(binding, &policy.config, size, &batch.tokens, &batch.targets)?;
        bind_extra(binding, extra, batch, wide)?;
        binding.input("normalizer", &Tensor::of(wide, &[], &[normalizer])?)?;
        // A run that fails may have added a part of the derivatives.
        self.begun = false;
        let fetched = binding.run()?;
        let loss = fetched[0].number()?;
        let logp = fetched[1].read::<f32>()?;
        if !loss.is_finite() {
            return Err(self.not_finite("the loss"));
        }
        self.begun = true;
        Ok(Evaluated { loss, logp })
    }

    fn head_parts(&self, batch: &Batch) -> usize {
        match self.memory.head_tokens {
            0 => 1,
            tokens => (batch.rows * batch.length).div_ceil(tokens),
        }
    }

    fn bind_accumulation(&mut self, form: Form) -> Result<Binding, ModelError> {
        let policy = self.policy.clone();
        let key = policy.key(&format!("accumulate {}", form.key()));
        let program = policy
            .engine
            .program(&key, || accumulation_graph(&policy, form))?;
        let mut binding = program.bind()?;
        policy.bind(&mut binding)?;
        binding.fetch("loss");
        binding.fetch("logp");
        for parameter in policy.trained().parameters() {
            let name = gradient_name(&parameter.name);
            let tensor = self.state.get_mut(&name).expect("made at the start");
            if form.adds {
                binding.input(&name, tensor)?;
            }
            binding.output(&next_name(&name), tensor)?;
        }
        Ok(binding)
    }

    /// Adds the derivatives that another trainer of the same weights has accumulated, and which it
    /// forgets: two trainers with engines of their own may share the batches of a step.
    ///
    /// # Errors
    /// Where it trains other parameters, or the device fails; the step is then undefined, and both
    /// forget it.
    pub fn take_from(&mut self, other: &mut Trainer) -> Result<(), ModelError> {
        let (begun, given) = (self.begun, std::mem::take(&mut other.begun));
        if !given {
            return Ok(());
        }
        self.begun = false;
        for parameter in self.policy.trained().parameters() {
            let name = gradient_name(&parameter.name);
            let numbers = match other.state.get(&name) {
                Some(tensor) => tensor.read::<f32>()?,
                None => {
                    let what = format!("{} is not trained by both trainers", parameter.name);
                    return Err(ModelError::Input(what));
                }
            };
            let tensor = self.state.get_mut(&name).expect("made at the start");
            let sum: Vec<f32> = match begun {
                true => {
                    let own = tensor.read::<f32>()?;
                    own.iter().zip(&numbers).map(|(a, b)| a + b).collect()
                }
                false => numbers,
            };
            tensor.write(&sum)?;
        }
        self.begun = true;
        Ok(())
    }

    /// Takes a step with the accumulated derivatives; gives their norm before clipping.
    ///
    /// # Errors
    /// [`ModelError::NotFinite`] where the norm is not: the weights stay as they are and the
    /// derivatives are forgotten. Where nothing was accumulated, or the learning rate is no number
    /// from 0 on.
    pub fn apply(&mut self, learning_rate: f64) -> Result<f64, ModelError> {
        if !(learning_rate >= 0.0 && (learning_rate as f32).is_finite()) {
            return Err(ModelError::Input(format!(
                "a learning rate of {learning_rate} is not a number from 0 on"
            )));
        }
        if !self.begun {
            return Err(ModelError::Input(
                "there are no derivatives to apply: no batch was accumulated".to_owned(),
            ));
        }
        let norm = self.norm.run()?[0].number()?;
        if !norm.is_finite() {
            self.begun = false;
            return Err(self.not_finite("the norm of the derivatives"));
        }
        let wide = self.policy.precision.wide();
        let numbers = self.adam.numbers(self.step + 1, learning_rate, norm);
        for (name, number) in numbers {
            self.update
                .input(name, &Tensor::of(wide, &[], &[number])?)?;
        }
        {
            // Nobody may read the weights while they change.
            let weights = self.policy.trained().clone();
            let _writing = weights.tensors_mut();
            self.update.run()?;
        }
        self.step += 1;
        self.begun = false;
        Ok(norm)
    }

    /// Forgets the derivatives that have been accumulated.
    pub fn forget(&mut self) {
        self.begun = false;
    }

    /// The derivatives that have been accumulated, `[elements]` of a parameter's shape.
    ///
    /// # Errors
    /// Where there is no such parameter.
    pub fn gradient(&self, parameter: &str) -> Result<Vec<f64>, ModelError> {
        match self.state.get(&gradient_name(parameter)) {
            Some(tensor) => tensor.read(),
            None => Err(ModelError::Input(format!("{parameter} is not trained"))),
        }
    }

    fn not_finite(&self, what: &str) -> ModelError {
        ModelError::NotFinite(format!("step {}: {what}", self.step + 1))
    }

    /// How it takes steps.
    pub fn adam(&self) -> &AdamW {
        &self.adam
    }

    /// The state's tensors that outlast a step, by name: moments, and weights in more bits.
    pub(super) fn lasting(&mut self) -> impl Iterator<Item = (&String, &mut Tensor)> {
        let is_gradient = |name: &str| name.starts_with(&gradient_name(""));
        self.state
            .iter_mut()
            .filter(move |(name, _)| !is_gradient(name))
    }

    /// Takes up at a step, without derivatives.
    pub(super) fn resume_at(&mut self, step: u64) {
        self.step = step;
        self.begun = false;
    }
}

/// Puts rows of tokens, and what they are to predict, at their inputs.
fn bind_batch(
    binding: &mut Binding,
    config: &ModelConfig,
    (rows, length): (usize, usize),
    tokens: &[i64],
    targets: &[i64],
) -> Result<(), ModelError> {
    let integers = |shape: &[usize], numbers: &[i64]| Tensor::of(ElementType::I64, shape, numbers);
    let layout = integers(&[4], &layout(config, rows, length))?;
    binding.input(LAYOUT, &layout)?;
    binding.input("tokens", &integers(&[rows, length], tokens)?)?;
    binding.input("targets", &integers(&[rows, length], targets)?)
}

/// Puts `mask` and what the loss reads at their inputs; all have been checked.
fn bind_extra(
    binding: &mut Binding,
    extra: &Extra,
    batch: &Batch,
    wide: ElementType,
) -> Result<(), ModelError> {
    for (name, shape, numbers) in extra.inputs(batch) {
        binding.input(name, &Tensor::of(wide, &shape, numbers)?)?;
    }
    let whole = [batch.rows, batch.length];
    binding.input("mask", &Tensor::of(wide, &whole, &batch.mask)?)
}

/// A decoder over a batch: its states and what the graph was given.
struct Read {
    decoder: Decoder,
    states: Value,
    tokens: Value,
    targets: Value,
}

fn read_batch(graph: &Graph, policy: &Policy, trained: Trained, checkpointed: bool) -> Read {
    let lora = policy.lora();
    let decoder = Decoder::declare(graph, &policy.config, lora, policy.precision, trained);
    let tokens = graph.input("tokens", [ROWS, LENGTH], ElementType::I64);
    let targets = graph.input("targets", [ROWS, LENGTH], ElementType::I64);
    let causal = Rc::new(Causal::new(graph, &decoder, tokens));
    let flat = |x| graph.reshape(x, &[-1], [TOKENS]);
    let states = decoder.hidden(graph, flat(tokens), &(causal as Rc<_>), checkpointed);
    Read {
        targets: flat(targets),
        decoder,
        states,
        tokens,
    }
}

/// Log-probabilities `[rows, length]`; the head in so many parts.
fn log_probabilities(graph: &Graph, read: &Read, parts: usize) -> Value {
    const PART: Dim = Dim::Named("part");
    let logp = match parts {
        1 => {
            let logits = read.decoder.logits(graph, read.states);
            graph.token_log_probability(logits, read.targets)
        }
        parts => {
            let states = graph.split(read.states, 0, PART, parts);
            let targets = graph.split(read.targets, 0, PART, parts);
            let pieces: Vec<Value> = states
                .into_iter()
                .zip(targets)
                .map(|(states, targets)| {
                    let decoder = read.decoder.clone();
                    graph.checkpoint(&[states], &[decoder.head()], move |graph, inputs, _| {
                        let logits = decoder.logits(graph, inputs[0]);
                        graph.token_log_probability(logits, targets)
                    })
                })
                .collect();
            graph.concat(&pieces, 0, TOKENS)
        }
    };
    graph.reshape_to(logp, graph.shape_of(read.tokens), [ROWS, LENGTH])
}

/// What a graph of accumulation is made for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Form {
    pub loss: Loss,
    /// Parts that the head is computed in.
    pub parts: usize,
    pub memory: Memory,
    /// Whether derivatives are added to those before, or take their place.
    pub adds: bool,
}

impl Form {
    fn key(self) -> String {
        format!("{self:?}")
    }
}

/// Loss, log-probabilities and derivatives.
pub(super) fn accumulation_graph(policy: &Policy, form: Form) -> Graph {
    let graph = Graph::new();
    let wide = policy.precision.wide();
    let trained = match policy.adapter {
        Some(_) => Trained::Adapter,
        None => Trained::Model,
    };
    let read = read_batch(&graph, policy, trained, form.memory.checkpoint);
    let logp = log_probabilities(&graph, &read, form.parts);
    let terms = Terms {
        mask: graph.input("mask", [ROWS, LENGTH], wide),
        normalizer: graph.input("normalizer", [], wide),
    };
    let loss = form.loss.build(&graph, logp, &terms);
    graph.output("loss", loss);
    graph.output("logp", logp);
    let parameters = policy.trained().parameters();
    let values: Vec<Value> = parameters
        .iter()
        .map(|parameter| read.decoder.parameter(&parameter.name))
        .collect();
    let gradients = graph.backward(loss, &values);
    // ONNX Runtime begins with what the last node of a graph needs. Additions at the end, in the order
    // of the layers, make it finish one layer's derivatives after the other, from the last layer on;
    // were the products themselves the outputs, whose last is the first layer's, it would keep what
    // all layers have computed again until then. Hence zero is added where nothing else is.
    let zero = graph.scale(terms.normalizer, 0.0);
    for (parameter, gradient) in parameters.iter().zip(gradients) {
        let name = gradient_name(&parameter.name);
        let shape = parameter.shape.iter().copied().map(Dim::Fixed);
        let gradient = graph.cast(gradient, wide);
        let sum = match form.adds {
            true => graph.add(graph.input(&name, shape, wide), gradient),
            false if form.memory.checkpoint => graph.add(gradient, zero),
            false => gradient,
        };
        graph.output(&next_name(&name), sum);
    }
    graph
}

/// Log-probabilities of targets, and on demand the entropy of each prediction.
pub(super) fn evaluation_graph(policy: &Policy, entropy: bool) -> Graph {
    let graph = Graph::new();
    let read = read_batch(&graph, policy, Trained::Nothing, false);
    let shape = graph.shape_of(read.tokens);
    let logits = read.decoder.logits(&graph, read.states);
    let logp = graph.token_log_probability(logits, read.targets);
    graph.output("logp", graph.reshape_to(logp, shape, [ROWS, LENGTH]));
    if entropy {
        let entropy = graph.reshape_to(graph.entropy(logits), shape, [ROWS, LENGTH]);
        graph.output("entropy", entropy);
    }
    graph
}

/// Evaluates a policy without training it.
pub struct Scorer {
    policy: Policy,
    binding: Binding,
    entropy: bool,
}

/// What a policy thinks of a batch, `[rows, length]` each.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// Log-probabilities of the targets.
    pub logp: Vec<f32>,
    /// Entropies of the predictions in nats, where they were asked for.
    pub entropy: Option<Vec<f32>>,
}

impl Scorer {
    /// Prepares to evaluate a policy.
    ///
    /// # Errors
    /// Where the device cannot execute the graph.
    pub fn new(policy: &Policy, entropy: bool) -> Result<Self, ModelError> {
        let key = policy.key(&format!("score {entropy}"));
        let program = policy
            .engine
            .program(&key, || evaluation_graph(policy, entropy))?;
        let mut binding = program.bind()?;
        policy.bind(&mut binding)?;
        binding.fetch("logp");
        if entropy {
            binding.fetch("entropy");
        }
        Ok(Scorer {
            policy: policy.clone(),
            binding,
            entropy,
        })
    }

    /// Logits of every position of rows of tokens, `[rows, length, vocabulary]`: for comparisons;
    /// they are many.
    ///
    /// # Errors
    /// Where the rows do not fit the model, or the device fails.
    pub fn logits(&mut self, rows: usize, tokens: &[i64]) -> Result<Vec<f64>, ModelError> {
        let policy = &self.policy;
        let batch = Batch {
            rows,
            length: tokens.len().checked_div(rows).unwrap_or(0),
            tokens: tokens.to_vec(),
            targets: tokens.to_vec(),
            mask: vec![1.0; tokens.len()],
        };
        batch.check(&policy.config)?;
        let program = policy.engine.program(&policy.key("logits"), || {
            let graph = Graph::new();
            let read = read_batch(&graph, policy, Trained::Nothing, false);
            graph.output("logits", read.decoder.logits(&graph, read.states));
            graph
        })?;
        let mut binding = program.bind()?;
        policy.bind(&mut binding)?;
        let size = (batch.rows, batch.length);
        bind_batch(&mut binding, &policy.config, size, tokens, tokens)?;
        binding.fetch("logits");
        let _reading = policy.reading();
        binding.run()?[0].read()
    }

    /// Log-probabilities of a batch's targets.
    ///
    /// # Errors
    /// Where the batch does not fit the model, or the device fails.
    pub fn score(&mut self, batch: &Batch) -> Result<Scores, ModelError> {
        batch.check(&self.policy.config)?;
        let policy = self.policy.clone();
        let _reading = policy.reading();
        let (binding, size) = (&mut self.binding, (batch.rows, batch.length));
        bind_batch(binding, &policy.config, size, &batch.tokens, &batch.targets)?;
        let fetched = self.binding.run()?;
        let entropy = match self.entropy {
            true => Some(fetched[1].read()?),
            false => None,
        };
        Ok(Scores {
            logp: fetched[0].read()?,
            entropy,
        })
    }
}

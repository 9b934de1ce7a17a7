//! The one definition of a decoder: RMSNorm, rotary positions, grouped-query attention, SwiGLU.
//!
//! Every graph of a model (training, log-probabilities, prefill, decoding) is made from [`Decoder`];
//! they differ in how attention reaches the keys and values.

use super::adapter::LoraConfig;
use super::config::{EMBEDDING, FINAL_NORM, HEAD, ModelConfig, layer_name, rope_tables};
use super::graph::{Dim, ElementType, Graph, MASKED, ScatterSum, Value};
use std::collections::HashMap;
use std::rc::Rc;

/// Names of the dimensions of a batch: rows, tokens a row, and their product.
pub(super) const ROWS: Dim = Dim::Named("rows");
pub(super) const LENGTH: Dim = Dim::Named("length");
pub(super) const TOKENS: Dim = Dim::Named("tokens");

/// How a model's graphs are made, beside its configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Precision {
    /// What matrix products are computed in. Loss, sampler and optimizer use 32 bits at least.
    pub compute: ElementType,
    /// How derivatives of lookups are summed.
    pub scatter: ScatterSum,
}

impl Precision {
    /// What numbers outside of matrix products are computed in.
    pub fn wide(self) -> ElementType {
        match self.compute {
            ElementType::F64 => ElementType::F64,
            _ => ElementType::F32,
        }
    }
}

/// A decoder in a graph: its parameters as inputs, by name.
#[derive(Clone)]
pub(super) struct Decoder {
    pub config: Rc<ModelConfig>,
    pub precision: Precision,
    parameters: Rc<HashMap<String, Value>>,
    lora: Option<Rc<LoraConfig>>,
}

/// Which parameters a graph trains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Trained {
    /// None: the graph only evaluates.
    Nothing,
    /// All of the model's own.
    Model,
    /// The adapter's.
    Adapter,
}

/// How attention reaches keys and values: from what a layer has computed for the tokens of the
/// graph, `queries [tokens, heads * d]`, `keys` and `values [tokens, kv_heads * d]`, none of them
/// rotated, to `[tokens, heads * d]`.
pub(super) trait Attention {
    /// See above.
    fn attend(&self, graph: &Graph, layer: usize, projected: Projected) -> Value;
}

/// Queries, keys and values of a layer, normalised but not rotated.
#[derive(Clone, Copy)]
pub(super) struct Projected {
    pub queries: Value,
    pub keys: Value,
    pub values: Value,
}

impl Decoder {
    /// Declares the parameters as inputs of a graph.
    pub fn declare(
        graph: &Graph,
        config: &ModelConfig,
        lora: Option<&LoraConfig>,
        precision: Precision,
        trained: Trained,
    ) -> Self {
        let mut parameters = HashMap::new();
        let mut declare = |all: Vec<super::Parameter>, tracked: bool| {
            for parameter in all {
                let shape = parameter.shape.iter().copied().map(Dim::Fixed);
                let value = match tracked {
                    true => graph.tracked_input(&parameter.name, shape, precision.compute),
                    false => graph.input(&parameter.name, shape, precision.compute),
                };
                parameters.insert(parameter.name, value);
            }
        };
        declare(config.parameters(), trained == Trained::Model);
        if let Some(lora) = lora {
            declare(lora.parameters(config), trained == Trained::Adapter);
        }
        Decoder {
            config: Rc::new(config.clone()),
            precision,
            parameters: Rc::new(parameters),
            lora: lora.cloned().map(Rc::new),
        }
    }

    /// A parameter by its whole name.
    pub fn parameter(&self, name: &str) -> Value {
        match self.parameters.get(name) {
            Some(value) => *value,
            None => panic!("the graph has no parameter {name}"),
        }
    }

    fn find(&self, layer: usize, name: &str) -> Option<Value> {
        self.parameters.get(&layer_name(layer, name)).copied()
    }

    /// A linear layer `[tokens, in]` to `[tokens, out]`, with its bias and its adapter where it has
    /// them (Hu et al. 2021, arXiv 2106.09685: `W x + alpha / rank * B A x`).
    fn project(&self, graph: &Graph, layer: usize, module: &str, x: Value) -> Value {
        let weight = self.parameter(&layer_name(layer, &format!("{module}.weight")));
        let bias = self.find(layer, &format!("{module}.bias"));
        let y = graph.linear(x, weight, bias);
        let down = self.find(layer, &format!("{module}.lora_A.weight"));
        let up = self.find(layer, &format!("{module}.lora_B.weight"));
        match (&self.lora, down, up) {
            (Some(lora), Some(down), Some(up)) => {
                let inner = graph.scale(graph.linear(x, down, None), lora.scale());
                graph.add(y, graph.linear(inner, up, None))
            }
            _ => y,
        }
    }

    /// One block on the residual stream `[tokens, hidden]`.
    fn block(&self, graph: &Graph, layer: usize, x: Value, attention: &dyn Attention) -> Value {
        let norm = |x, name| {
            let weight = self.parameter(&layer_name(layer, name));
            graph.rms_norm(x, weight, self.config.norm_eps)
        };
        let inner = norm(x, "input_layernorm.weight");
        let projected = Projected {
            queries: self.head_norm(graph, layer, "q", inner),
            keys: self.head_norm(graph, layer, "k", inner),
            values: self.project(graph, layer, "self_attn.v_proj", inner),
        };
        let seen = attention.attend(graph, layer, projected);
        let x = graph.add(x, self.project(graph, layer, "self_attn.o_proj", seen));
        let inner = norm(x, "post_attention_layernorm.weight");
        let gate = self.project(graph, layer, "mlp.gate_proj", inner);
        let up = self.project(graph, layer, "mlp.up_proj", inner);
        let open = graph.swiglu(gate, up);
        graph.add(x, self.project(graph, layer, "mlp.down_proj", open))
    }

    /// Queries or keys, normalised per head where the family does so.
    fn head_norm(&self, graph: &Graph, layer: usize, which: &str, x: Value) -> Value {
        let flat = self.project(graph, layer, &format!("self_attn.{which}_proj"), x);
        let Some(weight) = self.find(layer, &format!("self_attn.{which}_norm.weight")) else {
            return flat;
        };
        let (head, width) = (self.config.head_dim, graph.width(flat));
        let shape = [TOKENS, (width / head).into(), head.into()];
        let heads = graph.reshape(flat, &[-1, (width / head) as i64, head as i64], shape);
        let normed = graph.rms_norm(heads, weight, self.config.norm_eps);
        graph.reshape(normed, &[-1, width as i64], [TOKENS, width.into()])
    }

    /// From tokens `[tokens]` to the last layer's normalised states `[tokens, hidden]`.
    pub fn hidden(
        &self,
        graph: &Graph,
        tokens: Value,
        attention: &Rc<dyn Attention>,
        checkpointed: bool,
    ) -> Value {
        let table = self.parameter(EMBEDDING);
        let mut x = graph.embed(table, tokens, self.precision.scatter);
        for layer in 0..self.config.layers {
            x = match checkpointed {
                false => self.block(graph, layer, x, attention.as_ref()),
                true => self.checkpointed_block(graph, layer, x, attention),
            };
        }
        let weight = self.parameter(FINAL_NORM);
        graph.rms_norm(x, weight, self.config.norm_eps)
    }

    fn checkpointed_block(
        &self,
        graph: &Graph,
        layer: usize,
        x: Value,
        attention: &Rc<dyn Attention>,
    ) -> Value {
        let prefix = layer_name(layer, "");
        let mut own: Vec<(&String, Value)> = self
            .parameters
            .iter()
            .filter(|(name, _)| name.starts_with(&prefix))
            .map(|(name, value)| (name, *value))
            .collect();
        // The order of a hash map differs from run to run; graphs must not.
        own.sort();
        let parameters: Vec<Value> = own.into_iter().map(|(_, value)| value).collect();
        let (decoder, attention) = (self.clone(), attention.clone());
        graph.checkpoint(&[x], &parameters, move |graph, inputs, _| {
            decoder.block(graph, layer, inputs[0], attention.as_ref())
        })
    }

    /// The head's weight `[vocabulary, hidden]`.
    pub fn head(&self) -> Value {
        match self.config.tied_embeddings {
            true => self.parameter(EMBEDDING),
            false => self.parameter(HEAD),
        }
    }

    /// Logits `[n, vocabulary]` of states `[n, hidden]`, in 32 bits at least.
    pub fn logits(&self, graph: &Graph, states: Value) -> Value {
        let logits = graph.linear(states, self.head(), None);
        graph.cast(logits, self.precision.wide())
    }

    /// The rotary tables for positions `0..positions`, each `[positions, d / 2]`.
    pub fn tables(&self, graph: &Graph, positions: usize, element: ElementType) -> (Value, Value) {
        let (cos, sin) = rope_tables(&self.config, positions);
        let shape = [positions, self.config.head_dim / 2];
        let constant = |table: Vec<f32>| {
            let numbers: Vec<f64> = table.into_iter().map(f64::from).collect();
            graph.constant(element, &shape, &numbers)
        };
        (constant(cos), constant(sin))
    }
}

/// Attention of whole rows to themselves, each token to those before it. Rows are filled up at the
/// end, which no token before can see.
pub(super) struct Causal {
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    /// Rotary tables of the keys, `[length, d / 2]`.
    keys: (Value, Value),
    /// The same for queries, which are scaled at the same time.
    queries: (Value, Value),
    /// Added to the scores of a group of query heads, `[group * length, length]`.
    mask: Value,
    /// The input of this name.
    layout: Value,
}

/// The input that says how flat rows of tokens come apart into heads: `[rows, length, -1, d]`. It
/// comes from the host, because on a GPU ONNX Runtime computes with sizes on the processor, and a
/// session that may not fall back to the processor refuses even that.
pub(super) const LAYOUT: &str = "layout";

/// That input's numbers.
pub(super) fn layout(config: &ModelConfig, rows: usize, length: usize) -> [i64; 4] {
    [rows as i64, length as i64, -1, config.head_dim as i64]
}

/// The rows of a group of query heads that share their keys, one below the other.
const GROUP: Dim = Dim::Named("group");

impl Causal {
    /// For tokens given as `[rows, length]`.
    pub fn new(graph: &Graph, decoder: &Decoder, batch: Value) -> Self {
        let config = &decoder.config;
        let span = (graph.integers(&[0]), graph.size_of(batch, 1));
        let (cos, sin) = decoder.tables(graph, config.max_positions, decoder.precision.compute);
        let keys = [cos, sin].map(|table| graph.slice(table, 0, span, LENGTH));
        let scale = 1.0 / (config.head_dim as f64).sqrt();
        let queries = keys.map(|table| graph.scale(table, scale));
        Causal {
            heads: config.heads,
            kv_heads: config.kv_heads,
            head_dim: config.head_dim,
            keys: keys.into(),
            queries: queries.into(),
            mask: causal_mask(graph, decoder, span),
            layout: graph.input(LAYOUT, [4.into()], ElementType::I64),
        }
    }

    /// `[tokens, n * d]` to `[rows, n, length, d]`.
    fn heads(&self, graph: &Graph, x: Value, count: usize) -> Value {
        let head = self.head_dim;
        let shape = [ROWS, LENGTH, count.into(), head.into()];
        let apart = graph.reshape_to(x, self.layout, shape);
        graph.transpose(apart, &[0, 2, 1, 3])
    }

    /// The rotated keys and the values, each `[rows, kv_heads, length, d]`.
    pub fn keys_and_values(&self, graph: &Graph, projected: Projected) -> (Value, Value) {
        let keys = self.heads(graph, projected.keys, self.kv_heads);
        let keys = graph.rotate(keys, self.keys.0, self.keys.1);
        (keys, self.heads(graph, projected.values, self.kv_heads))
    }

    /// Attention of the queries to keys and values as above, `[tokens, heads * d]`.
    pub fn attend_to(&self, graph: &Graph, queries: Value, keys: Value, values: Value) -> Value {
        let (count, head) = (self.heads, self.head_dim);
        let queries = self.heads(graph, queries, count);
        let queries = graph.rotate(queries, self.queries.0, self.queries.1);
        let below = [0, self.kv_heads as i64, -1, head as i64];
        let shape = [ROWS, self.kv_heads.into(), GROUP, head.into()];
        let queries = graph.reshape(queries, &below, shape);
        let seen = graph.attend(queries, keys, values, self.mask);
        let shape = [ROWS, count.into(), LENGTH, head.into()];
        let heads = graph.reshape(seen, &[0, count as i64, -1, head as i64], shape);
        let apart = graph.transpose(heads, &[0, 2, 1, 3]);
        let width = count * head;
        graph.reshape(apart, &[-1, width as i64], [TOKENS, width.into()])
    }
}

impl Attention for Causal {
    fn attend(&self, graph: &Graph, _layer: usize, projected: Projected) -> Value {
        let (keys, values) = self.keys_and_values(graph, projected);
        self.attend_to(graph, projected.queries, keys, values)
    }
}

/// The numbers of a span of positions, `[length]`: cut out of all that there are, because a range of
/// a computed size would be one more thing that is computed on the processor.
pub(super) fn positions(graph: &Graph, limit: usize, span: (Value, Value)) -> Value {
    let all: Vec<i64> = (0..limit as i64).collect();
    graph.slice(graph.integers(&all), 0, span, LENGTH)
}

/// Zero where a token may look, [`MASKED`] where it may not, repeated for every head of a group.
fn causal_mask(graph: &Graph, decoder: &Decoder, span: (Value, Value)) -> Value {
    let wide = decoder.precision.wide();
    let positions = positions(graph, decoder.config.max_positions, span);
    let (seen, seer) = (
        graph.unsqueeze(positions, &[0]),
        graph.unsqueeze(positions, &[1]),
    );
    let hidden = graph.compare("Greater", seen, seer);
    let (masked, zero) = (graph.scalar(wide, MASKED), graph.scalar(wide, 0.0));
    let mask = graph.select(hidden, masked, zero);
    let group = decoder.config.heads / decoder.config.kv_heads;
    graph.concat(&vec![mask; group], 0, GROUP)
}

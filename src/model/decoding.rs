//! The graphs that write: prefill, which reads prompts into slots of a cache of keys and values, and
//! decoding, which adds a token to every slot.

mod plain;

use super::config::ModelConfig;
use super::decoder::{
    Attention, Causal, Decoder, LENGTH, Projected, ROWS, TOKENS, Trained, positions,
};
use super::graph::{Attribute, Dim, ElementType, Graph, RUNTIME_DOMAIN, Value};
use super::policy::Policy;
use super::sampling::Draw;
use std::rc::Rc;

/// Slots that a prefill writes to.
const TARGETS: Dim = Dim::Named("targets");

/// Shape of a layer's keys or values: `[slots, kv_heads, context, d]`.
pub(super) fn cache_shape(config: &ModelConfig, slots: usize, context: usize) -> [usize; 4] {
    [slots, config.kv_heads, context, config.head_dim]
}

/// Names of a layer's keys and values.
pub(super) fn cache_names(layer: usize) -> [String; 2] {
    [
        format!("cache.keys.{layer}"),
        format!("cache.values.{layer}"),
    ]
}

fn declare_cache(
    graph: &Graph,
    decoder: &Decoder,
    layer: usize,
    (slots, context): (usize, usize),
) -> [Value; 2] {
    let shape = cache_shape(&decoder.config, slots, context).map(Dim::Fixed);
    cache_names(layer).map(|name| graph.input(&name, shape, decoder.precision.compute))
}

fn write_cache(graph: &Graph, layer: usize, written: [Value; 2]) {
    for (name, value) in cache_names(layer).iter().zip(written) {
        graph.output(&super::optimizer::next_name(name), value);
    }
}

fn finish(graph: &Graph, draw: &Draw, logits: Value) {
    let (token, logp) = draw.tokens(graph, graph.cast(logits, ElementType::F32));
    graph.output("token", token);
    graph.output("logp", logp);
}

/// Attention to a cache by ONNX Runtime's fused kernel, which also rotates and writes the new keys.
struct Cached {
    size: (usize, usize),
    decoder: Decoder,
    /// The place of each slot's new token, `[slots]`.
    position: Value,
    /// Tokens of the fullest slot, `[1]`.
    longest: Value,
    cos: Value,
    sin: Value,
}

impl Cached {
    fn new(
        graph: &Graph,
        decoder: &Decoder,
        size: (usize, usize),
        position: Value,
        longest: Value,
    ) -> Self {
        let (cos, sin) = decoder.tables(graph, size.1, decoder.precision.compute);
        Cached {
            size,
            decoder: decoder.clone(),
            position,
            longest,
            cos,
            sin,
        }
    }
}

/// What the width of a head has to be a multiple of for the fused kernel.
const HEAD_STEP: usize = 16;

/// Whether ONNX Runtime's fused kernel of attention takes the policy's heads and numbers.
fn fused(policy: &Policy) -> bool {
    policy.config.head_dim.is_multiple_of(HEAD_STEP) && policy.precision.compute != ElementType::F64
}

impl Attention for Cached {
    fn attend(&self, graph: &Graph, layer: usize, projected: Projected) -> Value {
        let config = &self.decoder.config;
        let slots = self.size.0;
        let cache = declare_cache(graph, &self.decoder, layer, self.size);
        let row = |x: Value| {
            let width = graph.width(x);
            graph.reshape(
                x,
                &[-1, 1, width as i64],
                [slots.into(), 1.into(), width.into()],
            )
        };
        let inputs = [
            row(projected.queries),
            row(projected.keys),
            row(projected.values),
            cache[0],
            cache[1],
            self.position,
            self.longest,
            self.cos,
            self.sin,
        ];
        let attributes = [
            ("num_heads", Attribute::Int(config.heads as i64)),
            ("kv_num_heads", Attribute::Int(config.kv_heads as i64)),
            ("do_rotary", Attribute::Int(1)),
        ];
        let element = graph.element(projected.queries);
        let width = config.heads * config.head_dim;
        let cached = (graph.shape(cache[0]), element);
        let made = vec![
            (vec![slots.into(), 1.into(), width.into()], element),
            cached.clone(),
            cached,
        ];
        let inputs = inputs.into_iter().map(Some).collect();
        let outputs = graph.emit_full(
            "GroupQueryAttention",
            RUNTIME_DOMAIN,
            inputs,
            &attributes,
            made,
        );
        write_cache(graph, layer, [outputs[1], outputs[2]]);
        graph.reshape(outputs[0], &[-1, width as i64], [TOKENS, width.into()])
    }
}

/// One token for every slot: `tokens [slots]` at `position [slots]` in, `token` and `logp [slots]`
/// out; caches in place.
pub(super) fn decoding_graph(policy: &Policy, size: (usize, usize), filtered: bool) -> Graph {
    let graph = Graph::new();
    let decoder = declare(&graph, policy);
    let tokens = graph.input("tokens", [TOKENS], ElementType::I64);
    let position = graph.input("position", [size.0.into()], ElementType::I32);
    let longest = graph.input("longest", [1.into()], ElementType::I32);
    let attention: Rc<dyn Attention> = match fused(policy) {
        true => Rc::new(Cached::new(&graph, &decoder, size, position, longest)),
        false => Rc::new(plain::Plain::new(&graph, &decoder, size, position)),
    };
    let draw = Draw::declare(&graph, TOKENS, filtered);
    let states = decoder.hidden(&graph, tokens, &attention, false);
    finish(&graph, &draw, decoder.logits(&graph, states));
    graph
}

/// Attention of prompts to themselves, whose keys and values go to slots of a cache.
struct Filling {
    causal: Causal,
    decoder: Decoder,
    size: (usize, usize),
    /// Which prompt each slot gets, `[targets]`.
    source: Value,
    /// Where its keys go: `[targets, kv_heads, length, 3]`.
    places: Value,
}

impl Attention for Filling {
    fn attend(&self, graph: &Graph, layer: usize, projected: Projected) -> Value {
        let (keys, values) = self.causal.keys_and_values(graph, projected);
        let cache = declare_cache(graph, &self.decoder, layer, self.size);
        let written = [(cache[0], keys), (cache[1], values)].map(|(cache, new)| {
            let new = graph.rows(new, self.source);
            graph.scatter(cache, self.places, new)
        });
        write_cache(graph, layer, written);
        self.causal
            .attend_to(graph, projected.queries, keys, values)
    }
}

/// Reads prompts `[rows, length]`, filled up at the end, into slots. `last [rows]` is each prompt's
/// last token counted over all rows; `source` and `slots` `[targets]` say which prompt goes where.
/// Out come each slot's first `token` and `logp`; caches in place.
pub(super) fn prefill_graph(policy: &Policy, size: (usize, usize), filtered: bool) -> Graph {
    let graph = Graph::new();
    let decoder = declare(&graph, policy);
    let integers = |name, shape: &[Dim]| graph.input(name, shape.iter().copied(), ElementType::I64);
    let prompts = integers("prompts", &[ROWS, LENGTH]);
    let last = integers("last", &[ROWS]);
    let source = integers("source", &[TARGETS]);
    let slots = integers("slots", &[TARGETS]);
    let filling = Filling {
        causal: Causal::new(&graph, &decoder, prompts),
        places: places(&graph, slots, graph.size_of(prompts, 1), &decoder.config),
        decoder: decoder.clone(),
        size,
        source,
    };
    let draw = Draw::declare(&graph, TARGETS, filtered);
    let tokens = graph.reshape(prompts, &[-1], [TOKENS]);
    let states = decoder.hidden(&graph, tokens, &(Rc::new(filling) as Rc<_>), false);
    let logits = decoder.logits(&graph, graph.rows(states, last));
    finish(&graph, &draw, graph.rows(logits, source));
    graph
}

fn declare(graph: &Graph, policy: &Policy) -> Decoder {
    let (config, lora) = (&policy.config, policy.lora());
    Decoder::declare(graph, config, lora, policy.precision, Trained::Nothing)
}

/// Indices (slot, head, position) of every vector of keys, `[targets, heads, length, 3]`: a sum that
/// is broadcast, since no shape can be put together on a GPU.
fn places(graph: &Graph, slots: Value, length: Value, config: &ModelConfig) -> Value {
    let heads: Vec<i64> = (0..config.kv_heads as i64).collect();
    let span = (graph.integers(&[0]), length);
    let positions = positions(graph, config.max_positions, span);
    let parts = [
        graph.unsqueeze(slots, &[1, 2, 3]),
        graph.integer_tensor(&[1, heads.len(), 1, 1], &heads),
        graph.unsqueeze(positions, &[0, 1, 3]),
    ];
    let at = |part: usize| {
        let only: Vec<i64> = (0..3).map(|x| i64::from(x == part)).collect();
        graph.mul(parts[part], graph.integer_tensor(&[1, 1, 1, 3], &only))
    };
    let [slot, head, position] = [0, 1, 2].map(at);
    graph.add(graph.add(slot, head), position)
}

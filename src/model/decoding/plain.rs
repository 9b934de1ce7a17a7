//! Attention of new tokens to a cache in standard operators, for the heads and types that the fused
//! kernel does not take.

use super::super::decoder::{Attention, Decoder, Projected, TOKENS};
use super::super::graph::{Dim, ElementType, Graph, MASKED, Value};
use super::{declare_cache, write_cache};

/// See above. It reads the whole cache, whose places beyond a slot's position are masked.
pub(super) struct Plain {
    size: (usize, usize),
    decoder: Decoder,
    /// Rotary tables of each slot's position, `[slots, 1, 1, d / 2]`.
    keys: (Value, Value),
    /// The same for queries, which are scaled at the same time.
    queries: (Value, Value),
    /// Added to the scores, `[slots, 1, 1, context]`.
    mask: Value,
    /// Where the new keys go: `[slots, kv_heads, 1, 3]`.
    places: Value,
}

impl Plain {
    /// For slots at `position [slots]`.
    pub fn new(graph: &Graph, decoder: &Decoder, size: (usize, usize), position: Value) -> Self {
        let config = &decoder.config;
        let (slots, context) = size;
        let position = graph.cast(position, ElementType::I64);
        let (cos, sin) = decoder.tables(graph, context, decoder.precision.compute);
        let keys = [cos, sin].map(|table| graph.unsqueeze(graph.rows(table, position), &[1, 2]));
        let scale = 1.0 / (config.head_dim as f64).sqrt();
        let queries = keys.map(|table| graph.scale(table, scale));
        Plain {
            size,
            keys: keys.into(),
            queries: queries.into(),
            mask: mask(graph, decoder, context, position),
            places: places(graph, slots, config.kv_heads, position),
            decoder: decoder.clone(),
        }
    }

    /// `[slots, n * d]` to `[slots, n, 1, d]`.
    fn heads(&self, graph: &Graph, x: Value) -> Value {
        let head = self.decoder.config.head_dim;
        let count = graph.width(x) / head;
        let shape = [self.size.0.into(), count.into(), Dim::Fixed(1), head.into()];
        graph.reshape(x, &[-1, count as i64, 1, head as i64], shape)
    }
}

impl Attention for Plain {
    fn attend(&self, graph: &Graph, layer: usize, projected: Projected) -> Value {
        let config = &self.decoder.config;
        let (slots, head, kv_heads) = (self.size.0, config.head_dim, config.kv_heads);
        let cache = declare_cache(graph, &self.decoder, layer, self.size);
        let keys = self.heads(graph, projected.keys);
        let keys = graph.rotate_halves(keys, self.keys.0, self.keys.1);
        let values = self.heads(graph, projected.values);
        let keys = graph.scatter(cache[0], self.places, keys);
        let values = graph.scatter(cache[1], self.places, values);
        write_cache(graph, layer, [keys, values]);
        let queries = self.heads(graph, projected.queries);
        let queries = graph.rotate_halves(queries, self.queries.0, self.queries.1);
        let group = config.heads / kv_heads;
        let shape = [slots.into(), kv_heads.into(), group.into(), head.into()];
        let below = [-1, kv_heads as i64, group as i64, head as i64];
        let queries = graph.reshape(queries, &below, shape);
        let seen = graph.attend(queries, keys, values, self.mask);
        let width = config.heads * head;
        graph.reshape(seen, &[-1, width as i64], [TOKENS, width.into()])
    }
}

fn mask(graph: &Graph, decoder: &Decoder, context: usize, position: Value) -> Value {
    let wide = decoder.precision.wide();
    let numbers: Vec<i64> = (0..context as i64).collect();
    let hidden = graph.compare(
        "Greater",
        graph.unsqueeze(graph.integers(&numbers), &[0]),
        graph.unsqueeze(position, &[1]),
    );
    let (masked, zero) = (graph.scalar(wide, MASKED), graph.scalar(wide, 0.0));
    graph.unsqueeze(graph.select(hidden, masked, zero), &[1, 2])
}

fn places(graph: &Graph, slots: usize, heads: usize, position: Value) -> Value {
    let shape = [slots.into(), heads.into(), Dim::Fixed(1), Dim::Fixed(1)];
    let target = graph.integers(&[slots as i64, heads as i64, 1, 1]);
    let count = |size: usize| graph.integers(&(0..size as i64).collect::<Vec<_>>());
    let spread = |x: Value, axes: &[usize]| graph.expand(graph.unsqueeze(x, axes), target, shape);
    let parts = [
        spread(count(slots), &[1, 2, 3]),
        spread(count(heads), &[0, 2, 3]),
        spread(position, &[1, 2, 3]),
    ];
    graph.concat(&parts, 3, 3)
}

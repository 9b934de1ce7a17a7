//! The rotary embedding's angles.

use std::f64::consts::TAU;

use super::{ModelConfig, RopeScaling};

/// The cosines and sines that rotate queries and keys, each `[positions, head_dim / 2]` in row-major
/// order. Computed in double precision: a single one is off by a thousandth at position 30,000.
pub fn rope_tables(config: &ModelConfig, positions: usize) -> (Vec<f32>, Vec<f32>) {
    let frequencies = frequencies(config);
    let angles = || {
        (0..positions).flat_map(|position| {
            let angle = move |frequency: &f64| position as f64 * frequency;
            frequencies.iter().map(angle)
        })
    };
    (
        angles().map(|angle| angle.cos() as f32).collect(),
        angles().map(|angle| angle.sin() as f32).collect(),
    )
}

/// Radians a position, for each pair of a head's elements.
fn frequencies(config: &ModelConfig) -> Vec<f64> {
    let pairs = config.head_dim / 2;
    let frequency = |pair: usize| {
        let exponent = 2.0 * pair as f64 / config.head_dim as f64;
        scaled(config.rope_theta.powf(-exponent), &config.rope_scaling)
    };
    (0..pairs).map(frequency).collect()
}

fn scaled(frequency: f64, scaling: &RopeScaling) -> f64 {
    match *scaling {
        RopeScaling::None => frequency,
        RopeScaling::Linear { factor } => frequency / factor,
        RopeScaling::Llama3 {
            factor,
            low_freq_factor,
            high_freq_factor,
            original_max_positions,
        } => {
            let turns = original_max_positions as f64 * frequency / TAU;
            // How much of the frequency stays: none of a low one, all of a high one.
            let kept = (turns - low_freq_factor) / (high_freq_factor - low_freq_factor);
            let kept = kept.clamp(0.0, 1.0);
            kept * frequency + (1.0 - kept) * frequency / factor
        }
    }
}

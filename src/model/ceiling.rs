//! What a device reaches at most: the rate that everything else is a share of.

use super::engine::{Device, Engine};
use super::error::ModelError;
use super::graph::{ElementType, Graph};
use std::time::Instant;

/// Floating-point operations a second of a product of two square matrices, the median of some: in 32
/// bits and 2,048 rows on the processor, in 16 bits and 8,192 rows on a GPU, where less would be over
/// before the next is under way.
///
/// # Errors
/// Where the device fails.
pub fn matmul_rate(engine: &Engine) -> Result<f64, ModelError> {
    const REPETITIONS: usize = 9;
    let (size, element) = match engine.device() {
        Device::Cpu => (2048, ElementType::F32),
        Device::Cuda(_) => (8192, ElementType::BF16),
    };
    let program = engine.program(&format!("matmul {size} {element:?}"), || {
        let graph = Graph::new();
        let [a, b] = ["a", "b"].map(|name| graph.input(name, [size.into(); 2], element));
        graph.output("product", graph.matmul(a, b));
        graph
    })?;
    let shape = [size, size];
    let numbers: Vec<f32> = (0..size * size).map(|x| (x % 7) as f32 - 3.0).collect();
    let factors = engine.tensor(element, &shape, &numbers)?;
    let mut product = engine.zeros(element, &shape)?;
    let mut binding = program.bind()?;
    binding.input("a", &factors)?;
    binding.input("b", &factors)?;
    binding.output("product", &mut product)?;
    binding.run()?;
    let mut seconds = Vec::new();
    for _ in 0..REPETITIONS {
        let started = Instant::now();
        binding.run()?;
        seconds.push(started.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    Ok(2.0 * (size as f64).powi(3) / seconds[REPETITIONS / 2])
}

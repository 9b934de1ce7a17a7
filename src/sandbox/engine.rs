//! How wasmtime is set up: one place for every setting that a result could depend on.

use std::hash::{Hash, Hasher};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// Stack for the guest. Nested data that Python's own limits let through needs up to this much
/// in compiled code, so that the guest's limits strike before ours and the outcome does not
/// depend on code generation. Address space only, until it is used.
pub(crate) const WASM_STACK_BYTES: usize = 256 << 20;

/// Stack of a fiber that runs a guest: the guest's, and room for host functions.
pub(crate) const FIBER_STACK_BYTES: usize = WASM_STACK_BYTES + (8 << 20);

/// Stack for a thread that runs guests, which have fibers of their own.
pub const THREAD_STACK_BYTES: usize = 8 << 20;

/// Stacks of one instance: the guest's, and one for the allocator that a host function calls.
const STACKS: u32 = 2;

/// Largest image that is still mapped copy-on-write although parts of it are empty: the runtime's
/// own is about 150 MiB, and without this it would be copied at every instantiation.
const DENSE_IMAGE_BYTES: u64 = 512 << 20;

/// Functions in the interpreter's table are some 47,000.
pub(crate) const TABLE_ELEMENTS: usize = 100_000;

/// What a wasmtime instance itself takes beside its memory: function and global tables.
const INSTANCE_BYTES: usize = 16 << 20;

/// The instruction set that images are compiled for: x86-64-v3 and a baseline elsewhere, the same
/// on every host, so that an image can be carried from one machine to another.
const X86_64_V3: [&str; 11] = [
    "has_sse3",
    "has_ssse3",
    "has_sse41",
    "has_sse42",
    "has_popcnt",
    "has_avx",
    "has_avx2",
    "has_fma",
    "has_bmi1",
    "has_bmi2",
    "has_lzcnt",
];

/// How the engine is used.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// Executing programs: at most this many instances, each of at most so much memory.
    Run { instances: u32, memory_bytes: usize },
    /// Compiling, with the settings of `Run`.
    Compile,
    /// Making the snapshot: compiled quickly, run once.
    Snapshot,
}

/// The engine for a purpose.
///
/// # Errors
/// Where wasmtime refuses the settings, for instance on a processor older than the images.
pub(crate) fn engine(purpose: Purpose) -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .wasm_exceptions(true)
        .wasm_backtrace_max_frames(None)
        .max_wasm_stack(WASM_STACK_BYTES)
        .async_stack_size(FIBER_STACK_BYTES)
        .memory_init_cow(true)
        .memory_guaranteed_dense_image_size(DENSE_IMAGE_BYTES);
    deterministic(&mut config);
    match purpose {
        Purpose::Snapshot => {
            config.cranelift_opt_level(wasmtime::OptLevel::None);
        }
        Purpose::Compile => {
            config.epoch_interruption(true);
            portable(&mut config)?;
        }
        Purpose::Run {
            instances,
            memory_bytes,
        } => {
            config.epoch_interruption(true);
            portable(&mut config)?;
            config.allocation_strategy(pool(instances, memory_bytes));
        }
    }
    Engine::new(&config)
}

/// What compiled code depends on beside its source: the engine's version and settings, as the
/// engine itself tells whether code fits.
pub(crate) fn identity() -> String {
    match engine(Purpose::Compile) {
        Ok(engine) => {
            let mut hasher = std::hash::DefaultHasher::new();
            engine.precompile_compatibility_hash().hash(&mut hasher);
            format!("{:016x}", hasher.finish())
        }
        // Nothing can be compiled either, and that is where it is reported.
        Err(error) => error.to_string(),
    }
}

/// The same results on every machine.
fn deterministic(config: &mut Config) {
    config
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true);
}

/// The same code on every machine.
fn portable(config: &mut Config) -> wasmtime::Result<()> {
    if cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        config.target("x86_64-unknown-linux-gnu")?;
        for feature in X86_64_V3 {
            // SAFETY: the flags name instruction sets; the engine refuses to load code for one
            // that the processor lacks.
            unsafe { config.cranelift_flag_enable(feature) };
        }
    }
    Ok(())
}

fn pool(instances: u32, memory_bytes: usize) -> InstanceAllocationStrategy {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_core_instances(instances)
        // A store whose guest throws has a heap for exceptions, which is a memory too.
        .total_memories(instances * 2)
        .total_tables(instances)
        .total_gc_heaps(instances)
        .total_stacks(instances * STACKS)
        .max_core_instance_size(INSTANCE_BYTES)
        .table_elements(TABLE_ELEMENTS)
        .max_memory_size(memory_bytes)
        // Nothing of an instance that could not be restored is kept: the next one would have to
        // look after pages that it never wrote.
        .linear_memory_keep_resident(0)
        .table_keep_resident(1 << 20)
        .pagemap_scan(Enabled::Auto);
    InstanceAllocationStrategy::Pooling(pool)
}

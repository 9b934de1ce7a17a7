//! A loaded runtime: compiled code and library, shared by all sandboxes of a process.

use super::door::{self, Door};
use super::engine::{self, Purpose};
use super::instance::Sandbox;
use super::pages::PageMap;
use super::state::{MemoryLimit, State};
use super::wasi;
use super::world::{Library, World};
use super::{Artifacts, EngineError, Manifest};
use crate::domain::RuntimeInfo;
use futures_util::FutureExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wasmtime::{Engine, InstancePre, Linker, Module, Store};

/// How often the wall clock is looked at. The backstop is seconds, so a tenth is fine enough.
pub(crate) const TICK: Duration = Duration::from_millis(100);

/// How a runtime is used.
#[derive(Clone, Copy, Debug)]
pub struct RuntimeSettings {
    /// Most sandboxes at a time.
    pub sandboxes: u32,
    /// Most memory that an execution may be allowed, beyond the runtime's own.
    pub memory_bytes: u64,
    /// Whether a sandbox restores its instance in place between executions; otherwise each gets
    /// an instance that was mapped anew. The results are the same.
    pub reset_in_place: bool,
    /// How long the wall clock lets an execution run, whatever its guest time.
    pub backstop: Backstop,
}

/// The wall-clock backstop: so many times the guest time that is allowed, and so much on top.
#[derive(Clone, Copy, Debug)]
pub struct Backstop {
    /// Guest time runs at about wall time, so ten times as much means that something is wrong.
    pub factor: u32,
    /// For a machine that is busy otherwise.
    pub extra: Duration,
}

impl Default for Backstop {
    fn default() -> Self {
        Backstop {
            factor: 10,
            extra: Duration::from_secs(20),
        }
    }
}

/// A loaded runtime. Cheap to clone; every clone is the same runtime.
#[derive(Clone)]
pub struct Runtime(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub engine: Engine,
    pub module: InstancePre<State>,
    pub library: Library,
    pub manifest: Manifest,
    pub pristine: Pristine,
    /// Opened once, when everything else is: whoever is confined afterwards opens nothing.
    pub pages: Option<PageMap>,
    pub settings: RuntimeSettings,
    running: Arc<AtomicBool>,
}

impl Runtime {
    /// Loads the artefacts in a folder, after checking that they are what was built.
    ///
    /// # Errors
    /// Where they are missing, changed, or made for another processor.
    pub fn load(folder: &Path, settings: RuntimeSettings) -> Result<Self, EngineError> {
        give_back_large_buffers();
        let artifacts = Artifacts::open(folder)?;
        // A split execution takes two. One more for each while the old one is still being taken
        // down, and one for the pristine instance.
        let purpose = Purpose::Run {
            instances: settings.sandboxes * 4 + 1,
            memory_bytes: usize::try_from(settings.memory_bytes.saturating_add(BASELINE_BYTES))
                .unwrap_or(usize::MAX)
                .min(1 << 32),
        };
        let engine = engine::engine(purpose).map_err(EngineError::load)?;
        // SAFETY: compiled code is executed as it is. It was written by us into a folder that is
        // its owner's alone, and its digest was checked on opening.
        let module = unsafe { Module::deserialize_file(&engine, artifacts.code()) }
            .map_err(EngineError::load)?;
        let linker = linker(&engine).map_err(EngineError::load)?;
        let module = linker.instantiate_pre(&module).map_err(EngineError::load)?;
        let library = artifacts.library()?;
        let pristine =
            Pristine::new(&engine, &module, library.clone()).map_err(EngineError::load)?;
        let running = Arc::new(AtomicBool::new(true));
        tick(&engine, &running)?;
        Ok(Runtime(Arc::new(Inner {
            engine,
            module,
            library,
            manifest: artifacts.manifest().clone(),
            pristine,
            pages: PageMap::open(),
            settings,
            running,
        })))
    }

    /// A sandbox for one thread.
    #[must_use]
    pub fn sandbox(&self) -> Sandbox {
        Sandbox::new(self.clone())
    }

    /// What programs find in it.
    #[must_use]
    pub fn information(&self) -> RuntimeInfo {
        RuntimeInfo::from(&self.0.manifest)
    }

    /// State for an instance that runs nothing yet.
    pub(crate) fn idle_state(&self) -> State {
        idle_state(World::new(self.0.library.clone(), 0, 0))
    }

    /// SHA-256 of all that decides how programs run.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.0.manifest.digest
    }
}

/// Has the C library map large buffers one by one, and unmap them when they are freed. It learns
/// from large buffers that come and go to keep them instead, and outputs, files and values of
/// guests are such: after some of them a server would hold on to tens of MiB a worker for good.
fn give_back_large_buffers() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const LARGE: i32 = 1 << 20;
        // SAFETY: setting this parameter is allowed at any time, from any thread.
        unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE) };
    }
}

/// More than the runtime's own memory, which is some 150 MiB and has 4 GiB of addresses to itself
/// in any case.
const BASELINE_BYTES: u64 = 512 << 20;

impl Drop for Inner {
    fn drop(&mut self) {
        self.running.store(false, Ordering::Relaxed);
    }
}

/// Advances the engine's epoch until the runtime is dropped.
fn tick(engine: &Engine, running: &Arc<AtomicBool>) -> Result<(), EngineError> {
    let engine = engine.weak();
    let running = Arc::clone(running);
    std::thread::Builder::new()
        .name("epoch".to_owned())
        .spawn(move || {
            while running.load(Ordering::Relaxed) {
                std::thread::sleep(TICK);
                let Some(engine) = engine.upgrade() else {
                    break;
                };
                engine.increment_epoch();
            }
        })
        .map(|_| ())
        .map_err(EngineError::thread)
}

/// What an asynchronous call comes to that waits for nothing.
pub(crate) fn at_once<T>(call: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
    call.now_or_never()
        .unwrap_or_else(|| Err(wasmtime::Error::msg("a call waits for what never comes")))
}

pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasi::add_to_linker(&mut linker)?;
    door::add_to_linker(&mut linker)?;
    Ok(linker)
}

/// State for an instance that runs nothing, in this world.
pub(crate) fn idle_state(world: World) -> State {
    State {
        world,
        door: Door::default(),
        budget: 0,
        clock_stands: false,
        exited: None,
        output_full: false,
        memory_limit: MemoryLimit {
            baseline: usize::MAX,
            growth: 0,
            others: 0,
            refused: false,
        },
        stack_top: None,
        handles: None,
    }
}

/// An instance that never runs: what every other one is restored to, and measured against. Its
/// memory is the snapshot's file mapped copy-on-write, so it takes no memory of its own.
pub(crate) struct Pristine {
    base: *const u8,
    len: usize,
    // Keeps the memory mapped.
    _store: Mutex<Store<State>>,
}

// SAFETY: the memory behind `base` lives as long as the store beside it, and nobody writes to it:
// the instance is never called.
unsafe impl Send for Pristine {}
// SAFETY: as above; it is only read.
unsafe impl Sync for Pristine {}

impl Pristine {
    fn new(
        engine: &Engine,
        module: &InstancePre<State>,
        library: Library,
    ) -> wasmtime::Result<Self> {
        let mut store = Store::new(engine, idle_state(World::new(library, 0, 0)));
        store.set_fuel(u64::MAX)?;
        store.set_epoch_deadline(u64::MAX / 2);
        let instance = at_once(module.instantiate_async(&mut store))?;
        let memory = instance
            .get_memory(&mut store, "memory")
            .ok_or_else(|| wasmtime::Error::msg("the runtime exports no memory"))?;
        Ok(Pristine {
            base: memory.data_ptr(&store),
            len: memory.data_size(&store),
            _store: Mutex::new(store),
        })
    }

    /// The memory that every execution begins with.
    pub fn memory(&self) -> &[u8] {
        // SAFETY: see the implementations of Send and Sync.
        unsafe { std::slice::from_raw_parts(self.base, self.len) }
    }
}

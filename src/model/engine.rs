//! ONNX Runtime: the library, the device, compiled graphs and tensors on the device.

use super::denormal::Flushed;
use super::error::ModelError;
use super::graph::{ElementType, Graph};
use half::bf16;
use ort::LoadDynamicError;
use ort::environment::{Environment, EnvironmentBuilder, GlobalThreadPoolOptions};
use ort::memory::{AllocationDevice, Allocator, AllocatorType, MemoryInfo, MemoryType};
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{IoBinding, Session};
use ort::value::{DynTensor, TensorElementType};
use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where graphs are executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// An NVIDIA GPU, by number.
    Cuda(u32),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Cpu => f.write_str("cpu"),
            Device::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl FromStr for Device {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = match text {
            "cpu" => return Ok(Device::Cpu),
            "cuda" => Some(0),
            other => other
                .strip_prefix("cuda:")
                .and_then(|number| number.parse().ok()),
        };
        number
            .map(Device::Cuda)
            .ok_or_else(|| format!("`{text}` is no device; there are cpu and cuda:N"))
    }
}

/// The one environment that a process may have: ONNX Runtime keeps its threads in it.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// ONNX Runtime on a device. A handle: clones share compiled graphs and threads.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    environment: Environment,
    device: Device,
    /// Compiled graphs by what they were made from, so that two models of one shape share them.
    programs: Mutex<HashMap<String, Arc<Program>>>,
    /// On a GPU, a session whose allocator places tensors there.
    anchor: Option<Mutex<Session>>,
}

/// A compiled graph.
pub(super) struct Program {
    session: Mutex<Session>,
    what: String,
}

/// A compiled graph with tensors at its inputs and outputs.
pub(super) struct Binding {
    program: Arc<Program>,
    io: IoBinding,
    /// Outputs that each run allocates in the host's memory.
    fetched: Vec<String>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What the lock guards stays usable: a panic elsewhere must not become one here.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// Loads the library, the first time, and prepares the device. `threads` execute the
    /// operations; the first call decides, for the whole process.
    ///
    /// # Errors
    /// Where the library is missing, is not the right version or cannot use the device.
    pub fn start(library: &Path, device: Device, threads: usize) -> Result<Self, ModelError> {
        Self::prepare(environment(library, device, threads)?, device)
    }

    fn prepare(environment: Environment, device: Device) -> Result<Self, ModelError> {
        let mut inner = Inner {
            environment,
            device,
            programs: Mutex::default(),
            anchor: None,
        };
        if device != Device::Cpu {
            let graph = Graph::new();
            let x = graph.input("x", [1.into()], ElementType::F32);
            graph.output("y", x);
            let session = inner.session(&graph, &format!("preparing {device}"))?;
            inner.anchor = Some(Mutex::new(session));
        }
        Ok(Engine(Arc::new(inner)))
    }

    /// The same device with compiled graphs of its own: one engine executes a graph for one caller
    /// at a time, two do it side by side. They share the threads that compute.
    ///
    /// # Errors
    /// Where the device cannot be used.
    pub fn beside(&self) -> Result<Self, ModelError> {
        Self::prepare(self.0.environment.clone(), self.0.device)
    }

    /// Where graphs are executed.
    pub fn device(&self) -> Device {
        self.0.device
    }

    /// The program that a graph compiles to; made once for each `key`.
    pub(super) fn program(
        &self,
        key: &str,
        build: impl FnOnce() -> Graph,
    ) -> Result<Arc<Program>, ModelError> {
        if let Some(program) = lock(&self.0.programs).get(key) {
            return Ok(program.clone());
        }
        let what = key.split(' ').next().unwrap_or(key).to_owned();
        let program = Arc::new(Program {
            session: Mutex::new(self.0.session(&build(), &format!("compiling {what}"))?),
            what,
        });
        lock(&self.0.programs).insert(key.to_owned(), program.clone());
        Ok(program)
    }

    /// Executes a graph once: gives each input by name in the order of its elements, whatever their
    /// type, and gets the outputs in the graph's order. For proofs and experiments; what runs often
    /// keeps its tensors on the device.
    ///
    /// # Errors
    /// Where the graph is not valid, or an input is missing or has another size.
    pub fn evaluate(
        &self,
        graph: &Graph,
        inputs: &[(&str, &[usize], &[f64])],
    ) -> Result<Vec<Vec<f64>>, ModelError> {
        let program = Arc::new(Program {
            session: Mutex::new(self.0.session(graph, "compiling a graph")?),
            what: "a graph".to_owned(),
        });
        let mut binding = program.bind()?;
        let elements = graph.input_elements();
        for (name, shape, numbers) in inputs {
            let element = elements.get(*name).copied();
            let element = element
                .ok_or_else(|| ModelError::Input(format!("the graph has no input {name}")))?;
            binding.input(name, &Tensor::of(element, shape, numbers)?)?;
        }
        for name in graph.output_names() {
            binding.fetch(&name);
        }
        binding.run()?.iter().map(Tensor::read).collect()
    }

    /// A tensor of zeros on the device.
    pub(super) fn zeros(
        &self,
        element: ElementType,
        shape: &[usize],
    ) -> Result<Tensor, ModelError> {
        let failed = ModelError::runtime(format!("allocating {shape:?} on {}", self.0.device));
        let Some(anchor) = &self.0.anchor else {
            return Tensor::host(element, shape).map_err(failed);
        };
        let place = || {
            let session = lock(anchor);
            let memory = MemoryInfo::new(
                AllocationDevice::CUDA,
                self.0.device_number(),
                AllocatorType::Device,
                MemoryType::Default,
            )?;
            let allocator = Allocator::new(&session, memory)?;
            let mut tensor = DynTensor::new(&allocator, element_type(element), shape)?;
            Tensor::host(element, shape)?.0.copy_into(&mut tensor)?;
            Ok(Tensor(tensor))
        };
        place().map_err(failed)
    }

    /// A tensor on the device with the given numbers, converted to its type.
    pub(super) fn tensor(
        &self,
        element: ElementType,
        shape: &[usize],
        numbers: &[f32],
    ) -> Result<Tensor, ModelError> {
        let mut tensor = self.zeros(element, shape)?;
        tensor.write(numbers)?;
        Ok(tensor)
    }
}

impl Inner {
    fn device_number(&self) -> i32 {
        match self.device {
            Device::Cpu => 0,
            Device::Cuda(number) => number as i32,
        }
    }

    fn session(&self, graph: &Graph, what: &str) -> Result<Session, ModelError> {
        let failed = |error: ort::Error<_>| ModelError::Runtime {
            what: what.to_owned(),
            source: Box::new(ort::Error::from(error)),
        };
        let mut builder = Session::builder(&self.environment)
            .map_err(ModelError::runtime(what))?
            .with_optimization_level(GraphOptimizationLevel::All)
            .map_err(failed)?
            // What a mask hides comes out of a softmax as numbers below 1e-38, which are slow to
            // compute with: without this a train step takes a tenth longer.
            .with_flush_to_zero()
            .map_err(failed)?
            // Planning a run's memory as one block would keep that of the first run, which is not
            // planned yet, beside it: twice the memory, for no time that could be measured.
            .with_memory_pattern(false)
            .map_err(failed)?;
        if let Device::Cuda(number) = self.device {
            let cuda = ort::ep::CUDA::default()
                .with_device_id(number as i32)
                .with_arena_extend_strategy(ort::ep::ArenaExtendStrategy::SameAsRequested)
                // What is computed in 32 bits is so because 16 are too few; tensor cores would round
                // the factors to 19.
                .with_tf32(false)
                .build()
                .error_on_failure();
            builder = builder
                .with_execution_providers([cuda])
                .map_err(failed)?
                // A kernel that is missing on the device is an error, not a slow detour.
                .with_disable_cpu_fallback()
                .map_err(failed)?;
        }
        let file = match self.device {
            Device::Cpu if graph.uses(ElementType::BF16) => graph.encode_rounding(),
            _ => graph.encode(),
        };
        let _flushed = Flushed::begin();
        builder
            .commit_from_memory(&file)
            .map_err(ModelError::runtime(what))
    }
}

fn environment(library: &Path, device: Device, threads: usize) -> Result<Environment, ModelError> {
    let mut known = lock(&ENVIRONMENT);
    if let Some(environment) = &*known {
        return Ok(environment.clone());
    }
    let failed = ModelError::runtime("starting ONNX Runtime");
    let builder = load(library, device)?;
    let start = || {
        let pool = GlobalThreadPoolOptions::default()
            .with_intra_threads(threads)?
            .with_inter_threads(1)?
            .with_spin_control(true)?
            .with_flush_to_zero()?;
        builder
            .with_telemetry(false)
            .with_global_thread_pool(pool)
            .build()
    };
    let environment = start().map_err(failed)?;
    // Errors come back from the calls.
    environment.set_log_level(ort::logging::LogLevel::Fatal);
    *known = Some(environment.clone());
    Ok(environment)
}

/// Loads ONNX Runtime, which has to be of the version that graphs are proved with.
fn load(library: &Path, device: Device) -> Result<EnvironmentBuilder, ModelError> {
    let refuse = |what: &dyn fmt::Display| {
        let command = super::library::command(device);
        let path = library.display();
        ModelError::Library(format!("{path}: {what}; fetch it with `{command}`"))
    };
    if !library.exists() {
        return Err(refuse(&"the library of ONNX Runtime is not there"));
    }
    if device != Device::Cpu {
        let folder = library.parent().unwrap_or(Path::new("."));
        preload(folder).map_err(|what| refuse(&what))?;
    }
    let unknown = |error: &dyn fmt::Display| {
        refuse(&format_args!("is not a library of ONNX Runtime: {error}"))
    };
    let builder = match ort::init_from(library) {
        Ok(builder) => builder,
        Err(LoadDynamicError::BadVersion { version_str, .. }) => {
            return Err(refuse(&wrong_version(&version_str)));
        }
        Err(LoadDynamicError::Dlopen { error, .. }) => return Err(unknown(&error)),
        Err(error) => return Err(unknown(&error)),
    };
    match ort::util::probe(library) {
        Some(super::library::MINOR_VERSION) => Ok(builder),
        other => Err(refuse(&wrong_version(&match other {
            Some(minor) => format!("1.{minor}"),
            None => "another".to_owned(),
        }))),
    }
}

fn wrong_version(actual: &str) -> String {
    let expected = super::library::VERSION;
    format!("is ONNX Runtime {actual}, and {expected} is needed")
}

/// Loads NVIDIA's libraries where they are beside ONNX Runtime's; it finds what is loaded already, and
/// otherwise searches the system for them.
fn preload(folder: &Path) -> Result<(), String> {
    use ort::ep::cuda::{CUDA_DYLIBS, CUDNN_DYLIBS};
    for name in CUDA_DYLIBS.iter().chain(CUDNN_DYLIBS) {
        let path = folder.join(name);
        if path.exists() {
            ort::util::preload_dylib(&path)
                .map_err(|error| format!("{name} beside it cannot be loaded: {error}"))?;
        }
    }
    Ok(())
}

impl Program {
    /// Ready for tensors.
    pub fn bind(self: &Arc<Self>) -> Result<Binding, ModelError> {
        let io = lock(&self.session)
            .create_binding()
            .map_err(ModelError::runtime(format!("binding {}", self.what)))?;
        Ok(Binding {
            program: self.clone(),
            io,
            fetched: Vec::new(),
        })
    }
}

impl Binding {
    /// Puts a tensor at an input.
    pub fn input(&mut self, name: &str, tensor: &Tensor) -> Result<(), ModelError> {
        let failed = ModelError::runtime(format!("binding {name} of {}", self.program.what));
        self.io.bind_input(name, &tensor.0).map_err(failed)
    }

    /// Lets an output be written into a tensor, whose shape has to be that of the output.
    pub fn output(&mut self, name: &str, tensor: &mut Tensor) -> Result<(), ModelError> {
        let failed = ModelError::runtime(format!("binding {name} of {}", self.program.what));
        self.io.bind_output(name, &mut tensor.0).map_err(failed)
    }

    /// Lets an output come back from [`Binding::run`], in the host's memory.
    pub fn fetch(&mut self, name: &str) {
        self.fetched.push(name.to_owned());
    }

    /// Asks for new memory for the outputs to be fetched: what the last run gave is the caller's, and
    /// may have another shape.
    fn renew_fetched(&mut self) -> ort::Result<()> {
        let memory = MemoryInfo::new(
            AllocationDevice::CPU,
            0,
            AllocatorType::Device,
            MemoryType::CPUOutput,
        )?;
        for name in &self.fetched {
            self.io.bind_output_to_device(name, &memory)?;
        }
        Ok(())
    }

    /// Executes the graph; the outputs to be fetched come in the order in which they were asked for.
    pub fn run(&mut self) -> Result<Vec<Tensor>, ModelError> {
        let mut run = || {
            self.renew_fetched()?;
            let mut session = lock(&self.program.session);
            let mut outputs = {
                // This thread computes as ONNX Runtime's own do.
                let _flushed = Flushed::begin();
                session.run_binding(&self.io)?
            };
            self.fetched
                .iter()
                .map(|name| {
                    let value = outputs.remove(name).expect("an output that is bound");
                    Ok(Tensor(value.downcast()?))
                })
                .collect::<ort::Result<Vec<_>>>()
        };
        run().map_err(ModelError::runtime(format!(
            "executing {}",
            self.program.what
        )))
    }
}

/// A tensor, in the host's memory or on the device.
pub(super) struct Tensor(DynTensor);

fn element_type(element: ElementType) -> TensorElementType {
    match element {
        ElementType::F32 => TensorElementType::Float32,
        ElementType::F64 => TensorElementType::Float64,
        ElementType::BF16 => TensorElementType::Bfloat16,
        ElementType::I64 => TensorElementType::Int64,
        ElementType::I32 => TensorElementType::Int32,
        ElementType::Bool => TensorElementType::Bool,
    }
}

/// Numbers that a tensor's elements are converted from and to.
pub(super) trait Number: Copy {
    fn to_f64(self) -> f64;
    fn from_f64(number: f64) -> Self;
}

macro_rules! number {
    ($($type:ty),*) => {$(
        impl Number for $type {
            fn to_f64(self) -> f64 { self as f64 }
            fn from_f64(number: f64) -> Self { number as $type }
        }
    )*};
}
number!(f32, f64, i64, i32, u32);

impl Tensor {
    /// Zeros in the host's memory.
    fn host(element: ElementType, shape: &[usize]) -> ort::Result<Tensor> {
        DynTensor::new(&Allocator::default(), element_type(element), shape).map(Tensor)
    }

    /// Numbers in the host's memory, for an input.
    pub fn of<N: Number>(
        element: ElementType,
        shape: &[usize],
        numbers: &[N],
    ) -> Result<Tensor, ModelError> {
        let mut tensor =
            Tensor::host(element, shape).map_err(ModelError::runtime("allocating an input"))?;
        tensor.write(numbers)?;
        Ok(tensor)
    }

    /// Its shape.
    pub fn shape(&self) -> Vec<usize> {
        self.0.shape().iter().map(|size| *size as usize).collect()
    }

    fn on_host(&self) -> bool {
        self.0.memory_info().is_cpu_accessible()
    }

    /// Overwrites it.
    pub fn write<N: Number>(&mut self, numbers: &[N]) -> Result<(), ModelError> {
        assert_eq!(numbers.len(), self.shape().iter().product::<usize>());
        let failed = ModelError::runtime("writing a tensor");
        if self.on_host() {
            return fill(&mut self.0, numbers).map_err(failed);
        }
        let mut copy = || {
            let kind = *self.0.data_type();
            let mut staged = DynTensor::new(&Allocator::default(), kind, self.shape().as_slice())?;
            fill(&mut staged, numbers)?;
            staged.copy_into(&mut self.0)
        };
        copy().map_err(failed)
    }

    /// Its elements.
    pub fn read<N: Number>(&self) -> Result<Vec<N>, ModelError> {
        let failed = ModelError::runtime("reading a tensor");
        if self.on_host() {
            return elements(&self.0).map_err(failed);
        }
        let copy = || elements(&self.0.to(AllocationDevice::CPU, 0)?);
        copy().map_err(failed)
    }

    /// Its one element.
    pub fn number(&self) -> Result<f64, ModelError> {
        Ok(self.read::<f64>()?[0])
    }
}

fn fill<N: Number>(tensor: &mut DynTensor, numbers: &[N]) -> ort::Result<()> {
    macro_rules! copy {
        ($type:ty, $convert:expr) => {{
            let (_, place) = tensor.try_extract_tensor_mut::<$type>()?;
            for (to, from) in place.iter_mut().zip(numbers) {
                *to = $convert(*from);
            }
        }};
    }
    match *tensor.data_type() {
        TensorElementType::Float32 => copy!(f32, |x: N| x.to_f64() as f32),
        TensorElementType::Float64 => copy!(f64, |x: N| x.to_f64()),
        TensorElementType::Bfloat16 => copy!(bf16, |x: N| bf16::from_f64(x.to_f64())),
        TensorElementType::Int64 => copy!(i64, |x: N| x.to_f64() as i64),
        TensorElementType::Int32 => copy!(i32, |x: N| x.to_f64() as i32),
        other => unreachable!("no tensor of ours is of {other}"),
    }
    Ok(())
}

fn elements<N: Number>(tensor: &DynTensor) -> ort::Result<Vec<N>> {
    macro_rules! copy {
        ($type:ty, $convert:expr) => {{
            let (_, all) = tensor.try_extract_tensor::<$type>()?;
            all.iter().map(|x| N::from_f64($convert(*x))).collect()
        }};
    }
    Ok(match *tensor.data_type() {
        TensorElementType::Float32 => copy!(f32, f64::from),
        TensorElementType::Float64 => copy!(f64, |x| x),
        TensorElementType::Bfloat16 => copy!(bf16, bf16::to_f64),
        TensorElementType::Int64 => copy!(i64, |x| x as f64),
        TensorElementType::Int32 => copy!(i32, f64::from),
        other => unreachable!("no tensor of ours is of {other}"),
    })
}

//! Makes the image that every program begins with.
//!
//! Takes CPython as the wheel carries it, runs the guest's preparation in it (imports, shims, the
//! runner), and writes the interpreter's whole state into a new module; before that, another instance
//! of it compiles the packages that are beside it. Time and randomness are the guest's own virtual
//! ones, so the same inputs give the same bytes.

use super::EngineError;
use super::engine::{self, Purpose, THREAD_STACK_BYTES};
use super::packages::Packages;
use super::runtime::{at_once, idle_state, linker};
use super::state::{Handles, State};
use super::world::{Archive, Library, World};
use std::sync::Arc;
use wasm_encoder::{ExportKind, ExportSection, Module as Encoder, RawSection};
use wasmparser::{Operator, Parser, Payload};
use wasmtime::{Engine, Instance, Module, Store};
use wasmtime_wizer::{ModuleContext, WasmtimeWizer, Wizer};

/// What the mutable globals are exported as, with their number, so that they can be restored.
pub(crate) const GLOBAL_PREFIX: &str = "touchstone_global_";

/// Guest time for the preparation: hours. It is ours, but an endless loop in it should end.
const FUEL: u64 = 1 << 62;

/// What the preparation may print before it is taken for broken.
const OUTPUT_BYTES: u64 = 1 << 20;

/// What there is once the interpreter is prepared.
pub(super) struct Built {
    /// Its state as a module.
    pub snapshot: Vec<u8>,
    /// The archive of packages that it was prepared with.
    pub packages: Vec<u8>,
}

/// Compiles the packages, prepares the interpreter and writes its state as a module.
///
/// # Errors
/// Where the preparation fails in the guest, with what it printed.
pub(super) fn build(
    wasm: &[u8],
    standard: Archive,
    packages: &Packages,
    preparation: &str,
) -> Result<Built, EngineError> {
    let mut built = std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(THREAD_STACK_BYTES)
            .spawn_scoped(scope, || write(wasm, standard, packages, preparation))
            .map_err(EngineError::thread)?
            .join()
            .unwrap_or_else(|_| Err(wasmtime::Error::msg("the snapshot's thread panicked")))
            .map_err(|error| {
                EngineError::Build(format!("the snapshot could not be written: {error:#}"))
            })
    })?;
    built.snapshot = finish(&built.snapshot)
        .map_err(|error| EngineError::Build(format!("the snapshot is not sound: {error:#}")))?;
    Ok(built)
}

fn write(
    wasm: &[u8],
    standard: Archive,
    packages: &Packages,
    preparation: &str,
) -> wasmtime::Result<Built> {
    let interpreter = Interpreter::new(wasm)?;
    let packages = interpreter.archive(standard.clone(), packages)?;
    let library = Library {
        standard,
        packages: Arc::new(packages.clone()),
    };
    let snapshot = interpreter.snapshot(library, preparation)?;
    Ok(Built { snapshot, packages })
}

/// The interpreter, ready to run and to have its state written.
struct Interpreter<'a> {
    wizer: Wizer,
    context: ModuleContext<'a>,
    engine: Engine,
    module: Module,
}

impl<'a> Interpreter<'a> {
    fn new(wasm: &'a [u8]) -> wasmtime::Result<Self> {
        let mut wizer = Wizer::new();
        // Never called; naming an export keeps the default's name from being looked for.
        wizer.init_func("shutdown");
        let (context, instrumented) = wizer.instrument(wasm)?;
        let engine = engine::engine(Purpose::Snapshot)?;
        let module = Module::new(&engine, &instrumented)?;
        Ok(Interpreter {
            wizer,
            context,
            engine,
            module,
        })
    }

    /// Has a fresh instance execute a text in a world.
    fn execute(&self, world: World, text: &str) -> wasmtime::Result<(Store<State>, Instance)> {
        let mut state = idle_state(world);
        state.budget = FUEL;
        state.door.preparing = true;
        let mut store = Store::new(&self.engine, state);
        store.set_fuel(FUEL)?;
        let linker = linker(&self.engine)?;
        let instance = at_once(linker.instantiate_async(&mut store, &self.module))?;
        at_once(execute(&mut store, instance, text))?;
        Ok((store, instance))
    }

    /// The archive of packages, of what the interpreter compiles their sources to.
    fn archive(&self, standard: Archive, packages: &Packages) -> wasmtime::Result<Vec<u8>> {
        let library = Library {
            standard,
            packages: Arc::new(Vec::new()),
        };
        let mut world = World::new(library, 0, OUTPUT_BYTES);
        world.place(&packages.sources);
        let (store, _) = self.execute(world, &Packages::compiling())?;
        let compiled = store.data().world.fetch(&packages.compiled());
        Ok(packages.archive(compiled)?)
    }

    fn snapshot(&self, library: Library, preparation: &str) -> wasmtime::Result<Vec<u8>> {
        let world = World::new(library, 0, OUTPUT_BYTES);
        let (mut store, instance) = self.execute(world, preparation)?;
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        runtime.block_on(self.wizer.snapshot(
            &self.context,
            &mut WasmtimeWizer {
                store: &mut store,
                instance,
            },
        ))
    }
}

async fn execute(
    store: &mut Store<State>,
    instance: Instance,
    preparation: &str,
) -> wasmtime::Result<()> {
    let memory = instance
        .get_memory(&mut *store, "memory")
        .ok_or_else(|| wasmtime::Error::msg("the interpreter exports no memory"))?;
    let host_alloc = instance.get_typed_func::<i32, i32>(&mut *store, "host_alloc")?;
    store.data_mut().handles = Some(Handles {
        memory,
        host_alloc: host_alloc.clone(),
    });
    let length = i32::try_from(preparation.len())?;
    let at = host_alloc.call_async(&mut *store, length).await?;
    memory.write(&mut *store, at as usize, preparation.as_bytes())?;
    let turn = instance.get_typed_func::<(i32, i32), i32>(&mut *store, "turn")?;
    let status = turn.call_async(&mut *store, (at, length)).await;
    let world = &store.data().world;
    let printed = [world.stdout.as_slice(), world.stderr.as_slice()].concat();
    let printed = String::from_utf8_lossy(&printed);
    match status {
        Ok(0) if printed.is_empty() => Ok(()),
        Ok(status) => Err(wasmtime::Error::msg(format!(
            "the preparation gave status {status} and printed:\n{printed}"
        ))),
        Err(error) => Err(error.context(format!("the preparation printed:\n{printed}"))),
    }
}

/// Exports the mutable globals, drops what only debuggers read, and makes sure that memory and
/// globals are the whole state of an instance.
fn finish(wasm: &[u8]) -> wasmtime::Result<Vec<u8>> {
    let mut encoder = Encoder::new();
    let mut mutable = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        match &payload {
            Payload::GlobalSection(reader) => {
                for (index, global) in (0u32..).zip(reader.clone()) {
                    if global?.ty.mutable {
                        mutable.push(index);
                    }
                }
            }
            Payload::ExportSection(reader) => {
                encoder.section(&exports(reader.clone(), &mutable)?);
                continue;
            }
            Payload::CustomSection(_) => continue,
            Payload::CodeSectionEntry(body) => {
                check_tables(body)?;
                continue;
            }
            _ => {}
        }
        if let Some((id, range)) = payload.as_section() {
            encoder.section(&RawSection {
                id,
                data: &wasm[range],
            });
        }
    }
    Ok(encoder.finish())
}

fn exports(
    reader: wasmparser::ExportSectionReader<'_>,
    mutable: &[u32],
) -> wasmtime::Result<ExportSection> {
    let mut section = ExportSection::new();
    for export in reader {
        let export = export?;
        let kind = match export.kind {
            wasmparser::ExternalKind::Func => ExportKind::Func,
            wasmparser::ExternalKind::Memory => ExportKind::Memory,
            other => return Err(wasmtime::Error::msg(format!("an export is a {other:?}"))),
        };
        section.export(export.name, kind, export.index);
    }
    for index in mutable {
        section.export(
            &format!("{GLOBAL_PREFIX}{index}"),
            ExportKind::Global,
            *index,
        );
    }
    Ok(section)
}

/// Restoring leaves tables and passive segments alone, so nothing may change them.
fn check_tables(body: &wasmparser::FunctionBody<'_>) -> wasmtime::Result<()> {
    let mut operators = body.get_operators_reader()?;
    while !operators.eof() {
        match operators.read()? {
            Operator::TableSet { .. }
            | Operator::TableGrow { .. }
            | Operator::TableFill { .. }
            | Operator::TableCopy { .. }
            | Operator::TableInit { .. }
            | Operator::ElemDrop { .. }
            | Operator::DataDrop { .. }
            | Operator::MemoryInit { .. } => {
                return Err(wasmtime::Error::msg(
                    "a function changes a table or a segment",
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

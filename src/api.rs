//! The HTTP service.
//!
//! Beside its own API it speaks those of SandboxFusion, ScaleBox, Piston and Judge0, each with wire types
//! of its own.
//!
//! Owns routes, wire formats, status codes and the server's life from listening to shutdown.
//! Refuses to know how programs are run or judged: a handler converts what was asked, calls the
//! [validator](crate::validator) and converts what came.

mod access;
mod admin;
mod body;
mod called;
mod connections;
mod documents;
mod error;
mod form;
mod headers;
mod health;
mod judge0;
mod metrics;
mod observe;
mod openapi;
mod page;
mod piston;
mod programs;
mod router;
pub mod runs;
mod sandbox_fusion;
mod scalebox;
mod server;
mod spans;
mod tls;
pub mod v1;

pub use access::Challenge;
pub use admin::{ChangeLevel, LogControl};
pub use error::{ApiError, ProblemDocument};
pub use metrics::Process;
pub use openapi::document;
pub use router::{Api, paths, router};
pub use server::{ServeError, serve};
pub use tls::{Tls, TlsError};

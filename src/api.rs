//! The HTTP service.
//!
//! Beside its own API it speaks those of SandboxFusion, ScaleBox, Piston and Judge0, each with wire types
//! of its own.
//!
//! Owns routes, wire formats, status codes and the server's life from listening to shutdown.
//! Refuses to know how programs are run or judged: a handler converts what was asked, calls the
//! [validator](crate::validator) and converts what came.

mod body;
mod connections;
mod documents;
mod error;
mod health;
mod judge0;
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
pub mod v1;

pub use error::{ApiError, ProblemDocument};
pub use openapi::document;
pub use router::{Api, paths, router};
pub use server::{ServeError, serve};

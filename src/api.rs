//! The HTTP service.
//!
//! Owns routes, wire formats, status codes and the server's life from listening to shutdown.
//! Refuses to know how programs are run or judged: a handler converts what was asked, calls the
//! [validator](crate::validator) and converts what came.

mod body;
mod connections;
mod error;
mod health;
mod observe;
mod openapi;
mod page;
mod router;
pub mod runs;
mod server;
pub mod v1;

pub use error::{ApiError, ProblemDocument};
pub use openapi::document;
pub use router::{Api, paths, router};
pub use server::{ServeError, serve};

//! The HTTP service.
//!
//! Owns routes, wire formats, status codes and the server's life from listening to shutdown.
//! Refuses to know how programs are run or judged: a handler converts what was asked, calls the
//! [validator](crate::validator) and converts what came.

mod access;
mod admin;
mod body;
mod connections;
mod error;
mod headers;
mod health;
mod metrics;
mod observe;
mod openapi;
mod page;
mod router;
pub mod runs;
mod server;
mod tls;
pub mod v1;

pub use access::Challenge;
pub use admin::LogControl;
pub use error::{ApiError, ProblemDocument};
pub use metrics::Process;
pub use openapi::document;
pub use router::{Api, paths, router};
pub use server::{ServeError, serve};
pub use tls::{Tls, TlsError};

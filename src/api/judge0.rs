//! Judge0's API: submissions, one by one or up to twenty together, with tokens or waited for.
//!
//! Results are kept in memory, so many and so long; see `store`.

mod about;
mod callback;
mod error;
mod handlers;
mod result;
mod store;
mod wire;

pub(super) use about::*;
pub(super) use callback::Callbacks;
pub(super) use error::FORM;
pub(super) use handlers::*;
pub(super) use store::Store;

//! Faults of ours: what clients are told of them, and where tests provoke them.

use crate::domain::{Fault, FaultCode};
use std::sync::Arc;

/// The engine failed or a worker died.
pub(super) fn engine() -> Fault {
    Fault {
        code: FaultCode::Engine,
        message: "the engine failed".into(),
        retryable: true,
    }
}

/// There was no time left.
pub(super) fn shutdown() -> Fault {
    Fault {
        code: FaultCode::Shutdown,
        message: "the service shut down before this was judged".into(),
        retryable: true,
    }
}

/// A place outside of judging where a worker can be made to die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultPoint {
    /// A worker looks for a task.
    Wait,
    /// It has taken one.
    Begin,
    /// A verdict is about to be taken.
    Settle,
    /// A submission's result is about to be made.
    Answer,
}

/// Called wherever a worker passes a fault point; may panic there.
pub(super) type Faults = Arc<dyn Fn(FaultPoint) + Send + Sync>;

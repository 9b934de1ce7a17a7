//! Validators for tests of what stands around one: they judge without running anything.

use touchstone::domain::RuntimeInfo;
use touchstone::validator::Validator;

/// Passes everything.
pub fn passing() -> Validator {
    Validator::fake(100_000, false)
}

/// Passes batches of at most this many checks.
pub fn with_capacity(checks: usize) -> Validator {
    Validator::fake(checks, false)
}

/// Turns every batch away; there may be room in 1.5 s.
pub fn full() -> Validator {
    Validator::fake(100_000, true)
}

/// Takes no work any more.
pub async fn closed() -> Validator {
    let validator = passing();
    validator.shutdown().await;
    validator
}

pub fn runtime() -> RuntimeInfo {
    RuntimeInfo {
        name: "python".into(),
        version: "3.14.0".into(),
        digest: "sha256:0123".into(),
        packages: vec![("numpy".into(), "2.0".into())],
    }
}

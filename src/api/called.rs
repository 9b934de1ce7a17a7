//! What a handler of another service's interface is given.

use super::access::Caller;
use super::router::Api;
use crate::validator::{Tenant, Validator};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use std::convert::Infallible;
use std::ops::Deref;
use std::time::Duration;

/// How long clients of other services are kept waiting for their turn. verl's waits for 10 s longer
/// than its program may take.
const PATIENCE: Duration = Duration::from_secs(8);

/// What all handlers share, and whose programs this one runs.
#[derive(Clone)]
pub(super) struct Called {
    pub api: Api,
    pub tenant: Tenant,
}

impl FromRequestParts<Api> for Called {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Infallible> {
        Ok(Called {
            api: api.clone(),
            tenant: Caller::of(&parts.extensions).tenant(),
        })
    }
}

impl Called {
    /// The validator as such clients know theirs: it keeps them waiting before it turns them away,
    /// since some of them take an answer of 504 for a failed program in the end.
    pub fn validator(&self) -> Validator {
        self.api.0.validator.patient(PATIENCE)
    }
}

impl Deref for Called {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}

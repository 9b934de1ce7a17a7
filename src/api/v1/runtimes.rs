//! `/v1/runtimes`: what runs the programs.

use super::super::router::Api;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

/// The runtimes that programs may ask for.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct RuntimesResponse {
    /// All of them.
    runtimes: Vec<RuntimeWire>,
}

/// What runs the programs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Runtime)]
pub(in crate::api) struct RuntimeWire {
    /// The language, as a submission names it.
    #[schema(example = "python")]
    name: String,
    /// The interpreter's version.
    version: String,
    /// Of everything that decides an outcome: equal digests give equal answers.
    digest: String,
    /// What programs can import beside the standard library.
    packages: Vec<PackageWire>,
}

/// A package that programs can import.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Package)]
pub(in crate::api) struct PackageWire {
    /// Its name.
    name: String,
    /// Its version.
    version: String,
}

/// What runs the programs, and what it holds.
#[utoipa::path(get, path = "/v1/runtimes", tag = "checks", responses(
    (status = 200, description = "The runtimes.", body = RuntimesResponse),
))]
pub(in crate::api) async fn runtimes(State(api): State<Api>) -> Json<RuntimesResponse> {
    let package = |(name, version): (String, String)| PackageWire { name, version };
    let runtimes = api.0.runtimes.iter().cloned().map(|runtime| RuntimeWire {
        name: runtime.name,
        version: runtime.version,
        digest: runtime.digest,
        packages: runtime.packages.into_iter().map(package).collect(),
    });
    let runtimes = runtimes.collect();
    Json(RuntimesResponse { runtimes })
}

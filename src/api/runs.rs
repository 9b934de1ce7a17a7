//! The live view of training runs: a page, and the data that it draws.
//!
//! Owns what is read of a run's folder and how it is shown. Refuses to know what a run does: lines
//! of metrics and samples are handed on as they stand, and only their iteration, and what samples
//! are filtered by, is understood. Needs no validator, so that a training process can serve it as
//! well as the service.
//!
//! Everything is read-only, and nothing outside the one folder can be named (`folder`). Files are
//! read on threads for that, a few at a time, by an index that grows with them (`lines`).

mod folder;
mod hosts;
mod lines;
mod listing;
mod page;
mod run;
mod samples;

pub use hosts::Hosts;

use super::error::ApiError;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use folder::{Folder, Name};
use listing::{Root, RunName};
use run::{Details, Followed, Known, Metrics, Samples, Summary};
use samples::Filter;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;

/// Requests that read files at the same time: enough for a disk, and so few that pages which ask
/// every two seconds leave threads to others.
const READERS: usize = 4;

/// Runs of which indexes are kept; where there are more, all are made anew. Above what is listed.
const MOST_FOLLOWED: usize = 1000;

/// A folder of runs that is open for viewing.
#[derive(Clone, Debug)]
pub struct Runs(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    root: Root,
    followed: Mutex<HashMap<RunName, Arc<Mutex<Followed>>>>,
    readers: Arc<Semaphore>,
}

impl Runs {
    /// Opens a run's folder, or one that holds run folders, or folders of them. It stays open: what
    /// takes its place under the same name later is another folder.
    ///
    /// # Errors
    /// Where it is no folder, or may not be read.
    pub fn open(path: &std::path::Path) -> io::Result<Runs> {
        let full = path.canonicalize()?;
        let name = full.file_name().and_then(|name| name.to_str());
        let name = name.and_then(Name::parse).or_else(|| Name::parse("run"));
        let name = name.ok_or(io::ErrorKind::InvalidFilename)?;
        Ok(Runs(Arc::new(Shared {
            root: Root::new(Folder::open(&full)?, name),
            followed: Mutex::default(),
            readers: Arc::new(Semaphore::new(READERS)),
        })))
    }

    /// Does what reads files on a thread that may wait.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> io::Result<T> + Send + 'static,
    ) -> Result<T, ApiError> {
        let reader = Arc::clone(&self.0.readers).acquire_owned().await;
        let shared = Arc::clone(&self.0);
        let read = tokio::task::spawn_blocking(move || {
            // Given back when the work is done, not when the client has gone.
            let _reader = reader;
            work(&shared)
        });
        match read.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                tracing::error!(%error, "the files of a run could not be read");
                Err(ApiError::Internal)
            }
            // The panic hook has logged it.
            Err(_) => Err(ApiError::Internal),
        }
    }

    /// The same for one run, whose name is a client's.
    async fn read_run<T: Send + 'static>(
        &self,
        name: Named,
        work: impl FnOnce(&mut Followed, String, &Folder) -> io::Result<T> + Send + 'static,
    ) -> Result<Json<T>, ApiError> {
        let Path(name) = name.map_err(|_| ApiError::NoSuchRun)?;
        let name = RunName::parse(&name).ok_or(ApiError::NoSuchRun)?;
        let read = self.read(move |shared| shared.with(&name, work)).await?;
        read.map(Json).ok_or(ApiError::NoSuchRun)
    }
}

impl Shared {
    /// Works on a run; none where there is none of that name.
    fn with<T>(
        &self,
        name: &RunName,
        work: impl FnOnce(&mut Followed, String, &Folder) -> io::Result<T>,
    ) -> io::Result<Option<T>> {
        let Some(folder) = self.root.find(name)? else {
            return Ok(None);
        };
        let followed = self.follow(name);
        let mut followed = lock(&followed);
        work(&mut followed, name.to_string(), &folder).map(Some)
    }

    fn follow(&self, name: &RunName) -> Arc<Mutex<Followed>> {
        let mut all = lock(&self.followed);
        if all.len() >= MOST_FOLLOWED && !all.contains_key(name) {
            all.clear();
        }
        let new = || Arc::new(Mutex::new(Followed::new()));
        Arc::clone(all.entry(name.clone()).or_insert_with(new))
    }

    fn list(&self) -> io::Result<List> {
        let (names, left_off) = self.root.list()?;
        let now = nanoseconds_now() as f64 / 1e9;
        let mut runs = Vec::new();
        for name in names {
            let read = self.with(&name, |run, name, folder| run.summary(name, folder, now));
            // One that is gone by now is left out, and one that cannot be read costs no other.
            match read {
                Ok(summary) => runs.extend(summary),
                Err(error) => tracing::debug!(%name, %error, "a run could not be read"),
            }
        }
        Ok(List { runs, left_off })
    }
}

/// An index is checked whenever it is used, so one that a panic left behind can be.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Since 1970; for what people see, and for names of states.
fn nanoseconds_now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos() as u64)
}

/// The live view by itself, for a process that serves nothing else: `/` leads to it, and what else
/// is asked for is a problem document.
pub fn router(runs: Runs, hosts: Hosts) -> Router {
    Router::new()
        .route("/", get(async || Redirect::temporary("runs")))
        .merge(routes(runs))
        .fallback(async || ApiError::NotFound)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(middleware::from_fn_with_state(hosts, hosts::check))
        .layer(CatchPanicLayer::custom(|_| {
            ApiError::Internal.into_response()
        }))
}

/// The live view as a part of a service.
pub(super) fn routes(runs: Runs) -> Router {
    Router::new()
        .route("/runs", get(page::index))
        // The page's links are relative, so that it can stand behind a proxy, below any path.
        .route("/runs/", get(async || Redirect::permanent("../runs")))
        .route("/runs/assets/{name}", get(page::asset))
        .route("/runs/api/runs", get(list))
        .route("/runs/api/run/{name}", get(details))
        .route("/runs/api/run/{name}/metrics", get(metrics))
        .route("/runs/api/run/{name}/samples", get(samples))
        .layer(middleware::map_response(page::guard))
        .with_state(runs)
}

/// The runs there are.
#[derive(Debug, Serialize)]
struct List {
    runs: Vec<Summary>,
    /// How many more there are.
    left_off: usize,
}

/// A run's name out of a path; what is not even text is no run's name.
type Named = Result<Path<String>, PathRejection>;

type Asked<T> = Result<Query<T>, QueryRejection>;

fn asked<T>(query: Asked<T>) -> Result<T, ApiError> {
    match query {
        Ok(Query(value)) => Ok(value),
        Err(error) => Err(ApiError::Query(error.body_text())),
    }
}

async fn list(State(runs): State<Runs>) -> Result<Json<impl Serialize>, ApiError> {
    runs.read(Shared::list).await.map(Json)
}

async fn details(State(runs): State<Runs>, name: Named) -> Result<Json<Details>, ApiError> {
    let now = nanoseconds_now() as f64 / 1e9;
    runs.read_run(name, move |run, name, folder| {
        run.details(name, folder, now)
    })
    .await
}

/// Which metrics are wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MetricsQuery {
    after: Option<u64>,
    generation: Option<String>,
}

async fn metrics(
    State(runs): State<Runs>,
    name: Named,
    query: Asked<MetricsQuery>,
) -> Result<Json<Metrics>, ApiError> {
    let MetricsQuery { after, generation } = asked(query)?;
    let known = Known { after, generation };
    runs.read_run(name, move |run, _, folder| run.metrics(folder, &known))
        .await
}

async fn samples(
    State(runs): State<Runs>,
    name: Named,
    query: Asked<Filter>,
) -> Result<Response, ApiError> {
    let filter = asked(query)?;
    let found: Json<Samples> = runs
        .read_run(name, move |run, _, folder| run.samples(folder, &filter))
        .await?;
    Ok(found.into_response())
}

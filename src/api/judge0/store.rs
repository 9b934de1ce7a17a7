//! Submissions that were accepted, by token: bounded in number, bytes and time.

use super::wire::Asked;
use crate::domain::ProgramResult;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// How long a result can be asked for: an hour is far more than clients that poll take.
const KEPT: Duration = Duration::from_secs(3600);

/// What all of them may take; the oldest go first. Some ten thousands of ordinary ones.
const KEPT_BYTES: u64 = 128 << 20;

/// What one takes beside its texts. Arbitrary, about what its fields are.
const ENTRY_BYTES: usize = 1024;

/// The submissions of a service.
#[derive(Clone)]
pub(in crate::api) struct Store(Cache<String, Arc<Entry>>);

/// A submission and, once it is known, its result.
pub(super) struct Entry {
    pub asked: Asked,
    pub created: SystemTime,
    done: Mutex<Option<Arc<Done>>>,
}

/// A result.
pub(super) struct Done {
    pub result: ProgramResult,
    pub finished: SystemTime,
}

impl Default for Store {
    fn default() -> Self {
        let weigh = |token: &String, entry: &Arc<Entry>| {
            let bytes = token.len() + entry.bytes() + ENTRY_BYTES;
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        Store(
            Cache::builder()
                .max_capacity(KEPT_BYTES)
                .weigher(weigh)
                .time_to_live(KEPT)
                // A new one must never be turned away for the sake of older ones.
                .eviction_policy(EvictionPolicy::lru())
                .build(),
        )
    }
}

impl Store {
    pub(super) fn get(&self, token: &str) -> Option<Arc<Entry>> {
        self.0.get(token)
    }

    /// Keeps an entry, which then weighs what it holds by now.
    pub(super) fn keep(&self, token: &str, entry: Arc<Entry>) {
        self.0.insert(token.to_owned(), entry);
    }
}

impl Entry {
    pub fn new(asked: Asked) -> Arc<Self> {
        Arc::new(Entry {
            asked,
            created: SystemTime::now(),
            done: Mutex::new(None),
        })
    }

    pub fn done(&self) -> Option<Arc<Done>> {
        self.done
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub fn finish(&self, result: ProgramResult) {
        let finished = SystemTime::now();
        let done = Some(Arc::new(Done { result, finished }));
        *self.done.lock().unwrap_or_else(PoisonError::into_inner) = done;
    }

    fn bytes(&self) -> usize {
        let told = self.done().map_or(0, |done| match &done.result {
            Ok(run) => run.stdout.len() + run.stderr.len(),
            Err(_) => 0,
        });
        self.asked.bytes() + told
    }
}

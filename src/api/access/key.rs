//! Keys, and what each may ask for.

use super::Caller;
use crate::api::error::ApiError;
use crate::config::{AccessConfig, KeyConfig, KeyDigest};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use subtle::{Choice, ConstantTimeEq};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A place among the requests that a key may have unanswered; given back when dropped.
pub(super) type Place = OwnedSemaphorePermit;

/// What a client that has too many requests under way is told to wait, in seconds: some answer of
/// its own is what it waits for, and nobody knows when that comes. Arbitrary, and the least there is.
const UNTIL_AN_ANSWER: Duration = Duration::from_secs(1);

/// A caller, and how much it has under way.
#[derive(Debug)]
pub(super) struct Key {
    caller: Caller,
    digests: Vec<KeyDigest>,
    rate: Option<DefaultDirectRateLimiter>,
    places: Option<Arc<Semaphore>>,
}

impl Key {
    pub fn new(key: &KeyConfig, config: &AccessConfig) -> Key {
        let rate = key.requests_per_second.or(config.requests_per_second);
        let places = key.concurrent_requests.or(config.concurrent_requests);
        Key {
            caller: Caller {
                name: key.name.as_str().into(),
                admin: key.admin,
            },
            digests: key.sha256.clone(),
            rate: rate.and_then(quota).map(RateLimiter::direct),
            places: places.map(|places| Arc::new(Semaphore::new(places as usize))),
        }
    }

    pub fn caller(&self) -> Caller {
        self.caller.clone()
    }

    /// A place for one more request, where there is a limit of them.
    pub fn enter(&self) -> Result<Option<Place>, ApiError> {
        // The place first: a request that gets none has not used up the rate.
        let place = match &self.places {
            None => None,
            Some(places) => Some(Arc::clone(places).try_acquire_owned().map_err(|_| {
                ApiError::TooManyAtOnce {
                    retry_after: UNTIL_AN_ANSWER,
                }
            })?),
        };
        if let Some(rate) = &self.rate
            && let Err(later) = rate.check()
        {
            return Err(ApiError::RateLimited {
                retry_after: later.wait_time_from(DefaultClock::default().now()),
            });
        }
        Ok(place)
    }
}

/// So many a second, and as many at once after a pause as come in a second.
fn quota(per_second: f64) -> Option<Quota> {
    // Beyond four billion a second there is no limit to speak of.
    let burst = NonZeroU32::new(per_second.ceil() as u32)?;
    let period = Duration::try_from_secs_f64(1.0 / per_second).ok()?;
    Some(Quota::with_period(period)?.allow_burst(burst))
}

/// Whose key that is. Takes as long whichever it is, and whether or not it is one.
pub(super) fn find<'a>(keys: &'a [Key], presented: &[u8]) -> Option<&'a Key> {
    let digest = KeyDigest::of(presented);
    let mut found = None;
    for key in keys {
        let none = Choice::from(0);
        let is_it = key
            .digests
            .iter()
            .fold(none, |any, known| any | known.0.ct_eq(&digest.0));
        if is_it.into() {
            found = Some(key);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, key: &str) -> Key {
        let config = KeyConfig {
            name: name.into(),
            sha256: vec![KeyDigest::of(b"an old one"), KeyDigest::of(key.as_bytes())],
            admin: false,
            requests_per_second: None,
            concurrent_requests: None,
        };
        Key::new(&config, &AccessConfig::default())
    }

    #[test]
    fn each_key_is_found_and_no_other() {
        let keys = [key("a", "first"), key("b", "second")];
        let name = |presented: &str| Some(find(&keys, presented.as_bytes())?.caller().name);
        assert_eq!(name("first").as_deref(), Some("a"));
        assert_eq!(name("second").as_deref(), Some("b"));
        for stranger in ["", "firs", "firstt", "First", "third"] {
            assert_eq!(name(stranger), None, "{stranger}");
        }
    }

    #[test]
    fn rates() {
        for (rate, burst, period_ms) in [(0.001, 1, 1_000_000), (2.5, 3, 400), (50.0, 50, 20)] {
            let quota = quota(rate).expect("a quota");
            assert_eq!(quota.burst_size().get(), burst);
            assert_eq!(quota.replenish_interval().as_millis(), period_ms);
        }
        assert_eq!(quota(1e300), None);
    }
}

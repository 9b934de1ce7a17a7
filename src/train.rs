//! Training against an adversarial critic (RLAC, Wu et al. 2025, arXiv 2511.01758).
//!
//! A generator answers questions, a critic writes the test that is most likely to break each answer, a
//! judge decides, and both learn. Owns tasks, the game, what is learnt from it, and its records. What
//! a model is, it leaves to `model`; what passes a test, to the validator.
//!
//! * [`config`]: what a run is. [`task`]: what is asked, and how it becomes tokens. [`families`]: the
//!   small functions that a laptop trains on. [`knowledge`]: the persons that it writes about.
//! * [`judge`]: who decides which tests an answer passes.
//! * [`run`]: the loop. Each iteration plays a round ([`rollout`]), makes pairs or advantages of it
//!   ([`learn`], [`objective`]), and takes steps ([`update`]) with both players ([`player`]).
//! * [`warm`]: where new models start from. [`evaluate`]: how good both players are.
//! * [`experiment`]: many runs that differ in who writes the tests.
//! * [`log`], [`tensorboard`], [`checkpoint`]: what a run leaves on disk, to be read and to go on from.
//! * [`report`]: what runs say together.

pub mod checkpoint;
pub mod config;
pub mod evaluate;
pub mod experiment;
pub mod families;
pub mod judge;
pub mod knowledge;
pub mod learn;
pub mod log;
pub mod objective;
pub mod player;
pub mod report;
pub mod rollout;
pub mod run;
pub mod task;
pub mod tensorboard;
pub mod update;
pub mod warm;

//! Training against a critic.

mod families;
mod killed;
mod objective;
mod report;
mod runs;
mod support;
mod tensorboard;

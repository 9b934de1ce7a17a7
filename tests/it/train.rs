//! Training against a critic.

mod families;
mod objective;
mod report;
mod tensorboard;

//! Training by reinforcement: what it writes down, and what is read from that.

pub mod report;
pub mod tensorboard;

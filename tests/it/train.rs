//! Training against a critic.

mod biographies;
mod claims;
mod ends;
mod families;
mod killed;
mod learning;
mod objective;
mod problems;
mod remote;
mod report;
mod runs;
mod support;
mod tensorboard;
mod viewed;

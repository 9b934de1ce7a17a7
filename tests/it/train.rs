//! Training against a critic.

mod families;
mod objective;

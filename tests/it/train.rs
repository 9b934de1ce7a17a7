//! Training: what it writes down, and what is read from that.

mod report;
mod tensorboard;

//! Language models: graphs, derivatives, training, sampling, files.

mod gradients;
mod precision;
mod sampling;
mod support;

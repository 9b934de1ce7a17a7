//! A run, to be looked at in a browser while it goes on.

use crate::api::runs::{Hosts, Runs, router};
use anyhow::Context;
use std::net::SocketAddr;
use std::path::Path;
use tokio::net::TcpListener;

/// Serves a folder of runs for as long as the process lives, and says where.
pub(super) fn serve(address: SocketAddr, out: &Path) -> anyhow::Result<()> {
    let failed = || format!("cannot serve the live view on {address} (--no-view does without)");
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let runs = Runs::open(out).with_context(|| format!("cannot open {}", out.display()))?;
    let listener = std::net::TcpListener::bind(address).with_context(failed)?;
    listener.set_nonblocking(true).with_context(failed)?;
    let bound = listener.local_addr().with_context(failed)?;
    let hosts = match bound.ip().is_loopback() {
        true => Hosts::Loopback,
        false => Hosts::Any,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .with_context(failed)?;
    std::thread::Builder::new()
        .name("view".to_owned())
        .spawn(move || {
            runtime.block_on(async move {
                let served = match TcpListener::from_std(listener) {
                    Ok(listener) => axum::serve(listener, router(runs, hosts)).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = served {
                    eprintln!("the live view ended: {error}");
                }
            });
        })
        .with_context(failed)?;
    eprintln!("look at it at http://{bound}/runs");
    Ok(())
}

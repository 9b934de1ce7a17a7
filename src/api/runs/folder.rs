//! Folders and files below the one that is served, and never anything else.
//!
//! Everything is opened relative to a folder that is open already, by one name at a time, and no
//! link is followed. So there is no path that could lead elsewhere, and nothing that somebody
//! renames or links meanwhile makes one. The calls are those that a confined process still has:
//! see `src/confinement/calls.rs`.

use rustix::fs::{CWD, Dir, FileType, Mode, OFlags, Stat, fstat, openat};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Opening a FIFO must not wait for a writer; what is not a plain file is refused afterwards.
const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::CLOEXEC)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK);

const FOLDER: OFlags = FILE.union(OFlags::DIRECTORY);

/// The name of something in a folder: no path, nothing hidden.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Name(String);

impl Name {
    /// None for what is no single name. Names that begin with a dot are left out, `.` and `..`
    /// among them.
    pub(super) fn parse(text: &str) -> Option<Name> {
        let is_name = !text.is_empty() && !text.starts_with('.') && !text.contains(['/', '\0']);
        is_name.then(|| Name(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// An open folder.
#[derive(Debug)]
pub(super) struct Folder(OwnedFd);

impl Folder {
    /// The folder that an operator named, links and all.
    pub(super) fn open(path: &Path) -> io::Result<Folder> {
        let flags = FOLDER.difference(OFlags::NOFOLLOW);
        Ok(Folder(openat(CWD, path, flags, Mode::empty())?))
    }

    /// A folder in it; none where there is no folder of that name, but a link for instance.
    pub(super) fn folder(&self, name: &Name) -> io::Result<Option<Folder>> {
        Ok(there(openat(&self.0, name.as_str(), FOLDER, Mode::empty()))?.map(Folder))
    }

    /// The same folder, opened once more.
    pub(super) fn again(&self) -> io::Result<Folder> {
        Ok(Folder(openat(&self.0, c".", FOLDER, Mode::empty())?))
    }

    /// A plain file in it; none where there is no plain file of that name. Names of files are ours,
    /// never a client's.
    pub(super) fn file(&self, name: &'static str) -> io::Result<Option<Opened>> {
        let Some(descriptor) = there(openat(&self.0, name, FILE, Mode::empty()))? else {
            return Ok(None);
        };
        let stat = fstat(&descriptor)?;
        let is_plain = FileType::from_raw_mode(stat.st_mode).is_file();
        let file = File::from(descriptor);
        Ok(is_plain.then_some(Opened { file, stat }))
    }

    /// The names in it, at most so many of them, in order.
    pub(super) fn names(&self, most: usize) -> io::Result<Vec<Name>> {
        let entries = Dir::read_from(&self.0)?;
        let mut names = Vec::new();
        for entry in entries.take(most) {
            // A name that is not Unicode cannot stand in JSON.
            names.extend(entry?.file_name().to_str().ok().and_then(Name::parse));
        }
        names.sort();
        Ok(names)
    }
}

/// Absence and links are no errors.
fn there(opened: rustix::io::Result<OwnedFd>) -> io::Result<Option<OwnedFd>> {
    match opened {
        Ok(descriptor) => Ok(Some(descriptor)),
        // The last two: a link where none is followed, and a name longer than a name can be.
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A device, and a file's number on it.
pub(super) type Identity = (i128, i128);

/// An open file, and how it was when it was opened.
#[derive(Debug)]
pub(super) struct Opened {
    file: File,
    stat: Stat,
}

impl Opened {
    pub(super) fn length(&self) -> u64 {
        u64::try_from(self.stat.st_size).unwrap_or(0)
    }

    /// Tells one file from another that took its name.
    pub(super) fn identity(&self) -> Identity {
        // Their types differ from system to system, and all fit.
        (self.stat.st_dev.into(), self.stat.st_ino.into())
    }

    /// When it was last written, in seconds since 1970.
    pub(super) fn written(&self) -> f64 {
        self.stat.st_mtime as f64 + self.stat.st_mtime_nsec as f64 / 1e9
    }

    /// The bytes from `start`, at most so many; fewer where the file ends.
    pub(super) fn read(&self, start: u64, most: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; most];
        let mut length = 0;
        while length < most {
            match self
                .file
                .read_at(&mut bytes[length..], start + length as u64)
            {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(length);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_names() {
        for name in ["a", "rlac-warm1-seed1", "a b", "ü", "a..b", "a\\b"] {
            assert!(Name::parse(name).is_some(), "{name}");
        }
        for name in ["", ".", "..", ".hidden", "a/b", "/", "/etc", "../a", "a\0"] {
            assert!(Name::parse(name).is_none(), "{name}");
        }
    }

    #[test]
    fn only_plain_files_and_folders_are_opened() {
        let outer = tempfile::tempdir().expect("a folder");
        let root = outer.path().join("root");
        std::fs::create_dir_all(root.join("inner")).expect("a folder");
        std::fs::write(outer.path().join("secret"), "secret").expect("a file");
        std::fs::write(root.join("file"), "text").expect("a file");
        for (target, link) in [
            ("../secret", "link"),
            ("file", "near"),
            ("..", "up"),
            ("inner", "side"),
        ] {
            std::os::unix::fs::symlink(target, root.join(link)).expect("a link");
        }
        rustix::fs::mknodat(
            CWD,
            root.join("fifo"),
            FileType::Fifo,
            Mode::from_raw_mode(0o600),
            0,
        )
        .expect("a FIFO");
        let folder = Folder::open(&root).expect("it is there");
        let file = folder.file("file").expect("no error").expect("it is there");
        assert_eq!(file.read(0, 100).expect("bytes"), b"text");
        for name in ["link", "near", "up", "inner", "fifo", "absent"] {
            assert!(folder.file(name).expect("no error").is_none(), "{name}");
        }
        let inner = |name| folder.folder(&Name::parse(name).expect("a name"));
        assert!(inner("inner").expect("no error").is_some());
        for name in ["up", "side", "file", "fifo", "absent"] {
            assert!(inner(name).expect("no error").is_none(), "{name}");
        }
    }
}

//! A folder that is replaced as a whole: written beside its place and renamed, so that a full disk
//! or a crash leaves what was there before.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::tensors::listed;
use super::write::unwritten;
use crate::model::ModelError;

/// Lets `fill` write a folder and puts it where `folder` is to be.
///
/// A folder that is there already is replaced if it holds nothing but files that `ours` knows; one
/// with anything else is left alone, and an error. A process that is killed can leave an unfinished
/// folder beside it, whose name starts with a dot and ends with `.new`. Where the file system cannot
/// exchange two folders, the old one has for a moment a name that starts with a dot and ends with
/// `.old`.
pub(crate) fn replace(
    folder: &Path,
    ours: impl Fn(&str) -> bool,
    fill: impl FnOnce(&Path) -> Result<(), ModelError>,
) -> Result<(), ModelError> {
    let failed = |error: io::Error| unwritten(folder, &error);
    // Through a link the folder is replaced, not the link.
    let folder = match fs::canonicalize(folder) {
        Ok(found) => found,
        Err(_) => std::path::absolute(folder).map_err(failed)?,
    };
    let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) else {
        let what = "has no name and cannot be replaced; give it one";
        return Err(ModelError::file(&folder, what));
    };
    refuse_strangers(&folder, ours)?;
    fs::create_dir_all(parent).map_err(failed)?;
    let new = sibling(parent, name).map_err(failed)?;
    fill(new.path())?;
    sync(new.path()).map_err(failed)?;
    swap(new, &folder, name).map_err(failed)?;
    sync(parent).map_err(failed)
}

fn refuse_strangers(folder: &Path, ours: impl Fn(&str) -> bool) -> Result<(), ModelError> {
    if !folder.exists() {
        return Ok(());
    }
    let unreadable =
        |error: io::Error| ModelError::file(folder, format_args!("cannot be listed: {error}"));
    let mut strangers = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_folder = entry.file_type().map_err(unreadable)?.is_dir();
        if is_folder || !ours(&name) {
            strangers.push(name);
        }
    }
    strangers.sort();
    match strangers.is_empty() {
        true => Ok(()),
        false => Err(ModelError::file(
            folder,
            format_args!(
                "would be replaced, but has files of somebody else: {}; name another folder",
                listed(&strangers)
            ),
        )),
    }
}

/// A folder beside the one to be; removed unless it takes that one's place.
fn sibling(parent: &Path, name: &OsStr) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    let prefix = format!(".{}.", name.to_string_lossy());
    builder.prefix(&prefix).suffix(".new");
    // Others may read it as far as the process's mask lets them, like any folder.
    #[cfg(unix)]
    let builder = {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o777))
    };
    builder.tempdir_in(parent)
}

fn swap(new: TempDir, folder: &Path, name: &OsStr) -> io::Result<()> {
    if !folder.exists() {
        fs::rename(new.path(), folder)?;
        // It is where it belongs: nothing is left to be removed.
        let _ = new.keep();
        return Ok(());
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        // At no moment is there none. What was there before is then removed with the temporary one.
        if renameat_with(CWD, new.path(), CWD, folder, RenameFlags::EXCHANGE).is_ok() {
            return new.close();
        }
    }
    let old = aside(folder, name);
    fs::rename(folder, &old)?;
    if let Err(error) = fs::rename(new.path(), folder) {
        fs::rename(&old, folder)?;
        return Err(error);
    }
    let _ = new.keep();
    fs::remove_dir_all(&old)
}

/// A name that is free for the old folder.
fn aside(folder: &Path, name: &OsStr) -> PathBuf {
    let name = name.to_string_lossy();
    let numbered = |number: u32| folder.with_file_name(format!(".{name}.{number}.old"));
    let mut names = (0..).map(numbered);
    // Without end, and one of them is free.
    names
        .find(|path| !path.exists())
        .unwrap_or_else(|| numbered(u32::MAX))
}

/// Makes a folder's entries last through a crash of the system.
fn sync(folder: &Path) -> io::Result<()> {
    match cfg!(unix) {
        true => File::open(folder)?.sync_all(),
        false => Ok(()),
    }
}

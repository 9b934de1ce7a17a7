//! Finds runs below the folder that is served.

use super::folder::{Folder, Name};
use super::run::is_run;
use std::fmt;
use std::io;

/// Entries of folders that are looked at for a list. Arbitrary: more than experiments have, and few
/// enough to look at every few seconds.
const MOST_ENTRIES: usize = 5000;

/// Runs that are listed. Arbitrary, as above.
const MOST_RUNS: usize = 500;

/// The name of a run: of its folder, or of an experiment's folder and its folder in that.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct RunName(Vec<Name>);

impl RunName {
    /// None for what cannot be the name of a run.
    pub(super) fn parse(text: &str) -> Option<RunName> {
        let names: Option<Vec<Name>> = text.split('/').map(Name::parse).collect();
        names.filter(|names| names.len() <= 2).map(RunName)
    }
}

impl fmt::Display for RunName {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(Name::as_str).collect();
        f.write_str(&names.join("/"))
    }
}

/// The folder that is served.
#[derive(Debug)]
pub(super) struct Root {
    folder: Folder,
    /// What it is called if it is a run itself.
    name: Name,
}

impl Root {
    pub(super) fn new(folder: Folder, name: Name) -> Root {
        Root { folder, name }
    }

    /// The folder of a run; none where no run has that name.
    pub(super) fn find(&self, run: &RunName) -> io::Result<Option<Folder>> {
        // A run holds no others: what looks like one below it is its own.
        if is_run(&self.folder)? {
            let is_itself = run.0 == [self.name.clone()];
            return is_itself.then(|| self.folder.again()).transpose();
        }
        let mut folder = self.folder.again()?;
        for (depth, name) in run.0.iter().enumerate() {
            if depth > 0 && is_run(&folder)? {
                return Ok(None);
            }
            match folder.folder(name)? {
                Some(inner) => folder = inner,
                None => return Ok(None),
            }
        }
        Ok(is_run(&folder)?.then_some(folder))
    }

    /// All runs in the order of their names, and how many more there are than are listed.
    pub(super) fn list(&self) -> io::Result<(Vec<RunName>, usize)> {
        if is_run(&self.folder)? {
            return Ok((vec![RunName(vec![self.name.clone()])], 0));
        }
        let mut left = MOST_ENTRIES;
        let mut found = Vec::new();
        for (name, folder) in below(&self.folder, &mut left)? {
            if is_run(&folder).unwrap_or(false) {
                found.push(RunName(vec![name]));
                continue;
            }
            // One that may not be read is not ours to show.
            for (inner, folder) in below(&folder, &mut left).into_iter().flatten() {
                if is_run(&folder).unwrap_or(false) {
                    found.push(RunName(vec![name.clone(), inner]));
                }
            }
        }
        let more = found.len().saturating_sub(MOST_RUNS);
        found.truncate(MOST_RUNS);
        Ok((found, more))
    }
}

/// The folders in a folder that can be opened, one open at a time, while entries may still be
/// looked at.
fn below<'a>(
    folder: &'a Folder,
    left: &mut usize,
) -> io::Result<impl Iterator<Item = (Name, Folder)> + use<'a>> {
    let names = folder.names(*left)?;
    *left -= names.len();
    Ok(names.into_iter().filter_map(|name| {
        let inner = folder.folder(&name).ok()??;
        Some((name, inner))
    }))
}

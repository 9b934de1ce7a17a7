//! The guest's directory tree, in memory.
//!
//! In memory rather than in a temporary folder of the host: inode numbers, times and the order of
//! directory listings are then the same on every machine, nothing has to be cleaned up, and a
//! guest that breaks out of the tree finds itself nowhere. A program that touches no file pays
//! for ten small nodes.

use super::{Archive, Library};
use std::collections::BTreeMap;

/// Where a program starts, and where its files are.
pub(crate) const WORKING_DIRECTORY: &str = "work";

/// Where the archives are, below the root.
const LIBRARY_PATH: [&str; 3] = ["usr", "local", "lib"];

/// Where the interpreter looks for its standard library.
const STANDARD: &str = "python315.zip";

/// Where the boot text tells it to look for packages too.
pub(crate) const PACKAGES: &str = "touchstone.zip";

/// The whole path of that.
pub(crate) const PACKAGES_PATH: &str = "/usr/local/lib/touchstone.zip";

/// Most bytes that an execution may keep in files. A file's bytes are the host's memory, not the
/// guest's, so they need a bound of their own; a quarter of the usual memory limit is generous.
const FILE_BYTES: u64 = 64 << 20;

/// Most files and directories that an execution may make, also where it removes them again;
/// bounds the host's bookkeeping to a few MiB.
const FILE_COUNT: usize = 1 << 15;

/// Longest name, as on usual file systems.
const NAME_BYTES: usize = 255;

/// Deepest directory. Permission is found by climbing to the root, which must stay cheap.
const DEPTH: usize = 128;

/// Index of a file or directory; never reused within an execution, so it serves as inode number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeId(usize);

impl NodeId {
    /// As the guest sees it: 0 would mean none.
    pub fn inode(self) -> u64 {
        self.0 as u64 + 1
    }
}

/// The root directory.
pub(crate) const ROOT: NodeId = NodeId(0);

/// A file or a directory.
pub(crate) enum Node {
    /// A read-only archive of modules.
    Archive(Archive),
    /// `/dev/null`, which takes everything and holds nothing.
    Null,
    /// A file that the program may change.
    File(Vec<u8>),
    /// Names in order, so that listings are reproducible.
    Directory(BTreeMap<String, NodeId>),
}

/// Why a file operation was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Missing,
    Exists,
    NotDirectory,
    IsDirectory,
    NotEmpty,
    ReadOnly,
    Escapes,
    NoSpace,
    NameTooLong,
    Invalid,
}

/// Where a path leads: the directory that holds its last name, and what is there.
#[derive(Debug)]
pub(crate) struct Place {
    pub parent: NodeId,
    /// Empty where the path names its starting directory itself.
    pub name: String,
    pub node: Option<NodeId>,
}

/// The tree.
pub(crate) struct Files {
    nodes: Vec<Node>,
    parents: Vec<NodeId>,
    /// Whether a node has lost its name: it lives on while it is open.
    removed: Vec<bool>,
    modified_ns: Vec<u64>,
    bytes: u64,
}

impl Files {
    /// The tree that every program finds: its library, `/dev/null`, an empty `/tmp` and working
    /// directory.
    pub fn new(library: Library) -> Self {
        let mut files = Files {
            nodes: vec![Node::Directory(BTreeMap::new())],
            parents: vec![ROOT],
            removed: vec![false],
            modified_ns: vec![super::EPOCH_NS],
            bytes: 0,
        };
        let mut parent = ROOT;
        for name in LIBRARY_PATH {
            parent = files.insert(parent, name, Node::Directory(BTreeMap::new()));
        }
        files.insert(parent, STANDARD, Node::Archive(library.standard));
        files.insert(ROOT, "tmp", Node::Directory(BTreeMap::new()));
        files.insert(ROOT, WORKING_DIRECTORY, Node::Directory(BTreeMap::new()));
        files.insert(parent, PACKAGES, Node::Archive(library.packages));
        let devices = files.insert(ROOT, "dev", Node::Directory(BTreeMap::new()));
        files.insert(devices, "null", Node::Null);
        files
    }

    /// Takes the tree away, for the other guest of a split execution; whoever has none waits.
    pub fn take(&mut self) -> Files {
        std::mem::replace(self, Files::nothing())
    }

    /// A root directory, and nothing in it.
    pub fn nothing() -> Files {
        Files {
            nodes: vec![Node::Directory(BTreeMap::new())],
            parents: vec![ROOT],
            removed: vec![false],
            modified_ns: vec![super::EPOCH_NS],
            bytes: 0,
        }
    }

    /// Puts a file below the working directory, with the directories on its way.
    pub fn place(&mut self, path: &str, contents: Vec<u8>) {
        let mut parent = self.child(ROOT, WORKING_DIRECTORY).unwrap_or(ROOT);
        let mut names = path.split('/').filter(|name| !name.is_empty()).peekable();
        while let Some(name) = names.next() {
            let existing = self.child(parent, name);
            parent = match (existing, names.peek()) {
                (Some(node), _) => node,
                (None, Some(_)) => self.insert(parent, name, Node::Directory(BTreeMap::new())),
                (None, None) => self.insert(parent, name, Node::File(Vec::new())),
            };
        }
        // What the request sent does not count against what the program may write.
        if let Node::File(file) = &mut self.nodes[parent.0] {
            *file = contents;
        }
    }

    /// A file below the working directory. Paths that lead elsewhere have none.
    pub fn fetch(&self, path: &str) -> Option<&[u8]> {
        let working = self.child(ROOT, WORKING_DIRECTORY)?;
        let node = self.walk(working, path).ok()?.node?;
        match self.node(node) {
            Node::File(bytes) => Some(bytes),
            Node::Archive(_) | Node::Null | Node::Directory(_) => None,
        }
    }

    /// What a node is.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// When a node was last changed, in nanoseconds since 1970.
    pub fn modified_ns(&self, id: NodeId) -> u64 {
        self.modified_ns[id.0]
    }

    /// Sets when a node was last changed.
    pub fn set_modified_ns(&mut self, id: NodeId, at: u64) -> Result<(), Refused> {
        if matches!(self.node(id), Node::Null) {
            return Ok(());
        }
        if !self.is_writable(id) {
            return Err(Refused::ReadOnly);
        }
        self.modified_ns[id.0] = at;
        Ok(())
    }

    /// A file's bytes, none for a directory.
    pub fn contents(&self, id: NodeId) -> &[u8] {
        match self.node(id) {
            Node::Archive(archive) => (**archive).as_ref(),
            Node::File(bytes) => bytes,
            Node::Null | Node::Directory(_) => &[],
        }
    }

    /// Follows a path from a directory; the last name need not exist.
    pub fn walk(&self, from: NodeId, path: &str) -> Result<Place, Refused> {
        let mut trail = vec![from];
        let mut place = Place {
            parent: from,
            name: String::new(),
            node: Some(from),
        };
        for name in path
            .split('/')
            .filter(|name| !name.is_empty() && *name != ".")
        {
            let at = place.node.ok_or(Refused::Missing)?;
            let Node::Directory(names) = self.node(at) else {
                return Err(Refused::NotDirectory);
            };
            if name == ".." {
                trail.pop();
                let up = *trail.last().ok_or(Refused::Escapes)?;
                place = Place {
                    parent: up,
                    name: String::new(),
                    node: Some(up),
                };
                continue;
            }
            let node = names.get(name).copied();
            if let Some(node) = node {
                trail.push(node);
            }
            place = Place {
                parent: at,
                name: name.to_owned(),
                node,
            };
        }
        if path.ends_with('/')
            && let Some(node) = place.node
            && !matches!(self.node(node), Node::Directory(_))
        {
            return Err(Refused::NotDirectory);
        }
        Ok(place)
    }

    /// Makes a file or directory where nothing is.
    pub fn create(&mut self, place: &Place, node: Node, now: u64) -> Result<NodeId, Refused> {
        if place.node.is_some() {
            return Err(Refused::Exists);
        }
        if !self.is_writable(place.parent) {
            return Err(Refused::ReadOnly);
        }
        if place.name.len() > NAME_BYTES {
            return Err(Refused::NameTooLong);
        }
        if self.nodes.len() >= FILE_COUNT || self.climb(place.parent).take(DEPTH).count() == DEPTH {
            return Err(Refused::NoSpace);
        }
        let id = self.insert(place.parent, &place.name, node);
        self.modified_ns[id.0] = now;
        self.modified_ns[place.parent.0] = now;
        Ok(id)
    }

    /// Takes a name away; an open file stays readable, as on other systems.
    pub fn remove(&mut self, place: &Place, directory: bool) -> Result<(), Refused> {
        let node = place.node.ok_or(Refused::Missing)?;
        if place.name.is_empty() {
            return Err(Refused::Invalid);
        }
        match (self.node(node), directory) {
            (Node::Directory(names), true) if !names.is_empty() => return Err(Refused::NotEmpty),
            (Node::Directory(_), true) | (Node::File(_), false) => {}
            (Node::Directory(_), false) => return Err(Refused::IsDirectory),
            (Node::File(_), true) => return Err(Refused::NotDirectory),
            (Node::Archive(_) | Node::Null, _) => return Err(Refused::ReadOnly),
        }
        if !self.is_writable(place.parent) {
            return Err(Refused::ReadOnly);
        }
        self.unlink(place.parent, &place.name);
        self.removed[node.0] = true;
        Ok(())
    }

    /// Gives back the bytes of a file that has lost its name. To be called once it is not open
    /// any more.
    pub fn release(&mut self, id: NodeId) {
        if self.removed[id.0] {
            // Making a file empty cannot fail, and a directory has no bytes.
            let _ = self.resize(id, 0);
        }
    }

    /// Moves a name, replacing a file or an empty directory that has it.
    pub fn rename(&mut self, from: &Place, to: &Place) -> Result<(), Refused> {
        let node = from.node.ok_or(Refused::Missing)?;
        if from.name.is_empty() || to.name.is_empty() {
            return Err(Refused::Invalid);
        }
        if !self.is_writable(from.parent) || !self.is_writable(to.parent) {
            return Err(Refused::ReadOnly);
        }
        if to.name.len() > NAME_BYTES {
            return Err(Refused::NameTooLong);
        }
        if self.climb(to.parent).any(|above| above == node) {
            return Err(Refused::Invalid);
        }
        if to.node == Some(node) {
            return Ok(());
        }
        if to.node.is_some() {
            let directory = matches!(self.node(node), Node::Directory(_));
            self.remove(to, directory)?;
        }
        self.unlink(from.parent, &from.name);
        if let Node::Directory(names) = &mut self.nodes[to.parent.0] {
            names.insert(to.name.clone(), node);
        }
        self.parents[node.0] = to.parent;
        Ok(())
    }

    /// Writes at a position, filling a gap with zeros.
    pub fn write(&mut self, id: NodeId, position: u64, bytes: &[u8]) -> Result<(), Refused> {
        let end = position
            .checked_add(bytes.len() as u64)
            .ok_or(Refused::NoSpace)?;
        if end > self.contents(id).len() as u64 {
            self.resize(id, end)?;
        }
        match &mut self.nodes[id.0] {
            Node::File(file) => {
                // Both are at most FILE_BYTES after the resize.
                file[position as usize..end as usize].copy_from_slice(bytes);
                Ok(())
            }
            Node::Null => Ok(()),
            Node::Archive(_) => Err(Refused::ReadOnly),
            Node::Directory(_) => Err(Refused::IsDirectory),
        }
    }

    /// Cuts a file or fills it up with zeros.
    pub fn resize(&mut self, id: NodeId, size: u64) -> Result<(), Refused> {
        match &mut self.nodes[id.0] {
            Node::File(file) => {
                let total = (self.bytes - (file.len() as u64).min(self.bytes)).saturating_add(size);
                if total > FILE_BYTES {
                    return Err(Refused::NoSpace);
                }
                self.bytes = total;
                file.resize(size as usize, 0);
                // What was cut off is given back, since only what is there is counted. Growing
                // may reserve as much again, so that the host's memory is at most twice the bound.
                if file.capacity() / 2 > file.len() {
                    file.shrink_to_fit();
                }
                Ok(())
            }
            Node::Null => Ok(()),
            Node::Archive(_) => Err(Refused::ReadOnly),
            Node::Directory(_) => Err(Refused::IsDirectory),
        }
    }

    /// Only `/tmp` and the working directory are the program's own.
    fn is_writable(&self, directory: NodeId) -> bool {
        let own = [self.child(ROOT, "tmp"), self.child(ROOT, WORKING_DIRECTORY)];
        self.climb(directory)
            .any(|above| own.contains(&Some(above)))
    }

    /// A directory and those above it, the root last.
    fn climb(&self, from: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(Some(from), |at| (*at != ROOT).then(|| self.parents[at.0]))
    }

    fn child(&self, directory: NodeId, name: &str) -> Option<NodeId> {
        match self.node(directory) {
            Node::Directory(names) => names.get(name).copied(),
            _ => None,
        }
    }

    fn insert(&mut self, parent: NodeId, name: &str, node: Node) -> NodeId {
        let id = NodeId(self.nodes.len());
        self.nodes.push(node);
        self.parents.push(parent);
        self.removed.push(false);
        self.modified_ns.push(super::EPOCH_NS);
        if let Node::Directory(names) = &mut self.nodes[parent.0] {
            names.insert(name.to_owned(), id);
        }
        id
    }

    fn unlink(&mut self, parent: NodeId, name: &str) {
        if let Node::Directory(names) = &mut self.nodes[parent.0] {
            names.remove(name);
        }
    }
}

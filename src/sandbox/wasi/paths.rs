//! System calls on paths.

use super::descriptors::{put_filestat, set_times};
use super::{Answer, Call, Stop};
use crate::sandbox::world::files::{Node, NodeId, Place};
use crate::sandbox::world::{Descriptor, OpenFile};
use std::collections::BTreeMap;
use wasmtime_wasi::p1::types::Errno;

/// Bits of `oflags`.
const CREATE: u32 = 1;
const DIRECTORY: u32 = 2;
const EXCLUSIVE: u32 = 4;
const TRUNCATE: u32 = 8;

/// Bits of rights that say whether a file is opened to be read or written.
const READ: u64 = 1 << 1;
const WRITE: u64 = 1 << 6;

/// The bit of `fdflags` for appending.
const APPEND: u32 = 1;

fn walk(call: &mut Call<'_>, fd: u32, path: u32, length: u32) -> Result<Place, Stop> {
    let Descriptor::Directory { node, .. } = *call.world.descriptor(fd).ok_or(Errno::Badf)? else {
        return Err(Errno::Notdir.into());
    };
    call.moved(length as usize * 8);
    let path = call.bytes.path(path, length)?;
    Ok(call.world.files.walk(node, path)?)
}

fn existing(call: &mut Call<'_>, fd: u32, path: u32, length: u32) -> Result<NodeId, Stop> {
    Ok(walk(call, fd, path, length)?.node.ok_or(Errno::Noent)?)
}

#[expect(
    clippy::too_many_arguments,
    reason = "the system interface has as many"
)]
pub(super) fn open(
    call: &mut Call<'_>,
    fd: u32,
    _lookup: u32,
    path: u32,
    length: u32,
    open: u32,
    rights: u64,
    _inheriting: u64,
    flags: u32,
    result: u32,
) -> Answer {
    let place = walk(call, fd, path, length)?;
    let now = call.now_ns();
    let node = match place.node {
        Some(_) if open & CREATE != 0 && open & EXCLUSIVE != 0 => return Err(Errno::Exist.into()),
        Some(node) => node,
        None if open & CREATE != 0 => {
            call.world
                .files
                .create(&place, Node::File(Vec::new()), now)?
        }
        None => return Err(Errno::Noent.into()),
    };
    let writable = rights & WRITE != 0;
    let descriptor = match call.world.files.node(node) {
        Node::Directory(_) if writable && open & DIRECTORY == 0 => return Err(Errno::Isdir.into()),
        Node::Directory(_) => Descriptor::Directory {
            node,
            preopen: false,
        },
        _ if open & DIRECTORY != 0 => return Err(Errno::Notdir.into()),
        Node::Archive(_) if writable => return Err(Errno::Rofs.into()),
        _ => Descriptor::File(OpenFile {
            node,
            position: 0,
            append: flags & APPEND != 0,
            readable: rights & READ != 0,
            writable,
        }),
    };
    if open & TRUNCATE != 0 && writable {
        call.world.files.resize(node, 0)?;
    }
    let number = call.world.open(descriptor).ok_or(Errno::Mfile)?;
    Ok(call.bytes.put_u32(result, number)?)
}

pub(super) fn filestat_get(
    call: &mut Call<'_>,
    fd: u32,
    _flags: u32,
    path: u32,
    length: u32,
    result: u32,
) -> Answer {
    let node = existing(call, fd, path, length)?;
    put_filestat(call, node, result)
}

#[expect(
    clippy::too_many_arguments,
    reason = "the system interface has as many"
)]
pub(super) fn filestat_set_times(
    call: &mut Call<'_>,
    fd: u32,
    _flags: u32,
    path: u32,
    length: u32,
    _access: u64,
    modification: u64,
    which: u32,
) -> Answer {
    let node = existing(call, fd, path, length)?;
    set_times(call, node, modification, which)
}

pub(super) fn create_directory(call: &mut Call<'_>, fd: u32, path: u32, length: u32) -> Answer {
    let place = walk(call, fd, path, length)?;
    let now = call.now_ns();
    let directory = Node::Directory(BTreeMap::new());
    call.world.files.create(&place, directory, now)?;
    Ok(())
}

pub(super) fn remove_directory(call: &mut Call<'_>, fd: u32, path: u32, length: u32) -> Answer {
    let place = walk(call, fd, path, length)?;
    Ok(call.world.files.remove(&place, true)?)
}

pub(super) fn unlink_file(call: &mut Call<'_>, fd: u32, path: u32, length: u32) -> Answer {
    let place = walk(call, fd, path, length)?;
    call.world.files.remove(&place, false)?;
    if let Some(node) = place.node {
        call.world.release(node);
    }
    Ok(())
}

pub(super) fn rename(
    call: &mut Call<'_>,
    old_fd: u32,
    old: u32,
    old_length: u32,
    new_fd: u32,
    new: u32,
    new_length: u32,
) -> Answer {
    let from = walk(call, old_fd, old, old_length)?;
    let to = walk(call, new_fd, new, new_length)?;
    call.world.files.rename(&from, &to)?;
    if let Some(replaced) = to.node {
        call.world.release(replaced);
    }
    Ok(())
}

/// There are no links: a tree without them cannot be left through one.
#[expect(
    clippy::too_many_arguments,
    reason = "the system interface has as many"
)]
pub(super) fn link(
    _call: &mut Call<'_>,
    _old_fd: u32,
    _flags: u32,
    _old: u32,
    _old_length: u32,
    _new_fd: u32,
    _new: u32,
    _new_length: u32,
) -> Answer {
    Err(Errno::Notsup.into())
}

pub(super) fn symlink(
    _call: &mut Call<'_>,
    _old: u32,
    _old_length: u32,
    _fd: u32,
    _new: u32,
    _new_length: u32,
) -> Answer {
    Err(Errno::Notsup.into())
}

pub(super) fn readlink(
    call: &mut Call<'_>,
    fd: u32,
    path: u32,
    length: u32,
    _buffer: u32,
    _size: u32,
    _result: u32,
) -> Answer {
    existing(call, fd, path, length)?;
    Err(Errno::Inval.into())
}

//! System calls on open descriptors.

use super::{Answer, Call, Stop, system};
use crate::sandbox::world::files::{Node, NodeId};
use crate::sandbox::world::{Descriptor, OpenFile};
use wasmtime_wasi::p1::types::{Errno, Filetype};

/// Every right, but that streams lack seek (bit 2) and tell (bit 5): without them C's library
/// knows that a stream has no position.
const ALL_RIGHTS: u64 = 0x3fff_ffff;
const STREAM_RIGHTS: u64 = ALL_RIGHTS & !0b10_0100;

/// Flag bits of `fd_fdstat`.
const APPEND: u16 = 1;

/// Bytes of a directory entry before its name.
const ENTRY: usize = 24;

fn get<'c>(call: &'c mut Call<'_>, fd: u32) -> Result<&'c mut Descriptor, Errno> {
    call.world.descriptor(fd).ok_or(Errno::Badf)
}

fn file<'c>(call: &'c mut Call<'_>, fd: u32) -> Result<&'c mut OpenFile, Errno> {
    match get(call, fd)? {
        Descriptor::File(file) => Ok(file),
        Descriptor::Directory { .. } => Err(Errno::Isdir),
        _ => Err(Errno::Spipe),
    }
}

pub(super) fn advise(
    call: &mut Call<'_>,
    fd: u32,
    _offset: u64,
    _length: u64,
    _advice: u32,
) -> Answer {
    get(call, fd)?;
    Ok(())
}

pub(super) fn close(call: &mut Call<'_>, fd: u32) -> Answer {
    let closed = get(call, fd)?.clone();
    call.world.descriptors[fd as usize] = None;
    if let Descriptor::File(file) = closed {
        call.world.release(file.node);
    }
    Ok(())
}

pub(super) fn sync(call: &mut Call<'_>, fd: u32) -> Answer {
    get(call, fd)?;
    Ok(())
}

pub(super) fn fdstat_get(call: &mut Call<'_>, fd: u32, result: u32) -> Answer {
    let (kind, flags, rights) = match get(call, fd)? {
        Descriptor::File(file) => {
            let flags = if file.append { APPEND } else { 0 };
            (Filetype::RegularFile, flags, ALL_RIGHTS)
        }
        Descriptor::Directory { .. } => (Filetype::Directory, 0, ALL_RIGHTS),
        _ => (Filetype::Unknown, 0, STREAM_RIGHTS),
    };
    let mut stat = [0u8; 24];
    stat[0] = u8::from(kind);
    stat[2..4].copy_from_slice(&flags.to_le_bytes());
    stat[8..16].copy_from_slice(&rights.to_le_bytes());
    stat[16..24].copy_from_slice(&rights.to_le_bytes());
    Ok(call.bytes.put(result, &stat)?)
}

pub(super) fn fdstat_set_flags(call: &mut Call<'_>, fd: u32, flags: u32) -> Answer {
    if let Descriptor::File(file) = get(call, fd)? {
        file.append = flags & u32::from(APPEND) != 0;
    }
    Ok(())
}

pub(super) fn filestat_get(call: &mut Call<'_>, fd: u32, result: u32) -> Answer {
    match get(call, fd)?.clone() {
        Descriptor::File(OpenFile { node, .. }) | Descriptor::Directory { node, .. } => {
            put_filestat(call, node, result)
        }
        stream => {
            let inode = match stream {
                Descriptor::Stdin => 1_000_000,
                Descriptor::Stdout => 1_000_001,
                _ => 1_000_002,
            };
            Ok(call
                .bytes
                .put(result, &filestat(inode, Filetype::Unknown, 0, 0))?)
        }
    }
}

/// Writes what `stat` gives for a file or directory.
pub(super) fn put_filestat(call: &mut Call<'_>, node: NodeId, result: u32) -> Answer {
    let kind = kind(call.world.files.node(node));
    let size = call.world.files.contents(node).len() as u64;
    let modified = call.world.files.modified_ns(node);
    Ok(call
        .bytes
        .put(result, &filestat(node.inode(), kind, size, modified))?)
}

fn kind(node: &Node) -> Filetype {
    match node {
        Node::Directory(_) => Filetype::Directory,
        Node::Null => Filetype::CharacterDevice,
        Node::File(_) | Node::Archive(_) => Filetype::RegularFile,
    }
}

fn filestat(inode: u64, kind: Filetype, size: u64, modified_ns: u64) -> [u8; 64] {
    let mut stat = [0u8; 64];
    let mut put = |at: usize, number: u64| stat[at..at + 8].copy_from_slice(&number.to_le_bytes());
    put(0, 1);
    put(8, inode);
    put(24, 1);
    put(32, size);
    put(40, modified_ns);
    put(48, modified_ns);
    put(56, modified_ns);
    stat[16] = u8::from(kind);
    stat
}

pub(super) fn filestat_set_size(call: &mut Call<'_>, fd: u32, size: u64) -> Answer {
    let OpenFile { node, writable, .. } = *file(call, fd)?;
    if !writable {
        return Err(Errno::Badf.into());
    }
    let before = call.world.files.contents(node).len() as u64;
    call.world.files.resize(node, size)?;
    call.moved(size.saturating_sub(before) as usize);
    let now = call.now_ns();
    call.world.files.set_modified_ns(node, now)?;
    Ok(())
}

pub(super) fn filestat_set_times(
    call: &mut Call<'_>,
    fd: u32,
    _access: u64,
    modification: u64,
    flags: u32,
) -> Answer {
    let node = file(call, fd)?.node;
    set_times(call, node, modification, flags)
}

/// Sets the modification time, to the one given (bit 2) or to now (bit 3). Access times are not
/// kept.
pub(super) fn set_times(
    call: &mut Call<'_>,
    node: NodeId,
    modification: u64,
    flags: u32,
) -> Answer {
    let at = match flags {
        flags if flags & 0b100 != 0 => modification,
        flags if flags & 0b1000 != 0 => call.now_ns(),
        _ => return Ok(()),
    };
    Ok(call.world.files.set_modified_ns(node, at)?)
}

pub(super) fn prestat_get(call: &mut Call<'_>, fd: u32, result: u32) -> Answer {
    match get(call, fd)? {
        Descriptor::Directory { preopen: true, .. } => {
            call.bytes.put_u32(result, 0)?;
            Ok(call.bytes.put_u32(result.wrapping_add(4), 1)?)
        }
        _ => Err(Errno::Badf.into()),
    }
}

pub(super) fn prestat_dir_name(call: &mut Call<'_>, fd: u32, path: u32, length: u32) -> Answer {
    match get(call, fd)? {
        Descriptor::Directory { preopen: true, .. } if length >= 1 => {
            Ok(call.bytes.put(path, b"/")?)
        }
        Descriptor::Directory { preopen: true, .. } => Err(Errno::Nametoolong.into()),
        _ => Err(Errno::Badf.into()),
    }
}

pub(super) fn read(call: &mut Call<'_>, fd: u32, vectors: u32, count: u32, result: u32) -> Answer {
    let total = match get(call, fd)? {
        Descriptor::Stdin => read_stdin(call, vectors, count)?,
        Descriptor::File(file) => {
            let position = file.position;
            let total = read_at(call, fd, vectors, count, position)?;
            self::file(call, fd)?.position = position + u64::from(total);
            total
        }
        Descriptor::Directory { .. } => return Err(Errno::Isdir.into()),
        _ => return Err(Errno::Badf.into()),
    };
    Ok(call.bytes.put_u32(result, total)?)
}

fn read_stdin(call: &mut Call<'_>, vectors: u32, count: u32) -> Result<u32, Stop> {
    let mut total = 0;
    for (address, length) in call.bytes.vectors(vectors, count)? {
        let into = call.bytes.slice_mut(address, length)?;
        total += call.world.read_stdin(into);
    }
    call.moved(total);
    Ok(total as u32)
}

fn read_at(
    call: &mut Call<'_>,
    fd: u32,
    vectors: u32,
    count: u32,
    position: u64,
) -> Result<u32, Stop> {
    let OpenFile { node, readable, .. } = *file(call, fd)?;
    if !readable {
        return Err(Errno::Badf.into());
    }
    let list = call.bytes.vectors(vectors, count)?;
    let contents = call.world.files.contents(node);
    let mut at = usize::try_from(position)
        .unwrap_or(usize::MAX)
        .min(contents.len());
    let start = at;
    for (address, length) in list {
        let some = (contents.len() - at).min(length as usize);
        call.bytes.put(address, &contents[at..at + some])?;
        at += some;
    }
    call.moved(at - start);
    Ok((at - start) as u32)
}

pub(super) fn pread(
    call: &mut Call<'_>,
    fd: u32,
    vectors: u32,
    count: u32,
    offset: u64,
    result: u32,
) -> Answer {
    let total = read_at(call, fd, vectors, count, offset)?;
    Ok(call.bytes.put_u32(result, total)?)
}

pub(super) fn write(call: &mut Call<'_>, fd: u32, vectors: u32, count: u32, result: u32) -> Answer {
    let total = match get(call, fd)?.clone() {
        stream @ (Descriptor::Stdout | Descriptor::Stderr) => {
            write_stream(call, &stream, vectors, count)?
        }
        Descriptor::File(file) => {
            let end = call.world.files.contents(file.node).len() as u64;
            let position = if file.append { end } else { file.position };
            let total = write_at(call, fd, vectors, count, position)?;
            self::file(call, fd)?.position = position + u64::from(total);
            total
        }
        Descriptor::Directory { .. } => return Err(Errno::Isdir.into()),
        Descriptor::Stdin => return Err(Errno::Badf.into()),
    };
    Ok(call.bytes.put_u32(result, total)?)
}

fn write_stream(
    call: &mut Call<'_>,
    stream: &Descriptor,
    vectors: u32,
    count: u32,
) -> Result<u32, Stop> {
    let mut total = 0u32;
    for (address, length) in call.bytes.vectors(vectors, count)? {
        let bytes = call.bytes.slice(address, length)?;
        if call.world.write_stream(stream, bytes).is_err() {
            return Err(Stop::Trap(system::output_full(call)));
        }
        total = total.saturating_add(length);
    }
    call.moved(total as usize);
    Ok(total)
}

fn write_at(
    call: &mut Call<'_>,
    fd: u32,
    vectors: u32,
    count: u32,
    position: u64,
) -> Result<u32, Stop> {
    let OpenFile { node, writable, .. } = *file(call, fd)?;
    if !writable {
        return Err(Errno::Badf.into());
    }
    let before = call.world.files.contents(node).len() as u64;
    let mut total = 0u32;
    for (address, length) in call.bytes.vectors(vectors, count)? {
        let bytes = call.bytes.slice(address, length)?;
        let at = position.saturating_add(u64::from(total));
        call.world.files.write(node, at, bytes)?;
        total = total.saturating_add(length);
    }
    // A write past the end fills the gap, which is work too.
    let gap = match call.world.files.node(node) {
        Node::Null => 0,
        _ => position.saturating_sub(before),
    };
    call.moved(total as usize + gap as usize);
    let now = call.now_ns();
    call.world.files.set_modified_ns(node, now)?;
    Ok(total)
}

pub(super) fn pwrite(
    call: &mut Call<'_>,
    fd: u32,
    vectors: u32,
    count: u32,
    offset: u64,
    result: u32,
) -> Answer {
    let total = write_at(call, fd, vectors, count, offset)?;
    Ok(call.bytes.put_u32(result, total)?)
}

pub(super) fn readdir(
    call: &mut Call<'_>,
    fd: u32,
    buffer: u32,
    length: u32,
    cookie: u64,
    result: u32,
) -> Answer {
    let Descriptor::Directory { node, .. } = *get(call, fd)? else {
        return Err(Errno::Notdir.into());
    };
    let Node::Directory(names) = call.world.files.node(node) else {
        return Err(Errno::Notdir.into());
    };
    let own = [(".", node), ("..", node)].into_iter();
    let all = own.chain(names.iter().map(|(name, child)| (name.as_str(), *child)));
    let mut listing: Vec<u8> = Vec::new();
    for (next, (name, child)) in (1u64..)
        .zip(all)
        .skip(usize::try_from(cookie).unwrap_or(usize::MAX))
    {
        let kind = kind(call.world.files.node(child));
        let mut entry = [0u8; ENTRY];
        entry[..8].copy_from_slice(&next.to_le_bytes());
        entry[8..16].copy_from_slice(&child.inode().to_le_bytes());
        entry[16..20].copy_from_slice(&(name.len() as u32).to_le_bytes());
        entry[20] = u8::from(kind);
        listing.extend_from_slice(&entry);
        listing.extend_from_slice(name.as_bytes());
        if listing.len() >= length as usize {
            break;
        }
    }
    listing.truncate(length as usize);
    // Passing over the entries before the cookie is work too.
    call.moved(listing.len() + usize::try_from(cookie).unwrap_or(0).min(1 << 16));
    call.bytes.put(buffer, &listing)?;
    Ok(call.bytes.put_u32(result, listing.len() as u32)?)
}

pub(super) fn seek(call: &mut Call<'_>, fd: u32, offset: i64, whence: u32, result: u32) -> Answer {
    let OpenFile { node, position, .. } = *file(call, fd)?;
    let base = match whence {
        0 => 0,
        1 => position,
        2 => call.world.files.contents(node).len() as u64,
        _ => return Err(Errno::Inval.into()),
    };
    let position = base.checked_add_signed(offset).ok_or(Errno::Inval)?;
    file(call, fd)?.position = position;
    Ok(call.bytes.put_u64(result, position)?)
}

pub(super) fn tell(call: &mut Call<'_>, fd: u32, result: u32) -> Answer {
    let position = file(call, fd)?.position;
    Ok(call.bytes.put_u64(result, position)?)
}

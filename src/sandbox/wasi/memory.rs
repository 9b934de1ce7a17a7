//! The guest's memory as system calls see it: numbers, strings and vectors at addresses.
//!
//! Every access is bounds-checked; a bad address is the guest's `EFAULT`, never ours.

use wasmtime_wasi::p1::types::Errno;

/// The guest's linear memory.
pub(super) struct Bytes<'a>(pub(super) &'a mut [u8]);

/// Most buffers in one read or write: `IOV_MAX` of usual systems.
const VECTORS: u32 = 1024;

impl Bytes<'_> {
    /// The bytes at an address.
    pub fn slice(&self, address: u32, length: u32) -> Result<&[u8], Errno> {
        let start = address as usize;
        self.0
            .get(start..start + length as usize)
            .ok_or(Errno::Fault)
    }

    /// The same, to be written.
    pub fn slice_mut(&mut self, address: u32, length: u32) -> Result<&mut [u8], Errno> {
        let start = address as usize;
        self.0
            .get_mut(start..start + length as usize)
            .ok_or(Errno::Fault)
    }

    /// Writes bytes at an address.
    pub fn put(&mut self, address: u32, bytes: &[u8]) -> Result<(), Errno> {
        let length = u32::try_from(bytes.len()).map_err(|_| Errno::Overflow)?;
        self.slice_mut(address, length)?.copy_from_slice(bytes);
        Ok(())
    }

    /// Writes a 32-bit number.
    pub fn put_u32(&mut self, address: u32, number: u32) -> Result<(), Errno> {
        self.put(address, &number.to_le_bytes())
    }

    /// Writes a 64-bit number.
    pub fn put_u64(&mut self, address: u32, number: u64) -> Result<(), Errno> {
        self.put(address, &number.to_le_bytes())
    }

    /// Reads `N` bytes.
    pub fn array<const N: usize>(&self, address: u32) -> Result<[u8; N], Errno> {
        let bytes = self.slice(address, N as u32)?;
        bytes.try_into().map_err(|_| Errno::Fault)
    }

    /// Reads a path. Names that are not UTF-8 cannot exist here.
    pub fn path(&self, address: u32, length: u32) -> Result<&str, Errno> {
        let bytes = self.slice(address, length)?;
        if bytes.len() > 4096 {
            return Err(Errno::Nametoolong);
        }
        if bytes.is_empty() || bytes.contains(&0) {
            return Err(if bytes.is_empty() {
                Errno::Noent
            } else {
                Errno::Inval
            });
        }
        std::str::from_utf8(bytes).map_err(|_| Errno::Ilseq)
    }

    /// Reads the addresses and lengths of the buffers of a read or write.
    pub fn vectors(&self, address: u32, count: u32) -> Result<Vec<(u32, u32)>, Errno> {
        if count > VECTORS {
            return Err(Errno::Inval);
        }
        let table = self.slice(address, count * 8)?;
        let number = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        Ok(table
            .chunks_exact(8)
            .map(|entry| (number(&entry[..4]), number(&entry[4..])))
            .collect())
    }
}

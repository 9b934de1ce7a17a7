//! Numbers and bytes out of a buffer that may end anywhere.

use super::DecodeError;
use num_bigint::BigInt;

/// What has not been read yet.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Reader(bytes)
    }

    pub(super) fn remaining(&self) -> usize {
        self.0.len()
    }

    pub(super) fn byte(&mut self) -> Result<u8, DecodeError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (array, rest) = self.0.split_first_chunk().ok_or(DecodeError::CutOff)?;
        self.0 = rest;
        Ok(*array)
    }

    pub(super) fn bytes(&mut self, length: u64) -> Result<&'a [u8], DecodeError> {
        let length = usize::try_from(length).map_err(|_| DecodeError::CutOff)?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(DecodeError::CutOff)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// LEB128.
    pub(super) fn unsigned(&mut self) -> Result<u64, DecodeError> {
        let mut number = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(DecodeError::Malformed)
    }

    /// A length and as many bytes.
    pub(super) fn block(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.unsigned()?;
        self.bytes(length)
    }

    /// An integer of any size: the bytes of its two's complement.
    pub(super) fn integer(&mut self) -> Result<&'a [u8], DecodeError> {
        self.block()
    }

    pub(super) fn big_integer(&mut self) -> Result<BigInt, DecodeError> {
        Ok(BigInt::from_signed_bytes_le(self.integer()?))
    }

    /// An integer that has to fit.
    pub(super) fn small_integer(&mut self) -> Result<i64, DecodeError> {
        small(self.integer()?).ok_or(DecodeError::Malformed)
    }

    pub(super) fn i64(&mut self) -> Result<i64, DecodeError> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    pub(super) fn f64(&mut self) -> Result<f64, DecodeError> {
        Ok(f64::from_le_bytes(self.array()?))
    }
}

/// The integer of up to eight bytes of two's complement.
pub(super) fn small(bytes: &[u8]) -> Option<i64> {
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut wide = [if negative { 0xFF } else { 0 }; 8];
    wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(i64::from_le_bytes(wide))
}

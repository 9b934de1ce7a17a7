//! Messages from a candidate to its judge: marshal's format, of plain data only.
//!
//! The judge reads messages with CPython's own `marshal`, which is fast and trusts what it reads.
//! So everything from a candidate passes here first: a message that is not exactly one value of
//! the plain kinds below is not passed on. Whatever the bytes are, checking neither panics nor
//! recurses, and takes time in proportion to their number.
//!
//! The format is CPython's, version 4 (`Python/marshal.c` describes it): a type byte, whose
//! top bit says that the object gets the next number for references, then its body.

/// The object gets a number.
const NUMBERED: u8 = 0x80;

/// Bits of a long's digit.
const DIGIT: u16 = 1 << 15;

/// Why bytes are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Containers that are being read, and how much of each is still to come.
enum Open {
    /// So many more objects; what its number may be referred to while it is open.
    Items(u64),
    /// Keys and values until the end mark; whether a key is next.
    Pairs { key: bool },
}

/// Checks that the bytes are one plain value: None, bool, int, float, complex, str, bytes, tuple,
/// list, dict, set, frozenset, and references to objects that came before.
///
/// # Errors
/// Where they are anything else.
pub fn check(bytes: &[u8]) -> Result<(), Malformed> {
    let mut reader = Reader { bytes };
    // For each numbered object, whether it may be referred to: lists and dicts at once, since they
    // exist while they are filled, others when they are complete.
    let mut numbered: Vec<bool> = Vec::new();
    let mut open: Vec<(Open, Option<usize>)> = Vec::new();
    loop {
        let byte = reader.byte()?;
        if byte == b'0' {
            // Ends a dict, in the place of a key.
            let Some((Open::Pairs { key: true }, _)) = open.last() else {
                return Err(Malformed);
            };
            open.pop();
        } else {
            let number = (byte & NUMBERED != 0).then(|| {
                numbered.push(false);
                numbered.len() - 1
            });
            let inner = match byte & !NUMBERED {
                // Singletons are never numbered, nor are references.
                b'N' | b'T' | b'F' | b'.' | b'r' if number.is_some() => return Err(Malformed),
                b'r' => {
                    let to = reader.length()?;
                    if numbered.get(to) != Some(&true) {
                        return Err(Malformed);
                    }
                    None
                }
                b'(' => Some(Open::Items(reader.count()?)),
                b')' => Some(Open::Items(u64::from(reader.byte()?))),
                b'<' | b'>' => Some(Open::Items(reader.count()?)),
                b'[' => {
                    complete(&mut numbered, number);
                    Some(Open::Items(reader.count()?))
                }
                b'{' => {
                    complete(&mut numbered, number);
                    Some(Open::Pairs { key: true })
                }
                kind => {
                    reader.scalar(kind)?;
                    None
                }
            };
            match inner {
                Some(inner) => {
                    open.push((inner, number));
                    if let Some((Open::Items(0), _)) = open.last() {
                        open.pop();
                        complete(&mut numbered, number);
                    } else {
                        continue;
                    }
                }
                None => complete(&mut numbered, number),
            }
        }
        // An object is complete; so may be those that it ends.
        loop {
            match open.last_mut() {
                None => {
                    return if reader.bytes.is_empty() {
                        Ok(())
                    } else {
                        Err(Malformed)
                    };
                }
                Some((Open::Pairs { key }, _)) => {
                    *key = !*key;
                    break;
                }
                Some((Open::Items(left), number)) => {
                    *left -= 1;
                    if *left > 0 {
                        break;
                    }
                    let number = *number;
                    complete(&mut numbered, number);
                    open.pop();
                }
            }
        }
    }
}

fn complete(numbered: &mut [bool], number: Option<usize>) {
    if let Some(object) = number.and_then(|number| numbered.get_mut(number)) {
        *object = true;
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8, Malformed> {
        let (byte, rest) = self.bytes.split_first().ok_or(Malformed)?;
        self.bytes = rest;
        Ok(*byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (array, rest) = self.bytes.split_first_chunk::<N>().ok_or(Malformed)?;
        self.bytes = rest;
        Ok(*array)
    }

    fn slice(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (slice, rest) = self.bytes.split_at_checked(length).ok_or(Malformed)?;
        self.bytes = rest;
        Ok(slice)
    }

    /// A length, which marshal reads as a signed number.
    fn length(&mut self) -> Result<usize, Malformed> {
        let length = i32::from_le_bytes(self.array()?);
        usize::try_from(length).map_err(|_| Malformed)
    }

    /// A number of objects, each of which takes a byte at least: room is made for them at once.
    fn count(&mut self) -> Result<u64, Malformed> {
        let count = self.length()?;
        if count > self.bytes.len() {
            return Err(Malformed);
        }
        Ok(count as u64)
    }

    fn scalar(&mut self, kind: u8) -> Result<(), Malformed> {
        match kind {
            b'N' | b'T' | b'F' | b'.' => Ok(()),
            b'i' => self.array::<4>().map(drop),
            b'g' => self.array::<8>().map(drop),
            b'y' => self.array::<16>().map(drop),
            b'l' => self.long(),
            b's' => {
                let length = self.length()?;
                self.slice(length).map(drop)
            }
            b'u' | b't' => {
                let length = self.length()?;
                utf8(self.slice(length)?)
            }
            b'a' | b'A' => {
                let length = self.length()?;
                ascii(self.slice(length)?)
            }
            b'z' | b'Z' => {
                let length = self.byte()?;
                ascii(self.slice(usize::from(length))?)
            }
            _ => Err(Malformed),
        }
    }

    /// A number of digits, negative for a negative number, and the digits.
    fn long(&mut self) -> Result<(), Malformed> {
        let digits = i32::from_le_bytes(self.array()?).unsigned_abs() as usize;
        let bytes = self.slice(digits.checked_mul(2).ok_or(Malformed)?)?;
        let (digits, _) = bytes.as_chunks::<2>();
        let sound = digits
            .iter()
            .all(|digit| u16::from_le_bytes(*digit) < DIGIT);
        // The last digit of a number that has any is not zero.
        let normal = digits.last() != Some(&[0, 0]);
        (sound && normal).then_some(()).ok_or(Malformed)
    }
}

fn ascii(text: &[u8]) -> Result<(), Malformed> {
    text.is_ascii().then_some(()).ok_or(Malformed)
}

/// UTF-8 in which lone surrogates may stand, as `surrogatepass` writes them.
fn utf8(mut text: &[u8]) -> Result<(), Malformed> {
    loop {
        match std::str::from_utf8(text) {
            Ok(_) => return Ok(()),
            Err(error) => match &text[error.valid_up_to()..] {
                [0xED, 0xA0..=0xBF, 0x80..=0xBF, rest @ ..] => text = rest,
                _ => return Err(Malformed),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn sound(bytes: &[u8]) {
        assert_eq!(check(bytes), Ok(()), "{bytes:02x?}");
    }

    #[track_caller]
    fn refused(bytes: &[u8]) {
        assert_eq!(check(bytes), Err(Malformed), "{bytes:02x?}");
    }

    #[test]
    fn plain_values_pass() {
        sound(b"N");
        sound(b"i\x01\0\0\0");
        sound(b"l\xfe\xff\xff\xff\x01\0\x01\0");
        sound(b"u\x03\0\0\0\xed\xa0\x80");
        sound(b"\xfa\x02ab");
        sound(b")\x02N[\x01\0\0\0T");
        sound(b"{\xfa\x01aN0");
        sound(b"(\0\0\0\0");
        // A list that holds itself, and a tuple that stands in a list twice.
        sound(b"\xdb\x01\0\0\0r\0\0\0\0");
        sound(b"[\x02\0\0\0\xa9\0r\0\0\0\0");
    }

    #[test]
    fn code_and_malformed_values_do_not() {
        refused(b"");
        refused(b"NN");
        refused(b"c");
        refused(b":NNN");
        refused(b"S");
        refused(b"I\0\0\0\0\0\0\0\0");
        refused(b"0");
        refused(b"[\xff\xff\xff\xff");
        refused(b"[\xff\xff\xff\x7f");
        refused(b"[\x02\0\0\0N");
        refused(b"{N0");
        refused(b"{NN");
        refused(b"r\0\0\0\0");
        // A tuple that holds itself.
        refused(b"\xa9\x01r\0\0\0\0");
        refused(b"l\x01\0\0\0\0\x80");
        refused(b"l\x01\0\0\0\0\0");
        refused(b"z\x01\xff");
        refused(b"u\x01\0\0\0\xff");
        refused(b"\xce");
    }

    #[test]
    fn nesting_takes_no_stack() {
        let deep = [b"[\x01\0\0\0".repeat(200_000).as_slice(), b"N"].concat();
        sound(&deep);
    }
}

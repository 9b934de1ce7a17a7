//! Pickles that hold one string, or a dictionary of strings, and nothing else.
//!
//! Unpickling runs whatever the pickle says. Data sets pack text this way all the same, so this
//! reads the few instructions that make strings, and refuses every other: it cannot make
//! objects, let alone call anything.

const PROTO: u8 = 0x80;
const FRAME: u8 = 0x95;
const SHORT_BINUNICODE: u8 = 0x8c;
const BINUNICODE: u8 = b'X';
const BINUNICODE8: u8 = 0x8d;
const BINPUT: u8 = b'q';
const LONG_BINPUT: u8 = b'r';
const MEMOIZE: u8 = 0x94;
const EMPTY_DICT: u8 = b'}';
const MARK: u8 = b'(';
const SETITEM: u8 = b's';
const SETITEMS: u8 = b'u';
const STOP: u8 = b'.';

/// The string.
pub(super) fn string(pickle: &[u8]) -> Result<&str, String> {
    let mut reader = Reader { rest: pickle };
    let mut string = None;
    loop {
        match reader.byte()? {
            PROTO if string.is_none() => drop(reader.take(1)?),
            FRAME if string.is_none() => drop(reader.take(8)?),
            SHORT_BINUNICODE if string.is_none() => string = Some(reader.string(1)?),
            BINUNICODE if string.is_none() => string = Some(reader.string(4)?),
            BINUNICODE8 if string.is_none() => string = Some(reader.string(8)?),
            MEMOIZE if string.is_some() => {}
            BINPUT if string.is_some() => drop(reader.take(1)?),
            LONG_BINPUT if string.is_some() => drop(reader.take(4)?),
            STOP if reader.rest.is_empty() => {
                return string.ok_or_else(|| "the pickle holds nothing".to_owned());
            }
            STOP => return Err("something follows the pickle's end".to_owned()),
            other => {
                return Err(format!(
                    "the pickle holds more than one string (instruction 0x{other:02x})"
                ));
            }
        }
    }
}

/// The string that a dictionary has under a name.
pub(super) fn entry<'a>(pickle: &'a [u8], name: &str) -> Result<&'a str, String> {
    let mut reader = Reader { rest: pickle };
    let mut strings = Vec::new();
    let mut dictionary = false;
    loop {
        match reader.byte()? {
            PROTO if !dictionary => drop(reader.take(1)?),
            // Long strings stand between frames.
            FRAME => drop(reader.take(8)?),
            EMPTY_DICT if !dictionary => dictionary = true,
            SHORT_BINUNICODE if dictionary => strings.push(reader.string(1)?),
            BINUNICODE if dictionary => strings.push(reader.string(4)?),
            BINUNICODE8 if dictionary => strings.push(reader.string(8)?),
            // They say which strings are pairs, which their order says too.
            MARK | SETITEM | SETITEMS if dictionary => {}
            MEMOIZE if dictionary => {}
            BINPUT if dictionary => drop(reader.take(1)?),
            LONG_BINPUT if dictionary => drop(reader.take(4)?),
            STOP if dictionary && reader.rest.is_empty() => break,
            STOP => return Err("the pickle holds no dictionary".to_owned()),
            other => {
                return Err(format!(
                    "the pickle holds more than a dictionary of strings (instruction 0x{other:02x})"
                ));
            }
        }
    }
    let (pairs, rest) = strings.as_chunks();
    let found = pairs.iter().find(|[key, _]| *key == name);
    match (found, rest) {
        (Some([_, value]), []) => Ok(*value),
        _ => Err(format!("the pickle has no `{name}`")),
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| "the pickle ends too early".to_owned())?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    /// A string whose length stands before it in so many bytes, the least first.
    fn string(&mut self, bytes: usize) -> Result<&'a str, String> {
        let length = self.take(bytes)?.iter().rev();
        let length = length.fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        let text = self.take(usize::try_from(length).unwrap_or(usize::MAX))?;
        std::str::from_utf8(text).map_err(|_| "the pickle's string is not UTF-8".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(pickle: &[u8], message: &str) {
        let error = string(pickle).expect_err("not one string");
        assert!(error.contains(message), "{error}");
    }

    #[test]
    fn one_string_of_each_protocol_is_read() {
        // pickle.dumps("ab", protocol) for 1 to 5.
        let pickles: [&[u8]; 5] = [
            b"X\x02\0\0\0abq\0.",
            b"\x80\x02X\x02\0\0\0abq\0.",
            b"\x80\x03X\x02\0\0\0abq\0.",
            b"\x80\x04\x95\x06\0\0\0\0\0\0\0\x8c\x02ab\x94.",
            b"\x80\x05\x95\x06\0\0\0\0\0\0\0\x8c\x02ab\x94.",
        ];
        for pickle in pickles {
            assert_eq!(string(pickle), Ok("ab"));
        }
        assert_eq!(
            string(b"\x80\x04\x8d\x01\0\0\0\0\0\0\0ar\0\0\0\0."),
            Ok("a")
        );
    }

    #[test]
    fn everything_else_is_refused() {
        // cos\nsystem\n(S'true'\ntR.
        refused(b"cos\nsystem\n(S'true'\ntR.", "instruction 0x63");
        refused(
            b"\x80\x04\x8c\x01a\x94\x8c\x01b\x94\x93.",
            "instruction 0x8c",
        );
        refused(b"\x80\x04\x8c\x01a\x94\x85.", "instruction 0x85");
        refused(b"\x80\x04K\x01.", "instruction 0x4b");
        refused(b"\x80\x04.", "holds nothing");
        refused(b"\x8c\x05ab", "too early");
        refused(b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffab.", "too early");
        refused(b"\x8c\x01a.x", "follows");
        refused(b"\x8c\x01\xff.", "UTF-8");
        refused(b"", "too early");
    }

    #[test]
    fn an_entry_of_a_dictionary_of_strings_is_read() {
        // pickle.dumps({"a": "b"}, protocol) for 2 and 4, and of {"x": "y", "a": "b"} for 4.
        let pickles: [&[u8]; 3] = [
            b"\x80\x02}q\0X\x01\0\0\0aq\x01X\x01\0\0\0bq\x02s.",
            b"\x80\x04\x95\x0c\0\0\0\0\0\0\0}\x94\x8c\x01a\x94\x8c\x01b\x94s.",
            b"\x80\x04\x95\x15\0\0\0\0\0\0\0}\x94(\x8c\x01x\x94\x8c\x01y\x94\x8c\x01a\x94\x8c\x01b\x94u.",
        ];
        for pickle in pickles {
            assert_eq!(entry(pickle, "a"), Ok("b"));
        }
    }

    #[test]
    fn every_other_dictionary_is_refused() {
        for (pickle, message) in [
            // {"a": 1}, {"a": "b"} without "c", "ab", a call of os.system.
            (&b"\x80\x04}\x8c\x01aK\x01s."[..], "instruction 0x4b"),
            (b"\x80\x04}\x8c\x01a\x8c\x01bs.", "no `c`"),
            (b"\x80\x04\x8c\x02ab.", "instruction 0x8c"),
            (b"cos\nsystem\n(S'true'\ntR.", "instruction 0x63"),
            (b"\x80\x04}\x8c\x01c\x8c\x01b\x8c\x01ds.", "no `c`"),
            (b"\x80\x04.", "no dictionary"),
            (b"\x80\x04}", "too early"),
        ] {
            let error = entry(pickle, "c").expect_err("no such entry");
            assert!(error.contains(message), "{error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes: Vec<u8>) {
            _ = string(&bytes);
            _ = entry(&bytes, "a");
        }
    }
}

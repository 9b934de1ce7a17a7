//! Text that a model wrote, kept as it came.

use std::borrow::Cow;
use std::fmt;

/// Text in WTF-8: UTF-8 that may also hold lone surrogates, as JSON strings may.
///
/// A model's text must reach the interpreter as it is, since the outcome says what was wrong with
/// it; `String` could not hold all of it.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text(Vec<u8>);

impl Text {
    /// Wraps bytes that are WTF-8; other bytes are kept too and fail in the interpreter.
    pub fn from_wtf8(bytes: Vec<u8>) -> Self {
        Text(bytes)
    }

    /// The bytes, as they go to the interpreter.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// For people: what is not UTF-8 is replaced.
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Text(text.as_bytes().to_vec())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Text(text.into_bytes())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({:?})", self.to_string_lossy())
    }
}

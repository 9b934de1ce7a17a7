//! Text that a model wrote, read from JSON without loss.

use crate::domain::Text;
use serde::de::{self, Deserialize, Deserializer};
use std::fmt;

/// A JSON string with whatever is in it: lone surrogates come out as WTF-8.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextWire(pub Text);

impl<'de> Deserialize<'de> for TextWire {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As bytes: serde_json then takes lone surrogates, which it refuses for strings.
        deserializer.deserialize_byte_buf(TextVisitor)
    }
}

struct TextVisitor;

impl de::Visitor<'_> for TextVisitor {
    type Value = TextWire;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<TextWire, E> {
        Ok(TextWire(text.into()))
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<TextWire, E> {
        self.visit_byte_buf(bytes.to_vec())
    }

    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<TextWire, E> {
        Ok(TextWire(Text::from_wtf8(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &[u8], expect: Option<&[u8]>) {
        let read = serde_json::from_slice::<TextWire>(json).ok();
        assert_eq!(read.as_ref().map(|text| text.0.as_bytes()), expect);
    }

    #[test]
    fn any_string_is_text() {
        check(br#""plain""#, Some(b"plain"));
        check(br#""\u0000\n""#, Some(b"\0\n"));
        check(br#""\ud83d\ude00""#, Some("😀".as_bytes()));
        check(br#""\ud800""#, Some(b"\xed\xa0\x80"));
        check(br#""\ude00\ud83d""#, Some(b"\xed\xb8\x80\xed\xa0\xbd"));
        // What a client sends that encodes lone surrogates without escaping them.
        check(b"\"\xed\xa0\x80\"", Some(b"\xed\xa0\x80"));
    }

    #[test]
    fn nothing_else_is() {
        check(b"1", None);
        check(b"[112, 121]", None);
        check(b"null", None);
    }
}

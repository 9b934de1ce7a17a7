//! Tokenizers of bytes, for new models: nothing is downloaded, and every text comes back as it was.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Tokenizer;
use crate::model::ModelError;
use crate::model::chat::CHATML;

/// After all other tokens, in this order.
const SPECIAL: [&str; 4] = ["<|endoftext|>", "<|pad|>", "<|im_start|>", "<|im_end|>"];

impl Tokenizer {
    /// A token for each byte, whose id is the byte, then `<|endoftext|>` 256, `<|pad|>` 257,
    /// `<|im_start|>` 258 and `<|im_end|>` 259. Its chat template is ChatML.
    ///
    /// # Errors
    /// None that are known; the tokenizer's file is read like any other.
    pub fn bytes() -> Result<Self, ModelError> {
        Self::with_tokens(&[])
    }

    /// As [`Tokenizer::bytes`], with more tokens between the bytes and the special ones, in the
    /// order given. A text is read from its start; wherever one of them stands the longest is
    /// taken, and otherwise a byte.
    ///
    /// # Errors
    /// If a token is empty, a single byte, given twice, or contains a special one.
    pub fn with_tokens(tokens: &[&str]) -> Result<Self, ModelError> {
        check(tokens)?;
        let json = tokenizer_json(tokens).to_string();
        let name = "the built-in tokenizer";
        Self::new(json.as_bytes(), tokenizer_config(), name.to_owned())
            .map_err(|error| ModelError::Input(format!("{name} cannot be made: {error}")))
    }
}

fn check(tokens: &[&str]) -> Result<(), ModelError> {
    let mut seen = BTreeSet::new();
    for token in tokens {
        let what = if token.len() < 2 {
            "is not longer than a byte, and each byte has a token already"
        } else if SPECIAL.iter().any(|special| token.contains(special)) {
            "contains a special token"
        } else if !seen.insert(token) {
            "is given twice"
        } else {
            continue;
        };
        return Err(ModelError::Input(format!("the token {token:?} {what}")));
    }
    Ok(())
}

/// Byte-pair encoding without pairs. What is to be a token is cut out of the text first, and taken
/// whole because it is in the vocabulary (`ignore_merges`); of the rest each byte is a token.
fn tokenizer_json(tokens: &[&str]) -> Value {
    let bytes = json!({
        "type": "ByteLevel",
        "add_prefix_space": false,
        "trim_offsets": false,
        "use_regex": false,
    });
    let pre_tokenizer = match tokens {
        [] => bytes.clone(),
        _ => json!({
            "type": "Sequence",
            "pretokenizers": [
                {
                    "type": "Split",
                    "pattern": {"Regex": any_of(tokens)},
                    "behavior": "Isolated",
                    "invert": false,
                },
                bytes,
            ],
        }),
    };
    let mut vocabulary = Map::new();
    let singles = (0..=u8::MAX).map(|byte| character(byte).to_string());
    let longer = tokens
        .iter()
        .map(|token| token.bytes().map(character).collect());
    for token in singles.chain(longer) {
        vocabulary.insert(token, json!(vocabulary.len()));
    }
    let special = |(at, token): (usize, &&str)| {
        json!({
            "id": vocabulary.len() + at,
            "content": token,
            "single_word": false,
            "lstrip": false,
            "rstrip": false,
            "normalized": false,
            "special": true,
        })
    };
    let added_tokens: Vec<Value> = SPECIAL.iter().enumerate().map(special).collect();
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added_tokens,
        "normalizer": null,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": null,
        "decoder": bytes,
        "model": {
            "type": "BPE",
            "dropout": null,
            "unk_token": null,
            "continuing_subword_prefix": null,
            "end_of_word_suffix": null,
            "fuse_unk": false,
            "byte_fallback": false,
            "ignore_merges": true,
            "vocab": vocabulary,
            "merges": [],
        },
    })
}

/// A pattern for the longest token that stands somewhere: the first that fits is taken, so longer
/// ones come first.
fn any_of(tokens: &[&str]) -> String {
    let mut tokens = tokens.to_vec();
    tokens.sort_by_key(|token| std::cmp::Reverse(token.len()));
    let escaped = tokens.iter().map(|token| escaped(token));
    escaped.collect::<Vec<_>>().join("|")
}

/// Only what means something in a pattern is escaped: elsewhere a backslash can give a character
/// a meaning, and another in each of the two engines that read this.
fn escaped(token: &str) -> String {
    let mut pattern = String::new();
    for character in token.chars() {
        if r"\.+*?()|[]{}^$".contains(character) {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

/// The character that stands for a byte in byte-level vocabularies: itself where that can be seen,
/// and one of those from U+0100 on, in order, otherwise.
fn character(byte: u8) -> char {
    let visible = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    if visible(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|byte| !visible(*byte)).count();
    char::from_u32(0x100 + before as u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn tokenizer_config() -> Map<String, Value> {
    let fields = [
        // The class that takes tokenizer.json as it is.
        ("tokenizer_class", json!("PreTrainedTokenizerFast")),
        ("bos_token", Value::Null),
        ("eos_token", json!("<|im_end|>")),
        ("pad_token", json!("<|pad|>")),
        ("unk_token", Value::Null),
        ("add_prefix_space", json!(false)),
        // It would remove spaces before punctuation from what is decoded.
        ("clean_up_tokenization_spaces", json!(false)),
        ("chat_template", json!(CHATML)),
    ];
    let owned = |(name, value): (&str, Value)| (name.to_owned(), value);
    fields.map(owned).into_iter().collect()
}

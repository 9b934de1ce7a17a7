//! Tokenizers of bytes, for new models: nothing is downloaded, and every text comes back as it was.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Tokenizer;
use crate::model::ModelError;
use crate::model::chat::CHATML;

/// After the bytes, in this order.
const SPECIAL: [&str; 4] = ["<|endoftext|>", "<|pad|>", "<|im_start|>", "<|im_end|>"];

impl Tokenizer {
    /// A token for each byte, whose id is the byte, then `<|endoftext|>` 256, `<|pad|>` 257,
    /// `<|im_start|>` 258 and `<|im_end|>` 259. Its chat template is ChatML.
    ///
    /// Hugging Face's `tokenizers` and `PreTrainedTokenizerFast` make the same of every text. Beside
    /// a Qwen2 model the `AutoTokenizer` of transformers 5 puts Qwen2's own in its place, which
    /// composes characters first: the same for texts in normal form C.
    ///
    /// # Errors
    /// None that are known; the tokenizer's file is read like any other.
    pub fn bytes() -> Result<Self, ModelError> {
        Self::with_tokens(&[])
    }

    /// As [`Tokenizer::bytes`], with more tokens after those, in the order given. A text is read
    /// from its start; wherever one of them stands the longest is taken, and otherwise a byte.
    ///
    /// # Errors
    /// If a token is not ASCII, shorter than two bytes, given twice, or contains a special one.
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
        } else if !token.is_ascii() {
            // The decoder takes some other characters of added tokens for bytes.
            "is not ASCII, and would not come back as it was"
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

/// Byte-pair encoding without pairs, so that each byte is a token, and everything else as added
/// tokens: these alone survive that transformers 5, for some architectures, puts a tokenizer of its
/// own in the place of the one in the file and keeps only the vocabulary.
fn tokenizer_json(tokens: &[&str]) -> Value {
    let bytes = json!({
        "type": "ByteLevel",
        "add_prefix_space": false,
        "trim_offsets": false,
        "use_regex": false,
    });
    let singles = (0..=u8::MAX).map(|byte| (character(byte).to_string(), json!(byte)));
    let special = SPECIAL.iter().map(|token| (*token, true));
    let added = special.chain(tokens.iter().map(|token| (*token, false)));
    let added = added.zip(256..).map(|((token, special), id)| {
        json!({
            "id": id,
            "content": token,
            "single_word": false,
            "lstrip": false,
            "rstrip": false,
            // Those that are not are found first: no other token can eat a special one's start.
            "normalized": !special,
            "special": special,
        })
    });
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added.collect::<Vec<_>>(),
        "normalizer": null,
        "pre_tokenizer": bytes,
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
            "ignore_merges": false,
            "vocab": singles.collect::<Map<_, _>>(),
            "merges": [],
        },
    })
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

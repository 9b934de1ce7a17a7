//! Text into tokens and back.

use proptest::prelude::*;
use serde_json::{Value, json};
use touchstone::model::{Chat, Message, ModelConfig, Tokenizer};

use super::{folder, message};

/// From 260 on, after the bytes and the special tokens.
const TOKENS: [&str; 9] = [
    "    ", "        ", "12", "123", "return", "ret", "a|b.*", "

", "><",
];

fn bytes() -> Tokenizer {
    Tokenizer::bytes().expect("a tokenizer")
}

fn words() -> Tokenizer {
    Tokenizer::with_tokens(&TOKENS).expect("a tokenizer")
}

/// The text of each piece that a stream gives, the last of them at its end.
fn streamed(tokenizer: &Tokenizer, ids: &[u32]) -> Vec<String> {
    let mut decoder = tokenizer.decoder(false);
    let pieces = ids.iter().map(|id| decoder.push(*id).expect("a piece"));
    let mut pieces: Vec<String> = pieces.collect();
    pieces.push(decoder.finish().expect("the rest"));
    pieces
}

#[track_caller]
fn check(tokenizer: &Tokenizer, text: &str, expected: &[u32]) {
    let ids = tokenizer.encode(text, true).expect("tokens");
    assert_eq!(ids, expected, "{text:?}");
    assert_eq!(tokenizer.decode(&ids, false).expect("text"), text);
    assert_eq!(streamed(tokenizer, &ids).concat(), text);
}

#[test]
fn a_token_for_each_byte() {
    check(&bytes(), "", &[]);
    check(&bytes(), " a\n\0", &[32, 97, 10, 0]);
    check(&bytes(), "é", &[0xC3, 0xA9]);
    check(&bytes(), "<|im_start|>a<|im_end|>", &[258, 97, 259]);
    check(
        &bytes(),
        "<|endoftext|><|pad|><|x|>",
        &[256, 257, 60, 124, 120, 124, 62],
    );
    assert_eq!(bytes().decode(&[258, 97, 259], true).expect("text"), "a");
    // A model can have more rows than there are tokens.
    assert_eq!(bytes().decode(&[97, 400, 98], false).expect("text"), "ab");
}

#[test]
fn the_longest_token_is_taken() {
    check(&words(), "        return", &[261, 264]);
    check(&words(), "     ret", &[260, 32, 265]);
    check(&words(), "1234", &[263, 52]);
    check(&words(), "1121", &[49, 262, 49]);
    check(&words(), "retu", &[265, 117]);
    check(&words(), "aéa|b.*a|b", &[97, 0xC3, 0xA9, 266, 97, 124, 98]);
    check(&words(), "\n\n\n", &[267, 10]);
    check(&words(), "12<|im_end|>12", &[262, 259, 262]);
    check(&words(), "a><|im_end|>", &[97, 62, 259]);
    check(&words(), "a><|", &[97, 268, 124]);
}

#[test]
fn tokens_that_make_no_sense() {
    let check = |tokens: &[&str], expected: &str| {
        let error = Tokenizer::with_tokens(tokens).expect_err("refused");
        assert_eq!(error.to_string(), expected);
    };
    check(
        &["ab", ""],
        "the token \"\" is not longer than a byte, and each byte has a token already",
    );
    check(
        &["a"],
        "the token \"a\" is not longer than a byte, and each byte has a token already",
    );
    check(
        &["é"],
        "the token \"é\" is not ASCII, and would not come back as it was",
    );
    check(&["ab", "cd", "ab"], "the token \"ab\" is given twice");
    check(
        &["x<|pad|>"],
        "the token \"x<|pad|>\" contains a special token",
    );
}

#[test]
fn half_a_character_is_held_back() {
    let check = |ids: &[u32], expected: &[&str]| assert_eq!(streamed(&bytes(), ids), expected);
    check(&[97, 0xC3, 0xA9, 98], &["a", "", "é", "b", ""]);
    check(&[0xF0, 0x9F, 0xA6, 0x80], &["", "", "", "🦀", ""]);
    // What no token completes comes at the end, or with what follows.
    check(&[97, 0xF0, 0x9F], &["a", "", "", "\u{FFFD}"]);
    check(&[0xFF, 0xC3, 98], &["", "", "\u{FFFD}\u{FFFD}b", ""]);
    check(
        &[258, 0xC3, 259],
        &["<|im_start|>", "", "\u{FFFD}<|im_end|>", ""],
    );
    let tokenizer = bytes();
    let mut decoder = tokenizer.decoder(true);
    let pieces = [258, 97, 259].map(|id| decoder.push(id).expect("a piece"));
    assert_eq!(pieces, ["", "a", ""]);
}

#[test]
fn special_tokens_and_vocabularies() {
    let mut config = ModelConfig::preset("tiny").expect("a preset");
    let before = config.clone();
    bytes().configure(&mut config);
    assert_eq!(config, before);
    assert!(bytes().check_vocabulary(&config).is_ok());
    assert_eq!(bytes().largest_id(), 259);
    assert_eq!(words().largest_id(), 268);

    config.vocab_size = 268;
    let error = words().check_vocabulary(&config).expect_err("refused");
    assert_eq!(
        error.to_string(),
        "the built-in tokenizer: the largest token id is 268, but the model's vocab_size is 268; \
         use the tokenizer that came with the model, or make a model with a vocab_size of at \
         least 269"
    );
    words().configure(&mut config);
    assert!(words().check_vocabulary(&config).is_ok());
    assert_eq!(config.vocab_size, 269);
    assert_eq!(config.eos_token_ids, [259, 256]);
    assert_eq!(config.pad_token_id, Some(257));
}

#[test]
fn what_is_saved_is_opened_again() {
    for tokenizer in [bytes(), words()] {
        let folder = tempfile::tempdir().expect("a folder");
        tokenizer.save(folder.path()).expect("saved");
        let again = Tokenizer::open(folder.path()).expect("opened");
        let text = "def f():\n        return 123 # é<|im_end|>";
        let ids = tokenizer.encode(text, false).expect("tokens");
        assert_eq!(again.encode(text, false).expect("tokens"), ids);
        assert_eq!(again.decode(&ids, false).expect("text"), text);
        assert_eq!(again.eos_token_ids(), tokenizer.eos_token_ids());
        assert_eq!(again.largest_id(), tokenizer.largest_id());
        let messages = [Message::new("user", "Hi")];
        let chat = Chat::open(folder.path()).expect("a chat");
        assert_eq!(
            chat.render(&messages, true).expect("text"),
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
        );
    }
}

/// A small tokenizer of the kind that Llama 2 has: words with ▁ for the space before them, bytes
/// for what there is no word for, and a token before every text.
fn sentencepiece() -> Value {
    let mut vocabulary = json!({"<unk>": 0, "<s>": 1, "▁hello": 2, "▁": 3});
    let all = vocabulary.as_object_mut().expect("an object");
    for byte in 0..=255_u32 {
        all.insert(format!("<0x{byte:02X}>"), json!(byte + 4));
    }
    json!({
        "version": "1.0",
        "truncation": {"max_length": 2, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
        "padding": {
            "strategy": {"Fixed": 9}, "direction": "Right", "pad_to_multiple_of": null,
            "pad_id": 0, "pad_type_id": 0, "pad_token": "<unk>",
        },
        "added_tokens": [{
            "id": 1, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true,
        }],
        "normalizer": null,
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [
                {"SpecialToken": {"id": "<s>", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
            ],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}},
        },
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            {"type": "ByteFallback"},
            {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0},
        ]},
        "model": {
            "type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": true,
            "ignore_merges": true, "vocab": vocabulary, "merges": [],
        },
    })
}

#[test]
fn tokenizers_of_another_kind() {
    let folder = folder(&[("tokenizer.json", sentencepiece().to_string())]);
    let tokenizer = Tokenizer::open(folder.path()).expect("a tokenizer");
    let text = "hello hello é";
    let ids = tokenizer.encode(text, true).expect("tokens");
    // Neither truncated nor padded, whatever the file says.
    assert_eq!(ids, [1, 2, 2, 3, 0xC3 + 4, 0xA9 + 4]);
    assert_eq!(tokenizer.encode(text, false).expect("tokens"), ids[1..]);
    assert_eq!(tokenizer.decode(&ids, true).expect("text"), text);
    let pieces = streamed(&tokenizer, &ids[1..]);
    assert_eq!(pieces, ["hello", " hello", " ", "", "é", ""]);
    assert!(tokenizer.eos_token_ids().is_empty());
    assert_eq!(tokenizer.pad_token_id(), None);
}

#[test]
fn files_that_are_none() {
    let check = |files: &[(&str, String)], expected: &str| {
        let folder = folder(files);
        let error = Tokenizer::open(folder.path()).expect_err("no tokenizer");
        assert_eq!(message(folder.path(), &error), expected);
    };
    check(
        &[],
        "DIR/tokenizer.json: cannot be read: No such file or directory (os error 2); a tokenizer \
         in another format becomes one in this by loading and saving it with transformers",
    );
    check(
        &[("tokenizer.json", "{".to_owned())],
        "DIR/tokenizer.json: is not a tokenizer: EOF while parsing an object at line 1 column 1",
    );
    check(
        &[
            ("tokenizer.json", sentencepiece().to_string()),
            ("tokenizer_config.json", "[]".to_owned()),
        ],
        "DIR/tokenizer_config.json: is not a JSON object",
    );
}

proptest! {
    /// Whatever the text, it comes back, at once and piece by piece, and no piece has half a
    /// character.
    #[test]
    fn every_text_comes_back(text in any::<String>()) {
        for tokenizer in [bytes(), words()] {
            let ids = tokenizer.encode(&text, false).expect("tokens");
            prop_assert_eq!(tokenizer.decode(&ids, false).expect("text"), text.clone());
            let pieces = streamed(&tokenizer, &ids);
            prop_assert_eq!(pieces.concat(), text.clone());
            let replaced = |text: &String| text.contains(char::REPLACEMENT_CHARACTER);
            prop_assert!(replaced(&text) || !pieces.iter().any(replaced));
        }
    }

    /// Texts that the tokens are made for.
    #[test]
    fn every_text_of_tokens_comes_back(text in "(    |12|123|ret|return|é|🦀|\n|a\\|b|\\.\\*|<\\|pad\\|>)*") {
        let tokenizer = words();
        let ids = tokenizer.encode(&text, false).expect("tokens");
        prop_assert_eq!(tokenizer.decode(&ids, false).expect("text"), text.clone());
        prop_assert_eq!(streamed(&tokenizer, &ids).concat(), text);
    }

    /// A model can generate anything: pieces and the whole are the same even so.
    #[test]
    fn pieces_make_up_the_whole(ids in prop::collection::vec(0..280_u32, 0..40)) {
        let tokenizer = words();
        let whole = tokenizer.decode(&ids, false).expect("text");
        prop_assert_eq!(streamed(&tokenizer, &ids).concat(), whole);
    }
}

//! Text into tokens and back, by a checkpoint's `tokenizer.json` or one that needs no download.

mod built_in;
mod stream;

pub use stream::Decoder;

use std::path::Path;

use serde_json::{Map, Value};

use crate::model::checkpoint::write_json;
use crate::model::config::Fields;
use crate::model::{ModelConfig, ModelError};

const TOKENIZER: &str = "tokenizer.json";
pub(crate) const TOKENIZER_CONFIG: &str = "tokenizer_config.json";

/// Special tokens that end an answer wherever they are, whatever `eos_token` says.
const ENDS: [&str; 2] = ["<|im_end|>", "<|endoftext|>"];

/// A tokenizer. What it makes of a text is what Hugging Face's `tokenizers` makes of it with the
/// same file.
///
/// Special tokens are recognized wherever they stand in a text, also in one that a stranger wrote.
#[derive(Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// `tokenizer_config.json`.
    config: Map<String, Value>,
    /// For messages: the file, or what the tokenizer is.
    origin: String,
    largest_id: u32,
}

impl Tokenizer {
    /// Reads `tokenizer.json` of a folder and, where it is there, `tokenizer_config.json`. Padding
    /// and truncation that the file asks for are left out.
    ///
    /// # Errors
    /// If a file is missing or malformed.
    pub fn open(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join(TOKENIZER);
        let json = std::fs::read(&path).map_err(|error| {
            let what = format_args!(
                "cannot be read: {error}; a tokenizer in another format becomes one in this by \
                 loading and saving it with transformers"
            );
            ModelError::file(&path, what)
        })?;
        let config = folder.join(TOKENIZER_CONFIG);
        let config = match config.exists() {
            true => Fields::read(&config)?.into_map(),
            false => Map::new(),
        };
        Self::new(&json, config, path.display().to_string())
            .map_err(|error| ModelError::file(&path, format_args!("is not a tokenizer: {error}")))
    }

    fn new(json: &[u8], config: Map<String, Value>, origin: String) -> tokenizers::Result<Self> {
        let mut inner = tokenizers::Tokenizer::from_bytes(json)?;
        inner.with_truncation(None)?;
        inner.with_padding(None);
        let largest = inner.get_vocab(true).into_values().max();
        Ok(Tokenizer {
            largest_id: largest.ok_or("it has no tokens")?,
            inner,
            config,
            origin,
        })
    }

    /// The tokens of a text. With `add_special` they start or end with what the tokenizer adds to
    /// every text, such as a token for its start; a text from a chat template has that already.
    ///
    /// # Errors
    /// If the tokenizer has no token for something, which one made of bytes always has.
    pub fn encode(&self, text: &str, add_special: bool) -> Result<Vec<u32>, ModelError> {
        match self.inner.encode_fast(text, add_special) {
            Ok(encoding) => Ok(encoding.get_ids().to_vec()),
            Err(error) => Err(self.failed("cannot encode", &error)),
        }
    }

    /// The text of tokens. Bytes that are not UTF-8 become U+FFFD. Ids that there is no token for,
    /// which a model with a larger vocabulary can produce, are left out.
    ///
    /// # Errors
    /// If the tokenizer's decoder fails.
    pub fn decode(&self, ids: &[u32], skip_special: bool) -> Result<String, ModelError> {
        let text = self.inner.decode(ids, skip_special);
        text.map_err(|error| self.failed("cannot decode", &error))
    }

    /// Decodes tokens as they come.
    pub fn decoder(&self, skip_special: bool) -> Decoder<'_> {
        Decoder::new(self, skip_special)
    }

    /// The largest id of a token.
    pub fn largest_id(&self) -> u32 {
        self.largest_id
    }

    /// A token's id.
    pub fn token_id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// The special tokens, which are recognized wherever they stand in a text; longer ones first.
    pub fn special_tokens(&self) -> Vec<String> {
        let added = self.inner.get_added_tokens_decoder().into_values();
        let special = added.filter(|token| token.special && !token.content.is_empty());
        let mut contents: Vec<String> = special.map(|token| token.content).collect();
        contents.sort_by_key(|content| (std::cmp::Reverse(content.len()), content.clone()));
        contents
    }

    /// What ends an answer: the `eos_token`, then `<|im_end|>` and `<|endoftext|>` where they are
    /// there. A checkpoint's own list is [`ModelConfig::eos_token_ids`].
    pub fn eos_token_ids(&self) -> Vec<u32> {
        let own = special_token(&self.config, "eos_token");
        let mut ids = Vec::new();
        for token in own.into_iter().chain(ENDS) {
            let id = self.token_id(token);
            ids.extend(id.filter(|id| !ids.contains(id)));
        }
        ids
    }

    /// What fills rows, if `tokenizer_config.json` says so.
    pub fn pad_token_id(&self) -> Option<u32> {
        self.token_id(special_token(&self.config, "pad_token")?)
    }

    /// Checks that a model has a row for every token.
    ///
    /// # Errors
    /// If it has not. The message has both numbers.
    pub fn check_vocabulary(&self, config: &ModelConfig) -> Result<(), ModelError> {
        let (largest, size) = (self.largest_id as usize, config.vocab_size);
        if largest < size {
            return Ok(());
        }
        Err(ModelError::Input(format!(
            "{}: the largest token id is {largest}, but the model's vocab_size is {size}; use the \
             tokenizer that came with the model, or make a model with a vocab_size of at least {}",
            self.origin,
            largest + 1
        )))
    }

    /// Makes room for every token in the configuration of a new model, and names there what ends
    /// an answer and fills rows.
    pub fn configure(&self, config: &mut ModelConfig) {
        config.vocab_size = config.vocab_size.max(self.largest_id as usize + 1);
        config.eos_token_ids = self.eos_token_ids();
        config.bos_token_id =
            special_token(&self.config, "bos_token").and_then(|token| self.token_id(token));
        config.pad_token_id = self.pad_token_id();
    }

    /// Writes `tokenizer.json` and `tokenizer_config.json` into a folder that is there.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), ModelError> {
        write_json(&folder.join(TOKENIZER), &*self.inner)?;
        write_json(&folder.join(TOKENIZER_CONFIG), &self.config)
    }

    fn failed(&self, what: &str, error: &tokenizers::Error) -> ModelError {
        ModelError::Input(format!("{}: {what}: {error}", self.origin))
    }
}

/// A special token of `tokenizer_config.json`, which has it as text or as an object.
pub(crate) fn special_token<'a>(config: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    let token = config.get(name)?;
    token.get("content").unwrap_or(token).as_str()
}

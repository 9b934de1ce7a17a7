//! Text as it comes, a token at a time.

use super::Tokenizer;
use crate::model::ModelError;

/// What a decoder writes for bytes that are not, or not yet, a character.
const REPLACEMENT: char = '\u{FFFD}';

/// Decodes one answer as it is generated. All that it returns, put together, is what
/// [`Tokenizer::decode`] makes of all tokens at once; but for bytes that are no character in
/// tokenizers with byte fallback, which write those otherwise depending on what follows.
///
/// A character whose bytes have not all come is held back. So are bytes that will never be one,
/// until something follows them; a run of these takes time by the square of its length.
#[derive(Debug)]
pub struct Decoder<'a> {
    tokenizer: &'a Tokenizer,
    skip_special: bool,
    /// The tokens of the piece that was returned last, and those held back. The former are decoded
    /// again with every token, for a token's text can depend on what stands before it.
    ids: Vec<u32>,
    /// How many of them have been returned.
    returned: usize,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(tokenizer: &'a Tokenizer, skip_special: bool) -> Self {
        Decoder {
            tokenizer,
            skip_special,
            ids: Vec::new(),
            returned: 0,
        }
    }

    /// Takes a token and gives the text that is certain now, which may be none.
    ///
    /// # Errors
    /// If the tokenizer's decoder fails.
    pub fn push(&mut self, id: u32) -> Result<String, ModelError> {
        self.ids.push(id);
        let (before, all) = self.texts()?;
        if all.ends_with(REPLACEMENT) {
            return Ok(String::new());
        }
        let new = added(&before, &all);
        // A token without text is no context for the next.
        if !new.is_empty() {
            self.ids.drain(..self.returned);
            self.returned = self.ids.len();
        }
        Ok(new)
    }

    /// Gives what was held back, with U+FFFD for bytes that are not a character.
    ///
    /// # Errors
    /// If the tokenizer's decoder fails.
    pub fn finish(self) -> Result<String, ModelError> {
        let (before, all) = self.texts()?;
        Ok(added(&before, &all))
    }

    /// The text of what has been returned, and of that and what is held back.
    fn texts(&self) -> Result<(String, String), ModelError> {
        let decode = |ids| self.tokenizer.decode(ids, self.skip_special);
        Ok((decode(&self.ids[..self.returned])?, decode(&self.ids)?))
    }
}

/// What stands in `all` after `before`. Where bytes that are no character follow it, some decoders
/// change what came before them too; that is not taken back.
fn added(before: &str, all: &str) -> String {
    all.get(before.len()..).unwrap_or_default().to_owned()
}

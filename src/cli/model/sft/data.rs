//! Examples: lines of JSON that become sequences of tokens.

use super::super::super::Usage;
use crate::model::{Chat, Message, ModelConfig, ModelError, Sequence, Tokenizer};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::path::Path;

/// A line. What else it has is passed over: data sets carry much that is nothing to train on.
#[derive(Deserialize)]
struct Example {
    prompt: Option<String>,
    completion: Option<String>,
    messages: Option<Vec<Message>>,
}

/// All examples, in the file's order.
pub(super) struct Data {
    pub sequences: Vec<Sequence>,
    /// SHA-256 of the file.
    pub digest: String,
    /// Examples that were longer than a row.
    pub cut: usize,
    /// Examples whose prompt alone fills a row: not trained on.
    pub left_out: usize,
}

impl Data {
    /// Reads a file; no sequence has more than `length` + 1 tokens.
    pub fn read(path: &Path, length: usize, encoder: &mut Encoder) -> anyhow::Result<Self> {
        let wrong = |what: &dyn std::fmt::Display| Usage(format!("{}: {what}", path.display()));
        let bytes =
            std::fs::read(path).map_err(|error| wrong(&format_args!("cannot be read: {error}")))?;
        let mut data = Data {
            sequences: Vec::new(),
            digest: hex(&Sha256::digest(&bytes)),
            cut: 0,
            left_out: 0,
        };
        for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let sequence = serde_json::from_slice(line)
                .map_err(|error| not_an_example(&error))
                .and_then(|example| encoder.encode(example))
                .map_err(|what| wrong(&format_args!("line {number}: {what}")))?;
            data.add(sequence, length);
        }
        match (data.sequences.is_empty(), data.left_out) {
            (false, _) => Ok(data),
            (true, 0) => Err(wrong(&"there are no examples").into()),
            (true, count) => {
                let what = format!(
                    "all {count} prompts fill a row of {length} tokens; give a larger --length"
                );
                Err(wrong(&what).into())
            }
        }
    }

    fn add(&mut self, mut sequence: Sequence, length: usize) {
        let most = length + 1;
        if sequence.prompt >= most {
            self.left_out += 1;
            return;
        }
        if sequence.tokens.len() > most {
            sequence.tokens.truncate(most);
            self.cut += 1;
        }
        self.sequences.push(sequence);
    }

    /// What there is to say of examples that are too long.
    pub fn told(&self, length: usize) -> Option<String> {
        let all = self.sequences.len() + self.left_out;
        let (cut, left_out) = (self.cut, self.left_out);
        (cut + left_out > 0).then(|| {
            format!(
                "{} of {all} examples are longer than {length} tokens: {cut} are cut, {left_out} are \
                 left out because the prompt alone fills a row",
                cut + left_out
            )
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn not_an_example(error: &serde_json::Error) -> String {
    // The line of the message is that within the line.
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    format!("{text} at column {}", error.column())
}

/// Text into sequences, by a model's tokenizer and template.
pub(super) struct Encoder<'a> {
    tokenizer: &'a Tokenizer,
    ends: &'a [u32],
    open_chat: &'a dyn Fn() -> Result<Chat, ModelError>,
    chat: Option<Chat>,
}

impl<'a> Encoder<'a> {
    /// The template is read when it is first needed.
    pub fn new(
        tokenizer: &'a Tokenizer,
        config: &'a ModelConfig,
        open_chat: &'a dyn Fn() -> Result<Chat, ModelError>,
    ) -> Self {
        Encoder {
            tokenizer,
            ends: &config.eos_token_ids,
            open_chat,
            chat: None,
        }
    }

    fn encode(&mut self, example: Example) -> Result<Sequence, String> {
        match example {
            Example {
                prompt: Some(prompt),
                completion: Some(completion),
                messages: None,
            } => self.pair(&prompt, &completion),
            Example {
                prompt: None,
                completion: None,
                messages: Some(messages),
            } => self.conversation(&messages),
            _ => Err("needs either `prompt` and `completion`, or `messages`".to_owned()),
        }
    }

    /// The completion ends with the model's own token for that.
    fn pair(&self, prompt: &str, completion: &str) -> Result<Sequence, String> {
        let prompt = self.tokens(prompt, true)?;
        let mut completion = self.tokens(completion, false)?;
        completion.extend(self.ends.first());
        join(prompt, completion)
    }

    /// The last assistant's message is the completion.
    fn conversation(&mut self, messages: &[Message]) -> Result<Sequence, String> {
        let last = messages.iter().rposition(|one| one.role == "assistant");
        let last = last.ok_or("has no message of the assistant, which is what is trained on")?;
        if self.chat.is_none() {
            self.chat = Some((self.open_chat)().map_err(|error| error.to_string())?);
        }
        let render = |messages, add_generation_prompt| match &self.chat {
            Some(chat) => chat
                .render(messages, add_generation_prompt)
                .map_err(|error| error.to_string()),
            None => Err("there is no chat template".to_owned()),
        };
        let prompt = render(&messages[..last], true)?;
        let whole = render(&messages[..=last], false)?;
        let completion = whole.strip_prefix(&prompt).ok_or(
            "the chat template changes what stands before the assistant's message, so that there is no \
             telling what to train on",
        )?;
        let mut completion = self.tokens(completion, false)?;
        // What the template puts after the end is never drawn.
        let end = completion
            .iter()
            .rposition(|token| self.ends.contains(token));
        completion.truncate(end.map_or(completion.len(), |end| end + 1));
        join(self.tokens(&prompt, false)?, completion)
    }

    fn tokens(&self, text: &str, add_special: bool) -> Result<Vec<u32>, String> {
        let tokens = self.tokenizer.encode(text, add_special);
        tokens.map_err(|error| error.to_string())
    }
}

fn join(prompt: Vec<u32>, completion: Vec<u32>) -> Result<Sequence, String> {
    let count = prompt.len();
    if count == 0 {
        return Err("the prompt has no tokens; nothing predicts the first one".to_owned());
    }
    if completion.is_empty() {
        return Err("the completion has no tokens".to_owned());
    }
    Ok(Sequence {
        tokens: [prompt, completion].concat(),
        prompt: count,
    })
}

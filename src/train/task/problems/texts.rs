//! What players read, and what is found in what they write.

use crate::model::{Chat, Message, ModelConfig, ModelError, Tokenizer};
use std::path::Path;

/// Begins and ends a block of code.
const FENCE: &str = "```";

/// What the generator is asked.
const ASK: &str = "\
Write a Python program that solves the problem below. Use the names that the problem asks for. Put the \
whole program, with everything that it imports, into one ```python block.";

/// What the critic is asked. The expected output is never for it to say: the reference says it.
const ASK_CRITIC: &str = "\
Below are a problem and a candidate solution in Python, which may be wrong. Find the one test case that \
is most likely to break the candidate: an input that the problem allows, on which a right solution and \
the candidate differ. First think about where the candidate may go wrong, between <think> and </think>. \
Then write the test case. If the problem asks for a function, call it:

<think> ... </think>
<testcase> CALL: function(arguments) </testcase>

If the program reads its input, write what it is to read:

<think> ... </think>
<testcase> STDIN: input </testcase>

Write one test case only, and never the expected output.";

/// Reads and writes the texts of a task.
pub(super) struct Texts {
    pub(super) tokenizer: Tokenizer,
    /// What ends a completion.
    pub(super) stop_tokens: Vec<u32>,
    /// Where there is none a text is gone on with, in whose end a block of code begins.
    chat: Option<Chat>,
    /// What must not stand in the text of a stranger.
    special: Vec<String>,
}

impl Texts {
    /// By the tokenizer of a model's folder, and by its chat template where it has one or is said to.
    pub(super) fn open(
        folder: &Path,
        model: &ModelConfig,
        chat: Option<bool>,
    ) -> Result<Self, ModelError> {
        let tokenizer = Tokenizer::open(folder)?;
        let chat = match chat {
            Some(true) => Some(Chat::open(folder)?),
            Some(false) => None,
            None => Chat::find(folder)?,
        };
        let mut stop_tokens = tokenizer.eos_token_ids();
        stop_tokens.extend(&model.eos_token_ids);
        if chat.is_none() {
            stop_tokens.extend(fences(&tokenizer)?);
        }
        stop_tokens.sort_unstable();
        stop_tokens.dedup();
        Ok(Texts {
            special: tokenizer.special_tokens(),
            stop_tokens,
            tokenizer,
            chat,
        })
    }

    /// What the generator reads.
    pub(super) fn ask(&self, problem: &str) -> Result<Vec<u32>, ModelError> {
        self.prompt(&format!("{ASK}\n\nProblem:\n\n{problem}"), "```python\n")
    }

    /// What the critic reads.
    pub(super) fn ask_critic(&self, problem: &str, answer: &str) -> Result<Vec<u32>, ModelError> {
        let answer = self.harmless(answer.trim_end());
        let text = format!(
            "{ASK_CRITIC}\n\nProblem:\n\n{problem}\n\nCandidate:\n\n```python\n{answer}\n```"
        );
        self.prompt(&text, "```text\n")
    }

    /// A message to be answered, or a text with the start of the answer.
    fn prompt(&self, text: &str, opening: &str) -> Result<Vec<u32>, ModelError> {
        match &self.chat {
            Some(chat) => {
                let message = Message::new("user", text);
                self.tokenizer
                    .encode(&chat.render(&[message], true)?, false)
            }
            None => {
                let text = format!("{text}\n\nAnswer:\n\n{opening}");
                self.tokenizer.encode(&text, true)
            }
        }
    }

    /// A text that a model wrote, in which no special token is recognized when it is read again: it
    /// could end its message and begin another.
    fn harmless(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for token in &self.special {
            let mut characters = token.chars();
            if let Some(first) = characters.next() {
                text = text.replace(token, &format!("{first} {}", characters.as_str()));
            }
        }
        text
    }

    /// The program in a completion: its last block of code, or all of it where there is none.
    pub(super) fn program<'t>(&self, completion: &'t str) -> &'t str {
        match self.chat {
            Some(_) => last_program(completion).unwrap_or(completion),
            // The block has begun in the prompt.
            None => match blocks(completion).first() {
                Some(end) => &completion[..end.opening],
                None => completion,
            },
        }
    }
}

/// Tokens that end a block: what follows is no part of the answer.
fn fences(tokenizer: &Tokenizer) -> Result<Vec<u32>, ModelError> {
    let mut fences = Vec::new();
    for id in 0..=tokenizer.largest_id() {
        if tokenizer.decode(&[id], true)?.trim() == FENCE {
            fences.push(id);
        }
    }
    Ok(fences)
}

/// A block of code between lines that begin with a fence.
struct Block<'t> {
    /// Where the line of its opening fence begins.
    opening: usize,
    /// What stands behind that.
    language: &'t str,
    code: &'t str,
}

/// All blocks of a text. The last one may lack its end.
fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, &str, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let end = at + line.len();
        if let Some(behind) = line.trim_start().strip_prefix(FENCE) {
            match open.take() {
                None => open = Some((at, behind.trim(), end)),
                Some((opening, language, code)) => blocks.push(Block {
                    opening,
                    language,
                    code: &text[code..at],
                }),
            }
        }
        at = end;
    }
    blocks.extend(open.map(|(opening, language, code)| Block {
        opening,
        language,
        code: &text[code..],
    }));
    blocks
}

/// The last block that is said to be Python, else the last one that is not said to be anything.
pub(super) fn last_program(text: &str) -> Option<&str> {
    let blocks = blocks(text);
    let last = |languages: &[&str]| {
        let mut blocks = blocks.iter().rev();
        let is_one = |block: &&Block<'_>| {
            let language = block.language.to_ascii_lowercase();
            languages.contains(&language.as_str())
        };
        blocks.find(is_one).map(|block| block.code)
    };
    last(&["python", "python3", "py"]).or_else(|| last(&[""]))
}

/// The test in the last `<testcase>` of a completion, as a judge takes it. What counts as one is what
/// the validator's `critic` check takes for one.
pub(super) fn test(completion: &str) -> Option<String> {
    let (_, body) = completion.rsplit_once("<testcase>")?;
    let body = body.split("</testcase>").next().unwrap_or(body);
    let body = body.trim_matches(|c: char| c.is_ascii_whitespace());
    if let Some(call) = body.strip_prefix("CALL:") {
        let call = call.trim();
        return (!call.is_empty()).then(|| format!("CALL: {call}"));
    }
    // Blanks between the word and the first line are not meant, those of later lines are.
    let stdin = body.strip_prefix("STDIN:")?;
    let stdin = stdin.trim_start_matches([' ', '\t', '\r']);
    let stdin = stdin.strip_prefix('\n').unwrap_or(stdin);
    Some(format!("STDIN:\n{stdin}"))
}

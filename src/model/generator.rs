//! Text in, text out: a sampler with a tokenizer, stop strings and streaming.

use super::error::ModelError;
use super::sampler::{Finish, Next, Request, Sampler};
use super::sampling::Sampling;
use super::tokenizer::{Decoder, Tokenizer};

/// A text to go on from.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// The text. One made by a chat template has its special tokens in it.
    pub text: String,
    /// Whether the tokenizer adds what it puts around every text; not for text from a template.
    pub add_special: bool,
    /// How many answers.
    pub samples: usize,
    /// Tokens of an answer at most.
    pub max_tokens: usize,
    /// How they are drawn.
    pub sampling: Sampling,
    /// An answer ends before the first of these texts that it contains.
    pub stop: Vec<String>,
    /// Decides all draws.
    pub seed: u64,
}

/// A text that was generated.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The prompt's number.
    pub prompt: usize,
    /// Which of its answers.
    pub sample: usize,
    /// The text, without special tokens and without the stop string.
    pub text: String,
    /// All tokens that were drawn, those of the stop included.
    pub tokens: Vec<u32>,
    /// Their log-probabilities under the model.
    pub logp: Vec<f32>,
    /// Why it ended.
    pub finish: Finish,
}

/// A part of an answer, as soon as it is certain.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece<'a> {
    /// The prompt's number.
    pub prompt: usize,
    /// Which of its answers.
    pub sample: usize,
    /// What follows the parts before it.
    pub text: &'a str,
}

/// A policy that reads and writes text.
pub struct Generator {
    sampler: Sampler,
    tokenizer: Tokenizer,
}

/// An answer's text as far as it has come.
struct Text<'a> {
    decoder: Option<Decoder<'a>>,
    text: String,
    /// Bytes of it that the caller has seen.
    told: usize,
    stopped: bool,
}

impl Generator {
    /// Puts the two together.
    ///
    /// # Errors
    /// Where the tokenizer has tokens that the model does not know.
    pub fn new(sampler: Sampler, tokenizer: Tokenizer) -> Result<Self, ModelError> {
        tokenizer.check_vocabulary(sampler.policy().config())?;
        Ok(Generator { sampler, tokenizer })
    }

    /// Turns text into tokens and back.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Answers to all prompts, ordered by prompt and sample. They end with the model's own tokens
    /// for that, with a stop string or at a limit. `watch` sees every part as soon as it is certain.
    ///
    /// # Errors
    /// Where a prompt does not fit the context, or the device fails.
    pub fn generate(
        &mut self,
        prompts: &[Prompt],
        mut watch: impl FnMut(Piece),
    ) -> Result<Vec<Answer>, ModelError> {
        let requests = prompts.iter().map(|prompt| self.request(prompt));
        let requests: Vec<Request> = requests.collect::<Result<_, _>>()?;
        let tokenizer = &self.tokenizer;
        let mut texts: Vec<Vec<Text>> = prompts
            .iter()
            .map(|prompt| (0..prompt.samples).map(|_| Text::new(tokenizer)).collect())
            .collect();
        let mut failure = None;
        let completions = self.sampler.sample(&requests, |drawn| {
            let text = &mut texts[drawn.request][drawn.sample];
            let stop = &prompts[drawn.request].stop;
            let pushed = match requests[drawn.request].stop_tokens.contains(&drawn.token) {
                true => Ok(()),
                false => text.push(drawn.token, stop),
            };
            if let Err(error) = pushed {
                failure = Some(error);
                return Next::Stop;
            }
            text.tell(stop, |text| {
                watch(Piece {
                    prompt: drawn.request,
                    sample: drawn.sample,
                    text,
                });
            });
            match text.stopped {
                true => Next::Stop,
                false => Next::Continue,
            }
        })?;
        if let Some(error) = failure {
            return Err(error);
        }
        let mut answers = Vec::new();
        for completion in completions {
            let (prompt, sample) = (completion.request, completion.sample);
            let text = &mut texts[prompt][sample];
            text.finish(&prompts[prompt].stop)?;
            text.tell(&[], |text| {
                watch(Piece {
                    prompt,
                    sample,
                    text,
                });
            });
            answers.push(Answer {
                prompt,
                sample,
                text: std::mem::take(&mut text.text),
                tokens: completion.tokens,
                logp: completion.logp,
                finish: completion.finish,
            });
        }
        Ok(answers)
    }

    fn request(&self, prompt: &Prompt) -> Result<Request, ModelError> {
        Ok(Request {
            prompt: self.tokenizer.encode(&prompt.text, prompt.add_special)?,
            samples: prompt.samples,
            max_tokens: prompt.max_tokens,
            sampling: prompt.sampling,
            stop_tokens: self.sampler.policy().config().eos_token_ids.clone(),
            seed: prompt.seed,
        })
    }
}

impl<'a> Text<'a> {
    fn new(tokenizer: &'a Tokenizer) -> Self {
        Text {
            decoder: Some(tokenizer.decoder(true)),
            text: String::new(),
            told: 0,
            stopped: false,
        }
    }

    fn push(&mut self, token: u32, stop: &[String]) -> Result<(), ModelError> {
        if let Some(decoder) = &mut self.decoder {
            let new = decoder.push(token)?;
            self.add(&new, stop);
        }
        Ok(())
    }

    /// Adds what the decoder has held back.
    fn finish(&mut self, stop: &[String]) -> Result<(), ModelError> {
        if let Some(decoder) = self.decoder.take().filter(|_| !self.stopped) {
            let rest = decoder.finish()?;
            self.add(&rest, stop);
        }
        Ok(())
    }

    fn add(&mut self, new: &str, stop: &[String]) {
        self.text.push_str(new);
        // A stop string can have begun in what was there, but not in what was told.
        let found = stop
            .iter()
            .filter(|stop| !stop.is_empty())
            .filter_map(|stop| self.text[self.told..].find(stop.as_str()));
        if let Some(at) = found.min() {
            self.text.truncate(self.told + at);
            self.stopped = true;
        }
    }

    /// Tells what cannot become a part of a stop string any more.
    fn tell(&mut self, stop: &[String], tell: impl FnOnce(&str)) {
        let certain = match self.stopped {
            true => self.text.len(),
            false => self.text.len() - self.begun(stop),
        };
        if certain > self.told {
            tell(&self.text[self.told..certain]);
            self.told = certain;
        }
    }

    /// Bytes at the end that a stop string may begin with.
    fn begun(&self, stop: &[String]) -> usize {
        let rest = &self.text[self.told..];
        let begun = |stop: &String| {
            let ends = stop.char_indices().map(|(at, _)| at).skip(1);
            ends.filter(|end| rest.ends_with(&stop[..*end])).max()
        };
        stop.iter().filter_map(begun).max().unwrap_or(0)
    }
}

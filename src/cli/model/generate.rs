//! `touchstone model generate`.

use super::super::failure::done;
use super::super::{Usage, output};
use super::{OnDevice, fault};
use crate::model::chat::Date;
use crate::model::memory::Plan;
use crate::model::{
    Answer, Chat, Finish, Generator, Message, ModelConfig, Policy, Prompt, Sampler, Sampling,
    Tokenizer,
};
use anyhow::Context;
use serde::Serialize;
use std::io::{BufRead, IsTerminal, Read};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

/// Let a model write.
///
/// With --prompt it goes on from a text; with --chat the text is a user's message, put into the
/// model's chat template. With --chat alone each line of stdin is a message of a conversation. The
/// same model, prompt, options and seed give the same answer, on the same number of threads.
#[derive(clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// The model's folder.
    folder: PathBuf,
    /// What to go on from; `-` reads all of stdin.
    #[arg(long, value_name = "TEXT", required_unless_present = "chat")]
    prompt: Option<String>,
    /// Use the model's chat template.
    #[arg(long)]
    chat: bool,
    /// What the conversation starts with, as the system's message.
    #[arg(long, value_name = "TEXT", requires = "chat")]
    system: Option<String>,
    /// The day that the chat template tells the model, such as 2026-01-31; most need none.
    #[arg(long, value_name = "DAY", requires = "chat")]
    date: Option<Date>,
    /// The folder of an adapter of this model, in PEFT's layout.
    #[arg(long, value_name = "FOLDER")]
    adapter: Option<PathBuf>,
    /// Tokens of an answer at most.
    #[arg(long, value_name = "N", default_value = "256")]
    max_tokens: NonZeroUsize,
    /// Divides the logits; 0 always takes the most likely token.
    #[arg(long, value_name = "T", default_value_t = 1.0)]
    temperature: f64,
    /// Draw from so many of the most likely tokens only; 0 is all.
    #[arg(long, value_name = "N", default_value_t = 0)]
    top_k: usize,
    /// Draw from the most likely tokens that together have this probability only.
    #[arg(long, value_name = "P", default_value_t = 1.0)]
    top_p: f64,
    /// Draw from tokens only that are this many times as likely as the most likely one.
    #[arg(long, value_name = "P", default_value_t = 0.0)]
    min_p: f64,
    /// End an answer before this text; may be given several times.
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
    /// How many answers.
    #[arg(short = 'n', long = "samples", value_name = "N", default_value = "1")]
    samples: NonZeroUsize,
    /// Decides all draws.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: OnDevice,
}

const EXAMPLES: &str = "\
Examples:
  touchstone model generate m --prompt 'def add(a, b):' --stop '\\n\\n' --temperature 0
  touchstone model generate m --chat --prompt 'What is 2 + 3?' -n 4 --json | jq .answers
  touchstone model generate m --prompt - < prompt.txt";

/// Answers that are written at the same time: bounds the memory of the cache.
const MOST_SLOTS: usize = 16;

#[derive(Serialize)]
struct Generated<'a> {
    model: String,
    prompt: &'a str,
    seed: u64,
    answers: Vec<Written>,
}

#[derive(Serialize)]
struct Written {
    text: String,
    /// Tokens that were drawn, the one that ended it counted.
    tokens: usize,
    /// Of all of them together under the model, at temperature 1.
    log_probability: f64,
    /// `stop` or `length`.
    finish: &'static str,
}

impl From<Answer> for Written {
    fn from(answer: Answer) -> Self {
        Written {
            text: answer.text,
            tokens: answer.tokens.len(),
            log_probability: answer.logp.iter().copied().map(f64::from).sum(),
            finish: match answer.finish {
                Finish::Stop => "stop",
                Finish::Length => "length",
            },
        }
    }
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut writer = Writer::open(&args)?;
    let Some(prompt) = args.prompt() else {
        return converse(&args, &mut writer);
    };
    let prompt = prompt?;
    let text = match args.chat {
        true => writer.render(&args.messages([Message::new("user", prompt)]))?,
        false => prompt,
    };
    if args.json {
        let answers = writer.answers(&text, |_| Ok(()))?;
        let generated = Generated {
            model: args.folder.display().to_string(),
            prompt: &text,
            seed: args.seed,
            answers: answers.into_iter().map(Written::from).collect(),
        };
        output::print(&(serde_json::to_string_pretty(&generated)? + "\n"))?;
    } else if args.samples.get() == 1 {
        writer.answers(&text, output::print)?;
        output::print("\n")?;
    } else {
        for answer in writer.answers(&text, |_| Ok(()))? {
            let (number, samples) = (answer.sample + 1, args.samples);
            let text = shown(&answer.text);
            output::print(&format!("--- {number} of {samples}\n{text}\n"))?;
        }
    }
    Ok(done(true))
}

/// Each line of stdin is a message, each answer one more.
fn converse(args: &Args, writer: &mut Writer) -> anyhow::Result<ExitCode> {
    if args.json || args.samples.get() > 1 {
        let what = "--json and several answers need a --prompt: a conversation has one answer each";
        return Err(Usage(what.to_owned()).into());
    }
    let mut messages = args.messages([]);
    if std::io::stdin().is_terminal() {
        eprintln!("a line is a message; Ctrl-D ends the conversation");
    }
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| Usage(format!("cannot read stdin: {error}")))?;
        messages.push(Message::new("user", line));
        let text = writer.render(&messages)?;
        let mut answers = writer.answers(&text, output::print)?;
        output::print("\n")?;
        let answer = answers.pop().context("there was no answer")?;
        messages.push(Message::new("assistant", answer.text));
    }
    Ok(done(true))
}

/// A model with its tokenizer, and what is asked of it.
struct Writer<'a> {
    args: &'a Args,
    policy: Policy,
    chat: Option<Chat>,
    folder: PathBuf,
}

impl<'a> Writer<'a> {
    /// Reads the model, the small files first.
    fn open(args: &'a Args) -> anyhow::Result<Self> {
        let config = ModelConfig::read(&args.folder).map_err(fault)?;
        let tokenizer = Tokenizer::open(&args.folder).map_err(fault)?;
        tokenizer.check_vocabulary(&config).map_err(fault)?;
        let chat = match args.chat {
            true => Some(Chat::open(&args.folder).map_err(fault)?),
            false => None,
        };
        let chat = match (chat, args.date) {
            (Some(chat), Some(date)) => Some(chat.with_date(date)),
            (chat, _) => chat,
        };
        args.device.check(
            &config,
            &Plan {
                sampling: Some((args.samples.get().min(MOST_SLOTS), config.max_positions)),
                ..Plan::default()
            },
        )?;
        let engine = args.device.engine()?;
        let mut policy = Policy::load(&engine, &args.folder).map_err(fault)?;
        if let Some(adapter) = &args.adapter {
            policy = policy.load_adapter(adapter).map_err(fault)?;
        }
        Ok(Writer {
            args,
            policy,
            chat,
            folder: args.folder.clone(),
        })
    }

    fn render(&self, messages: &[Message]) -> anyhow::Result<String> {
        let chat = self.chat.as_ref().context("there is a template")?;
        chat.render(messages, true).map_err(fault)
    }

    /// Answers to a text; `show` gets what can be shown of it, part by part.
    fn answers(
        &self,
        text: &str,
        show: impl Fn(&str) -> anyhow::Result<()>,
    ) -> anyhow::Result<Vec<Answer>> {
        let args = self.args;
        let tokenizer = Tokenizer::open(&self.folder).map_err(fault)?;
        let count = tokenizer.encode(text, !args.chat).map_err(fault)?.len();
        let limit = self.policy.config().max_positions;
        if count >= limit {
            let what = format!(
                "the prompt has {count} tokens, and the model's context is {limit}: there is no room \
                 for an answer"
            );
            return Err(Usage(what).into());
        }
        let context = limit.min(count.saturating_add(args.max_tokens.get()));
        let slots = args.samples.get().min(MOST_SLOTS);
        let sampler = Sampler::new(&self.policy, slots, context).map_err(fault)?;
        let mut generator = Generator::new(sampler, tokenizer).map_err(fault)?;
        let prompt = Prompt {
            text: text.to_owned(),
            add_special: !args.chat,
            samples: args.samples.get(),
            max_tokens: args.max_tokens.get(),
            sampling: Sampling {
                temperature: args.temperature,
                top_k: args.top_k,
                top_p: args.top_p,
                min_p: args.min_p,
            },
            stop: args.stop.clone(),
            seed: args.seed,
        };
        let mut unshown = None;
        let answers = generator.generate(&[prompt], |piece| {
            if unshown.is_none() {
                unshown = show(&shown(piece.text)).err();
            }
        });
        match unshown {
            Some(error) => Err(error),
            None => answers.map_err(fault),
        }
    }
}

impl Args {
    /// The prompt, which may have to be read.
    fn prompt(&self) -> Option<anyhow::Result<String>> {
        let read = || {
            let mut text = String::new();
            std::io::stdin()
                .lock()
                .read_to_string(&mut text)
                .map_err(|error| Usage(format!("cannot read stdin: {error}")))?;
            Ok(text)
        };
        self.prompt.as_deref().map(|prompt| match prompt {
            "-" => read(),
            prompt => Ok(prompt.to_owned()),
        })
    }

    /// A conversation, the system's message before the others.
    fn messages<const N: usize>(&self, others: [Message; N]) -> Vec<Message> {
        let system = self.system.iter().map(|text| Message::new("system", text));
        system.chain(others).collect()
    }
}

/// Without what a terminal would obey, where there is one: a model chose this text.
fn shown(text: &str) -> String {
    if !std::io::stdout().is_terminal() {
        return text.to_owned();
    }
    let obeyed = |c: char| c.is_control() && c != '\n' && c != '\t';
    let mut shown = String::new();
    for c in text.chars() {
        match obeyed(c) {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

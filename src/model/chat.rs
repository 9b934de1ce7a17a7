//! Conversations as the text that a model was trained on, by the checkpoint's own template.
//!
//! Templates are Jinja with the methods of Python's strings. They are rendered as transformers
//! renders them, but for the clock: a date is given or there is none.

mod date;
mod environment;
mod template;

pub use date::Date;

use std::path::{Path, PathBuf};

use minijinja::value::merge_maps;
use minijinja::{Environment, ErrorKind, Value, context};
use serde::{Deserialize, Serialize};

use self::environment::Refusal;
use self::template::Template;
use crate::model::ModelError;

/// The template that new models have.
pub const CHATML: &str = include_str!("chat/chatml.jinja");

/// What somebody says in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who: `system`, `user` or `assistant`, in most templates.
    pub role: String,
    /// What.
    pub content: String,
}

impl Message {
    /// A message.
    pub fn new(role: impl Into<String>, content: impl Into<String>) -> Self {
        Message {
            role: role.into(),
            content: content.into(),
        }
    }

    fn to_value(&self) -> Value {
        Value::from_pairs([("role", &*self.role), ("content", &*self.content)])
    }
}

/// A template that is ready to be rendered.
#[derive(Debug)]
pub struct Chat {
    environment: Environment<'static>,
    /// Where the template stands.
    path: PathBuf,
    /// Tokens that it may use, such as `bos_token`.
    tokens: Value,
}

/// The template's name within its environment.
const NAME: &str = "chat_template";

impl Chat {
    /// Reads the template of a folder: `chat_template.jinja`, or `chat_template` in
    /// `tokenizer_config.json`, of several the one named `default`.
    ///
    /// # Errors
    /// If there is none, or it is not a template; the message has the line.
    pub fn open(folder: &Path) -> Result<Self, ModelError> {
        let template = Template::find(folder)?;
        Self::new(template.ok_or_else(|| template::none(folder))?)
    }

    /// The same; `None` if there is none.
    ///
    /// # Errors
    /// If it is not a template.
    pub fn find(folder: &Path) -> Result<Option<Self>, ModelError> {
        Template::find(folder)?.map(Self::new).transpose()
    }

    /// ChatML: what new models have, and what many published ones are close to.
    ///
    /// # Errors
    /// None that are known; the template is read like any other.
    pub fn chatml() -> Result<Self, ModelError> {
        Self::new(Template {
            path: PathBuf::from("the built-in template"),
            source: CHATML.to_owned(),
            tokens: Vec::new(),
        })
    }

    fn new(template: Template) -> Result<Self, ModelError> {
        let Template {
            path,
            source,
            tokens,
        } = template;
        let mut environment = environment::new();
        environment
            .add_template_owned(NAME, template::without_generation_marks(&source))
            .map_err(|error| failed(&path, &error))?;
        Ok(Chat {
            environment,
            path,
            tokens: Value::from_pairs(tokens),
        })
    }

    /// Gives the template a date, for those that tell the model which day it is. Without one they
    /// use that which they have for such a case, or fail.
    pub fn with_date(mut self, date: Date) -> Self {
        environment::set_date(&mut self.environment, date);
        self
    }

    /// The text of a conversation. With `add_generation_prompt` it ends where the model's answer
    /// is to begin.
    ///
    /// # Errors
    /// If the template refuses the messages, for instance for their order, or fails.
    pub fn render(
        &self,
        messages: &[Message],
        add_generation_prompt: bool,
    ) -> Result<String, ModelError> {
        let given = context! {
            messages => messages.iter().map(Message::to_value).collect::<Vec<_>>(),
            add_generation_prompt,
            // Templates ask for these without asking whether they are there.
            tools => (),
            documents => (),
        };
        let render = || {
            let template = self.environment.get_template(NAME)?;
            template.render(merge_maps([self.tokens.clone(), given]))
        };
        render().map_err(|error| failed(&self.path, &error))
    }
}

fn failed(path: &Path, error: &minijinja::Error) -> ModelError {
    if let Some(Refusal(reason)) = Refusal::of(error) {
        let path = path.display();
        let what = format!("{path}: the chat template refuses these messages: {reason}");
        return ModelError::Input(what);
    }
    let reason = error.detail().unwrap_or_default();
    let line = error.line().unwrap_or_default();
    if error.kind() == ErrorKind::UnknownFunction && reason.contains("strftime_now") {
        let what = "the chat template needs a date; give one to have the same text every day";
        return ModelError::file(path, what);
    }
    let kind = error.kind();
    let colon = if reason.is_empty() { "" } else { ": " };
    let what = format_args!("the chat template fails at line {line}: {kind}{colon}{reason}");
    ModelError::file(path, what)
}

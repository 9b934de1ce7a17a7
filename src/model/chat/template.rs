//! Where templates stand.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::model::ModelError;
use crate::model::config::Fields;
use crate::model::tokenizer::{TOKENIZER_CONFIG, special_token};

/// Newer folders have the template in a file of its own, which counts more.
const FILE: &str = "chat_template.jinja";
/// Older ones have special tokens here.
const TOKENS: &str = "special_tokens_map.json";
const FIELD: &str = "chat_template";

/// A template's text and what it needs.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) path: PathBuf,
    pub(super) source: String,
    /// Names, such as `bos_token`, and tokens.
    pub(super) tokens: Vec<(String, String)>,
}

impl Template {
    /// `None` where the folder has none.
    pub(super) fn find(folder: &Path) -> Result<Option<Self>, ModelError> {
        let config_path = folder.join(TOKENIZER_CONFIG);
        let config = read(&config_path)?;
        let mut tokens = special_tokens(&config);
        for (name, token) in special_tokens(&read(&folder.join(TOKENS))?) {
            if !config.contains_key(&name) {
                tokens.push((name, token));
            }
        }
        let file = folder.join(FILE);
        let (path, source) = if file.exists() {
            let source = std::fs::read_to_string(&file);
            let source = source.map_err(|error| {
                ModelError::file(&file, format_args!("cannot be read: {error}"))
            })?;
            (file, source)
        } else {
            let source = of_field(&config_path, config.get(FIELD))?;
            let Some(source) = source else {
                return Ok(None);
            };
            (config_path, source)
        };
        Ok(Some(Template {
            path,
            source,
            tokens,
        }))
    }
}

pub(super) fn none(folder: &Path) -> ModelError {
    let what = format!(
        "has no chat template: neither {FILE} nor {FIELD} in {TOKENIZER_CONFIG}; a model without \
         one can be given texts, but no conversations"
    );
    ModelError::file(folder, what)
}

fn read(path: &Path) -> Result<Map<String, Value>, ModelError> {
    match path.exists() {
        true => Ok(Fields::read(path)?.into_map()),
        false => Ok(Map::new()),
    }
}

fn special_tokens(config: &Map<String, Value>) -> Vec<(String, String)> {
    let names = config.keys().filter(|name| name.ends_with("_token"));
    let token = |name: &String| Some((name.clone(), special_token(config, name)?.to_owned()));
    names.filter_map(token).collect()
}

/// A text, or a list of objects with a `name` and a `template`.
fn of_field(path: &Path, field: Option<&Value>) -> Result<Option<String>, ModelError> {
    let named = match field {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(source)) => return Ok(Some(source.clone())),
        Some(Value::Array(named)) => named,
        Some(_) => return Err(ModelError::file(path, format_args!("{FIELD} is no text"))),
    };
    let default = named.iter().find(|one| one["name"] == "default");
    if let Some(source) = default.and_then(|one| one["template"].as_str()) {
        return Ok(Some(source.to_owned()));
    }
    let names = named.iter().filter_map(|one| one["name"].as_str());
    let names = names.collect::<Vec<_>>().join(", ");
    let what = format_args!("{FIELD} has no template named \"default\", only: {names}");
    Err(ModelError::file(path, what))
}

/// Replaces `{% generation %}` and `{% endgeneration %}`, which mark what the model says for
/// trainers that use them and render nothing, by a condition that holds.
pub(super) fn without_generation_marks(source: &str) -> String {
    let mut result = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(start) = rest.find("{%") {
        let (before, tag) = rest.split_at(start);
        result.push_str(before);
        let end = tag.find("%}").map_or(tag.len(), |end| end + 2);
        let (tag, after) = tag.split_at(end);
        let word = tag.trim_start_matches(['{', '%', '-', '+']);
        let word = word.trim_end_matches(['}', '%', '-', '+']).trim();
        match word {
            "generation" => result.push_str(&tag.replace(word, "if true")),
            "endgeneration" => result.push_str(&tag.replace(word, "endif")),
            _ => result.push_str(tag),
        }
        rest = after;
    }
    result + rest
}

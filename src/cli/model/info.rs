//! `touchstone model info`.

use super::super::failure::done;
use super::super::output;
use super::fault;
use crate::model::{Chat, Checkpoint, ModelConfig, Tokenizer};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Say what a model is, and check its files.
///
/// ONNX Runtime is not needed.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The model's folder.
    folder: PathBuf,
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
}

/// All that is said.
#[derive(Serialize)]
struct Info {
    folder: PathBuf,
    architecture: crate::model::Architecture,
    parameters: usize,
    /// Bytes of the files of weights.
    weights_bytes: u64,
    layers: usize,
    hidden_size: usize,
    intermediate_size: usize,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    /// Rows of the embedding.
    vocabulary: usize,
    /// Tokens of the longest context.
    context: usize,
    tied_embeddings: bool,
    eos_token_ids: Vec<u32>,
    /// Tokens of the tokenizer; null where there is none.
    tokenizer_tokens: Option<u32>,
    chat_template: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let info = Info::read(&args.folder)?;
    output::print(&match args.json {
        true => serde_json::to_string_pretty(&info)? + "\n",
        false => info.render(),
    })?;
    Ok(done(true))
}

impl Info {
    fn read(folder: &Path) -> anyhow::Result<Self> {
        let config = ModelConfig::read(folder).map_err(fault)?;
        Checkpoint::open(folder, &config).map_err(fault)?;
        let tokenizer = match folder.join("tokenizer.json").exists() {
            true => Some(Tokenizer::open(folder).map_err(fault)?),
            false => None,
        };
        if let Some(tokenizer) = &tokenizer {
            tokenizer.check_vocabulary(&config).map_err(fault)?;
        }
        Ok(Info {
            folder: folder.to_owned(),
            architecture: config.architecture,
            parameters: config.parameter_count(),
            weights_bytes: weights_bytes(folder)?,
            layers: config.layers,
            hidden_size: config.hidden_size,
            intermediate_size: config.intermediate_size,
            heads: config.heads,
            kv_heads: config.kv_heads,
            head_dim: config.head_dim,
            vocabulary: config.vocab_size,
            context: config.max_positions,
            tied_embeddings: config.tied_embeddings,
            tokenizer_tokens: tokenizer.map(|tokenizer| tokenizer.largest_id() + 1),
            chat_template: Chat::open(folder).is_ok(),
            eos_token_ids: config.eos_token_ids,
        })
    }

    fn render(&self) -> String {
        let tokenizer = match self.tokenizer_tokens {
            Some(tokens) => format!("{tokens} tokens"),
            None => "none".to_owned(),
        };
        let yes = |is: bool| if is { "yes" } else { "no" };
        let architecture = format!("{:?}", self.architecture);
        let heads = format!(
            "{} of {}, for {} of keys and values",
            self.heads, self.head_dim, self.kv_heads
        );
        let mebibytes = self.weights_bytes as f64 / f64::from(1 << 20);
        let rows = [
            ("architecture", architecture),
            ("parameters", self.parameters.to_string()),
            ("weights", format!("{mebibytes:.1} MiB")),
            ("layers", self.layers.to_string()),
            ("width", self.hidden_size.to_string()),
            ("feed-forward", self.intermediate_size.to_string()),
            ("heads", heads),
            ("vocabulary", self.vocabulary.to_string()),
            ("context", format!("{} tokens", self.context)),
            ("tied embeddings", yes(self.tied_embeddings).to_owned()),
            ("tokenizer", tokenizer),
            ("chat template", yes(self.chat_template).to_owned()),
        ];
        let lines = rows.map(|(name, value)| format!("{name:<16}{value}\n"));
        format!("{}\n{}", self.folder.display(), lines.concat())
    }
}

fn weights_bytes(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry
            .path()
            .extension()
            .is_some_and(|end| end == "safetensors")
        {
            // Through a link, as caches of downloads have them.
            bytes += std::fs::metadata(entry.path())?.len();
        }
    }
    Ok(bytes)
}

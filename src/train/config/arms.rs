//! The arms of an experiment: what they differ in, and nothing else.

use super::{ConfigError, Critic, Game, Learning, Reference, TrainConfig};
use crate::train::judge::code::CodeLimits;

/// The names of all arms.
pub const ARMS: [&str; 7] = [
    "rlac",
    "rlac-anchored",
    "static",
    "random",
    "random-16",
    "fixed-16",
    "random-labels",
];

/// Inputs of a suite.
const SUITE: usize = 16;

/// Sets what an arm is made of.
///
/// # Errors
/// For an unknown arm; the message lists them.
pub fn arm(name: &str, config: &TrainConfig) -> Result<TrainConfig, ConfigError> {
    let (game, critic) = (config.game.clone(), config.critic.clone());
    let (game, critic) = match name {
        "rlac" => (game, critic),
        "rlac-anchored" => (
            Game {
                start_tests: 1,
                ..game
            },
            Learning {
                reference: Reference::Start,
                beta: 0.3,
                ..critic
            },
        ),
        "static" => (with(game, Critic::Static), critic),
        "random" => (with(game, Critic::Random), critic),
        "random-16" | "fixed-16" => {
            let kind = match name {
                "random-16" => Critic::RandomSuite,
                _ => Critic::FixedSuite,
            };
            let game = Game {
                tests: SUITE,
                ..with(game, kind)
            };
            (game, critic)
        }
        "random-labels" => (
            Game {
                random_labels: true,
                ..game
            },
            critic,
        ),
        _ => {
            return Err(ConfigError(format!(
                "there is no arm {name:?}; there are {}",
                ARMS.join(", ")
            )));
        }
    };
    Ok(TrainConfig {
        arm: Some(name.to_owned()),
        game,
        critic,
        ..config.clone()
    })
}

fn with(game: Game, critic: Critic) -> Game {
    Game {
        critic,
        critic_first: 0,
        ..game
    }
}

/// Two cores, no downloads: models of 0.7 million parameters, made here.
pub(super) fn laptop() -> TrainConfig {
    let config = TrainConfig {
        name: "laptop".to_owned(),
        // For all arms. Half of the questions are passed over once the generator knows what it writes.
        game: Game {
            redraws: 4,
            ..Game::default()
        },
        limits: CodeLimits {
            // A right program needs 0.1 ms, and one that never ends is to cost little.
            test_ms: 20,
            exam_ms: 500,
        },
        ..TrainConfig::default()
    };
    arm("rlac-anchored", &config).unwrap_or(config)
}

/// Reads TOML over the defaults, or over an arm's settings where it names one or `named` does, which is
/// stronger.
pub(super) fn parse(text: &str, named: Option<&str>) -> Result<TrainConfig, ConfigError> {
    let fault = |error: toml::de::Error| ConfigError(error.to_string());
    let mut given: toml::Table = toml::from_str(text).map_err(fault)?;
    if let Some(name) = named {
        given.insert("arm".to_owned(), name.into());
    }
    let preset = match given.get("preset").and_then(toml::Value::as_str) {
        Some(name) => TrainConfig::preset(name)?,
        None => TrainConfig::default(),
    };
    let base = match given.get("arm").and_then(toml::Value::as_str) {
        Some(name) => arm(name, &preset.without_arm())?,
        None => preset,
    };
    // Read once alone, so that a mistake is reported at its place in the text.
    let mut alone = given.clone();
    alone.remove("preset");
    let mut text_alone =
        toml::Table::try_from(&base).map_err(|error| ConfigError(error.to_string()))?;
    merge(&mut text_alone, alone);
    text_alone.try_into().map_err(fault)
}

/// Changes settings, each given as `name=value`: the name with dots between its parts, the value as in
/// TOML; what is no TOML value is a text.
pub(super) fn changed(
    config: &TrainConfig,
    settings: &[String],
) -> Result<TrainConfig, ConfigError> {
    let mut table =
        toml::Table::try_from(config).map_err(|error| ConfigError(error.to_string()))?;
    for setting in settings {
        let fault = |why: String| ConfigError(format!("{setting:?}: {why}"));
        let (name, value) = setting
            .split_once('=')
            .ok_or_else(|| fault("is not NAME=VALUE".to_owned()))?;
        let (name, value) = (name.trim(), value.trim());
        if ["arm", "preset"].contains(&name) {
            // Written into the settings it would name what none of them does.
            return Err(fault(format!(
                "is many settings at once: name it with --{name}, or in the configuration"
            )));
        }
        let given = toml::from_str(&format!("{name} = {value}")).or_else(|_| {
            let text = toml::Value::from(value);
            toml::from_str::<toml::Table>(&format!("{name} = {text}"))
        });
        let given = given.map_err(|error| fault(error.message().to_owned()))?;
        merge(&mut table, given);
        let whole = table.clone().try_into::<TrainConfig>();
        whole.map_err(|error| fault(error.message().to_owned()))?;
    }
    table
        .try_into()
        .map_err(|error: toml::de::Error| ConfigError(error.to_string()))
}

/// Puts what is given in the place of what was there, table by table.
fn merge(base: &mut toml::Table, given: toml::Table) {
    for (name, value) in given {
        match (base.get_mut(&name), value) {
            (Some(toml::Value::Table(base)), toml::Value::Table(given)) => merge(base, given),
            (_, value) => {
                base.insert(name, value);
            }
        }
    }
}

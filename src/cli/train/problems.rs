//! Problems from files: read with the checks of the HTTP API, and told of.

use super::super::Usage;
use super::fault;
use crate::api::v1::wire::{ParseError, SubmissionWire, TextWire, parse};
use crate::domain::{Check, Limits, Text};
use crate::model::{ModelConfig, Tokenizer};
use crate::train::config::ModelSource;
use crate::train::judge::Judge;
use crate::train::task::problems::{Problems, ProblemsConfig, Split};
use anyhow::Context;

/// The problems of a run. Says on stderr how many there are, and what is left out.
pub(super) fn open(
    config: &ProblemsConfig,
    models: &ModelSource,
    judge: &dyn Judge,
) -> anyhow::Result<Problems> {
    let usage = |error: &dyn std::fmt::Display| Usage(error.to_string());
    let generator = models.generator.as_ref();
    let generator = generator.ok_or_else(|| usage(&"model.generator is missing"))?;
    let mut split = Split::read(config, &read_checks).map_err(|error| usage(&error))?;
    split.verify(judge).context("the problems are not usable")?;
    let (problems, left_out) = Problems::open(generator, split, config).map_err(fault)?;
    if let Some(critic) = &models.critic {
        // It reads and writes by the generator's tokenizer.
        let model = ModelConfig::read(critic).map_err(fault)?;
        let tokenizer = Tokenizer::open(generator).map_err(fault)?;
        tokenizer.check_vocabulary(&model).map_err(fault)?;
    }
    let (training, held_out) = problems.counts();
    eprintln!(
        "{training} problems to train with, {held_out} to evaluate with; left out: {left_out}"
    );
    Ok(problems)
}

/// The checks of a problem, which has a reference: an expected value may be left to it.
fn read_checks(array: &str) -> Result<Vec<Check>, String> {
    let checks = parse(array.as_bytes()).map_err(|error| match error {
        ParseError::NotJson(message) => message,
        ParseError::Field(field) => format!("checks{}: {}", field.path, field.message),
    })?;
    let text = |text: &str| Some(TextWire(Text::from(text)));
    let wire = SubmissionWire {
        language: Some("python".to_owned()),
        code: text(""),
        reference: text(""),
        checks: Some(checks),
        ..SubmissionWire::default()
    };
    let submissions = wire.convert(&Limits::default()).map_err(|errors| {
        let errors = errors.listed().iter();
        let lines: Vec<String> = errors
            .map(|error| format!("{}: {}", error.path, error.message))
            .collect();
        lines.join(", ")
    })?;
    let checks = submissions.into_iter().flat_map(|one| one.checks);
    Ok(checks.map(|check| (*check).clone()).collect())
}

//! Text in, text out.

use super::support::{Needs, engine, skipped};
use touchstone::model::{
    Answer, Finish, Generator, ModelConfig, Policy, Prompt, Sampler, Sampling, Tokenizer,
};

fn generator(slots: usize) -> Generator {
    let tokenizer = Tokenizer::bytes().expect("a tokenizer");
    let config = ModelConfig::preset("tiny").expect("a preset");
    let policy = Policy::initial(&engine(), config, 1).expect("a policy");
    let sampler = Sampler::new(&policy, slots, 128).expect("a sampler");
    Generator::new(sampler, tokenizer).expect("a generator")
}

fn prompt(text: &str, stop: &[&str]) -> Prompt {
    Prompt {
        text: text.to_owned(),
        add_special: false,
        samples: 3,
        max_tokens: 60,
        sampling: Sampling::default(),
        stop: stop.iter().map(|stop| (*stop).to_owned()).collect(),
        seed: 7,
    }
}

/// Answers, and for each what was streamed.
fn run(generator: &mut Generator, prompts: &[Prompt]) -> Vec<(Answer, Vec<String>)> {
    let mut pieces = Vec::new();
    let answers = generator.generate(prompts, |piece| {
        pieces.push((piece.prompt, piece.sample, piece.text.to_owned()));
    });
    let of = |answer: &Answer| {
        let own = pieces
            .iter()
            .filter(|x| (x.0, x.1) == (answer.prompt, answer.sample));
        own.map(|x| x.2.clone()).collect()
    };
    let answers = answers.expect("answers").into_iter();
    answers
        .map(|answer| {
            let pieces = of(&answer);
            (answer, pieces)
        })
        .collect()
}

#[test]
fn streamed_pieces_are_the_answer() {
    if skipped(Needs::SamplingIn32Bits) {
        return;
    }
    let mut generator = generator(4);
    let prompts = [prompt("def f", &[]), prompt("Grüße, 世界", &[])];
    for (answer, pieces) in run(&mut generator, &prompts) {
        assert_eq!(pieces.concat(), answer.text);
        assert_eq!(answer.tokens.len(), answer.logp.len());
        let decoded = generator
            .tokenizer()
            .decode(&answer.tokens, true)
            .expect("text");
        assert_eq!(answer.text, decoded);
    }
}

#[test]
fn a_stop_string_ends_an_answer_and_is_not_told() {
    if skipped(Needs::SamplingIn32Bits) {
        return;
    }
    let mut generator = generator(2);
    let free = run(&mut generator, &[prompt("def f", &[])]);
    let whole = &free[0].0.text;
    // A few characters from the middle: tokens are bytes, so that it comes in parts.
    let characters: Vec<char> = whole.chars().collect();
    let middle = characters.len() / 2;
    let stop: String = characters[middle..middle + 3].iter().collect();
    let at = whole.find(&stop).expect("there");
    let stopped = run(&mut generator, &[prompt("def f", &["not there", &stop])]);
    let (answer, pieces) = &stopped[0];
    assert_eq!(answer.text, whole[..at]);
    assert_eq!(answer.finish, Finish::Stop);
    assert_eq!(pieces.concat(), answer.text);
    assert!(answer.tokens.len() < free[0].0.tokens.len());
    // The other answers are what they were, up to the same string.
    for (free, stopped) in free.iter().zip(&stopped) {
        let end = free.0.text.find(&stop).unwrap_or(free.0.text.len());
        assert_eq!(stopped.0.text, free.0.text[..end]);
    }
}

#[test]
fn a_beginning_of_a_stop_string_is_told_at_the_end() {
    if skipped(Needs::SamplingIn32Bits) {
        return;
    }
    let mut generator = generator(2);
    let free = run(&mut generator, &[prompt("def f", &[])]);
    let last: String = free[0].0.text.chars().last().into_iter().collect();
    let stop = format!("{last}\u{1F511}never drawn");
    let (answer, pieces) = &run(&mut generator, &[prompt("def f", &[&stop])])[0];
    assert_eq!(answer.text, free[0].0.text);
    assert_eq!(pieces.concat(), answer.text);
}

#[test]
fn a_tokenizer_that_does_not_fit_is_refused() {
    if skipped(Needs::SamplingIn32Bits) {
        return;
    }
    let config = ModelConfig {
        vocab_size: 200,
        eos_token_ids: vec![0],
        pad_token_id: None,
        bos_token_id: None,
        ..ModelConfig::preset("tiny").expect("a preset")
    };
    let policy = Policy::initial(&engine(), config, 1).expect("a policy");
    let sampler = Sampler::new(&policy, 1, 16).expect("a sampler");
    let tokenizer = Tokenizer::bytes().expect("a tokenizer");
    let error = Generator::new(sampler, tokenizer)
        .err()
        .expect("too many tokens");
    let error = error.to_string();
    assert!(error.contains("200") && error.contains("259"), "{error}");
}

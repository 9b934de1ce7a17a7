//! Biographies: what is asked, what is taught, and a whole run.

use super::{ends, support};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use touchstone::train::config::{TaskConfig, TrainConfig};
use touchstone::train::judge::claims::Claims;
use touchstone::train::judge::{Case, Exam, Judge, Verdict};
use touchstone::train::task::biographies::{Biographies, BiographiesConfig, Mistake};
use touchstone::train::task::{Draw, Lesson, Task};
use touchstone::train::warm;

fn small() -> BiographiesConfig {
    BiographiesConfig {
        persons: 50,
        held_out: 15,
        ..BiographiesConfig::default()
    }
}

fn task() -> (Biographies, Claims) {
    let config = small();
    let knowledge = Arc::new(config.knowledge());
    let task = Biographies::new(knowledge.clone(), config.least_facts).expect("a task");
    (task, Claims::new(knowledge, config.least_facts))
}

/// The texts between the special tokens of an example.
fn parts(task: &Biographies, tokens: &[u32]) -> Vec<String> {
    let text = task.tokenizer().decode(tokens, false).expect("text");
    let text = text.strip_prefix("<|im_start|>").expect("a start");
    let text = text.strip_suffix("<|endoftext|>").expect("an end");
    let parts = text
        .split("<|im_end|>")
        .flat_map(|part| part.split("<|im_start|>"));
    parts.map(str::to_owned).collect()
}

fn name_in(question: &str) -> Arc<str> {
    let name = question.split(':').next().expect("a name");
    name.trim().into()
}

#[test]
fn answers_that_are_taught() {
    let (task, claims) = task();
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut exams = Vec::new();
    for _ in 0..1000 {
        let example = task.example(Lesson::Answers, &mut random);
        let example = example.expect("tokens").expect("an example");
        let sizes = task.sizes();
        assert!(example.tokens.len() - example.prompt < sizes.answer);
        assert!(example.prompt + sizes.answer + 1 + sizes.test <= sizes.context);
        let parts = parts(&task, &example.tokens);
        let [question, text] = &parts[..] else {
            panic!("{parts:?}");
        };
        exams.push((name_in(question), Arc::from(&**text), Exam::Facts));
    }
    let truths = claims.examine(&exams).expect("it is there");
    assert!(truths.iter().all(Option::is_some));
    let right = truths.iter().filter(|truth| **truth == Some(true)).count();
    // 0.4 of 1000, whose standard deviation is 15.
    assert!((320..480).contains(&right), "{right}");
}

#[test]
fn tests_that_are_taught() {
    let (task, claims) = task();
    let mut random = ChaCha8Rng::seed_from_u64(6);
    for (lesson, found) in [(Lesson::Copying, 300..=400), (Lesson::Tests, 20..=100)] {
        let mut failed = 0;
        for _ in 0..400 {
            let example = task.example(lesson, &mut random);
            let example = example.expect("tokens").expect("an example");
            let parts = parts(&task, &example.tokens);
            let [question, text, _] = &parts[..] else {
                panic!("{parts:?}");
            };
            // What stands after the prompt is what a critic writes.
            let (written, _) = example.tokens[example.prompt..]
                .split_at(example.tokens.len() - example.prompt - 1);
            assert!(written.len() < task.sizes().test);
            let test = task.test(written).expect("text").expect("a test");
            let case = Case {
                reference: name_in(question),
                answer: text.as_str().into(),
                tests: vec![test.into()],
                stop_at_failure: false,
                salt: 0,
            };
            let ruling = claims.judge(&[case]).expect("it is there").concat();
            assert_ne!(ruling[0].verdict, Verdict::Invalid, "{text} {ruling:?}");
            failed += usize::from(ruling[0].verdict == Verdict::Failed);
        }
        assert!(found.contains(&failed), "{lesson:?}: {failed}");
    }
}

#[test]
fn evaluation_is_of_persons_held_out() {
    let (task, claims) = task();
    let knowledge = small().knowledge();
    let evaluation = task.evaluation();
    let named = |name: &str| {
        knowledge
            .held_out()
            .iter()
            .any(|person| person.name == name)
    };
    assert_eq!(evaluation.held_out.len(), 15);
    assert!(
        evaluation
            .held_out
            .iter()
            .all(|question| named(&question.reference))
    );
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for _ in 0..100 {
        let question = task.draw(&mut random);
        assert!(!named(&question.reference));
        assert_eq!(name_in(&question.prompt), question.reference);
    }
    let mut families: BTreeMap<&str, usize> = BTreeMap::new();
    let exams: Vec<_> = evaluation
        .hard
        .iter()
        .map(|(question, text)| {
            assert!(named(&question.reference));
            *families.entry(&question.family).or_default() += 1;
            (
                question.reference.clone(),
                Arc::from(&**text),
                task.exam(question),
            )
        })
        .collect();
    let truths = claims.examine(&exams).expect("it is there");
    for ((question, text), truth) in evaluation.hard.iter().zip(truths) {
        assert_eq!(truth, Some(false), "{}: {text}", question.family);
    }
    let mistakes = Mistake::SUBTLE.map(|mistake| (mistake.name(), 12));
    assert_eq!(families, BTreeMap::from(mistakes));
    let again: Vec<String> = task
        .evaluation()
        .hard
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    let texts: Vec<String> = evaluation
        .hard
        .iter()
        .map(|(_, text)| text.clone())
        .collect();
    assert_eq!(texts, again);
}

#[test]
fn texts_come_back_from_tokens() {
    let (task, _) = task();
    let evaluation = task.evaluation();
    for (question, text) in &evaluation.hard {
        let tokens = task.tokenizer().encode(text, false).expect("tokens");
        assert_eq!(task.answer(&tokens).expect("text"), *text);
        let asked = task.ask(question).expect("tokens");
        let critic = task.ask_critic(question, &tokens).expect("tokens");
        assert_eq!(critic[..asked.len()], asked);
        assert_eq!(critic[asked.len()..critic.len() - 1], tokens);
        assert!(critic.len() + task.sizes().test <= task.sizes().context);
    }
}

#[test]
fn claims_in_completions() {
    let (task, _) = task();
    let table = [
        (" born 1953", Some("CLAIM: born 1953")),
        ("  city\n turin ", Some("CLAIM: city turin")),
        (" born turin", None),
        (" born", None),
        (" born 1953 .", None),
        ("<|im_start|> born 1953", None),
        ("", None),
    ];
    for (text, expected) in table {
        let tokens = task.tokenizer().encode(text, false).expect("tokens");
        assert_eq!(
            task.test(&tokens).expect("text").as_deref(),
            expected,
            "{text:?}"
        );
    }
}

#[test]
fn drawn_tests_ask_for_kinds() {
    let (task, claims) = task();
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let question = task.draw(&mut random);
    let mut drawn = |draw| -> Vec<String> {
        let tests = (0..200).filter_map(|_| task.drawn_test(&question, draw, &mut random));
        let tests: std::collections::BTreeSet<String> = tests.collect();
        tests.into_iter().collect()
    };
    let kinds = ["born", "city", "home", "plays", "prize", "work"];
    let all = kinds.map(|kind| format!("ASK: {kind}"));
    assert_eq!(drawn(Draw::Uniform), all);
    assert_eq!(drawn(Draw::Boundary), ["ASK: born", "ASK: prize"]);
    // All of them find every mistake.
    for (question, text) in task.evaluation().hard {
        let case = Case {
            reference: question.reference.clone(),
            answer: text.as_str().into(),
            tests: all.iter().map(|test| Arc::from(&**test)).collect(),
            stop_at_failure: false,
            salt: 0,
        };
        let rulings = claims.judge(&[case]).expect("it is there").concat();
        let failed = rulings
            .iter()
            .any(|ruling| ruling.verdict == Verdict::Failed);
        assert!(failed, "{text} {rulings:?}");
    }
}

#[test]
fn settings() {
    let parse = |task: &str| {
        let text = format!("[task]\nkind = \"biographies\"\n{task}");
        TrainConfig::parse(&text).map(|config| config.task)
    };
    let default = TaskConfig::Biographies(BiographiesConfig::default());
    assert_eq!(parse(""), Ok(default));
    let some = BiographiesConfig {
        persons: 9,
        held_out: 3,
        least_facts: 1,
        seed: 4,
    };
    assert_eq!(
        parse("persons = 9\nheld_out = 3\nleast_facts = 1\nseed = 4"),
        Ok(TaskConfig::Biographies(some))
    );
    for (text, message) in [
        (
            "persons = 0",
            "task.persons and task.held_out have to be at least 1",
        ),
        (
            "held_out = 0",
            "task.persons and task.held_out have to be at least 1",
        ),
        (
            "persons = 2880",
            "are 2980 together; there are names for 2880",
        ),
        (
            "least_facts = 7",
            "task.least_facts is 7; it has to be from 1 to 6",
        ),
        (
            "least_facts = 0",
            "task.least_facts is 0; it has to be from 1 to 6",
        ),
        ("person = 1", "unknown field `person`"),
    ] {
        let error = parse(text).expect_err("refused").to_string();
        assert!(error.contains(message), "{text}: {error}");
    }
}

/// A model that has learnt next to nothing: the run is what is looked at, not how good it gets.
const RUN: &str = r#"
iterations = 2
[task]
kind = "biographies"
persons = 50
held_out = 15
least_facts = 1
[warm_start]
batch = 8
generator_steps = 20
copying_steps = 10
test_steps = 10
[game]
prompts = 4
samples = 4
start_tests = 1
critic_first = 1
[generator]
minibatch = 2
[critic]
minibatch = 2
[evaluation]
every = 1
samples = 1
hard_tests = 1
[machine]
lanes = 2
slots = 16
"#;

#[test]
fn a_run() {
    let config = TrainConfig::parse(RUN).expect("settings");
    let TaskConfig::Biographies(settings) = &config.task else {
        panic!("{:?}", config.task);
    };
    let knowledge = Arc::new(settings.knowledge());
    let task = Biographies::new(knowledge.clone(), settings.least_facts).expect("a task");
    let claims = Claims::new(knowledge.clone(), settings.least_facts);
    let folder = tempfile::tempdir().expect("a folder");
    let (cache, out) = (folder.path().join("cache"), folder.path().join("run"));
    let start = warm::obtain(
        &cache,
        &task,
        &config.warm_start,
        &config.machine,
        support::engines(),
        |_| ControlFlow::Continue(()),
    );
    let start = start.expect("a warm start").expect("nobody stops it");
    let metrics = ends::run(config, &out, start, &task, &claims);
    assert_eq!(metrics.len(), 3);
    for line in &metrics {
        let truncated = line.found.truncated.expect("measured");
        let right = line.found.pass_at_1.expect("measured");
        assert!(right <= 1.0 - truncated, "{line:?}");
        assert_eq!(line.faults, 0);
        assert!(
            line.found.hard_detection.expect("measured")
                <= line.found.hard_valid.expect("measured")
        );
    }
    let samples = ends::samples(&out);
    assert_eq!(
        samples.iter().map(|line| line.samples).sum::<usize>(),
        2 * 4 * 4
    );
    for line in &samples {
        let case = Case {
            reference: line.reference.as_str().into(),
            answer: line.answer.as_str().into(),
            tests: line
                .tests
                .iter()
                .filter_map(|test| test.test.as_deref().map(Arc::from))
                .collect(),
            stop_at_failure: false,
            salt: 0,
        };
        let exam = (case.reference.clone(), case.answer.clone(), Exam::Facts);
        let right = claims.examine(&[exam]).expect("it is there")[0];
        let right = if line.truncated { Some(false) } else { right };
        assert_eq!(line.correct, right, "{line:?}");
        let rulings = claims.judge(&[case]).expect("it is there").concat();
        let tests = line.tests.iter().filter(|test| test.test.is_some());
        for (test, ruling) in tests.zip(rulings) {
            assert_eq!(test.verdict, ruling.verdict, "{line:?}");
        }
    }
}

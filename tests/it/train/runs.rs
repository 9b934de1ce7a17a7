//! Whole runs: what they write, how they end, how they go on.

use super::support::{Ear, code, engines, run, small, start, task, timeless, with_game};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use touchstone::train::checkpoint;
use touchstone::train::config::{ARMS, Critic, TrainConfig, arm};
use touchstone::train::experiment::Experiment;
use touchstone::train::judge::{Case, Exam, Judge, Ruling, Unavailable, Verdict};
use touchstone::train::log::{METRICS, Metrics, SAMPLES, SampleLine};
use touchstone::train::objective::Objective;
use touchstone::train::run::{Ended, Run, RunError, Setup};
use touchstone::train::warm::Start;

fn lines<T: serde::de::DeserializeOwned>(folder: &Path, name: &str) -> Vec<T> {
    let text = std::fs::read_to_string(folder.join(name)).expect(name);
    let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    text.lines().map(read).collect()
}

fn metrics(folder: &Path) -> Vec<Metrics> {
    let lines: Vec<Metrics> = lines(folder, METRICS);
    lines.iter().map(timeless).collect()
}

/// The weights that a run ended with.
fn weights(folder: &Path) -> Vec<Vec<u8>> {
    let read = |name: &str| std::fs::read(folder.join(name).join("model.safetensors"));
    ["generator", "critic"]
        .map(|name| read(name).expect(name))
        .to_vec()
}

#[test]
fn a_run_plays_learns_and_is_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut ear = Ear::default();
    let ended = run(small(), folder.path(), &code(), &mut ear).expect("a run");
    assert_eq!(ended, Ended::Iterations);
    let metrics: Vec<Metrics> = lines(folder.path(), METRICS);
    assert_eq!(metrics, ear.lines);
    let numbers: Vec<u64> = metrics.iter().map(|line| line.iteration).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6]);
    let evaluated: Vec<bool> = metrics
        .iter()
        .map(|x| x.found.pass_at_1.is_some())
        .collect();
    assert_eq!(evaluated, [true, false, false, true, false, false, true]);

    // The critic learns from the first iteration on, the generator from the second.
    let steps = |line: &Metrics| {
        let of = |one: &Option<touchstone::train::update::Watched>| one.as_ref().map(|x| x.steps);
        (of(&line.generator), of(&line.critic))
    };
    assert_eq!(steps(&metrics[1]).0, None);
    let (generator, critic) = steps(&metrics[6]);
    assert!(
        generator > Some(0) && critic > Some(0),
        "{generator:?} {critic:?}"
    );
    let parities: Vec<f64> = metrics.iter().filter_map(|line| line.parity).collect();
    assert!(!parities.is_empty());
    assert!(parities.iter().all(|x| *x < 1e-4), "{parities:?}");

    // The samples say the same as the counts.
    let samples: Vec<SampleLine> = lines(folder.path(), SAMPLES);
    for line in &metrics[1..] {
        let own: Vec<&SampleLine> = samples
            .iter()
            .filter(|x| x.iteration == line.iteration)
            .collect();
        let count: usize = own.iter().map(|x| x.samples).sum();
        assert_eq!(count, 8 * 4);
        let labelled: usize = own
            .iter()
            .filter(|x| x.label.is_some())
            .map(|x| x.samples)
            .sum();
        let passed: usize = own
            .iter()
            .filter(|x| x.label == Some(1))
            .map(|x| x.samples)
            .sum();
        let rate = (labelled > 0).then(|| passed as f64 / labelled as f64);
        assert_eq!(line.train_pass_rate, rate);
        for sample in &own {
            let failed = sample.tests.iter().any(|x| x.verdict == Verdict::Failed);
            let satisfied = sample.tests.iter().any(|x| x.verdict == Verdict::Satisfied);
            let label = match (sample.truncated || failed, satisfied) {
                (true, _) => Some(0),
                (false, true) => Some(1),
                (false, false) => None,
            };
            assert_eq!(sample.label, label, "{sample:?}");
            let tests: usize = sample.tests.iter().map(|x| x.times).sum();
            assert_eq!(
                tests,
                if sample.truncated {
                    0
                } else {
                    2 * sample.samples
                }
            );
        }
    }
    let run: u64 = samples
        .iter()
        .flat_map(|x| &x.tests)
        .filter(|x| matches!(x.verdict, Verdict::Failed | Verdict::Satisfied))
        .map(|x| x.times as u64)
        .sum();
    let last = &metrics[6];
    assert_eq!(last.executions_candidate, run);
    assert_eq!(
        last.executions,
        last.executions_candidate + last.executions_reference
    );
    assert!(last.executions_unique <= last.executions);
    for folder_of in ["generator", "critic"] {
        let model = folder.path().join(folder_of);
        touchstone::model::Policy::load(&engines()[0], &model).expect("a model that loads");
    }
}

#[test]
fn stopped_and_gone_on_gives_the_same_numbers() {
    let whole = tempfile::tempdir().expect("a folder");
    run(small(), whole.path(), &code(), &mut Ear::default()).expect("a run");
    let parts = tempfile::tempdir().expect("a folder");
    for count in [2, 1, 3] {
        let mut ear = Ear {
            stop_after: Some(count),
            ..Ear::default()
        };
        let ended = run(small(), parts.path(), &code(), &mut ear).expect("a part");
        assert_eq!(ended, Ended::Stopped);
    }
    let ended = run(small(), parts.path(), &code(), &mut Ear::default()).expect("the rest");
    assert_eq!(ended, Ended::Iterations);
    assert_eq!(metrics(parts.path()), metrics(whole.path()));
    let samples = |folder: &Path| std::fs::read(folder.join(SAMPLES)).expect("samples");
    assert!(samples(parts.path()) == samples(whole.path()));
    assert!(
        weights(parts.path()) == weights(whole.path()),
        "weights differ"
    );
}

/// A part of a run, saved after every iteration.
fn part(lines: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let mut ear = Ear {
        stop_after: Some(lines),
        ..Ear::default()
    };
    run(small(), folder.path(), &code(), &mut ear).expect("a part");
    folder
}

#[test]
fn a_damaged_state_is_passed_over() {
    let folder = part(4);
    let (saved, damaged) = checkpoint::find(folder.path());
    let newest = saved.expect("a state");
    assert_eq!((newest.state.iteration, damaged.len()), (3, 0));
    let file = newest.folder.join("generator/weights.safetensors");
    let mut bytes = std::fs::read(&file).expect("weights");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).expect("damage");

    let (saved, damaged) = checkpoint::find(folder.path());
    assert_eq!(saved.expect("the one before").state.iteration, 2);
    assert_eq!(damaged[0].folder, newest.folder);
    assert!(
        damaged[0].why.contains("weights.safetensors"),
        "{}",
        damaged[0].why
    );
    let ended = run(small(), folder.path(), &code(), &mut Ear::default()).expect("the rest");
    assert_eq!(ended, Ended::Iterations);
    let whole = part(100);
    assert_eq!(metrics(folder.path()), metrics(whole.path()));
    assert!(
        weights(folder.path()) == weights(whole.path()),
        "weights differ"
    );
}

#[test]
fn states_that_are_all_damaged_are_not_begun_over() {
    let folder = part(3);
    for place in ["state/0", "state/1"] {
        let file = folder.path().join(place).join("state.json");
        std::fs::write(file, "{").expect("damage");
    }
    let before = metrics(folder.path());
    let error = run(small(), folder.path(), &code(), &mut Ear::default());
    let error = error.expect_err("no state");
    assert!(
        matches!(&error, RunError::Damaged(all) if all.len() == 2),
        "{error}"
    );
    assert_eq!(metrics(folder.path()), before, "nothing is lost");
}

#[test]
fn another_run_is_not_gone_on_with() {
    let folder = part(2);
    let mut other = small();
    other.game.temperature = 0.9;
    other.iterations = 99;
    let error = run(other, folder.path(), &code(), &mut Ear::default()).expect_err("another");
    let text = error.to_string();
    assert!(
        text.contains("game was") && !text.contains("iterations"),
        "{text}"
    );
}

#[test]
fn lines_without_a_state_are_not_begun_over() {
    let folder = part(3);
    std::fs::remove_dir_all(folder.path().join("state")).expect("the states");
    let before = metrics(folder.path());
    let error = run(small(), folder.path(), &code(), &mut Ear::default()).expect_err("lost");
    assert!(matches!(error, RunError::Lost { lines: 3, .. }), "{error}");
    assert_eq!(metrics(folder.path()), before, "nothing is lost");
}

#[test]
fn a_run_belongs_to_one_process() {
    let folder = part(2);
    let judge = code();
    let begin = || {
        Run::begin(Setup {
            config: small(),
            out: folder.path(),
            start: start(),
            task: task(),
            judge: &judge,
            engines: engines(),
        })
    };
    let first = begin().expect("a run");
    assert!(matches!(begin(), Err(RunError::Busy(_))));
    drop(first);
    begin().expect("a run");
}

#[test]
fn a_run_does_not_go_on_from_another_model() {
    let folder = part(2);
    let saved = checkpoint::find(folder.path()).0.expect("a state");
    assert_eq!(saved.state.contents.len(), 2);
    let judge = code();
    let other = Start {
        generator: start().critic,
        critic: start().critic,
    };
    let begun = Run::begin(Setup {
        config: small(),
        out: folder.path(),
        start: other,
        task: task(),
        judge: &judge,
        engines: engines(),
    });
    let error = begun.err().expect("refused").to_string();
    assert!(
        error.contains("what model.generator names has other contents"),
        "{error}"
    );
}

#[test]
fn an_experiment_grows_by_arms_and_seeds_alone() {
    let all = Experiment::laptop().expect("an experiment");
    let some = Experiment {
        arms: vec!["static".to_owned()],
        seeds: vec![4],
        ..all.clone()
    };
    let joined = some.joined(all.clone()).expect("the same settings");
    assert_eq!((&joined.arms, joined.seeds.len()), (&all.arms, 4));
    assert_eq!(joined.runs().expect("runs").len(), 7 * 4 * 2);
    let other = Experiment {
        changes: vec!["game.samples=4".to_owned()],
        ..all.clone()
    };
    assert_eq!(other.joined(all), None);
}

/// Is not there now and then.
struct Absent<J> {
    judge: J,
    calls: AtomicUsize,
}

impl<J: Judge> Absent<J> {
    fn is_away(&self) -> Result<(), Unavailable> {
        match self.calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(3) {
            true => Err(Unavailable::Now("gone for a moment".to_owned())),
            false => Ok(()),
        }
    }
}

impl<J: Judge> Judge for Absent<J> {
    fn judge(&self, cases: &[Case]) -> Result<Vec<Vec<Ruling>>, Unavailable> {
        self.is_away()?;
        self.judge.judge(cases)
    }

    fn examine(
        &self,
        answers: &[(Arc<str>, Arc<str>, Exam)],
    ) -> Result<Vec<Option<bool>>, Unavailable> {
        self.is_away()?;
        self.judge.examine(answers)
    }
}

#[test]
fn an_absent_judge_makes_a_run_wait_and_changes_nothing() {
    let config = || TrainConfig {
        iterations: 2,
        ..small()
    };
    let plain = tempfile::tempdir().expect("a folder");
    run(config(), plain.path(), &code(), &mut Ear::default()).expect("a run");
    let folder = tempfile::tempdir().expect("a folder");
    let judge = Absent {
        judge: code(),
        calls: AtomicUsize::new(0),
    };
    let mut ear = Ear::default();
    run(config(), folder.path(), &judge, &mut ear).expect("a run");
    assert!(ear.waits.iter().any(Option::is_some) && ear.waits.iter().any(Option::is_none));
    assert_eq!(metrics(folder.path()), metrics(plain.path()));
    assert!(
        weights(folder.path()) == weights(plain.path()),
        "weights differ"
    );
}

/// Cannot judge anything, by faults of its own.
struct Faulty;

impl Judge for Faulty {
    fn judge(&self, cases: &[Case]) -> Result<Vec<Vec<Ruling>>, Unavailable> {
        let fault = Ruling {
            verdict: Verdict::Skipped,
            message: "the engine failed".to_owned(),
            fault: true,
        };
        let each = cases
            .iter()
            .map(|case| vec![fault.clone(); case.tests.len()]);
        Ok(each.collect())
    }

    fn examine(
        &self,
        answers: &[(Arc<str>, Arc<str>, Exam)],
    ) -> Result<Vec<Option<bool>>, Unavailable> {
        Ok(vec![None; answers.len()])
    }
}

#[test]
fn faults_of_the_judge_are_no_verdicts() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = TrainConfig {
        iterations: 2,
        ..small()
    };
    run(config, folder.path(), &Faulty, &mut Ear::default()).expect("a run");
    let metrics: Vec<Metrics> = lines(folder.path(), METRICS);
    for line in &metrics[1..] {
        assert!(line.faults > 0);
        assert_eq!(line.executions, 0);
        // Answers without an end are wrong without a test; nothing else is known.
        assert_eq!(line.train_pass_rate.unwrap_or(0.0), 0.0);
        assert_eq!((line.generator_pairs, line.critic_pairs), (0, 0));
        assert_eq!(line.found.pass_at_1.unwrap_or(0.0), 0.0);
    }
    let samples: Vec<SampleLine> = lines(folder.path(), SAMPLES);
    assert!(
        samples
            .iter()
            .filter(|x| !x.truncated)
            .all(|x| x.label.is_none())
    );
}

#[test]
fn a_number_that_is_none_stops_the_run_and_keeps_the_last_state() {
    let folder = part(4);
    let (saved, _) = checkpoint::find(folder.path());
    let mut saved = saved.expect("a state");
    assert_eq!(saved.state.iteration, 3);
    // As if the run had been begun with a rate that no weight survives.
    let mut config = small();
    config.generator.learning_rate = 1e30;
    config.critic.learning_rate = 1e30;
    saved.state.config = serde_json::to_value(&config).expect("JSON");
    let players = saved.folder.clone();
    let place = saved.place.other();
    checkpoint::save(folder.path(), place, &saved.state, |new| {
        for name in ["generator", "critic"] {
            let to = new.join(name);
            std::fs::create_dir(&to).expect("a folder");
            for entry in std::fs::read_dir(players.join(name)).expect("files") {
                let entry = entry.expect("an entry");
                std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
            }
        }
        Ok(())
    })
    .expect("saved");
    std::fs::remove_dir_all(&players).expect("the other state");
    let error = run(config, folder.path(), &code(), &mut Ear::default());
    let error = error.expect_err("no number survives");
    assert!(
        matches!(error, RunError::NotFinite { kept, .. } if kept >= 3),
        "{error}"
    );
    let (saved, damaged) = checkpoint::find(folder.path());
    assert!(saved.is_some() && damaged.is_empty());
}

#[test]
fn every_arm_runs() {
    for name in ARMS {
        let folder = tempfile::tempdir().expect("a folder");
        let small = TrainConfig {
            iterations: 2,
            ..small()
        };
        let base = small.without_arm();
        let mut config = arm(name, &base).expect("an arm");
        config.game.prompts = 4;
        config.game.samples = 2;
        let critic = config.game.critic;
        run(config, folder.path(), &code(), &mut Ear::default()).expect(name);
        let metrics: Vec<Metrics> = lines(folder.path(), METRICS);
        assert_eq!(metrics.len(), 3, "{name}");
        let last = &metrics[2];
        assert!(last.executions > 0, "{name}");
        let writes = matches!(critic, Critic::Adversarial | Critic::Static);
        assert_eq!(last.critic_tokens > 0, writes, "{name}");
        assert_eq!(last.found.hard_detection.is_some(), writes, "{name}");
        let learns = critic == Critic::Adversarial;
        assert_eq!(last.critic.is_some(), learns, "{name}");
        let samples: Vec<SampleLine> = lines(folder.path(), SAMPLES);
        let suite = matches!(critic, Critic::RandomSuite | Critic::FixedSuite);
        for sample in samples.iter().filter(|sample| suite && !sample.truncated) {
            let first = sample
                .tests
                .iter()
                .position(|x| x.verdict == Verdict::Failed);
            let skipped = sample
                .tests
                .iter()
                .position(|x| x.verdict == Verdict::Skipped);
            assert_eq!(
                skipped.is_some(),
                first.is_some_and(|at| at + 1 < sample.tests.len()),
                "{name}: {sample:?}"
            );
        }
    }
}

#[test]
fn a_question_with_one_answer_gives_its_place_to_another() {
    let play = |redraws: usize| {
        let folder = tempfile::tempdir().expect("a folder");
        let config = TrainConfig {
            iterations: 3,
            ..with_game(|game| game.redraws = redraws)
        };
        // Cold, so that equal answers are frequent.
        let config = config
            .changed(&["game.temperature=0.5".to_owned()])
            .expect("a run");
        run(config, folder.path(), &code(), &mut Ear::default()).expect("a run");
        let metrics: Vec<Metrics> = lines(folder.path(), METRICS);
        let samples: Vec<SampleLine> = lines(folder.path(), SAMPLES);
        (metrics, samples)
    };
    let uniform = |samples: &[SampleLine], iteration: u64| {
        let own = samples.iter().filter(|line| line.iteration == iteration);
        own.filter(|line| line.samples == 4).count()
    };
    let (all, tested) = play(0);
    let (chosen, differing) = play(5);
    assert!(all[1..].iter().all(|line| line.passed_over == Some(0.0)));
    assert!(chosen[1].passed_over > Some(0.0), "{:?}", chosen[1]);
    // Until the generator learns, both ask and answer the same; then every place has its questions.
    assert!(uniform(&tested, 1) > uniform(&differing, 1));
    assert!(chosen[1].generator_tokens > all[1].generator_tokens);
    for line in &chosen[1..] {
        let own = differing.iter().filter(|x| x.iteration == line.iteration);
        assert_eq!(own.map(|x| x.samples).sum::<usize>(), 8 * 4);
    }
    // A question whose answers differ keeps its place, and them.
    let first = |line: &&SampleLine| line.iteration == 1 && line.samples < 4;
    for line in tested.iter().filter(first) {
        let same = |other: &SampleLine| {
            let of = |line: &SampleLine| (line.question.clone(), line.answer.clone(), line.samples);
            other.iteration == 1 && of(other) == of(line)
        };
        assert!(differing.iter().any(same), "{line:?}");
    }
}

#[test]
fn every_objective_runs() {
    for objective in ["grpo", "reinforce", "raft"] {
        let folder = tempfile::tempdir().expect("a folder");
        let set = [
            format!("generator.objective={objective}"),
            format!("critic.objective={objective}"),
            "generator.kl=0.01".to_owned(),
        ];
        let config = small().changed(&set).expect("settings");
        run(config, folder.path(), &code(), &mut Ear::default()).expect(objective);
        let metrics: Vec<Metrics> = lines(folder.path(), METRICS);
        assert_eq!(metrics.len(), 7, "{objective}");
        let last = &metrics[6];
        for player in [&last.generator, &last.critic] {
            let player = player.as_ref().expect("an update");
            assert!(player.steps > 0, "{objective}");
            assert!(player.kl.is_some_and(f64::is_finite), "{objective}");
            // There are no pairs to be apart.
            assert_eq!(player.margin, None, "{objective}");
        }
        assert!(
            metrics.iter().any(|line| line.parity.is_some()),
            "{objective}"
        );
    }
}

#[test]
fn settings_are_changed_by_name() {
    let change = |set: &[&str]| {
        let set: Vec<String> = set.iter().map(|one| (*one).to_owned()).collect();
        small().changed(&set)
    };
    let config = change(&[
        "generator.learning_rate=3e-4",
        "generator.objective = grpo",
        "stop.executions=1000",
        "game={ samples = 3 }",
        "name=of two words",
    ]);
    let config = config.expect("settings");
    assert_eq!(config.generator.learning_rate, 3e-4);
    assert_eq!(config.generator.objective, Objective::Grpo);
    assert_eq!(config.stop.executions, Some(1000));
    assert_eq!(
        (config.game.samples, config.game.prompts),
        (3, small().game.prompts)
    );
    assert_eq!(config.name, "of two words");
    assert_eq!(change(&[]), Ok(small()));
    for (set, what) in [
        ("game.samples", "is not NAME=VALUE"),
        ("game.prompt=3", "prompt"),
        ("game.prompts=many", "many"),
        ("=3", "\"=3\""),
        ("arm=static", "--arm"),
    ] {
        let error = change(&[set]).expect_err(set).to_string();
        assert!(error.contains(set) && error.contains(what), "{error}");
    }
}

#[test]
fn settings_without_sense_are_refused() {
    let refused = |config: TrainConfig, what: &str| {
        let error = config.checked().expect_err(what).to_string();
        assert!(error.contains(what), "{error}");
    };
    refused(with_game(|game| game.samples = 0), "game.samples is 0");
    refused(
        with_game(|game| game.start_tests = 2),
        "game.start_tests is 2",
    );
    refused(
        with_game(|game| game.temperature = f64::NAN),
        "game.temperature is NaN",
    );
    refused(
        with_game(|game| (game.samples, game.redraws) = (1, 2)),
        "game.redraws is 2",
    );
    let read = |text: &str| TrainConfig::parse(text).expect_err(text).to_string();
    assert!(read("[game]\nprompt = 3").contains("prompt"));
    assert!(read("arm = \"greedy\"").contains("there are rlac, rlac-anchored"));
    assert!(read("preset = \"desktop\"").contains("there are laptop"));
    let config = TrainConfig::parse("preset = \"laptop\"\narm = \"static\"").expect("a run");
    assert_eq!(config.game.critic, Critic::Static);
    assert_eq!(config.game.start_tests, 0);
}

#[test]
fn draws_do_not_depend_on_what_was_run_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let judge = code();
    let setup = Setup {
        config: small(),
        out: folder.path(),
        start: start(),
        task: task(),
        judge: &judge,
        engines: engines(),
    };
    let (run, damaged) = Run::begin(setup).expect("a run");
    assert_eq!((run.iteration(), damaged.len()), (0, 0));
}

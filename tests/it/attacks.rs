//! Programs that try to earn a pass they do not deserve, or to hurt the service: what each of them
//! gets, what it leaves behind, and that it gets the same every time.

mod corpus;

use crate::runtime::{judge_text_by, report, validator_of};
use corpus::{Attack, CLASSES, Corpus, submission_text};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::Command;
use touchstone::validator::Validator;

/// What the corpus must hold at least; one that lost its files would be passed by everybody.
const LEAST_ATTACKS: usize = 80;

/// Said to be in the process that a test starts for itself.
const ALONE: &str = "TOUCHSTONE_TEST_ALONE";

/// Between two states of rest, memory may differ by what the allocator and the engine keep for
/// later; arbitrary, but much less than the programs of the corpus take.
const KEPT_BYTES: u64 = 64 << 20;

#[test]
fn the_corpus_is_whole() {
    let corpus = Corpus::load();
    assert_eq!(corpus::names("py"), corpus::names("json"));
    assert!(corpus.attacks.len() >= LEAST_ATTACKS);
    for class in CLASSES {
        assert!(corpus.attacks.iter().any(|attack| attack.class == class));
    }
    report(&corpus.mistakes());
}

#[test]
fn the_tasks_tell_right_from_wrong() {
    let corpus = Corpus::load();
    let validator = validator_of(2);
    let mut mistakes = Vec::new();
    for (name, task) in &corpus.tasks {
        for (code, right) in [(&task.solution, true), (&task.wrong, false)] {
            let (kinds, submission) = task.whole(&code.text());
            for (kind, verdict) in kinds.iter().zip(judge(&validator, &submission)) {
                let valid = verdict["outcome"] != "invalid";
                if !valid || (verdict["outcome"] == "pass") != right {
                    mistakes.push(format!("{name}, {kind}, right: {right}: {verdict}"));
                }
            }
        }
    }
    report(&mistakes);
}

#[test]
fn attacks_gain_nothing_and_leave_nothing_behind() {
    let name = "attacks::attacks_gain_nothing_and_leave_nothing_behind";
    alone(name, || {
        let corpus = Corpus::load();
        let validator = validator_of(2);
        // What is made once and kept is made now.
        let baseline = judge(&validator, &corpus.honest());
        let before = State::now();
        let judged = judge_corpus(&validator, &corpus, &baseline, Order::AsListed);
        let after = State::now();
        report(&wrong_outcomes(&corpus, &judged));
        print!("{}", table(&corpus, &judged));
        assert_eq!(after.open_files, before.open_files, "open files");
        assert!(
            after.memory_bytes <= before.memory_bytes + KEPT_BYTES,
            "{} bytes of memory became {}",
            before.memory_bytes,
            after.memory_bytes,
        );
    });
}

#[test]
fn one_worker_says_the_same_as_two() {
    let corpus = Corpus::load();
    // At the same time, and in the other order: neither may show.
    let run = |workers, order| {
        let validator = validator_of(workers);
        let baseline = judge(&validator, &corpus.honest());
        (
            baseline.clone(),
            judge_corpus(&validator, &corpus, &baseline, order),
        )
    };
    let (one, two) = std::thread::scope(|scope| {
        let one = scope.spawn(|| run(1, Order::Reversed));
        let two = run(2, Order::AsListed);
        (one.join().expect("a result"), two)
    });
    assert_eq!(one.0, two.0);
    let mut mistakes = Vec::new();
    for (attack, (one, two)) in corpus.attacks.iter().zip(one.1.iter().zip(&two.1)) {
        if one != two {
            let (one, two) = (json!(one), json!(two));
            mistakes.push(format!("{}: {one:.1500}\n  and {two:.1500}", attack.name));
        }
    }
    report(&mistakes);
}

/// In which order the attacks are submitted.
#[derive(Clone, Copy)]
enum Order {
    AsListed,
    Reversed,
}

/// Verdicts of every attack, in the order of the corpus. Two clients take the attacks in turn;
/// after each of them, an honest program must get the verdicts that it got before.
fn judge_corpus(
    validator: &Validator,
    corpus: &Corpus,
    baseline: &[Value],
    order: Order,
) -> Vec<Vec<Value>> {
    const CLIENTS: usize = 2;
    let honest = corpus.honest();
    let client = |number: usize| -> Vec<(usize, Vec<Value>)> {
        let mut mine: Vec<_> = corpus.attacks.iter().enumerate().collect();
        mine.retain(|(index, _)| index % CLIENTS == number);
        if matches!(order, Order::Reversed) {
            mine.reverse();
        }
        let judge_one = |(index, attack): (usize, &Attack)| {
            let verdicts = judge(validator, &corpus.submission(attack));
            let untouched = judge(validator, &honest);
            assert_eq!(untouched, baseline, "after {}", attack.name);
            (index, verdicts)
        };
        mine.into_iter().map(judge_one).collect()
    };
    let mut judged = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| scope.spawn(move || client(number)))
            .collect();
        let results = clients.into_iter().map(|thread| thread.join());
        results
            .flat_map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect::<Vec<_>>()
    });
    judged.sort_by_key(|(index, _)| *index);
    judged.into_iter().map(|(_, verdicts)| verdicts).collect()
}

/// The verdicts of one submission without what may differ from run to run.
fn judge(validator: &Validator, submission: &Value) -> Vec<Value> {
    let results = judge_text_by(validator, &submission_text(submission));
    let verdicts = results[0]["verdicts"].as_array();
    let mut verdicts = verdicts
        .unwrap_or_else(|| panic!("a fault of ours: {}", results[0]))
        .clone();
    for verdict in &mut verdicts {
        let fields = verdict.as_object_mut().expect("an object");
        fields.remove("cached").expect("a field");
    }
    verdicts
}

fn wrong_outcomes(corpus: &Corpus, judged: &[Vec<Value>]) -> Vec<String> {
    let mut mistakes = Vec::new();
    for (attack, verdicts) in corpus.attacks.iter().zip(judged) {
        assert_eq!(attack.expected.len(), verdicts.len(), "{}", attack.name);
        for ((kind, allowed), verdict) in attack.expected.iter().zip(verdicts) {
            let outcome = verdict["outcome"].as_str().expect("text");
            if !allowed.iter().any(|allowed| allowed == outcome) {
                let allowed = allowed.join(" or ");
                let (name, told) = (&attack.name, format!("{verdict:.400}"));
                mistakes.push(format!("{name}, {kind}: not {allowed}: {told}"));
            }
        }
    }
    mistakes
}

/// How often each class of attacks got each outcome.
fn table(corpus: &Corpus, judged: &[Vec<Value>]) -> String {
    let mut counts = BTreeMap::<(u8, &str), usize>::new();
    for (attack, verdicts) in corpus.attacks.iter().zip(judged) {
        for verdict in verdicts {
            let outcome = verdict["outcome"].as_str().expect("text");
            *counts.entry((attack.class, outcome)).or_default() += 1;
        }
    }
    let mut text = "class  programs".to_owned();
    for outcome in corpus::OUTCOMES {
        text += &format!("  {outcome:>12}");
    }
    for class in CLASSES {
        let programs = corpus.attacks.iter().filter(|a| a.class == class).count();
        text += &format!("\n{class:>5}  {programs:>8}");
        for outcome in corpus::OUTCOMES {
            let count = counts.get(&(class, outcome)).copied().unwrap_or(0);
            text += &format!("  {count:>12}");
        }
    }
    text + "\n"
}

/// What a process holds on to.
struct State {
    open_files: usize,
    memory_bytes: u64,
}

impl State {
    fn now() -> Self {
        let files = std::fs::read_dir("/proc/self/fd").expect("a folder");
        let status = std::fs::read_to_string("/proc/self/status").expect("text");
        let anonymous = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"))
            .and_then(|line| line.trim().strip_suffix(" kB"));
        let kib: u64 = anonymous
            .and_then(|kib| kib.parse().ok())
            .expect("the kernel says how much is resident");
        State {
            open_files: files.count(),
            memory_bytes: kib << 10,
        }
    }
}

/// Does the work of the test of this name in a process where no other test opens files or takes
/// memory meanwhile.
fn alone(test: &str, work: impl FnOnce()) {
    if std::env::var_os(ALONE).is_some() {
        return work();
    }
    let tests = std::env::current_exe().expect("the tests are a file");
    let output = Command::new(tests)
        .args([test, "--exact", "--nocapture"])
        .env(ALONE, "1")
        .output()
        .expect("the tests start");
    let printed = String::from_utf8_lossy(&output.stdout);
    print!("{printed}");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    // A name that no test has would succeed too.
    assert!(printed.contains("1 passed"), "{printed}");
}

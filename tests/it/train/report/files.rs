//! Files of runs: cut, incomplete, wrong.

use super::{Made, folder, read, rows};
use std::path::PathBuf;
use touchstone::train::report::Experiment;

/// Executions to 0.60 of the only run in a folder with these lines.
#[track_caller]
fn check(metrics: &str, expected: &str) {
    let folder = folder(&[("run/metrics.jsonl", metrics)]);
    let text = read(&folder).expect("a run").markdown();
    assert_eq!(rows(&text, "Each of 1 run")[0][3], expected, "{metrics}");
}

#[test]
fn lines_may_be_cut_or_sparse() {
    let first = "{\"iteration\": 0, \"executions\": 0, \"pass_at_1\": 0.4}\n";
    let second = "{\"iteration\": 1, \"executions\": 1000, \"pass_at_1\": 0.8}\n";
    check(&format!("{first}{second}"), "500");
    check(&format!("{first}{second}{{\"iteration\": 2, \"exec"), "500");
    // Bytes in the middle of a letter.
    check(&format!("{first}{second}{{\"iteration\": 2, \"ä"), "500");
    // What has no end of line is not read, however complete it looks.
    check(&format!("{first}{}", second.trim_end()), "> 0");
    check("", "–");
    check("{", "–");
    check("{}\n", "–");
    check(
        &format!("{first}\n{{\"iteration\": 1, \"executions\": null}}\n"),
        "> 0",
    );
    let unknown =
        "{\"iteration\": 1, \"executions\": 9, \"pass_at_1\": null, \"new\": {\"a\": [1]}}\n";
    check(&format!("{first}{unknown}"), "> 0");
    // A run that went on from its first iteration.
    check(&format!("{first}{unknown}{second}"), "500");
    // A level that is had from the beginning.
    check(&first.replace("0.4", "0.7"), "0");
}

#[test]
fn nested_numbers_may_be_null() {
    let line = r#"{"iteration": 0, "executions": 0, "pass_at_1": 0.4, "families": {"sign": null},
                   "bugs": null, "generator": {"kl": null}, "critic": null}"#;
    let line = line.replace('\n', " ") + "\n";
    let folder = folder(&[("run/metrics.jsonl", &line)]);
    let experiment = read(&folder).expect("a run");
    let text = experiment.markdown();
    assert_eq!(rows(&text, "pass@1 by family"), [["sign", "–", "–"]]);
    assert!(experiment.html().contains("sign"));
}

#[test]
fn a_run_without_settings_is_named_by_its_folder() {
    let folder = folder(&[("run7/metrics.jsonl", "{}\n")]);
    let text = read(&folder).expect("a run").markdown();
    assert_eq!(rows(&text, "Each of 1 run")[0][..3], ["run7", "0", "0"]);
}

#[test]
fn a_path_is_a_run_or_holds_runs() {
    let folder = folder(&[]);
    let runs = [
        Made::new("rlac", 40e3, 50e3),
        Made::new("static", 40e3, 50e3),
    ];
    runs.iter().for_each(|run| run.write(folder.path()));
    let one = folder.path().join("rlac-warm1-seed1");
    let count = |paths: &[PathBuf]| {
        let experiment = Experiment::read(paths).expect("runs");
        rows(&experiment.markdown(), "Each of").len()
    };
    assert_eq!(count(&[folder.path().to_owned()]), 2);
    assert_eq!(count(std::slice::from_ref(&one)), 1);
    // The same run twice is one run.
    let other_spelling = one.join("../rlac-warm1-seed1");
    assert_eq!(count(&[one, other_spelling, folder.path().to_owned()]), 2);
}

/// That a folder with these files is refused with a message.
#[track_caller]
fn refused(files: &[(&str, &str)], message: &str) {
    match read(&folder(files)) {
        Ok(_) => panic!("read, where this was expected: {message}"),
        Err(error) => assert_eq!(error, message),
    }
}

#[test]
fn faults_are_told_with_their_place() {
    refused(
        &[],
        "DIR: no metrics.jsonl here or in a folder below; a run of `touchstone train` has one",
    );
    refused(
        &[("run/metrics.jsonl", "{}\n{\"iteration\": 1,}\n{}\n")],
        "DIR/run/metrics.jsonl, line 2: trailing comma at line 1 column 17",
    );
    refused(
        &[("run/metrics.jsonl", "{\"executions\": \"many\"}\n")],
        "DIR/run/metrics.jsonl, line 1: invalid type: string \"many\", expected f64 at line 1 \
         column 21",
    );
    refused(
        &[("run/metrics.jsonl", "{}\n"), ("run/config.json", "{")],
        "DIR/run/config.json: EOF while parsing an object at line 1 column 1",
    );
    refused(
        &[
            ("a/metrics.jsonl", "{}\n"),
            ("a/config.json", "{\"arm\": \"rlac\", \"seed\": 3}"),
            ("b/metrics.jsonl", "{}\n"),
            ("b/config.json", "{\"arm\": \"rlac\", \"seed\": 3}"),
        ],
        "DIR/a and DIR/b are both rlac warm 0 seed 3",
    );
}

//! Tests as people write them, judged beside the program and apart from it: they need not know
//! where the program is.
//!
//! The rows are in `judging/*.txt`: a title, a program, what it is judged by, and what must come of
//! it. Unless a line says `split:` or `shared:`, the same must come of both, and the same output.

mod rows;
mod values;

use crate::runtime::{judge, report};
use rows::{Expectation, Row, rows};
use serde_json::{Value, json};

/// Where the test code of a row runs.
const ISOLATIONS: [&str; 2] = ["split", "shared"];

/// That what must come of each row does.
#[track_caller]
fn check(text: &str) {
    let rows = rows(text);
    assert!(!rows.is_empty());
    let submissions = rows
        .iter()
        .flat_map(|row| ISOLATIONS.map(|isolation| row.submission(isolation)));
    let results = judge(submissions.collect());
    let mistakes = rows.iter().zip(results.chunks(ISOLATIONS.len()));
    let mistakes: Vec<_> = mistakes.filter_map(mistake).collect();
    report(&mistakes);
}

/// What is wrong with what came of a row.
fn mistake((row, results): (&Row, &[Value])) -> Option<String> {
    assert!(
        !row.expected.is_empty(),
        "{}: nothing is expected",
        row.title
    );
    let verdicts: Vec<_> = results.iter().map(|r| &r["verdicts"][0]).collect();
    let mut wrong = Vec::new();
    for (isolation, verdict) in ISOLATIONS.into_iter().zip(&verdicts) {
        assert_eq!(verdict["isolation"], isolation, "{}: {verdict}", row.title);
        let expected = row.expected.iter().filter(|e| e.is_of(isolation));
        for Expectation { field, value, .. } in expected {
            if &verdict[field] != value {
                wrong.push(format!("  {field} is not {value} where it is {isolation}"));
            }
        }
    }
    let outputs = ["stdout", "stderr"];
    let alike = row.expected.iter().any(|e| e.isolation.is_some())
        || outputs
            .iter()
            .all(|field| verdicts[0][field] == verdicts[1][field]);
    if !alike {
        wrong.push("  the outputs differ".to_owned());
    }
    if wrong.is_empty() {
        return None;
    }
    wrong.extend(verdicts.iter().map(|verdict| format!("  {verdict:.600}")));
    Some(format!("{}\n{}", row.title, wrong.join("\n")))
}

#[test]
fn arguments_that_the_program_changes() {
    check(include_str!("judging/arguments.txt"));
}

#[test]
fn tests_as_benchmarks_and_people_write_them() {
    check(include_str!("judging/harnesses.txt"));
}

#[test]
fn functions_and_objects_of_the_tests_own() {
    check(include_str!("judging/lent.txt"));
}

#[test]
fn classes_and_functions_of_the_programs() {
    check(include_str!("judging/classes.txt"));
}

#[test]
fn names() {
    check(include_str!("judging/names.txt"));
}

#[test]
fn streams_and_files() {
    check(include_str!("judging/streams.txt"));
}

#[test]
fn what_cannot_be_split_is_invalid() {
    check(include_str!("judging/unsplittable.txt"));
}

#[test]
fn what_the_program_gives_is_not_trusted() {
    check(include_str!("judging/rules.txt"));
}

#[test]
fn what_is_different_where_the_program_is_elsewhere() {
    check(include_str!("judging/differences.txt"));
}

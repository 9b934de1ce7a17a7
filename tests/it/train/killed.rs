//! `touchstone train`, killed at any moment.

use super::support::SMALL;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

fn train(folder: &Path, out: &str, options: &[&str]) -> Child {
    command(folder, out, options)
        .spawn()
        .expect("the command starts")
}

fn command(folder: &Path, out: &str, options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_touchstone"));
    command
        .args(["train", "run.toml", "--no-view", "--out", out])
        .args(options)
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    for name in ["HOME", "XDG_CACHE_HOME", "TOUCHSTONE_VALIDATOR_RUNTIME"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

fn interrupt(child: &Child) {
    let id = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).expect("SIGINT");
}

fn succeeds(child: Child) -> String {
    let output = child.wait_with_output().expect("an end");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    said
}

/// What a run wrote, without what a clock says.
fn numbers(out: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(out.join("metrics.jsonl")).expect("metrics");
    let line = |line: &str| {
        let mut value: Value = serde_json::from_str(line).expect("JSON");
        let fields = value.as_object_mut().expect("an object");
        // How long a run is to be does not matter either.
        for name in ["seconds", "evaluation_seconds", "timing", "iterations"] {
            fields.remove(name);
        }
        value
    };
    text.lines().map(line).collect()
}

fn same(out: &Path, whole: &Path) {
    assert_eq!(numbers(out), numbers(whole));
    for file in [
        "samples.jsonl",
        "generator/model.safetensors",
        "critic/model.safetensors",
    ] {
        let read = |folder: &Path| std::fs::read(folder.join(file)).expect(file);
        assert!(read(out) == read(whole), "{file} differs");
    }
}

#[test]
fn a_run_that_is_killed_again_and_again_comes_to_the_same_end() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("run.toml"), SMALL).expect("a file");
    succeeds(train(folder.path(), "whole", &[]));
    let whole = folder.path().join("whole");

    let mut random = ChaCha8Rng::seed_from_u64(11);
    let out = folder.path().join("killed");
    let mut kills = 0;
    while !out.join("ended.json").exists() {
        let mut child = train(folder.path(), "killed", &["--resume"]);
        // Longer each time, so that it comes to an end on a slow machine too.
        let most = 2000 + 1000 * kills;
        std::thread::sleep(Duration::from_millis(random.random_range(300..most)));
        match child.try_wait().expect("a child") {
            Some(status) => assert!(status.success(), "{status}"),
            None => {
                child.kill().expect("SIGKILL");
                child.wait().expect("an end");
                kills += 1;
            }
        }
    }
    assert!(kills > 0);
    same(&out, &whole);

    // There is a run already, and without --resume it is not touched.
    let again = train(folder.path(), "killed", &[]);
    let output = again.wait_with_output().expect("an end");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("has a run already"), "{said}");
}

#[test]
fn an_interrupt_ends_a_warm_start() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("run.toml"), SMALL).expect("a file");
    // It would take hours, so that it is in no cache.
    let child = train(
        folder.path(),
        "run",
        &["--set", "warm_start.generator_steps=100000"],
    );
    let out = folder.path().join("run");
    let told = || std::fs::read_to_string(out.join("warm.jsonl")).unwrap_or_default();
    while told().is_empty() {
        std::thread::sleep(Duration::from_millis(50));
    }
    interrupt(&child);
    let said = succeeds(child);
    assert!(said.contains("stopped in the warm start"), "{said}");
    assert!(!out.join("metrics.jsonl").exists() && !out.join("config.json").exists());
}

#[test]
fn an_interrupt_saves_and_leaves() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("run.toml"), SMALL).expect("a file");
    let child = train(folder.path(), "run", &["--iterations", "1000"]);
    let out = folder.path().join("run");
    let written = || std::fs::read_to_string(out.join("metrics.jsonl")).unwrap_or_default();
    while written().lines().count() < 3 {
        std::thread::sleep(Duration::from_millis(50));
    }
    interrupt(&child);
    let said = succeeds(child);
    assert!(said.contains("--resume goes on"), "{said}");
    let count = written().lines().count();
    let said = succeeds(train(
        folder.path(),
        "run",
        &["--resume", "--iterations", &count.to_string()],
    ));
    assert!(said.contains("going on after iteration"), "{said}");
    let iterations: Vec<Value> = numbers(&out)
        .iter()
        .map(|x| x["iteration"].clone())
        .collect();
    assert_eq!(iterations, (0..=count).map(Value::from).collect::<Vec<_>>());
}

/// Goes on with files of so many bytes at most, and an error instead of a signal beyond that.
#[cfg(target_os = "linux")]
fn on_a_full_disk(folder: &Path, bytes: u64) -> String {
    use std::os::unix::process::CommandExt;
    let mut command = command(folder, "run", &["--resume", "--iterations", "1000"]);
    // SAFETY: both are calls that may be made between fork and exec.
    unsafe {
        command.pre_exec(move || {
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            let limit = libc::rlimit {
                rlim_cur: bytes,
                rlim_max: bytes,
            };
            match libc::setrlimit(libc::RLIMIT_FSIZE, &limit) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        });
    }
    let output = command.output().expect("an end");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("can be gone on with (--resume)"), "{said}");
    said
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_costs_a_run_nothing_that_was_saved() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("run.toml"), SMALL).expect("a file");
    let out = folder.path().join("run");
    let length = |name: &str| std::fs::metadata(out.join(name)).map_or(0, |file| file.len());
    let child = train(folder.path(), "run", &["--iterations", "1000"]);
    while length("samples.jsonl") == 0 {
        std::thread::sleep(Duration::from_millis(50));
    }
    interrupt(&child);
    succeeds(child);
    let made = numbers(&out).len() - 1;

    // There is room for a part of the next answers, then for these but for no model.
    let said = on_a_full_disk(folder.path(), length("samples.jsonl") + 1000);
    assert!(said.contains("samples.jsonl: File too large"), "{said}");
    let said = on_a_full_disk(folder.path(), 1 << 20);
    assert!(said.contains("cannot be written"), "{said}");

    let more = (made + 2).to_string();
    succeeds(train(
        folder.path(),
        "run",
        &["--resume", "--iterations", &more],
    ));
    succeeds(train(folder.path(), "whole", &["--iterations", &more]));
    same(&out, &folder.path().join("whole"));
}

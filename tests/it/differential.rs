//! Programs that must print exactly what Python on a 64-bit Linux prints, and the known
//! exceptions.

use crate::runtime::{exit_status, in_sandbox, printed, program, programs_in, read, report};
use std::path::Path;
use std::process::Command;

/// What the native Python of this machine prints.
fn native(path: &str) -> String {
    let output = Command::new("python3")
        .args(["-s", path])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .envs([("PYTHONHASHSEED", "0"), ("LC_ALL", "C.UTF-8")])
        .output()
        .expect("these tests need python3");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{path}: {errors}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What the sandbox prints for programs that come to a good end.
fn sandboxed(paths: Vec<String>) -> Vec<(String, String)> {
    in_sandbox(|sandbox| {
        let mut run = |path: String| {
            let execution = sandbox
                .run(&program(&read(&path), ""))
                .expect("no fault of ours");
            let text = match exit_status(&execution) {
                Some(0) => printed(&execution),
                _ => format!("{execution:#?}"),
            };
            (path, text)
        };
        paths.into_iter().map(&mut run).collect()
    })
}

fn paths(folder: &str) -> Vec<String> {
    let names = programs_in(folder);
    let path = |name| format!("fixtures/{folder}/{name}.py");
    names.into_iter().map(path).collect()
}

fn beside(path: &str, extension: &str) -> String {
    let path = Path::new(path).with_extension(extension);
    read(path)
}

#[test]
fn the_sandbox_prints_what_a_64_bit_linux_prints() {
    let mut mistakes = Vec::new();
    for (path, printed) in sandboxed(paths("differential")) {
        let expected = beside(&path, "expected");
        if printed != expected {
            mistakes.push(format!("{path}: printed\n{printed}instead of\n{expected}"));
        }
    }
    report(&mistakes);
}

#[test]
fn native_python_prints_it_too() {
    let mut mistakes = Vec::new();
    for path in paths("differential") {
        let needs_packages = |line: &str| {
            let line = line.trim_start();
            line.starts_with("import numpy") || line.starts_with("import pandas")
        };
        if read(&path).lines().any(needs_packages) {
            continue;
        }
        let (printed, expected) = (native(&path), beside(&path, "expected"));
        if printed != expected {
            mistakes.push(format!("{path}: printed\n{printed}instead of\n{expected}"));
        }
    }
    report(&mistakes);
}

#[test]
fn known_divergences_are_as_documented() {
    let mut mistakes = Vec::new();
    let table = read("docs/divergences.md");
    for (path, printed) in sandboxed(paths("divergences")) {
        let expected = beside(&path, "sandbox");
        if printed != expected {
            mistakes.push(format!("{path}: printed\n{printed}instead of\n{expected}"));
        }
        if printed == beside(&path, "native") {
            mistakes.push(format!("{path}: no divergence any more"));
        }
        let name = Path::new(&path).file_stem().and_then(|name| name.to_str());
        if !name.is_some_and(|name| table.contains(&format!("`{name}`"))) {
            mistakes.push(format!("{path}: not in docs/divergences.md"));
        }
    }
    report(&mistakes);
}

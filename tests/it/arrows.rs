//! Which module may use which: the arrows of the architecture.

use std::path::{Path, PathBuf};

/// Each module, and what it may use beside itself.
const ARROWS: [(&str, &[&str]); 12] = [
    ("domain", &[]),
    ("confinement", &[]),
    ("config", &["domain"]),
    ("outgoing", &["config"]),
    ("wheel", &[]),
    ("model", &["wheel"]),
    ("sandbox", &["domain", "wheel"]),
    ("validator", &["sandbox", "domain"]),
    (
        "train",
        &["model", "validator", "client", "domain", "wheel"],
    ),
    ("client", &["api", "domain"]),
    ("eval", &["validator", "client", "domain", "wheel"]),
    (
        "api",
        &["validator", "eval", "domain", "config", "outgoing"],
    ),
];

/// The wiring: may use everything.
const WIRING: [&str; 3] = ["cli", "main", "lib"];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The top-level module that a file belongs to, and its lines that are code.
fn modules() -> Vec<(String, String, Vec<String>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let module = |path: PathBuf| {
        let relative = path.strip_prefix(&root).expect("below src");
        let first = relative.components().next().expect("a name");
        let name = Path::new(first.as_os_str()).with_extension("");
        let text = std::fs::read_to_string(&path).expect("text");
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        (
            name.to_str().expect("a name in Unicode").to_owned(),
            relative.display().to_string(),
            code.map(str::to_owned).collect(),
        )
    };
    sources(&root).into_iter().map(module).collect()
}

/// The modules that a line names by `crate::`, one name or a list in braces.
fn named(line: &str) -> Vec<&str> {
    let is_name = |c: char| c == '_' || c.is_ascii_alphanumeric();
    let mut names = Vec::new();
    for (at, word) in line.match_indices("crate::") {
        if line[..at].ends_with(|c: char| is_name(c) || c == '$') {
            continue;
        }
        let rest = &line[at + word.len()..];
        let list = match rest.strip_prefix('{') {
            // Whoever breaks such a list over lines makes this test fail, not blind.
            Some(list) => list.split_once('}').expect("a list on one line").0,
            None => rest,
        };
        let starts = match rest.starts_with('{') {
            true => list.split(',').collect(),
            false => vec![list],
        };
        names.extend(starts.into_iter().map(|start| {
            let start = start.trim();
            start.split(|c| !is_name(c)).next().unwrap_or_default()
        }));
    }
    names
}

fn may(module: &str, used: &str) -> bool {
    let allowed = ARROWS.iter().find(|(name, _)| *name == module);
    module == used
        || WIRING.contains(&module)
        || allowed.is_some_and(|(_, allowed)| allowed.contains(&used))
}

#[test]
fn names_are_read() {
    assert_eq!(named("use crate::domain::{Limits, Text};"), ["domain"]);
    assert_eq!(
        named("use crate::{domain::Limits, api};"),
        ["domain", "api"]
    );
    assert_eq!(
        named("let x = crate::config::y(crate::api::z());"),
        ["config", "api"]
    );
    assert!(named("use other_crate::domain; $crate::cli").is_empty());
}

#[test]
fn modules_use_only_what_they_may() {
    for (module, file, lines) in modules() {
        let known = WIRING.contains(&&*module) || ARROWS.iter().any(|(name, _)| *name == module);
        assert!(known, "{file}: the module {module} has no arrows");
        for line in lines {
            for used in named(&line) {
                assert!(may(&module, used), "{file}: {module} → {used}: {line}");
            }
        }
    }
}

#[test]
fn only_the_sandbox_speaks_to_the_engine() {
    only(&["sandbox"], |line| {
        ["wasmtime", "wasmparser", "wasm_encoder"]
            .iter()
            .any(|name| line.contains(name))
    });
}

#[test]
fn only_the_command_line_reads_the_environment() {
    only(&["cli", "main"], |line| {
        line.replace("std::env::consts", "").contains("std::env")
    });
}

#[track_caller]
fn only(modules_that_may: &[&str], does: fn(&str) -> bool) {
    for (module, file, lines) in modules() {
        if modules_that_may.contains(&&*module) {
            continue;
        }
        let line = lines.iter().find(|line| does(line));
        assert_eq!(line, None, "{file}");
    }
}

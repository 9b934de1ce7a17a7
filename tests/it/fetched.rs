//! Files that are read back after a program has ended, however it did.

use crate::runtime::{program, run};
use touchstone::domain::Limits;
use touchstone::sandbox::{Ending, Job, LimitKind, Run};

fn fetching(code: &str, paths: &[&str], limits: Limits) -> Run {
    let mut run = program(code, "");
    run.limits = limits;
    if let Job::Main { fetch, .. } = &mut run.job {
        *fetch = paths.iter().map(|path| (*path).to_owned()).collect();
    }
    run
}

/// That these files come back, with what is in them.
#[track_caller]
fn check(code: &str, paths: &[&str], expect: &[(&str, &str)]) {
    let execution = run(&fetching(code, paths, Limits::default()));
    let files = execution.files.iter().map(|file| {
        let contents = String::from_utf8_lossy(&file.contents).into_owned();
        (file.path.clone(), contents)
    });
    let expect = expect
        .iter()
        .map(|(path, contents)| ((*path).to_owned(), (*contents).to_owned()));
    assert_eq!(
        files.collect::<Vec<_>>(),
        expect.collect::<Vec<_>>(),
        "{code}"
    );
}

#[test]
fn what_is_there() {
    check("open('a', 'w').write('x')", &["a", "b"], &[("a", "x")]);
    check(
        "import os\nos.makedirs('d/e')\nopen('d/e/f', 'w').write('x')\nos.chdir('/tmp')",
        &["d/e/f", "d/e", "d"],
        &[("d/e/f", "x")],
    );
    check(
        "open('a', 'w').write('x')\nimport os\nos.remove('a')",
        &["a"],
        &[],
    );
    check(
        "open('a', 'w').write('x')\nraise ValueError",
        &["a"],
        &[("a", "x")],
    );
    check(
        "open('a', 'w').write('x')\nimport os\nos._exit(3)",
        &["a"],
        &[("a", "x")],
    );
}

#[test]
fn what_is_elsewhere_is_not() {
    check(
        "open('/tmp/a', 'w').write('x')",
        &[
            "/tmp/a",
            "../tmp/a",
            "..",
            "",
            "../usr/local/lib/python315.zip",
        ],
        &[],
    );
}

#[test]
fn after_limits() {
    let small = Limits {
        time_ms: 100,
        memory_bytes: 64 << 20,
        output_bytes: 1 << 10,
    };
    for (rest, kind) in [
        ("while True: pass", LimitKind::Time),
        ("print('x' * 2000, flush=True)", LimitKind::Output),
    ] {
        let code =
            format!("with open('a', 'w') as f: f.write('x')\nprint('y', flush=True)\n{rest}\n");
        let execution = run(&fetching(&code, &["a"], small));
        assert_eq!(execution.ending, Ending::Limit(kind), "{rest}");
        assert_eq!(execution.files.len(), 1, "{rest}");
        assert!(execution.stdout.starts_with(b"y\n"), "{rest}");
    }
}

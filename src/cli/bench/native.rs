//! Native Python doing the same without isolation: what a sandbox is measured against.

use anyhow::{Context, ensure};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Forks itself for each run of the program on stdin and prints the microseconds of each. Has
/// imported what programs commonly import, as evaluation harnesses have.
const FORKER: &str = "
import bisect, collections, copy, datetime, functools, heapq, itertools, json, math, os, random
import re, string, sys, time, typing
source, runs = sys.stdin.read(), int(sys.argv[1])
for _ in range(runs):
    started = time.perf_counter()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            exec(compile(source, 'program', 'exec'), {'__name__': '__main__'})
            status = 0
        finally:
            os._exit(status)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit('the program failed')
    print((time.perf_counter() - started) * 1e6)
";

/// Runs the program on stdin so many times in one process and prints the microseconds of each.
const TIMER: &str = "
import sys, time
code, runs = compile(sys.stdin.read(), 'program', 'exec'), int(sys.argv[1])
for _ in range(runs):
    started = time.perf_counter()
    exec(code, {'__name__': '__main__'})
    print((time.perf_counter() - started) * 1e6, file=sys.stderr)
";

/// Microseconds of a fork of a warm interpreter that runs the program, for each run.
pub(super) fn fork(program: &str, runs: usize) -> anyhow::Result<Vec<f64>> {
    let output = python(&["-I", "-c", FORKER, &runs.to_string()], program)?;
    numbers(&output.stdout)
}

/// Microseconds of the program inside a running interpreter, for each run.
pub(super) fn inside(program: &str, runs: usize) -> anyhow::Result<Vec<f64>> {
    let output = python(&["-I", "-c", TIMER, &runs.to_string()], program)?;
    numbers(&output.stderr)
}

/// Microseconds of a whole `python3 -I` process, for each run.
pub(super) fn process(program: &str, runs: usize) -> anyhow::Result<Vec<f64>> {
    // What stands on the path may be a script that looks for the interpreter.
    let output = python(&["-I", "-c", "import sys; print(sys.executable)"], "")?;
    let interpreter = String::from_utf8(output.stdout)?;
    let file = tempfile::Builder::new().suffix(".py").tempfile()?;
    file.as_file().write_all(program.as_bytes())?;
    (0..runs)
        .map(|_| {
            let started = Instant::now();
            let status = Command::new(interpreter.trim_end())
                .arg("-I")
                .arg(file.path())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .status()
                .context("python3 cannot be started")?;
            ensure!(status.success(), "python3 failed");
            Ok(started.elapsed().as_secs_f64() * 1e6)
        })
        .collect()
}

fn python(arguments: &[&str], input: &str) -> anyhow::Result<std::process::Output> {
    let mut child = Command::new("python3")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("python3 cannot be started")?;
    // Dropped at once, so that the child sees the end.
    child
        .stdin
        .take()
        .context("the child has an input")?
        .write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(
        output.status.success(),
        "python3 failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(output)
}

fn numbers(text: &[u8]) -> anyhow::Result<Vec<f64>> {
    let text = String::from_utf8_lossy(text);
    text.split_whitespace()
        .map(|word| word.parse().context("python3 printed no number"))
        .collect()
}

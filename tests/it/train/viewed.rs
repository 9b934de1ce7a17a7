//! `touchstone train`, looked at in a browser while it goes on.

use super::support::SMALL;
use crate::runs::browser::Browser;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A run in the background, ended with the test.
struct Training(Child);

impl Drop for Training {
    fn drop(&mut self) {
        // It may have come to its own end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_run_serves_its_own_page() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("run.toml"), SMALL).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_touchstone"));
    command
        .args(["train", "run.toml", "--out", "run"])
        .args(["--view", "127.0.0.1:0"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    let mut training = Training(command.spawn().expect("the command starts"));
    let mut said = BufReader::new(training.0.stderr.take().expect("a pipe")).lines();
    let address = loop {
        let line = said.next().expect("it says where").expect("text");
        if let Some((_, address)) = line.split_once("look at it at ") {
            break address.to_owned();
        }
    };
    // What it says is read, or it would wait for us.
    std::thread::spawn(move || said.for_each(drop));
    browser.open(&address);
    browser.wait_for("document.getElementById('connection').textContent", "Live");
    browser.wait_for("document.querySelectorAll('#rows a').length", 1);
    browser.evaluate("document.querySelector('#rows a').click()");
    // A point each evaluation, the one before the first iteration included: it moves.
    let points =
        "Number(document.querySelector('#chart-pass [data-label=\"held-out\"]')?.dataset.points)";
    browser.wait_for(&format!("{points} > 1"), true);
    let complaints = browser.complaints();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

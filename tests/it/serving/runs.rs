//! The live view in a server, with and without its second wall.

use super::{Server, batch, busy, touchstone};
use crate::runs::{RunFolder, sample};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Read;
use std::process::Stdio;

/// A server that has given up its rights follows a run while it is written, and judges as well.
#[test]
fn a_confined_server_follows_a_run() {
    let outer = tempfile::tempdir().expect("a folder");
    let secret = RunFolder::new(outer.path().join("secret"));
    secret.metrics(0);
    let folder = outer.path().join("runs");
    let run = RunFolder::new(folder.join("experiment/run"));
    run.metrics(0);
    std::os::unix::fs::symlink(secret.path(), folder.join("linked")).expect("a link");
    let path = folder.to_str().expect("Unicode");
    for more in [None, Some("--no-confinement")] {
        let arguments = ["--workers", "1", "--runs", path];
        let arguments: Vec<&str> = arguments.into_iter().chain(more).collect();
        let server = Server::start(&arguments, &[]);
        let names = |server: &Server| -> Vec<Value> {
            let list = server.get("/runs/api/runs").json();
            let runs = list["runs"].as_array().expect("runs").iter();
            runs.map(|run| run["name"].clone()).collect()
        };
        assert_eq!(names(&server), ["experiment/run"]);
        assert_eq!(server.get("/runs").status, 200);
        assert_eq!(server.get("/runs/assets/main.js").status, 200);
        let base = "/runs/api/run/experiment%2Frun";
        // Written after the wall was closed; the folder of the second run did not exist then.
        let before = server.get(&format!("{base}/metrics")).json();
        let count = before["lines"].as_array().expect("lines").len() as u64;
        run.metrics(count);
        run.sample(&sample(count, "in_range/1", Some(1), Some(false)));
        let new = server
            .get(&format!("{base}/metrics?after={}", count - 1))
            .json();
        assert_eq!(new["lines"][0]["iteration"], count, "{new}");
        let samples = server
            .get(&format!("{base}/samples?show=passed-but-wrong"))
            .json();
        assert_eq!(samples["samples"][0]["question"], "in_range/1");
        let later = RunFolder::new(folder.join("later"));
        later.metrics(0);
        assert_eq!(names(&server), ["experiment/run", "later"]);
        std::fs::remove_dir_all(later.path()).expect("it is there");
        for name in ["linked", "..%2Fsecret", "unknown"] {
            let answer = server.get(&format!("/runs/api/run/{name}"));
            let kind = &answer.json()["type"];
            assert_eq!(
                (answer.status, kind),
                (404, &json!("urn:touchstone:problem:no-such-run"))
            );
        }
        let verdicts = server.post(&batch([busy(1, 1)])).json();
        assert_eq!(verdicts["results"][0]["verdicts"][0]["outcome"], "pass");
        server.terminate();
        assert_eq!(server.ended(), Some(0));
    }
}

#[test]
fn without_the_option_there_is_no_view() {
    let server = Server::start(&["--workers", "1"], &[]);
    for path in ["/runs", "/runs/", "/runs/api/runs", "/runs/assets/main.js"] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
}

#[test]
fn a_folder_of_runs_that_cannot_be_read_is_a_mistake() {
    let outer = tempfile::tempdir().expect("a folder");
    let file = outer.path().join("file");
    File::create(&file).expect("a file");
    for path in [file, outer.path().join("nowhere")] {
        let path = path.to_str().expect("Unicode");
        let setting = [("TOUCHSTONE_SERVER_RUNS", path)];
        let mut process = touchstone(&["serve", "--listen", "127.0.0.1:0"], &setting)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut said = String::new();
        let mut stderr = process.stderr.take().expect("a pipe");
        stderr.read_to_string(&mut said).expect("text");
        assert_eq!(process.wait().expect("a status").code(), Some(2), "{said}");
        assert!(
            said.contains("the folder of runs") && said.contains(path),
            "{said}"
        );
    }
}

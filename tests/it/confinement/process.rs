//! The process that is confined: this test binary, started again with an order.

use super::attempts::{ATTEMPTS, CALLS, number};
use crate::runtime::{on_large_stack, printed, program, runtime};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use touchstone::confinement::{Settings, confine_access, confine_calls};

/// What the process is to do.
#[derive(Default, Serialize, Deserialize)]
pub struct Order {
    pub access: bool,
    pub calls: bool,
    pub readable: Vec<PathBuf>,
    pub allowed_connect_ports: Vec<u16>,
    #[serde(default)]
    pub go_on_reading: bool,
    pub target: Option<Target>,
    pub work: Work,
}

/// What attempts are made at.
#[derive(Clone, Serialize, Deserialize)]
pub struct Target {
    pub folder: PathBuf,
    pub abstract_name: String,
    pub tcp_port: u16,
    pub other_tcp_port: u16,
    pub udp_port: u16,
    /// The test that gives the order.
    pub process: u64,
    pub program: String,
}

/// What is done once the process is confined.
#[derive(Default, Serialize, Deserialize)]
pub enum Work {
    /// Makes every attempt, on every thread.
    #[default]
    Attempts,
    /// Confines itself when there are threads already.
    LateAccess,
    /// Runs programs in a sandbox.
    Sandbox,
    /// Opens files relative to a folder, as the view of runs does, and in ways that it does not.
    Reading,
}

const ORDER: &str = "TOUCHSTONE_TEST_CONFINEMENT";

/// Starts a process with an order, and gives the lines that it prints.
pub fn confined(order: &Order) -> Vec<String> {
    let mut command = Command::new(std::env::current_exe().expect("the test binary"));
    command
        .env(ORDER, json!(order).to_string())
        .stdin(Stdio::null());
    if let Some(target) = &order.target {
        command.current_dir(&target.folder);
    }
    let output = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", output.status);
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    lines.lines().map(str::to_owned).collect()
}

/// The version of the kernel's landlock; 0 where it has none.
pub fn landlock() -> i64 {
    const VERSION: u64 = 1;
    number(libc::SYS_landlock_create_ruleset, [0, 0, VERSION, 0, 0]).unwrap_or(0)
}

/// Runs before `main`, while the process has one thread: the test harness always has two.
#[used]
// SAFETY: functions in this section take no arguments that matter and are called once, after the
// C library is ready; what is used of the standard library does not depend on its own start.
#[unsafe(link_section = ".init_array")]
static OBEY: extern "C" fn() = obey;

extern "C" fn obey() {
    let Some(order) = std::env::var_os(ORDER) else {
        return;
    };
    let order = order.into_string().expect("Unicode");
    let order: Order = serde_json::from_str(&order).expect("an order");
    match order.work {
        Work::Attempts => attempts(&order),
        Work::LateAccess => late_access(&order),
        Work::Sandbox => sandbox(&order),
        Work::Reading => reading(&order),
    }
    std::process::exit(0);
}

fn settings(order: &Order) -> Settings {
    Settings {
        readable: order.readable.clone(),
        allowed_connect_ports: order.allowed_connect_ports.clone(),
        go_on_reading: order.go_on_reading,
    }
}

fn begin(order: &Order) {
    if order.access {
        confine_access(&settings(order)).expect("files and ports are given up");
    }
}

fn complete(order: &Order) {
    if order.calls {
        confine_calls(&settings(order)).expect("system calls are given up");
    }
}

fn attempts(order: &Order) {
    begin(order);
    let target = order.target.clone().expect("a target");
    let (confined, wait) = mpsc::channel();
    let before = {
        let (target, calls) = (target.clone(), order.calls);
        std::thread::spawn(move || {
            wait.recv().expect("a word");
            attempt_all("before", &target, calls);
        })
    };
    complete(order);
    attempt_all("main", &target, order.calls);
    if !order.access && !order.calls {
        // Attempts that succeed are made once: their files are gone.
        return;
    }
    confined.send(()).expect("it waits");
    before.join().expect("it ends");
    let calls = order.calls;
    let after = std::thread::spawn(move || attempt_all("after", &target, calls));
    after.join().expect("it ends");
}

fn attempt_all(thread: &str, target: &Target, calls: bool) {
    for attempt in ATTEMPTS {
        let result = (attempt.attempt)(target);
        println!("{thread}\t{}\t{}", attempt.name, errno(result));
    }
    if !calls {
        // What root may do should not be tried.
        return;
    }
    for (name, call) in CALLS {
        println!("{thread}\t{name}\t{}", errno(number(*call, [0; 5])));
    }
}

fn errno<T>(result: std::io::Result<T>) -> i32 {
    match result {
        Ok(_) => 0,
        Err(error) => error.raw_os_error().unwrap_or(-1),
    }
}

fn late_access(order: &Order) {
    let (_end, wait) = mpsc::channel::<()>();
    std::thread::spawn(move || wait.recv());
    let error = confine_access(&settings(order)).expect_err("a thread is missed");
    println!("{error}");
}

fn reading(order: &Order) {
    use rustix::fs::{CWD, Dir, Mode, OFlags, fstat, openat};
    let target = order.target.clone().expect("a target");
    let open = |flags, path: &str| openat(CWD, path, flags, Mode::empty());
    let folder = open(OFlags::RDONLY, "readable").expect("a folder");
    begin(order);
    complete(order);
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW;
    let attempt = |name: &str, result: rustix::io::Result<()>| {
        println!(
            "main\t{name}\t{}",
            result.map_or_else(|error| error.raw_os_error(), |()| 0)
        );
    };
    let below =
        |flags, path: &str| openat(&folder, path, flags, Mode::from_raw_mode(0o600)).map(drop);
    let user = target.folder.join("file");
    let user = user.to_str().expect("Unicode");
    attempt("read a file below", below(flags, "file"));
    attempt(
        "list a folder",
        Dir::read_from(&folder)
            .and_then(|mut entries| entries.try_for_each(|entry| entry.map(drop))),
    );
    attempt("measure a folder", fstat(&folder).map(drop));
    attempt("read a file above", below(flags, "../file"));
    attempt("read a file by its whole name", below(flags, user));
    attempt("read a file of the system's", below(flags, "/etc/passwd"));
    attempt(
        "read by a path alone",
        open(flags, "readable/file").map(drop),
    );
    attempt("write a file", below(OFlags::WRONLY, "file"));
    attempt("read and write a file", below(OFlags::RDWR, "file"));
    attempt("truncate a file", below(flags | OFlags::TRUNC, "file"));
    attempt("make a file", below(flags | OFlags::CREATE, "new"));
    attempt(
        "make a file without a name",
        below(OFlags::TMPFILE | OFlags::WRONLY, "."),
    );
}

fn sandbox(order: &Order) {
    begin(order);
    let runtime = runtime();
    complete(order);
    on_large_stack(|| {
        let mut sandbox = runtime.sandbox();
        for code in [
            "print(1)",
            "print(2)",
            "print(3, end='\\n'); b = bytearray(100 << 20)",
            "print(4)",
            "import os; os.abort()",
            "print(5)",
        ] {
            let execution = sandbox.run(&program(code, "")).expect("no fault of ours");
            println!(
                "{}",
                json!([printed(&execution), sandbox.fresh_instances()])
            );
        }
    });
}

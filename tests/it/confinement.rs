//! The second wall: what a confined process is refused, on each of its threads.
//!
//! Confinement is for good, so each case has a process of its own: the test binary again, which
//! does what the order in its environment says before the test harness starts a thread.

mod attempts;
mod process;

use attempts::{ATTEMPTS, CALLS};
use process::{Order, Target, Work, confined, landlock};
use serde_json::json;
use std::collections::BTreeMap;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;

const THREADS: [&str; 3] = ["main", "before", "after"];

/// What attempts came to: by thread and name, the error's number, or 0.
type Came = BTreeMap<(String, String), i32>;

/// Everything that attempts are made at, there as long as this lives.
struct Surroundings {
    _folder: tempfile::TempDir,
    _listeners: (TcpListener, TcpListener, UdpSocket),
    _sockets: [UnixListener; 2],
    target: Target,
}

fn surroundings() -> Surroundings {
    use std::os::linux::net::SocketAddrExt;
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    for name in ["file", "truncated", "removed"] {
        std::fs::write(path(name), "text").expect("it can be written");
    }
    std::fs::create_dir(path("readable")).expect("a folder");
    std::fs::write(path("readable/file"), "text").expect("it can be written");
    let listen = || TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
    let (tcp, other, udp) = (listen(), listen(), UdpSocket::bind("127.0.0.1:0"));
    let udp = udp.expect("a port");
    let name = path("abstract").to_str().expect("Unicode").to_owned();
    let address = SocketAddr::from_abstract_name(&name).expect("a name");
    let sockets = [
        UnixListener::bind(path("socket")).expect("a socket"),
        UnixListener::bind_addr(&address).expect("a socket"),
    ];
    let target = Target {
        folder: folder.path().to_owned(),
        abstract_name: name,
        tcp_port: port(&tcp),
        other_tcp_port: port(&other),
        udp_port: udp.local_addr().expect("an address").port(),
        process: std::process::id().into(),
        program: "/bin/true".to_owned(),
    };
    Surroundings {
        _folder: folder,
        _listeners: (tcp, other, udp),
        _sockets: sockets,
        target,
    }
}

fn attempted(access: bool, calls: bool) -> Came {
    let mut target = surroundings();
    if !calls && !access {
        // Nobody would be left to make the other attempts.
        target.target.program = "/nowhere".to_owned();
    }
    came(&Order {
        access,
        calls,
        readable: vec![target.target.folder.join("readable")],
        allowed_connect_ports: Vec::new(),
        go_on_reading: false,
        target: Some(target.target.clone()),
        work: Work::Attempts,
    })
}

fn came(order: &Order) -> Came {
    let lines = confined(order);
    let parse = |line: &String| {
        let mut fields = line.split('\t');
        let mut field = || fields.next().expect("three fields").to_owned();
        let key = (field(), field());
        (key, field().parse().expect("a number"))
    };
    lines.iter().map(parse).collect()
}

fn result(came: &Came, thread: &str, name: &str) -> i32 {
    let key = (thread.to_owned(), name.to_owned());
    *came
        .get(&key)
        .unwrap_or_else(|| panic!("{thread}: {name} was not attempted"))
}

/// A number that the kernel tells of a process or thread, by its folder in `/proc`.
pub fn status(folder: &Path, field: &str) -> Option<u64> {
    let text = std::fs::read_to_string(folder.join("status")).expect("it is there");
    let mut lines = text.lines();
    lines.find_map(|line| {
        line.strip_prefix(field)?
            .strip_prefix(':')?
            .trim()
            .parse()
            .ok()
    })
}

/// Without it the other tests would prove nothing.
#[test]
fn unconfined_all_of_it_can_be_done() {
    let came = attempted(false, false);
    // Containers have filters of their own.
    let confined = status(Path::new("/proc/self"), "Seccomp") != Some(0);
    for attempt in ATTEMPTS {
        let name = attempt.name;
        let result = result(&came, "main", name);
        let refused = [libc::EPERM, libc::EACCES, libc::ENOSYS].contains(&result);
        if refused && confined {
            println!("skipped: {name}: whoever runs the tests refuses it too");
            continue;
        }
        assert!(!refused, "{name}: {result}");
    }
}

#[test]
fn confined_as_serving_is_nothing_of_it_can_be_done() {
    all_refused(&attempted(true, true));
}

/// As on a kernel without landlock.
#[test]
fn the_filter_of_system_calls_alone_refuses_all_of_it() {
    all_refused(&attempted(false, true));
}

#[track_caller]
fn all_refused(came: &Came) {
    for thread in THREADS {
        for attempt in ATTEMPTS {
            let result = result(came, thread, attempt.name);
            assert_eq!(result, attempt.by_calls, "{thread}: {}", attempt.name);
        }
        for (name, _) in CALLS {
            assert_eq!(result(came, thread, name), libc::EPERM, "{thread}: {name}");
        }
    }
}

#[test]
fn landlock_alone_refuses_what_it_guards() {
    let came = attempted(true, false);
    let abi = landlock();
    for attempt in ATTEMPTS {
        let Some((since, expect)) = attempt.by_landlock else {
            continue;
        };
        if abi < since {
            let name = attempt.name;
            println!("skipped: {name}: landlock {since} guards it, this kernel has {abi}");
            continue;
        }
        for thread in THREADS {
            let result = result(&came, thread, attempt.name);
            assert_eq!(result, expect, "{thread}: {}", attempt.name);
        }
    }
}

#[test]
fn of_the_network_only_allowed_ports_can_be_reached() {
    let surroundings = surroundings();
    let came = came(&Order {
        access: true,
        calls: true,
        readable: Vec::new(),
        allowed_connect_ports: vec![surroundings.target.tcp_port],
        go_on_reading: false,
        target: Some(surroundings.target.clone()),
        work: Work::Attempts,
    });
    for thread in THREADS {
        let result = |name| result(&came, thread, name);
        assert_eq!(result("connect by TCP"), 0, "{thread}");
        assert_eq!(result("send by UDP"), libc::EPERM, "{thread}");
        assert_eq!(result("connect to a Unix socket"), libc::EPERM, "{thread}");
        assert_eq!(result("connect by multipath TCP"), libc::EPERM, "{thread}");
        assert_eq!(result("listen on another port"), libc::EPERM, "{thread}");
        assert_eq!(result("read a file"), libc::EPERM, "{thread}");
        if landlock() < 4 {
            println!("skipped: another port: landlock 4 guards it, this kernel has less");
            continue;
        }
        assert_eq!(result("connect to another TCP port"), libc::EACCES);
    }
}

/// As where training runs are viewed: what is below a folder can be read, and nothing else.
#[test]
fn reading_can_go_on_where_it_is_asked_for() {
    let surroundings = surroundings();
    let order = |access, go_on_reading| Order {
        access,
        calls: true,
        go_on_reading,
        readable: vec![surroundings.target.folder.join("readable")],
        target: Some(surroundings.target.clone()),
        work: Work::Reading,
        ..Order::default()
    };
    const REFUSED_BY_CALLS: [&str; 6] = [
        "read by a path alone",
        "write a file",
        "read and write a file",
        "truncate a file",
        "make a file",
        "make a file without a name",
    ];
    const READS: [&str; 3] = ["read a file below", "list a folder", "measure a folder"];
    const ELSEWHERE: [&str; 3] = [
        "read a file above",
        "read a file by its whole name",
        "read a file of the system's",
    ];
    for access in [true, false] {
        let came = came(&order(access, true));
        let result = |name| result(&came, "main", name);
        for name in REFUSED_BY_CALLS {
            assert_eq!(result(name), libc::EPERM, "{name}");
        }
        for name in READS {
            assert_eq!(result(name), 0, "{name}");
        }
        if access && landlock() == 0 {
            println!("skipped: files elsewhere: landlock guards them, this kernel has none");
            continue;
        }
        // The gap that a server tells where there is no landlock.
        for name in ELSEWHERE {
            assert_eq!(
                result(name),
                if access { libc::EACCES } else { 0 },
                "{name}"
            );
        }
    }
    let came = came(&order(true, false));
    for name in READS.into_iter().chain(ELSEWHERE).chain(REFUSED_BY_CALLS) {
        assert_eq!(result(&came, "main", name), libc::EPERM, "{name}");
    }
}

#[test]
fn threads_that_would_be_missed_are_an_error() {
    let lines = confined(&Order {
        work: Work::LateAccess,
        ..Order::default()
    });
    assert!(lines[0].contains("2 threads already"), "{lines:?}");
}

/// As a worker's executor is that has to be replaced.
#[test]
fn a_sandbox_made_after_confinement_restores_its_instance() {
    let lines = confined(&Order {
        access: true,
        calls: true,
        readable: vec![crate::runtime::folder(), "/proc".into()],
        work: Work::Sandbox,
        ..Order::default()
    });
    let lines: Vec<serde_json::Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    // What was printed, and instances mapped so far: anew after growing, and after aborting.
    let expect = json!([
        ["1\n", 1],
        ["2\n", 1],
        ["3\n", 1],
        ["4\n", 2],
        ["", 2],
        ["5\n", 3]
    ]);
    assert_eq!(json!(lines), expect);
}

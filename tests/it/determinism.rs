//! The same request gets the same answer, byte for byte: whoever executes it, whatever ran there
//! before, and however busy the machine is.

mod generated;

use crate::runtime::{judge_text_by, validator_of};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use touchstone::validator::Validator;

/// How often the request is judged where the environment does not say: enough to see what happens
/// once in some dozen times, in a few seconds.
const RUNS: usize = 100;

/// How often the request is judged, where that is to be more.
const RUNS_VARIABLE: &str = "TOUCHSTONE_DETERMINISM_RUNS";

/// Everything of which a result could depend on something else than the request.
const PROGRAM: &str = r#"
import gc, hashlib, os, random, sys, tempfile, threading, time, uuid
import numpy as np

class Node:
    def __init__(self, value):
        self.value = value

def chance():
    return [random.random(), random.sample(range(100), 5), random.choice("abc"), os.urandom(4).hex(),
            str(uuid.uuid4()), float(np.random.default_rng().random()), float(np.random.rand())]

def hashes():
    words = ["alpha", "beta", "gamma", "delta", ("e", 1), b"f", None, 2.5]
    return [hash("text"), hash(b"text"), hash((1, "a")), list(set(words)), list(map(str, {Node, int})),
            {each: i for i, each in enumerate(set(words))}]

def identities():
    return [repr(object()), id(Node(1)) % 8, repr(Node), hash(Node(1)), sorted(map(id, [Node(1), Node(2)]))]

def clocks():
    start = time.perf_counter_ns()
    total = sum(range(10_000))
    time.sleep(0.25)
    return [time.time(), time.monotonic(), time.perf_counter_ns() - start, time.process_time(), total,
            time.strftime("%c"), str(time.localtime())]

def threads():
    found, lock = [], threading.Lock()
    def work(n):
        for step in range(3):
            with lock:
                found.append((n, step, threading.current_thread().name))
    started = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for each in started:
        each.start()
    for each in started:
        each.join()
    return found

def surroundings():
    return [os.getpid(), os.getcwd(), sorted(os.environ), sys.argv, os.listdir("."), len(gc.get_objects()) > 0,
            tempfile.mkdtemp(), sys.getrecursionlimit(), os.cpu_count(), hashlib.md5(b"x").hexdigest()]

def everything():
    return [chance(), hashes(), identities(), clocks(), threads(), surroundings()]

def say(text):
    print("out", text, id(Node(1)) % 64)
    print("err", text, file=sys.stderr)
    return text

def deep(n):
    return deep(n + 1)

def endless():
    while True:
        random.random()

def large():
    return [bytearray(1 << 20) for _ in range(200)]

def narrow():
    return "x" * (2 ** 40)

def apply(f, items):
    return sorted(f(each) for each in items)
"#;

const STDIO: &str = r#"
import random, time
words = {w for w in input().split()}
print(words, hash("a"), random.random(), time.time())
for i in range(5):
    print(id(object()) % 4096, i, input())
raise ValueError(words)
"#;

const UNITTEST: &str = r#"
import unittest, random
class TestProgram(unittest.TestCase):
    def test_callbacks(self):
        self.assertEqual(apply(lambda x: -x, {3, 1, 2}), [-3, -2, -1])
    def test_chance(self):
        with self.subTest("fails"):
            self.assertEqual(chance(), [random.random()])
    def test_say(self):
        self.assertEqual(say("hi"), repr(Node(1)))
"#;

const SCRIPT: &str = r#"
import random, time
nodes = {Node(i) for i in range(5)}
print([each.value for each in nodes], hash("b"), random.random(), time.time(), id(nodes) % 64)
print(sorted(map(repr, nodes)), say("from the test"), threads())
assert apply(lambda x: x * 2, [1, 2]) == [2, 4]
assert hashes() == clocks(), (hashes(), clocks())
"#;

/// One submission for each kind of check and of ending.
fn request() -> String {
    let call = |call: &str| json!({"kind": "call", "call": call, "expected": "0"});
    let calls = [
        "everything()",
        "say('hello')",
        "Node(1)",
        "deep(0)",
        "narrow()",
        "os._exit(3)",
        "os.abort()",
        "say(",
    ];
    let checks: Vec<_> = calls.into_iter().map(call).collect();
    let script = |source: &str| json!({"kind": "script", "source": source});
    let critic = |text: &str| json!({"kind": "critic", "text": text});
    // Endless programs end soon, and take most of the time even so.
    let limits = json!({"time_ms": 5, "output_bytes": 1000});
    let mut submissions = vec![
        json!({"code": PROGRAM, "checks": checks}),
        json!({"code": PROGRAM, "checks": [script(SCRIPT), script(UNITTEST)], "seed": 7}),
        json!({"code": PROGRAM, "checks": [script(UNITTEST)], "isolation": "shared"}),
        json!({"code": STDIO, "checks": [
            {"kind": "stdio", "stdin": "b a c\n1\n2\n3\n4\n5\n", "expected": "", "exit_status": 1},
        ]}),
        json!({"code": PROGRAM, "reference": PROGRAM.replace("2 ** 40", "1"), "checks": [
            critic("<testcase> CALL: hashes() </testcase>"),
            critic("<testcase> CALL: narrow() </testcase>"),
            critic("none"),
        ]}),
        json!({"code": PROGRAM, "checks": [
            call("endless()"),
            script("for i in range(10**6): say(i)\nassert 1"),
        ], "limits": limits}),
        json!({"code": PROGRAM, "checks": [call("large()")], "limits": {"memory_bytes": 40 << 20}}),
    ];
    for submission in &mut submissions {
        submission["language"] = json!("python");
    }
    json!({ "submissions": submissions }).to_string()
}

/// A validator's answer, as its bytes.
fn answer(validator: &Validator, request: &str) -> Vec<String> {
    let results = judge_text_by(validator, request);
    results.iter().map(Value::to_string).collect()
}

fn runs() -> usize {
    match std::env::var(RUNS_VARIABLE) {
        Ok(runs) => runs.parse().expect("a number of runs"),
        Err(_) => RUNS,
    }
}

/// Does something while every core has more to do than it can: computing, and judging others.
fn under_load<T>(work: impl FnOnce() -> T) -> T {
    const THREADS: usize = 2;
    let done = AtomicBool::new(false);
    let others = validator_of(THREADS);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
            scope.spawn(|| {
                let request = request();
                while !done.load(Ordering::Relaxed) {
                    answer(&others, &request);
                }
            });
        }
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        done.store(true, Ordering::Relaxed);
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// That so many runs give this answer.
#[track_caller]
fn same(validator: &Validator, runs: usize, request: &str, expected: &[String]) {
    for run in 0..runs {
        for (now, first) in answer(validator, request).iter().zip(expected) {
            assert!(now == first, "run {run}:\n{now}\ninstead of\n{first}");
        }
    }
}

#[test]
fn every_run_gives_the_same_bytes() {
    let request = request();
    let workers = [validator_of(1), validator_of(2)];
    let first = answer(&workers[0], &request);
    assert_mixed(&first);
    // With one worker and with two, idle and under load.
    let each = runs().div_ceil(2 * workers.len());
    let all = || {
        for validator in &workers {
            same(validator, each, &request, &first);
        }
    };
    all();
    under_load(all);
}

/// That the request is what it is meant to be: each outcome is among its verdicts.
fn assert_mixed(results: &[String]) {
    let all = results.concat();
    for outcome in [
        "fail",
        "error",
        "invalid",
        "pass",
        "time_limit",
        "memory_limit",
        "output_limit",
    ] {
        let field = format!("\"outcome\":\"{outcome}\"");
        assert!(all.contains(&field), "no {outcome} in {all}");
    }
    assert!(!all.contains("retryable"), "a fault of ours: {all}");
    assert!(all.contains("\"warnings\":["), "no warnings in {all}");
}

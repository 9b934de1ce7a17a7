//! What one execution costs in a warm sandbox, and what judging adds to it.
//!
//! `cargo bench` after `make build`. For rivals in the same run there is `touchstone bench`.

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::path::PathBuf;
use touchstone::domain::value::equal;
use touchstone::domain::{Limits, Text};
use touchstone::sandbox::{
    Backstop, Compiled, Ending, Job, Recipe, Run, Runtime, RuntimeSettings, THREAD_STACK_BYTES,
};

const PROGRAM: &str = "from typing import List

def has_close_elements(numbers: List[float], threshold: float) -> bool:
    for idx, elem in enumerate(numbers):
        for idx2, elem2 in enumerate(numbers):
            if idx != idx2:
                distance = abs(elem - elem2)
                if distance < threshold:
                    return True

    return False
";

const TEST: &str = "
assert has_close_elements([1.0, 2.0, 3.9, 4.0, 5.0, 2.2], 0.3) == True
assert has_close_elements([1.0, 2.0, 3.9, 4.0, 5.0, 2.2], 0.05) == False
";

const MATRIX: &str = "[[x * y for x in range(100)] for y in range(100)]";

fn runtime() -> Runtime {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))
        .expect("a cache folder");
    let recipe = Recipe {
        cache: base.join("touchstone"),
        wheels: Vec::new(),
    };
    let settings = RuntimeSettings {
        sandboxes: 1,
        memory_bytes: 1 << 30,
        reset_in_place: true,
        backstop: Backstop::default(),
    };
    Runtime::load(&recipe.runtime(), settings).expect("run `make build` first")
}

fn jobs() -> Vec<(&'static str, Job)> {
    let text = |text: &str| Text::from(text);
    vec![
        (
            "empty-program",
            Job::Main {
                code: text("pass\n"),
                stdin: Vec::new(),
                files: Vec::new(),
                arguments: Vec::new(),
                fetch: Vec::new(),
            },
        ),
        (
            "script",
            Job::Script {
                code: text(PROGRAM),
                source: text(TEST),
                entry_point: None,
            },
        ),
        (
            "call",
            Job::Call {
                code: text(PROGRAM),
                call: text("has_close_elements([1.0, 2.0, 3.9], 0.3)"),
            },
        ),
        (
            "large-value",
            Job::Call {
                code: text(""),
                call: text(MATRIX),
            },
        ),
    ]
}

fn executions(criterion: &mut Criterion) {
    let mut sandbox = runtime().sandbox();
    let mut group = criterion.benchmark_group("execution");
    for (name, job) in jobs() {
        let run = Run {
            job,
            limits: Limits::default(),
            seed: 0,
            compiled: Compiled::default(),
        };
        group.bench_function(name, |bencher| {
            bencher.iter(|| sandbox.run(black_box(&run)).expect("an execution"));
        });
    }
    group.finish();
}

fn comparison(criterion: &mut Criterion) {
    let run = Run {
        job: Job::Call {
            code: Text::default(),
            call: Text::from(MATRIX),
        },
        limits: Limits::default(),
        seed: 0,
        compiled: Compiled::default(),
    };
    let execution = runtime().sandbox().run(&run).expect("an execution");
    let Ending::Returned { value, .. } = execution.ending else {
        panic!("the matrix is not returned: {:?}", execution.ending);
    };
    criterion.bench_function("comparison/10,000-numbers", |bencher| {
        bencher.iter(|| equal(black_box(&value), black_box(&value), 0.0));
    });
}

fn all() {
    let mut criterion = Criterion::default().configure_from_args();
    executions(&mut criterion);
    comparison(&mut criterion);
}

/// Guests need more stack than a main thread has.
fn on_a_large_stack(_: &mut Criterion) {
    std::thread::Builder::new()
        .stack_size(THREAD_STACK_BYTES)
        .spawn(all)
        .expect("a thread")
        .join()
        .expect("benchmarks that do not panic");
}

criterion_group!(benches, on_a_large_stack);
criterion_main!(benches);

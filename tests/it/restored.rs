//! An instance that is restored in place equals one that never ran, byte for byte.

use crate::runtime::{in_sandbox, program, read};
use serde_json::Value;
use touchstone::sandbox::Run;

/// Programs that leave the interpreter in a state that a later one could notice.
const UNTIDY: &[&str] = &[
    "import builtins\nbuiltins.len = lambda x: 0",
    "import sys\nsys.modules.clear()",
    "import sys\nsys.setrecursionlimit(10**6)\ndef f(n): return n and f(n - 1)\nf(20000)",
    "import gc\ngc.disable()\nx = []\nx.append(x)\ndel x\ngc.collect()",
    "import json\njson.dumps = None\nclass A: pass\na = [A() for _ in range(10000)]",
    "import numpy as np\nnp.random.seed(3)\nnp.seterr(all='raise')\nx = np.zeros(100000) + 1",
    "import random\nrandom.seed(5)\nprint(random.random())",
    "open('left.txt', 'w').write('behind' * 1000)\nimport os\nos.chdir('/tmp')",
    "x = {i: str(i) for i in range(20000)}",
    "import decimal, fractions, re\nprint(re.sub('a+', 'b', 'aab' * 100), decimal.Decimal(1) / 3)",
    "1/0",
    "def f(: pass",
    "import sys\nsys.exit(3)",
    "import os\nos._exit(0)",
    "import atexit\natexit.register(print, 'late')\nimport threading\nthreading.Thread(target=print).start()",
    "b'\\xff'.decode('utf-8')",
    "while True: pass",
    "x = [0] * 10**9",
    "x = bytearray(100 << 20)",
    "import sympy\nprint(sympy.integrate(sympy.Symbol('x')))",
];

/// Enough for all of them but the endless one.
const TIME_MS: u64 = 2_000;

fn run(code: &str, stdin: &str) -> Run {
    let mut run = program(code, stdin);
    run.limits.time_ms = TIME_MS;
    run
}

/// The untidy ones, then all fixtures.
fn programs() -> Vec<Run> {
    let manifest = read("fixtures/programs.jsonl");
    let fixtures = manifest.lines().map(|line| {
        let row: Value = serde_json::from_str(line).expect("JSON");
        let text = |field: &str| row[field].as_str().expect("text").to_owned();
        let code = read(format!("fixtures/programs/{}.py", text("name")));
        run(&code, &text("stdin"))
    });
    let untidy = UNTIDY.iter().map(|code| run(code, ""));
    untidy.chain(fixtures).collect()
}

#[test]
fn every_byte_is_as_it_was() {
    let programs = programs();
    in_sandbox(|sandbox| {
        let mut restored = 0;
        for run in &programs {
            let before = sandbox.fresh_instances();
            sandbox.run(run).expect("an execution");
            assert!(sandbox.is_fresh(), "this left something behind: {run:?}");
            restored += u32::from(sandbox.fresh_instances() == before);
        }
        assert!(restored > 50, "restoring was tried {restored} times only");
    });
}

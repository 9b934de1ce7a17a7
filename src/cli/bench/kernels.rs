//! Programs that only compute, in the sandbox and natively.

use super::sample::{Sample, Series};
use super::{expect_success, in_sandbox, main_job, native};
use crate::config::Config;
use std::time::Instant;

/// Each takes native Python some tenths of a second, so that starting up does not count.
const KERNELS: [(&str, &str); 6] = [
    (
        "recursion",
        "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\nassert fib(25) == 75025\n",
    ),
    (
        "sieve",
        "def sieve(n):\n    marks = bytearray([1]) * (n + 1)\n    marks[0] = marks[1] = 0\n    for i in range(2, int(n ** 0.5) + 1):\n        if marks[i]:\n            for j in range(i * i, n + 1, i):\n                marks[j] = 0\n    return sum(marks)\nassert sieve(500000) == 41538\n",
    ),
    (
        "dictionaries",
        "def count(n):\n    seen = {}\n    for i in range(n):\n        key = (i * 7919) % 10007\n        seen[key] = seen.get(key, 0) + 1\n    return sorted(seen.items(), key=lambda item: (-item[1], item[0]))\nassert len(count(300000)) == 10007\n",
    ),
    (
        "strings",
        "def words(n):\n    text = ' '.join('word%d' % (i % 977) for i in range(n))\n    total = 0\n    for word in text.split():\n        if word.startswith('word9'):\n            total += len(word.upper().replace('O', '0'))\n    return total\nassert words(200000) > 0\n",
    ),
    (
        "dynamic-programming",
        "def lcs(a, b):\n    row = [0] * (len(b) + 1)\n    for x in a:\n        last = 0\n        for j, y in enumerate(b):\n            last, row[j + 1] = row[j + 1], last + 1 if x == y else max(row[j], row[j + 1])\n    return row[-1]\nassert lcs('abcde' * 100, 'badce' * 120) > 0\n",
    ),
    (
        "big-integers",
        "def factorial(n):\n    product = 1\n    for i in range(2, n + 1):\n        product *= i\n    return product\nassert factorial(4000).bit_length() == 42100\nassert pow(3, 20000).bit_length() == 31700\n",
    ),
];

/// How often each kernel runs on each side.
const RUNS: usize = 7;

pub(super) fn measure(config: &Config) -> anyhow::Result<Vec<Sample>> {
    let runtime = crate::cli::runtime::load(config)?;
    let mut samples = Vec::new();
    let mut logarithms = 0.0;
    for (name, program) in KERNELS {
        let mut ours = Series::new(format!("kernel/{name}"));
        let run = main_job(program);
        ours.extend(in_sandbox(&runtime, move |sandbox| {
            (0..RUNS)
                .map(|_| {
                    let started = Instant::now();
                    expect_success(&sandbox.run(&run)?)?;
                    Ok(started.elapsed().as_secs_f64() * 1e6)
                })
                .collect::<anyhow::Result<Vec<f64>>>()
        })?);
        let mut theirs = Series::new(format!("kernel/{name}-native"));
        theirs.extend(native::inside(program, RUNS)?);
        let (ours, theirs) = (ours.sample(), theirs.sample());
        logarithms += (ours.median_us / theirs.median_us).ln();
        samples.extend([ours, theirs]);
    }
    let ratio = (logarithms / KERNELS.len() as f64).exp();
    eprintln!("kernels take {ratio:.2} times as long as natively (geometric mean)");
    Ok(samples)
}

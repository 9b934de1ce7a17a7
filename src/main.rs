use std::time::Instant;
use touchstone::domain::{Limits, Text};
use touchstone::sandbox::*;
fn main() {
    let recipe = Recipe { cache: "/root/.cache/touchstone".into(), wheel: None };
    let t = Instant::now();
    let folder = recipe.build(|step| eprintln!("{:?} {step:?}", t.elapsed())).unwrap_or_else(|e| panic!("{e}"));
    eprintln!("built {:?}", t.elapsed());
    let t = Instant::now();
    let runtime = Runtime::load(&folder, RuntimeSettings { sandboxes: 2, memory_bytes: 1 << 30, reset_in_place: std::env::var("NORESET").is_err(), backstop: Backstop::default() }).unwrap();
    eprintln!("load {:?}", t.elapsed());
    let path = std::env::args().nth(1).unwrap();
    let n: usize = std::env::args().nth(2).map_or(1, |n| n.parse().unwrap());
    let code = std::fs::read(path).unwrap();
    std::thread::Builder::new().stack_size(THREAD_STACK_BYTES).spawn(move || {
        let mut sandbox = runtime.sandbox();
        let run = Run { job: Job::Main { code: Text::from_wtf8(code), stdin: vec![], files: vec![], arguments: vec![] }, limits: Limits::default(), seed: 0 };
        let mut times = vec![];
        for i in 0..n {
            let t = Instant::now();
            let e = sandbox.run(&run).unwrap();
            times.push(t.elapsed());
            if i == 0 || i == n - 1 { println!("{:?} fuel {} mem {} {:?}\n{}{}", e.ending, e.fuel.0, e.memory_bytes, e.warnings, String::from_utf8_lossy(&e.stdout), String::from_utf8_lossy(&e.stderr)); }
        }
        times.sort();
        println!("first {:?} median {:?} p99 {:?} fresh {}", times[0], times[n / 2], times[n * 99 / 100], sandbox.fresh_instances());
    }).unwrap().join().unwrap();
}

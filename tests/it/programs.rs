//! What users' programs do and must be able to do, with what native Python printed for each.

use crate::runtime::{exit_status, in_sandbox, printed, program, read, report};
use serde_json::Value;

#[test]
fn fixtures_print_what_native_python_printed() {
    let manifest = read("fixtures/programs.jsonl");
    let mistakes: Vec<_> = in_sandbox(|sandbox| {
        let mut check = |line: &str| {
            let row: Value = serde_json::from_str(line).expect("JSON");
            let text = |field: &str| row[field].as_str().expect("text").to_owned();
            let name = text("name");
            let code = read(format!("fixtures/programs/{name}.py"));
            let execution = sandbox
                .run(&program(&code, &text("stdin")))
                .expect("no fault of ours");
            let status = exit_status(&execution).map(i64::from);
            let right = status == row["exit"].as_i64() && printed(&execution) == text("stdout");
            (!right).then(|| format!("{name}: {execution:#?} instead of {row}"))
        };
        manifest.lines().filter_map(&mut check).collect()
    });
    report(&mistakes);
}

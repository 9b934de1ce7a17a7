//! Tests of one contest task in one text, `input_output`, as SandboxFusion keeps LiveCodeBench's.

use super::{Case, Kind, checks, pickled, shape};
use crate::domain::Text;
use crate::eval::dataset::field::{Anything, embedded};
use crate::eval::dataset::json::Json;
use crate::eval::dataset::pickle;
use crate::eval::dataset::task::{Suite, Task};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The name of the tests, in JSON and in pickles.
const NAME: &str = "input_output";

#[derive(Deserialize)]
struct Kept<'a> {
    #[serde(borrow)]
    input_output: &'a RawValue,
}

#[derive(Deserialize)]
struct InputOutput {
    inputs: Vec<Lines>,
    outputs: Vec<Lines>,
    fn_name: Option<String>,
}

/// A text, or its lines.
#[derive(Deserialize)]
#[serde(untagged)]
enum Lines {
    One(String),
    Many(Vec<String>),
}

impl Lines {
    fn text(self) -> Anything {
        Anything(Text::from(match self {
            Lines::One(text) => text,
            Lines::Many(lines) => lines.join("\n"),
        }))
    }
}

/// A task that has these tests: JSON, or a pickle that was packed and written in base64 and has so many
/// bytes at most.
///
/// # Errors
/// What is wrong with them, in words.
pub fn contest(tests: &str, most_bytes: u64) -> Result<Task, String> {
    let tests = match tests.trim_start().starts_with('{') {
        true => Json::from_str(tests)
            .parse()
            .and_then(|kept: Kept<'_>| embedded(kept.input_output, NAME))?,
        false => {
            let pickled = pickled(tests, most_bytes)?;
            Json::from_str(pickle::entry(&pickled, NAME)?).parse()?
        }
    };
    task(tests)
}

fn task(tests: InputOutput) -> Result<Task, String> {
    if tests.inputs.len() != tests.outputs.len() {
        return Err("there are not as many outputs as inputs".to_owned());
    }
    if tests.inputs.is_empty() {
        return Err("there are no tests".to_owned());
    }
    let function = tests.fn_name;
    let testtype = match &function {
        Some(_) => Kind::Functional,
        None => Kind::Stdin,
    };
    let pairs = tests.inputs.into_iter().zip(tests.outputs);
    let cases = pairs.map(|(input, output)| Case {
        input: input.text(),
        output: output.text(),
        testtype,
    });
    let checks = checks("tests", cases.collect(), function.as_deref())?;
    let shape = shape(function.as_deref());
    let suites = vec![Suite::new("tests", checks)];
    Ok(Task {
        entry_point: function,
        ..Task::new(String::new(), String::new(), shape, suites)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CheckKind;
    use crate::eval::dataset::Suites;

    fn kinds(tests: &str) -> Result<Vec<CheckKind>, String> {
        let task = contest(tests, 1 << 10)?;
        let Suites::Ready(suites) = task.suites else {
            panic!("nothing has to be computed");
        };
        let checks = suites.iter().flat_map(|suite| &suite.checks);
        Ok(checks.map(|check| check.kind.clone()).collect())
    }

    /// `base64(zlib(pickle.dumps({"input_output": …})))` of the text below.
    const PACKED: &str = "eJxrYJnqxwABtVN6eDLzCkpL4vNLS4DUlB6LaiWwQLGSlUK0kmFMnlKsjoISRBYiZgQVS8uLz0vMTQWK5ZXm5NROKdYDAN8aHI0=";
    const TEXT: &str = r#"{"inputs": ["1\n"], "outputs": ["2\n"], "fn_name": null}"#;

    #[test]
    fn json_lines_and_packed_tests_are_alike() {
        let in_text = format!(r#"{{"input_output": {}}}"#, serde_json::Value::from(TEXT));
        let in_place = format!(r#"{{"input_output": {TEXT}}}"#);
        let in_lines = r#"{"input_output": {"inputs": [["1", ""]], "outputs": [["2", ""]]}}"#;
        let packed = kinds(PACKED).expect("tests");
        assert!(matches!(&packed[..], [CheckKind::Stdio { .. }]));
        for tests in [in_text.as_str(), &in_place, in_lines] {
            assert_eq!(kinds(tests).expect("tests"), packed, "{tests}");
        }
    }

    #[test]
    fn functions_are_called() {
        let tests =
            r#"{"input_output": {"inputs": ["1\n[2]"], "outputs": ["true"], "fn_name": "f"}}"#;
        let kinds = kinds(tests).expect("tests");
        let [CheckKind::Call { call, .. }] = &kinds[..] else {
            panic!("{kinds:?}");
        };
        assert!(call.to_string_lossy().ends_with("(1, [2])"));
    }

    #[test]
    fn what_cannot_be_used_is_told() {
        for (tests, message) in [
            ("{}", "input_output"),
            (
                r#"{"input_output": {"inputs": [], "outputs": []}}"#,
                "no tests",
            ),
            (
                r#"{"input_output": {"inputs": ["1"], "outputs": []}}"#,
                "as many",
            ),
            (
                r#"{"input_output": {"inputs": ["1"], "outputs": ["1"], "fn_name": "f("}}"#,
                "no name",
            ),
            ("*", "base64"),
            ("eA==", "unpacked"),
        ] {
            let error = kinds(tests).expect_err("no tests");
            assert!(error.contains(message), "{tests}: {error}");
        }
    }

    #[test]
    fn tests_that_unpack_to_very_much_are_refused() {
        assert!(contest(PACKED, 10).is_err_and(|error| error.contains("more than")));
    }
}

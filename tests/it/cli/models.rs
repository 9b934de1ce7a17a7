//! Commands on models. ONNX Runtime is that of the user's cache, or one of a test.

use super::{file, path};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A command with nothing of the environment but where the cache is.
fn model(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_touchstone"));
    command.arg("model").args(arguments).env_clear();
    for name in ["HOME", "XDG_CACHE_HOME"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.stdin(Stdio::null());
    command
}

fn output(arguments: &[&str]) -> Output {
    model(arguments).output().expect("the command runs")
}

#[track_caller]
fn ended(output: &Output, status: i32) -> (String, String) {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "{said}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (text, said)
}

#[track_caller]
fn works(arguments: &[&str]) -> String {
    ended(&output(arguments), 0).0
}

/// That the command ends with status 2 and says this in one line on stderr, nothing on stdout.
#[track_caller]
fn wrong(arguments: &[&str], message: &str) {
    let (text, said) = ended(&output(arguments), 2);
    assert!(said.contains(message), "{arguments:?}: {said}");
    assert_eq!(text, "", "{arguments:?}");
}

/// A folder with a small model in `m`.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Place(tempfile::tempdir().expect("a folder"));
        works(&["new", &place.at("m"), "--preset", "tiny", "--seed", "1"]);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn at(&self, name: &str) -> String {
        self.path(name).to_str().expect("Unicode").to_owned()
    }

    fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).expect("written");
        self.at(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("a file")
    }

    /// Examples of both kinds.
    fn examples(&self) -> String {
        let pairs = (0..20).map(|n| {
            json!({"prompt": format!("{n} + 1 = "), "completion": (n + 1).to_string()}).to_string()
        });
        let said = json!({"messages": [
            {"role": "user", "content": "hello"},
            {"role": "assistant", "content": "world"},
        ]});
        let lines: Vec<String> = pairs.chain([String::new(), said.to_string()]).collect();
        self.write("examples.jsonl", &lines.join("\n"))
    }
}

#[test]
fn help_has_examples() {
    for arguments in [
        &["--help"] as &[_],
        &["generate", "--help"],
        &["sft", "--help"],
    ] {
        assert!(works(arguments).contains("Examples:"), "{arguments:?}");
    }
}

#[test]
fn a_new_model_is_made_by_its_seed_and_described() {
    let place = Place::new();
    works(&["new", &place.at("same"), "--preset", "tiny", "--seed", "1"]);
    works(&["new", &place.at("other"), "--preset", "tiny", "--seed", "2"]);
    let weights = |name: &str| place.read(&format!("{name}/model.safetensors"));
    assert!(weights("m") == weights("same"));
    assert!(weights("m") != weights("other"));
    let info = works(&["info", &place.at("m"), "--json"]);
    let info: Value = serde_json::from_str(&info).expect("JSON");
    assert_eq!(info["architecture"], "Qwen2ForCausalLM");
    assert_eq!(info["parameters"], 804_992);
    assert_eq!(info["tokenizer_tokens"], 260);
    assert_eq!(info["chat_template"], true);
    let again = &["new", &place.at("m"), "--preset", "tiny"];
    wrong(again, "is there already; --force replaces it");
    works(&[again as &[_], &["--force"]].concat());
}

#[test]
fn folders_that_are_no_models() {
    let place = Place::new();
    let m = place.at("m");
    for command in ["info", "generate"] {
        let rest: &[&str] = if command == "info" {
            &[]
        } else {
            &["--prompt", "x"]
        };
        let all = [&[command, "/nowhere"] as &[_], rest].concat();
        wrong(&all, "/nowhere/config.json: cannot be read");
    }
    wrong(
        &["import", "/nowhere", &place.at("x")],
        "/nowhere/config.json",
    );
    wrong(
        &["new", &place.at("x"), "--preset", "huge"],
        "there is no preset \"huge\"; there are tiny",
    );
    wrong(&["generate", &m], "--prompt");
    wrong(
        &["generate", &m, "--prompt", "x", "--device", "tpu"],
        "there are cpu and cuda:N",
    );
    wrong(
        &["generate", &m, "--prompt", "x", "--top-p", "2"],
        "top_p 2 is not above 0",
    );
    wrong(
        &["generate", &m, "--prompt", &"x".repeat(512)],
        "the prompt has 512 tokens, and the model's context is 512",
    );
    wrong(
        &["generate", &m, "--prompt", "x", "--adapter", &m],
        "adapter_config.json",
    );
    place.write("m/model.safetensors", "short");
    wrong(&["info", &m], "model.safetensors");
    place.write("m/config.json", "{");
    wrong(&["generate", &m, "--prompt", "x"], "config.json");
}

#[test]
fn answers_are_reproducible() {
    let place = Place::new();
    let m = place.at("m");
    let ask = &[
        "generate",
        &m,
        "--prompt",
        "def f",
        "--max-tokens",
        "12",
        "--seed",
        "7",
    ];
    let json = [ask as &[_], &["--json", "-n", "3"]].concat();
    let text = works(&json);
    assert_eq!(text, works(&json));
    let all: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(all["prompt"], "def f");
    let answers = all["answers"].as_array().expect("a list");
    assert_eq!(answers.len(), 3);
    assert_ne!(answers[0], answers[1]);
    // What is streamed is the first of these.
    let first = answers[0]["text"].as_str().expect("text");
    assert_eq!(works(ask), format!("{first}\n"));
    let chat = works(&[
        "generate",
        &m,
        "--chat",
        "--prompt",
        "hi",
        "--max-tokens",
        "2",
        "--json",
    ]);
    assert!(
        chat.contains("<|im_start|>user\\nhi<|im_end|>\\n<|im_start|>assistant\\n"),
        "{chat}"
    );
}

#[test]
fn prompts_come_from_stdin() {
    let place = Place::new();
    let prompt = file("def f");
    let stdin = || Stdio::from(fs::File::open(prompt.path()).expect("a file"));
    let ask = [
        "generate",
        &place.at("m"),
        "--max-tokens",
        "4",
        "--seed",
        "7",
    ];
    let read = model(&[&ask as &[_], &["--prompt", "-"]].concat())
        .stdin(stdin())
        .output();
    let given = works(&[&ask as &[_], &["--prompt", "def f"]].concat());
    assert_eq!(ended(&read.expect("runs"), 0).0, given);
    let talked = model(&[&ask as &[_], &["--chat"]].concat())
        .stdin(stdin())
        .output();
    let asked = works(&[&ask as &[_], &["--chat", "--prompt", "def f"]].concat());
    assert_eq!(ended(&talked.expect("runs"), 0).0, asked);
}

#[test]
fn models_are_imported_and_exported() {
    let place = Place::new();
    let m = place.at("m");
    works(&["import", &m, &place.at("copy")]);
    works(&["export", &place.at("copy"), &place.at("again")]);
    for name in ["model.safetensors", "config.json", "tokenizer.json"] {
        assert!(
            place.read(&format!("m/{name}")) == place.read(&format!("again/{name}")),
            "{name}"
        );
    }
    works(&["export", &m, &place.at("half"), "--dtype", "bf16"]);
    works(&["import", &place.at("half"), &place.at("half again")]);
    let half = place.read("half/model.safetensors");
    assert!(half == place.read("half again/model.safetensors"));
    assert!(half.len() < place.read("m/model.safetensors").len() * 6 / 10);
    wrong(&["export", &m, &place.at("half")], "is there already");
}

#[test]
fn a_model_that_is_not_finite_is_refused() {
    let place = Place::new();
    let mut bytes = place.read("m/model.safetensors");
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(place.path("m/model.safetensors"), bytes).expect("written");
    wrong(
        &["import", &place.at("m"), &place.at("x")],
        "a number that is not finite",
    );
    assert!(!place.path("x").exists());
}

#[test]
fn an_adapter_is_trained_exported_and_merged() {
    let place = Place::new();
    let (m, data, run) = (place.at("m"), place.examples(), place.at("run"));
    let train = ["sft", &m, "--data", &data, "--out", &run, "--steps", "30"];
    let lora = ["--adapter-rank", "4", "--learning-rate", "1e-2", "--json"];
    let summary = works(&[&train as &[_], &lora].concat());
    let summary: Value = serde_json::from_str(&summary).expect("JSON");
    assert_eq!(summary["steps"], 30);
    assert_eq!(summary["examples"], 21);
    assert!(
        summary["loss"].as_f64().expect("a number") < 5.5,
        "{summary}"
    );
    let adapter = place.at("run/adapter");
    works(&["export", &m, &place.at("adapter"), "--adapter", &adapter]);
    let weights = |name: &str| place.read(&format!("{name}/adapter_model.safetensors"));
    assert!(weights("adapter") == weights("run/adapter"));
    let merged = place.at("merged");
    works(&["export", &m, &merged, "--adapter", &adapter, "--merge"]);
    let ask = |rest: &[&str]| {
        let all = [
            "--prompt",
            "3 + 1 = ",
            "--max-tokens",
            "8",
            "--temperature",
            "0",
            "--json",
        ];
        let text = works(&[&["generate"] as &[_], rest, &all].concat());
        let all: Value = serde_json::from_str(&text).expect("JSON");
        all["answers"][0].clone()
    };
    let (apart, together) = (ask(&[&m, "--adapter", &adapter]), ask(&[&merged]));
    assert_eq!(apart["text"], together["text"]);
    let logp = |answer: &Value| answer["log_probability"].as_f64().expect("a number");
    assert!((logp(&apart) - logp(&together)).abs() < 1e-3);
    assert!((logp(&apart) - logp(&ask(&[&m]))).abs() > 1e-2);
}

#[test]
fn data_is_refused_with_its_line() {
    let place = Place::new();
    let refused = |text: &str, message: &str| {
        let data = place.write("data.jsonl", text);
        wrong(
            &[
                "sft",
                &place.at("m"),
                "--data",
                &data,
                "--out",
                &place.at("run"),
            ],
            message,
        );
    };
    let good = r#"{"prompt": "a", "completion": "b", "id": 7}"#;
    refused("", "data.jsonl: there are no examples");
    refused(
        &format!("{good}\n\n{{\"prompt\": \"a\n"),
        "data.jsonl: line 3: ",
    );
    refused(
        &format!("{good}\n{{\"prompt\": \"a\"}}"),
        "line 2: needs either `prompt`",
    );
    refused(
        r#"{"prompt": "", "completion": "b"}"#,
        "line 1: the prompt has no tokens",
    );
    refused(
        r#"{"messages": [{"role": "user", "content": "a"}]}"#,
        "line 1: has no message of the assistant",
    );
    let long = format!(r#"{{"prompt": "{}", "completion": "b"}}"#, "a".repeat(600));
    refused(&long, "all 1 prompts fill a row of 512 tokens");
    wrong(
        &[
            "sft",
            &place.at("m"),
            "--data",
            "/nowhere.jsonl",
            "--out",
            &place.at("run"),
        ],
        "/nowhere.jsonl: cannot be read",
    );
    assert!(!place.path("run").exists());
}

#[test]
fn examples_that_are_too_long_are_counted() {
    let place = Place::new();
    let lines = [("a", 3), ("a", 80), ("b", 3)].map(|(prompt, letters)| {
        let prompt = prompt.repeat(if prompt == "b" { 40 } else { 1 });
        json!({"prompt": prompt, "completion": "c".repeat(letters)}).to_string()
    });
    let data = place.write("data.jsonl", &lines.join("\n"));
    let (m, run) = (place.at("m"), place.at("run"));
    let train = [
        "sft", &m, "--data", &data, "--out", &run, "--length", "32", "--json",
    ];
    let (text, said) = ended(&output(&train), 0);
    assert!(said.contains("2 of 3 examples are longer than 32 tokens: 1 are cut, 1 are left out"));
    let summary: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        (&summary["cut"], &summary["left_out"]),
        (&json!(1), &json!(1))
    );
}

/// What a run leaves: its weights, and its metrics without times.
fn left(place: &Place, run: &str) -> (Vec<u8>, Vec<Value>) {
    let metrics = place.read(&format!("{run}/metrics.jsonl"));
    let lines = String::from_utf8(metrics).expect("text");
    let line = |line| {
        let mut line: Value = serde_json::from_str(line).expect("JSON");
        line.as_object_mut().expect("an object").remove("seconds");
        line
    };
    let weights = place.read(&format!("{run}/model/model.safetensors"));
    (weights, lines.lines().map(line).collect())
}

#[test]
fn a_run_that_was_killed_goes_on_to_the_same_bits() {
    let place = Place::new();
    let (m, data) = (place.at("m"), place.examples());
    let options = [
        "--steps",
        "40",
        "--accumulate",
        "2",
        "--batch-rows",
        "3",
        "--warmup",
        "5",
        "--checkpoint-every",
        "3",
        "--learning-rate",
        "1e-3",
        "--resume",
    ];
    let train = |run: &str| {
        let all = [
            &["sft", &m, "--data", &data, "--out", run] as &[_],
            &options,
        ]
        .concat();
        let mut command = model(&all);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let lines = |run: &Path| {
        fs::read_to_string(run.join("metrics.jsonl")).map_or(0, |text| text.lines().count())
    };
    let (whole, killed) = (place.at("whole"), place.at("killed"));
    assert!(train(&whole).status().expect("runs").success());
    let out = place.path("killed");
    for until in [2, 8, 20] {
        let mut child = train(&killed).spawn().expect("runs");
        let begun = Instant::now();
        // Where it is by then, while it saves for instance, is chance.
        while lines(&out) < until && begun.elapsed() < Duration::from_secs(120) {
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().expect("killed");
        child.wait().expect("ended");
    }
    assert!(train(&killed).status().expect("runs").success());
    let (expected, actual) = (left(&place, "whole"), left(&place, "killed"));
    assert_eq!(actual.1, expected.1);
    assert!(actual.0 == expected.0, "other weights");
    let other = ["--steps", "41"];
    let all = [
        &["sft", &m, "--data", &data, "--out", &killed] as &[_],
        &other,
    ]
    .concat();
    wrong(&all, "has a run already, saved after step 40");
    wrong(&[&all as &[_], &["--resume"]].concat(), "is another run: ");
}

#[test]
fn what_is_not_finite_stops_with_its_step() {
    let place = Place::new();
    let (m, data, run) = (place.at("m"), place.examples(), place.at("run"));
    let train = ["sft", &m, "--data", &data, "--out", &run, "--steps", "9"];
    let rest = ["--learning-rate", "1e30", "--checkpoint-every", "1"];
    let (text, said) = ended(&output(&[&train as &[_], &rest].concat()), 1);
    assert!(said.contains("stopped: step 2: "), "{said}");
    assert!(
        said.contains("is not finite; the state after step 1 is in"),
        "{said}"
    );
    assert_eq!(text, "");
    assert!(!place.path("run/model").exists());
}

/// The command with files of a megabyte at most, and an error instead of a signal beyond that.
#[cfg(target_os = "linux")]
fn on_a_full_disk(arguments: &[&str]) -> String {
    use std::os::unix::process::CommandExt;
    let mut command = model(arguments);
    // SAFETY: both are calls that may be made between fork and exec.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            let limit = libc::rlimit {
                rlim_cur: 1 << 20,
                rlim_max: 1 << 20,
            };
            match libc::setrlimit(libc::RLIMIT_FSIZE, &limit) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        });
    }
    ended(&command.output().expect("runs"), 3).1
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_leaves_what_was_there() {
    let place = Place::new();
    let (m, data, run) = (place.at("m"), place.examples(), place.at("run"));
    let before = place.read("m/model.safetensors");
    let said = on_a_full_disk(&["new", &m, "--preset", "tiny", "--seed", "2", "--force"]);
    assert!(said.contains("cannot be written"), "{said}");
    assert!(place.read("m/model.safetensors") == before);

    let train = ["sft", &m, "--data", &data, "--out", &run, "--steps", "2"];
    let said = on_a_full_disk(&train);
    assert!(said.contains("cannot be written"), "{said}");
    let files = || fs::read_dir(&run).expect("a folder").flatten();
    let names: Vec<_> = files().map(|entry| entry.file_name()).collect();
    assert_eq!(names, ["metrics.jsonl"]);
    works(&[&train as &[_], &["--resume"]].concat());
    assert_eq!(left(&place, "run").1.len(), 2);
    // The state fits; with nothing left to do, the model does not.
    let model = place.read("run/model/model.safetensors");
    on_a_full_disk(&[&train as &[_], &["--resume"]].concat());
    assert!(place.read("run/model/model.safetensors") == model);
}

/// Answers with a cache of its own whose library of ONNX Runtime is `fill`'s.
fn with_library(fill: impl FnOnce(&Path)) -> String {
    let place = Place::new();
    let folder = place.path("cache/touchstone/onnxruntime-1.31.1-cpu");
    fs::create_dir_all(&folder).expect("a folder");
    fill(&folder.join("libonnxruntime.so"));
    let mut command = model(&["generate", &place.at("m"), "--prompt", "x"]);
    command.env("XDG_CACHE_HOME", place.path("cache"));
    let (_, said) = ended(&command.output().expect("runs"), 2);
    assert!(
        said.trim_end()
            .ends_with("; fetch it with `touchstone runtime onnx`"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

#[test]
fn onnx_runtime_is_missing_or_another() {
    let said = with_library(|_| ());
    assert!(
        said.contains("the library of ONNX Runtime is not there"),
        "{said}"
    );
    let said = with_library(|path| fs::write(path, "no library").expect("written"));
    assert!(
        said.contains("is not a library of ONNX Runtime: "),
        "{said}"
    );
    let compiled = |source: &'static str| {
        move |path: &Path| {
            let code = path.with_extension("c");
            fs::write(&code, source).expect("written");
            let mut compiler = Command::new("cc");
            compiler
                .args(["-shared", "-fPIC", "-o"])
                .args([path, &code]);
            assert!(compiler.status().expect("a compiler").success());
        }
    };
    let said = with_library(compiled("int nothing;"));
    assert!(
        said.contains("is not a library of ONNX Runtime: "),
        "{said}"
    );
    for version in ["1.20.3", "1.32.0"] {
        let source = format!(
            "static const void *api(unsigned v) {{ return 0; }}\n\
             static const char *version(void) {{ return \"{version}\"; }}\n\
             static const void *base[] = {{ api, version }};\n\
             const void *OrtGetApiBase(void) {{ return base; }}\n"
        );
        let said = with_library(compiled(source.leak()));
        let short = &version[..4];
        assert!(said.contains(&format!("is ONNX Runtime {short}")), "{said}");
        assert!(said.contains("1.31.1 is needed"), "{said}");
    }
}

#[test]
fn onnx_runtime_comes_from_the_pinned_wheel_only() {
    let cache = tempfile::tempdir().expect("a folder");
    let wheel = file("another wheel");
    let mut command = Command::new(env!("CARGO_BIN_EXE_touchstone"));
    command.env_clear().env("XDG_CACHE_HOME", cache.path());
    command.args(["runtime", "onnx", "--wheel", path(&wheel)]);
    let (_, said) = ended(&command.output().expect("runs"), 2);
    assert!(
        said.contains("this is not the pinned wheel of ONNX Runtime"),
        "{said}"
    );
    // Without the environment there is no python3 either.
    let mut command = Command::new(env!("CARGO_BIN_EXE_touchstone"));
    command.env_clear().env("XDG_CACHE_HOME", cache.path());
    command.env("PATH", cache.path()).args(["runtime", "onnx"]);
    let (_, said) = ended(&command.output().expect("runs"), 3);
    assert!(
        said.contains("python3 could not be started to run pip"),
        "{said}"
    );
    let left = fs::read_dir(cache.path().join("touchstone")).expect("a folder");
    let names: Vec<_> = left.flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(names, ["onnxruntime-1.31.1-cpu"]);
}

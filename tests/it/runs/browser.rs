//! As much of a browser's remote control as the tests need: Chromium's DevTools protocol over a
//! pair of pipes.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use tempfile::TempDir;

/// Names the browser; it has to be there then. Without it, tests are skipped where there is no
/// `chromium`.
const BROWSER: &str = "TOUCHSTONE_TEST_BROWSER";

/// For a condition that never comes true. Arbitrary, and far beyond what a busy machine takes: the
/// page asks every two seconds.
const BACKSTOP_MS: u64 = 180_000;

/// Chromium listens on its descriptors 3 and 4 there; the shell gives it ours.
const WITH_PIPES: &str = r#"exec "$@" 3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null"#;

/// A browser with one page, ended with the test.
pub struct Browser {
    process: Child,
    _profile: TempDir,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    session: Option<String>,
    calls: u64,
    /// What it told unasked.
    events: Vec<Value>,
}

impl Browser {
    /// None where there is none, which is said.
    pub fn start() -> Option<Browser> {
        let named = std::env::var(BROWSER).ok();
        let program = named.clone().unwrap_or_else(|| "chromium".to_owned());
        let version = Command::new(&program).arg("--version").output();
        if !version.is_ok_and(|output| output.status.success()) {
            assert!(
                named.is_none(),
                "{BROWSER} names {program}, which does not start"
            );
            println!("skipped: there is no chromium here; {BROWSER} names another");
            return None;
        }
        let profile = tempfile::tempdir().expect("a folder");
        let folder = format!("--user-data-dir={}", profile.path().display());
        // Its own sandbox needs rights that containers do not give.
        let mut process = Command::new("sh")
            .args(["-c", WITH_PIPES, "sh", &program])
            .args([
                "--headless",
                "--remote-debugging-pipe",
                "--no-sandbox",
                "--disable-gpu",
            ])
            .args([
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
            ])
            .args([&folder, "about:blank"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let orders = process.stdin.take().expect("a pipe");
        let answers = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut browser = Browser {
            process,
            _profile: profile,
            orders,
            answers,
            session: None,
            calls: 0,
            events: Vec::new(),
        };
        browser.attach();
        Some(browser)
    }

    fn attach(&mut self) {
        let target = self.call("Target.createTarget", json!({"url": "about:blank"}));
        let attached = self.call(
            "Target.attachToTarget",
            json!({"targetId": target["targetId"], "flatten": true}),
        );
        let session = attached["sessionId"].as_str().expect("a session");
        self.session = Some(session.to_owned());
        for domain in ["Page", "Runtime", "Network", "Log"] {
            self.call(&format!("{domain}.enable"), json!({}));
        }
    }

    /// One call of the protocol, and its result.
    pub fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.calls += 1;
        let id = self.calls;
        let mut order = json!({"id": id, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            order["sessionId"] = session.as_str().into();
        }
        let order = format!("{order}\0");
        self.orders.write_all(order.as_bytes()).expect("it reads");
        loop {
            let message = self.message();
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    fn message(&mut self) -> Value {
        let mut bytes = Vec::new();
        self.answers.read_until(0, &mut bytes).expect("a message");
        assert_eq!(bytes.pop(), Some(0), "the browser ended");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    /// Waits for what it tells unasked.
    pub fn wait_for_event(&mut self, method: &str) {
        while !self.events.iter().any(|event| event["method"] == method) {
            let message = self.message();
            self.events.push(message);
        }
    }

    /// Forgets what it told of one kind, so that the next can be waited for.
    pub fn forget(&mut self, method: &str) {
        self.events.retain(|event| event["method"] != method);
    }

    pub fn open(&mut self, url: &str) {
        self.forget("Page.loadEventFired");
        // A page that differs in what is behind `#` alone would not be loaded anew.
        self.call("Page.navigate", json!({"url": "about:blank"}));
        self.wait_for_event("Page.loadEventFired");
        self.events.clear();
        self.call("Page.navigate", json!({"url": url}));
        self.wait_for_event("Page.loadEventFired");
    }

    /// The value of an expression in the page, awaited.
    #[track_caller]
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let parameters =
            json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let answer = self.call("Runtime.evaluate", parameters);
        let error = &answer["exceptionDetails"];
        assert!(error.is_null(), "{expression}: {error}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression has this value.
    #[track_caller]
    pub fn wait_for(&mut self, expression: &str, expect: impl Into<Value>) {
        let expect: Value = expect.into();
        let came = self.evaluate(&format!(
            "new Promise(done => {{
               const look = left => {{
                 const value = (() => {{ try {{ return {expression}; }} catch (error) {{ return String(error); }} }})();
                 if (JSON.stringify(value) === JSON.stringify({expect}) || left <= 0) done(value);
                 else setTimeout(() => look(left - 20), 20);
               }};
               look({BACKSTOP_MS});
             }})"
        ));
        assert_eq!(came, expect, "{expression}");
    }

    /// Addresses that were asked for since the page was opened.
    pub fn requests(&self) -> Vec<&str> {
        let sent = self.told("Network.requestWillBeSent");
        sent.filter_map(|event| event["params"]["request"]["url"].as_str())
            .collect()
    }

    /// Exceptions, errors and violations of the page's policy since it was opened.
    pub fn complaints(&self) -> Vec<&Value> {
        let logged = self.told("Log.entryAdded");
        self.told("Runtime.exceptionThrown").chain(logged).collect()
    }

    fn told(&self, method: &str) -> impl Iterator<Item = &Value> {
        let events = self.events.iter();
        events.filter(move |event| event["method"] == method)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends with its pipes too, but its folder goes first.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

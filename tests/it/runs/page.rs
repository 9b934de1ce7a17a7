//! The page: what it may load, and what it shows in a browser while a run is written.

use super::browser::Browser;
use super::{RunFolder, metrics, sample};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use touchstone::api::runs::{Hosts, Runs, router};
use tower::ServiceExt;

/// Runs in a folder, served on a port of this machine.
struct Served {
    folder: TempDir,
    run: RunFolder,
    address: String,
    /// Requests that were answered.
    requests: Arc<AtomicUsize>,
    _runtime: Runtime,
}

/// A run of three iterations with a sample.
fn served() -> Served {
    let folder = tempfile::tempdir().expect("a folder");
    let run = RunFolder::new(folder.path().join("experiment/run"));
    (0..3).for_each(|iteration| run.metrics(iteration));
    run.sample(&sample(2, "in_range/1", Some(1), Some(false)));
    let runtime = Runtime::new().expect("a runtime");
    let requests = Arc::new(AtomicUsize::new(0));
    let router = counted(folder.path(), &requests);
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
    let listener = listener.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    runtime.spawn(async { axum::serve(listener, router).await });
    Served {
        folder,
        run,
        address,
        requests,
        _runtime: runtime,
    }
}

fn counted(folder: &std::path::Path, requests: &Arc<AtomicUsize>) -> Router {
    let runs = Runs::open(folder).expect("it can be opened");
    let requests = Arc::clone(requests);
    router(runs, Hosts::Loopback).layer(axum::middleware::map_response(
        move |response: axum::response::Response| {
            requests.fetch_add(1, Ordering::SeqCst);
            async { response }
        },
    ))
}

impl Served {
    fn page(&self) -> String {
        format!("{}/runs", self.address)
    }

    fn run_page(&self) -> String {
        format!("{}/runs#run=experiment%2Frun", self.address)
    }

    /// A browser at this address; none where there is none.
    fn visited(&self, address: &str) -> Option<Browser> {
        let mut browser = Browser::start()?;
        browser.open(address);
        Some(browser)
    }

    /// That the page asked for nothing from elsewhere, and that nothing went wrong in it.
    #[track_caller]
    fn went_well(&self, browser: &mut Browser) {
        browser.wait_for("document.getElementById('connection').textContent", "Live");
        for url in browser.requests() {
            assert!(url.starts_with(&self.address), "{url}");
        }
        assert!(browser.requests().len() > 5, "{:?}", browser.requests());
        let complaints = browser.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}

/// How many points a curve has.
fn points(chart: &str, label: &str) -> String {
    format!(
        "Number(document.querySelector('#chart-{chart} [data-label=\"{label}\"]')?.dataset.points)"
    )
}

#[tokio::test]
async fn it_loads_nothing_from_elsewhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let runs = Runs::open(folder.path()).expect("it can be opened");
    let get = async |path: &str| {
        let request = Request::builder()
            .method(Method::GET)
            .uri(path)
            .header("host", "localhost");
        let request = request.body(Body::empty()).expect("a request");
        let answer = router(runs.clone(), Hosts::Loopback).oneshot(request).await;
        let (head, body) = answer.expect("an answer").into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        (head, String::from_utf8(body.to_vec()).expect("UTF-8"))
    };
    let (head, page) = get("/runs").await;
    assert_eq!(head.status, 200);
    let header = |name: &str| head.headers[name].to_str().expect("text");
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    let policy = header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"));
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(header("x-content-type-options"), "nosniff");
    let quoted = page
        .split('"')
        .filter(|text| text.starts_with("runs/assets/"));
    let mut files: Vec<String> = quoted.map(|path| format!("/{path}")).collect();
    assert_eq!(files.len(), 3);
    // What scripts import, they import from beside them.
    let mut read = 0;
    while let Some(path) = files.get(read).cloned() {
        read += 1;
        let (head, text) = get(&path).await;
        assert_eq!(head.status, 200, "{path}");
        assert_eq!(head.headers["x-content-type-options"], "nosniff");
        assert_eq!(head.headers["content-security-policy"], policy);
        let kind = if path.ends_with(".css") {
            "text/css; charset=utf-8"
        } else {
            "text/javascript; charset=utf-8"
        };
        assert_eq!(head.headers["content-type"], kind);
        let imported = text.split("from \"./").skip(1);
        for name in imported.filter_map(|rest| rest.split('"').next()) {
            let path = format!("/runs/assets/{name}");
            if !files.contains(&path) {
                files.push(path);
            }
        }
        for risky in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "@import",
            "url(http",
        ] {
            assert!(!text.contains(risky), "{path}: {risky}");
        }
    }
    assert_eq!(files.len(), 9, "{files:?}");
    assert!(!page.contains("http"), "{page}");
    assert!(
        !page.contains("<script>") && !page.contains("style="),
        "{page}"
    );
    assert_eq!(get("/").await.0.headers["location"], "runs");
    assert_eq!(get("/runs/").await.0.headers["location"], "../runs");
}

#[test]
fn curves_move_while_a_run_is_written() {
    let served = served();
    let Some(mut browser) = served.visited(&served.run_page()) else {
        return;
    };
    let labels = points("labels", "pass their tests");
    browser.wait_for(&labels, 3);
    browser.wait_for(&points("pass", "held-out"), 2);
    browser.wait_for(&points("loss", "generator"), 3);
    // Fields that are null everywhere have no curve, and unknown numbers have one.
    browser.wait_for(
        "document.querySelector('#chart-loss [data-label=critic]') === null",
        true,
    );
    browser.evaluate("for (const more of document.querySelectorAll('details')) more.open = true");
    browser.wait_for(&points("others", "new_number"), 3);
    let path = "document.querySelector('#chart-labels [data-label=\"pass their tests\"] .line').getAttribute('d')";
    let before = browser.evaluate(path);
    served.run.metrics(3);
    served.run.metrics(4);
    browser.wait_for(&labels, 5);
    browser.wait_for(&points("pass", "held-out"), 3);
    assert_ne!(browser.evaluate(path), before);
    browser.wait_for(
        "document.querySelector('#figures').innerText.includes('4 of 9')",
        true,
    );
    browser.wait_for(
        "document.querySelector('#figures').innerText.includes('Training: iteration 5')",
        true,
    );

    // A line that is being written is no point yet. The sample shows that the page has asked.
    let line = metrics(5, 0.5);
    let (begin, end) = line.split_at(60);
    served.run.append("metrics.jsonl", begin);
    served.run.sample(&sample(4, "clamp/5", Some(0), None));
    browser.wait_for(
        "document.querySelector('#current h3')?.textContent",
        "clamp/5",
    );
    assert_eq!(browser.evaluate(&labels), 5);
    served.run.append("metrics.jsonl", end);
    browser.wait_for(&labels, 6);

    // Resumed from the first iteration: what came after it is gone.
    served
        .run
        .write("metrics.jsonl", &(metrics(0, 0.5) + &metrics(1, 0.9)));
    browser.wait_for(&labels, 2);
    served.run.write("ended.json", r#"{"why": "wall"}"#);
    browser.wait_for(
        "document.querySelector('#figures').innerText.includes('its time is over')",
        true,
    );
    served.went_well(&mut browser);
}

#[test]
fn samples_show_their_tests_and_verdicts() {
    let served = served();
    let Some(mut browser) = served.visited(&served.run_page()) else {
        return;
    };
    browser.wait_for("document.querySelectorAll('#current .sample').length", 1);
    browser.wait_for(
        "document.querySelector('#current .badge').textContent",
        "passed its tests but is wrong",
    );
    browser.wait_for(
        "[...document.querySelectorAll('#current .test td')].map(cell => cell.textContent)",
        json!([
            "satisfied",
            "f(9)",
            "expected True, got False",
            "critic × 2"
        ]),
    );
    browser.wait_for(
        "[...document.querySelectorAll('#current .program .row')].map(row => row.className + ':' + row.textContent).slice(1, 4)",
        json!([
            "row same: def f(x):\n",
            "row removed:−only in the reference:  return -3<=x<=9\n",
            "row added:+only in the answer:  return -3<=x<9\n",
        ]),
    );
    for (question, label, correct) in [
        ("clamp/1", Some(0), Some(false)),
        ("clamp/2", Some(1), Some(true)),
        ("in_range/2", Some(1), Some(false)),
    ] {
        served.run.sample(&sample(3, question, label, correct));
    }
    let questions =
        "[...document.querySelectorAll('#inspected h3')].map(title => title.textContent)";
    browser.wait_for(questions, json!(["clamp/1", "clamp/2", "in_range/2"]));
    let choose = |browser: &mut Browser, id: &str, value: &str| {
        browser.evaluate(&format!(
            "{{ const select = document.getElementById('{id}'); select.value = '{value}';
                select.dispatchEvent(new Event('change')); }}"
        ));
    };
    choose(&mut browser, "show", "passed-but-wrong");
    browser.wait_for(questions, json!(["in_range/2"]));
    choose(&mut browser, "show", "failed");
    browser.wait_for(questions, json!(["clamp/1"]));
    choose(&mut browser, "family", "in_range");
    browser.wait_for(questions, json!([]));
    choose(&mut browser, "show", "all");
    browser.wait_for(questions, json!(["in_range/2"]));
    choose(&mut browser, "iteration", "2");
    browser.wait_for(questions, json!(["in_range/1"]));
    browser.evaluate("document.getElementById('later').click()");
    browser.wait_for(questions, json!(["in_range/2"]));
    // What is looked at stands in the address, and is found again by it.
    let address = browser.evaluate("location.href");
    browser.open(address.as_str().expect("an address"));
    browser.wait_for(questions, json!(["in_range/2"]));
    served.went_well(&mut browser);
}

/// Everything that a model or a folder's name could smuggle in is text.
#[test]
fn markup_in_texts_is_text() {
    const MARKUP: &str =
        "<script>window.ran = 1</script><img src=x onerror='window.ran = 2'><b>x</b>";
    let served = served();
    let named = RunFolder::new(served.folder.path().join("<b>x<"))
        .path()
        .to_owned();
    let run = RunFolder::new(named);
    let config = json!({"arm": MARKUP, "seed": MARKUP, "iterations": MARKUP});
    run.write("config.json", &config.to_string());
    run.append(
        "warm.jsonl",
        &format!(
            "{}\n",
            json!({"player": MARKUP, "step": 1, "steps": MARKUP, "loss": 1})
        ),
    );
    let line = json!({"iteration": 1, "iterations": MARKUP, "pass_at_1": MARKUP, "families": {MARKUP: 0.5}, MARKUP: 1.5,
                      "train_pass_rate": 0.5, "seconds": {}, "generator": MARKUP, "timing": []});
    run.append("metrics.jsonl", &format!("{line}\n"));
    let test = json!({"test": MARKUP, "verdict": MARKUP, "message": MARKUP, "from": MARKUP, "times": MARKUP});
    let mut hostile = json!({"iteration": 1, "tests": [test], "samples": MARKUP});
    for field in ["question", "family", "prompt", "reference", "answer"] {
        hostile[field] = format!("{field} {MARKUP}").into();
    }
    run.sample(&hostile);
    // Fields of other kinds, and none.
    run.sample(&json!({"iteration": 1, "tests": {"a": 1}, "answer": 5, "question": [], "label": "x", "correct": 1}));
    run.sample(&json!({"iteration": 1}));
    run.write("ended.json", &json!({"why": MARKUP}).to_string());

    let Some(mut browser) = served.visited(&served.page()) else {
        return;
    };
    browser.wait_for("document.querySelectorAll('#rows tr').length", 2);
    let link =
        "[...document.querySelectorAll('#rows a')].find(link => link.textContent === '<b>x<')";
    let none = "document.querySelectorAll('main script, main img, main b:not(.legend b), header b').length";
    assert_eq!(browser.evaluate(none), 0);
    browser.evaluate(&format!("{link}.click()"));
    browser.wait_for("document.querySelectorAll('#inspected .sample').length", 3);
    let shown = browser.evaluate("document.querySelector('#inspected .sample').textContent");
    let shown = shown.as_str().expect("text");
    for field in ["question", "prompt", "reference", "answer"] {
        assert!(
            shown.contains(&format!("{field} {MARKUP}")),
            "{field}: {shown}"
        );
    }
    assert!(shown.matches(MARKUP).count() >= 7, "{shown}");
    browser.evaluate("for (const more of document.querySelectorAll('details')) more.open = true");
    browser.wait_for(&points("families", &MARKUP.replace('\'', "\\'")), 1);
    assert_eq!(browser.evaluate(none), 0);
    assert_eq!(browser.evaluate("typeof window.ran"), "undefined");
    served.went_well(&mut browser);
    // The second wall: no text would become a script, even if the page asked for it.
    let inserted = browser.evaluate(
        "(() => { try { document.body.innerHTML = '<b>x</b>'; return 'inserted'; } catch (error) { return error.name; } })()",
    );
    assert_eq!(inserted, "TypeError");
}

#[test]
fn the_list_leads_to_runs() {
    let served = served();
    let Some(mut browser) = served.visited(&served.page()) else {
        return;
    };
    let rows = "[...document.querySelectorAll('#rows tr')].map(row => row.children[0].textContent)";
    browser.wait_for(rows, json!(["experiment/run"]));
    browser.wait_for(&points("compare-pass", "experiment/run"), 2);
    RunFolder::new(served.folder.path().join("another")).metrics(0);
    browser.wait_for(rows, json!(["another", "experiment/run"]));
    served.run.metrics(3);
    served.run.metrics(4);
    browser.wait_for(&points("compare-pass", "experiment/run"), 3);
    // The link that has the focus keeps it.
    browser.evaluate("document.querySelector('#rows tr:last-child a').focus()");
    served.run.metrics(5);
    let iteration = "document.querySelector('#rows tr:last-child .iteration').textContent";
    browser.wait_for(iteration, " 5 of 9");
    browser.evaluate("document.activeElement.click()");
    browser.wait_for("document.title", "experiment/run · Touchstone");
    browser.wait_for(&points("labels", "are right"), 6);
    served.went_well(&mut browser);
    browser.evaluate("location.hash = '#run=unknown'");
    browser.wait_for(
        "document.getElementById('connection').textContent.includes('no run of this name')",
        true,
    );
}

#[test]
fn it_is_usable_by_keyboard_and_on_a_small_screen() {
    let served = served();
    let Some(mut browser) = served.visited(&served.run_page()) else {
        return;
    };
    browser.wait_for(&points("labels", "are right"), 3);
    let press = |browser: &mut Browser, key: &str| {
        for kind in ["keyDown", "keyUp"] {
            browser.call(
                "Input.dispatchKeyEvent",
                json!({"type": kind, "key": key, "code": key}),
            );
        }
    };
    let read = "document.querySelector('#chart-loss .where').textContent";
    browser.evaluate("document.querySelector('#chart-labels svg').focus()");
    for (key, expect) in [
        ("ArrowLeft", "iteration 2"),
        ("ArrowLeft", "iteration 1"),
        ("Home", "iteration 0"),
        ("ArrowRight", "iteration 1"),
        ("Escape", "last values"),
    ] {
        press(&mut browser, key);
        browser.wait_for(read, expect);
    }
    // Everything that can be used has a name.
    let nameless = browser.evaluate(
        "[...document.querySelectorAll('button, select, a, summary')].filter(element =>
           !(element.textContent.trim() || element.ariaLabel) ||
           element.matches('select') && !element.labels.length).map(element => element.outerHTML)",
    );
    assert_eq!(nameless, json!([]));
    let screen = json!({"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": true});
    browser.call("Emulation.setDeviceMetricsOverride", screen);
    let long = "x".repeat(300);
    let mut wide = sample(3, &format!("family/{long}"), Some(0), Some(false));
    wide["answer"] = format!("def f(x): return '{long}'").into();
    wide["tests"][0]["test"] = format!("f('{long}')").into();
    wide["tests"][0]["message"] = long.into();
    served.run.sample(&wide);
    browser.wait_for(
        "document.querySelector('#current h3').textContent.length",
        307,
    );
    for address in [served.run_page(), served.page()] {
        browser.open(&address);
        browser.wait_for("document.getElementById('connection').textContent", "Live");
        let widths = browser.evaluate("[document.documentElement.scrollWidth, innerWidth]");
        assert_eq!(widths, json!([400, 400]), "{address}");
    }
}

#[test]
fn it_does_not_ask_while_nobody_looks() {
    let served = served();
    let Some(mut browser) = served.visited(&served.run_page()) else {
        return;
    };
    browser.wait_for(&points("labels", "are right"), 3);
    let hide = |browser: &mut Browser, hidden: bool| {
        browser.evaluate(&format!(
            "Object.defineProperty(document, 'hidden', {{ value: {hidden}, configurable: true }});
             document.dispatchEvent(new Event('visibilitychange'))"
        ));
    };
    hide(&mut browser, true);
    // What was under way may end; then a minute of the page's time passes.
    let pass = |browser: &mut Browser, budget: u64| {
        let policy = json!({"policy": "pauseIfNetworkFetchesPending", "budget": budget});
        browser.call("Emulation.setVirtualTimePolicy", policy);
        browser.wait_for_event("Emulation.virtualTimeBudgetExpired");
        browser.forget("Emulation.virtualTimeBudgetExpired");
    };
    pass(&mut browser, 5_000);
    let before = served.requests.load(Ordering::SeqCst);
    pass(&mut browser, 60_000);
    assert_eq!(served.requests.load(Ordering::SeqCst), before);
    // The same minute, looked at.
    hide(&mut browser, false);
    pass(&mut browser, 60_000);
    let asked = served.requests.load(Ordering::SeqCst) - before;
    assert!(asked > 20, "{asked}");
}

#[test]
fn texts_are_aligned() {
    let served = served();
    let Some(mut browser) = served.visited(&served.page()) else {
        return;
    };
    browser.wait_for("document.readyState", "complete");
    for (before, after, expect) in [
        ("a", "a", "=a"),
        ("a", "b", "-a +b"),
        ("a\nb\nc", "a\nc", "=a -b =c"),
        ("a\nc", "a\nb\nc", "=a +b =c"),
        ("a\nb\nc\nd", "x\nb\nd\ny", "-a +x =b -c =d +y"),
        ("", "a", "- +a"),
        ("b\na\nb", "a\nb\na", "-b =a =b +a"),
    ] {
        let rows = browser.evaluate(&format!(
            "import(new URL('runs/assets/diff.js', document.baseURI)).then(({{ diff }}) =>
               diff({}, {}).map(row => ({{ same: '=', removed: '-', added: '+' }})[row.kind] + row.text).join(' '))",
            Value::from(before),
            Value::from(after),
        ));
        assert_eq!(rows, expect, "{before:?} {after:?}");
    }
}

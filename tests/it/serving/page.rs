//! The page at `/` in a browser, over a server with real sandboxes.

use super::Server;
use crate::runs::RunFolder;
use crate::runs::browser::Browser;
use serde_json::json;

/// A browser that shows the page; none where there is none.
fn visited(server: &Server) -> Option<Browser> {
    let mut browser = Browser::start()?;
    browser.open(&format!("http://{}/", server.address));
    browser.wait_for("document.querySelectorAll('#checks li').length", 3);
    Some(browser)
}

/// Types into a field, as far as the page can tell.
fn enter(browser: &mut Browser, selector: &str, text: &str) {
    browser.evaluate(&format!(
        "{{ const input = document.querySelector({selector}); input.value = {text};
            input.dispatchEvent(new Event('input', {{ bubbles: true }})); }}",
        selector = json!(selector),
        text = json!(text),
    ));
}

fn press(browser: &mut Browser, key: &str, control: bool) {
    let modifiers = if control { 2 } else { 0 };
    for kind in ["rawKeyDown", "keyUp"] {
        let code = match key {
            "Enter" => 13,
            "Tab" => 9,
            _ => 0,
        };
        let event = json!({"type": kind, "key": key, "code": key, "modifiers": modifiers,
                           "windowsVirtualKeyCode": code, "nativeVirtualKeyCode": code});
        browser.call("Input.dispatchKeyEvent", event);
    }
}

const SUMMARY: &str = "document.getElementById('summary').textContent";
const BADGES: &str =
    "[...document.querySelectorAll('#verdicts .badge')].map(badge => badge.textContent)";

/// That the page asked for nothing from elsewhere, and that nothing but the answers of these
/// statuses went wrong in it.
#[track_caller]
fn went_well(server: &Server, browser: &mut Browser, expected: &[&str]) {
    let address = format!("http://{}/", server.address);
    for url in browser.requests() {
        assert!(url.starts_with(&address), "{url}");
    }
    let complaints = browser.complaints().into_iter();
    let complaints: Vec<_> = complaints
        .filter(|event| {
            let text = event["params"]["entry"]["text"]
                .as_str()
                .unwrap_or_default();
            !expected.iter().any(|status| text.contains(status))
        })
        .collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn verdicts_come_with_what_was_expected_and_what_came() {
    let server = Server::start(&["--workers", "1"], &[]);
    let Some(mut browser) = visited(&server) else {
        return;
    };
    browser.evaluate("document.getElementById('code').focus()");
    press(&mut browser, "Enter", true);
    browser.wait_for(SUMMARY, "1 passed of 3 valid of 3 checks; reward 0");
    browser.wait_for(BADGES, json!(["fail", "pass", "fail"]));
    browser.wait_for(
        "[...document.querySelectorAll('#verdict-1 .row')].map(row => row.className + ':' + row.textContent)",
        json!([
            "row removed:−only in what is expected: 5\n",
            "row added:+only in what came: -1\n"
        ]),
    );
    browser.wait_for(
        "document.querySelector('#verdict-3 p').textContent",
        "AssertionError: opposites",
    );
    // The program is mended, and judged again by the button.
    enter(&mut browser, "#code", "def add(a, b):\n    return a + b\n");
    browser.evaluate("document.getElementById('judge').click()");
    browser.wait_for(SUMMARY, "3 passed of 3 valid of 3 checks; reward 1");
    // The request that it shows is one that a program can send.
    let shown = browser.evaluate("document.getElementById('request').textContent");
    let request = serde_json::from_str(shown.as_str().expect("text")).expect("JSON");
    let answer = server.post(&request).json();
    assert_eq!(answer["results"][0]["reward"]["generator"], 1.0, "{answer}");
    went_well(&server, &mut browser, &[]);
}

#[test]
fn a_refused_request_is_explained_at_its_fields() {
    let server = Server::start(&["--workers", "1"], &[]);
    let Some(mut browser) = visited(&server) else {
        return;
    };
    // The second check has nothing to compare with, and the time is no number.
    enter(
        &mut browser,
        "#checks li:nth-child(2) [data-name=expected]",
        "",
    );
    enter(&mut browser, "#time", "soon");
    browser.evaluate("document.getElementById('judge').click()");
    browser.wait_for(
        SUMMARY,
        "Not judged: the service does not take this request.",
    );
    browser.wait_for("document.querySelectorAll('#verdicts li').length", 0);
    let told = "[...document.querySelectorAll('#problems li')].map(line => line.textContent.split(':')[0])";
    browser.wait_for(told, json!(["limits.time_ms"]));
    enter(&mut browser, "#time", "");
    browser.evaluate("document.getElementById('judge').click()");
    browser.wait_for(told, json!(["Check 2, expected"]));
    let marked = "[...document.querySelectorAll('[aria-invalid]')].map(input => input.dataset.name + ': ' + document.getElementById(input.getAttribute('aria-describedby')).textContent.length)";
    let length = browser.evaluate(marked);
    assert!(
        length[0]
            .as_str()
            .is_some_and(|field| field.starts_with("expected: ")),
        "{length}"
    );
    // The line leads to the field, which is mended there.
    browser.evaluate("document.querySelector('#problems button').click()");
    browser.wait_for("document.activeElement.dataset.name", "expected");
    enter(
        &mut browser,
        "#checks li:nth-child(2) [data-name=expected]",
        "7",
    );
    press(&mut browser, "Enter", true);
    browser.wait_for(SUMMARY, "1 passed of 3 valid of 3 checks; reward 0");
    browser.wait_for(
        "document.querySelectorAll('[aria-invalid], .wrong').length",
        0,
    );
    went_well(&server, &mut browser, &["422"]);
}

#[test]
fn every_example_is_judged_and_nothing_ran_as_markup() {
    let server = Server::start(&["--workers", "2"], &[]);
    let Some(mut browser) = visited(&server) else {
        return;
    };
    let expect = [
        "1 passed of 3 valid of 3 checks; reward 0",
        "1 passed of 2 valid of 3 checks; reward 0",
        "2 passed of 2 valid of 2 checks; reward 1",
        "0 passed of 2 valid of 2 checks; reward 0",
    ];
    for (example, expect) in expect.iter().enumerate() {
        browser.evaluate(&format!(
            "{{ const select = document.getElementById('example'); select.value = '{example}';
                select.dispatchEvent(new Event('change')); }}"
        ));
        browser.evaluate("document.getElementById('judge').click()");
        browser.wait_for(SUMMARY, *expect);
    }
    browser.wait_for(BADGES, json!(["fail", "time limit"]));
    let markup = "<img src=x onerror='window.ran = 1'>";
    enter(
        &mut browser,
        "#code",
        &format!(
            "def answer():\n    print({markup:?})\n    return {markup:?}\n\n\ndef endless(): return None\n"
        ),
    );
    browser.evaluate("document.getElementById('judge').click()");
    browser.wait_for(BADGES, json!(["fail", "pass"]));
    browser.wait_for(
        "document.querySelector('#verdict-1').textContent.includes(\"<img src=x onerror='window.ran = 1'>\")",
        true,
    );
    browser.wait_for(
        "document.querySelector('#verdicts img') === null && window.ran === undefined",
        true,
    );
    went_well(&server, &mut browser, &[]);
}

#[test]
fn checks_are_added_and_removed_by_keyboard() {
    let server = Server::start(&["--workers", "1"], &[]);
    let Some(mut browser) = visited(&server) else {
        return;
    };
    browser.evaluate("document.getElementById('add').focus()");
    press(&mut browser, "Enter", false);
    // Chromium clicks a button on the character, not on the key.
    browser.evaluate(
        "document.querySelectorAll('#checks li').length > 3 || document.activeElement.click()",
    );
    browser.wait_for("document.querySelectorAll('#checks li').length", 4);
    browser.wait_for(
        "document.activeElement.closest('li').querySelector('h3').textContent",
        "Check 4",
    );
    browser.evaluate("document.querySelector('#checks li:nth-child(2) button').click()");
    browser.wait_for(
        "[...document.querySelectorAll('#checks h3')].map(title => title.textContent)",
        json!(["Check 1", "Check 2", "Check 3"]),
    );
    browser.wait_for(
        "document.activeElement.closest('li').querySelector('h3').textContent",
        "Check 2",
    );
    // Every field can be reached, and each has a name.
    browser.wait_for(
        "[...document.querySelectorAll('input, select, textarea')].every(input => input.labels.length > 0)",
        true,
    );
    went_well(&server, &mut browser, &[]);
}

#[test]
fn runs_are_linked_where_there_are_some() {
    let folder = tempfile::tempdir().expect("a folder");
    RunFolder::new(folder.path().join("run")).metrics(0);
    let path = folder.path().to_str().expect("Unicode");
    let link = |server: &Server| {
        let page = server.get("/");
        let text = String::from_utf8(page.body).expect("UTF-8");
        text.contains("<a href=\"runs\">")
    };
    assert!(link(&Server::start(
        &["--workers", "1", "--runs", path],
        &[]
    )));
    assert!(!link(&Server::start(&["--workers", "1"], &[])));
}

/// What is typed there is sent with a check, and with the page's look at the figures.
#[test]
fn a_key_is_asked_for_and_sent() {
    const KEY: &str = "ts_0123456789abcdef";
    let server = Server::start(
        &["--workers", "1"],
        &[
            ("TOUCHSTONE_API_KEYS", &format!("ci:{KEY}")),
            ("TOUCHSTONE_ACCESS_METRICS_NEED_KEY", "true"),
        ],
    );
    let Some(mut browser) = visited(&server) else {
        return;
    };
    let no_figures = "document.getElementById('figures-note').textContent";
    browser.wait_for(
        no_figures,
        "No figures of the service: its metrics are not shown here (401).",
    );
    browser.wait_for("document.getElementById('key-part').open", false);
    let judge = "document.getElementById('judge').click()";
    browser.evaluate(judge);
    browser.wait_for(
        SUMMARY,
        "Not judged: an API key is needed: `Authorization: Bearer KEY`",
    );
    browser.wait_for("document.getElementById('key-part').open", true);
    browser.wait_for("document.activeElement.id", "key");
    enter(&mut browser, "#key", "ts_nobodys0123456789");
    browser.evaluate(judge);
    browser.wait_for(SUMMARY, "Not judged: this API key is not known");
    browser.wait_for("document.querySelectorAll('#verdicts li').length", 0);
    enter(&mut browser, "#key", KEY);
    browser.evaluate(judge);
    browser.wait_for(SUMMARY, "1 passed of 3 valid of 3 checks; reward 0");
    browser.wait_for(BADGES, json!(["fail", "pass", "fail"]));
    browser.wait_for("document.getElementById('figures-note').hidden", true);
    // It is nowhere but in the field.
    let kept = "[localStorage.length, sessionStorage.length, document.cookie, location.href.includes('ts_'), document.getElementById('request').textContent.includes('ts_')]";
    browser.wait_for(kept, json!([0, 0, "", false, false]));
    went_well(&server, &mut browser, &["401"]);
}

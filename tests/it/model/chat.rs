//! Chat templates, against what transformers makes of them.

use serde::Deserialize;
use serde_json::{Value, json};
use touchstone::model::chat::{Chat, Message};

use super::{folder, message};

/// A template of a test, by name.
fn template(name: &str) -> &'static str {
    match name {
        "qwen" => include_str!("chat/qwen.jinja"),
        "llama" => include_str!("chat/llama.jinja"),
        "turns" => include_str!("chat/turns.jinja"),
        "reasoning" => include_str!("chat/reasoning.jinja"),
        other => panic!("no template {other}"),
    }
}

/// A folder with a template in its `tokenizer_config.json`.
fn with_template(source: &str) -> tempfile::TempDir {
    let config = json!({
        "chat_template": source,
        "bos_token": {"content": "<s>", "special": true},
        "eos_token": "</s>",
    });
    folder(&[("tokenizer_config.json", config.to_string())])
}

fn hello() -> Vec<Message> {
    vec![Message::new("user", "Hello")]
}

/// What a template makes of one message, or why not.
fn render(source: &str) -> Result<String, String> {
    let folder = with_template(source);
    let chat = Chat::open(folder.path()).map_err(|error| message(folder.path(), &error))?;
    let text = chat.render(&hello(), true);
    text.map_err(|error| message(folder.path(), &error))
}

/// A case of reference.json, which reference.py beside it has written.
#[derive(Deserialize)]
struct Case {
    template: String,
    messages: Vec<Message>,
    prompt: bool,
    text: Option<String>,
    refused: Option<String>,
}

#[test]
fn texts_are_those_of_transformers() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("chat/reference.json")).expect("cases");
    for case in &cases {
        let chat = match &*case.template {
            "chatml" => Chat::chatml(),
            other => Chat::open(with_template(template(other)).path()),
        };
        let text = chat.expect("a chat").render(&case.messages, case.prompt);
        let place = format!("{} {:?}", case.template, case.messages);
        match (&case.text, &case.refused) {
            (Some(expected), _) => assert_eq!(text.expect(&place), *expected, "{place}"),
            (None, Some(reason)) => {
                let error = text.expect_err(&place).to_string();
                let expected = format!("the chat template refuses these messages: {reason}");
                assert!(error.ends_with(&expected), "{place}: {error}");
            }
            (None, None) => panic!("{place}: neither text nor refusal"),
        }
    }
    assert_eq!(cases.len(), 50);
}

#[test]
fn where_templates_stand() {
    let check = |files: &[(&str, Value)], expected: Result<&str, &str>| {
        let files: Vec<(&str, String)> = files
            .iter()
            .map(|(name, value)| match value {
                Value::String(text) => (*name, text.clone()),
                other => (*name, other.to_string()),
            })
            .collect();
        let folder = folder(&files);
        let text = Chat::open(folder.path()).and_then(|chat| chat.render(&hello(), false));
        let text = text.map_err(|error| message(folder.path(), &error));
        assert_eq!(text.as_deref().map_err(|error| &**error), expected);
    };
    let named = json!({"chat_template": [
        {"name": "tools", "template": "with tools"},
        {"name": "default", "template": "plain {{ eos_token }}"},
    ]});
    check(&[("tokenizer_config.json", named.clone())], Ok("plain "));
    check(
        &[
            ("tokenizer_config.json", named.clone()),
            (
                "special_tokens_map.json",
                json!({"eos_token": {"content": "</s>"}}),
            ),
        ],
        Ok("plain </s>"),
    );
    check(
        &[
            ("tokenizer_config.json", named),
            ("chat_template.jinja", json!("from the file\n")),
        ],
        Ok("from the file"),
    );
    check(
        &[(
            "tokenizer_config.json",
            json!({"chat_template": [{"name": "rag", "template": ""}]}),
        )],
        Err(
            "DIR/tokenizer_config.json: chat_template has no template named \"default\", only: rag",
        ),
    );
    check(
        &[("tokenizer_config.json", json!({"chat_template": 1}))],
        Err("DIR/tokenizer_config.json: chat_template is no text"),
    );
    check(
        &[("tokenizer_config.json", json!({}))],
        Err(
            "DIR: has no chat template: neither chat_template.jinja nor chat_template in \
             tokenizer_config.json; a model without one can be given texts, but no conversations",
        ),
    );
}

#[test]
fn templates_that_fail() {
    let check = |source: &str, expected: &str| assert_eq!(render(source), Err(expected.to_owned()));
    check(
        "one\n{% if %}",
        "DIR/tokenizer_config.json: the chat template fails at line 2: syntax error: unexpected \
         end of block",
    );
    check(
        "{{ raise_exception('no ' + messages[0].role) }}",
        "DIR/tokenizer_config.json: the chat template refuses these messages: no user",
    );
    check(
        "\n\n{{ messages[7].role }}",
        "DIR/tokenizer_config.json: the chat template fails at line 3: undefined value: `messages[7]` is undefined",
    );
    check(
        "{{ messages | tojson(ensure_ascii=true) }}",
        "DIR/tokenizer_config.json: the chat template fails at line 1: invalid operation: tojson \
         knows no ensure_ascii=true",
    );
    check(
        "{{ strftime_now('%Y') }}",
        "DIR/tokenizer_config.json: the chat template needs a date; give one to have the same \
         text every day",
    );
}

#[test]
fn days() {
    let check = |day: &str, format: &str, expected: Result<&str, &str>| {
        let folder = with_template(&format!("{{{{ strftime_now('{format}') }}}}"));
        let text = day.parse().and_then(|day| {
            let chat = Chat::open(folder.path()).expect("a chat").with_date(day);
            chat.render(&hello(), false)
        });
        let text = text.map_err(|error| message(folder.path(), &error));
        assert_eq!(text.as_deref().map_err(|error| &**error), expected);
    };
    // date(2024, 2, 29).strftime(…) in Python, and so on.
    check("2024-02-29", "%d %b %Y, %A", Ok("29 Feb 2024, Thursday"));
    check(
        "2026-01-05",
        "%a %-d.%-m.%y %B %m %d%%",
        Ok("Mon 5.1.26 January 01 05%"),
    );
    check("1999-12-31", "%A", Ok("Friday"));
    check("2000-01-01", "%A", Ok("Saturday"));
    for none in [
        "2023-02-29",
        "2024-13-01",
        "2024-00-10",
        "24",
        "2024-1-1-1",
        "today",
    ] {
        check(
            none,
            "",
            Err(&format!("{none:?} is not a day such as 2026-01-31")),
        );
    }
    check(
        "2024-02-29",
        "%H:%M",
        Err(
            "DIR/tokenizer_config.json: the chat template fails at line 1: invalid operation: \
             strftime_now knows no %H",
        ),
    );
    // A template that asks whether there is a clock has its own day without.
    let llama = || Chat::open(with_template(template("llama")).path()).expect("a chat");
    let text = |chat: Chat| chat.render(&hello(), false).expect("text");
    assert!(text(llama()).contains("Today is 01 Jan 2024."));
    let chat = llama().with_date("2026-01-31".parse().expect("a day"));
    assert!(text(chat).contains("Today is 31 Jan 2026."));
}

#[test]
fn a_template_without_an_end_is_stopped() {
    let long = "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}\
                {% endfor %}{% endfor %}{% endfor %}";
    assert_eq!(
        render(long),
        Err(
            "DIR/tokenizer_config.json: the chat template fails at line 1: engine ran out of fuel"
                .to_owned()
        )
    );
}

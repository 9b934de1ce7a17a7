//! The page: well-formed, by itself, and drawn right.

use super::{Made, all_origins, folder, read, report, write};

/// That every element is closed, in order, and every attribute quoted; gives the names of elements.
#[track_caller]
fn elements(page: &str) -> Vec<String> {
    let page = page.strip_prefix("<!doctype html>\n").expect("a page");
    // Of text, only the style may have what looks like a tag or an entity.
    let (head, rest) = page.split_once("<style>").expect("a style");
    let (_, rest) = rest.split_once("</style>").expect("its end");
    let page = format!("{head}{rest}");
    let (mut open, mut all): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for part in page.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("the end of a tag");
        assert!(!text.contains('>'), "a stray > in {text:?}");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        let name = tag.trim_start_matches('/').split([' ', '/']).next();
        let name = name.unwrap_or_default().to_owned();
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric()), "{tag}");
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "{tag}");
        } else {
            all.push(name.clone());
            if !tag.ends_with('/') {
                open.push(name);
            }
        }
    }
    assert!(open.is_empty(), "{open:?}");
    all
}

fn count(elements: &[String], name: &str) -> usize {
    elements.iter().filter(|element| *element == name).count()
}

/// That a page asks for nothing: no script, and no address of anything.
#[track_caller]
fn needs_nothing(page: &str) {
    for word in [
        "http://", "https://", "//", "<script", "src=", "url(", "@import", "NaN", "inf",
    ] {
        let found = page
            .find(word)
            .map(|at| &page[at.saturating_sub(60)..at + word.len()]);
        assert_eq!(found, None, "{word}");
    }
    assert_eq!(
        page.matches("href=").count(),
        page.matches("href=\"data:,\"").count()
    );
}

fn full() -> Vec<Made> {
    all_origins(&[
        Made::new("rlac", 40e3, 50e3),
        Made::new("static", 80e3, 100e3),
        Made::new("fixed-16", 100e3, 150e3),
    ])
}

#[test]
fn it_is_well_formed_and_needs_nothing_else() {
    let page = report(&full()).html();
    needs_nothing(&page);
    let elements = elements(&page);
    assert_eq!(count(&elements, "html"), 1);
    assert_eq!(count(&elements, "article"), 1);
    // pass@1 four ways; detection twice and entropy; the gaming gap. Nothing else was measured.
    assert_eq!(count(&elements, "svg"), 8);
    assert!(page.contains("<span class=\"badge met\">met</span>"));
}

#[test]
fn one_run_that_has_just_begun_is_enough() {
    for metrics in [
        "",
        "{\"iteration\": 0, \"executions\": 0, \"pass_at_1\": 0.4}\n",
    ] {
        let folder = folder(&[("run/metrics.jsonl", metrics)]);
        let page = read(&folder).expect("a run").html();
        needs_nothing(&page);
        elements(&page);
        assert!(page.contains("Nothing was measured yet."));
    }
}

#[test]
fn names_of_files_are_mere_text() {
    let name = "<b onclick='x'>\"&|";
    let folder = folder(&[(
        "run/metrics.jsonl",
        "{\"iteration\": 0, \"executions\": 0, \"pass_at_1\": 0.4}\n\
         {\"iteration\": 1, \"executions\": 9, \"pass_at_1\": 0.5}\n",
    )]);
    let config = serde_json::json!({ "arm": name }).to_string();
    write(folder.path(), "run/config.json", &config);
    let experiment = read(&folder).expect("a run");
    elements(&experiment.html());
    assert!(
        experiment
            .html()
            .contains("&lt;b onclick=&#39;x&#39;&gt;&quot;&amp;|")
    );
    let text = experiment.markdown();
    assert!(text.contains("&lt;b onclick='x'>\"&\\|") && !text.contains("<b"));
}

#[test]
fn a_band_ends_where_the_first_of_its_runs_ends() {
    let second = Made {
        seed: 2,
        ..Made::new("rlac", 80e3, 20e3)
    };
    let page = report(&[Made::new("rlac", 40e3, 40e3), second]).html();
    let (_, chart) = page
        .split_once("<h3>pass@1 against executions</h3>")
        .expect("a chart");
    let (chart, _) = chart.split_once("</figure>").expect("its end");
    assert!(chart.contains("rlac <small>2 runs</small>"));
    let told: Vec<&str> = chart
        .split("<title>")
        .skip(1)
        .filter_map(|rest| rest.split("</title>").next())
        .collect();
    assert_eq!(told[0], "rlac at 0.0: 0.400 (0.400 to 0.400)");
    assert_eq!(told[told.len() / 2], "rlac at 10.0: 0.475 (0.450 to 0.500)");
    assert_eq!(told[told.len() - 1], "rlac at 20.0: 0.550 (0.500 to 0.600)");
}

#[test]
fn an_arm_without_a_critic_has_no_line_over_its_tokens() {
    let page = report(&full()).html();
    let (_, chart) = page
        .split_once("<h3>pass@1 against critic tokens</h3>")
        .expect("a chart");
    let (chart, _) = chart.split_once("</figure>").expect("its end");
    assert!(chart.contains("static") && !chart.contains("fixed-16"));
}

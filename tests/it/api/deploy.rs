//! What `deploy/` asks of the service and of its image is there.

use super::{answer_of, request};
use crate::fake;
use axum::http::Method;
use std::collections::BTreeSet;
use touchstone::api::{Api, Process, router};
use touchstone::config::{Config, KeyConfig};
use tower::ServiceExt;

fn file(path: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(path).expect("text")
}

/// Words that begin like a figure's name.
fn named(text: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_ascii_lowercase() || c == '_';
    let words = text.split(|c| !is_part(c));
    words
        .filter(|word| word.starts_with("touchstone_"))
        .collect()
}

/// Of a service with a key, after a request.
async fn page_of_figures() -> String {
    let keys = KeyConfig::parse_variable("ci:0123456789abcdef").expect("a key");
    let api = Api::new(fake::passing(), fake::runtime(), &Config::default());
    let api = api.with_operation(Process::open(), super::operation::log());
    let router = router(api.with_keys(&keys));
    let mut page = String::new();
    for _ in 0..2 {
        let asked = router.clone().oneshot(request(Method::GET, "/metrics"));
        let answer = answer_of(asked.await.expect("an answer")).await;
        page = String::from_utf8(answer.body.to_vec()).expect("text");
    }
    page
}

#[tokio::test]
async fn dashboards_and_autoscalers_ask_for_figures_that_there_are() {
    let page = page_of_figures().await;
    let mut known = BTreeSet::new();
    for line in page.lines() {
        let Some((name, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|line| line.split_once(' '))
        else {
            continue;
        };
        let suffixes: &[&str] = match kind {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_sum", "_count"],
            "info" => &["_info"],
            _ => &[""],
        };
        known.extend(suffixes.iter().map(|suffix| format!("{name}{suffix}")));
    }
    for path in [
        "deploy/grafana/touchstone.json",
        "deploy/kubernetes/autoscaler.yaml",
        "docs/operating.md",
    ] {
        let text = file(path);
        let asked = named(&text);
        assert!(!asked.is_empty(), "{path}");
        for name in asked {
            assert!(known.contains(name), "{path}: {name}: {known:?}");
        }
    }
    // And nothing is measured that nobody can look up.
    let documented = file("docs/operating.md");
    let documented = named(&documented);
    for name in known
        .iter()
        .filter(|name| !name.ends_with("_sum") && !name.ends_with("_count"))
    {
        let family = name.trim_end_matches("_bucket");
        let there = documented.iter().any(|known| known.starts_with(family));
        assert!(there, "docs/operating.md does not have {name}");
    }
}

#[test]
fn the_deployment_fits_the_image() {
    let (image, deployment) = (
        file("Dockerfile"),
        file("deploy/kubernetes/deployment.yaml"),
    );
    assert!(image.contains("USER 10001:10001"));
    for line in [
        "runAsUser: 10001",
        "runAsGroup: 10001",
        "runAsNonRoot: true",
    ] {
        assert!(deployment.contains(line), "{line}");
    }
    assert!(image.contains(r#"CMD ["serve", "--listen", "0.0.0.0:8080"]"#));
    for line in ["- serve", "- --listen=0.0.0.0:8080", "containerPort: 8080"] {
        assert!(deployment.contains(line), "{line}");
    }
    let version = format!("image: touchstone:{}", env!("CARGO_PKG_VERSION"));
    assert!(deployment.contains(&version), "{version}");
    for path in ["/readyz", "/healthz", "/metrics"] {
        assert!(touchstone::api::paths().contains(&path), "{path}");
        assert!(deployment.contains(path), "{path}");
    }
    // Pods are not killed before the server would leave by itself.
    let grace = deployment.split("terminationGracePeriodSeconds: ").nth(1);
    let grace: u64 = grace
        .and_then(|rest| rest.lines().next()?.parse().ok())
        .expect("seconds");
    let own = touchstone::config::Config::default()
        .server
        .shutdown_seconds;
    assert!(grace >= own + 25, "{grace}");
}

//! The OpenAPI document describes what there is.

use super::{request, send};
use axum::http::Method;
use serde_json::Value;
use std::collections::BTreeSet;
use touchstone::api::{document, paths};

#[tokio::test]
async fn the_document() {
    let served = send(request(Method::GET, "/openapi.json")).await;
    assert_eq!(served.header("content-type"), Some("application/json"));
    let document = serde_json::to_value(document()).expect("plain data");
    assert_eq!(served.json(), document);
    // Not by way of `Value`, whose order depends on how serde_json is built.
    insta::assert_snapshot!(
        touchstone::api::document()
            .to_pretty_json()
            .expect("plain data")
    );
}

/// The router says which methods a path takes when it is asked for one that it does not.
#[tokio::test]
async fn every_route_and_method_is_in_it() {
    let document = serde_json::to_value(document()).expect("plain data");
    let described = document["paths"].as_object().expect("paths");
    let known: BTreeSet<_> = paths().into_iter().collect();
    let named: BTreeSet<_> = described.keys().map(String::as_str).collect();
    assert_eq!(known, named);
    for (path, operations) in described {
        let answer = send(request(Method::TRACE, path)).await;
        let allowed = answer.header("allow").expect("methods").split(',');
        let allowed: BTreeSet<_> = allowed.filter(|method| *method != "HEAD").collect();
        let operations = operations.as_object().expect("operations").keys();
        let operations: Vec<_> = operations.map(|name| name.to_uppercase()).collect();
        let operations: BTreeSet<_> = operations.iter().map(String::as_str).collect();
        assert_eq!(allowed, operations, "{path}");
    }
}

#[test]
fn every_reference_in_it_leads_somewhere() {
    let document = serde_json::to_value(document()).expect("plain data");
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let reference = fields.get("$ref").and_then(Value::as_str);
            references.extend(reference.map(str::to_owned));
            fields.values().for_each(|field| collect(field, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}

/// Clients that are generated from the document name their functions so.
#[test]
fn operations_have_names_of_their_own() {
    let document = serde_json::to_value(document()).expect("plain data");
    let paths = document["paths"].as_object().expect("paths").values();
    let operations = paths.flat_map(|path| path.as_object().expect("operations").values());
    let mut names = BTreeSet::new();
    for operation in operations {
        let name = operation["operationId"].as_str().expect("a name");
        assert!(names.insert(name), "{name} is twice");
    }
}

//! What may be answered before a route is reached, for every route at once.

use super::super::access::{FOR_ALL, PROBES};
use super::super::error::ProblemDocument;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Content, OpenApi, Ref, Response, ResponseBuilder};
use utoipa::{Modify, ToSchema};

/// Says how a key is sent, and what a request without the right one gets. What an operation says
/// itself of a status stays.
pub(super) struct Door;

const NAME: &str = "key";

impl Modify for Door {
    fn modify(&self, document: &mut OpenApi) {
        let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        let components = document.components.get_or_insert_default();
        components
            .security_schemes
            .insert(NAME.to_owned(), bearer.into());
        for (path, item) in &mut document.paths.paths {
            let is_for_all = FOR_ALL.contains(&path.as_str());
            let mut answers = Vec::new();
            if !PROBES.contains(&path.as_str()) {
                answers.push(("421", "The request is meant for another host."));
            }
            if !is_for_all {
                answers.push(("401", "A key is needed, or it is not known."));
                answers.push(("429", "The key has sent enough for now."));
            }
            let operations = [
                &mut item.get,
                &mut item.put,
                &mut item.post,
                &mut item.delete,
                &mut item.patch,
            ];
            for operation in operations.into_iter().flatten() {
                if !is_for_all {
                    // A server without keys takes none.
                    let key = SecurityRequirement::new(NAME, Vec::<String>::new());
                    operation.security = Some(vec![key, SecurityRequirement::default()]);
                }
                for (status, description) in &answers {
                    let all = &mut operation.responses.responses;
                    all.entry((*status).to_owned())
                        .or_insert_with(|| problem(description).into());
                }
            }
        }
    }
}

fn problem(description: &str) -> Response {
    let schema = Ref::from_schema_name(ProblemDocument::name());
    ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", Content::new(Some(schema)))
        .build()
}

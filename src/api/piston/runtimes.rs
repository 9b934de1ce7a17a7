//! The languages that Piston tells of, and which of them a selector of versions means.

use super::request::ExecuteRequest;
use crate::api::v1::wire::{FieldError, FieldErrors};
use crate::domain::RuntimeInfo;
use semver::{Version, VersionReq};
use serde::Serialize;
use utoipa::ToSchema;

/// Other names of the language.
const ALIASES: [&str; 3] = ["py", "py3", "python3"];

/// A language that programs may be in.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PistonRuntime {
    /// Its name.
    pub language: String,
    /// The interpreter's version.
    pub version: String,
    /// Its other names.
    pub aliases: Vec<String>,
    /// What runs it.
    pub runtime: String,
}

impl From<&RuntimeInfo> for PistonRuntime {
    fn from(runtime: &RuntimeInfo) -> Self {
        PistonRuntime {
            language: runtime.name.clone(),
            version: runtime.version.clone(),
            aliases: ALIASES.map(str::to_owned).to_vec(),
            runtime: "touchstone".into(),
        }
    }
}

impl PistonRuntime {
    /// The runtime that a request asks for.
    pub fn chosen(
        runtimes: &[RuntimeInfo],
        request: &ExecuteRequest,
    ) -> Result<PistonRuntime, FieldErrors> {
        let mut known = runtimes.iter().map(PistonRuntime::from);
        let found = known.find(|runtime| {
            runtime.is_called(&request.language) && matches(&request.version, &runtime.version)
        });
        found.ok_or_else(|| {
            let (language, version) = (&request.language, &request.version);
            fault("", format!("{language}-{version} runtime is unknown"))
        })
    }

    fn is_called(&self, name: &str) -> bool {
        self.language == name || self.aliases.iter().any(|alias| alias == name)
    }
}

/// Whether a version is among those of a selector, as npm reads selectors: a whole version means
/// itself, a part of one all that begin with it.
fn matches(selector: &str, version: &str) -> bool {
    let selector = selector.trim();
    let bare = selector.starts_with(|first: char| first.is_ascii_digit());
    let selector = match (bare, selector.matches('.').count()) {
        (true, 2) if !selector.contains(['x', 'X', '*']) => format!("={selector}"),
        (true, _) if !selector.contains(['x', 'X', '*']) => format!("~{selector}"),
        _ => selector.replace(' ', ", "),
    };
    match (VersionReq::parse(&selector), Version::parse(version)) {
        (Ok(selector), Ok(version)) => selector.matches(&version),
        _ => false,
    }
}

fn fault(path: &str, message: String) -> FieldErrors {
    let path = path.to_owned();
    FieldErrors::from(FieldError { path, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors() {
        for (selector, expect) in [
            ("*", true),
            ("3", true),
            ("3.x", true),
            ("3.15", true),
            ("3.15.0", true),
            (">=3.10", true),
            (">=3.10 <4", true),
            ("^3.1.0", true),
            ("3.10", false),
            ("3.10.0", false),
            ("2.x", false),
            ("latest", false),
            ("", false),
        ] {
            assert_eq!(matches(selector, "3.15.0"), expect, "{selector:?}");
        }
    }
}

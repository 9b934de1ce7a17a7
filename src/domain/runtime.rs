//! Which Python the sandboxes hold.

/// The Python that programs are run by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeInfo {
    /// Such as `python`.
    pub name: String,
    /// The interpreter's version.
    pub version: String,
    /// Of everything that decides an outcome: equal digests give equal answers.
    pub digest: String,
    /// What programs can import beside the standard library: name and version.
    pub packages: Vec<(String, String)>,
}

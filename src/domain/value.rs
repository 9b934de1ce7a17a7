//! Plain Python data outside Python: what a call gave, ready to be compared.

/// A Python value.
#[derive(Clone, Debug, PartialEq)]
pub struct Value;

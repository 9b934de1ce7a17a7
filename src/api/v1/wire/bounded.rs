//! Lists that end before they fill the memory.

use super::Object;
use serde::de::{self, Deserialize, Deserializer, SeqAccess};
use std::fmt;
use std::marker::PhantomData;

/// A list of at most `MAX` objects, refused as soon as one more is read.
///
/// An item takes far more memory than the three bytes of `{},`, so the bound on the body alone
/// does not bound what a request costs.
#[derive(Clone, Debug)]
pub struct Bounded<T, const MAX: usize>(pub Vec<T>);

impl<T, const MAX: usize> Default for Bounded<T, MAX> {
    fn default() -> Self {
        Bounded(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for Bounded<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(BoundedVisitor(PhantomData))
    }
}

struct BoundedVisitor<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> de::Visitor<'de> for BoundedVisitor<T, MAX> {
    type Value = Bounded<T, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Object(item)) = list.next_element()? {
            if items.len() == MAX {
                return Err(de::Error::custom(format_args!(
                    "holds more than {MAX} items"
                )));
            }
            items.push(item);
        }
        Ok(Bounded(items))
    }
}

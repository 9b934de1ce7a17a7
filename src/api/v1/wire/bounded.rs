//! Lists that end before they fill the memory.

use super::Object;
use serde::de::{self, Deserialize, Deserializer, SeqAccess};
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

/// The most submissions, problems, checks and files of one request together: ten checks for each
/// of the most submissions. An item takes up to 400 bytes before it holds anything, so that the
/// emptiest request costs 400 MB at most, where `{},` up to the bound on bodies would cost 8 GB.
const MAX_ITEMS: usize = 1_000_000;

thread_local! {
    /// What the document that this thread is reading may still hold. Not an argument, since serde
    /// hands none through derived types; a document is read by one thread without a pause.
    static ITEMS_LEFT: Cell<usize> = const { Cell::new(MAX_ITEMS) };
}

/// Reads one document, all lists of which share one budget.
pub(super) fn with_budget<T>(read: impl FnOnce() -> T) -> T {
    ITEMS_LEFT.set(MAX_ITEMS);
    read()
}

/// Takes one item from the budget.
pub(super) fn take_item<E: de::Error>() -> Result<(), E> {
    match ITEMS_LEFT.get().checked_sub(1) {
        Some(left) => {
            ITEMS_LEFT.set(left);
            Ok(())
        }
        None => Err(E::custom(format_args!(
            "comes after {MAX_ITEMS} submissions, problems, checks and files, the most in a request"
        ))),
    }
}

/// A list of at most `MAX` objects, refused as soon as one more is read.
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
            take_item()?;
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

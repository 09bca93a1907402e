//! What makers tell each other beside an update.
//!
//! ```text
//! a list of TLV, each element with a fully-qualified tag; at most 512 bytes
//! ```

use super::error::{Field, Violation};
use super::tlv::{Element, Elements, Kind, Tag, Value};
use super::within;

/// The bytes of MetadataForProvider or MetadataForRequestor, at most 512, carried as they are.
///
/// By rights an anonymous list of elements with fully-qualified tags, whose values are the maker's. Nothing that works
/// without them may depend on them, so they are not looked at on the way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Metadata<'a>(
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes"))] pub &'a [u8],
);

impl<'a> Metadata<'a> {
    /// The most bytes of metadata.
    pub const MAX: usize = 512;

    /// What a sender has to look at.
    pub(super) fn check(metadata: Option<Self>, field: Field) -> Result<(), Violation> {
        let Some(metadata) = metadata else { return Ok(()) };
        within(field, Some(metadata.0.len()), 0..=Self::MAX)?;
        metadata.elements().map(drop)
    }

    /// The elements, each with a fully-qualified tag.
    ///
    /// # Errors
    /// [`Violation::Metadata`] when the bytes are anything else.
    pub fn elements(&self) -> Result<Elements<'a>, Violation> {
        let element = Element::parse_exact(self.0).map_err(|error| at(error.offset))?;
        let (Tag::Anonymous, Value::Container(list)) = (element.tag, element.value) else {
            return Err(at(0));
        };
        if list.kind() != Kind::List {
            return Err(at(0));
        }
        match list.elements().find(|member| !matches!(member.element.tag, Tag::Full { .. })) {
            Some(member) => Err(at(member.offset)),
            None => Ok(list.elements()),
        }
    }
}

const fn at(offset: usize) -> Violation {
    Violation::Metadata { offset }
}

//! MetadataForProvider and MetadataForRequestor: vendor-defined data in a query or a response.
//!
//! ```text
//! anonymous TLV list, each element with a fully-qualified tag; at most 512 bytes
//! ```

use super::error::{Field, MatterRuleError};
use super::tlv::{Element, Kind, Tag, Value};
use super::tlv_fields::check_len;

/// Bytes of MetadataForProvider or MetadataForRequestor, at most 512.
///
/// The Matter specification defines the metadata as an anonymous TLV list of elements with fully-qualified tags and
/// vendor-defined values. The meaning of the other fields of the command does not depend on the metadata, so the
/// decoder does not inspect the metadata.
// Exhaustive: the metadata are a single byte string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Metadata<'a>(
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes"))] pub &'a [u8],
);

impl Metadata<'_> {
    /// Maximum length of the metadata in bytes.
    pub const MAX: usize = 512;

    /// Checks the rules for a sender: the metadata have at most 512 bytes and are a list of elements with
    /// fully-qualified tags.
    pub(super) fn check(self, field: Field) -> Result<(), MatterRuleError> {
        check_len(field, self.0.len(), 0..=Self::MAX)?;
        let fault = |offset| Err(MatterRuleError::Metadata { offset });
        match Element::parse_exact(self.0, 0) {
            Err(error) => fault(error.offset),
            Ok(Element { tag: Tag::Anonymous, value: Value::Container(list), .. })
                if list.kind() == Kind::List =>
            {
                list.elements()
                    .find(|member| member.tag != Tag::FullyQualified)
                    .map_or(Ok(()), |member| fault(member.offset))
            }
            Ok(_) => fault(0),
        }
    }
}

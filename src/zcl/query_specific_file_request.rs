//! Query Specific File Request (section 6.10.11 of ZigBee document 095264, 2011): a query for a device-specific file.
//!
//! | offset | size | field | |
//! |---|---|---|---|
//! | 0 | 8 | request node address | IEEE address |
//! | 8 | 2 | manufacturer code | |
//! | 10 | 2 | image type | 0xFFC0 to 0xFFFE |
//! | 12 | 4 | file version | |
//! | 16 | 2 | current Zigbee stack version | |
//!
//! The response to a Query Specific File Request is a [`QueryResponse`](super::QueryResponse).

use core::fmt;

use zerocopy::little_endian::{U16, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::codec::{Emit, Parsed, Sink, fixed};
use crate::types::{Eui64, ImageId, ImageTypeClass, StackVersion};

use super::Violation;
use super::decoder_quirks::Leniency;
use super::shared_fields::RawImageId;

/// Fields of a Query Specific File Request.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct RawRequest {
    node: U64,
    id: RawImageId,
    stack: U16,
}

const _: () = assert!(size_of::<RawRequest>() == 18);

/// Query of a client for a device-specific file: security credentials, a configuration or a log.
// Exhaustive: all fields are mandatory, and without a field control no revision can add an optional field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct QuerySpecificFileRequest {
    /// IEEE address of the client that sends the query.
    pub node: Eui64,
    /// Manufacturer code, image type and version of the requested file.
    pub id: ImageId,
    /// Zigbee stack version that the client runs. In a query for a file that belongs to a downloaded image, `stack` is
    /// the stack version of the downloaded image.
    pub stack: StackVersion,
}

impl QuerySpecificFileRequest {
    /// Checks the field values of the Query Specific File Request against the rules of the specification.
    ///
    /// # Errors
    /// [`Violation::NotASpecificType`] if the image type is outside 0xFFC0 to 0xFFFE.
    pub const fn check(&self) -> Result<(), Violation> {
        let Self { node: _, id: ImageId { manufacturer: _, image_type, version: _ }, stack: _ } = *self;
        match image_type.class() {
            ImageTypeClass::Assigned | ImageTypeClass::Reserved => Ok(()),
            ImageTypeClass::Manufacturer | ImageTypeClass::Wildcard => {
                Err(Violation::NotASpecificType(image_type))
            }
        }
    }

    pub(super) fn parse<'a>(input: &'a [u8], leniency: &mut Leniency<'a>) -> Parsed<'a, Self> {
        let (rest, raw) = fixed::<RawRequest>(input)?;
        let (rest, ()) = leniency.ignore_trailing(rest)?;
        let (node, stack) = (Eui64(raw.node.get()), StackVersion(raw.stack.get()));
        Ok((rest, Self { node, id: raw.id.into(), stack }))
    }
}

impl Emit for QuerySpecificFileRequest {
    fn len(&self) -> usize {
        size_of::<RawRequest>()
    }

    fn emit(&self, out: &mut Sink<'_>) {
        let Self { node, id, stack } = *self;
        out.bytes(RawRequest { node: node.0.into(), id: id.into(), stack: stack.0.into() }.as_bytes());
    }
}

impl fmt::Display for QuerySpecificFileRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { node, id, stack } = self;
        write!(f, "{id} for {node}, stack {stack}")
    }
}

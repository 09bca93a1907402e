//! Query Specific File (sections 6.10.11 and 6.10.12): a file that was made for one device.
//!
//! | request | size | field | | response | size | field |
//! |---|---|---|---|---|---|---|
//! | 0 | 8 | node's IEEE address | | 0 | 1 | status; what follows only with SUCCESS |
//! | 8 | 2 | manufacturer code | | 1 | 2 | manufacturer code |
//! | 10 | 2 | image type, 0xFFC0 to 0xFFFE | | 3 | 2 | image type |
//! | 12 | 4 | file version wanted | | 5 | 4 | file version |
//! | 16 | 2 | current Zigbee stack version | | 9 | 4 | total image size in bytes |

use zerocopy::little_endian::{U16, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::codec::{Emit, Parsed, Sink, fixed};
use crate::types::{Eui64, ImageId, ImageTypeClass, StackVersion};

use super::layout::RawImageId;
use super::query_next_image::{emit_offer, offer_len, parse_offer};
use super::quirks::Leniency;
use super::{ImageOffer, Refusal, Violation};

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct RawRequest {
    node: U64,
    id: RawImageId,
    stack: U16,
}

const _: () = assert!(size_of::<RawRequest>() == 18);

/// A client asks for a file that was made for it alone: credentials, configuration, a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct QuerySpecificFileRequest {
    /// The client's own address.
    pub node: Eui64,
    /// The file it wants, with the version it wants.
    pub id: ImageId,
    /// Of the stack it runs, or of the image it holds, whichever the file is for.
    pub stack: StackVersion,
}

impl QuerySpecificFileRequest {
    /// Rules that the values break.
    ///
    /// # Errors
    /// [`Violation::NotASpecificType`] for an image type outside 0xFFC0 to 0xFFFE.
    pub const fn check(&self) -> Result<(), Violation> {
        match self.id.image_type.class() {
            ImageTypeClass::Assigned | ImageTypeClass::Reserved => Ok(()),
            ImageTypeClass::Manufacturer | ImageTypeClass::Wildcard => {
                Err(Violation::NotASpecificType(self.id.image_type))
            }
        }
    }

    pub(super) fn parse<'a>(input: &'a [u8], leniency: &mut Leniency<'a>) -> Parsed<'a, Self> {
        let (rest, raw) = fixed::<RawRequest>(input)?;
        let (rest, ()) = leniency.open_end(rest)?;
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

/// The server's answer to a [`QuerySpecificFileRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum QuerySpecificFileResponse {
    /// SUCCESS: the client may, and shall, download this.
    Offer(ImageOffer),
    /// NO_IMAGE_AVAILABLE or NOT_AUTHORIZED; other statuses mean "no file".
    Refused(Refusal),
}

impl QuerySpecificFileResponse {
    /// Rules that the values break.
    ///
    /// # Errors
    /// [`Violation::Status`] for a refusal other than the two that section 6.10.12.3 names.
    pub fn check(&self) -> Result<(), Violation> {
        match *self {
            Self::Offer(_) | Self::Refused(Refusal::NO_IMAGE_AVAILABLE | Refusal::NOT_AUTHORIZED) => Ok(()),
            Self::Refused(refusal) => Err(Violation::Status(refusal.status(), "CMD-088")),
        }
    }

    const fn offer(&self) -> Result<ImageOffer, Refusal> {
        match *self {
            Self::Offer(offer) => Ok(offer),
            Self::Refused(refusal) => Err(refusal),
        }
    }

    pub(super) fn parse<'a>(input: &'a [u8], leniency: &mut Leniency<'a>) -> Parsed<'a, Self> {
        let (rest, offer) = parse_offer(input, leniency)?;
        Ok((rest, offer.map_or_else(Self::Refused, Self::Offer)))
    }
}

impl Emit for QuerySpecificFileResponse {
    fn len(&self) -> usize {
        offer_len(self.offer())
    }

    fn emit(&self, out: &mut Sink<'_>) {
        emit_offer(self.offer(), out);
    }
}

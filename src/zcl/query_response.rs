//! Query Next Image Response (section 6.10.5) and Query Specific File Response (section 6.10.12), two commands with the
//! same payload. Sections refer to ZigBee document 095264 (2011).
//!
//! | offset | size | field | |
//! |---|---|---|---|
//! | 0 | 1 | status | the fields below follow only after the status SUCCESS |
//! | 1 | 2 | manufacturer code | |
//! | 3 | 2 | image type | |
//! | 5 | 4 | file version offered | |
//! | 9 | 4 | total image size | bytes |
//!
//! A Query Next Image Response is a [`ToClient::QueryNextImage`](super::ToClient::QueryNextImage), and a Query Specific
//! File Response is a [`ToClient::QuerySpecificFile`](super::ToClient::QuerySpecificFile).

use core::fmt;

use nom::Parser;
use nom::combinator::map;
use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::codec::{Emit, Parsed, Sink, fixed, le_u8};
use crate::types::ImageId;

use super::decoder_quirks::{Leniency, Quirks};
use super::shared_fields::RawImageId;
use super::{Refusal, Status, Violation};

/// Fields of a query response that offers an image, after its status.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct RawOffer {
    id: RawImageId,
    size: U32,
}

/// Image that a server offers to a client, with identity and size.
// Exhaustive: both fields are mandatory, and no revision since 2011 has added a third field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ImageOffer {
    /// Manufacturer code, image type and file version of the image.
    pub id: ImageId,
    /// Total image size of the offered file in bytes: the OTA header and all elements (section 6.3.2.10).
    pub size: u32,
}

/// Writes the offer as `115F-0101-00001A2B of 239554 bytes`.
impl fmt::Display for ImageOffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, size } = self;
        write!(f, "{id} of {size} bytes")
    }
}

/// Payload of a Query Next Image Response or a Query Specific File Response: an offer, or a status without an offer.
// Exhaustive: a status either is SUCCESS or is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias("QueryNextImageResponse", "QuerySpecificFileResponse"))]
pub enum QueryResponse {
    /// Response with the status SUCCESS: the server offers an image, and expects the client to download it.
    Offer(ImageOffer),
    /// Refusal of the query: a response without an image. The specification defines the statuses NO_IMAGE_AVAILABLE and
    /// NOT_AUTHORIZED for a query response without an image; some devices send another status.
    Refused(Refusal),
}

impl QueryResponse {
    /// Checks the field values of the query response against the rules of the specification.
    ///
    /// # Errors
    /// [`Violation::Status`] for a refusal that sections 6.10.5.3 and 6.10.12.3 do not name.
    pub fn check(&self) -> Result<(), Violation> {
        match *self {
            Self::Offer(_) | Self::Refused(Refusal::NO_IMAGE_AVAILABLE | Refusal::NOT_AUTHORIZED) => Ok(()),
            Self::Refused(refusal) => Err(Violation::Status(refusal.status())),
        }
    }

    pub(super) fn parse<'a>(input: &'a [u8], leniency: &mut Leniency<'a>) -> Parsed<'a, Self> {
        let (rest, status) = map(le_u8, Status).parse(input)?;
        if let Some(refusal) = Refusal::new(status) {
            let (rest, ()) = leniency.ignore_trailing_by(Quirks::REFUSAL_WITH_MORE, rest)?;
            return Ok((rest, Self::Refused(refusal)));
        }
        let (rest, offer) = fixed::<RawOffer>(rest)?;
        let (rest, ()) = leniency.ignore_trailing(rest)?;
        Ok((rest, Self::Offer(ImageOffer { id: offer.id.into(), size: offer.size.get() })))
    }
}

impl Emit for QueryResponse {
    fn len(&self) -> usize {
        match self {
            Self::Offer(_) => 13,
            Self::Refused(_) => 1,
        }
    }

    fn emit(&self, out: &mut Sink<'_>) {
        match *self {
            Self::Offer(ImageOffer { id, size }) => {
                out.array(&[Status::SUCCESS.0]);
                out.bytes(RawOffer { id: id.into(), size: size.into() }.as_bytes());
            }
            Self::Refused(refusal) => out.array(&[refusal.status().0]),
        }
    }
}

/// Writes the offered image, or the status with which the query was refused.
impl fmt::Display for QueryResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offer(offer) => offer.fmt(f),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

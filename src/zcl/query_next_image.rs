//! Query Next Image (sections 6.10.4 and 6.10.5).
//!
//! | request | size | field | | response | size | field |
//! |---|---|---|---|---|---|---|
//! | 0 | 1 | field control: bit 0 hardware version | | 0 | 1 | status; what follows only with SUCCESS |
//! | 1 | 2 | manufacturer code | | 1 | 2 | manufacturer code |
//! | 3 | 2 | image type | | 3 | 2 | image type |
//! | 5 | 4 | current file version | | 5 | 4 | file version offered |
//! | 9 | 0, 2 | hardware version | | 9 | 4 | total image size in bytes |

use bitflags::bitflags;
use nom::Parser;
use nom::combinator::{cond, map};
use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::codec::{Emit, Parsed, Sink, fixed, le_u8, le_u16};
use crate::types::{FileVersion, HardwareVersion, ImageId, ImageType, ManufacturerCode};

use super::layout::RawImageId;
use super::quirks::{Leniency, exact_end};
use super::{Refusal, Status, Violation};

bitflags! {
    #[derive(Clone, Copy)]
    struct QueryControl: u8 {
        const HARDWARE = 1 << 0;
    }
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct RequestHead {
    control: u8,
    current: RawImageId,
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct RawOffer {
    id: RawImageId,
    size: U32,
}

/// A client asks whether there is an image for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct QueryNextImageRequest {
    /// The image it runs now.
    pub current: ImageId,
    /// Its own hardware, where it tells.
    pub hardware: Option<HardwareVersion>,
}

impl QueryNextImageRequest {
    /// Rules that the values break.
    ///
    /// # Errors
    /// A wildcard, or an image type of the last 64.
    pub fn check(&self) -> Result<(), Violation> {
        if self.current.manufacturer == ManufacturerCode::ANY {
            return Err(Violation::WildcardManufacturer);
        }
        if self.current.image_type > ImageType::LAST_MANUFACTURER {
            return Err(Violation::NotAQueryType(self.current.image_type));
        }
        if self.current.version == FileVersion::ANY {
            return Err(Violation::WildcardVersion);
        }
        Ok(())
    }

    pub(super) fn parse<'a>(input: &'a [u8], leniency: &mut Leniency<'a>) -> Parsed<'a, Self> {
        let (rest, head) = fixed::<RequestHead>(input)?;
        let control = QueryControl::from_bits_retain(head.control);
        leniency.seen.reserved = control.difference(QueryControl::all()).bits();
        let (rest, hardware) =
            cond(control.contains(QueryControl::HARDWARE), map(le_u16, HardwareVersion)).parse(rest)?;
        let (rest, ()) = leniency.open_end(rest)?;
        Ok((rest, Self { current: head.current.into(), hardware }))
    }
}

impl Emit for QueryNextImageRequest {
    fn len(&self) -> usize {
        if self.hardware.is_some() { 11 } else { 9 }
    }

    fn emit(&self, out: &mut Sink<'_>) {
        let mut control = QueryControl::empty();
        control.set(QueryControl::HARDWARE, self.hardware.is_some());
        out.bytes(RequestHead { control: control.bits(), current: self.current.into() }.as_bytes());
        if let Some(hardware) = self.hardware {
            out.array(&hardware.0.to_le_bytes());
        }
    }
}

/// An image that a server offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ImageOffer {
    /// Which one.
    pub id: ImageId,
    /// Its total image size in bytes, header and all sub-elements (section 6.3.2.10).
    pub size: u32,
}

/// The server's answer to a [`QueryNextImageRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum QueryNextImageResponse {
    /// SUCCESS: the client may, and shall, download this.
    Offer(ImageOffer),
    /// NO_IMAGE_AVAILABLE or NOT_AUTHORIZED; other statuses do occur and mean "no image".
    Refused(Refusal),
}

impl QueryNextImageResponse {
    /// Rules that the values break.
    ///
    /// # Errors
    /// [`Violation::Status`] for a refusal other than the two that section 6.10.5.3 names.
    pub fn check(&self) -> Result<(), Violation> {
        match *self {
            Self::Offer(_) | Self::Refused(Refusal::NO_IMAGE_AVAILABLE | Refusal::NOT_AUTHORIZED) => Ok(()),
            Self::Refused(refusal) => Err(Violation::Status(refusal.status(), "CMD-042")),
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

impl Emit for QueryNextImageResponse {
    fn len(&self) -> usize {
        offer_len(self.offer())
    }

    fn emit(&self, out: &mut Sink<'_>) {
        emit_offer(self.offer(), out);
    }
}

// The answer to a query for a file of one device has the same bytes.

pub(super) fn parse_offer<'a>(
    input: &'a [u8],
    leniency: &mut Leniency<'a>,
) -> Parsed<'a, Result<ImageOffer, Refusal>> {
    let (rest, status) = map(le_u8, Status).parse(input)?;
    if let Some(refusal) = Refusal::new(status) {
        return exact_end(rest).map(|(rest, ())| (rest, Err(refusal)));
    }
    let (rest, offer) = fixed::<RawOffer>(rest)?;
    let (rest, ()) = leniency.open_end(rest)?;
    Ok((rest, Ok(ImageOffer { id: offer.id.into(), size: offer.size.get() })))
}

pub(super) const fn offer_len(offer: Result<ImageOffer, Refusal>) -> usize {
    if offer.is_ok() { 13 } else { 1 }
}

pub(super) fn emit_offer(offer: Result<ImageOffer, Refusal>, out: &mut Sink<'_>) {
    match offer {
        Ok(ImageOffer { id, size }) => {
            out.array(&[Status::SUCCESS.0]);
            out.bytes(RawOffer { id: id.into(), size: size.into() }.as_bytes());
        }
        Err(refusal) => out.array(&[refusal.status().0]),
    }
}

//! Query Next Image Request (section 6.10.4 of ZigBee document 095264, 2011).
//!
//! | offset | size | field | |
//! |---|---|---|---|
//! | 0 | 1 | field control | bit 0: hardware version present |
//! | 1 | 2 | manufacturer code | |
//! | 3 | 2 | image type | |
//! | 5 | 4 | current file version | |
//! | 9 | 0, 2 | hardware version | |
//!
//! The response to a Query Next Image Request is a [`QueryResponse`](super::QueryResponse).

use core::fmt;

use bitflags::bitflags;
use nom::Parser;
use nom::combinator::{cond, map};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::codec::{Emit, Parsed, Sink, fixed, le_u16};
use crate::types::{FileVersion, HardwareVersion, ImageId, ImageType, ManufacturerCode};

use super::Violation;
use super::decoder_quirks::Leniency;
use super::shared_fields::RawImageId;

bitflags! {
    /// Field control of a Query Next Image Request.
    #[derive(Clone, Copy)]
    struct QueryControl: u8 {
        const HARDWARE = 1 << 0;
    }
}

/// Fields of a Query Next Image Request before its optional field.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct RequestHead {
    control: u8,
    current: RawImageId,
}

/// Query of a client for a newer image than the image that the client runs.
///
/// Later revisions of the specification may add optional fields, because seven bits of the field control are free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias = "esp_zb_ota_upgrade_client_query_image_req")]
#[non_exhaustive]
pub struct QueryNextImageRequest {
    /// Image that the client runs.
    pub current: ImageId,
    /// Hardware version of the client, if the client sends one.
    pub hardware: Option<HardwareVersion>,
}

impl QueryNextImageRequest {
    /// Creates a query without a hardware version.
    #[must_use]
    pub const fn new(current: ImageId) -> Self {
        Self { current, hardware: None }
    }

    /// Adds the hardware version of the client to the query.
    #[must_use]
    pub const fn with_hardware(self, hardware: HardwareVersion) -> Self {
        Self { hardware: Some(hardware), ..self }
    }

    /// Checks the field values of the Query Next Image Request against the rules of the specification.
    ///
    /// # Errors
    /// [`Violation::WildcardManufacturer`] or [`Violation::WildcardVersion`] if the manufacturer code or the running
    /// version of the client is a wildcard.
    ///
    /// [`Violation::NotAQueryType`] if the image type is above 0xFFBF. Image types above 0xFFBF belong to Query
    /// Specific File.
    pub fn check(&self) -> Result<(), Violation> {
        let Self { current: ImageId { manufacturer, image_type, version }, hardware: _ } = *self;
        if manufacturer == ManufacturerCode::ANY {
            return Err(Violation::WildcardManufacturer);
        }
        if image_type > ImageType::LAST_MANUFACTURER {
            return Err(Violation::NotAQueryType(image_type));
        }
        if version == FileVersion::ANY {
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
        let (rest, ()) = leniency.ignore_trailing(rest)?;
        Ok((rest, Self { current: head.current.into(), hardware }))
    }
}

impl Emit for QueryNextImageRequest {
    fn len(&self) -> usize {
        let Self { current: _, hardware } = self;
        if hardware.is_some() { 11 } else { 9 }
    }

    fn emit(&self, out: &mut Sink<'_>) {
        let Self { current, hardware } = *self;
        let mut control = QueryControl::empty();
        control.set(QueryControl::HARDWARE, hardware.is_some());
        out.bytes(RequestHead { control: control.bits(), current: current.into() }.as_bytes());
        if let Some(hardware) = hardware {
            out.array(&hardware.0.to_le_bytes());
        }
    }
}

impl fmt::Display for QueryNextImageRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { current, hardware } = self;
        write!(f, "runs {current}")?;
        hardware.map_or(Ok(()), |hardware| write!(f, ", hardware {hardware}"))
    }
}

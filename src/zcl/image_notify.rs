//! Image Notify (section 6.10.3 of ZigBee document 095264, 2011).
//!
//! | offset | size | field | |
//! |---|---|---|---|
//! | 0 | 1 | payload type | 0 to 3: number of fields after the query jitter |
//! | 1 | 1 | query jitter | 1 to 100 |
//! | 2 | 2 | manufacturer code | payload type 1 and above |
//! | 4 | 2 | image type | payload type 2 and above |
//! | 6 | 4 | new file version | payload type 3 |

use core::fmt;

use nom::Parser;
use nom::combinator::map;

use crate::codec::{Emit, Parsed, Sink, fail, le_u8, le_u16, le_u32};
use crate::error::DecodeErrorKind;
use crate::types::{FileVersion, ImageFilter, ImageType, ManufacturerCode};

use super::Violation;
use super::decoder_quirks::{Leniency, Quirks};
use super::display::Wildcards;

/// Image Notify: the announcement of a server that an image may be available.
// Exhaustive: this command grows by new payload types, and `scope` holds the payload type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias = "announce")]
pub struct ImageNotify {
    /// Query jitter, 1 to 100: the percentage of clients that shall send a query after a broadcast or multicast of the
    /// announcement.
    pub jitter: u8,
    /// Clients that the announcement addresses.
    pub scope: NotifyScope,
}

/// Clients that an [`ImageNotify`] addresses. Each variant is a payload type of the Image Notify, with the fields of
/// the payload type (table 22).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum NotifyScope {
    /// All clients (payload type 0).
    Everyone,
    /// Clients of one manufacturer (payload type 1).
    Manufacturer(ManufacturerCode),
    /// Clients of one manufacturer and image type (payload type 2).
    ImageType(ManufacturerCode, ImageType),
    /// Clients of one manufacturer and image type that neither run nor have downloaded the new version of the image
    /// (payload type 3).
    NewVersion(ImageFilter),
}

impl From<ImageFilter> for NotifyScope {
    /// Converts a filter to the shortest payload type with the same meaning. The payload of the Image Notify leaves out
    /// the wildcards at the end of the filter.
    fn from(filter: ImageFilter) -> Self {
        let ImageFilter { manufacturer, image_type, version } = filter;
        match (manufacturer, image_type, version) {
            (ManufacturerCode::ANY, ImageType::ANY, FileVersion::ANY) => Self::Everyone,
            (_, ImageType::ANY, FileVersion::ANY) => Self::Manufacturer(manufacturer),
            (_, _, FileVersion::ANY) => Self::ImageType(manufacturer, image_type),
            _ => Self::NewVersion(filter),
        }
    }
}

impl ImageNotify {
    /// Image Notify for unicast, with the shortest payload. A client that receives an Image Notify by unicast sends a
    /// query regardless of the fields of the Image Notify (section 6.10.3.3).
    pub const UNICAST: Self = Self { jitter: 100, scope: NotifyScope::Everyone };

    /// Default query jitter of the specification (table 17).
    pub const DEFAULT_JITTER: u8 = 50;

    /// Checks the field values of the Image Notify against the rules of the specification.
    ///
    /// # Errors
    /// [`Violation::QueryJitter`] if the query jitter is outside 1 to 100.
    pub const fn check(&self) -> Result<(), Violation> {
        let Self { jitter, scope: _ } = *self;
        match jitter {
            1..=100 => Ok(()),
            _ => Err(Violation::QueryJitter(jitter)),
        }
    }

    pub(super) fn parse<'a>(input: &'a [u8], leniency: &mut Leniency<'a>) -> Parsed<'a, Self> {
        let manufacturer = || map(le_u16, ManufacturerCode);
        let image_type = || map(le_u16, ImageType);
        let (rest, (payload_type, jitter)) = (le_u8, le_u8).parse(input)?;
        let (rest, scope) = match payload_type {
            0 => (rest, NotifyScope::Everyone),
            1 => map(manufacturer(), NotifyScope::Manufacturer).parse(rest)?,
            2 => map((manufacturer(), image_type()), |(m, t)| NotifyScope::ImageType(m, t)).parse(rest)?,
            3 => map(
                (manufacturer(), image_type(), map(le_u32, FileVersion)),
                |(manufacturer, image_type, version)| {
                    NotifyScope::NewVersion(ImageFilter { manufacturer, image_type, version })
                },
            )
            .parse(rest)?,
            reserved => return fail(input, DecodeErrorKind::ReservedPayloadType(reserved)),
        };
        let (rest, ()) = leniency.ignore_trailing_by(Quirks::NOTIFY_WITH_MORE, rest)?;
        Ok((rest, Self { jitter, scope }))
    }
}

impl Emit for ImageNotify {
    fn len(&self) -> usize {
        let Self { jitter: _, scope } = self;
        match scope {
            NotifyScope::Everyone => 2,
            NotifyScope::Manufacturer(_) => 4,
            NotifyScope::ImageType(..) => 6,
            NotifyScope::NewVersion(_) => 10,
        }
    }

    fn emit(&self, out: &mut Sink<'_>) {
        let Self { jitter, scope } = *self;
        match scope {
            NotifyScope::Everyone => out.array(&[0, jitter]),
            NotifyScope::Manufacturer(manufacturer) => {
                out.array(&[1, jitter]);
                out.array(&manufacturer.0.to_le_bytes());
            }
            NotifyScope::ImageType(manufacturer, image_type) => {
                out.array(&[2, jitter]);
                out.array(&manufacturer.0.to_le_bytes());
                out.array(&image_type.0.to_le_bytes());
            }
            NotifyScope::NewVersion(ImageFilter { manufacturer, image_type, version }) => {
                out.array(&[3, jitter]);
                out.array(&manufacturer.0.to_le_bytes());
                out.array(&image_type.0.to_le_bytes());
                out.array(&version.0.to_le_bytes());
            }
        }
    }
}

impl fmt::Display for ImageNotify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { jitter, scope } = *self;
        write!(f, "jitter {jitter}, ")?;
        match scope {
            NotifyScope::Everyone => f.write_str("for all"),
            NotifyScope::Manufacturer(code) => write!(f, "for manufacturer {code}"),
            NotifyScope::ImageType(manufacturer, image_type) => {
                let filter = ImageFilter { manufacturer, image_type, version: FileVersion::ANY };
                write!(f, "for {}", Wildcards(filter))
            }
            NotifyScope::NewVersion(filter) => write!(f, "of new {}", Wildcards(filter)),
        }
    }
}

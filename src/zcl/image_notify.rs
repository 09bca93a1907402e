//! Image Notify (section 6.10.3).
//!
//! | offset | size | field | |
//! |---|---|---|---|
//! | 0 | 1 | payload type | 0 to 3: how many of the fields below are there |
//! | 1 | 1 | query jitter | 1 to 100 |
//! | 2 | 2 | manufacturer code | type 1 and above |
//! | 4 | 2 | image type | type 2 and above |
//! | 6 | 4 | new file version | type 3 |

use nom::Parser;
use nom::combinator::map;

use crate::codec::{Emit, Parsed, Sink, fail, le_u8, le_u16, le_u32};
use crate::error::DecodeErrorKind;
use crate::types::{FileVersion, ImageFilter, ImageType, ManufacturerCode};

use super::Violation;
use super::quirks::exact_end;

/// Tells clients that there may be an image for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ImageNotify {
    /// Of a hundred clients that get it by broadcast, how many shall ask: 1 to 100.
    pub jitter: u8,
    /// Which clients are meant.
    pub scope: NotifyScope,
}

/// Which clients an [`ImageNotify`] means: the payload type with its fields (table 22).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum NotifyScope {
    /// Type 0: all.
    Everyone,
    /// Type 1: those of one maker.
    Manufacturer(ManufacturerCode),
    /// Type 2: those of one maker and image type.
    ImageType(ManufacturerCode, ImageType),
    /// Type 3: those of one maker and image type that do not run, or hold, this version.
    NewVersion(ImageFilter),
}

impl From<ImageFilter> for NotifyScope {
    /// The shortest form that means these images: trailing wildcards are left out (CMD-027).
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
    /// The form for one client: it asks whatever the fields say, so there are none (section 6.10.3.3).
    pub const UNICAST: Self = Self { jitter: 100, scope: NotifyScope::Everyone };

    /// Query jitter where there is no reason for another one (table 17).
    pub const DEFAULT_JITTER: u8 = 50;

    /// Rules that the values break.
    ///
    /// # Errors
    /// [`Violation::QueryJitter`] outside 1 to 100.
    pub const fn check(&self) -> Result<(), Violation> {
        match self.jitter {
            1..=100 => Ok(()),
            jitter => Err(Violation::QueryJitter(jitter)),
        }
    }

    pub(super) fn parse(input: &[u8]) -> Parsed<'_, Self> {
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
        let (rest, ()) = exact_end(rest)?;
        Ok((rest, Self { jitter, scope }))
    }
}

impl Emit for ImageNotify {
    fn len(&self) -> usize {
        match self.scope {
            NotifyScope::Everyone => 2,
            NotifyScope::Manufacturer(_) => 4,
            NotifyScope::ImageType(..) => 6,
            NotifyScope::NewVersion(_) => 10,
        }
    }

    fn emit(&self, out: &mut Sink<'_>) {
        let jitter = self.jitter;
        match self.scope {
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

//! What a payload says about itself.

use core::fmt;

use crate::types::{FileVersion, ImageId, ImageType, ManufacturerCode};

/// What a payload says about itself; little of it by most kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PayloadMetadata<'a> {
    /// Whom it is from, in the terms of the OTA header.
    pub manufacturer: Option<ManufacturerCode>,
    /// What it is for, in the terms of the OTA header.
    pub image_type: Option<ImageType>,
    /// Its version.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub version: Option<PayloadVersion<'a>>,
    /// Name of the project or product, without padding; empty when it has none.
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes"))]
    pub name: &'a [u8],
    /// Number of the product, a UUID in most makers' hands.
    pub product: Option<[u8; 16]>,
}

/// A version as a payload states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PayloadVersion<'a> {
    /// In the terms of the OTA header.
    File(FileVersion),
    /// A number of the maker's own.
    Number(u32),
    /// Four parts.
    Parts {
        /// Incompatible changes.
        major: u8,
        /// Compatible changes.
        minor: u8,
        /// Corrections.
        revision: u16,
        /// Builds.
        build: u32,
    },
    /// A text, in no promised encoding.
    Text(#[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes"))] &'a [u8]),
}

impl PayloadMetadata<'_> {
    pub(super) const NOTHING: Self =
        Self { manufacturer: None, image_type: None, version: None, name: &[], product: None };

    /// Whether something stated is another one than in the OTA header. Only what is in the header's own terms can
    /// be; many makers number the two differently, so that it is a hint.
    #[must_use]
    pub fn contradicts(&self, id: ImageId) -> bool {
        let version = match self.version {
            Some(PayloadVersion::File(version)) => version != id.version,
            _ => false,
        };
        version
            || self.manufacturer.is_some_and(|manufacturer| manufacturer != id.manufacturer)
            || self.image_type.is_some_and(|image_type| image_type != id.image_type)
    }
}

/// The text before the first NUL of a field.
pub(super) fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Each thing stated after a semicolon; texts are escaped.
impl fmt::Display for PayloadMetadata<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(manufacturer) = self.manufacturer {
            write!(f, "; manufacturer {:#06x}", manufacturer.0)?;
        }
        if let Some(image_type) = self.image_type {
            write!(f, "; image type {:#06x}", image_type.0)?;
        }
        match self.version {
            Some(PayloadVersion::File(FileVersion(version)) | PayloadVersion::Number(version)) => {
                write!(f, "; version {version:#010x}")?;
            }
            Some(PayloadVersion::Parts { major, minor, revision, build }) => {
                write!(f, "; version {major}.{minor}.{revision}+{build}")?;
            }
            Some(PayloadVersion::Text(text)) => write!(f, "; version {}", text.escape_ascii())?,
            None => {}
        }
        if !self.name.is_empty() {
            write!(f, "; {}", self.name.escape_ascii())?;
        }
        let Some(product) = self.product else {
            return Ok(());
        };
        f.write_str("; product ")?;
        product.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

//! Metadata stored in a payload: manufacturer, image type, version, name, product and chip.
//!
//! ```text
//! PayloadMetadata { manufacturer, image_type, version, name, product, chip }     each empty where the format has no such field
//! ```

use core::fmt;

use crate::types::{FileVersion, ImageId, ImageType, ManufacturerCode};

/// Metadata that a payload contains about itself. Most formats contain only some of the metadata fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct PayloadMetadata<'a> {
    /// Manufacturer code, with the same meaning as in the OTA header.
    pub manufacturer: Option<ManufacturerCode>,
    /// Image type, with the same meaning as in the OTA header.
    pub image_type: Option<ImageType>,
    /// Version of the payload.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub version: Option<PayloadVersion<'a>>,
    /// Name of the project or product, without padding. The name is empty if the payload contains no name.
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes"))]
    pub name: &'a [u8],
    /// Identifier of the product that the payload is made for. Most makers identify the product by a UUID.
    pub product: Option<[u8; 16]>,
    /// Name of the chip that the payload is built for, such as `ESP32-C6` or `CC26x2R1`. The name is empty if the
    /// payload does not name the chip, or names the chip by an unknown number.
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes"))]
    pub chip: &'a [u8],
}

/// Version of a payload, in the form that its format uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PayloadVersion<'a> {
    /// File version, with the same meaning as in the OTA header.
    File(FileVersion),
    /// Version number, with a meaning that only the maker knows.
    Number(u32),
    /// Semantic version and build number.
    Parts {
        /// Major number of the semantic version, which changes with incompatible changes of the payload.
        major: u8,
        /// Minor number of the semantic version, which changes with compatible changes of the payload.
        minor: u8,
        /// Revision number of the semantic version, which changes with corrections of the payload.
        revision: u16,
        /// Build number.
        build: u32,
    },
    /// Version text without a defined encoding.
    Text(#[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes"))] &'a [u8]),
}

impl PayloadMetadata<'_> {
    /// Metadata in which every field is empty, for a format without metadata.
    pub(super) const EMPTY: Self =
        Self { manufacturer: None, image_type: None, version: None, name: &[], product: None, chip: &[] };

    /// Returns whether any field of the metadata differs from `id`, the image identity in the OTA header. The
    /// comparison uses only the fields with the same meaning in payload and header: manufacturer code, image type and
    /// [`PayloadVersion::File`].
    ///
    /// A difference is only a hint, because many manufacturers use different version numbers for payloads and OTA
    /// files.
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

/// Returns the text of `field` before its first NUL.
pub(super) fn text_before_nul(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Writes every field that the payload has, except the chip, each after a semicolon. The texts among the fields are
/// escaped by `escape_ascii`.
impl fmt::Display for PayloadMetadata<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { manufacturer, image_type, version, name, product, chip: _ } = *self;
        if let Some(manufacturer) = manufacturer {
            write!(f, "; manufacturer {:#06x}", manufacturer.0)?;
        }
        if let Some(image_type) = image_type {
            write!(f, "; image type {:#06x}", image_type.0)?;
        }
        match version {
            Some(PayloadVersion::File(FileVersion(version)) | PayloadVersion::Number(version)) => {
                write!(f, "; version {version:#010x}")?;
            }
            Some(PayloadVersion::Parts { major, minor, revision, build }) => {
                write!(f, "; version {major}.{minor}.{revision}+{build}")?;
            }
            Some(PayloadVersion::Text(text)) => write!(f, "; version {}", text.escape_ascii())?,
            None => {}
        }
        if !name.is_empty() {
            write!(f, "; {}", name.escape_ascii())?;
        }
        let Some(product) = product else {
            return Ok(());
        };
        f.write_str("; product ")?;
        product.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

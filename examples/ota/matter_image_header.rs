//! Matter OTA images, which start with nearly the same bytes as Zigbee OTA files.

use std::fmt;

use serde::Serialize;
use zigbee_ota::matter::{ImageHeader, MatterDecodeError};

/// Header fields of a Matter OTA image.
#[derive(Debug, Serialize)]
pub struct MatterImage {
    vendor_id: u16,
    product_id: u16,
    software_version: u32,
    software_version_string: String,
    payload_size: u64,
    min_applicable_version: Option<u32>,
    max_applicable_version: Option<u32>,
    release_notes_url: Option<String>,
    digest_type: u8,
    digest_hex: String,
}

impl MatterImage {
    /// Decodes the header of a Matter OTA image; `None` for other files.
    pub fn read(bytes: &[u8]) -> Option<Result<Self, MatterDecodeError>> {
        let header = || ImageHeader::parse(bytes).map(|(header, _)| Self::new(&header));
        ImageHeader::is_at_start(bytes).then(header)
    }

    fn new(header: &ImageHeader<'_>) -> Self {
        Self {
            vendor_id: header.vendor,
            product_id: header.product,
            software_version: header.software_version,
            software_version_string: header.software_version_string.into(),
            payload_size: header.payload_size,
            min_applicable_version: header.min_applicable_version,
            max_applicable_version: header.max_applicable_version,
            release_notes_url: header.release_notes_url.map(Into::into),
            digest_type: header.digest_type.0,
            digest_hex: header.digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

impl fmt::Display for MatterImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { vendor_id, product_id, software_version, .. } = self;
        write!(f, "vendor {vendor_id:#06x}, product {product_id:#06x}, version {software_version:#010x} ")?;
        write!(f, "\"{}\"", self.software_version_string.escape_debug())
    }
}

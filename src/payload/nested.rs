//! [`PayloadKind::EmbeddedOta`], a whole OTA file as the payload of another, and [`PayloadKind::NxpJn514x`], an image whose linker placed
//! an OTA header at its byte 8.
//!
//! ```text
//! 0  1E F1 EE 0B ...   OTA header, elements (section 6.3 of the OTA cluster)
//!
//! 0  u32 0x00001000  u32  8  1E F1 EE 0B ...  OTA header; the image, mostly encrypted
//! ```

use super::read::le_u32;
use super::{PayloadKind, PayloadMetadata, PayloadReport, PayloadState, PayloadVersion, UnknownReason};
use crate::file::{BodyLayout, FileHeader, Image, Tag};

const JN514X_START: u32 = 0x1000;
const JN514X_HEADER: usize = 8;

pub(super) fn is(bytes: &[u8]) -> bool {
    FileHeader::parse_lenient(bytes).is_ok()
}

pub(super) fn is_jn514x(bytes: &[u8]) -> bool {
    le_u32(bytes, 0) == Some(JN514X_START) && bytes.get(JN514X_HEADER..).is_some_and(is)
}

/// What an OTA header at this place says, if there is one.
pub(super) fn header_at(bytes: &[u8], offset: usize) -> PayloadMetadata<'_> {
    let header = bytes.get(offset..).and_then(|bytes| FileHeader::parse_lenient(bytes).ok());
    header.map_or(PayloadMetadata::NOTHING, |(header, _)| PayloadMetadata {
        manufacturer: Some(header.id.manufacturer),
        image_type: Some(header.id.image_type),
        version: Some(PayloadVersion::File(header.id.version)),
        ..PayloadMetadata::NOTHING
    })
}

pub(super) fn check_jn514x(bytes: &[u8]) -> PayloadReport<'_> {
    let stated = header_at(bytes, JN514X_HEADER);
    PayloadReport { stated, ..PayloadReport::perhaps_encrypted(PayloadKind::NxpJn514x, bytes) }
}

/// As damaged as the first upgrade image inside; a third file inside that one is not looked at.
pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    let stated = header_at(bytes, 0);
    let unknown = PayloadReport {
        stated,
        ..PayloadReport::new(PayloadKind::EmbeddedOta, PayloadState::Unknown(UnknownReason::NoSum))
    };
    // It was taken for a file because its header can be read, and then all of it can.
    let Ok(image) = Image::parse_lenient(bytes) else {
        return unknown;
    };
    if image.layout() == BodyLayout::Truncated {
        return PayloadReport { state: PayloadState::Unknown(UnknownReason::Doubtful), ..unknown };
    }
    let Some(at) = image.find(Tag::UPGRADE_IMAGE).next() else {
        return unknown;
    };
    let inside = PayloadReport::of_kind(PayloadKind::of(at.element.data), at.element.data);
    let state = match inside.state {
        // The inner header is in no sum.
        PayloadState::Whole(_) | PayloadState::Unknown(UnknownReason::NotRecognised(_)) => {
            PayloadState::Unknown(UnknownReason::NoSum)
        }
        state => state.moved(at.data_offset()),
    };
    PayloadReport {
        state,
        encrypted: inside.encrypted,
        signed: inside.signed || image.is_signed(),
        ..unknown
    }
}

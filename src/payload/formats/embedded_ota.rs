//! [`PayloadKind::EmbeddedOta`]: an OTA file as the payload of another OTA file. [`PayloadKind::NxpJn514x`]: an image
//! in which the linker placed an OTA header at byte 8.
//!
//! ```text
//! embedded file   0  1E F1 EE 0B ...        OTA header, elements (see the module `file`)
//! NXP JN514x      0  u32 0x00001000, 0x00001100 or 0x00002000   4  u32 length of the image - 9
//!                 8  1E F1 EE 0B ...  OTA header, if the linker placed one; then the image, mostly encrypted
//! ```

use super::dresden::{UNCOUNTED, cut_or};
use super::read_fields::{le_len, le_u32};
use crate::file::{BodyLayout, FileHeader, Image, Tag};
use crate::payload::{
    PayloadKind, PayloadMetadata, PayloadReport, PayloadState, PayloadVersion, UnknownReason,
};

/// First words of the known JN514x images.
const JN514X_STARTS: [u32; 3] = [0x1000, 0x1100, 0x2000];
const JN514X_HEADER: usize = 8;

pub(super) fn is(bytes: &[u8]) -> bool {
    FileHeader::parse_lenient(bytes).is_ok()
}

pub(super) fn is_jn514x(bytes: &[u8]) -> bool {
    let is_start = le_u32(bytes, 0).is_some_and(|word| JN514X_STARTS.contains(&word));
    let is_length = le_len(bytes, 4).and_then(|length| length.checked_add(UNCOUNTED)) == Some(bytes.len());
    is_start && (is_length || bytes.get(JN514X_HEADER..).is_some_and(is))
}

/// Returns the metadata in the OTA header at `offset`. Returns empty metadata if no OTA header is at `offset`.
pub(super) fn metadata_at(bytes: &[u8], offset: usize) -> PayloadMetadata<'_> {
    let header = bytes.get(offset..).and_then(|bytes| FileHeader::parse_lenient(bytes).ok());
    header.map_or(PayloadMetadata::EMPTY, |(header, _)| PayloadMetadata {
        manufacturer: Some(header.id.manufacturer),
        image_type: Some(header.id.image_type),
        version: Some(PayloadVersion::File(header.id.version)),
        ..PayloadMetadata::EMPTY
    })
}

pub(super) fn check_jn514x(bytes: &[u8]) -> PayloadReport<'_> {
    let metadata = metadata_at(bytes, JN514X_HEADER);
    let report = PayloadReport::encrypted_if_random(PayloadKind::NxpJn514x, bytes);
    // A length field does not prove the format, so it is not certain that a payload shorter than its length field is
    // damaged.
    PayloadReport { metadata, state: cut_or(bytes, report.state).ambiguous_if_truncated(), ..report }
}

/// Compares the checksums of the first upgrade image of an OTA file that is the payload of another OTA file. The state
/// of the inner OTA file is the state of its first upgrade image, but never `Whole`, because no checksum covers the
/// header of the inner OTA file.
pub(in crate::payload) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    let unknown = PayloadReport {
        metadata: metadata_at(bytes, 0),
        ..PayloadReport::without_checksum(PayloadKind::EmbeddedOta)
    };
    // The lenient parse never fails here, because it needs only a header, and the function `is` has already read the
    // header.
    let Ok(image) = Image::parse_lenient(bytes) else {
        return unknown;
    };
    if image.layout() == BodyLayout::Truncated {
        return PayloadReport { state: PayloadState::Unknown(UnknownReason::Ambiguous), ..unknown };
    }
    let Some(placed) = image.find(Tag::UPGRADE_IMAGE).next() else {
        return unknown;
    };
    let inner = PayloadKind::of(placed.element.data).check(placed.element.data);
    let state = match inner.state {
        // No checksum covers the header of the embedded file, so the state of the embedded file is never `Whole`.
        PayloadState::Whole(_) | PayloadState::Unknown(UnknownReason::NotRecognised(_)) => {
            PayloadState::Unknown(UnknownReason::NoChecksum)
        }
        state => state.shifted(placed.data_offset()),
    };
    PayloadReport {
        state,
        encrypted: inner.encrypted,
        signed: inner.signed || image.is_signed(),
        covered: inner.covered.shifted(placed.data_offset()),
        ..unknown
    }
}

/// Returns the report of an OTA file that is the payload of an embedded OTA file. `check_nested` does not check this
/// innermost OTA file, so that `check` is never recursive.
pub(super) fn check_nested(_: &[u8]) -> PayloadReport<'_> {
    PayloadReport::without_checksum(PayloadKind::EmbeddedOta)
}

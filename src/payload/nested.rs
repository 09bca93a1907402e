//! [`Kind::EmbeddedOta`], a whole OTA file as the payload of another, and [`Kind::NxpJn514x`], an image whose linker placed
//! an OTA header at its byte 8.
//!
//! ```text
//! 0  1E F1 EE 0B ...   OTA header, elements (section 6.3 of the OTA cluster)
//!
//! 0  u32 0x00001000  u32  8  1E F1 EE 0B ...  OTA header; the image, mostly encrypted
//! ```

use super::read::le_u32;
use super::{Kind, State, Stated, Verdict, Version, Why};
use crate::file::{Header, Image, Layout, Tag};

const JN514X_START: u32 = 0x1000;
const JN514X_HEADER: usize = 8;

pub(super) fn is(bytes: &[u8]) -> bool {
    Header::parse_lenient(bytes).is_ok()
}

pub(super) fn is_jn514x(bytes: &[u8]) -> bool {
    le_u32(bytes, 0) == Some(JN514X_START) && bytes.get(JN514X_HEADER..).is_some_and(is)
}

/// What an OTA header at this place says, if there is one.
pub(super) fn header_at(bytes: &[u8], offset: usize) -> Stated<'_> {
    let header = bytes.get(offset..).and_then(|bytes| Header::parse_lenient(bytes).ok());
    header.map_or(Stated::NOTHING, |(header, _)| Stated {
        manufacturer: Some(header.id.manufacturer),
        image_type: Some(header.id.image_type),
        version: Some(Version::File(header.id.version)),
        ..Stated::NOTHING
    })
}

pub(super) fn check_jn514x(bytes: &[u8]) -> Verdict<'_> {
    let stated = header_at(bytes, JN514X_HEADER);
    Verdict { stated, ..Verdict::perhaps_encrypted(Kind::NxpJn514x, bytes) }
}

/// As damaged as the first upgrade image inside; a third file inside that one is not looked at.
pub(super) fn check(bytes: &[u8]) -> Verdict<'_> {
    let stated = header_at(bytes, 0);
    let unknown = Verdict { stated, ..Verdict::new(Kind::EmbeddedOta, State::Unknown(Why::NoSum)) };
    // It was taken for a file because its header can be read, and then all of it can.
    let Ok(image) = Image::parse_lenient(bytes) else {
        return unknown;
    };
    if image.layout() == Layout::Truncated {
        return Verdict { state: State::Unknown(Why::Doubtful), ..unknown };
    }
    let Some(at) = image.find(Tag::UPGRADE_IMAGE).next() else {
        return unknown;
    };
    let inside = Verdict::of_kind(Kind::of(at.element.data), at.element.data);
    let state = match inside.state {
        // The inner header is in no sum.
        State::Whole(_) | State::Unknown(Why::NotRecognised(_)) => State::Unknown(Why::NoSum),
        state => state.moved(at.data_offset()),
    };
    Verdict { state, encrypted: inside.encrypted, signed: inside.signed || image.is_signed(), ..unknown }
}

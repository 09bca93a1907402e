//! Recognition of a payload in which one of the magic bytes is damaged. The magic bytes of a format are the constant
//! bytes by which the format is recognised, mostly at the start of the payload; in the names of the code, `mark` means
//! the magic bytes of a format. The format is certain, because the checksum of the payload matches after the damaged
//! byte is corrected.
//!
//! ```text
//! mark of each format, one byte wrong -> the checksum, computed with the right byte -> WrongByte
//! ```
//!
//! Without the search for one wrong magic byte, a payload with a flipped bit in its magic bytes would be reported as a
//! payload of an unknown format, not as damaged.

use super::{esp_image, mcuboot, nxp_jn518x, silabs_ebl, silabs_gbl, telink, ti_cc2530, ti_oad, xz};
use crate::crc::crc32_with;
use crate::payload::{ChecksumKind, Damage, DamageKind, PayloadKind, PayloadState};

/// Wrong byte among the magic bytes of a format.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WrongByte {
    /// Offset of the wrong byte, counted from the first byte of the payload.
    pub(crate) offset: usize,
    /// Correct value of the wrong byte: with this value, the checksum of the payload matches.
    pub(crate) expected: u8,
    /// Value that the wrong byte has in the payload.
    pub(crate) found: u8,
}

/// Compares `bytes` with the magic bytes `mark` of a format, a list of offsets and constant bytes. Returns the only
/// byte of `bytes` that differs from the magic bytes, or `None` if no byte or several bytes differ.
pub(super) fn only_wrong_byte(bytes: &[u8], mark: &[(usize, u8)]) -> Option<WrongByte> {
    let mut wrong = None;
    for (offset, expected) in mark.iter().copied() {
        let found = *bytes.get(offset)?;
        if found != expected && wrong.replace(WrongByte { offset, expected, found }).is_some() {
            return None;
        }
    }
    wrong
}

/// Returns whether the CRC-32 that is wrong according to `state` matches after the magic byte `wrong` is corrected. The
/// CRC-32 covers all bytes of the payload before the CRC-32.
pub(super) fn crc32_matches_with(bytes: &[u8], wrong: WrongByte, state: PayloadState) -> bool {
    let PayloadState::Damaged(Damage {
        offset,
        kind: DamageKind::Checksum { checksum: ChecksumKind::Crc32, expected, .. },
    }) = state
    else {
        return false;
    };
    bytes.get(..offset).is_some_and(|summed| crc32_with(summed, wrong.offset, wrong.expected) == expected)
}

/// Function that searches for one wrong byte among the magic bytes of a format.
type Search = fn(&[u8]) -> Option<WrongByte>;

/// Searches for a format of which `bytes` have all magic bytes but one, and whose checksum matches after this one byte
/// is corrected. Returns the format whose checksum matches, and the offset, the correct value and the wrong value of
/// the corrected magic byte.
pub(crate) fn find(bytes: &[u8]) -> Option<(PayloadKind, WrongByte)> {
    let searches: [(PayloadKind, Search); 10] = [
        (PayloadKind::SilabsGbl, silabs_gbl::wrong_magic_byte),
        (PayloadKind::SilabsEbl, silabs_ebl::wrong_magic_byte),
        (PayloadKind::SilabsEblEncrypted, silabs_ebl::damaged_encrypted_mark),
        (PayloadKind::TelinkKnlt, telink::wrong_magic_byte),
        (PayloadKind::EspImage, esp_image::wrong_magic_byte),
        (PayloadKind::TiOad, ti_oad::wrong_magic_byte),
        (PayloadKind::NxpJn518x, nxp_jn518x::wrong_magic_byte),
        (PayloadKind::Mcuboot, mcuboot::wrong_magic_byte),
        (PayloadKind::Xz, xz::wrong_magic_byte),
        (PayloadKind::TiCc2530, ti_cc2530::wrong_magic_byte),
    ];
    searches.into_iter().find_map(|(kind, search)| Some((kind, search(bytes)?)))
}

//! [`PayloadKind::Mcuboot`]: image for MCUboot ("Image Format" of its design document), little endian.
//!
//! ```text
//! 0   3D B8 F3 96   4 u32 address   8 u16 header size   10 u16 size of protected TLVs
//! 12  u32 image size   16 u32 flags   20 version: u8 u8 u16 u32
//! header size                the image
//! header size + image size   protected TLVs, then TLVs: magic:u16 (6908, 6907) total:u16, then each  type:u16 length:u16
//! ```
//!
//! The TLV of an MCUboot image with the type 0x10 is the SHA-256 of header, image and protected TLVs before encryption.
//! The TLVs of an MCUboot image with the types 0x20 to 0x24 are signatures.

use sha2::{Digest, Sha256};

use super::read_fields::{array, le_len, le_u16, le_u32, sha256_with};
use super::wrong_magic_byte::{WrongByte, only_wrong_byte};
use crate::payload::covered_bytes::CoveredBytes;
use crate::payload::{
    Damage, DamageKind, PayloadKind, PayloadMetadata, PayloadReport, PayloadState, PayloadVersion,
    UnknownReason,
};

const MAGIC: [u8; 4] = [0x3d, 0xb8, 0xf3, 0x96];
const HEADER_LEN: usize = 32;
const TLV_MAGIC: u16 = 0x6907;
const TLV_HEAD_LEN: usize = 4;
const SHA_256: u16 = 0x10;
/// Flags of an MCUboot image that have no effect on its SHA-256: position independent, not bootable, loaded to RAM, at
/// a fixed address.
const HARMLESS_FLAGS: u32 = 0x0000_0131;
const ENCRYPTED: u32 = 0x0000_000c;
/// Bits of [`ENCRYPTED`], which are all in the first byte of the flags of an MCUboot image.
const ENCRYPTED_BITS: u8 = 0x0c;
/// Offset of the flags in an MCUboot image.
const FLAGS: usize = 16;

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    let flags = le_u32(bytes, 16).unwrap_or(u32::MAX);
    let version = bytes.get(20..28).map(|version| PayloadVersion::Parts {
        major: version.first().copied().unwrap_or(0),
        minor: version.get(1).copied().unwrap_or(0),
        revision: le_u16(version, 2).unwrap_or(0),
        build: le_u32(version, 4).unwrap_or(0),
    });
    let (state, signed, covered) = state_and_signed(bytes);
    let encrypted = flags & ENCRYPTED != 0;
    let state = match state {
        PayloadState::Damaged(Damage { kind: DamageKind::Checksum { .. }, .. })
            if encrypted && flags & !(HARMLESS_FLAGS | ENCRYPTED) == 0 =>
        {
            PayloadState::Encrypted
        }
        state => state.ambiguous_unless(flags & !HARMLESS_FLAGS == 0),
    };
    let metadata = PayloadMetadata { version, ..PayloadMetadata::EMPTY };
    PayloadReport {
        encrypted,
        signed,
        metadata,
        ..PayloadReport::new(PayloadKind::Mcuboot, state).covering(covered)
    }
}

/// Returns the state of the image by its SHA-256, whether the image has a signature, and the bytes that the SHA-256 covers.
fn state_and_signed(bytes: &[u8]) -> (PayloadState, bool, CoveredBytes) {
    let (Some(header), Some(protected), Some(image)) =
        (le_u16(bytes, 8), le_u16(bytes, 10), le_len(bytes, 12))
    else {
        return (PayloadState::truncated(0, HEADER_LEN, bytes.len()), false, CoveredBytes::None);
    };
    if usize::from(header) < HEADER_LEN {
        return (PayloadState::Unknown(UnknownReason::Ambiguous), false, CoveredBytes::None);
    }
    let summed = image.saturating_add(usize::from(header)).saturating_add(usize::from(protected));
    let (Some(body), Some(magic), Some(total)) =
        (bytes.get(..summed), le_u16(bytes, summed), le_u16(bytes, summed.saturating_add(2)))
    else {
        let needed = summed.saturating_add(TLV_HEAD_LEN);
        return (PayloadState::truncated(0, needed, bytes.len()), false, CoveredBytes::None);
    };
    let end = summed.saturating_add(usize::from(total));
    if magic != TLV_MAGIC || end > bytes.len() {
        return (PayloadState::Unknown(UnknownReason::Ambiguous), false, CoveredBytes::None);
    }
    let (mut state, mut signed) = (PayloadState::Unknown(UnknownReason::NoChecksum), false);
    let mut covered = CoveredBytes::None;
    let mut offset = summed.saturating_add(TLV_HEAD_LEN);
    while offset < end {
        let Some((kind, length)) = le_u16(bytes, offset).zip(le_u16(bytes, offset.saturating_add(2))) else {
            break;
        };
        offset = offset.saturating_add(TLV_HEAD_LEN);
        if let (SHA_256, Some(sha), PayloadState::Unknown(_)) = (kind, array(bytes, offset), state) {
            state = PayloadState::from_sha256(offset, sha, Sha256::digest(body).into());
            let second = (offset, offset.saturating_add(sha.len()));
            covered = CoveredBytes::TwoRanges { first: (0, summed), second };
        }
        signed |= matches!(kind, 0x20..=0x24);
        offset = offset.saturating_add(usize::from(length));
    }
    (state, signed, covered)
}

/// Returns the wrong byte if the SHA-256 matches after the correction of one byte: one of the four magic bytes, or the
/// byte with the encryption flags.
pub(super) fn wrong_magic_byte(bytes: &[u8]) -> Option<WrongByte> {
    let mark = [(0, 0x3d), (1, 0xb8), (2, 0xf3), (3, 0x96)];
    let [flags] = array(bytes, FLAGS)?;
    let encrypted =
        only_wrong_byte(bytes, &[(FLAGS, flags & !ENCRYPTED_BITS)]).filter(|_| bytes.starts_with(&MAGIC));
    let wrong = only_wrong_byte(bytes, &mark).or(encrypted)?;
    sha256_matches_with(bytes, wrong.offset, wrong.expected).then_some(wrong)
}

/// Returns whether the SHA-256 in the TLVs matches if the byte at `offset` has the value `byte`.
fn sha256_matches_with(bytes: &[u8], offset: usize, byte: u8) -> bool {
    let (_, _, covered) = state_and_signed(bytes);
    let CoveredBytes::TwoRanges { first: (_, summed), second: (sha, _) } = covered else {
        return false;
    };
    let body = bytes.get(..summed).unwrap_or_default();
    array(bytes, sha) == Some(sha256_with(body, offset, byte))
}

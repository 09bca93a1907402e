//! [`PayloadKind::NordicInit`] and [`PayloadKind::NordicFirmware`]: init packet and firmware of a secure update
//! (`dfu-cc.proto` of the nRF5 SDK). Init packet and firmware are in consecutive elements. The init packet is a message
//! in protocol buffers:
//!
//! ```text
//! packet   1 command, or 2 signed command { 1 command  2 kind of signature  3 signature }
//! command  1 operation (1 init)   2 init
//! init     1 version  5 size of SoftDevice  6 size of boot loader  7 size of application
//!          8 hash { 1 kind (3 SHA-256)  2 digest, its bytes in reverse order }
//! ```
//!
//! Nordic firmware consists of up to three parts: SoftDevice, boot loader and application. The init packet contains the
//! sizes of SoftDevice, boot loader and application. Some vendors encrypt the firmware; for encrypted firmware, the
//! hash in the init packet covers the firmware before encryption.

use sha2::{Digest, Sha256};

use crate::payload::covered_bytes::CoveredBytes;
use crate::payload::entropy::is_plain;
use crate::payload::{Entropy, PayloadKind, PayloadMetadata, PayloadReport, PayloadState, PayloadVersion};

/// Contents of an init packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::payload) struct InitPacket {
    /// Length of the firmware in bytes: the sum of the sizes of SoftDevice, boot loader and application in the packet.
    size: u64,
    /// SHA-256 of the firmware, in the byte order in which the init packet contains it.
    digest: [u8; 32],
    version: Option<u32>,
    signed: bool,
}

/// Maximum length of an init packet in bytes. An init packet with the usual fields has less than 256 bytes.
const MAX_LEN: usize = 1024;

pub(super) fn is(bytes: &[u8]) -> bool {
    InitPacket::read(bytes).is_some()
}

pub(super) fn check(bytes: &[u8]) -> PayloadReport<'_> {
    let packet = InitPacket::read(bytes);
    let version = packet.and_then(|packet| packet.version).map(PayloadVersion::Number);
    PayloadReport {
        signed: packet.is_some_and(|packet| packet.signed),
        metadata: PayloadMetadata { version, ..PayloadMetadata::EMPTY },
        ..PayloadReport::without_checksum(PayloadKind::NordicInit)
    }
}

/// Returns the report about Nordic firmware whose init packet is missing. If the init packet is present,
/// [`InitPacket::check_firmware`] compares the SHA-256 of the firmware with the hash in
/// the init packet.
pub(super) fn check_firmware(_: &[u8]) -> PayloadReport<'_> {
    PayloadReport::without_checksum(PayloadKind::NordicFirmware)
}

impl InitPacket {
    /// Reads `bytes` as exactly one init packet. Returns `None` if a required field of the init packet is missing.
    pub(in crate::payload) fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > MAX_LEN {
            return None;
        }
        let packet = fields(bytes, [1, 2])?;
        let (command, signed) = match packet {
            [Some(Value::Bytes(command)), None] => (command, false),
            [None, Some(Value::Bytes(command))] => (fields(command, [1])?[0]?.bytes()?, true),
            _ => return None,
        };
        let [Some(Value::Number(1)), Some(Value::Bytes(init))] = fields(command, [1, 2])? else {
            return None;
        };
        let [version, soft_device, boot_loader, application, hash] = fields(init, [1, 5, 6, 7, 8])?;
        let [Some(Value::Number(3)), Some(Value::Bytes(digest))] = fields(hash?.bytes()?, [1, 2])? else {
            return None;
        };
        let sizes = [soft_device, boot_loader, application];
        let size = sizes.into_iter().flatten().try_fold(0_u64, |sum, size| match size {
            Value::Number(size) => sum.checked_add(size),
            Value::Bytes(_) => None,
        })?;
        let version = match version {
            Some(Value::Number(version)) => u32::try_from(version).ok(),
            _ => None,
        };
        (size > 0).then_some(Self { size, digest: digest.try_into().ok()?, version, signed })
    }

    /// Compares the SHA-256 in the init packet with `bytes`, the data of the element after the init packet. Returns
    /// `None` unless `bytes` has the length of the firmware according to the init packet.
    pub(in crate::payload) fn check_firmware<'a>(&self, bytes: &'a [u8]) -> Option<PayloadReport<'a>> {
        if u64::try_from(bytes.len()) != Ok(self.size) {
            return None;
        }
        let found: [u8; 32] = Sha256::digest(bytes).into();
        let mut expected = self.digest;
        // Some tools do not reverse the digest.
        if expected != found {
            expected.reverse();
        }
        let state = match PayloadState::from_sha256(0, expected, found) {
            PayloadState::Damaged(_) if Entropy::of(bytes).looks_random() => PayloadState::Encrypted,
            state => state.ambiguous_unless(is_plain(bytes)),
        };
        let version = self.version.map(PayloadVersion::Number);
        Some(PayloadReport {
            encrypted: state == PayloadState::Encrypted,
            signed: self.signed,
            metadata: PayloadMetadata { version, ..PayloadMetadata::EMPTY },
            ..PayloadReport::new(PayloadKind::NordicFirmware, state)
                .covering(CoveredBytes::until(bytes.len()))
        })
    }
}

/// Value of a field in a message in protocol buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Number(_) => None,
        }
    }
}

/// Reads `bytes` as exactly one message in protocol buffers. Returns the last value of each field of the message whose
/// number is in `numbers`.
fn fields<const N: usize>(bytes: &[u8], numbers: [u64; N]) -> Option<[Option<Value<'_>>; N]> {
    let (mut rest, mut found) = (bytes, [None; N]);
    while !rest.is_empty() {
        let (key, value) = varint(rest)?;
        let (number, after) = varint(value)?;
        let value = match key & 7 {
            0 => {
                rest = after;
                Value::Number(number)
            }
            2 => {
                let (bytes, after) = after.split_at_checked(usize::try_from(number).ok()?)?;
                rest = after;
                Value::Bytes(bytes)
            }
            // No field of these messages has another wire type.
            _ => return None,
        };
        for (wanted, found) in numbers.iter().zip(&mut found) {
            if *wanted == key >> 3 {
                *found = Some(value);
            }
        }
    }
    Some(found)
}

/// Reads a varint, which has seven bits in each byte, the lowest first. Returns the value of the varint, and the bytes
/// after the varint.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (mut rest, mut number) = (bytes, 0_u64);
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        number |= u64::from(byte & 0x7f).wrapping_shl(shift);
        rest = after;
        if byte & 0x80 == 0 {
            return Some((number, rest));
        }
    }
    None
}

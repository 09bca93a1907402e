//! Builders of containers around an OTA file, written from the tables of the module documentation. The tests of the
//! examples also build their containers with this module.

use std::vec::Vec;

use sha2::{Digest, Sha256, Sha512};

use super::crc32;

fn len(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap()
}

/// Builds an IKEA container with chunks of 32 bytes, so with three chunks for an OTA file of 70 bytes, and with 9
/// opaque bytes after the OTA file.
pub(super) fn ikea(ota: &[u8]) -> Vec<u8> {
    let sums: Vec<_> = ota.chunks(32).map(|chunk| Sha256::digest(chunk).to_vec()).collect();
    let count = u32::try_from(sums.len()).unwrap();
    let offset = 40 + 32 * count;
    let words = [12, 2010, offset - 12, offset, len(ota), offset + len(ota), 11, 32, count];
    let words = words.map(u32::to_le_bytes);
    [b"NGIS", words.as_flattened(), &sums.concat(), ota, &[0x5a; 9]].concat()
}

pub(super) fn legrand(ota: &[u8]) -> Vec<u8> {
    [&len(ota).to_le_bytes(), ota, &[0], &[0x5a; 16]].concat()
}

pub(super) fn sonoff(ota: &[u8]) -> Vec<u8> {
    let version = *b"\x03\x011.0.8\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let mut model = [0; 0x3c];
    model[..13].copy_from_slice(b"GENERAL_MODEL");
    model[0x20..0x25].copy_from_slice(b"1.0.8");
    model[0x30..].copy_from_slice([100, len(ota), crc32(ota)].map(u32::to_be_bytes).as_flattened());
    let [version_sum, model_sum] = [&version[..], &model].map(|part| crc32(part).to_be_bytes());
    [&version[..], &version_sum, &model, &model_sum, &[0; 12], ota].concat()
}

pub(super) fn salus(ota: &[u8]) -> Vec<u8> {
    [ota, &crc32(ota).to_le_bytes()].concat()
}

pub(super) fn sdevices(ota: &[u8]) -> Vec<u8> {
    let padded = [ota, &[0xff; 15][..ota.len().next_multiple_of(16) - ota.len()]].concat();
    [&padded[..], &(!crc32(&padded)).to_le_bytes()].concat()
}

pub(super) fn nxp(ota: &[u8]) -> Vec<u8> {
    [&[0x07, 0x03, 0x00, 0x08], ota].concat()
}

pub(super) fn third_reality(ota: &[u8]) -> Vec<u8> {
    let summed = [&[0x17, 0x08, 0x22, 0x20], &(88 + len(ota)).to_le_bytes()[..], &[0x5a; 80], ota].concat();
    [&Sha512::digest(&summed)[..], &summed].concat()
}

//! Reference implementations of the checksums of payloads, bit by bit from their definitions.

use sha2::{Digest, Sha256};

/// CRC-32 with its final xor.
pub fn crc32(bytes: &[u8]) -> u32 {
    !register(!0, bytes)
}

/// CRC-32 with the initial value `start`, without a final xor.
pub fn register(start: u32, bytes: &[u8]) -> u32 {
    let shift = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    bytes.iter().fold(start, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| shift(crc)))
}

/// CRC-16 register with the polynomial 0x1021, into whose low end each bit is shifted.
pub fn crc16_register(bytes: impl IntoIterator<Item = u8>) -> u16 {
    let mut crc = 0_u16;
    for byte in bytes {
        for bit in (0..8).rev() {
            let top = crc & 0x8000 != 0;
            crc = crc << 1 | u16::from(byte >> bit & 1);
            if top {
                crc ^= 0x1021;
            }
        }
    }
    crc
}

pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

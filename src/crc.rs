//! CRC-32 and CRC-16 checksums of containers and payloads.
//!
//! | function | polynomial | initial value | final xor | bits |
//! |---|---|---|---|---|
//! | `crc32` | 0x04C11DB7 | all ones | all ones | reflected |
//! | `crc32_from_zero` | 0x04C11DB7 | 0 | none | reflected |
//! | `crc16` | 0x1021 | 0 | none | not reflected |
//!
//! The lookup tables are statics, shared by all callers. The table of CRC-32 takes 16 KiB; it lets each step of the
//! computation process 16 bytes.

use crc::{CRC_16_XMODEM, CRC_32_ISO_HDLC, Crc, Digest, Table};

static CRC_32: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);
static CRC_16: Crc<u16> = Crc::<u16>::new(&CRC_16_XMODEM);

/// Computes CRC-32/ISO-HDLC, the checksum that most tools call CRC-32.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    run(CRC_32.digest(), bytes)
}

/// Computes the CRC-32 with the polynomial of [`crc32`], the initial value 0 and no final xor.
pub(crate) fn crc32_from_zero(bytes: &[u8]) -> u32 {
    !run(CRC_32.digest_with_initial(0), bytes)
}

/// Computes the CRC-32 that [`crc32`] would return if `bytes` had the value `byte` at `offset`.
pub(crate) fn crc32_with(bytes: &[u8], offset: usize, byte: u8) -> u32 {
    let (before, rest) = bytes.split_at_checked(offset).unwrap_or((bytes, &[]));
    let mut digest = CRC_32.digest();
    for part in [before, &[byte], rest.get(1..).unwrap_or_default()] {
        digest = feed(digest, part);
    }
    digest.finalize()
}

fn run(digest: Digest<'_, u32, Table<16>>, bytes: &[u8]) -> u32 {
    feed(digest, bytes).finalize()
}

/// Feeds `bytes` to the digest in arrays of 16 bytes. The compiler knows the length of an array, and therefore removes
/// the bounds checks of the crate `crc`.
fn feed<'a>(mut digest: Digest<'a, u32, Table<16>>, bytes: &[u8]) -> Digest<'a, u32, Table<16>> {
    let (pieces, rest) = bytes.as_chunks::<16>();
    for piece in pieces {
        digest.update(piece);
    }
    for byte in rest {
        digest.update(&[*byte]);
    }
    digest
}

/// Computes CRC-16/XMODEM over the concatenation of all parts.
pub(crate) fn crc16<const N: usize>(parts: [&[u8]; N]) -> u16 {
    let mut digest = CRC_16.digest();
    for part in parts {
        digest.update(part);
    }
    digest.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares the checksums with the check values of the catalogue of CRC algorithms: CRC-32/ISO-HDLC, CRC-32/JAMCRC,
    /// CRC-16/XMODEM.
    #[test]
    fn sums_match_the_check_values_of_the_catalogue() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(!crc32(b"123456789"), 0x340b_c6d9);
        assert_eq!(crc16([b"1234", b"56789"]), 0x31c3);
    }

    /// Compares the register of CRC-32 after a byte 1, alone and followed by one or three zero bytes, with entries of
    /// published slicing-by-N tables.
    #[test]
    fn crc32_from_zero_returns_the_bare_register() {
        assert_eq!(crc32_from_zero(&[1]), 0x7707_3096);
        assert_eq!(crc32_from_zero(&[1, 0]), 0x191b_3141);
        assert_eq!(crc32_from_zero(&[1, 0, 0, 0]), 0xb8bc_6765);
        assert_eq!(crc32_from_zero(&[0; 9]), 0);
    }
}

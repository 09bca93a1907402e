//! CRC-32 without a lookup table, for the records that a device stores. Without a table, the computation of a CRC-32
//! takes a few instructions for each bit of the input. A lookup table for CRC-32 would take a kilobyte of flash.
//!
//! | polynomial | initial value | final xor | bits |
//! |---|---|---|---|
//! | 0x04C11DB7 | all ones | all ones | reflected |

/// Computes CRC-32/ISO-HDLC, the checksum that most tools call CRC-32.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_the_check_value_of_the_catalogue() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(&[]), 0);
    }
}

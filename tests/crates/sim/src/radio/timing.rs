//! Durations and sizes of IEEE 802.15.4 at 2.4 GHz, 250 kb/s, and of the Zigbee headers around a ZCL frame.
//!
//! ```text
//! | backoff, 0 to 2^BE - 1 units | CCA | turnaround | PHY 6 + MPDU | turnaround | ack | LIFS, before the own next |
//!
//! MPDU: MAC 11 with its FCS, NWK 8, NWK security 14, MIC 4, APS 8, ZCL frame
//! ```

use crate::Micros;

/// aUnitBackoffPeriod, 20 symbols.
pub const BACKOFF_UNIT: Micros = 320;
/// Clear channel assessment, 8 symbols.
pub const CCA: Micros = 128;
/// Turnaround between receiving and sending, 12 symbols.
pub const TURNAROUND: Micros = 192;
/// MAC acknowledgement: 5 bytes after 6 bytes of the PHY.
pub const MAC_ACK: Micros = 352;
/// Long interframe spacing between two frames of one station, 40 symbols.
pub const LIFS: Micros = 640;
/// macAckWaitDuration, 54 symbols.
pub const ACK_WAIT: Micros = 864;
/// Duration of one byte.
pub const BYTE: Micros = 32;
/// Preamble, start delimiter and length field of the PHY.
pub const PHY_BYTES: u64 = 6;

/// macMinBE.
pub const LEAST_EXPONENT: u32 = 3;
/// macMaxBE.
pub const GREATEST_EXPONENT: u32 = 5;
/// macMaxCSMABackoffs.
pub const BACKOFFS: u8 = 4;
/// macMaxFrameRetries.
pub const RETRIES: u8 = 3;

/// Maximum size of an MPDU.
pub const LONGEST_MPDU: usize = 127;
/// Bytes of an MPDU around the ZCL frame.
pub const HEADERS: usize = 11 + 8 + 14 + 4 + 8;
/// Bytes added by APS encryption.
pub const APS_SECURITY: usize = 9;
/// Bytes added to a fragment by the extended header: its control field and the number of the fragment.
pub const FRAGMENT_HEADER: usize = 2;
/// Bytes added to the acknowledgement of fragments, beside the extended header.
pub const ACK_BITFIELD: usize = 1;
/// Size of a MAC Data Request, the poll of a sleepy device.
pub const DATA_REQUEST: usize = 12;

/// Maximum data size of an Image Block Response that needs no fragmentation.
pub const LONGEST_BLOCK: u8 = 65;

/// Air time of an MPDU.
#[must_use]
pub const fn on_air(mpdu: usize) -> Micros {
    (PHY_BYTES + mpdu as u64) * BYTE
}

/// Mean duration from the start of the backoff to the end of the acknowledgement on a channel without contention.
#[must_use]
pub const fn transaction(mpdu: usize) -> Micros {
    let backoff = ((1 << LEAST_EXPONENT) - 1) * BACKOFF_UNIT / 2;
    backoff + CCA + TURNAROUND + on_air(mpdu) + TURNAROUND + MAC_ACK
}

/// Size of the MPDU of an Image Block Response with `data` data bytes.
#[must_use]
pub const fn block_response(data: u8) -> usize {
    HEADERS + 17 + data as usize
}

/// Maximum number of bytes of a ZCL frame in a fragment.
pub const LONGEST_FRAGMENT: usize = LONGEST_MPDU - HEADERS - FRAGMENT_HEADER;

/// Theoretical maximum goodput in bytes per second over `hops` hops that share the channel: block responses back to
/// back and nothing else. Longer blocks than [`LONGEST_BLOCK`] are sent in fragments.
#[must_use]
pub fn limit(hops: u16, data: u8) -> f64 {
    let mpdu = block_response(data);
    let (one, frames) = if mpdu <= LONGEST_MPDU {
        (transaction(mpdu), 1)
    } else {
        let (whole, rest) = ((mpdu - HEADERS) / LONGEST_FRAGMENT, (mpdu - HEADERS) % LONGEST_FRAGMENT);
        let last = if rest > 0 { transaction(HEADERS + FRAGMENT_HEADER + rest) } else { 0 };
        (whole as u64 * transaction(LONGEST_MPDU) + last, (whole + usize::from(rest > 0)) as u64)
    };
    let each = (one + frames * LIFS).max(Micros::from(hops) * one);
    f64::from(data) * 1e6 / each as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Air times of frames in the reference model.
    #[test]
    fn frames_take_the_time_of_the_model() {
        let block = |data| block_response(data);
        let frames = [
            (HEADERS + 17, 62, 2176, 4160),
            (HEADERS + 21, 66, 2304, 4288),
            (HEADERS, 45, 1632, 3616),
            (block(32), 94, 3200, 5184),
            (block(50), 112, 3776, 5760),
            (block(64), 126, 4224, 6208),
            (block(65), LONGEST_MPDU, 4256, 6240),
        ];
        for (mpdu, bytes, air, whole) in frames {
            assert_eq!((mpdu, on_air(mpdu), transaction(mpdu)), (bytes, air, whole));
        }
        let kilobytes = |hops, data| (limit(hops, data) / 10.0).round() / 100.0;
        assert_eq!([32, 50, 63, 64, 65].map(|data| kilobytes(1, data)), [5.49, 7.81, 9.24, 9.35, 9.45]);
        assert_eq!([72, 82, 143, 223].map(|data| kilobytes(1, data)), [6.27, 6.94, 10.39, 10.8]);
        assert_eq!([72, 82, 143, 223].map(|data| kilobytes(3, data)), [2.35, 2.6, 3.82, 3.97]);
        assert_eq!([32, 50, 63, 64, 65].map(|data| kilobytes(3, data)), [2.06, 2.89, 3.40, 3.44, 3.47]);
    }
}

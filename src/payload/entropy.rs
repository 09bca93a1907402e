//! Entropy of bytes. Encrypted or compressed bytes have a high entropy; code has a lower entropy.
//!
//! ```text
//! bytes -> count of each value in a sample of 4,096 bytes -> sum of  p * log2(1 / p)  -> 0 to 8 bits for each byte
//! ```

use core::fmt;

/// Shannon entropy of a sample of bytes, computed from the frequency of each byte value. A high entropy is a hint that
/// the bytes are encrypted or compressed, but no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Entropy {
    /// Entropy of one byte in thousandths of a bit, 0 to 8,000.
    pub millibits: u16,
    /// Number of bytes in the sample, at most 4,096. The sample is taken from the middle of the bytes.
    pub sample: u16,
}

/// Maximum length of a sample in bytes. Random bytes reach an entropy of 7.95 bits in a sample of 4,096 bytes, and a
/// longer sample would only take more time.
const MAX_SAMPLE: usize = 4096;
/// Minimum sample length in bytes for the recognition of random bytes. In a sample of fewer than 1,024 bytes, each of
/// the 256 byte values occurs too rarely for a reliable entropy.
const MIN_SAMPLE: u16 = 1024;
/// Threshold in millibits between code and encrypted or well-compressed bytes. The entropy of all code in the vendors'
/// files of the tests is below 7,200 millibits.
const MAX_OF_CODE: u16 = 7_200;

impl Entropy {
    /// Computes the entropy of up to 4,096 bytes in the middle of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let start = bytes.len().saturating_sub(MAX_SAMPLE).wrapping_div(2);
        let rest = bytes.get(start..).unwrap_or_default();
        let sample = rest.get(..MAX_SAMPLE).unwrap_or(rest);
        let mut counts = [0_u16; 256];
        for byte in sample {
            if let Some(count) = counts.get_mut(usize::from(*byte)) {
                *count = count.saturating_add(1);
            }
        }
        let size = u16::try_from(sample.len()).unwrap_or(u16::MAX);
        let Some(divisor) = core::num::NonZero::new(u64::from(size)) else {
            return Self { millibits: 0, sample: 0 };
        };
        let spent = counts.iter().fold(0_u64, |sum, count| {
            sum.saturating_add(u64::from(*count).saturating_mul(u64::from(log2(*count))))
        });
        // The logarithms are in 65,536ths of a bit.
        let bits = u64::from(log2(size)).saturating_sub(spent / divisor);
        let millibits = bits.saturating_mul(1000) >> 16;
        Self { millibits: u16::try_from(millibits).unwrap_or(u16::MAX), sample: size }
    }

    /// Returns whether the bytes look encrypted or compressed. Bytes look encrypted or compressed if their sample has
    /// at least 1,024 bytes, and an entropy at most 0.1 bits below the expected entropy of the same number of random
    /// bytes.
    #[must_use]
    pub fn looks_random(self) -> bool {
        let Some(sample) = core::num::NonZero::new(u32::from(self.sample)) else {
            return false;
        };
        // The entropy of n random bytes is 255 / (2 n ln 2) bits below 8 on average (Miller and Madow's correction).
        let expected = 8_000_u32.saturating_sub(183_970 / sample);
        self.sample >= MIN_SAMPLE && u32::from(self.millibits) >= expected.saturating_sub(100)
    }

    /// Returns whether the entropy is too low for encrypted or compressed bytes.
    fn is_plain(self) -> bool {
        // The entropy of n bytes is at most log2(n) bits, and n random bytes nearly reach this maximum. A limit 1 bit
        // below the maximum is safe.
        let limit = (log2(self.sample).saturating_mul(1000) >> 16).saturating_sub(1000);
        u32::from(self.millibits) < limit.min(u32::from(MAX_OF_CODE))
    }
}

impl fmt::Display for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [whole, rest] = [self.millibits / 1000, self.millibits % 1000 / 10];
        write!(f, "{whole}.{rest:02} bits of entropy a byte")
    }
}

/// Returns whether each quarter of `bytes` has an entropy too low for encrypted or compressed bytes.
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    let mut quarters = bytes.chunks(bytes.len().div_ceil(4).max(1));
    !bytes.is_empty() && quarters.all(|quarter| Entropy::of(quarter).is_plain())
}

/// Returns the logarithm of `number` to base 2, in 65,536ths of 1, rounded down. The result for the number 0, which has
/// no logarithm, is 0.
fn log2(number: u16) -> u32 {
    let Some(whole) = number.checked_ilog2() else {
        return 0;
    };
    // The mantissa, from 1 to below 2, has 31 fractional bits. Squaring the mantissa doubles the logarithm of the
    // mantissa. The next bit of this logarithm is 1 if the square is 2 or more.
    let mut mantissa = u64::from(number).wrapping_shl(31_u32.saturating_sub(whole));
    let mut result = whole;
    for _ in 0..16 {
        mantissa = mantissa.saturating_mul(mantissa) >> 31;
        let bit = mantissa >> 32 != 0;
        if bit {
            mantissa >>= 1;
        }
        result = result << 1 | u32::from(bit);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;
    use std::vec::Vec;

    #[test]
    fn logarithms_agree_with_floating_point() {
        assert_eq!(log2(0), 0);
        for number in 1..=u16::MAX {
            let exact = f64::from(number).log2() * 65_536.0;
            assert!((f64::from(log2(number)) - exact).abs() < 1.5, "{number}");
        }
    }

    #[test]
    fn the_sample_is_taken_from_the_middle() {
        assert_eq!(Entropy::of(&[]), Entropy { millibits: 0, sample: 0 });
        assert_eq!(Entropy::of(&[7; 100]), Entropy { millibits: 0, sample: 100 });
        let two: Vec<u8> = (0..200).map(|place| place % 2).collect();
        assert_eq!(Entropy::of(&two).millibits, 1000);
        let all: Vec<u8> = (0..4096).map(|place: u32| place.to_le_bytes()[0]).collect();
        assert_eq!(Entropy::of(&all), Entropy { millibits: 8000, sample: 4096 });
        let middle = [&[0; 5000][..], &all, &[0; 5000]].concat();
        assert_eq!(Entropy::of(&middle), Entropy::of(&all));
        assert_eq!(Entropy { millibits: 7_049, sample: 4096 }.to_string(), "7.04 bits of entropy a byte");
    }

    /// Random bytes are never classified as plain, and bytes with only 32 values are never classified as random.
    #[test]
    fn random_bytes_look_random_and_others_do_not() {
        let mut generator = fastrand::Rng::with_seed(5);
        for size in [64, 256, 512, 1024, 2000, 4096, 100_000] {
            let random: Vec<u8> = core::iter::repeat_with(|| generator.u8(..)).take(size).collect();
            let entropy = Entropy::of(&random);
            assert_eq!(entropy.looks_random(), size >= 1024, "{size}: {entropy}");
            assert!(!entropy.is_plain() && !is_plain(&random), "{size}: {entropy}");
            // Padding of twice the length after the random bytes does not change the result.
            assert!(!is_plain(&[&random[..], &std::vec![0xff; size * 2]].concat()), "{size}");
            // Random sample with only 32 of the 256 byte values.
            let narrow: Vec<u8> = random.iter().map(|byte| byte & 0x1f).collect();
            let entropy = Entropy::of(&narrow);
            assert!(!entropy.looks_random() && (entropy.is_plain() || size == 64), "{size}: {entropy}");
        }
    }
}

//! How evenly the values of bytes are spread: what is encrypted or compressed looks like dice, code does not.

use core::fmt;

/// The entropy of a sample of some bytes, by how often each value occurs: a hint, and never a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Entropy {
    /// Thousandths of a bit for each byte, 0 to 8,000.
    pub millibits: u16,
    /// Bytes that were looked at, in the middle of the payload; at most 4,096.
    pub sample: u16,
}

/// Bytes looked at, at most.
const SAMPLE: usize = 4096;
/// With fewer bytes even dice do not look like dice.
const FEWEST: u16 = 1024;
/// Code does not reach this, and what is encrypted or well compressed does not stay below.
const MOST_OF_CODE: u16 = 7_200;

impl Entropy {
    /// The entropy of up to 4,096 bytes in the middle of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let start = bytes.len().saturating_sub(SAMPLE).wrapping_div(2);
        let rest = bytes.get(start..).unwrap_or_default();
        let sample = rest.get(..SAMPLE).unwrap_or(rest);
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
        // In 65,536ths of a bit until here.
        let bits = u64::from(log2(size)).saturating_sub(spent / divisor);
        let millibits = bits.saturating_mul(1000) >> 16;
        Self { millibits: u16::try_from(millibits).unwrap_or(u16::MAX), sample: size }
    }

    /// Whether the bytes look encrypted or compressed: within a tenth of a bit of what as many random bytes have.
    #[must_use]
    pub fn looks_random(self) -> bool {
        let Some(sample) = core::num::NonZero::new(u32::from(self.sample)) else {
            return false;
        };
        // Of n random bytes 255 / (2 n ln 2) bits are missing to 8 on average.
        let expected = 8_000_u32.saturating_sub(183_970 / sample);
        self.sample >= FEWEST && u32::from(self.millibits) >= expected.saturating_sub(100)
    }

    fn is_plain(self) -> bool {
        // Of few bytes no more than this can be told, and random ones stay well above.
        let few = (log2(self.sample).saturating_mul(1000) >> 16).saturating_sub(1000);
        u32::from(self.millibits) < few.min(u32::from(MOST_OF_CODE))
    }
}

impl fmt::Display for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [whole, rest] = [self.millibits / 1000, self.millibits % 1000 / 10];
        write!(f, "{whole}.{rest:02} bits of entropy a byte")
    }
}

/// Whether the bytes are surely neither encrypted nor compressed, in none of their quarters.
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    let mut quarters = bytes.chunks(bytes.len().div_ceil(4).max(1));
    !bytes.is_empty() && quarters.all(|quarter| Entropy::of(quarter).is_plain())
}

/// The logarithm to base 2 in 65,536ths, rounded down; 0 of 0.
fn log2(number: u16) -> u32 {
    let Some(whole) = number.checked_ilog2() else {
        return 0;
    };
    // 1 to below 2, with 31 bits after the point; squared again and again it shows one bit of the logarithm each time.
    let mut rest = u64::from(number).wrapping_shl(31_u32.saturating_sub(whole));
    let mut result = whole;
    for _ in 0..16 {
        rest = rest.saturating_mul(rest) >> 31;
        let bit = rest >> 32 != 0;
        if bit {
            rest >>= 1;
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
    fn logarithms_are_those_of_floating_point() {
        assert_eq!(log2(0), 0);
        for number in 1..=u16::MAX {
            let exact = f64::from(number).log2() * 65_536.0;
            assert!((f64::from(log2(number)) - exact).abs() < 1.5, "{number}");
        }
    }

    #[test]
    fn entropy_is_that_of_the_middle() {
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

    /// Text is plain, dice are not, and neither is the other.
    #[test]
    fn random_bytes_look_random_and_code_does_not() {
        let mut dice = fastrand::Rng::with_seed(5);
        for size in [64, 256, 512, 1024, 2000, 4096, 100_000] {
            let random: Vec<u8> = core::iter::repeat_with(|| dice.u8(..)).take(size).collect();
            let entropy = Entropy::of(&random);
            assert_eq!(entropy.looks_random(), size >= 1024, "{size}: {entropy}");
            assert!(!entropy.is_plain() && !is_plain(&random), "{size}: {entropy}");
            // Not even among as much padding.
            assert!(!is_plain(&[&random[..], &std::vec![0xff; size * 2]].concat()), "{size}");
            // Half of the values, as random as they can be.
            let halved: Vec<u8> = random.iter().map(|byte| byte & 0x1f).collect();
            let entropy = Entropy::of(&halved);
            assert!(!entropy.looks_random() && (entropy.is_plain() || size == 64), "{size}: {entropy}");
        }
    }
}

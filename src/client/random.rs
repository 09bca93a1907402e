//! Pseudo-random number generator for the query jitter of an Image Notify and for the spread of requests. Two
//! generators with the same seed give the same numbers.

use crate::time::Millis;

/// Pseudo-random number generator SplitMix64 (Steele, Lea, Flood 2014) with eight bytes of state. The numbers are
/// random enough to spread the requests of many devices over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a random time from 0 to `limit`. If `limit` is 0, the generator draws no random number.
    pub(super) fn up_to(&mut self, Millis(limit): Millis) -> Millis {
        if limit == 0 {
            return Millis(0);
        }
        let scaled = (self.next() >> 32).wrapping_mul(u64::from(limit).saturating_add(1)) >> 32;
        Millis(u32::try_from(scaled).unwrap_or(limit))
    }

    /// Returns a random number from 1 to 100 for comparison with the query jitter (section 6.8.1 of ZigBee document
    /// 095264). The 100 numbers are almost equally likely: their probabilities differ by less than one ten-millionth.
    pub(super) fn percent(&mut self) -> u8 {
        let scaled = (self.next() >> 32).wrapping_mul(100) >> 32;
        u8::try_from(scaled).unwrap_or(99).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of SplitMix64 by its authors, for the seed 1234567.
    #[test]
    fn the_numbers_are_those_of_split_mix_64() {
        let mut random = Random::new(1_234_567);
        let numbers = core::array::from_fn(|_| random.next());
        assert_eq!(
            numbers,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn a_random_time_reaches_both_ends_and_no_further() {
        let mut random = Random::new(1);
        let times: std::vec::Vec<u32> = (0..1000).map(|_| random.up_to(Millis(9)).0).collect();
        assert_eq!((times.iter().min(), times.iter().max()), (Some(&0), Some(&9)));
        assert!(
            (0..=9).all(|time| (60..=140).contains(&times.iter().filter(|drawn| **drawn == time).count()))
        );
        let before = random;
        assert_eq!((random.up_to(Millis(0)), random), (Millis(0), before));
        assert!(random.up_to(Millis(u32::MAX)).0 > 0);
    }

    /// Shows: CLI-018
    #[test]
    fn the_query_jitter_is_the_percentage_of_devices_that_query() {
        let mut random = Random::new(1);
        let draws = 10_000;
        let mut counts = [0_u32; 101];
        for _ in 0..draws {
            counts[usize::from(random.percent())] += 1;
        }
        assert_eq!(counts[0], 0);
        assert_eq!(counts.iter().sum::<u32>(), draws);
        let at_most_30: u32 = counts[..=30].iter().sum();
        assert!((2800..=3200).contains(&at_most_30), "{at_most_30}");
        assert!(counts[1..].iter().all(|count| (50..=160).contains(count)), "{counts:?}");
    }
}

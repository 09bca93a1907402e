//! Size of the blocks that the client requests: whole words of storage (units of `ClientConfig::write_size` bytes), and
//! no more than the server sends.
//!
//! A server may send less data in a block than the client requested, for example only as much as fits in one frame. If
//! several requests are in flight, each short block leaves a gap in the stored bytes of the file. After a short block,
//! the client therefore requests only blocks of the size of the short block.
//!
//! ```text
//! largest size, in whole words --- a short block ---> size that the server sent --- 200 full blocks ---> largest size
//! ```

use crate::client::config::ClientConfig;

/// Number of blocks that have to arrive in the requested size before the client requests the largest block size again.
///
/// A server may send short blocks only for some time, for example while frames take a longer route. If the client
/// requests the largest size once in 200 blocks, the client sends at most one additional request, for the rest of a
/// short block. One additional request for 200 blocks is 0.5 % of the requests. The number of 200 blocks before a
/// request of the largest size was chosen without a measurement.
const FULL_BLOCKS_TO_RESET: u8 = 200;

/// Estimate of the block size that the server sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockSize {
    /// Block size that the client requests, in bytes.
    bytes: u8,
    /// Size in bytes of a short block that the server may have shortened; 0 if there is no such block.
    suspected: u8,
    /// Number of blocks of the requested size that have arrived since the last change of the block size.
    full_blocks: u8,
}

impl BlockSize {
    /// Creates an estimate that starts with the largest block size that the client accepts, in whole words of storage.
    pub(super) fn new(config: &ClientConfig) -> Self {
        Self { bytes: largest_block(config), suspected: 0, full_blocks: 0 }
    }

    /// Returns the block size that the client requests, in bytes.
    pub(super) const fn bytes(&self) -> u8 {
        self.bytes
    }

    /// Records the arrival of a block of `size` bytes; `is_short` is `true` if the client requested more than `size`
    /// bytes.
    ///
    /// If `is_certain` is `true`, the server has certainly shortened the block, and the client requests smaller blocks
    /// at once. If `is_certain` is `false`, the client requests smaller blocks after a second short block of the same
    /// size. A block shorter than one word of storage does not change the requested block size, because the client
    /// could not store blocks of that size.
    pub(super) fn record_block(&mut self, size: u8, is_short: bool, is_certain: bool, config: &ClientConfig) {
        if !is_short {
            (self.suspected, self.full_blocks) = (0, self.full_blocks.saturating_add(1));
            if self.full_blocks >= FULL_BLOCKS_TO_RESET {
                *self = Self::new(config);
            }
            return;
        }
        if size < config.write_size.get() {
            return;
        }
        if is_certain || self.suspected == size {
            *self = Self { bytes: whole_words(size, config), suspected: 0, full_blocks: 0 };
        } else {
            self.suspected = size;
        }
    }
}

/// Returns the largest block size that the client accepts, in whole words of storage.
#[inline(never)]
pub(super) fn largest_block(config: &ClientConfig) -> u8 {
    whole_words(config.max_block_size.get(), config)
}

/// Rounds `size` down to whole words of storage; returns `size` unchanged if `size` is less than one word.
fn whole_words(size: u8, config: &ClientConfig) -> u8 {
    match u8::try_from(beyond_word(size.into(), config)).ok().and_then(|over| size.checked_sub(over)) {
        None | Some(0) => size,
        Some(words) => words,
    }
}

/// Returns the number of bytes from the last word boundary of storage to `offset`. The result is the remainder of
/// `offset` after division by the word size. The function does not use the division operator, because a division would
/// take 0.4 kilobytes of code on a small processor.
#[inline(never)]
pub(super) fn beyond_word(offset: u32, config: &ClientConfig) -> u32 {
    let word = u32::from(config.write_size.get());
    let mask = word.wrapping_sub(1);
    if word & mask == 0 {
        return offset & mask;
    }
    let (mut rest, mut part) = (offset, word);
    while part <= rest >> 1 {
        part <<= 1;
    }
    while part >= word {
        rest = rest.checked_sub(part).unwrap_or(rest);
        part >>= 1;
    }
    rest
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU8;

    use super::*;
    use crate::aps::Address;
    use crate::client::Identity;
    use crate::types::ImageId;

    fn config(write_size: u8) -> ClientConfig {
        let identity = Identity { current: ImageId::new(1, 2, 3), hardware: None, node: None };
        let config = ClientConfig::new(identity, Address::new(0, 1));
        ClientConfig { write_size: NonZeroU8::new(write_size).unwrap(), ..config }
    }

    #[test]
    fn the_size_that_the_server_sends_is_requested_and_the_largest_again_after_200_blocks() {
        let config = config(8);
        let mut size = BlockSize::new(&config);
        assert_eq!(size.bytes(), 64);
        size.record_block(50, true, true, &config);
        assert_eq!(size.bytes(), 48, "whole words");
        for _ in 1..FULL_BLOCKS_TO_RESET {
            size.record_block(48, false, true, &config);
            assert_eq!(size.bytes(), 48);
        }
        size.record_block(48, false, true, &config);
        assert_eq!(size.bytes(), 64);
        // A block of 3 bytes may be the last block of an earlier page, so a single short block is no evidence.
        size.record_block(3, true, false, &config);
        size.record_block(64, false, false, &config);
        size.record_block(3, true, false, &config);
        assert_eq!(size.bytes(), 64);
        size.record_block(50, true, false, &config);
        size.record_block(50, true, false, &config);
        assert_eq!(size.bytes(), 48);
        size.record_block(5, true, true, &config);
        assert_eq!(size.bytes(), 48, "less than a word: such blocks end as `Outcome::ShortBlocks`");
    }

    #[test]
    fn two_short_blocks_of_less_than_a_word_do_not_lower_the_block_size() {
        let config = config(8);
        let mut size = BlockSize::new(&config);
        for _ in 0..3 {
            size.record_block(3, true, false, &config);
            assert_eq!(size.bytes(), 64, "a block of 3 bytes cannot be stored");
        }
    }

    #[test]
    fn the_distance_from_a_word_boundary_is_the_remainder_of_the_division() {
        for word in 1..=u8::MAX {
            let (config, word) = (config(word), u32::from(word));
            let near = (0..600_u32).chain((0..600).map(|below| u32::MAX - below));
            for offset in near.chain((0..32).flat_map(|bit| [1 << bit, (1 << bit) + 77 * word % 101])) {
                assert_eq!(beyond_word(offset, &config), offset % word, "{offset} {word}");
            }
        }
    }
}

//! How many bytes to ask for at a time: whole words of storage, and no more than the server gives.
//!
//! A server may give less than was asked for, such as what fits in its frames. Of several requests under way each would
//! then leave a gap, so the next ones ask for what it gave.
//!
//! ```text
//! most bytes, whole words --a block came short--> what the server gave --200 blocks in full--> most bytes again
//! ```

use crate::client::config::ClientConfig;

/// Blocks in full after which more is asked for again: what a server gives may be more by then.
const CONTENT: u8 = 200;

/// What to ask for at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockSize {
    bytes: u8,
    /// The size of the last block, where it may show that the server gives less; else 0.
    suspected: u8,
    /// Blocks in full since.
    full: u8,
}

impl BlockSize {
    /// As much as may be taken.
    pub(super) fn new(config: &ClientConfig) -> Self {
        Self { bytes: whole_words(config.max_data.get(), config), suspected: 0, full: 0 }
    }

    pub(super) const fn bytes(&self) -> u8 {
        self.bytes
    }

    /// A block of `size` bytes came; `less` than was asked for, for sure or perhaps: then two of them must come in a row.
    pub(super) fn given(&mut self, size: u8, less: bool, is_sure: bool, config: &ClientConfig) {
        if !less {
            (self.suspected, self.full) = (0, self.full.saturating_add(1));
            if self.full >= CONTENT {
                *self = Self::new(config);
            }
        } else if is_sure || self.suspected == size {
            *self = Self { bytes: whole_words(size, config), suspected: 0, full: 0 };
        } else {
            self.suspected = size;
        }
    }
}

/// As many of `size` bytes as are whole words; all where that is none.
fn whole_words(size: u8, config: &ClientConfig) -> u8 {
    match size.checked_rem(config.alignment.get()).and_then(|over| size.checked_sub(over)) {
        None | Some(0) => size,
        Some(words) => words,
    }
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU8;

    use super::*;
    use crate::aps::Address;
    use crate::client::Identity;
    use crate::types::ImageId;

    #[test]
    fn what_is_given_is_asked_for_and_more_again_after_a_while() {
        let identity = Identity { current: ImageId::new(1, 2, 3), hardware: None, node: None };
        let config = ClientConfig::new(identity, Address::new(0, 1));
        let config = ClientConfig { alignment: NonZeroU8::new(8).unwrap(), ..config };
        let mut stride = BlockSize::new(&config);
        assert_eq!(stride.bytes(), 64);
        stride.given(50, true, true, &config);
        assert_eq!(stride.bytes(), 48, "whole words");
        for _ in 1..CONTENT {
            stride.given(48, false, true, &config);
            assert_eq!(stride.bytes(), 48);
        }
        stride.given(48, false, true, &config);
        assert_eq!(stride.bytes(), 64);
        // The end of another page.
        stride.given(3, true, false, &config);
        stride.given(64, false, false, &config);
        stride.given(3, true, false, &config);
        assert_eq!(stride.bytes(), 64);
        stride.given(50, true, false, &config);
        stride.given(50, true, false, &config);
        assert_eq!(stride.bytes(), 48);
        stride.given(5, true, true, &config);
        assert_eq!(stride.bytes(), 5, "no whole word; that is an error of its own");
    }
}

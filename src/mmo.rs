//! AES-MMO: the Matyas-Meyer-Oseas hash over AES-128 (Zigbee specification, annex B.6), used for integrity codes,
//! certificates and signatures.
//!
//! `H(0) = 0`, `H(i) = AES(key = H(i-1), M(i)) xor M(i)`, where `M(i)` is block `i` of the padded message; the digest
//! is the last `H`. The message is padded to whole blocks of 16 bytes: a bit 1, then bits 0, then the length of the
//! message in bits, big endian. The table below shows the last bytes of the padding:
//!
//! | message | last bytes of the padding |
//! |---|---|
//! | below 2^16 bits (to 8191 bytes) | length (2) |
//! | below 2^32 bits | length (4), `00 00` |
//! | 512 MiB and more | undefined: [`MessageTooLong`] |
//!
//! The digest has 128 bits: a search for two messages with the same digest takes about 2^64 steps.
//!
//! ```
//! use zigbee_ota::mmo::Mmo;
//!
//! let mut mmo = Mmo::new();
//! mmo.update(&[0xc0]);
//! let digest = mmo.finish()?;
//! assert_eq!(digest[..4], [0xae, 0x3a, 0x10, 0x2a]);
//! # Ok::<(), zigbee_ota::mmo::MessageTooLong>(())
//! ```

use aes::Aes128Enc;
use aes::cipher::{BlockCipherEncrypt, KeyInit};

/// AES-MMO digest, 16 bytes.
pub type Digest = [u8; 16];

/// AES-128 encryption of one block, for devices with an AES peripheral; [`SoftwareCrypto`] is the default
/// implementation.
///
/// AES-MMO encrypts each block of a message with a different key.
pub trait BlockCipher {
    /// Encrypts `block` in place under `key`.
    fn encrypt(&mut self, key: &[u8; 16], block: &mut [u8; 16]);
}

impl<C: BlockCipher + ?Sized> BlockCipher for &mut C {
    fn encrypt(&mut self, key: &[u8; 16], block: &mut [u8; 16]) {
        (**self).encrypt(key, block);
    }
}

/// Default cryptography in software. The crate `aes` encrypts the blocks, and code of this crate verifies the
/// signatures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SoftwareCrypto;

impl BlockCipher for SoftwareCrypto {
    fn encrypt(&mut self, key: &[u8; 16], block: &mut [u8; 16]) {
        Aes128Enc::new(key.into()).encrypt_block(block.into());
    }
}

/// Message of 512 MiB or more, for which the specification defines no padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[error("a message of 512 MiB or more has no digest")]
pub struct MessageTooLong;

/// Encoding of the message length at the end of the padding.
// Exhaustive: no other encoding is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Padding {
    /// Encoding of the specification: a length of 2 bytes for messages below 2^16 bits; for longer messages, a length
    /// of 4 bytes, and two zero bytes after the length.
    Standard,
    /// Length in 2 bytes for all messages: the number of bits modulo 65,536. In integrity codes, one
    /// vendor writes the length field in 2 bytes, however long the message is.
    AlwaysShort,
}

/// Incremental AES-MMO hash. The message may arrive in pieces of any size.
#[derive(Clone, Debug)]
pub struct Mmo<C = SoftwareCrypto> {
    cipher: C,
    state: Digest,
    /// Incomplete block at the end of the bytes that were added so far. The first `pending_len` bytes of the block are
    /// bytes of the message, and the other bytes are zero.
    block: [u8; BLOCK],
    /// Number of message bytes that were added so far; `u32::MAX` is a sentinel for a message that is too long.
    len: u32,
}

const BLOCK: usize = 16;

/// Length in bytes of the shortest message whose number of bits does not fit into 32 bits.
const MAX_LEN: u32 = 1 << 29;

/// Length in bytes of the shortest message whose number of bits does not fit into 16 bits.
const LONG_LEN: u32 = 1 << 13;

impl Mmo {
    /// Creates a hash to which no bytes were added yet, with AES in software.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_cipher(SoftwareCrypto)
    }
}

impl Default for Mmo {
    fn default() -> Self {
        Self::new()
    }
}

impl<C> Mmo<C> {
    /// Creates a hash to which no bytes were added yet, with the AES of `cipher`.
    #[must_use]
    pub const fn with_cipher(cipher: C) -> Self {
        Self { cipher, state: [0; BLOCK], block: [0; BLOCK], len: 0 }
    }

    /// Copies the state of the hash to a hash with another cipher. With a copy of the hash, the caller can hash two
    /// messages that begin with the same bytes.
    pub(crate) const fn fork<D>(&self, cipher: D) -> Mmo<D> {
        Mmo { cipher, state: self.state, block: self.block, len: self.len }
    }

    /// Returns the AES cipher of the hash.
    pub(crate) const fn cipher(&mut self) -> &mut C {
        &mut self.cipher
    }

    /// Returns the number of bytes in the incomplete block.
    fn pending_len(&self) -> usize {
        usize::try_from(self.len).unwrap_or_default() % BLOCK
    }
}

impl<C: BlockCipher> Mmo<C> {
    /// Adds the next bytes of the message.
    pub fn update(&mut self, bytes: &[u8]) {
        let pending = self.pending_len();
        self.len = self.len.saturating_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        if self.len >= MAX_LEN {
            // The message is too long for a digest, and `pending_len` would be wrong at `u32::MAX`.
            self.len = u32::MAX;
            return;
        }
        let mut rest = bytes;
        if pending > 0 {
            let (head, later) = rest.split_at_checked(BLOCK.saturating_sub(pending)).unwrap_or((rest, &[]));
            self.fill(pending, head);
            rest = later;
            if pending.saturating_add(head.len()) < BLOCK {
                return;
            }
            let block = core::mem::take(&mut self.block);
            self.compress(&block);
        }
        let (blocks, tail) = rest.as_chunks();
        blocks.iter().for_each(|block| self.compress(block));
        self.fill(0, tail);
    }

    /// Returns the digest of the message.
    ///
    /// # Errors
    /// [`MessageTooLong`] for a message of 512 MiB or more.
    pub fn finish(self) -> Result<Digest, MessageTooLong> {
        self.finish_with(Padding::Standard)
    }

    /// Returns the digest of the message with the given padding.
    ///
    /// # Errors
    /// [`MessageTooLong`] for a message of 512 MiB or more.
    pub fn finish_with(mut self, padding: Padding) -> Result<Digest, MessageTooLong> {
        self.pad(padding)
    }

    /// Adds the padding and returns the digest. After the call of `pad`, no bytes may be added to the message.
    ///
    /// # Errors
    /// [`MessageTooLong`] for a message of 512 MiB or more.
    pub(crate) fn pad(&mut self, padding: Padding) -> Result<Digest, MessageTooLong> {
        if self.len >= MAX_LEN {
            return Err(MessageTooLong);
        }
        let short = self.len < LONG_LEN || padding == Padding::AlwaysShort;
        let bits = self.len.wrapping_shl(3).to_be_bytes();
        let [_, _, low @ ..] = bits;
        let end = if short { BLOCK.saturating_sub(2) } else { BLOCK.saturating_sub(6) };
        let pending = self.pending_len();
        self.fill(pending, &[0x80]);
        if pending >= end {
            let block = core::mem::take(&mut self.block);
            self.compress(&block);
        }
        self.fill(end, if short { &low } else { &bits });
        let block = self.block;
        self.compress(&block);
        Ok(self.state)
    }

    /// Resets the hash to its initial state, without any bytes of a message.
    pub(crate) fn reset(&mut self) {
        (self.state, self.block, self.len) = ([0; BLOCK], [0; BLOCK], 0);
    }

    /// Copies bytes into the incomplete block, from offset `at` on.
    fn fill(&mut self, at: usize, bytes: &[u8]) {
        self.block.iter_mut().skip(at).zip(bytes).for_each(|(room, byte)| *room = *byte);
    }

    fn compress(&mut self, block: &[u8; BLOCK]) {
        let mut next = *block;
        self.cipher.encrypt(&self.state, &mut next);
        next.iter_mut().zip(block).for_each(|(next, byte)| *next ^= *byte);
        self.state = next;
    }
}

/// Checks that a message of `len` bytes is short enough for a digest.
pub(crate) fn check_len(len: usize) -> Result<(), MessageTooLong> {
    if u32::try_from(len).is_ok_and(|len| len < MAX_LEN) { Ok(()) } else { Err(MessageTooLong) }
}

/// Computes the digest of a message in memory.
///
/// # Errors
/// [`MessageTooLong`] for a message of 512 MiB or more.
pub fn digest(message: &[u8]) -> Result<Digest, MessageTooLong> {
    let mut mmo = Mmo::new();
    mmo.update(message);
    mmo.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::String;
    use std::vec::Vec;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| std::format!("{byte:02x}")).collect()
    }

    /// Returns `len` bytes with the values 0, 1, 2 and so on, modulo 256.
    fn sequence(len: usize) -> Vec<u8> {
        (0..=255).cycle().take(len).collect()
    }

    /// Shows: SIG-011
    #[test]
    fn digests_match_the_examples_of_the_specification() {
        assert_eq!(hex(&digest(&[0xc0]).unwrap()), "ae3a102a28d43ee0d4a09e22788b206c");
        let block: Vec<u8> = (0xc0..0xd0).collect();
        assert_eq!(hex(&digest(&block).unwrap()), "a7977e88bc0b61e8210827109a228f2d");
        let code = [
            0x83, 0xfe, 0xd3, 0x40, 0x7a, 0x93, 0x97, 0x23, 0xa5, 0xc6, 0x39, 0xb2, 0x69, 0x16, 0xd5, 0x05,
            0xc3, 0xb5,
        ];
        assert_eq!(hex(&digest(&code).unwrap()), "66b6900981e1ee3ca4206b6b861c02bb");
    }

    /// Shows: SIG-012
    #[test]
    fn digests_match_at_every_length_of_padding() {
        assert_eq!(hex(&digest(&[0; 8_191]).unwrap()), "30bc04df89934f1eb6a949e54af30085");
        assert_eq!(hex(&digest(&[0; 8_192]).unwrap()), "1138ad01dc3e78034450bdf9e5a507a2");
        for (len, expected) in [
            (8_191, "24ec2fe75bbffcb34789bc0610e7f165"),
            (8_192, "dc6b0687f09f8607131c170b3bd31591"),
            (8_201, "72c9b15e178aa843e4a16c58e33643a3"),
            (8_202, "bc9828d59b2aa323daf20be5f2e66511"),
            (0, "bad78e726c1ec02b7ebfe92b23d9ec34"),
            (2, "930c2b985fc0551425d79385f534f72b"),
            (13, "3ef02c344cb836f76abcfacdc80c5ed4"),
            (15, "f688be4220fb747774fadf5f71cc0db2"),
            (17, "3afabac16363708e20aa1e04259e2248"),
            (30, "0e0ddf19bb5c0f4e788091ae5a45b339"),
            (32, "6229a71f6157ddb5deba002edaac3752"),
            (48, "0c04589fc88b02d5e7624d8f058ad4fc"),
            (140, "0f0582ea4dfdf5a6d8fd9a88cb94cf81"),
            (8_176, "808e782446670474268f318b763eee2d"),
            (8_190, "5bd23877e11d52614d882c2e4fe074c2"),
            (8_199, "b37f42842460e64e09ca0ed1185aeebc"),
            (8_203, "8a8ddd2388317fbac5941c277a7f2174"),
            (8_208, "58b25dc2a473eda69dd37e76280c68e4"),
            (65_535, "12751f98396970116996acd2d97a9b55"),
            (100_000, "e947df967354aa89314e76edc2770f5e"),
        ] {
            assert_eq!(hex(&digest(&sequence(len)).unwrap()), expected, "{len} bytes");
        }
    }

    #[test]
    fn short_padding_differs_only_from_8_kib_on() {
        for (len, same) in [(0, true), (14, true), (8_191, true), (8_192, false), (100_000, false)] {
            let mut mmo = Mmo::new();
            mmo.update(&sequence(len));
            let short = mmo.clone().finish_with(Padding::AlwaysShort).unwrap();
            assert_eq!(short == mmo.finish().unwrap(), same, "{len} bytes");
        }
    }

    /// Shows: SIG-012
    #[test]
    fn a_message_of_512_mib_is_too_long() {
        assert_eq!(
            [(1 << 29) - 1, 1 << 29, usize::MAX].map(check_len),
            [Ok(()), Err(MessageTooLong), Err(MessageTooLong)]
        );
        let mut mmo = Mmo { len: MAX_LEN - 2, ..Mmo::new() };
        mmo.update(&[0]);
        assert!(mmo.clone().finish().is_ok());
        for more in [&[0][..], &[], &[0; 40]] {
            mmo.update(more);
            assert_eq!(mmo.clone().finish(), Err(MessageTooLong));
            assert_eq!(mmo.clone().finish_with(Padding::AlwaysShort), Err(MessageTooLong));
        }
    }

    #[test]
    fn a_hash_that_is_reset_takes_another_message() {
        let mut mmo = Mmo::new();
        for message in [sequence(40), sequence(7), sequence(16)] {
            mmo.update(&message);
            assert_eq!(mmo.pad(Padding::Standard), digest(&message));
            mmo.reset();
        }
    }

    /// Cipher that counts its calls in the caller's counter.
    struct Counted<'a>(&'a mut usize);

    impl BlockCipher for Counted<'_> {
        fn encrypt(&mut self, key: &[u8; 16], block: &mut [u8; 16]) {
            *self.0 += 1;
            SoftwareCrypto.encrypt(key, block);
        }
    }

    /// Shows: SIG-039
    #[test]
    fn the_cipher_of_the_caller_encrypts_every_block() {
        let mut blocks = 0;
        let mut mmo = Mmo::with_cipher(Counted(&mut blocks));
        mmo.update(&sequence(30));
        assert_eq!(mmo.finish(), digest(&sequence(30)));
        assert_eq!(blocks, 3);
    }

    proptest! {
        /// Shows: SIG-013
        #[test]
        fn pieces_of_any_size_give_the_digest_of_the_whole(
            len in 0..300_usize,
            far in any::<bool>(),
            sizes in proptest::collection::vec(0..40_usize, 0..40),
        ) {
            let message = sequence(if far { len + 8_100 } else { len });
            let mut rest = &message[..];
            let mut mmo = Mmo::new();
            for size in sizes {
                let (piece, later) = rest.split_at(size.min(rest.len()));
                mmo.update(piece);
                rest = later;
            }
            mmo.update(rest);
            prop_assert_eq!(mmo.finish(), digest(&message));
        }
    }

    #[test]
    fn the_default_hash_is_empty() {
        assert_eq!(Mmo::default().finish(), digest(&[]));
    }
}

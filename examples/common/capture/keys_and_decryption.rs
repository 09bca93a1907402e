//! Keys, and the security of network and APS frames (Zigbee specification, section 4.5 and annex A).
//!
//! ```text
//! header   auxiliary header                                                          payload    MIC (4)
//!           | control (1): level (bits 0 to 2), key (bits 3, 4), source (bit 5)      | encrypted by AES-CCM*
//!           | frame counter (4)   source IEEE (8)   key sequence number (1)
//! nonce    source IEEE (8), frame counter (4), control (1)
//! ```
//!
//! In a frame over the air, the security level in the control field is 0. For the decryption, the control field in the
//! nonce and in the authenticated header has the level 5 instead (encryption, MIC of 4 bytes).
//!
//! | key (bits 3, 4) | |
//! |---|---|
//! | 0 | link key |
//! | 1 | network key; its sequence number is in the header |
//! | 2 | key-transport key, HMAC of the link key and 0x00 |
//! | 3 | key-load key, HMAC of the link key and 0x02 |

use std::fmt;
use std::str::FromStr;

use aes::Aes128;
use ccm::aead::array::Array;
use ccm::aead::inout::InOutBuf;
use ccm::consts::{U4, U13};
use ccm::{AeadInOut, Ccm, KeyInit};
use zigbee_ota::mmo::Mmo;

use super::slice_reader::{array, take, u8};

/// Network key or link key of 16 bytes. `FromStr` parses hexadecimal digits, with or without colons.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key(pub [u8; 16]);

impl fmt::Debug for Key {
    /// Writes a text without the key, so that no log contains the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

impl FromStr for Key {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected 32 hexadecimal digits, with or without colons";
        let digits: Option<Vec<u8>> = text
            .chars()
            .filter(|&letter| letter != ':')
            .map(|digit| u8::try_from(digit.to_digit(16)?).ok())
            .collect();
        let digits = digits.ok_or(EXPECTED)?;
        let (pairs, []) = digits.as_chunks::<2>() else { return Err(EXPECTED) };
        let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
        bytes.try_into().map(Self).map_err(|_| EXPECTED)
    }
}

/// Well-known link key of the trust center, which every Zigbee device contains (Base Device Behavior specification).
const WELL_KNOWN: Key = Key(*b"ZigBeeAlliance09");

/// Maximum number of keys. If all places are taken, a new key from the capture replaces the oldest key from the
/// capture.
const MOST_KEYS: usize = 64;

/// Keys that the user gave or that the capture contains. A frame does not say which key it needs, so the program tries
/// all keys.
#[derive(Clone, Debug)]
pub struct Keys {
    /// All keys. The keys from the index [`Self::given`] on are from the capture, oldest first.
    all: Vec<Key>,
    given: usize,
    /// Index of the key that decrypted the last frame.
    last: usize,
}

impl Keys {
    pub fn new(given: &[Key]) -> Self {
        let mut all = vec![WELL_KNOWN];
        for key in given {
            if !all.contains(key) {
                all.push(*key);
            }
        }
        Self { given: all.len(), all, last: 0 }
    }

    /// Adds a key that the capture contains.
    pub fn learn(&mut self, key: Key) {
        if self.all.contains(&key) {
            return;
        }
        if self.all.len() >= MOST_KEYS.max(self.given + 1) {
            self.all.remove(self.given);
        }
        self.all.push(key);
    }

    /// Decrypts a frame whose auxiliary header starts at the offset `at`. `source` is the IEEE address of the sender,
    /// if it is known. An address in the auxiliary header takes precedence over `source`.
    pub fn open(&mut self, frame: &[u8], at: usize, source: Option<[u8; 8]>) -> Option<Vec<u8>> {
        let sealed = Sealed::parse(frame, at, source)?;
        let order = [self.last].into_iter().chain(0..self.all.len());
        let (index, payload) =
            order.filter_map(|index| Some((index, sealed.open(*self.all.get(index)?)?))).next()?;
        self.last = index;
        Some(payload)
    }
}

/// Returns the IEEE address of the sender, if the auxiliary header at the offset `at` contains the address.
pub fn source(frame: &[u8], at: usize) -> Option<[u8; 8]> {
    let mut rest = frame.get(at..)?;
    let [control, _, _, _, _] = array(&mut rest)?;
    if control & 1 << 5 != 0 { array(&mut rest) } else { None }
}

/// Encrypted frame, split into the inputs of the decryption.
struct Sealed<'a> {
    key_kind: u8,
    nonce: [u8; 13],
    /// Header and auxiliary header, with the security level 5 in the control field.
    header: Vec<u8>,
    payload: &'a [u8],
    mic: [u8; 4],
}

impl<'a> Sealed<'a> {
    fn parse(frame: &'a [u8], at: usize, known_source: Option<[u8; 8]>) -> Option<Self> {
        const LEVEL: u8 = 5;
        const NETWORK_KEY: u8 = 1;
        let mut rest = frame.get(at..)?;
        let control = u8(&mut rest)? & !0b111 | LEVEL;
        let key_kind = control >> 3 & 0b11;
        let counter: [u8; 4] = array(&mut rest)?;
        let source = if control & 1 << 5 != 0 { array(&mut rest)? } else { known_source? };
        if key_kind == NETWORK_KEY {
            u8(&mut rest)?;
        }
        let mut header = frame[..frame.len() - rest.len()].to_vec();
        *header.get_mut(at)? = control;
        let payload_len = rest.len().checked_sub(4)?;
        let payload = take(&mut rest, payload_len)?;
        let mut nonce = [0; 13];
        nonce[..8].copy_from_slice(&source);
        nonce[8..12].copy_from_slice(&counter);
        nonce[12] = control;
        Some(Self { key_kind, nonce, header, payload, mic: array(&mut rest)? })
    }

    /// Returns the decrypted payload, or `None` if the frame was encrypted by another key.
    fn open(&self, key: Key) -> Option<Vec<u8>> {
        let Key(key) = match self.key_kind {
            2 => derive(key, 0x00),
            3 => derive(key, 0x02),
            _ => key,
        };
        let cipher = Ccm::<Aes128, U4, U13>::new(&Array(key));
        let mut payload = self.payload.to_vec();
        let buffer = InOutBuf::from(&mut payload[..]);
        cipher.decrypt_inout_detached(&Array(self.nonce), &self.header, buffer, &Array(self.mic)).ok()?;
        Some(payload)
    }
}

/// Returns the keyed hash of one byte: HMAC with AES-MMO in blocks of 16 bytes (Zigbee specification, section B.1.4).
fn derive(Key(key): Key, input: u8) -> Key {
    let digest = |pad: u8, message: &[u8]| {
        let mut mmo = Mmo::new();
        mmo.update(&key.map(|byte| byte ^ pad));
        mmo.update(message);
        mmo.finish().expect("a short message")
    };
    Key(digest(0x5c, &digest(0x36, &[input])))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of section C.6.1 of the Zigbee specification, and the key-transport key of the well-known link key.
    #[test]
    fn derived_keys_are_those_of_the_specification() {
        let key = Key(std::array::from_fn(|index| 0x40 + index as u8));
        let expected =
            [0x45, 0x12, 0x80, 0x7b, 0xf9, 0x4c, 0xb3, 0x40, 0x0f, 0x0e, 0x2c, 0x25, 0xfb, 0x76, 0xe9, 0x99];
        assert_eq!(derive(key, 0xc0).0, expected);
        let expected =
            [0x4b, 0xab, 0x0f, 0x17, 0x3e, 0x14, 0x34, 0xa2, 0xd5, 0x72, 0xe1, 0xc1, 0xef, 0x47, 0x87, 0x82];
        assert_eq!(derive(WELL_KNOWN, 0x00).0, expected);
    }
}

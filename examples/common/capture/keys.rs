//! Keys, and the security of network and APS frames (Zigbee specification, section 4.5 and annex A).
//!
//! ```text
//! header   auxiliary header                                                          payload    MIC (4)
//!           | control (1): level (bits 0 to 2), key (bits 3, 4), source (bit 5)      | encrypted by AES-CCM*
//!           | frame counter (4)   source IEEE (8)   key sequence number (1)
//! nonce    source IEEE (8), frame counter (4), control (1)
//! ```
//!
//! The level over the air is 0. Both nonce and authenticated header have the level 5 (encryption, MIC of 4 bytes) in its place.
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

use super::bytes::{array, take, u8};

/// Network key or link key, 16 bytes; its text is hexadecimal, with or without colons.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key(pub [u8; 16]);

impl fmt::Debug for Key {
    /// Does not show the key, so that no log has it.
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

/// Trust centre link key that every device has from its factory (Base Device Behaviour specification).
const WELL_KNOWN: Key = Key(*b"ZigBeeAlliance09");

/// Maximum number of keys; the oldest key of the capture is dropped for a new one.
const MOST_KEYS: usize = 64;

/// Keys that were given or that came in the capture. Nothing tells which key a frame needs, so that all are tried.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Keys of the capture from [`Self::given`] on, oldest first.
    all: Vec<Key>,
    given: usize,
    /// Index of the key that opened the last frame.
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

    /// Adds a key that came in the capture.
    pub fn learn(&mut self, key: Key) {
        if self.all.contains(&key) {
            return;
        }
        if self.all.len() >= MOST_KEYS.max(self.given + 1) {
            self.all.remove(self.given);
        }
        self.all.push(key);
    }

    /// Opens a frame whose auxiliary header starts at `at`. `source` is the IEEE address of the sender, if it is known; the
    /// auxiliary header may have another one.
    pub fn open(&mut self, frame: &[u8], at: usize, source: Option<[u8; 8]>) -> Option<Vec<u8>> {
        let sealed = Sealed::parse(frame, at, source)?;
        let order = [self.last].into_iter().chain(0..self.all.len());
        let (index, payload) =
            order.filter_map(|index| Some((index, sealed.open(*self.all.get(index)?)?))).next()?;
        self.last = index;
        Some(payload)
    }
}

/// IEEE address of the sender in the auxiliary header at `at`.
pub fn source(frame: &[u8], at: usize) -> Option<[u8; 8]> {
    let mut rest = frame.get(at..)?;
    let [control, _, _, _, _] = array(&mut rest)?;
    if control & 1 << 5 != 0 { array(&mut rest) } else { None }
}

/// Encrypted frame.
struct Sealed<'a> {
    key_kind: u8,
    nonce: [u8; 13],
    /// Header and auxiliary header, with the security level.
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

    /// Returns the payload, if this is its key.
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

/// Keyed hash of one byte: HMAC with AES-MMO in blocks of 16 bytes (section B.1.4).
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

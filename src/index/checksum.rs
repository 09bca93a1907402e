//! Checksums of whole files in an index.
//!
//! ```text
//! zigbee2mqtt   "sha512": "0f4c…"                128 hexadecimal digits in lower case
//! zigpy         "checksum": "sha3-256:350c…"     algorithm, colon, digits in lower case
//! ```

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use sha2::Digest;

/// Algorithm of a checksum.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum ChecksumAlgorithm {
    /// SHA-512, with checksums of 64 bytes: the JSON key `sha512` in an index for zigbee2mqtt.
    Sha512,
    /// SHA3-256, with checksums of 32 bytes: the algorithm that an index for zigpy requires.
    Sha3_256,
    /// SHA-256, with checksums of 32 bytes.
    Sha256,
    /// Unsupported checksum algorithm, with its name in the index. An index keeps checksums of unsupported algorithms,
    /// but the crate cannot compare these checksums.
    Unsupported(String),
}

impl ChecksumAlgorithm {
    /// Returns the checksum algorithm with the name `name`.
    pub(super) fn of(name: &str) -> Self {
        match name {
            "sha512" => Self::Sha512,
            "sha3-256" => Self::Sha3_256,
            "sha256" => Self::Sha256,
            other => Self::Unsupported(other.into()),
        }
    }

    /// Returns the name of the algorithm in an index: `sha512`, `sha3-256`, `sha256`, or the name of an unsupported
    /// algorithm.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Sha512 => "sha512",
            Self::Sha3_256 => "sha3-256",
            Self::Sha256 => "sha256",
            Self::Unsupported(name) => name,
        }
    }

    /// Returns the length of a checksum in bytes, or `None` for an unsupported algorithm.
    #[must_use]
    pub const fn digest_len(&self) -> Option<usize> {
        match self {
            Self::Sha512 => Some(64),
            Self::Sha3_256 | Self::Sha256 => Some(32),
            Self::Unsupported(_) => None,
        }
    }
}

/// Checksum of a whole file, including its container.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Checksum {
    /// Algorithm of the checksum.
    pub algorithm: ChecksumAlgorithm,
    /// Bytes of the checksum.
    pub digest: Vec<u8>,
}

impl Checksum {
    /// Computes the checksum of `file`. Returns `None` for an unsupported algorithm.
    #[must_use]
    pub fn of(file: &[u8], algorithm: ChecksumAlgorithm) -> Option<Self> {
        let digest = match &algorithm {
            ChecksumAlgorithm::Sha512 => sha2::Sha512::digest(file).to_vec(),
            ChecksumAlgorithm::Sha3_256 => sha3::Sha3_256::digest(file).to_vec(),
            ChecksumAlgorithm::Sha256 => sha2::Sha256::digest(file).to_vec(),
            ChecksumAlgorithm::Unsupported(_) => return None,
        };
        Some(Self { algorithm, digest })
    }

    /// Parses the hexadecimal digits of a checksum. Returns `None` unless the digits are in lower case and have the
    /// length of the algorithm. Readers of an index compare checksums as text, so a checksum with upper-case digits
    /// matches no file.
    pub(super) fn from_hex(algorithm: ChecksumAlgorithm, digits: &str) -> Option<Self> {
        let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
        let digest = pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?));
        let digest = digest.collect::<Option<Vec<u8>>>().filter(|_| rest.is_empty())?;
        let fits = algorithm.digest_len().is_none_or(|length| length == digest.len());
        fits.then_some(Self { algorithm, digest })
    }

    /// Returns the checksum as hexadecimal digits in lower case.
    #[must_use]
    pub fn to_hex(&self) -> String {
        self.digest.iter().fold(String::new(), |mut digits, byte| {
            // Writing to a string never fails.
            let _ = write!(digits, "{byte:02x}");
            digits
        })
    }
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(digit.wrapping_sub(b'a').wrapping_add(10)),
        _ => None,
    }
}

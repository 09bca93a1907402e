//! The header of a Matter OTA image file (Matter Core Specification, OTA Software Update File Format).
//!
//! Little endian, then one anonymous structure of TLV, then the payload:
//!
//! ```text
//! 0   4   file identifier   1E F1 EE 1B; a Zigbee OTA file has 1E F1 EE 0B
//! 4   8   total size        16 + header size + payload size
//! 12  4   header size       bytes of the structure
//! 16      structure
//!         payload
//! ```
//!
//! | tag | field | type | bound |
//! |---|---|---|---|
//! | 0 | VendorID | unsigned 16 | |
//! | 1 | ProductID | unsigned 16 | |
//! | 2 | SoftwareVersion | unsigned 32 | |
//! | 3 | SoftwareVersionString | UTF-8 | 1 to 64 |
//! | 4 | PayloadSize | unsigned 64 | |
//! | 5 | MinApplicableSoftwareVersion | unsigned 32 | optional |
//! | 6 | MaxApplicableSoftwareVersion | unsigned 32 | optional |
//! | 7 | ReleaseNotesURL | UTF-8 | optional, at most 256 |
//! | 8 | ImageDigestType | unsigned 8 | |
//! | 9 | ImageDigest | octets | of the payload, as long as its type has it |

use super::error::{Field, Item, Malformed, MalformedKind, Violation};
use super::fields::{self, Bounds, Found};
use super::tlv::{TlvErrorKind, Value};
use super::within;
use crate::codec::{Emit, Sink};
use crate::open_enum::open_enum;

open_enum! {
    /// Which hash the digest of the payload is (IANA, Named Information Hash Algorithm Registry).
    DigestType(u8) {
        /// SHA-256.
        SHA_256 = 1 => "sha-256",
        /// The first 128 bits of SHA-256.
        SHA_256_128 = 2 => "sha-256-128",
        /// The first 120 bits of SHA-256.
        SHA_256_120 = 3 => "sha-256-120",
        /// The first 96 bits of SHA-256.
        SHA_256_96 = 4 => "sha-256-96",
        /// The first 64 bits of SHA-256.
        SHA_256_64 = 5 => "sha-256-64",
        /// The first 32 bits of SHA-256.
        SHA_256_32 = 6 => "sha-256-32",
        /// SHA-384.
        SHA_384 = 7 => "sha-384",
        /// SHA-512.
        SHA_512 = 8 => "sha-512",
        /// SHA3-224.
        SHA3_224 = 9 => "sha3-224",
        /// SHA3-256.
        SHA3_256 = 10 => "sha3-256",
        /// SHA3-384.
        SHA3_384 = 11 => "sha3-384",
        /// SHA3-512.
        SHA3_512 = 12 => "sha3-512",
    }
}

impl DigestType {
    /// Bytes of such a digest, `None` for a type without a name.
    #[must_use]
    pub const fn digest_len(self) -> Option<usize> {
        Some(match self {
            Self::SHA_256 | Self::SHA3_256 => 32,
            Self::SHA_256_128 => 16,
            Self::SHA_256_120 => 15,
            Self::SHA_256_96 => 12,
            Self::SHA_256_64 => 8,
            Self::SHA_256_32 => 4,
            Self::SHA_384 | Self::SHA3_384 => 48,
            Self::SHA_512 | Self::SHA3_512 => 64,
            Self::SHA3_224 => 28,
            _ => return None,
        })
    }
}

/// The header of an image file. The payload is not kept here: it follows the header, and may be anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ImageHeader<'a> {
    /// Who made it.
    pub vendor: u16,
    /// For which of the vendor's products.
    pub product: u16,
    /// The version of the image.
    pub software_version: u32,
    /// The version for people.
    pub software_version_string: &'a str,
    /// Bytes of the payload.
    pub payload_size: u64,
    /// The lowest version that may be upgraded with it.
    pub min_applicable_version: Option<u32>,
    /// The highest version that may be upgraded with it.
    pub max_applicable_version: Option<u32>,
    /// Where people can read what is new.
    pub release_notes_url: Option<&'a str>,
    /// Which hash the digest is.
    pub digest_type: DigestType,
    /// The hash of the payload.
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes"))]
    pub digest: &'a [u8],
}

const FIELDS: &[Field] = &[
    Field::VendorId,
    Field::ProductId,
    Field::SoftwareVersion,
    Field::SoftwareVersionString,
    Field::PayloadSize,
    Field::MinApplicableVersion,
    Field::MaxApplicableVersion,
    Field::ReleaseNotesUrl,
    Field::ImageDigestType,
    Field::ImageDigest,
];

const VERSION_STRING: Bounds = 1..=64;
const RELEASE_NOTES: Bounds = 0..=256;

/// Identifier, total size and header size.
const FIXED: usize = 4 + 8 + 4;

impl<'a> ImageHeader<'a> {
    /// The first four bytes of an image file: 0x1BEEF11E, little endian.
    pub const MAGIC: [u8; 4] = [0x1e, 0xf1, 0xee, 0x1b];

    /// Whether the bytes begin as an image file of Matter's does, and not as a Zigbee OTA file.
    #[must_use]
    pub fn is_at_start(bytes: &[u8]) -> bool {
        bytes.starts_with(&Self::MAGIC)
    }

    /// Reads the header at the start of an image file, and gives the bytes after it: the payload, or as much of it as
    /// there is.
    ///
    /// # Errors
    /// [`Malformed`] for another file, for a structure that is cut or wrong, for a total size that is not the sum of the parts.
    pub fn parse(file: &'a [u8]) -> Result<(Self, &'a [u8]), Malformed> {
        let Some((fixed, after)) = file.split_first_chunk::<FIXED>() else { return Err(short(file)) };
        let [m0, m1, m2, m3, t0, t1, t2, t3, t4, t5, t6, t7, h0, h1, h2, h3] = *fixed;
        let found = [m0, m1, m2, m3];
        if found != Self::MAGIC {
            return Err(fault(0, MalformedKind::BadMagic { found: u32::from_le_bytes(found) }));
        }
        let size = u32::from_le_bytes([h0, h1, h2, h3]);
        let split = usize::try_from(size).ok().and_then(|size| after.split_at_checked(size));
        let Some((structure, payload)) = split else {
            return Err(truncated(FIXED, size.into(), after.len()));
        };
        let header = Self::fields(structure)?;
        let total = u64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7]);
        let sum = header.total(size.into());
        if total != sum {
            let kind = MalformedKind::TotalSize { total, sum };
            return Err(Malformed { field: Some(Field::TotalSize), ..fault(4, kind) });
        }
        Ok((header, payload))
    }

    fn fields(structure: &'a [u8]) -> Result<Self, Malformed> {
        let found = Found::read(Item::ImageHeader, FIELDS, FIXED, structure)?;
        let digest_type = DigestType(found.required(Field::ImageDigestType)?.u8()?);
        let digest = found.required(Field::ImageDigest)?.octets(digest_bounds(digest_type))?;
        Ok(Self {
            vendor: found.required(Field::VendorId)?.u16()?,
            product: found.required(Field::ProductId)?.u16()?,
            software_version: found.required(Field::SoftwareVersion)?.u32()?,
            software_version_string: found.required(Field::SoftwareVersionString)?.text(VERSION_STRING)?,
            payload_size: found.required(Field::PayloadSize)?.u64()?,
            min_applicable_version: found
                .optional(Field::MinApplicableVersion)
                .map(|at| at.u32())
                .transpose()?,
            max_applicable_version: found
                .optional(Field::MaxApplicableVersion)
                .map(|at| at.u32())
                .transpose()?,
            release_notes_url: found
                .optional(Field::ReleaseNotesUrl)
                .map(|at| at.text(RELEASE_NOTES))
                .transpose()?,
            digest_type,
            digest,
        })
    }

    /// Rules that the values break, for who makes a file.
    ///
    /// # Errors
    /// [`Violation::Length`] for text or a digest that the field cannot have.
    pub fn check(&self) -> Result<(), Violation> {
        within(Field::SoftwareVersionString, Some(self.software_version_string.len()), VERSION_STRING)?;
        within(Field::ReleaseNotesUrl, self.release_notes_url.map(str::len), RELEASE_NOTES)?;
        within(Field::ImageDigest, Some(self.digest.len()), digest_bounds(self.digest_type))
    }

    /// Whether a device that runs `version` may be upgraded with the image.
    #[must_use]
    pub fn suits(&self, version: u32) -> bool {
        self.min_applicable_version.is_none_or(|min| min <= version)
            && self.max_applicable_version.is_none_or(|max| version <= max)
    }

    /// What a file with a structure of `size` bytes takes.
    const fn total(&self, size: u64) -> u64 {
        16_u64.saturating_add(size).saturating_add(self.payload_size)
    }

    fn values(&self) -> [Option<Value<'_>>; 10] {
        [
            Some(Value::Unsigned(self.vendor.into())),
            Some(Value::Unsigned(self.product.into())),
            Some(Value::Unsigned(self.software_version.into())),
            Some(Value::Utf8(self.software_version_string)),
            Some(Value::Unsigned(self.payload_size)),
            self.min_applicable_version.map(|version| Value::Unsigned(version.into())),
            self.max_applicable_version.map(|version| Value::Unsigned(version.into())),
            self.release_notes_url.map(Value::Utf8),
            Some(Value::Unsigned(self.digest_type.0.into())),
            Some(Value::Octets(self.digest)),
        ]
    }
}

/// The header alone: the payload is to follow.
impl Emit for ImageHeader<'_> {
    fn len(&self) -> usize {
        fields::len(&self.values()).saturating_add(FIXED)
    }

    fn emit(&self, out: &mut Sink<'_>) {
        let values = self.values();
        let size = u32::try_from(fields::len(&values)).unwrap_or(u32::MAX);
        out.array(&Self::MAGIC);
        out.array(&self.total(size.into()).to_le_bytes());
        out.array(&size.to_le_bytes());
        fields::emit(&values, out);
    }
}

/// How long a digest of a type is: of one without a name, as long as it likes.
fn digest_bounds(digest_type: DigestType) -> Bounds {
    digest_type.digest_len().map_or(0..=usize::MAX, |len| len..=len)
}

fn fault(offset: usize, kind: MalformedKind) -> Malformed {
    Malformed { item: Item::ImageHeader, field: None, offset, kind }
}

fn truncated(offset: usize, needed: u64, present: usize) -> Malformed {
    fault(offset, MalformedKind::Tlv(TlvErrorKind::Truncated { needed, present }))
}

/// Less than the fixed part: another file, if that can be seen, or one that is cut.
fn short(file: &[u8]) -> Malformed {
    match file.first_chunk() {
        Some(found) if *found != ImageHeader::MAGIC => {
            fault(0, MalformedKind::BadMagic { found: u32::from_le_bytes(*found) })
        }
        _ => truncated(0, 16, file.len()),
    }
}

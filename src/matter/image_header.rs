//! Header of a Matter OTA image file (Matter Core Specification 1.3, section 11.21, "OTA Software Update File Format").
//!
//! The file consists of fixed fields, all little endian, one anonymous TLV structure, and the payload:
//!
//! ```text
//! 0   4   file identifier   1E F1 EE 1B; a Zigbee OTA file has 1E F1 EE 0B
//! 4   8   total size        16 + header size + payload size
//! 12  4   header size       bytes of the TLV structure, at most 1024
//! 16      TLV structure
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
//! | 9 | ImageDigest | octets | digest of the payload, as long as ImageDigestType requires |

use super::error::{Field, MatterDecodeError, MatterDecodeErrorKind, MatterRuleError};
use super::tlv::{self, FieldValue};
use super::tlv_fields::{Bounds, FieldAt, FieldsFound, check_len};
use crate::codec::{Emit, Sink};
use crate::open_enum::open_enum;

open_enum! {
    /// Hash function of the payload digest (IANA Named Information Hash Algorithm Registry).
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
    /// Returns the length in bytes of a digest of this type, or `None` for a type without a named constant.
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

/// Header of an image file, without the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct ImageHeader<'a> {
    /// Vendor id of the image.
    pub vendor: u16,
    /// Product id of the image.
    pub product: u16,
    /// Version of the image.
    pub software_version: u32,
    /// Version of the image as text for people, 1 to 64 bytes.
    pub software_version_string: &'a str,
    /// Length of the payload in bytes.
    pub payload_size: u64,
    /// Lowest running version from which a device may upgrade to the image.
    pub min_applicable_version: Option<u32>,
    /// Highest running version from which a device may upgrade to the image.
    pub max_applicable_version: Option<u32>,
    /// URL of the release notes, at most 256 bytes.
    pub release_notes_url: Option<&'a str>,
    /// Hash function of the digest.
    pub digest_type: DigestType,
    /// Digest of the payload.
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes"))]
    pub digest: &'a [u8],
}

const ITEM: &str = "Matter OTA image header";

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

/// File identifier of a Matter OTA image: 0x1BEEF11E, little endian.
const MAGIC: [u8; 4] = [0x1e, 0xf1, 0xee, 0x1b];

/// Length in bytes of the fixed fields: file identifier, total size and header size.
const FIXED: usize = 4 + 8 + 4;

impl<'a> ImageHeader<'a> {
    /// Creates a header with only the mandatory fields.
    #[must_use]
    pub const fn new(
        vendor: u16,
        product: u16,
        software_version: u32,
        software_version_string: &'a str,
        payload_size: u64,
        digest_type: DigestType,
        digest: &'a [u8],
    ) -> Self {
        Self {
            vendor,
            product,
            software_version,
            software_version_string,
            payload_size,
            min_applicable_version: None,
            max_applicable_version: None,
            release_notes_url: None,
            digest_type,
            digest,
        }
    }

    /// Maximum value of the header size field, which is the length of the TLV structure in bytes. The Matter
    /// specification sets no limit; 1024 is the limit of connectedhomeip (the Matter SDK). A header with the longest
    /// value in every field takes less than half of `MAX_HEADER_SIZE`.
    pub const MAX_HEADER_SIZE: u32 = 1024;

    /// Returns whether the bytes begin with the file identifier of a Matter OTA image. A Zigbee OTA file begins with
    /// another file identifier than a Matter OTA image.
    #[must_use]
    pub fn is_at_start(bytes: &[u8]) -> bool {
        bytes.starts_with(&MAGIC)
    }

    /// Decodes the header at the start of an image file. Returns the header and the bytes after the header: the
    /// payload, or the part of the payload that `file` contains.
    ///
    /// # Errors
    /// [`MatterDecodeError`] for a wrong file identifier, for a header size above
    /// [`MAX_HEADER_SIZE`](Self::MAX_HEADER_SIZE), for a truncated or invalid TLV structure, and for a total size that
    /// is not the sum of the sizes of header and payload.
    pub fn parse(file: &'a [u8]) -> Result<(Self, &'a [u8]), MatterDecodeError> {
        let Some((fixed, after)) = file.split_first_chunk::<FIXED>() else {
            return Err(short_file_error(file));
        };
        let [m0, m1, m2, m3, t0, t1, t2, t3, t4, t5, t6, t7, h0, h1, h2, h3] = *fixed;
        let found = [m0, m1, m2, m3];
        if found != MAGIC {
            return Err(bad_magic(found));
        }
        let size = u32::from_le_bytes([h0, h1, h2, h3]);
        if size > Self::MAX_HEADER_SIZE {
            let kind =
                MatterDecodeErrorKind::OutOfRange { value: size.into(), max: Self::MAX_HEADER_SIZE.into() };
            return Err(MatterDecodeError {
                item: ITEM,
                field: Some(Field::HeaderSize.name()),
                offset: 12,
                kind,
            });
        }
        let split = usize::try_from(size).ok().and_then(|size| after.split_at_checked(size));
        let Some((structure, payload)) = split else {
            return Err(truncated(FIXED, size.into(), after.len()));
        };
        let header = Self::parse_structure(structure)?;
        let total = u64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7]);
        let sum = header.total_size(size.into());
        if sum != Some(total) {
            let sum = sum.unwrap_or(u64::MAX);
            let kind = MatterDecodeErrorKind::TotalSize { total, sum };
            let field = Some(Field::TotalSize.name());
            return Err(MatterDecodeError { item: ITEM, field, offset: 4, kind });
        }
        Ok((header, payload))
    }

    fn parse_structure(structure: &'a [u8]) -> Result<Self, MatterDecodeError> {
        let fields = FieldsFound::parse(ITEM, FIELDS, FIXED, structure)?;
        let digest_type = DigestType(fields.required(Field::ImageDigestType, FieldAt::u8)?);
        let digest = fields.required(Field::ImageDigest, |at| at.octets(digest_bounds(digest_type)))?;
        Ok(Self {
            vendor: fields.required(Field::VendorId, FieldAt::u16)?,
            product: fields.required(Field::ProductId, FieldAt::u16)?,
            software_version: fields.required(Field::SoftwareVersion, FieldAt::u32)?,
            software_version_string: fields
                .required(Field::SoftwareVersionString, |at| at.text(VERSION_STRING))?,
            payload_size: fields.required(Field::PayloadSize, FieldAt::u64)?,
            min_applicable_version: fields.optional(Field::MinApplicableVersion, FieldAt::u32)?,
            max_applicable_version: fields.optional(Field::MaxApplicableVersion, FieldAt::u32)?,
            release_notes_url: fields.optional(Field::ReleaseNotesUrl, |at| at.text(RELEASE_NOTES))?,
            digest_type,
            digest,
        })
    }

    /// Checks the rules that a writer of files must follow, and that the encoder does not enforce by itself.
    ///
    /// # Errors
    /// [`MatterRuleError::Length`] for a text or a digest with a length that its field does not allow,
    /// [`MatterRuleError::HeaderSize`] for a structure that is too long, and [`MatterRuleError::TotalSize`] for a total
    /// size that does not fit into 64 bits.
    pub fn check(&self) -> Result<(), MatterRuleError> {
        check_len(Field::SoftwareVersionString, self.software_version_string.len(), VERSION_STRING)?;
        if let Some(url) = self.release_notes_url {
            check_len(Field::ReleaseNotesUrl, url.len(), RELEASE_NOTES)?;
        }
        check_len(Field::ImageDigest, self.digest.len(), digest_bounds(self.digest_type))?;
        let size = tlv::structure_len(&self.values());
        match u32::try_from(size) {
            Ok(size) if size <= Self::MAX_HEADER_SIZE => match self.total_size(size.into()) {
                Some(_) => Ok(()),
                None => Err(MatterRuleError::TotalSize { payload: self.payload_size }),
            },
            Ok(_) | Err(_) => Err(MatterRuleError::HeaderSize { size, max: Self::MAX_HEADER_SIZE }),
        }
    }

    /// Returns whether a device that runs `version` may upgrade to the image: `version` must be between the minimum and
    /// the maximum applicable version.
    #[must_use]
    pub fn suits(&self, version: u32) -> bool {
        self.min_applicable_version.is_none_or(|min| min <= version)
            && self.max_applicable_version.is_none_or(|max| version <= max)
    }

    /// Returns the size in bytes of the whole file: 16 bytes before the TLV structure, a TLV structure of
    /// `structure_len` bytes, and the payload. Returns `None` if the size is above `u64::MAX`.
    const fn total_size(&self, structure_len: u64) -> Option<u64> {
        16_u64.saturating_add(structure_len).checked_add(self.payload_size)
    }

    fn values(&self) -> [Option<FieldValue<'_>>; 10] {
        let Self {
            vendor,
            product,
            software_version,
            software_version_string,
            payload_size,
            min_applicable_version,
            max_applicable_version,
            release_notes_url,
            digest_type,
            digest,
        } = self;
        [
            Some(FieldValue::Unsigned((*vendor).into())),
            Some(FieldValue::Unsigned((*product).into())),
            Some(FieldValue::Unsigned((*software_version).into())),
            Some(FieldValue::Utf8(software_version_string)),
            Some(FieldValue::Unsigned(*payload_size)),
            min_applicable_version.map(|version| FieldValue::Unsigned(version.into())),
            max_applicable_version.map(|version| FieldValue::Unsigned(version.into())),
            release_notes_url.map(FieldValue::Utf8),
            Some(FieldValue::Unsigned(digest_type.0.into())),
            Some(FieldValue::Octets(digest)),
        ]
    }
}

/// Encodes the fixed fields and the TLV structure; the caller appends the payload.
impl Emit for ImageHeader<'_> {
    fn len(&self) -> usize {
        tlv::structure_len(&self.values()).saturating_add(FIXED)
    }

    fn emit(&self, out: &mut Sink<'_>) {
        let values = self.values();
        let size = u32::try_from(tlv::structure_len(&values)).unwrap_or(u32::MAX);
        out.array(&MAGIC);
        out.array(&self.total_size(size.into()).unwrap_or(u64::MAX).to_le_bytes());
        out.array(&size.to_le_bytes());
        tlv::emit_structure(&values, out);
    }
}

/// Returns the bounds of the digest's length: a single length for a digest type with a named constant, any length for
/// another digest type.
fn digest_bounds(digest_type: DigestType) -> Bounds {
    digest_type.digest_len().map_or(0..=usize::MAX, |len| len..=len)
}

fn bad_magic(found: [u8; 4]) -> MatterDecodeError {
    let kind = MatterDecodeErrorKind::BadMagic { found: u32::from_le_bytes(found) };
    MatterDecodeError { item: ITEM, field: None, offset: 0, kind }
}

fn truncated(offset: usize, needed: u64, present: usize) -> MatterDecodeError {
    let kind = MatterDecodeErrorKind::Truncated { needed, present };
    MatterDecodeError { item: ITEM, field: None, offset, kind }
}

/// Returns the error for a file that is shorter than the fixed fields of the header. If the first four bytes are
/// present and differ from the file identifier of Matter, the error is a wrong file identifier. For any other file that
/// is shorter than the fixed fields, the error is a truncated file.
fn short_file_error(file: &[u8]) -> MatterDecodeError {
    match file.first_chunk() {
        Some(found) if *found != MAGIC => bad_magic(*found),
        _ => truncated(0, 16, file.len()),
    }
}

//! Report about a payload: its format, its state by its own checksums, and its metadata.
//!
//! ```text
//! PayloadReport { kind, state, element_state, encrypted, signed, metadata }
//! state     Whole(checksum)   Damaged(offset, kind of damage)   Encrypted   Unknown(reason)
//! ```

use core::fmt;
use core::ops::Range;

use super::covered_bytes::CoveredBytes;
use super::formats::embedded_ota;
use super::{Entropy, PayloadKind, PayloadMetadata};

/// Report about a payload: its format, its state and its metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct PayloadReport<'a> {
    /// Format of the payload.
    pub kind: PayloadKind,
    /// State of the payload according to its own checksums.
    pub state: PayloadState,
    /// State according to a second checksum, which covers the whole element and not only the image at its start. Only
    /// Telink's format has a checksum of the whole element. `None` if the payload is no Telink image, if the Telink
    /// image fills its element, or if the next element has the same tag.
    pub element_state: Option<PayloadState>,
    /// `true` if the payload is encrypted, according to its own fields or its entropy. If the state of an encrypted
    /// payload is [`Whole`](PayloadState::Whole), the checksum covers the encrypted bytes.
    pub encrypted: bool,
    /// `true` if the payload has a signature. This crate does not verify signatures inside payloads.
    pub signed: bool,
    /// Metadata in the payload.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub metadata: PayloadMetadata<'a>,
    /// Bytes that the matching checksums cover.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(super) covered: CoveredBytes,
}

/// State of a payload according to its own checksums.
// Exhaustive: code that decides by the state must handle each of the four states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PayloadState {
    /// The checksum of the payload matches. The table of formats in the documentation of the [module](super) lists the
    /// bytes that the checksum of each format covers.
    Whole(ChecksumKind),
    /// The payload contradicts its own checksum or length, and its format is certain.
    Damaged(Damage),
    /// The payload is encrypted, and no checksum covers the encrypted bytes.
    Encrypted,
    /// The payload may be whole or damaged.
    Unknown(UnknownReason),
}

/// Evidence that a payload is damaged.
// Exhaustive: a payload damage is an offset and a kind. New details belong to the kind, which can grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Damage {
    /// Offset of the damaged part or failed checksum, in bytes from the first byte of the payload. If the failed
    /// checksum is in another element, such as the SHA-256 in a Nordic init packet, the offset is 0.
    pub offset: usize,
    /// Kind of damage at `offset`.
    pub kind: DamageKind,
}

/// Kind of damage to a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DamageKind {
    /// A checksum in the payload differs from the computed checksum.
    Checksum {
        /// Kind of the checksum.
        checksum: ChecksumKind,
        /// Checksum that the payload contains. If the checksum is a SHA-256, `expected` is only the first of its
        /// four-byte words that differs from the computed SHA-256, as a big-endian number.
        expected: u32,
        /// Computed checksum, in the same form as `expected`.
        found: u32,
    },
    /// A part of the payload, such as a segment or a tag, runs past the end of the payload.
    Truncated {
        /// Number of bytes that the truncated part should have.
        needed: usize,
        /// Number of bytes from the first byte of the truncated part to the end of the payload.
        present: usize,
    },
    /// The sequence of tags has no end tag.
    NoEndTag,
}

/// Kind of a checksum that payloads contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ChecksumKind {
    /// CRC-32, with or without its final xor.
    Crc32,
    /// CRC-16 with the polynomial 0x1021.
    Crc16,
    /// Checksum that is 0xEF xored with all bytes.
    Xor,
    /// Checksum that makes the sum of the covered 32-bit words 0.
    WordSum,
    /// SHA-256 hash.
    Sha256,
}

/// Reason why the state of a payload is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum UnknownReason {
    /// The format has no checksum over the whole payload that can be computed without a key and without decompression.
    NoChecksum,
    /// The format has a checksum, but the build of the payload has not added the checksum. The boot loader for the
    /// format of such a payload refuses the payload, because its checksum is missing.
    ChecksumNotAdded,
    /// The checksum or the length in the payload does not match the bytes of the payload. Either the payload is
    /// damaged, or the payload is whole and in an unknown variant of the format.
    Ambiguous,
    /// The format is not recognised. The entropy shows whether the payload may be encrypted.
    NotRecognised(Entropy),
}

impl<'a> PayloadReport<'a> {
    /// Recognises the format of `bytes`, which are one payload, and compares the checksums of the payload.
    ///
    /// The state [`PayloadState::Damaged`] means that damage is the only explanation: the format is certain, and the
    /// payload contradicts its own checksum or length.
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Self {
        match PayloadKind::of(bytes) {
            // This check is not a row in the table of formats, because the check of an embedded file uses that table:
            // see `check_nested`.
            PayloadKind::EmbeddedOta => embedded_ota::check(bytes),
            kind => kind.check(bytes),
        }
    }

    /// Returns the ranges of `payload` that matching checksums of the payload cover, in ascending order. A range
    /// includes the checksum itself, if the checksum is adjacent to the covered bytes.
    ///
    /// `payload` must be the bytes that the report is about.
    pub fn covered_ranges(&self, payload: &'a [u8]) -> impl Iterator<Item = Range<usize>> + use<'a> {
        self.covered.ranges(payload)
    }

    /// Creates a report without encryption, signature or metadata.
    pub(super) const fn new(kind: PayloadKind, state: PayloadState) -> Self {
        Self {
            kind,
            state,
            element_state: None,
            encrypted: false,
            signed: false,
            metadata: PayloadMetadata::EMPTY,
            covered: CoveredBytes::None,
        }
    }

    /// Returns this report with `covered` as the bytes that the checksum covers, if the state is
    /// [`Whole`](PayloadState::Whole).
    pub(super) fn covering(self, covered: CoveredBytes) -> Self {
        match self.state {
            PayloadState::Whole(_) => Self { covered, ..self },
            _ => self,
        }
    }

    /// Creates a report about a payload whose format has no checksum.
    pub(super) const fn without_checksum(kind: PayloadKind) -> Self {
        Self::new(kind, PayloadState::Unknown(UnknownReason::NoChecksum))
    }

    /// Creates a report about a payload whose format has no checksum and is often encrypted. For a format whose fields
    /// do not show whether a payload is encrypted, the report takes a high entropy as a sign of encryption.
    pub(super) fn encrypted_if_random(kind: PayloadKind, bytes: &[u8]) -> Self {
        if Entropy::of(bytes).looks_random() {
            Self { encrypted: true, ..Self::new(kind, PayloadState::Encrypted) }
        } else {
            Self::without_checksum(kind)
        }
    }
}

/// Returns the report about a payload whose format is not recognised.
pub(super) fn check_unknown(bytes: &[u8]) -> PayloadReport<'_> {
    let reason = UnknownReason::NotRecognised(Entropy::of(bytes));
    PayloadReport::new(PayloadKind::Unknown, PayloadState::Unknown(reason))
}

impl PayloadState {
    /// Returns the short name of the state for tools and scripts: `whole`, `damaged`, `encrypted` or `unknown`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Whole(_) => "whole",
            Self::Damaged(_) => "damaged",
            Self::Encrypted => "encrypted",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Returns the state of a payload in which the part at `offset` should have `needed` bytes, but has only `present`
    /// bytes.
    pub(super) const fn truncated(offset: usize, needed: usize, present: usize) -> Self {
        Self::Damaged(Damage { offset, kind: DamageKind::Truncated { needed, present } })
    }

    /// Returns the state that follows from a stored checksum (`expected`) at `offset` and the computed checksum
    /// (`found`).
    pub(super) const fn from_checksum(
        checksum: ChecksumKind,
        offset: usize,
        expected: u32,
        found: u32,
    ) -> Self {
        if expected == found {
            Self::Whole(checksum)
        } else {
            Self::Damaged(Damage { offset, kind: DamageKind::Checksum { checksum, expected, found } })
        }
    }

    /// Returns the state that follows from a stored SHA-256 (`expected`) at `offset` and the computed SHA-256
    /// (`found`).
    pub(super) fn from_sha256(offset: usize, expected: [u8; 32], found: [u8; 32]) -> Self {
        let (expected, _) = expected.as_chunks();
        let (found, _) = found.as_chunks();
        let differ = expected.iter().zip(found).find(|(expected, found)| expected != found);
        differ.map_or(Self::Whole(ChecksumKind::Sha256), |(expected, found)| {
            let [expected, found] = [expected, found].map(|word| u32::from_be_bytes(*word));
            Self::from_checksum(ChecksumKind::Sha256, offset, expected, found)
        })
    }

    /// Replaces the state `Damaged` by `Unknown` with the reason `Ambiguous` unless `certain` is `true`. The caller
    /// passes `false` as `certain` if the payload might have another format or another kind of checksum.
    pub(super) const fn ambiguous_unless(self, certain: bool) -> Self {
        match self {
            Self::Damaged(_) if !certain => Self::Unknown(UnknownReason::Ambiguous),
            state => state,
        }
    }

    /// Replaces the damage `Truncated` and `NoEndTag` by the state `Unknown` with the reason `Ambiguous`, because the
    /// payload may continue in the next element.
    pub(super) const fn ambiguous_if_truncated(self) -> Self {
        match self {
            Self::Damaged(Damage { kind: DamageKind::Truncated { .. } | DamageKind::NoEndTag, .. }) => {
                Self::Unknown(UnknownReason::Ambiguous)
            }
            state => state,
        }
    }

    /// Adds `by` to the offset of the damage. `by` is the offset of an inner payload in the outer payload that contains
    /// it.
    pub(super) const fn shifted(self, by: usize) -> Self {
        match self {
            Self::Damaged(Damage { offset, kind }) => {
                Self::Damaged(Damage { offset: offset.saturating_add(by), kind })
            }
            state => state,
        }
    }
}

/// Writes the state of the payload, then encryption, signature and metadata, each after a semicolon. Offsets count from
/// the first byte of the payload, and are written as "byte 16 of the payload".
impl fmt::Display for PayloadReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind: _, state, element_state, encrypted, signed, metadata, covered: _ } = self;
        write!(f, "{state}")?;
        if let Some(state @ PayloadState::Damaged(_)) = element_state {
            write!(f, "; of the whole element: {state}")?;
        }
        if *encrypted && *state != PayloadState::Encrypted {
            f.write_str("; encrypted")?;
        }
        if *signed {
            f.write_str("; signed")?;
        }
        metadata.fmt(f)
    }
}

/// Writes the state of a payload. Offsets count from the first byte of the payload, and are written as "byte 16 of the
/// payload".
impl fmt::Display for PayloadState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, None)
    }
}

impl PayloadState {
    /// Writes the state of a payload. If `base` is the offset of the payload in a file, the written offsets count from
    /// the first byte of the file. If `base` is `None`, the written offsets count from the first byte of the payload,
    /// and are followed by "of the payload".
    pub(crate) fn write(self, f: &mut fmt::Formatter<'_>, base: Option<usize>) -> fmt::Result {
        match self {
            Self::Whole(checksum) => write!(f, "{checksum} matches"),
            Self::Damaged(damage) => damage.write(f, base),
            Self::Encrypted => f.write_str("encrypted, no sum outside"),
            Self::Unknown(reason) => reason.write(f),
        }
    }
}

/// Offset, which is written together with the name of the bytes from which the offset counts.
struct Offset {
    offset: usize,
    base: Option<usize>,
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.base {
            Some(base) => write!(f, "byte {}", base.saturating_add(self.offset)),
            None => write!(f, "byte {} of the payload", self.offset),
        }
    }
}

impl Damage {
    fn write(self, f: &mut fmt::Formatter<'_>, base: Option<usize>) -> fmt::Result {
        let Self { offset, kind } = self;
        let at = Offset { offset, base };
        match kind {
            DamageKind::Checksum { checksum: checksum @ ChecksumKind::Sha256, expected, found } => {
                write!(f, "{checksum} at {at} says ...{expected:08x}..., its bytes give ...{found:08x}...")
            }
            DamageKind::Checksum { checksum, expected, found } => {
                let width = checksum.digits().saturating_add(2);
                write!(f, "{checksum} at {at} says {expected:#0width$x}, its bytes give {found:#0width$x}")
            }
            DamageKind::Truncated { needed, present } => {
                write!(f, "cut short at {at}: {needed} bytes expected, {present} present")
            }
            DamageKind::NoEndTag => write!(f, "no end tag at {at}, where the tags end"),
        }
    }
}

impl ChecksumKind {
    /// Returns the number of hexadecimal digits with which a checksum is written in texts.
    const fn digits(self) -> usize {
        match self {
            Self::Crc32 | Self::WordSum | Self::Sha256 => 8,
            Self::Crc16 => 4,
            Self::Xor => 2,
        }
    }
}

impl fmt::Display for ChecksumKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Crc32 => "CRC-32",
            Self::Crc16 => "CRC-16",
            Self::Xor => "checksum",
            Self::WordSum => "sum of vectors",
            Self::Sha256 => "SHA-256",
        })
    }
}

impl UnknownReason {
    fn write(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoChecksum => f.write_str("no sum to check"),
            Self::ChecksumNotAdded => {
                f.write_str("built without its checksum, so the boot loader of the format refuses it")
            }
            Self::Ambiguous => {
                f.write_str("its sum does not match, or its length: damaged, or of a form not known")
            }
            Self::NotRecognised(entropy) => {
                let hint = if entropy.looks_random() { ": perhaps encrypted" } else { "" };
                write!(f, "not recognised; {entropy}{hint}")
            }
        }
    }
}

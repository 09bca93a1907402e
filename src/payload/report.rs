//! What is said about a payload.
//!
//! ```text
//! PayloadReport { kind, state, encrypted, signed, stated }
//! state     Whole(sum)   Damaged(where, what is wrong there)   Encrypted   Unknown(why)
//! ```

use core::fmt;

use super::{Entropy, PayloadKind, PayloadMetadata};
use super::{cc2530, ebl, esp, gbl, hue, jn51xx, jn518x, mcuboot, nested, nordic, oad, osram, telink, xz};

/// What a payload is and whether it is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PayloadReport<'a> {
    /// What it is.
    pub kind: PayloadKind,
    /// Whether it is whole.
    pub state: PayloadState,
    /// Whether it says that it is encrypted, or cannot be anything else; of [`PayloadState::Whole`] it is the outside that
    /// was summed then.
    pub encrypted: bool,
    /// Whether it has a signature, which is not looked at.
    pub signed: bool,
    /// What it says about itself.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub stated: PayloadMetadata<'a>,
}

/// Whether a payload is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PayloadState {
    /// Its sum matches, which is over all of it but for what the [module's](super) table leaves out.
    Whole(ChecksumKind),
    /// It is not as its own sum or length says, and its kind is beyond doubt.
    Damaged(Damage),
    /// It is encrypted and has no sum on the outside.
    Encrypted,
    /// Nothing can be told.
    Unknown(UnknownReason),
}

/// What shows that a payload is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Damage {
    /// Where the sum or the part stands that is wrong, in bytes from the first byte of the payload; 0 for a sum that
    /// stands in another element.
    pub offset: usize,
    /// What is wrong there.
    pub fault: DamageKind,
}

/// What is wrong at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum DamageKind {
    /// A sum is not that of its bytes.
    Sum {
        /// Which.
        sum: ChecksumKind,
        /// What stands there; of a SHA-256 the first four bytes that differ, as a big-endian number.
        expected: u32,
        /// What the bytes give, in the same form.
        found: u32,
    },
    /// A part runs past the end.
    Cut {
        /// Bytes that the part takes from the place on.
        needed: usize,
        /// Bytes that are there.
        present: usize,
    },
    /// No end tag where the tags end.
    NoEnd,
}

/// A sum that payloads carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ChecksumKind {
    /// A CRC-32, with or without its final xor.
    Crc32,
    /// A CRC-16 with the polynomial 0x1021.
    Crc16,
    /// All bytes xored with 0xEF.
    Xor,
    /// Words that add up to 0.
    Words,
    /// SHA-256.
    Sha256,
}

/// Why nothing can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum UnknownReason {
    /// The kind has no sum over all of it that can be looked at without a key or without unpacking.
    NoSum,
    /// What is there can be a whole payload of a form not known here as well as a damaged one.
    Doubtful,
    /// The kind is not known.
    NotRecognised(Entropy),
}

impl<'a> PayloadReport<'a> {
    /// Judges `bytes`, which are one payload from first to last as far as they are there.
    ///
    /// Nothing is called damaged that could be whole in another way: the kind must be beyond doubt, and the sum over
    /// bytes that are all there.
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Self {
        match PayloadKind::of(bytes) {
            PayloadKind::EmbeddedOta => nested::check(bytes),
            kind => Self::of_kind(kind, bytes),
        }
    }

    /// Judges what is no OTA file in itself.
    pub(super) fn of_kind(kind: PayloadKind, bytes: &'a [u8]) -> Self {
        match kind {
            PayloadKind::SilabsGbl => gbl::check(bytes),
            PayloadKind::SilabsEbl | PayloadKind::SilabsEblEncrypted => ebl::check(kind, bytes),
            PayloadKind::TelinkKnlt => telink::check(bytes),
            PayloadKind::EspImage => esp::check(bytes),
            PayloadKind::TiOad => oad::check(bytes),
            PayloadKind::TiCc2530 => cc2530::check(bytes),
            PayloadKind::NxpJn51xx => jn51xx::check(bytes),
            PayloadKind::NxpJn514x => nested::check_jn514x(bytes),
            PayloadKind::NxpJn518x => jn518x::check(bytes),
            PayloadKind::NordicInit => nordic::check(bytes),
            PayloadKind::Mcuboot => mcuboot::check(bytes),
            PayloadKind::HueSbl => hue::check(bytes),
            PayloadKind::Osram => osram::check(bytes),
            PayloadKind::Xz => xz::check(bytes),
            PayloadKind::Inovelli
            | PayloadKind::Zlib
            | PayloadKind::CortexM
            | PayloadKind::EmbeddedOta
            | PayloadKind::TelinkAes
            | PayloadKind::NordicFirmware
            | PayloadKind::Ubisys => Self::new(kind, PayloadState::Unknown(UnknownReason::NoSum)),
            PayloadKind::Unknown => {
                Self::new(kind, PayloadState::Unknown(UnknownReason::NotRecognised(Entropy::of(bytes))))
            }
        }
    }

    pub(super) const fn new(kind: PayloadKind, state: PayloadState) -> Self {
        Self { kind, state, encrypted: false, signed: false, stated: PayloadMetadata::NOTHING }
    }

    /// Of a kind without a sum that is often encrypted, and then shows it by nothing but its bytes.
    pub(super) fn perhaps_encrypted(kind: PayloadKind, bytes: &[u8]) -> Self {
        if Entropy::of(bytes).looks_random() {
            Self { encrypted: true, ..Self::new(kind, PayloadState::Encrypted) }
        } else {
            Self::new(kind, PayloadState::Unknown(UnknownReason::NoSum))
        }
    }
}

impl PayloadState {
    /// A short name: `whole`, `damaged`, `encrypted` or `unknown`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Whole(_) => "whole",
            Self::Damaged(_) => "damaged",
            Self::Encrypted => "encrypted",
            Self::Unknown(_) => "unknown",
        }
    }

    pub(super) const fn cut(offset: usize, needed: usize, present: usize) -> Self {
        Self::Damaged(Damage { offset, fault: DamageKind::Cut { needed, present } })
    }

    /// Whole if the sum that stands at `offset` is that of the bytes, else damaged.
    pub(super) const fn of_sum(sum: ChecksumKind, offset: usize, expected: u32, found: u32) -> Self {
        if expected == found {
            Self::Whole(sum)
        } else {
            Self::Damaged(Damage { offset, fault: DamageKind::Sum { sum, expected, found } })
        }
    }

    /// The same, of a SHA-256.
    pub(super) fn of_digest(offset: usize, expected: [u8; 32], found: [u8; 32]) -> Self {
        let (expected, _) = expected.as_chunks();
        let (found, _) = found.as_chunks();
        let differ = expected.iter().zip(found).find(|(expected, found)| expected != found);
        differ.map_or(Self::Whole(ChecksumKind::Sha256), |(expected, found)| {
            let [expected, found] = [expected, found].map(|word| u32::from_be_bytes(*word));
            Self::of_sum(ChecksumKind::Sha256, offset, expected, found)
        })
    }

    /// What is damaged only if nothing else can be meant.
    pub(super) const fn if_certain(self, certain: bool) -> Self {
        match self {
            Self::Damaged(_) if !certain => Self::Unknown(UnknownReason::Doubtful),
            state => state,
        }
    }

    /// What only runs past the end may go on elsewhere.
    pub(super) const fn or_continued(self) -> Self {
        match self {
            Self::Damaged(Damage { fault: DamageKind::Cut { .. } | DamageKind::NoEnd, .. }) => {
                Self::Unknown(UnknownReason::Doubtful)
            }
            state => state,
        }
    }

    /// The same in a payload that starts `by` bytes earlier.
    pub(super) const fn moved(self, by: usize) -> Self {
        match self {
            Self::Damaged(Damage { offset, fault }) => {
                Self::Damaged(Damage { offset: offset.saturating_add(by), fault })
            }
            state => state,
        }
    }
}

/// The state in a clause, then what else is known, each after a semicolon.
impl fmt::Display for PayloadReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.state)?;
        if self.encrypted && self.state != PayloadState::Encrypted {
            f.write_str("; encrypted")?;
        }
        if self.signed {
            f.write_str("; signed")?;
        }
        write!(f, "{}", self.stated)
    }
}

impl fmt::Display for PayloadState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(sum) => write!(f, "{sum} matches"),
            Self::Damaged(damage) => damage.fmt(f),
            Self::Encrypted => f.write_str("encrypted, no sum outside"),
            Self::Unknown(why) => why.fmt(f),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = self.offset;
        match self.fault {
            DamageKind::Sum { sum: sum @ ChecksumKind::Sha256, expected, found } => {
                write!(f, "{sum} at byte {offset}: ...{expected:08x}... expected, ...{found:08x}... found")
            }
            DamageKind::Sum { sum, expected, found } => {
                write!(f, "{sum} at byte {offset}: {expected:#x} expected, {found:#x} found")
            }
            DamageKind::Cut { needed, present } => {
                write!(f, "cut short at byte {offset}: {needed} bytes expected, {present} found")
            }
            DamageKind::NoEnd => write!(f, "no end tag at byte {offset}, where the tags end"),
        }
    }
}

impl fmt::Display for ChecksumKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Crc32 => "CRC-32",
            Self::Crc16 => "CRC-16",
            Self::Xor => "checksum",
            Self::Words => "sum of vectors",
            Self::Sha256 => "SHA-256",
        })
    }
}

impl fmt::Display for UnknownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSum => f.write_str("no sum to check"),
            Self::Doubtful => {
                f.write_str("its sum does not match, or its length: damaged, or of a form not known")
            }
            Self::NotRecognised(entropy) => {
                let hint = if entropy.looks_random() { ": perhaps encrypted" } else { "" };
                write!(f, "not recognised; {entropy}{hint}")
            }
        }
    }
}

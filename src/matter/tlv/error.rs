//! What is wrong with TLV, read or written.

use crate::error::EncodeError;

/// Bytes that are no TLV: what and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[error("TLV, byte {offset}: {kind}")]
pub struct TlvError {
    /// Where, in bytes from the first byte given.
    pub offset: usize,
    /// What is wrong there.
    pub kind: TlvErrorKind,
}

/// What is wrong with TLV at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum TlvErrorKind {
    /// The bytes end too early.
    #[error("{needed} bytes expected, {present} present")]
    Truncated {
        /// Bytes that must stand at the place, at the least.
        needed: u64,
        /// Bytes that do.
        present: usize,
    },
    /// A control octet whose type has no meaning, or an end of container that has a tag.
    #[error("control octet {0:#04x} has no meaning")]
    Control(u8),
    /// Text that is no UTF-8.
    #[error("text that is no UTF-8")]
    NotUtf8,
    /// A member of a structure without a tag.
    #[error("a member of a structure without a tag")]
    Untagged,
    /// A member of an array with a tag.
    #[error("a member of an array with a tag")]
    Tagged,
    /// More containers in one another than this crate follows.
    #[error("containers more than 16 deep")]
    TooDeep,
    /// An end of container where none is open.
    #[error("an end of container where none is open")]
    NothingOpen,
    /// Bytes after the element.
    #[error("{count} bytes after the element")]
    TrailingBytes {
        /// How many.
        count: usize,
    },
}

/// TLV that cannot be written so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum WriteError {
    /// No room; nothing of the element was written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A rule of TLV is broken: a tag that the container does not allow, too many containers in one another, none to
    /// close.
    #[error("{0}")]
    Rule(TlvErrorKind),
    /// Not all containers are closed.
    #[error("a container is still open")]
    StillOpen,
}

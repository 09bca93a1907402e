//! Which containers are open, and what each asks of the tags in it.
//!
//! ```text
//! 31 30      3 2   1 0
//! |  16  | ... | 2 | 1 |   the innermost in bits 0 and 1: 0 none, 1 structure, 2 array, 3 list
//! ```

use super::{Kind, Tag, TlvErrorKind};

/// The open containers, two bits each, the innermost lowest: room for 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nest(u32);

impl Nest {
    /// None is open.
    pub(super) const EMPTY: Self = Self(0);

    /// `kind` alone is open.
    pub(super) const fn of(kind: Kind) -> Self {
        Self(code(kind))
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Opens one more inside.
    pub(super) const fn open(self, kind: Kind) -> Result<Self, TlvErrorKind> {
        match self.0 >> 30 {
            0 => Ok(Self(self.0 << 2 | code(kind))),
            _ => Err(TlvErrorKind::TooDeep),
        }
    }

    /// Closes the innermost.
    pub(super) const fn close(self) -> Self {
        Self(self.0 >> 2)
    }

    /// Whether the innermost may have a member called `tag`.
    pub(super) const fn allow(self, tag: Tag) -> Result<(), TlvErrorKind> {
        const STRUCTURE: u32 = code(Kind::Structure);
        const ARRAY: u32 = code(Kind::Array);
        match (self.0 & 0b11, tag) {
            (STRUCTURE, Tag::Anonymous) => Err(TlvErrorKind::Untagged),
            (ARRAY, Tag::Anonymous) => Ok(()),
            (ARRAY, _) => Err(TlvErrorKind::Tagged),
            _ => Ok(()),
        }
    }
}

const fn code(kind: Kind) -> u32 {
    match kind {
        Kind::Structure => 1,
        Kind::Array => 2,
        Kind::List => 3,
    }
}

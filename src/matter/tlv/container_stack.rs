//! Stack of the containers that are open at a position of the input, and the tags that the innermost container allows.
//!
//! ```text
//! 31 30      3 2   1 0
//! |  16  | ... | 2 | 1 |   innermost container in bits 0 and 1: 0 none, 1 structure, 2 array, 3 list
//! ```

use super::reader::{Kind, Tag};

/// Kinds of the open containers, two bits for each container, with the innermost container in the lowest bits. At most
/// 16 containers can be open.
#[derive(Clone, Copy)]
pub(super) struct ContainerStack(u32);

impl ContainerStack {
    /// Stack at a position outside any container.
    pub(super) const EMPTY: Self = Self(0);

    /// Returns the stack at a position inside a single container.
    pub(super) const fn of(kind: Kind) -> Self {
        Self(code(kind))
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the stack with one more open container, or an error if 16 containers are open.
    pub(super) const fn push(self, kind: Kind) -> Result<Self, &'static str> {
        match self.0 >> 30 {
            0 => Ok(Self(self.0 << 2 | code(kind))),
            _ => Err("containers nested more than 16 deep"),
        }
    }

    /// Returns the stack without the innermost container.
    pub(super) const fn pop(self) -> Self {
        Self(self.0 >> 2)
    }

    /// Checks that the innermost container allows a member with the tag `tag`.
    pub(super) const fn check_tag(self, tag: Tag) -> Result<(), &'static str> {
        const STRUCTURE: u32 = code(Kind::Structure);
        const ARRAY: u32 = code(Kind::Array);
        match (self.0 & 0b11, tag) {
            (STRUCTURE, Tag::Anonymous) => Err("a member of a structure without a tag"),
            (ARRAY, Tag::Anonymous) => Ok(()),
            (ARRAY, _) => Err("a member of an array with a tag"),
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

//! The value that ties the commands of one update together.

use core::fmt;

use super::few::Few;

/// UpdateToken: 8 to 32 bytes that the provider chose, which mean something to it alone.
///
/// The requestor keeps it from the answer to its query until it has told that the update was applied.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UpdateToken(Few<{ Self::MAX }>);

impl UpdateToken {
    /// The fewest bytes of a token.
    pub const MIN: usize = 8;
    /// The most bytes of a token.
    pub const MAX: usize = 32;

    /// `None` for fewer than 8 or more than 32 bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < Self::MIN { None } else { Few::new(bytes).map(Self) }
    }

    /// The bytes, 8 to 32, as they go on the wire.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.get()
    }
}

impl fmt::Debug for UpdateToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UpdateToken(")?;
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for UpdateToken {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let few = Few::<{ Self::MAX }>::deserialize(from)?;
        let len = few.get().len();
        Self::new(few.get()).ok_or_else(|| serde::de::Error::invalid_length(len, &"8 to 32 bytes"))
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for UpdateToken {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let len = u.int_in_range(Self::MIN..=Self::MAX)?;
        Self::new(u.bytes(len)?).ok_or(arbitrary::Error::IncorrectFormat)
    }
}

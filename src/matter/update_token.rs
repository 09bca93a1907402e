//! UpdateToken: identifier of one update, in QueryImageResponse, ApplyUpdateRequest and NotifyUpdateApplied.

use core::fmt;

use super::inline_bytes::InlineBytes;

/// UpdateToken: 8 to 32 bytes that the provider chooses. Only the provider knows the meaning of the bytes of a token.
///
/// The requestor keeps the token of a [`QueryImageResponse`](super::QueryImageResponse) until it has sent
/// [`NotifyUpdateApplied`](super::NotifyUpdateApplied).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UpdateToken(
    #[cfg_attr(feature = "arbitrary", arbitrary(with = |u: &mut _| InlineBytes::arbitrary(Self::MIN, u)))]
    #[cfg_attr(feature = "serde", serde(deserialize_with = "deserialize_token"))]
    InlineBytes<{ Self::MAX }>,
);

impl UpdateToken {
    /// Minimum length of a token in bytes.
    pub const MIN: usize = 8;
    /// Maximum length of a token in bytes.
    pub const MAX: usize = 32;

    /// Copies the bytes of a token. Returns `None` for fewer than 8 or more than 32 bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < Self::MIN { None } else { InlineBytes::new(bytes).map(Self) }
    }

    /// Returns the bytes of the token, 8 to 32.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }
}

impl fmt::Debug for UpdateToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UpdateToken(")?;
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// Deserializes the bytes of a token, and refuses fewer than 8 bytes: [`InlineBytes`] itself has no minimum length.
#[cfg(feature = "serde")]
fn deserialize_token<'de, D: serde::Deserializer<'de>>(
    from: D,
) -> Result<InlineBytes<{ UpdateToken::MAX }>, D::Error> {
    let bytes: InlineBytes<{ UpdateToken::MAX }> = serde::Deserialize::deserialize(from)?;
    match bytes.as_slice().len() {
        len @ 0..UpdateToken::MIN => Err(serde::de::Error::invalid_length(len, &"8 to 32 bytes")),
        _ => Ok(bytes),
    }
}

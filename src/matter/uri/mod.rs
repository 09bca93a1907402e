//! ImageURI: location of an image (Matter Core Specification 1.3, section 11.20.6.5.2).
//!
//! An ImageURI is a URI of RFC 3986. A URI of the scheme `bdx` names a file on a node of the requestor's fabric:
//!
//! ```text
//! bdx://00112233AABBCCDD/designator
//! 0     6               22  23
//! |     |               |   file designator, used byte for byte, at least one byte
//! |     |               `/`
//! |     node id, 16 upper-case hexadecimal digits, most significant first
//! `bdx://`, in lower case
//! ```
//!
//! A BDX URI has no user, port, query or fragment. The file designator consists of the characters that a URI path
//! allows; the crate never decodes escapes in the designator.

mod bdx;
mod syntax;

pub use bdx::{BdxUri, NodeId};

/// Location of an image.
///
/// ```
/// use zigbee_ota::matter::{BdxUri, ImageUri, NodeId};
///
/// let uri = ImageUri::parse("bdx://0099AABBCCDDEE77/the%20file%20designator/some_more")?;
/// let ImageUri::Bdx(bdx) = uri else { panic!("a BDX URI") };
/// assert_eq!(bdx.node(), NodeId(0x0099_aabb_ccdd_ee77));
/// assert_eq!(bdx.designator(), "the%20file%20designator/some_more");
///
/// let https = "https://example.domain:8466/software/image.bin";
/// assert_eq!(ImageUri::parse(https)?, ImageUri::Other { scheme: "https", uri: https });
/// # Ok::<(), zigbee_ota::matter::ImageUriError>(())
/// ```
///
/// Serde represents a URI as its text. Deserialization borrows the text of the URI from the input, so only a format
/// that lends strings of its input can deserialize a URI.
// Exhaustive: a URI has either the scheme `bdx` or another scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ImageUri<'a> {
    /// File on a node of the requestor's fabric, to download by BDX.
    Bdx(BdxUri<'a>),
    /// URI of another scheme than `bdx`, which the caller resolves.
    Other {
        /// Scheme of the URI, such as `https`, spelled as in the URI. Schemes are case-insensitive.
        scheme: &'a str,
        /// Complete URI.
        uri: &'a str,
    },
}

impl<'a> ImageUri<'a> {
    /// Maximum length of an ImageURI in bytes.
    pub const MAX: usize = 256;

    /// Classifies an ImageURI by its scheme. A URI of the scheme `bdx`, written in upper or lower case, must satisfy
    /// the rules of a BDX URI.
    ///
    /// In a URI of another scheme than `bdx`, `parse` checks only the characters of each part of the URI. The code that
    /// resolves the URI has to check the structure of the authority, such as the digits of a port or an IP address.
    ///
    /// # Errors
    /// [`ImageUriError`] for a text that is too long, for a text that is no URI with a scheme, and for a BDX URI that
    /// breaks a rule. If the URI breaks several rules, a wrong length takes precedence; for a URI of an allowed length,
    /// the error names the broken rule with the lowest offset in the URI.
    pub fn parse(text: &'a str) -> Result<Self, ImageUriError> {
        if text.len() > Self::MAX {
            return Err(ImageUriError::TooLong(text.len()));
        }
        let scheme = syntax::scheme(text)?;
        if scheme.eq_ignore_ascii_case("bdx") {
            return BdxUri::parse(text).map(Self::Bdx);
        }
        syntax::check_after_scheme(text.as_bytes(), scheme.len())?;
        Ok(Self::Other { scheme, uri: text })
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for ImageUri<'_> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bdx(uri) => uri.serialize(to),
            Self::Other { scheme: _, uri } => to.serialize_str(uri),
        }
    }
}

#[cfg(feature = "serde")]
impl<'de: 'a, 'a> serde::Deserialize<'de> for ImageUri<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(<&str>::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

/// Reason why a text is no ImageURI, or why a requestor cannot download the image at an ImageURI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ImageUriError {
    /// The text is longer than the maximum length of an ImageURI. The variant holds the length of the text in bytes.
    #[error("{0} bytes, expected at most 256")]
    TooLong(usize),
    /// The text is shorter than the shortest BDX URI. The variant holds the length of the text in bytes.
    #[error("{0} bytes, a BDX URI has at least 24")]
    TooShort(usize),
    /// At `offset`, the syntax of a URI requires another character than the text has.
    #[error("byte {offset}: expected {expected}")]
    Syntax {
        /// Offset of the first wrong byte.
        offset: usize,
        /// Name of the part that was expected at the offset, such as `a scheme and a colon`.
        expected: &'static str,
    },
    /// The node in the BDX URI is not the provider that sent the URI.
    #[error("an image on node {node}, offered by node {provider}")]
    NodeMismatch {
        /// Matter node that the BDX URI names.
        node: NodeId,
        /// Provider that sent the URI.
        provider: NodeId,
    },
}

//! ImageURI: where an image is (Matter Core Specification 1.3, section 11.20.6.5.2).
//!
//! Any URI of RFC 3986 will do. One of the scheme `bdx` says what to ask a node of the same fabric for:
//!
//! ```text
//! bdx://00112233AABBCCDD/designator
//! 0     6               22  23
//! |     |               |   the file designator, octet for octet, at least one
//! |     |               `/`
//! |     node id, 16 upper-case hexadecimal digits, the most significant first
//! `bdx://`, in lower case
//! ```
//!
//! No user, no port, no query, no fragment; the designator holds what a path may hold, and nothing in it is unescaped.

mod bdx;
mod literal;
mod syntax;

pub use bdx::{BdxUri, NodeId};

use core::fmt;

/// Where an image is.
///
/// ```
/// use zigbee_ota::matter::{BdxUri, ImageUri, NodeId};
///
/// let uri = ImageUri::parse("bdx://0099AABBCCDDEE77/the%20file%20designator/some_more")?;
/// let ImageUri::Bdx(bdx) = uri else { panic!("a BDX URI") };
/// assert_eq!(bdx.node(), NodeId(0x0099_aabb_ccdd_ee77));
/// assert_eq!(bdx.designator(), "the%20file%20designator/some_more");
///
/// let ImageUri::Other(other) = ImageUri::parse("https://example.domain:8466/software/image.bin")? else {
///     panic!("another URI")
/// };
/// assert_eq!(other.scheme(), "https");
/// # Ok::<(), zigbee_ota::matter::UriError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ImageUri<'a> {
    /// On a node of the same fabric, for BDX to fetch.
    Bdx(BdxUri<'a>),
    /// Somewhere that other code has to know.
    Other(OtherUri<'a>),
}

impl<'a> ImageUri<'a> {
    /// The most bytes that an ImageURI has.
    pub const MAX: usize = 256;

    /// Reads an ImageURI. One of the scheme `bdx`, in whatever case, must keep the rules of BDX.
    ///
    /// # Errors
    /// [`UriError`] for what is no URI with a scheme, too long, or a BDX URI that breaks a rule: the first one, in the
    /// order of the text.
    pub fn parse(text: &'a str) -> Result<Self, UriError> {
        if text.len() > Self::MAX {
            return Err(UriError::TooLong(text.len()));
        }
        let scheme = syntax::scheme(text)?;
        if scheme.eq_ignore_ascii_case("bdx") {
            return BdxUri::parse(text).map(Self::Bdx);
        }
        syntax::after_scheme(text.as_bytes(), scheme.len())?;
        Ok(Self::Other(OtherUri { text, scheme }))
    }
}

/// A URI of another scheme than `bdx`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OtherUri<'a> {
    text: &'a str,
    scheme: &'a str,
}

impl<'a> OtherUri<'a> {
    /// All of it.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.text
    }

    /// What stands before the first colon: `https`. Its case means nothing.
    #[must_use]
    pub const fn scheme(&self) -> &'a str {
        self.scheme
    }
}

/// Why text is no ImageURI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum UriError {
    /// More bytes than an ImageURI has.
    #[error("{0} bytes, expected at most 256 (MAT-032)")]
    TooLong(usize),
    /// No URI of RFC 3986 with a scheme.
    #[error("byte {offset}: not what {part} of a URI may hold (MAT-012)")]
    Syntax {
        /// Which part of the URI.
        part: UriPart,
        /// Where, in bytes from its start.
        offset: usize,
    },
    /// Fewer bytes than a BDX URI has.
    #[error("{0} bytes, a BDX URI has at least 24 (MAT-027)")]
    TooShort(usize),
    /// A BDX URI that does not begin with `bdx://`.
    #[error("a BDX URI begins with `bdx://`, in lower case (MAT-014, MAT-015)")]
    Prefix,
    /// A BDX URI without a node id.
    #[error("byte {offset}: expected 16 upper-case hexadecimal digits of a node id (MAT-016)")]
    NodeId {
        /// The first that is none.
        offset: usize,
    },
    /// A BDX URI with something between node id and path: a seventeenth digit, a port.
    #[error("byte {offset}: expected `/` after the node id (MAT-021, MAT-024)", offset = BdxUri::SEPARATOR)]
    Separator,
    /// A BDX URI with something that no path may hold: a blank, a query, a fragment.
    #[error("byte {offset}: not what a file designator may hold (MAT-022, MAT-023, MAT-026)")]
    Designator {
        /// The first that is not.
        offset: usize,
    },
    /// A BDX URI of another node than the one that sent it.
    #[error("an image on node {node}, told by {provider} (MAT-019)")]
    NodeMismatch {
        /// The node in the URI.
        node: NodeId,
        /// The node that sent it.
        provider: NodeId,
    },
}

/// A part of a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum UriPart {
    /// Up to the first colon.
    Scheme,
    /// User, host and port.
    Authority,
    /// From there to the query.
    Path,
    /// After `?`.
    Query,
    /// After `#`.
    Fragment,
}

impl fmt::Display for UriPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "the scheme",
            Self::Authority => "the authority",
            Self::Path => "the path",
            Self::Query => "the query",
            Self::Fragment => "the fragment",
        })
    }
}

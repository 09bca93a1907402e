//! URIs of the scheme `bdx`.
//!
//! ```text
//! bdx://00112233AABBCCDD/designator
//!       16 digits, upper case
//! ```

use core::fmt;

use super::syntax::{first_bad, is_pchar};
use super::{ImageUri, UriError};
use crate::codec::{Emit, Sink};

/// The operational node id of a node, unique in its fabric. `Display` writes 16 upper-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct NodeId(pub u64);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({self})")
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for NodeId {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "NodeId({=u64:#018x})", self.0);
    }
}

impl NodeId {
    /// The digits, the most significant first.
    fn digits(self) -> [u8; DIGITS] {
        let mut digits = [0; DIGITS];
        let mut rest = self.0;
        for digit in digits.iter_mut().rev() {
            *digit = match rest & 0xf {
                0x0 => b'0',
                0x1 => b'1',
                0x2 => b'2',
                0x3 => b'3',
                0x4 => b'4',
                0x5 => b'5',
                0x6 => b'6',
                0x7 => b'7',
                0x8 => b'8',
                0x9 => b'9',
                0xa => b'A',
                0xb => b'B',
                0xc => b'C',
                0xd => b'D',
                0xe => b'E',
                _ => b'F',
            };
            rest >>= 4;
        }
        digits
    }

    /// Reads the digits; the error is the place of the first that is none.
    fn parse(digits: &[u8; DIGITS]) -> Result<Self, usize> {
        let mut number = 0;
        for (at, digit) in (0..).zip(digits) {
            let value = match digit {
                b'0'..=b'9' => digit & 0x0f,
                // `A` is 0x41.
                b'A'..=b'F' => (digit & 0x0f).saturating_add(9),
                _ => return Err(at),
            };
            number = number << 4 | u64::from(value);
        }
        Ok(Self(number))
    }
}

const PREFIX: &[u8; 6] = b"bdx://";
const DIGITS: usize = 16;

/// A URI that says what to ask a node of the same fabric for by BDX. [`Encode`](crate::Encode) and `Display` write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BdxUri<'a> {
    node: NodeId,
    designator: &'a str,
}

impl<'a> BdxUri<'a> {
    /// The fewest bytes: a designator of one.
    pub const MIN: usize = 24;
    /// Where the `/` stands that the designator follows.
    pub(super) const SEPARATOR: usize = PREFIX.len() + DIGITS;

    /// The URI of the file `designator` on `node`. Nothing is escaped: what a URI cannot hold is refused.
    ///
    /// # Errors
    /// [`UriError::TooShort`] without a designator, [`UriError::TooLong`] with one of more than 233 bytes, and
    /// [`UriError::Designator`], whose offset is that in the URI.
    pub fn new(node: NodeId, designator: &'a str) -> Result<Self, UriError> {
        let start = Self::SEPARATOR.saturating_add(1);
        let len = start.saturating_add(designator.len());
        if len < Self::MIN {
            return Err(UriError::TooShort(len));
        }
        if len > ImageUri::MAX {
            return Err(UriError::TooLong(len));
        }
        match first_bad(designator.as_bytes(), |byte| is_pchar(byte) || byte == b'/') {
            Some(at) => Err(UriError::Designator { offset: start.saturating_add(at) }),
            None => Ok(Self { node, designator }),
        }
    }

    /// Reads a BDX URI by the procedure of the document: length, prefix, node id, separator, designator.
    ///
    /// # Errors
    /// [`UriError`] of the first step that fails.
    pub fn parse(text: &'a str) -> Result<Self, UriError> {
        let len = text.len();
        if len < Self::MIN {
            return Err(UriError::TooShort(len));
        }
        let rest = text.as_bytes().strip_prefix(PREFIX).ok_or(UriError::Prefix)?;
        let Some((digits, rest)) = rest.split_first_chunk() else { return Err(UriError::TooShort(len)) };
        let bad = |at| UriError::NodeId { offset: PREFIX.len().saturating_add(at) };
        let node = NodeId::parse(digits).map_err(bad)?;
        let Some(designator) = rest.strip_prefix(b"/") else { return Err(UriError::Separator) };
        // All before it is ASCII.
        let (_, designator) = text.split_at_checked(len.saturating_sub(designator.len())).unwrap_or_default();
        Self::new(node, designator)
    }

    /// The node that has the image.
    #[must_use]
    pub const fn node(&self) -> NodeId {
        self.node
    }

    /// What to ask it for, octet for octet, without the `/` before it. May begin with one of its own.
    #[must_use]
    pub const fn designator(&self) -> &'a str {
        self.designator
    }

    /// Whether the image is where the answer came from, on the same fabric: other nodes are reserved for the future.
    ///
    /// # Errors
    /// [`UriError::NodeMismatch`].
    pub fn check_provider(&self, provider: NodeId) -> Result<(), UriError> {
        if self.node == provider { Ok(()) } else { Err(UriError::NodeMismatch { node: self.node, provider }) }
    }
}

impl fmt::Display for BdxUri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bdx://{}/{}", self.node, self.designator)
    }
}

impl Emit for BdxUri<'_> {
    fn len(&self) -> usize {
        Self::SEPARATOR.saturating_add(1).saturating_add(self.designator.len())
    }

    fn emit(&self, out: &mut Sink<'_>) {
        out.array(PREFIX);
        out.array(&self.node.digits());
        out.array(b"/");
        out.bytes(self.designator.as_bytes());
    }
}

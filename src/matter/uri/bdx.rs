//! BDX URI: location of a file that a node of the requestor's fabric offers for download by Bulk Data Exchange.
//!
//! ```text
//! bdx://00112233AABBCCDD/designator
//!       16 digits, upper case
//! ```

use core::fmt;

use super::syntax::find_not_path;
use super::{ImageUri, ImageUriError};
use crate::codec::{Emit, Sink};

/// Operational node id, unique within a fabric. `Display` writes 16 upper-case hexadecimal digits.
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
    /// Returns the node id as 16 upper-case hexadecimal digits, most significant digit first.
    fn digits(self) -> [u8; DIGITS] {
        let mut digits = [0; DIGITS];
        let bytes = self.0.to_be_bytes();
        let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
        for (digit, nibble) in digits.iter_mut().zip(nibbles) {
            *digit = match nibble {
                0..=9 => nibble | b'0',
                // 'A' is 0x41: 10 | 0x40 is 0x4A, minus 9 gives 0x41.
                _ => (nibble | 0x40).saturating_sub(9),
            };
        }
        digits
    }

    /// Parses a node id of 16 upper-case hexadecimal digits. The error is the index of the first byte of the node id
    /// that is not an upper-case hexadecimal digit.
    fn parse(digits: &[u8; DIGITS]) -> Result<Self, usize> {
        let mut number = 0;
        for (at, digit) in (0..).zip(digits) {
            let value = match digit {
                b'0'..=b'9' => digit & 0x0f,
                // 'A' is 0x41: its lower four bits, plus 9, give 10.
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

/// Offset of the `/` between node id and file designator in the URI.
const SEPARATOR: usize = PREFIX.len() + DIGITS;

/// Minimum length in bytes of a BDX URI, with a file designator of one byte.
const MIN: usize = SEPARATOR + 2;

/// BDX URI: node id and file designator. [`Encode`](crate::Encode) and `Display` write the text of the URI.
///
/// Serde represents a URI as its text. Deserialization borrows the text of the URI from the input, so only a format
/// that lends strings of its input can deserialize a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BdxUri<'a> {
    node: NodeId,
    designator: &'a str,
}

impl<'a> BdxUri<'a> {
    /// Creates the URI of the file `designator` on `node`. `new` does not escape the designator: a character that a URI
    /// path does not allow is an error.
    ///
    /// # Errors
    /// [`ImageUriError::TooShort`] for an empty designator, [`ImageUriError::TooLong`] for more than 233 bytes, and
    /// [`ImageUriError::Syntax`] for a character that a URI path does not allow, with the offset of the character in
    /// the URI.
    pub fn new(node: NodeId, designator: &'a str) -> Result<Self, ImageUriError> {
        let start = SEPARATOR.saturating_add(1);
        let len = start.saturating_add(designator.len());
        if len < MIN {
            return Err(ImageUriError::TooShort(len));
        }
        if len > ImageUri::MAX {
            return Err(ImageUriError::TooLong(len));
        }
        match find_not_path(designator.as_bytes()) {
            Some(at) => Err(expected("a character of a file designator", start.saturating_add(at))),
            None => Ok(Self { node, designator }),
        }
    }

    /// Parses a BDX URI. `parse` checks length, prefix, node id, separator and designator of the URI, in the order of
    /// the Matter specification.
    ///
    /// # Errors
    /// [`ImageUriError`] of the first failed check of the URI.
    pub fn parse(text: &'a str) -> Result<Self, ImageUriError> {
        let len = text.len();
        if len < MIN {
            return Err(ImageUriError::TooShort(len));
        }
        let after_prefix = text.as_bytes().strip_prefix(PREFIX);
        let rest = after_prefix.ok_or(expected("`bdx://` in lower case", 0))?;
        let Some((digits, rest)) = rest.split_first_chunk() else { return Err(ImageUriError::TooShort(len)) };
        let node = NodeId::parse(digits).map_err(|at| {
            expected("16 upper-case hexadecimal digits of a node id", PREFIX.len().saturating_add(at))
        })?;
        let Some(designator) = rest.strip_prefix(b"/") else {
            return Err(expected("`/` after the node id", SEPARATOR));
        };
        // The bytes before the designator are ASCII, so the split is at a character boundary.
        let (_, designator) = text.split_at_checked(len.saturating_sub(designator.len())).unwrap_or_default();
        Self::new(node, designator)
    }

    /// Returns the node that has the file.
    #[must_use]
    pub const fn node(&self) -> NodeId {
        self.node
    }

    /// Returns the file designator for the BDX transfer, byte for byte as in the URI, without the `/` before it. A
    /// designator may itself begin with a `/`.
    #[must_use]
    pub const fn designator(&self) -> &'a str {
        self.designator
    }

    /// Checks that the file is on the provider that sent the URI. Matter Core Specification 1.3 forbids the URI of a
    /// node other than the provider, but a later version of the specification may allow such a URI.
    ///
    /// # Errors
    /// [`ImageUriError::NodeMismatch`] if the file is on a node other than the provider.
    pub fn check_provider(&self, provider: NodeId) -> Result<(), ImageUriError> {
        match self.node == provider {
            true => Ok(()),
            false => Err(ImageUriError::NodeMismatch { node: self.node, provider }),
        }
    }
}

const fn expected(expected: &'static str, offset: usize) -> ImageUriError {
    ImageUriError::Syntax { offset, expected }
}

impl fmt::Display for BdxUri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { node, designator } = self;
        write!(f, "bdx://{node}/{designator}")
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for BdxUri<'_> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de: 'a, 'a> serde::Deserialize<'de> for BdxUri<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(<&str>::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

impl Emit for BdxUri<'_> {
    fn len(&self) -> usize {
        SEPARATOR.saturating_add(1).saturating_add(self.designator.len())
    }

    fn emit(&self, out: &mut Sink<'_>) {
        let Self { node, designator } = self;
        out.array(PREFIX);
        out.array(&node.digits());
        out.array(b"/");
        out.bytes(designator.as_bytes());
    }
}

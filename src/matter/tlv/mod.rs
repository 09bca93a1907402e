//! TLV, the form of everything that Matter sends: a reader that borrows and a writer, both whole.
//!
//! An element is a control octet, a tag and a value; numbers are little endian (Matter Core Specification, appendix A):
//!
//! ```text
//! 0   1     control   bits 0 to 4 type, bits 5 to 7 form of the tag
//! 1   0..8  tag       in the length of its form
//!     any   value     in the length of its type
//! ```
//!
//! | form | bytes | tag | | type | value |
//! |---|---|---|---|---|---|
//! | 0 | 0 | anonymous | | 0x00 to 0x03 | signed, 1, 2, 4 or 8 bytes |
//! | 1 | 1 | context-specific | | 0x04 to 0x07 | unsigned, 1, 2, 4 or 8 bytes |
//! | 2, 3 | 2, 4 | common profile | | 0x08, 0x09 | false, true |
//! | 4, 5 | 2, 4 | implicit profile | | 0x0A, 0x0B | floating point, 4 or 8 bytes |
//! | 6, 7 | 6, 8 | vendor 2, profile 2, tag 2 or 4 | | 0x0C to 0x0F | UTF-8, its length in 1, 2, 4 or 8 bytes |
//! | | | | | 0x10 to 0x13 | octets, their length in 1, 2, 4 or 8 bytes |
//! | | | | | 0x14 | null |
//! | | | | | 0x15, 0x16, 0x17 | structure, array, list: elements up to 0x18 |
//!
//! Members of a structure have tags, those of an array have none, those of a list may. What is read is looked at whole
//! before any of it is given, 16 containers deep at most. What is written takes the fewest bytes that it can.
//!
//! ```
//! use zigbee_ota::matter::tlv::{Element, Kind, Tag, Value, Writer};
//!
//! let mut room = [0; 16];
//! let mut writer = Writer::new(&mut room);
//! writer.open(Tag::Anonymous, Kind::Structure)?;
//! writer.put(Tag::Context(0), Value::Unsigned(42))?;
//! writer.put(Tag::Context(1), Value::Utf8("ota"))?;
//! writer.close()?;
//! let bytes = writer.finish()?;
//! assert_eq!(bytes, [0x15, 0x24, 0, 42, 0x2c, 1, 3, b'o', b't', b'a', 0x18]);
//!
//! let (read, after) = Element::parse(bytes)?;
//! let Value::Container(structure) = read.value else { panic!("a structure") };
//! let second = structure.elements().nth(1).unwrap();
//! assert_eq!((second.offset, second.element.value), (4, Value::Utf8("ota")));
//! assert!(after.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod nest;
mod read;
mod write;

pub use error::{TlvError, TlvErrorKind, WriteError};
pub use read::Elements;
pub(super) use write::END;
pub use write::Writer;

use core::hash::{Hash, Hasher};

/// What an element is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Tag {
    /// Nothing: members of arrays, and most elements that stand alone.
    Anonymous,
    /// A number that the structure around it gives a meaning.
    Context(u8),
    /// A number of the common profile, which Matter itself defines.
    Common(u32),
    /// A number of a profile that reader and writer agree on.
    Implicit(u32),
    /// A number of a vendor's profile.
    Full {
        /// Who defines the profile.
        vendor: u16,
        /// Which of the vendor's.
        profile: u16,
        /// Which tag of the profile.
        tag: u32,
    },
}

/// What kind of container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Kind {
    /// Members with tags, each once.
    Structure,
    /// Members without tags.
    Array,
    /// Members with tags or without.
    List,
}

/// What an element holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Value<'a> {
    /// A signed number.
    Signed(i64),
    /// An unsigned number.
    Unsigned(u64),
    /// A truth value.
    Boolean(bool),
    /// A floating point number of 32 bits, as [`f32::from_bits`] takes them.
    Single(u32),
    /// A floating point number of 64 bits, as [`f64::from_bits`] takes them.
    Double(u64),
    /// Text.
    Utf8(&'a str),
    /// Bytes.
    Octets(&'a [u8]),
    /// Nothing, said so.
    Null,
    /// Further elements.
    Container(Container<'a>),
}

impl Value<'_> {
    /// The type as a person calls it: `unsigned number`, `structure`.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Signed(_) => "signed number",
            Self::Unsigned(_) => "unsigned number",
            Self::Boolean(_) => "boolean",
            Self::Single(_) | Self::Double(_) => "floating point number",
            Self::Utf8(_) => "UTF-8 string",
            Self::Octets(_) => "octet string",
            Self::Null => "null",
            Self::Container(container) => container.kind.name(),
        }
    }
}

impl Kind {
    /// The kind as a person calls it: `structure`, `array`, `list`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Structure => "structure",
            Self::Array => "array",
            Self::List => "list",
        }
    }
}

/// A tag and a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Element<'a> {
    /// What it is called.
    pub tag: Tag,
    /// What it holds.
    pub value: Value<'a>,
}

/// An element and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ElementAt<'a> {
    /// Of its control octet, in bytes from the first byte given.
    pub offset: usize,
    /// The element.
    pub element: Element<'a>,
}

/// A container that was read: all in it is well formed. Two are equal when their bytes are, wherever they stood.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Container<'a> {
    kind: Kind,
    /// The members, without the octet that ends them.
    body: &'a [u8],
    /// Where they start.
    offset: usize,
}

impl<'a> Container<'a> {
    /// A container of members that this crate wrote itself.
    pub(super) const fn written(kind: Kind, body: &'a [u8]) -> Self {
        Self { kind, body, offset: 0 }
    }

    /// Structure, array or list.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The bytes of the members, as they were read.
    #[must_use]
    pub const fn body(&self) -> &'a [u8] {
        self.body
    }

    /// Where the octet stands that ends it.
    pub(super) const fn end(&self) -> usize {
        self.offset.saturating_add(self.body.len())
    }
}

impl PartialEq for Container<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.body == other.body
    }
}

impl Eq for Container<'_> {}

impl Hash for Container<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.kind.hash(state);
        self.body.hash(state);
    }
}

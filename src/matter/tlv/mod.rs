//! TLV, the encoding of Matter's commands (Matter Core Specification 1.3, appendix A): a reader of any element, and a
//! writer of the structures that this crate sends.
//!
//! An element is a control octet, a tag and a value; numbers are little endian:
//!
//! ```text
//! 0   1     control   bits 0 to 4 type, bits 5 to 7 tag form
//! 1   0..8  tag       length given by the tag form
//!     any   value     length given by the type
//! ```
//!
//! | form | bytes | tag | | type | value |
//! |---|---|---|---|---|---|
//! | 0 | 0 | anonymous | | 0x00 to 0x03 | signed, 1, 2, 4 or 8 bytes |
//! | 1 | 1 | context-specific | | 0x04 to 0x07 | unsigned, 1, 2, 4 or 8 bytes |
//! | 2, 3 | 2, 4 | common profile | | 0x08, 0x09 | false, true |
//! | 4, 5 | 2, 4 | implicit profile | | 0x0A, 0x0B | floating point, 4 or 8 bytes |
//! | 6, 7 | 6, 8 | fully qualified: vendor 2, profile 2, tag 2 or 4 | | 0x0C to 0x0F | UTF-8, its length in 1, 2, 4 or 8 bytes |
//! | | | | | 0x10 to 0x13 | octets, their length in 1, 2, 4 or 8 bytes |
//! | | | | | 0x14 | null |
//! | | | | | 0x15, 0x16, 0x17 | structure, array, list: elements up to 0x18 |
//!
//! Members of a structure have tags, members of an array have no tags, members of a list may have tags. Before the
//! reader returns an element, the reader checks the element and all members of its containers, which may be nested up
//! to 16 deep. The writer uses the shortest encoding of each number and length.

mod container_stack;
mod reader;
mod writer;

pub(super) use reader::{Element, Kind, Tag, Value};
pub(super) use writer::{FieldValue, emit_structure, structure_len};

/// First octet of an anonymous structure.
const STRUCTURE: u8 = 0x15;

/// Octet that ends a container.
const END_OF_CONTAINER: u8 = 0x18;

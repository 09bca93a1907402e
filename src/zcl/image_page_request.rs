//! Image Page Request (section 6.10.7 of ZigBee document 095264, 2011). The server answers an Image Page Request with
//! Image Block Responses.
//!
//! | offset | size | field | |
//! |---|---|---|---|
//! | 0 | 1 | field control | bit 0: request node address present; bit 1 is reserved in every revision |
//! | 1 | 8 | manufacturer code, image type, file version | |
//! | 9 | 4 | file offset | |
//! | 13 | 1 | maximum data size | of each response |
//! | 14 | 2 | page size | bytes of data to send for this request |
//! | 16 | 2 | response spacing | ms between two responses |
//! | 18 | 0, 8 | request node address | IEEE address |

use core::fmt;

use bitflags::bitflags;
use nom::Parser;
use nom::combinator::{cond, map};
use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::codec::{Emit, Parsed, Sink, fixed, le_u64};
use crate::types::{Eui64, ImageId};

use super::Violation;
use super::decoder_quirks::Leniency;
use super::shared_fields::RawImageId;

bitflags! {
    /// Field control of an Image Page Request.
    #[derive(Clone, Copy)]
    struct PageControl: u8 {
        const NODE = 1 << 0;
    }
}

/// Fields of an Image Page Request before its optional field.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct RequestHead {
    control: u8,
    id: RawImageId,
    offset: U32,
    max_data: u8,
    page_size: U16,
    spacing: U16,
}

const _: () = assert!(size_of::<RequestHead>() == 18);

/// Request of a client for a page: a range of a file that the server sends as a series of Image Block Responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct ImagePageRequest {
    /// Manufacturer code, image type and version of the file.
    pub id: ImageId,
    /// Offset of the first requested byte, from the start of the file.
    pub offset: u32,
    /// Maximum number of data bytes in one Image Block Response, 1 to 255.
    pub max_data: u8,
    /// Number of data bytes in the page, 1 or more.
    pub page_size: u16,
    /// Minimum time between two Image Block Responses of the page, in milliseconds; may be 0.
    pub spacing: u16,
    /// IEEE address of the client, sent when the client requests a device-specific file.
    pub node: Option<Eui64>,
}

impl ImagePageRequest {
    /// Creates an Image Page Request without an IEEE address.
    #[must_use]
    pub const fn new(id: ImageId, offset: u32, max_data: u8, page_size: u16, spacing: u16) -> Self {
        Self { id, offset, max_data, page_size, spacing, node: None }
    }

    /// Adds the IEEE address of the client to the request.
    #[must_use]
    pub const fn with_node(self, node: Eui64) -> Self {
        Self { node: Some(node), ..self }
    }

    /// Checks the field values of the Image Page Request against the rules of the specification.
    ///
    /// # Errors
    /// [`Violation::EmptyRequest`] if the maximum data size is 0, and [`Violation::EmptyPage`] if the page size is 0.
    /// If the maximum data size or the page size is 0, a server answers the request with MALFORMED_COMMAND.
    ///
    /// [`Violation::SmallPage`] if the page size is below the maximum data size of one response. The specification
    /// forbids a client to request a page that is shorter than one response, but a server of this crate sends the page
    /// nevertheless.
    pub fn check(&self) -> Result<(), Violation> {
        let Self { id: _, offset: _, max_data, page_size, spacing: _, node: _ } = *self;
        match (max_data, page_size) {
            (0, _) => Err(Violation::EmptyRequest),
            (_, 0) => Err(Violation::EmptyPage),
            _ if page_size < max_data.into() => Err(Violation::SmallPage { page_size, max_data }),
            _ => Ok(()),
        }
    }

    pub(super) fn parse<'a>(input: &'a [u8], leniency: &mut Leniency<'a>) -> Parsed<'a, Self> {
        let (rest, head) = fixed::<RequestHead>(input)?;
        let control = PageControl::from_bits_retain(head.control);
        leniency.seen.reserved = control.difference(PageControl::all()).bits();
        let (rest, node) = cond(control.contains(PageControl::NODE), map(le_u64, Eui64)).parse(rest)?;
        let (rest, ()) = leniency.ignore_trailing(rest)?;
        let request = Self {
            id: head.id.into(),
            offset: head.offset.get(),
            max_data: head.max_data,
            page_size: head.page_size.get(),
            spacing: head.spacing.get(),
            node,
        };
        Ok((rest, request))
    }
}

impl Emit for ImagePageRequest {
    fn len(&self) -> usize {
        let Self { id: _, offset: _, max_data: _, page_size: _, spacing: _, node } = self;
        if node.is_some() { 26 } else { 18 }
    }

    fn emit(&self, out: &mut Sink<'_>) {
        let Self { id, offset, max_data, page_size, spacing, node } = *self;
        let mut control = PageControl::empty();
        control.set(PageControl::NODE, node.is_some());
        let head = RequestHead {
            control: control.bits(),
            id: id.into(),
            offset: offset.into(),
            max_data,
            page_size: page_size.into(),
            spacing: spacing.into(),
        };
        out.bytes(head.as_bytes());
        if let Some(node) = node {
            out.array(&node.0.to_le_bytes());
        }
    }
}

impl fmt::Display for ImagePageRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, offset, max_data, page_size, spacing, node } = self;
        write!(f, "{id} from {offset}, {page_size} bytes, at most {max_data} every {spacing} ms")?;
        node.map_or(Ok(()), |node| write!(f, ", for {node}"))
    }
}

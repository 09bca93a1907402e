//! Image Page Request (section 6.10.7); its answers are Image Block Responses.
//!
//! | offset | size | field | |
//! |---|---|---|---|
//! | 0 | 1 | field control | bit 0 node; no later revision gave bit 1 a meaning here |
//! | 1 | 8 | manufacturer code, image type, file version | |
//! | 9 | 4 | file offset | |
//! | 13 | 1 | maximum data size | of each response |
//! | 14 | 2 | page size | bytes of data until the client asks again |
//! | 16 | 2 | response spacing | ms between two responses |
//! | 18 | 0, 8 | node's IEEE address | |

use bitflags::bitflags;
use nom::Parser;
use nom::combinator::{cond, map};
use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::codec::{Emit, Parsed, Sink, fixed, le_u64};
use crate::types::{Eui64, ImageId};

use super::Violation;
use super::layout::RawImageId;
use super::quirks::Leniency;

bitflags! {
    #[derive(Clone, Copy)]
    struct PageControl: u8 {
        const NODE = 1 << 0;
    }
}

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

/// A client asks for a page of a file, to come in many responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ImagePageRequest {
    /// The file.
    pub id: ImageId,
    /// First byte wanted, from the start of the file.
    pub offset: u32,
    /// The most bytes of data the client takes in one response, 1 to 255.
    pub max_data: u8,
    /// Bytes of data to send before the client asks again, 1 or more.
    pub page_size: u16,
    /// The least time between two responses in milliseconds, 0 included.
    pub spacing: u16,
    /// The client's own address, when it asks for a file made for it alone.
    pub node: Option<Eui64>,
}

impl ImagePageRequest {
    /// Rules that the values break.
    ///
    /// # Errors
    /// [`Violation::EmptyRequest`] and [`Violation::EmptyPage`] for sizes of 0: a server answers them as malformed.
    /// [`Violation::SmallPage`] for a page below one response: a client sends none, a server serves it all the same.
    pub fn check(&self) -> Result<(), Violation> {
        let Self { max_data, page_size, .. } = *self;
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
        let (rest, ()) = leniency.open_end(rest)?;
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
        if self.node.is_some() { 26 } else { 18 }
    }

    fn emit(&self, out: &mut Sink<'_>) {
        let mut control = PageControl::empty();
        control.set(PageControl::NODE, self.node.is_some());
        let head = RequestHead {
            control: control.bits(),
            id: self.id.into(),
            offset: self.offset.into(),
            max_data: self.max_data,
            page_size: self.page_size.into(),
            spacing: self.spacing.into(),
        };
        out.bytes(head.as_bytes());
        if let Some(node) = self.node {
            out.array(&node.0.to_le_bytes());
        }
    }
}

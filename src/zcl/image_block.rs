//! Image Block (sections 6.10.6 and 6.10.8).
//!
//! | request | size | field | | response | size | field |
//! |---|---|---|---|---|---|---|
//! | 0 | 1 | field control: bit 0 node, bit 1 period | | 0 | 1 | status |
//! | 1 | 8 | manufacturer code, image type, file version | | | | *SUCCESS:* |
//! | 9 | 4 | file offset | | 1 | 8 | manufacturer code, image type, file version |
//! | 13 | 1 | maximum data size | | 9 | 4 | file offset |
//! | 14 | 0, 8 | node's IEEE address | | 13 | 1 | data size n |
//! | +0 | 0, 2 | MinimumBlockPeriod (later revisions) | | 14 | n | data |
//! | | | | | | | *WAIT_FOR_DATA:* |
//! | | | | | 1 | 8 | current time, request time, s |
//! | | | | | 9 | 0, 2 | MinimumBlockPeriod (later revisions) |
//!
//! ABORT is the status alone. Offsets count from the first byte of the file's header.

use bitflags::bitflags;
use nom::Parser;
use nom::combinator::{cond, map};
use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::codec::{Emit, Parsed, Sink, fail, fixed, le_u8, le_u16, le_u64};
use crate::error::DecodeErrorKind;
use crate::time::{Purpose, ServerTime};
use crate::types::{Eui64, ImageId};

use super::frame::HEADER_LEN;
use super::layout::{RawImageId, RawTime};
use super::quirks::{Leniency, Quirks, exact_end};
use super::{CommandId, FrameControl, Status, Violation};

bitflags! {
    #[derive(Clone, Copy)]
    struct BlockControl: u8 {
        const NODE = 1 << 0;
        const PERIOD = 1 << 1;
    }
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct RequestHead {
    control: u8,
    id: RawImageId,
    offset: U32,
    max_data: u8,
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct DataHead {
    id: RawImageId,
    offset: U32,
    size: u8,
}

/// A client asks for a piece of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ImageBlockRequest {
    /// The file.
    pub id: ImageId,
    /// First byte wanted, from the start of the file.
    pub offset: u32,
    /// The most bytes of data the client takes in one response, 1 to 255.
    pub max_data: u8,
    /// The client's own address, when it asks for a file made for it alone.
    pub node: Option<Eui64>,
    /// The client's MinimumBlockPeriod attribute, where it has one (later revisions).
    pub min_block_period: Option<u16>,
}

impl ImageBlockRequest {
    /// Rules that the values break.
    ///
    /// # Errors
    /// [`Violation::EmptyRequest`] for a maximum data size of 0.
    pub const fn check(&self) -> Result<(), Violation> {
        if self.max_data == 0 { Err(Violation::EmptyRequest) } else { Ok(()) }
    }

    /// Reads a whole frame with one of the four forms that the letter knows, and nothing that deviates. A server reads
    /// little else: so it is worth a straight line beside [`parse`](Self::parse), which reads all that this leaves.
    #[inline]
    pub(crate) fn read_plain(frame: &[u8]) -> Option<(FrameControl, u8, Self)> {
        const NODE: u8 = BlockControl::NODE.bits();
        const PERIOD: u8 = BlockControl::PERIOD.bits();
        const BOTH: u8 = BlockControl::all().bits();

        let (header, rest) = frame.split_first_chunk::<HEADER_LEN>()?;
        let [control, sequence, command] = *header;
        let control = FrameControl::from_bits_retain(control);
        let plain = control.intersection(FrameControl::OF_MESSAGE) == FrameControl::CLUSTER
            && CommandId(command) == CommandId::IMAGE_BLOCK_REQUEST;
        let (head, tail) = RequestHead::ref_from_prefix(rest).ok().filter(|_| plain)?;
        let (node, min_block_period) = match (head.control, tail.len()) {
            (0, 0) => (None, None),
            (NODE, 8) => (Some(tail.first_chunk()?), None),
            (PERIOD, 2) => (None, Some(tail.first_chunk()?)),
            (BOTH, 10) => (Some(tail.first_chunk()?), Some(tail.last_chunk()?)),
            _ => return None,
        };
        let request = Self {
            id: head.id.into(),
            offset: head.offset.get(),
            max_data: head.max_data,
            node: node.map(|node| Eui64(u64::from_le_bytes(*node))),
            min_block_period: min_block_period.map(|period| u16::from_le_bytes(*period)),
        };
        Some((control, sequence, request))
    }

    pub(super) fn parse<'a>(input: &'a [u8], leniency: &mut Leniency<'a>) -> Parsed<'a, Self> {
        let (rest, head) = fixed::<RequestHead>(input)?;
        let control = BlockControl::from_bits_retain(head.control);
        leniency.seen.reserved = control.difference(BlockControl::all()).bits();
        let (rest, node) = cond(control.contains(BlockControl::NODE), map(le_u64, Eui64)).parse(rest)?;
        let (rest, min_block_period) = match control.contains(BlockControl::PERIOD) {
            true if rest.len() < 2 => {
                if !leniency.take(Quirks::PERIOD_BIT_WITHOUT_FIELD) {
                    return fail(rest, DecodeErrorKind::FieldMissing { size: 2 });
                }
                (rest, None)
            }
            announced => cond(announced, le_u16).parse(rest)?,
        };
        let (rest, ()) = leniency.open_end(rest)?;
        let request = Self {
            id: head.id.into(),
            offset: head.offset.get(),
            max_data: head.max_data,
            node,
            min_block_period,
        };
        Ok((rest, request))
    }
}

impl Emit for ImageBlockRequest {
    fn len(&self) -> usize {
        match (self.node, self.min_block_period) {
            (None, None) => 14,
            (None, Some(_)) => 16,
            (Some(_), None) => 22,
            (Some(_), Some(_)) => 24,
        }
    }

    fn emit(&self, out: &mut Sink<'_>) {
        let mut control = BlockControl::empty();
        control.set(BlockControl::NODE, self.node.is_some());
        control.set(BlockControl::PERIOD, self.min_block_period.is_some());
        let head = RequestHead {
            control: control.bits(),
            id: self.id.into(),
            offset: self.offset.into(),
            max_data: self.max_data,
        };
        out.bytes(head.as_bytes());
        if let Some(node) = self.node {
            out.array(&node.0.to_le_bytes());
        }
        if let Some(period) = self.min_block_period {
            out.array(&period.to_le_bytes());
        }
    }
}

/// Data of one block: at most 255 bytes, as its size is one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BlockBytes<'a>(
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serde_bytes::serialize"))] &'a [u8],
);

impl<'a> BlockBytes<'a> {
    /// `None` for more than 255 bytes.
    #[must_use]
    pub fn new(data: &'a [u8]) -> Option<Self> {
        u8::try_from(data.len()).is_ok().then_some(Self(data))
    }

    /// The bytes.
    #[must_use]
    pub const fn get(self) -> &'a [u8] {
        self.0
    }

    /// How many, as the wire tells it.
    #[must_use]
    pub fn size(self) -> u8 {
        u8::try_from(self.0.len()).unwrap_or(u8::MAX)
    }
}

#[cfg(feature = "serde")]
impl<'de: 'a, 'a> serde::Deserialize<'de> for BlockBytes<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let data = crate::serde_bytes::deserialize(from)?;
        Self::new(data).ok_or_else(|| serde::de::Error::invalid_length(data.len(), &"at most 255 bytes"))
    }
}

/// A piece of a file, what an Image Block Response SUCCESS carries (section 6.10.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BlockData<'a> {
    /// The file.
    pub id: ImageId,
    /// Where the first byte of the data stands in it.
    pub offset: u32,
    /// The data.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub data: BlockBytes<'a>,
}

/// The server has no data now (or wants a rest).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct WaitForData {
    /// When to ask again.
    pub time: ServerTime,
    /// The least time between two requests from now on (later revisions).
    pub min_block_period: Option<u16>,
}

/// A status in an Image Block Response that is none of its three (section 6.10.8.2.1): not SUCCESS, not
/// WAIT_FOR_DATA, not ABORT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BlockRefusal(Status);

impl BlockRefusal {
    /// `None` for the three statuses that have a form of their own.
    #[must_use]
    pub const fn new(status: Status) -> Option<Self> {
        match status {
            Status::SUCCESS | Status::WAIT_FOR_DATA | Status::ABORT => None,
            other => Some(Self(other)),
        }
    }

    /// The status it is.
    #[must_use]
    pub const fn status(self) -> Status {
        self.0
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for BlockRefusal {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let status = Status::deserialize(from)?;
        Self::new(status).ok_or_else(|| serde::de::Error::custom("a status that has a form of its own"))
    }
}

/// The server's answer to an [`ImageBlockRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ImageBlockResponse<'a> {
    /// SUCCESS.
    Data(#[cfg_attr(feature = "serde", serde(borrow))] BlockData<'a>),
    /// WAIT_FOR_DATA.
    Wait(WaitForData),
    /// ABORT: the upgrade ends.
    Abort,
    /// A status that does not belong here, as some servers send instead of a Default Response.
    Refused(BlockRefusal),
}

impl<'a> ImageBlockResponse<'a> {
    /// Rules that the values break.
    ///
    /// # Errors
    /// A status of [`Refused`](Self::Refused), or a request time before the current time.
    pub fn check(&self) -> Result<(), Violation> {
        match self {
            Self::Data(_) | Self::Abort => Ok(()),
            Self::Wait(wait) => match wait.time.delay(Purpose::Request, None, 0) {
                Ok(_) => Ok(()),
                Err(past) => Err(Violation::Time(past, "CMD-071")),
            },
            Self::Refused(refusal) => Err(Violation::Status(refusal.status(), "CMD-067")),
        }
    }

    pub(super) fn parse(input: &'a [u8], leniency: &mut Leniency<'a>) -> Parsed<'a, Self> {
        let (rest, status) = map(le_u8, Status).parse(input)?;
        match status {
            Status::SUCCESS => parse_data(rest).map(|(rest, data)| (rest, Self::Data(data))),
            Status::WAIT_FOR_DATA => {
                let (rest, time) = fixed::<RawTime>(rest)?;
                let (rest, min_block_period) = cond(rest.len() >= 2, le_u16).parse(rest)?;
                let (rest, ()) = leniency.open_end(rest)?;
                Ok((rest, Self::Wait(WaitForData { time: (*time).into(), min_block_period })))
            }
            Status::ABORT => {
                let (rest, ()) = leniency.end_with(Quirks::ABORT_WITH_MORE, rest)?;
                Ok((rest, Self::Abort))
            }
            other => match BlockRefusal::new(other) {
                Some(refusal) if leniency.take(Quirks::STATUS_ONLY_BLOCK_RESPONSE) => {
                    let (rest, ()) = exact_end(rest)?;
                    Ok((rest, Self::Refused(refusal)))
                }
                _ => fail(input, DecodeErrorKind::UnexpectedStatus(other.0)),
            },
        }
    }
}

fn parse_data(input: &[u8]) -> Parsed<'_, BlockData<'_>> {
    let (rest, head) = fixed::<DataHead>(input)?;
    match BlockBytes::new(rest) {
        Some(data) if data.size() == head.size => {
            let offset = head.offset.get();
            Ok((&[], BlockData { id: head.id.into(), offset, data }))
        }
        _ => fail(
            rest,
            DecodeErrorKind::LengthMismatch { declared: usize::from(head.size), present: rest.len() },
        ),
    }
}

impl Emit for ImageBlockResponse<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Data(block) => block.data.get().len().saturating_add(14),
            Self::Wait(WaitForData { min_block_period: None, .. }) => 9,
            Self::Wait(WaitForData { min_block_period: Some(_), .. }) => 11,
            Self::Abort | Self::Refused(_) => 1,
        }
    }

    fn emit(&self, out: &mut Sink<'_>) {
        match self {
            Self::Data(BlockData { id, offset, data }) => {
                out.array(&[Status::SUCCESS.0]);
                let head = DataHead { id: (*id).into(), offset: (*offset).into(), size: data.size() };
                out.bytes(head.as_bytes());
                out.bytes(data.get());
            }
            Self::Wait(WaitForData { time, min_block_period }) => {
                out.array(&[Status::WAIT_FOR_DATA.0]);
                out.bytes(RawTime::from(*time).as_bytes());
                if let Some(period) = min_block_period {
                    out.array(&period.to_le_bytes());
                }
            }
            Self::Abort => out.array(&[Status::ABORT.0]),
            Self::Refused(refusal) => out.array(&[refusal.status().0]),
        }
    }
}

#[derive(IntoBytes, Immutable, Unaligned)]
#[repr(C)]
struct DataFrameHead {
    control: u8,
    sequence: u8,
    command: u8,
    status: u8,
    data: DataHead,
}

/// Bytes of a data response before its data.
pub(crate) const DATA_FRAME_HEAD_LEN: usize = 17;

/// All of a data response but the data: a server reads that straight to its place in the frame.
pub(crate) fn data_frame_head(sequence: u8, id: ImageId, offset: u32, size: u8) -> [u8; DATA_FRAME_HEAD_LEN] {
    frame_head(FrameControl::RESPONSE, sequence, id, offset, size)
}

#[inline]
fn frame_head(
    control: FrameControl,
    sequence: u8,
    id: ImageId,
    offset: u32,
    size: u8,
) -> [u8; DATA_FRAME_HEAD_LEN] {
    zerocopy::transmute!(DataFrameHead {
        control: control.bits(),
        sequence,
        command: CommandId::IMAGE_BLOCK_RESPONSE.0,
        status: Status::SUCCESS.0,
        data: DataHead { id: id.into(), offset: offset.into(), size },
    })
}

impl BlockData<'_> {
    /// Writes a whole frame with this data in a straight line: a server writes little else.
    #[inline]
    pub(super) fn emit_frame(&self, control: FrameControl, sequence: u8, out: &mut Sink<'_>) {
        out.array(&frame_head(control, sequence, self.id, self.offset, self.data.size()));
        out.bytes(self.data.get());
    }
}

#[cfg(feature = "arbitrary")]
mod generate {
    use arbitrary::{Arbitrary, Result, Unstructured};

    use super::{BlockBytes, BlockRefusal, Status};

    impl<'a> Arbitrary<'a> for BlockBytes<'a> {
        fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
            let size = usize::from(u8::arbitrary(u)?).min(u.len());
            Ok(Self(u.bytes(size)?))
        }
    }

    impl<'a> Arbitrary<'a> for BlockRefusal {
        fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
            Self::new(Status::arbitrary(u)?).ok_or(arbitrary::Error::IncorrectFormat)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Encode;
    use crate::zcl::{Frame, ToClient, ToServer};

    #[test]
    fn a_response_is_written_alone_as_in_its_frame() {
        let data = BlockBytes::new(&[1, 2, 3]).unwrap();
        let time = ServerTime { current: 5, then: 9 };
        for response in [
            ImageBlockResponse::Data(BlockData { id: ImageId::new(0x1001, 0x00ab, 5), offset: 64, data }),
            ImageBlockResponse::Wait(WaitForData { time, min_block_period: None }),
            ImageBlockResponse::Wait(WaitForData { time, min_block_period: Some(7) }),
            ImageBlockResponse::Abort,
        ] {
            let (mut frame, mut alone) = ([0; 64], [0; 64]);
            let whole = Frame::response(7, ToClient::ImageBlock(response)).encode(&mut frame).unwrap();
            let len = response.encode(&mut alone).unwrap();
            assert_eq!(alone[..len], frame[3..whole]);
        }
    }

    #[test]
    fn the_four_plain_forms_are_read_on_the_straight_way() {
        let id = ImageId::new(0x115f, 0x0101, 0x1a2c);
        for (node, min_block_period) in
            [(None, None), (Some(Eui64(7)), None), (None, Some(500)), (Some(Eui64(7)), Some(500))]
        {
            let request = ImageBlockRequest { id, offset: 0x0102, max_data: 50, node, min_block_period };
            let frame = Frame::to_server(9, ToServer::ImageBlock(request));
            let bytes = frame.to_vec();
            assert_eq!(ImageBlockRequest::read_plain(&bytes), Some((frame.control, 9, request)));
        }
    }
}

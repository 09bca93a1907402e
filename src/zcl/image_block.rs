//! Image Block Request and Image Block Response (sections 6.10.6 and 6.10.8 of ZigBee document 095264, 2011).
//!
//! | request | size | field | | response | size | field |
//! |---|---|---|---|---|---|---|
//! | 0 | 1 | field control: bit 0 address, bit 1 period | | 0 | 1 | status |
//! | 1 | 8 | manufacturer code, image type, file version | | | | *SUCCESS:* |
//! | 9 | 4 | file offset | | 1 | 8 | manufacturer code, image type, file version |
//! | 13 | 1 | maximum data size | | 9 | 4 | file offset |
//! | 14 | 0, 8 | request node address (IEEE) | | 13 | 1 | data size n |
//! | +0 | 0, 2 | MinimumBlockPeriod (later revisions) | | 14 | n | data |
//! | | | | | | | *WAIT_FOR_DATA:* |
//! | | | | | 1 | 8 | current time, request time, s |
//! | | | | | 9 | 0, 2 | MinimumBlockPeriod (later revisions) |
//!
//! An Image Block Response with the status ABORT has no field after the status. File offsets count from the first byte
//! of the OTA header.

use core::fmt;

use bitflags::bitflags;
use nom::Parser;
use nom::combinator::{cond, map};
use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::codec::{Emit, Parsed, Sink, fail, fixed, le_u8, le_u16, le_u64};
use crate::error::DecodeErrorKind;
use crate::time::{ServerTime, TimeField};
use crate::types::{Eui64, ImageId};

use super::decoder_quirks::{Leniency, Quirks};
use super::display::WireTime;
use super::frame::HEADER_LEN;
use super::shared_fields::{RawImageId, RawTime};
use super::{CommandId, FrameControl, Status, Violation};

bitflags! {
    /// Field control of an Image Block Request.
    #[derive(Clone, Copy)]
    struct BlockControl: u8 {
        const NODE = 1 << 0;
        const PERIOD = 1 << 1;
    }
}

/// Fields of an Image Block Request before its optional fields.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct RequestHead {
    control: u8,
    id: RawImageId,
    offset: U32,
    max_data: u8,
}

/// Start of a frame that contains an Image Block Request, up to the optional fields of the request.
#[derive(FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct PlainRequest {
    /// ZCL header: frame control, sequence number and command id.
    header: [u8; HEADER_LEN],
    head: RequestHead,
}

/// Fields of a data response (an Image Block Response with the status SUCCESS) between the status and the data.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct DataHead {
    id: RawImageId,
    offset: U32,
    size: u8,
}

/// Request of a client for one block of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct ImageBlockRequest {
    /// Manufacturer code, image type and version of the file.
    pub id: ImageId,
    /// Offset of the first requested byte, from the start of the file.
    pub offset: u32,
    /// Maximum number of data bytes in the response, 1 to 255.
    pub max_data: u8,
    /// IEEE address of the client, sent when the client requests a device-specific file.
    pub node: Option<Eui64>,
    /// MinimumBlockPeriod attribute of the client, in milliseconds, or in seconds for a client of cluster revision 2.
    /// Later revisions of the specification define the attribute MinimumBlockPeriod; `None` means that the client does
    /// not have the attribute.
    #[doc(alias = "MinimumBlockPeriod")]
    pub min_block_period: Option<u16>,
}

impl ImageBlockRequest {
    /// Creates an Image Block Request without optional fields.
    #[must_use]
    pub const fn new(id: ImageId, offset: u32, max_data: u8) -> Self {
        Self { id, offset, max_data, node: None, min_block_period: None }
    }

    /// Adds the IEEE address of the client to the request.
    #[must_use]
    pub const fn with_node(self, node: Eui64) -> Self {
        Self { node: Some(node), ..self }
    }

    /// Adds the MinimumBlockPeriod of the client to the request, in milliseconds, or in seconds for cluster revision 2.
    #[must_use]
    pub const fn with_min_block_period(self, period: u16) -> Self {
        Self { min_block_period: Some(period), ..self }
    }

    /// Checks the field values of the Image Block Request against the rules of the specification.
    ///
    /// # Errors
    /// [`Violation::EmptyRequest`] if the maximum data size is 0.
    pub const fn check(&self) -> Result<(), Violation> {
        let Self { id: _, offset: _, max_data, node: _, min_block_period: _ } = *self;
        if max_data == 0 { Err(Violation::EmptyRequest) } else { Ok(()) }
    }

    /// Decodes a whole frame that contains an Image Block Request without deviation. The optional fields (IEEE address,
    /// MinimumBlockPeriod) may be present or not.
    ///
    /// `read_plain` is a fast path, because during a transfer a server decodes hardly any frames other than block
    /// requests. For every frame except an Image Block Request without deviation, `read_plain` returns `None`, and the
    /// caller decodes the frame from the start with [`FrameHeader`](super::FrameHeader) and [`parse`](Self::parse). For
    /// each frame that `read_plain` accepts, [`FrameHeader`](super::FrameHeader) and [`parse`](Self::parse) must return
    /// the same request (guide, "Fast paths").
    #[inline]
    pub(crate) fn read_plain(frame: &[u8]) -> Option<(FrameControl, u8, Self)> {
        const NODE: u8 = BlockControl::NODE.bits();
        const PERIOD: u8 = BlockControl::PERIOD.bits();
        const BOTH: u8 = BlockControl::all().bits();

        let (PlainRequest { header, head }, tail) = PlainRequest::ref_from_prefix(frame).ok()?;
        let [control, sequence, command] = *header;
        let control = FrameControl(control);
        let plain = control.masked(FrameControl::OF_MESSAGE) == FrameControl::CLUSTER
            && CommandId(command) == CommandId::IMAGE_BLOCK_REQUEST;
        let (node, min_block_period) = match (head.control, tail.len()) {
            _ if !plain => return None,
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
                if !leniency.try_use(Quirks::PERIOD_BIT_WITHOUT_FIELD) {
                    return fail(rest, DecodeErrorKind::FieldMissing { size: 2 });
                }
                (rest, None)
            }
            announced => cond(announced, le_u16).parse(rest)?,
        };
        let (rest, ()) = leniency.ignore_trailing(rest)?;
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
        let Self { id: _, offset: _, max_data: _, node, min_block_period } = self;
        match (node, min_block_period) {
            (None, None) => 14,
            (None, Some(_)) => 16,
            (Some(_), None) => 22,
            (Some(_), Some(_)) => 24,
        }
    }

    fn emit(&self, out: &mut Sink<'_>) {
        let Self { id, offset, max_data, node, min_block_period } = *self;
        let mut control = BlockControl::empty();
        control.set(BlockControl::NODE, node.is_some());
        control.set(BlockControl::PERIOD, min_block_period.is_some());
        let head = RequestHead { control: control.bits(), id: id.into(), offset: offset.into(), max_data };
        out.bytes(head.as_bytes());
        if let Some(node) = node {
            out.array(&node.0.to_le_bytes());
        }
        if let Some(period) = min_block_period {
            out.array(&period.to_le_bytes());
        }
    }
}

impl fmt::Display for ImageBlockRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, offset, max_data, node, min_block_period } = self;
        write!(f, "{id} from {offset}, at most {max_data} bytes")?;
        if let Some(node) = node {
            write!(f, ", for {node}")?;
        }
        min_block_period.map_or(Ok(()), |period| write!(f, ", block period {period}"))
    }
}

/// Data of one block: at most 255 bytes, because the data size field has one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BlockBytes<'a>(
    #[cfg_attr(feature = "arbitrary", arbitrary(with = generate::block_bytes))]
    #[cfg_attr(
        feature = "serde",
        serde(
            borrow,
            serialize_with = "crate::serde_bytes::serialize",
            deserialize_with = "deserialize::block_bytes"
        )
    )]
    &'a [u8],
);

impl<'a> BlockBytes<'a> {
    /// Returns `data` as block data, or `None` if `data` has more than 255 bytes.
    #[must_use]
    pub fn new(data: &'a [u8]) -> Option<Self> {
        u8::try_from(data.len()).is_ok().then_some(Self(data))
    }

    /// Returns the bytes of the block.
    #[must_use]
    pub const fn get(self) -> &'a [u8] {
        self.0
    }

    /// Returns the number of bytes in the block, which is the value of the data size field.
    #[must_use]
    pub fn size(self) -> u8 {
        u8::try_from(self.0.len()).unwrap_or(u8::MAX)
    }
}

/// Block of a file, as an Image Block Response SUCCESS carries it (section 6.10.8).
// Exhaustive: all fields are mandatory, and the data runs to the end of the frame, so no revision can add a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BlockData<'a> {
    /// Manufacturer code, image type and version of the file.
    pub id: ImageId,
    /// Offset of the first data byte, from the start of the file.
    pub offset: u32,
    /// Data of the block.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub data: BlockBytes<'a>,
}

/// Fields of an Image Block Response WAIT_FOR_DATA. A server sends WAIT_FOR_DATA if it has no data yet, or limits the
/// rate of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct WaitForData {
    /// Current time of the server, and request time: the time at which the client repeats its request.
    pub time: ServerTime,
    /// New MinimumBlockPeriod: the minimum time between two block requests of the client (defined by later revisions of
    /// the specification). The unit of MinimumBlockPeriod is milliseconds, or seconds for a client of cluster revision
    /// 2.
    #[doc(alias("MinimumBlockPeriod", "rate limit", "throttle"))]
    pub min_block_period: Option<u16>,
}

impl WaitForData {
    /// Creates the WAIT_FOR_DATA fields that document 095264 (2011) defines, without the MinimumBlockPeriod of later
    /// revisions.
    #[must_use]
    pub const fn new(time: ServerTime) -> Self {
        Self { time, min_block_period: None }
    }

    /// Adds the minimum time between two block requests to the response, in milliseconds, or in seconds for a client of
    /// cluster revision 2.
    #[must_use]
    pub const fn with_min_block_period(self, period: u16) -> Self {
        Self { min_block_period: Some(period), ..self }
    }
}

/// Status that section 6.10.8.2.1 of document 095264 does not define for an Image Block Response. The specification
/// defines the statuses SUCCESS, WAIT_FOR_DATA and ABORT for an Image Block Response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BlockRefusal(
    #[cfg_attr(feature = "arbitrary", arbitrary(with = generate::refused_status))]
    #[cfg_attr(feature = "serde", serde(deserialize_with = "deserialize::refused_status"))]
    Status,
);

impl BlockRefusal {
    /// Returns `status` as a refusal, or `None` for SUCCESS, WAIT_FOR_DATA and ABORT.
    #[must_use]
    pub const fn new(status: Status) -> Option<Self> {
        match status {
            Status::SUCCESS | Status::WAIT_FOR_DATA | Status::ABORT => None,
            other => Some(Self(other)),
        }
    }

    /// Returns the status of the refusal.
    #[must_use]
    pub const fn status(self) -> Status {
        self.0
    }
}

/// Response of a server to an [`ImageBlockRequest`] or an [`ImagePageRequest`](super::ImagePageRequest).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias = "block response")]
#[non_exhaustive]
pub enum ImageBlockResponse<'a> {
    /// Response with the status SUCCESS, which carries a block of the file.
    Data(#[cfg_attr(feature = "serde", serde(borrow))] BlockData<'a>),
    /// Response with the status WAIT_FOR_DATA: the client repeats its request later.
    Wait(WaitForData),
    /// Response with the status ABORT: the download ends.
    Abort,
    /// Response with a status that the specification does not define for an Image Block Response. Some servers send an
    /// Image Block Response with an undefined status instead of a Default Response.
    Refused(BlockRefusal),
}

impl<'a> ImageBlockResponse<'a> {
    /// Checks the field values of the Image Block Response against the rules of the specification.
    ///
    /// # Errors
    /// [`Violation::Status`] for a [`Refused`](Self::Refused) response, because the specification does not define its
    /// status for an Image Block Response. [`Violation::Time`] if the request time is before the current time.
    pub fn check(&self) -> Result<(), Violation> {
        match self {
            Self::Data(_) | Self::Abort => Ok(()),
            Self::Wait(WaitForData { time, min_block_period: _ }) => {
                match time.delay(TimeField::Request, None, 0) {
                    Ok(_) => Ok(()),
                    Err(past) => Err(Violation::Time(past)),
                }
            }
            Self::Refused(refusal) => Err(Violation::Status(refusal.status())),
        }
    }

    pub(super) fn parse(input: &'a [u8], leniency: &mut Leniency<'a>) -> Parsed<'a, Self> {
        let (rest, status) = map(le_u8, Status).parse(input)?;
        match status {
            Status::SUCCESS => parse_data(rest).map(|(rest, data)| (rest, Self::Data(data))),
            Status::WAIT_FOR_DATA => {
                let (rest, time) = fixed::<RawTime>(rest)?;
                let (rest, min_block_period) = cond(rest.len() >= 2, le_u16).parse(rest)?;
                let (rest, ()) = leniency.ignore_trailing(rest)?;
                Ok((rest, Self::Wait(WaitForData { time: (*time).into(), min_block_period })))
            }
            Status::ABORT => {
                let (rest, ()) = leniency.ignore_trailing_by(Quirks::ABORT_WITH_MORE, rest)?;
                Ok((rest, Self::Abort))
            }
            other => match BlockRefusal::new(other) {
                Some(refusal) if leniency.try_use(Quirks::STATUS_ONLY_BLOCK_RESPONSE) => {
                    let (rest, ()) = leniency.ignore_trailing_by(Quirks::REFUSAL_WITH_MORE, rest)?;
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
            Self::Data(BlockData { id: _, offset: _, data }) => data.get().len().saturating_add(14),
            Self::Wait(WaitForData { time: _, min_block_period: None }) => 9,
            Self::Wait(WaitForData { time: _, min_block_period: Some(_) }) => 11,
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

impl fmt::Display for ImageBlockResponse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(BlockData { id, offset, data }) => {
                write!(f, "{id} from {offset}, {} bytes", data.get().len())
            }
            Self::Wait(WaitForData { time, min_block_period }) => {
                write!(f, "WAIT_FOR_DATA {}", WireTime(*time))?;
                min_block_period.map_or(Ok(()), |period| write!(f, ", block period {period}"))
            }
            Self::Abort => f.write_str("ABORT"),
            Self::Refused(refusal) => refusal.status().fmt(f),
        }
    }
}

/// All bytes before the data in a frame that contains an Image Block Response with data: ZCL header, status, and the
/// fields before the data.
#[derive(IntoBytes, Immutable, Unaligned)]
#[repr(C)]
struct DataFrameHead {
    control: u8,
    sequence: u8,
    command: u8,
    status: u8,
    data: DataHead,
}

/// Number of bytes before the data in a frame that contains an Image Block Response with data.
pub(crate) const DATA_FRAME_HEAD_LEN: usize = 17;

/// Encodes the bytes before the data of a frame that contains an Image Block Response with data. After
/// `data_frame_head`, the server reads the data from its store directly into the rest of the frame, which is a fast
/// path (guide, "Fast paths").
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
        control: control.0,
        sequence,
        command: CommandId::IMAGE_BLOCK_RESPONSE.0,
        status: Status::SUCCESS.0,
        data: DataHead { id: id.into(), offset: offset.into(), size },
    })
}

impl BlockData<'_> {
    /// Encodes the whole frame of an Image Block Response with data. `emit_frame` is a fast path that writes the same
    /// bytes as the encoder of [`Message`](super::Message) (guide, "Fast paths").
    #[inline]
    pub(super) fn emit_frame(&self, control: FrameControl, sequence: u8, out: &mut Sink<'_>) {
        out.array(&frame_head(control, sequence, self.id, self.offset, self.data.size()));
        out.bytes(self.data.get());
    }
}

#[cfg(feature = "serde")]
mod deserialize {
    use serde::Deserialize;
    use serde::de::{Deserializer, Error};

    use super::{BlockBytes, BlockRefusal, Status};

    pub(super) fn block_bytes<'de, D: Deserializer<'de>>(from: D) -> Result<&'de [u8], D::Error> {
        let data = crate::serde_bytes::deserialize(from)?;
        match BlockBytes::new(data) {
            Some(_) => Ok(data),
            None => Err(D::Error::invalid_length(data.len(), &"at most 255 bytes")),
        }
    }

    pub(super) fn refused_status<'de, D: Deserializer<'de>>(from: D) -> Result<Status, D::Error> {
        let status = Status::deserialize(from)?;
        match BlockRefusal::new(status) {
            Some(_) => Ok(status),
            None => Err(D::Error::custom("a status that has a form of its own")),
        }
    }
}

#[cfg(feature = "arbitrary")]
mod generate {
    use arbitrary::{Arbitrary, Error, Result, Unstructured};

    use super::{BlockRefusal, Status};

    pub(super) fn block_bytes<'a>(u: &mut Unstructured<'a>) -> Result<&'a [u8]> {
        let size = usize::from(u8::arbitrary(u)?).min(u.len());
        u.bytes(size)
    }

    pub(super) fn refused_status(u: &mut Unstructured<'_>) -> Result<Status> {
        let status = Status::arbitrary(u)?;
        BlockRefusal::new(status).map(BlockRefusal::status).ok_or(Error::IncorrectFormat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Encode;
    use crate::zcl::{Frame, ToClient, ToServer};

    #[test]
    fn a_response_has_the_same_bytes_alone_and_in_a_frame() {
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
    fn the_fast_path_decodes_the_four_plain_forms() {
        let id = ImageId::new(0x115f, 0x0101, 0x1a2c);
        for (node, min_block_period) in
            [(None, None), (Some(Eui64(7)), None), (None, Some(500)), (Some(Eui64(7)), Some(500))]
        {
            let request = ImageBlockRequest { id, offset: 0x0102, max_data: 50, node, min_block_period };
            let frame = Frame::to_server(9, ToServer::ImageBlock(request));
            let mut bytes = [0; 40];
            let len = frame.encode(&mut bytes).unwrap();
            assert_eq!(ImageBlockRequest::read_plain(&bytes[..len]), Some((frame.control, 9, request)));
        }
    }
}

//! Encoders of whole frames: [`Frame`] for client and server, [`ClientFrame`] for the frames that a client sends.
//!
//! ```text
//! 0       1  frame control   type and direction from the message, the other bits from the caller
//! 1       2  manufacturer    only in a manufacturer-specific frame
//! 1 or 3  1  sequence number
//! 2 or 4  1  command
//! 3 or 5  n  payload
//! ```
//!
//! Two kinds of frames have an encoder of their own (guide, "Fast paths"). An Image Block Response with data is encoded
//! without a match on the command. The frames of a client are encoded by [`ClientFrame`], so that the program of a
//! device contains no encoder of server commands.

use crate::codec::{Emit, FieldWriter, Sink};
use crate::types::{Eui64, ImageId};

use super::default_response::DEFAULT_RESPONSE;
use super::frame::HEADER_LEN;
use super::{
    DATA_FRAME_HEAD_LEN, DefaultResponse, Frame, FrameControl, ImageBlockRequest, ImageBlockResponse,
    ImagePageRequest, LONGEST_TO_SERVER, Message, QueryNextImageRequest, QuerySpecificFileRequest, ToClient,
    ToServer, UpgradeEndRequest,
};

impl Emit for Frame<'_> {
    #[inline]
    fn len(&self) -> usize {
        match &self.message {
            Message::ToClient(ToClient::ImageBlock(ImageBlockResponse::Data(block))) => {
                block.data.get().len().saturating_add(DATA_FRAME_HEAD_LEN)
            }
            _ => self.any_len(),
        }
    }

    #[inline]
    fn emit(&self, out: &mut Sink<'_>) {
        match &self.message {
            Message::ToClient(ToClient::ImageBlock(ImageBlockResponse::Data(block))) => {
                let control = self.caller_control().with(FrameControl::COMMAND_TO_CLIENT);
                block.emit_frame(control, self.sequence, out);
            }
            _ => self.emit_any(out),
        }
    }
}

impl Frame<'_> {
    /// Returns the bits of the frame control that the message does not determine.
    const fn caller_control(&self) -> FrameControl {
        self.control.without(FrameControl::OF_MESSAGE)
    }

    /// Returns the length in bytes of any frame except an Image Block Response with data. `any_len` is not inlined, so
    /// that the code for an Image Block Response with data stays short.
    #[inline(never)]
    fn any_len(&self) -> usize {
        let header = if self.message.manufacturer().is_some() { HEADER_LEN + 2 } else { HEADER_LEN };
        self.message.len().saturating_add(header)
    }

    /// Encodes any frame except an Image Block Response with data. `emit_any` is not inlined, so that the code for an
    /// Image Block Response with data stays short.
    #[inline(never)]
    fn emit_any(&self, out: &mut Sink<'_>) {
        let Self { control: _, sequence, message, deviations: _ } = self;
        out.array(&[self.caller_control().with(message.control()).0]);
        if let Some(manufacturer) = message.manufacturer() {
            out.array(&manufacturer.0.to_le_bytes());
        }
        out.array(&[*sequence, message.command()]);
        message.emit(out);
    }
}

/// Frame from a client. A request encodes to the bytes of [`Frame::to_server`], and a Default Response to the bytes of
/// [`Frame::default_response`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientFrame {
    pub(crate) sequence: u8,
    pub(crate) message: FromClient,
}

/// Message from a client.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FromClient {
    Request(ToServer),
    Answer(DefaultResponse),
}

impl ClientFrame {
    /// Writes the frame to the start of `out` and returns the length of the frame in bytes. The buffer `out` has room
    /// for the longest request.
    #[inline(never)]
    pub(crate) fn write(&self, out: &mut [u8; LONGEST_TO_SERVER]) -> usize {
        let Self { sequence, message } = self;
        let mut out = FieldWriter::new(out);
        let (control, command) = match message {
            FromClient::Request(request) => (FrameControl::CLUSTER, request.command().0),
            FromClient::Answer(_) => (FrameControl::DISABLE_DEFAULT_RESPONSE, DEFAULT_RESPONSE),
        };
        for byte in [control.0, *sequence, command] {
            out.number(byte.into(), 1);
        }
        match message {
            FromClient::Request(request) => write_request(request, &mut out),
            FromClient::Answer(DefaultResponse { command, status }) => {
                out.number(command.0.into(), 1);
                out.number(status.0.into(), 1);
            }
        }
        LONGEST_TO_SERVER.saturating_sub(out.left())
    }
}

fn write_request(request: &ToServer, out: &mut FieldWriter<'_>) {
    match *request {
        ToServer::QueryNextImage(QueryNextImageRequest { current, hardware }) => {
            write_head(out, hardware.is_some().into(), current);
            if let Some(hardware) = hardware {
                out.number(hardware.0.into(), 2);
            }
        }
        ToServer::ImageBlock(ImageBlockRequest { id, offset, max_data, node, min_block_period }) => {
            write_head(out, u8::from(node.is_some()) | u8::from(min_block_period.is_some()) << 1, id);
            out.number(offset, 4);
            out.number(max_data.into(), 1);
            write_node(out, node);
            if let Some(period) = min_block_period {
                out.number(period.into(), 2);
            }
        }
        ToServer::ImagePage(ImagePageRequest { id, offset, max_data, page_size, spacing, node }) => {
            write_head(out, node.is_some().into(), id);
            out.number(offset, 4);
            out.number(max_data.into(), 1);
            out.number(page_size.into(), 2);
            out.number(spacing.into(), 2);
            write_node(out, node);
        }
        ToServer::UpgradeEnd(UpgradeEndRequest { status, id }) => write_head(out, status.0, id),
        ToServer::QuerySpecificFile(QuerySpecificFileRequest { node, id, stack }) => {
            write_node(out, Some(node));
            write_id(out, id);
            out.number(stack.0.into(), 2);
        }
    }
}

/// Writes the first fields of most requests: the byte `first`, which is a field control or a status, then manufacturer
/// code, image type and file version.
fn write_head(out: &mut FieldWriter<'_>, first: u8, id: ImageId) {
    out.number(first.into(), 1);
    write_id(out, id);
}

#[cfg_attr(target_pointer_width = "32", inline(never))]
fn write_id(out: &mut FieldWriter<'_>, id: ImageId) {
    out.number(id.manufacturer.0.into(), 2);
    out.number(id.image_type.0.into(), 2);
    out.number(id.version.0, 4);
}

#[inline(never)]
fn write_node(out: &mut FieldWriter<'_>, node: Option<Eui64>) {
    if let Some(Eui64(address)) = node {
        out.u64(address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Encode;
    use crate::types::{HardwareVersion, StackVersion};
    use crate::zcl::{CommandId, Direction, Status};

    fn written(frame: &ClientFrame) -> ([u8; LONGEST_TO_SERVER], usize) {
        let mut bytes = [0xee; LONGEST_TO_SERVER];
        let len = frame.write(&mut bytes);
        (bytes, len)
    }

    fn encoded(frame: &Frame<'_>) -> ([u8; LONGEST_TO_SERVER], usize) {
        let mut bytes = [0xee; LONGEST_TO_SERVER];
        let len = frame.encode(&mut bytes).unwrap();
        (bytes, len)
    }

    #[test]
    fn a_client_frame_has_the_same_bytes_as_a_frame() {
        let id = ImageId::new(0x1234, 0x5678, 0x9abc_def0);
        let (offset, max_data, page_size, spacing) = (0x0a0b_0c0d, 64, 512, 0x0102);
        let mut requests = std::vec![
            ToServer::UpgradeEnd(UpgradeEndRequest { status: Status::ABORT, id }),
            ToServer::QuerySpecificFile(QuerySpecificFileRequest {
                node: Eui64(0x1112_1314_1516_1718),
                id,
                stack: StackVersion(0x2122),
            }),
        ];
        for hardware in [None, Some(HardwareVersion(0x3132))] {
            requests.push(ToServer::QueryNextImage(QueryNextImageRequest { current: id, hardware }));
        }
        for node in [None, Some(Eui64(0x0102_0304_0506_0708))] {
            requests.push(ToServer::ImagePage(ImagePageRequest {
                id,
                offset,
                max_data,
                page_size,
                spacing,
                node,
            }));
            for min_block_period in [None, Some(0x4142)] {
                let request = ImageBlockRequest { id, offset, max_data, node, min_block_period };
                requests.push(ToServer::ImageBlock(request));
            }
        }
        for request in requests {
            let frame = ClientFrame { sequence: 9, message: FromClient::Request(request) };
            assert_eq!(written(&frame), encoded(&Frame::to_server(9, request)), "{request:?}");
        }
        let answer = DefaultResponse { command: CommandId::IMAGE_NOTIFY, status: Status::SUCCESS };
        let frame = ClientFrame { sequence: 7, message: FromClient::Answer(answer) };
        assert_eq!(written(&frame), encoded(&Frame::default_response(7, Direction::ToServer, answer)));
    }
}

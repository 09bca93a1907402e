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
//! Two encoders are fast paths (guide, "Fast paths"). A data response is encoded without a match on its command. A
//! client encodes through [`ClientFrame`], so that the program of a device contains no encoder of server commands.

use crate::codec::{Emit, Sink};

use super::default_response::DEFAULT_RESPONSE;
use super::frame::HEADER_LEN;
use super::{
    DATA_FRAME_HEAD_LEN, DefaultResponse, Frame, FrameControl, ImageBlockResponse, Message, ToClient,
    ToServer,
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
    /// Returns the bits of the frame control that do not follow from the message.
    const fn caller_control(&self) -> FrameControl {
        self.control.without(FrameControl::OF_MESSAGE)
    }

    /// Returns the length in bytes of a frame that is not a data response. `any_len` is not inlined, so that the fast
    /// path stays short.
    #[inline(never)]
    fn any_len(&self) -> usize {
        let header = if self.message.manufacturer().is_some() { HEADER_LEN + 2 } else { HEADER_LEN };
        self.message.len().saturating_add(header)
    }

    /// Encodes a frame that is not a data response. `emit_any` is not inlined, so that the fast path stays short.
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

impl Emit for ClientFrame {
    fn len(&self) -> usize {
        let Self { sequence: _, message } = self;
        let payload = match message {
            FromClient::Request(request) => request.len(),
            FromClient::Answer(answer) => answer.len(),
        };
        payload.saturating_add(HEADER_LEN)
    }

    fn emit(&self, out: &mut Sink<'_>) {
        let Self { sequence, message } = self;
        match message {
            FromClient::Request(request) => {
                out.array(&[FrameControl::CLUSTER.0, *sequence, request.command().0]);
                request.emit(out);
            }
            FromClient::Answer(answer) => {
                let control = FrameControl::DISABLE_DEFAULT_RESPONSE.0;
                out.array(&[control, *sequence, DEFAULT_RESPONSE]);
                answer.emit(out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Encode;
    use crate::types::{Eui64, ImageId, StackVersion};
    use crate::zcl::{
        CommandId, Direction, ImageBlockRequest, ImagePageRequest, LONGEST_TO_SERVER, QueryNextImageRequest,
        QuerySpecificFileRequest, Status, UpgradeEndRequest,
    };

    fn encoded(frame: &impl Encode) -> ([u8; LONGEST_TO_SERVER], usize) {
        let mut bytes = [0xee; LONGEST_TO_SERVER];
        let len = frame.encode(&mut bytes).unwrap();
        (bytes, len)
    }

    #[test]
    fn a_client_frame_has_the_same_bytes_as_a_frame() {
        let (id, node) = (ImageId::new(0x1234, 0x5678, 0x9abc_def0), Some(Eui64(0x0102_0304_0506_0708)));
        let (offset, max_data, page_size, spacing) = (0x0a0b_0c0d, 64, 512, 100);
        for request in [
            ToServer::QueryNextImage(QueryNextImageRequest { current: id, hardware: None }),
            ToServer::ImageBlock(ImageBlockRequest { id, offset, max_data, node, min_block_period: Some(5) }),
            ToServer::ImagePage(ImagePageRequest { id, offset, max_data, page_size, spacing, node }),
            ToServer::UpgradeEnd(UpgradeEndRequest { status: Status::ABORT, id }),
            ToServer::QuerySpecificFile(QuerySpecificFileRequest {
                node: Eui64(7),
                id,
                stack: StackVersion::ZIGBEE_PRO,
            }),
        ] {
            let frame = ClientFrame { sequence: 9, message: FromClient::Request(request) };
            assert_eq!(encoded(&frame), encoded(&Frame::to_server(9, request)), "{request:?}");
        }
        let answer = DefaultResponse { command: CommandId::IMAGE_NOTIFY, status: Status::SUCCESS };
        let frame = ClientFrame { sequence: 7, message: FromClient::Answer(answer) };
        assert_eq!(encoded(&frame), encoded(&Frame::default_response(7, Direction::ToServer, answer)));
    }
}

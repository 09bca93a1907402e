//! Messages that a client receives, and the decoder for them: a fast path of [`Frame::decode`](super::Frame::decode)
//! that reads only the fields of a message (guide, "Fast paths").
//!
//! ```text
//! header, payload -> command of the server | Default Response | question about attributes | other | unreadable
//! ```
//!
//! [`Frame::decode`](super::Frame::decode) reports at which byte a frame is wrong, and which deviations from the
//! specification the frame has. A client needs neither the offset of a wrong byte nor the deviations of a frame. If the
//! result of the decoder contained an error with an offset, the program of a device would need two kilobytes more
//! flash.

use crate::codec::FieldReader;
use crate::time::ServerTime;
use crate::types::{FileVersion, ImageFilter, ImageId, ImageType, ManufacturerCode};

use super::default_response::DEFAULT_RESPONSE;
use super::frame::FrameKind;
use super::{
    AttributeCommand, BlockBytes, BlockData, BlockRefusal, CommandId, DefaultResponse, FrameHeader,
    ImageBlockResponse, ImageNotify, ImageOffer, NotifyScope, QueryResponse, Refusal, Status, ToClient,
    UpgradeEndResponse, WaitForData,
};

/// Message to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientMessage<'a> {
    /// Command of the cluster from a server to a client.
    Command(ToClient<'a>),
    DefaultResponse(DefaultResponse),
    /// Global command that reads, writes or discovers attributes of the client.
    Attributes(AttributeCommand<'a>),
    /// Command that no other variant of `ClientMessage` holds. The variant `Other` includes every response to a command
    /// that reads, writes or discovers attributes, even a malformed response.
    Other,
}

impl<'a> ClientMessage<'a> {
    /// Decodes the payload of a frame to a client. If `strict` is `true`, the decoder accepts no
    /// [`Quirks`](super::Quirks); if `strict` is `false`, the decoder accepts all quirks. Returns `None` for a payload
    /// that [`Frame::decode`](super::Frame::decode) cannot decode.
    pub(crate) fn read(header: &FrameHeader, payload: &'a [u8], strict: bool) -> Option<Self> {
        let mut input = FieldReader::new(payload);
        let message = match header.kind() {
            FrameKind::Cluster => match CommandId(header.command) {
                CommandId::IMAGE_NOTIFY => ToClient::ImageNotify(image_notify(&mut input)?),
                CommandId::QUERY_NEXT_IMAGE_RESPONSE => ToClient::QueryNextImage(query_response(&mut input)),
                CommandId::QUERY_SPECIFIC_FILE_RESPONSE => {
                    ToClient::QuerySpecificFile(query_response(&mut input))
                }
                CommandId::IMAGE_BLOCK_RESPONSE => ToClient::ImageBlock(block_response(&mut input, strict)?),
                CommandId::UPGRADE_END_RESPONSE => ToClient::UpgradeEnd(UpgradeEndResponse {
                    target: filter(&mut input),
                    time: server_time(&mut input),
                }),
                _ => return Some(Self::Other),
            },
            FrameKind::Global if header.command == DEFAULT_RESPONSE => {
                let (command, status) = (CommandId(input.u8()), Status(input.u8()));
                let response = DefaultResponse { command, status };
                return ends(&input, strict).then_some(Self::DefaultResponse(response));
            }
            FrameKind::Global => {
                let Some(command) = AttributeCommand::read_question(header.command, &mut input) else {
                    return Some(Self::Other);
                };
                return ends(&input, strict).then_some(Self::Attributes(command));
            }
            FrameKind::Other => return Some(Self::Other),
        };
        ends(&input, strict).then_some(Self::Command(message))
    }
}

/// Returns whether `input` contained all fields of the message. If `strict` is `true`, `ends` returns `false` for a
/// message with bytes after its last field.
fn ends(input: &FieldReader<'_>, strict: bool) -> bool {
    !input.is_short() && (!strict || input.left() == 0)
}

// Not inlined on a small processor, because three commands have these fields.
#[cfg_attr(target_pointer_width = "32", inline(never))]
fn filter(input: &mut FieldReader<'_>) -> ImageFilter {
    let (manufacturer, image_type) = (ManufacturerCode(input.u16()), ImageType(input.u16()));
    ImageFilter { manufacturer, image_type, version: FileVersion(input.u32()) }
}

fn image_id(input: &mut FieldReader<'_>) -> ImageId {
    let ImageFilter { manufacturer, image_type, version } = filter(input);
    ImageId { manufacturer, image_type, version }
}

fn server_time(input: &mut FieldReader<'_>) -> ServerTime {
    let current = input.u32();
    ServerTime { current, then: input.u32() }
}

fn image_notify(input: &mut FieldReader<'_>) -> Option<ImageNotify> {
    let (payload_type, jitter) = (input.u8(), input.u8());
    let scope = match payload_type {
        0 => NotifyScope::Everyone,
        1 => NotifyScope::Manufacturer(ManufacturerCode(input.u16())),
        2 => {
            let manufacturer = ManufacturerCode(input.u16());
            NotifyScope::ImageType(manufacturer, ImageType(input.u16()))
        }
        3 => NotifyScope::NewVersion(filter(input)),
        _ => return None,
    };
    Some(ImageNotify { jitter, scope })
}

fn query_response(input: &mut FieldReader<'_>) -> QueryResponse {
    match Refusal::new(Status(input.u8())) {
        Some(refusal) => QueryResponse::Refused(refusal),
        None => {
            let id = image_id(input);
            QueryResponse::Offer(ImageOffer { id, size: input.u32() })
        }
    }
}

fn block_response<'a>(input: &mut FieldReader<'a>, strict: bool) -> Option<ImageBlockResponse<'a>> {
    Some(match Status(input.u8()) {
        Status::SUCCESS => {
            let (id, offset, size) = (image_id(input), input.u32(), input.u8());
            let data = BlockBytes::new(input.take_rest()).filter(|data| data.size() == size)?;
            ImageBlockResponse::Data(BlockData { id, offset, data })
        }
        Status::WAIT_FOR_DATA => {
            let time = server_time(input);
            let min_block_period = (input.left() >= 2).then(|| input.u16());
            ImageBlockResponse::Wait(WaitForData { time, min_block_period })
        }
        Status::ABORT => ImageBlockResponse::Abort,
        other => ImageBlockResponse::Refused(BlockRefusal::new(other).filter(|_| !strict)?),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Direction, Frame, Message, Quirks};
    use super::*;

    /// Compares [`ClientMessage::read`] with [`Frame::decode_payload`], for any frame to a client.
    fn compare(frame: &[u8]) {
        let (header, payload) = match (FrameHeader::read(frame), FrameHeader::decode(frame)) {
            (Some(read), Ok(decoded)) => {
                assert_eq!(read, decoded, "{frame:02x?}");
                read
            }
            (None, Err(_)) => return,
            differing => panic!("{frame:02x?}: {differing:?}"),
        };
        if header.direction() == Direction::ToServer {
            return;
        }
        for (strict, quirks) in [(true, Quirks::empty()), (false, Quirks::all())] {
            let read = ClientMessage::read(&header, payload, strict);
            let decoded = Frame::decode_payload(&header, payload, quirks);
            let is_question = matches!(header.command, 0x00 | 0x02 | 0x0c);
            let is_response_about_attributes =
                header.kind() == FrameKind::Global && header.command != DEFAULT_RESPONSE && !is_question;
            let expected = match decoded {
                _ if is_response_about_attributes => Some(ClientMessage::Other),
                Err(_) => None,
                Ok(decoded) => {
                    // The client recognises the quirk by the length of the payload.
                    let has_more = decoded.deviations.quirks.contains(Quirks::ABORT_WITH_MORE);
                    let is_abort = matches!(
                        decoded.message,
                        Message::ToClient(ToClient::ImageBlock(ImageBlockResponse::Abort))
                    );
                    assert_eq!(has_more, is_abort && payload.len() > 1);
                    Some(match decoded.message {
                        Message::ToClient(message) => ClientMessage::Command(message),
                        Message::DefaultResponse(_, response) => ClientMessage::DefaultResponse(response),
                        Message::Attributes(_, command) => ClientMessage::Attributes(command),
                        Message::Other(_) | Message::ToServer(_) => ClientMessage::Other,
                    })
                }
            };
            assert_eq!(read, expected, "{frame:02x?}, strict {strict}");
        }
    }

    #[test]
    fn short_frames_decode_as_by_the_codec() {
        for control in 0..=0xff_u8 {
            compare(&[]);
            compare(&[control]);
            for command in 0..=0x10_u8 {
                let frame = [control, 7, command, 0, 0];
                (1..=5).for_each(|len| compare(&frame[..len]));
            }
        }
        for control in [0x08, 0x19] {
            for (command, first, second) in
                (0..=0x10_u8).flat_map(|c| (0..=0xff_u8).flat_map(move |a| [0, 0xff].map(|b| (c, a, b))))
            {
                let frame =
                    [control, 7, command, first, second, 3, 0, 0x12, 0, 0, 0, 0, 1, 0, 0, 0, 2, 9, 9, 9];
                (4..=frame.len()).for_each(|len| compare(&frame[..len]));
            }
        }
    }

    proptest! {
        #[test]
        fn any_frame_decodes_as_by_the_codec(
            control in prop_oneof![Just(0x09_u8), Just(0x19), Just(0x08), Just(0x18), any::<u8>()],
            command in prop_oneof![0_u8..0x0e, any::<u8>()],
            status in prop_oneof![Just(0_u8), Just(0x97), Just(0x95), 0_u8..4, any::<u8>()],
            rest in prop::collection::vec(any::<u8>(), 0..40),
            data_size in prop::option::of(0_u8..24),
        ) {
            let mut frame = std::vec![control, 7, command, status];
            frame.extend(rest);
            // The size field of a block agrees with the length of the frame in half of the cases.
            if let (Some(size), Some(field)) = (data_size, frame.get_mut(16)) {
                *field = size;
                frame.truncate(17 + usize::from(size));
            }
            compare(&frame);
        }
    }
}

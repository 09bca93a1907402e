//! Property tests of the frame codec. One generator feeds all properties and the fuzz targets: bytes that `arbitrary` turns into a
//! frame. A frame without deviations encodes to the bytes it was decoded from; deviations restore the other bytes.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree;
use zigbee_ota::time::ServerTime;
use zigbee_ota::zcl::{
    Frame, ImageBlockResponse, Message, QueryNextImageRequest, QueryResponse, Quirks, Refusal, ToClient,
    ToServer,
};

use properties::encode_contract::bytes_of;
use properties::frame::{any_bytes, generated, round_trip};

#[path = "common/properties"]
mod properties {
    pub mod encode_contract;
    pub mod frame;
}

fn seeds() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..400)
}

/// Bytes of a generated frame. The few seeds that generate no frame are skipped.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    seeds().prop_filter_map("no frame", |seed| generated(&seed).ok().map(|frame| bytes_of(&frame)))
}

/// Damage to a frame.
#[derive(Clone, Debug)]
enum Mutation {
    Flip(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Cut(Index),
}

impl Mutation {
    fn any() -> impl Strategy<Value = Self> {
        prop_oneof![
            (any::<Index>(), 1..=u8::MAX).prop_map(|(at, flip)| Self::Flip(at, flip)),
            any::<(Index, u8)>().prop_map(|(at, byte)| Self::Insert(at, byte)),
            any::<Index>().prop_map(Self::Remove),
            any::<Index>().prop_map(Self::Cut),
        ]
    }

    fn apply(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        match self {
            _ if bytes.is_empty() => {}
            Self::Flip(at, flip) => {
                let at = at.index(bytes.len());
                bytes[at] ^= flip;
            }
            Self::Insert(at, byte) => bytes.insert(at.index(bytes.len() + 1), *byte),
            Self::Remove(at) => drop(bytes.remove(at.index(bytes.len()))),
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
        }
        bytes
    }
}

/// A name for each form of a message.
fn shape(message: &Message<'_>) -> String {
    match message {
        Message::ToServer(message) => message.command().to_string(),
        Message::ToClient(ToClient::QueryNextImage(QueryResponse::Refused(_))) => "no offer".into(),
        Message::ToClient(ToClient::ImageBlock(response)) => match response {
            ImageBlockResponse::Data(block) => format!("data {}", block.data.get().len().min(1)),
            ImageBlockResponse::Wait(wait) => format!("wait {}", wait.min_block_period.is_some()),
            ImageBlockResponse::Abort => "abort".into(),
            ImageBlockResponse::Refused(_) => "block refused".into(),
            _ => unreachable!("the generator knows every response"),
        },
        Message::ToClient(ToClient::QuerySpecificFile(QueryResponse::Refused(_))) => "no file".into(),
        Message::ToClient(message) => message.command().to_string(),
        Message::Attributes(_, command) => format!("attributes {:#04x}", command.command()),
        Message::DefaultResponse(direction, _) => format!("default response {direction:?}"),
        Message::Other(_) => "other".into(),
        _ => unreachable!("the generator knows every message"),
    }
}

/// The properties are worth something only if the generator reaches every form.
#[test]
fn the_generator_reaches_every_shape() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = std::collections::BTreeMap::new();
    for _ in 0..16_000 {
        let seed = seeds().new_tree(&mut runner).expect("never rejects").current();
        if let Ok(frame) = generated(&seed) {
            *seen.entry(shape(&frame.message)).or_insert(0) += 1;
        }
    }
    // Ten commands, of which query responses have two forms and the block response six; Default Response in two
    // directions; six commands about attributes.
    assert_eq!(seen.len(), 7 + 2 * 2 + 6 + 2 + 6, "{seen:?}");
    assert!(seen.values().all(|count| *count > 5), "{seen:?}");
}

/// Returns whether the values keep the rules, computed in another way than in the library.
fn allowed(message: &Message<'_>) -> bool {
    let refusal = |refusal: Refusal| [0x7e, 0x98].contains(&refusal.status().0);
    let time =
        |time: ServerTime, zero_is_now: bool| time.then >= time.current || (zero_is_now && time.then == 0);
    match message {
        Message::ToServer(ToServer::QueryNextImage(QueryNextImageRequest { current, .. })) => {
            current.manufacturer.0 < 0xffff
                && current.image_type.0 < 0xffc0
                && current.version.0 < 0xffff_ffff
        }
        Message::ToServer(ToServer::ImageBlock(request)) => request.max_data > 0,
        Message::ToServer(ToServer::ImagePage(request)) => {
            request.max_data > 0 && request.page_size >= request.max_data.into()
        }
        Message::ToServer(ToServer::UpgradeEnd(request)) => {
            [0x00, 0x95, 0x96, 0x99].contains(&request.status.0)
        }
        Message::ToServer(ToServer::QuerySpecificFile(request)) => {
            (0xffc0..0xffff).contains(&request.id.image_type.0)
        }
        Message::ToClient(ToClient::ImageNotify(notify)) => (1..101).contains(&notify.jitter),
        Message::ToClient(ToClient::QueryNextImage(QueryResponse::Refused(status))) => refusal(*status),
        Message::ToClient(ToClient::QuerySpecificFile(QueryResponse::Refused(status))) => refusal(*status),
        Message::ToClient(ToClient::ImageBlock(ImageBlockResponse::Wait(wait))) => time(wait.time, false),
        Message::ToClient(ToClient::ImageBlock(ImageBlockResponse::Refused(_))) => false,
        Message::ToClient(ToClient::UpgradeEnd(response)) => time(response.time, true),
        _ => true,
    }
}

proptest! {
    /// Shows: CMD-021
    #[test]
    fn what_is_written_reads_back(seed in seeds()) {
        if let Ok(frame) = generated(&seed) {
            round_trip(&frame);
            if !matches!(frame.message, Message::Attributes(..)) {
                prop_assert_eq!(frame.message.check().is_ok(), allowed(&frame.message), "{}", frame);
            }
        }
    }

    #[test]
    fn a_changed_byte_shows_or_is_an_error(frame in frames(), at in any::<Index>(), flip in 1..=u8::MAX) {
        let changed = Mutation::Flip(at, flip).apply(frame.clone());
        let read = Frame::decode(&frame, Quirks::all()).expect("written by us");
        prop_assert_ne!(Frame::decode(&changed, Quirks::all()), Ok(read));
        any_bytes(&changed);
    }

    #[test]
    fn frames_that_went_wrong_lose_nothing(frame in frames(), wrongs in vec(Mutation::any(), 1..4)) {
        any_bytes(&wrongs.iter().fold(frame, |frame, wrong| wrong.apply(frame)));
    }

    #[test]
    fn any_bytes_end_in_a_value_or_an_error(bytes in vec(any::<u8>(), 0..40)) {
        any_bytes(&bytes);
    }

    #[test]
    fn any_payload_of_a_command_ends_in_a_value_or_an_error(
        control in select(vec![0x00, 0x01, 0x05, 0x08, 0x09, 0x11, 0x18, 0x19, 0xf9]),
        command in 0..=0x0e_u8,
        // Small first bytes, so that field controls, statuses and payload types are met.
        first in prop_oneof![0..8_u8, 0x90..0xa0_u8, any::<u8>()],
        rest in vec(any::<u8>(), 0..30),
    ) {
        any_bytes(&[&[control, 7, command, first], &rest[..]].concat());
    }
}

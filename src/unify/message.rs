//! MQTT messages with topic, payload and retain flag, and the size limit of an MQTT packet.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::topic::{ImagePath, Topic};

/// MQTT message that is sent to the broker or received from the broker.
///
/// Quality of service 1 suits every message of Unify's OTA service: a duplicate does no harm, and no message should be
/// lost.
// Exhaustive: the caller's MQTT client creates the message from a received packet, and this crate needs no further
// field of a packet.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MqttMessage {
    /// MQTT topic of the message.
    pub topic: String,
    /// Bytes of the payload of the message.
    pub payload: Vec<u8>,
    /// Retain flag of the message. In a message to the broker, the retain flag asks the broker to keep the message for
    /// later subscribers. In a message from the broker, the retain flag means that the message was published before the
    /// subscription began. With MQTT 5, the caller must subscribe without the option "Retain As Published", because
    /// this option changes the meaning of the retain flag in messages from the broker.
    pub retain: bool,
}

/// Maximum size of an MQTT packet in bytes, without the fixed header. The size of an MQTT packet includes the topic
/// with its length field, the packet identifier, the properties and the payload (MQTT 3.1.1, section 2.2.3).
const MAX_PACKET: usize = 268_435_455;

/// Size in bytes of the fields of a packet (MQTT 5) that lie between the fixed header and the payload, without the
/// topic: the topic length (2 bytes), the packet identifier (2 bytes), and the length of an empty list of properties
/// (1 byte).
const PACKET_FIELDS: usize = 5;

/// Error for an image that is too long for an MQTT message. The limit is 268,435,450 bytes (slightly less than 256 MiB)
/// minus the length of the topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[error("an image of {len} bytes, at most {max} fit into a message")]
#[non_exhaustive]
pub struct ImageTooLong {
    /// Length of the image in bytes.
    pub len: usize,
    /// Maximum length in bytes of an image that fits into an MQTT message with the data topic of this image.
    pub max: usize,
}

impl MqttMessage {
    /// Creates a message with the retain flag that the topic requires.
    pub(super) fn new(topic: &Topic, payload: Vec<u8>) -> Self {
        Self { topic: topic.to_string(), payload, retain: topic.is_retained() }
    }

    /// Creates the message by which a consumer requests the image with this path.
    #[must_use]
    pub fn request(path: &ImagePath) -> Self {
        Self::new(&Topic::Get(path.clone()), b"{}".to_vec())
    }

    /// Returns a copy of the message whose topic is below `ucl/ota` in lower case, for providers that follow a diagram
    /// of the Unify document.
    pub(super) fn with_lower_case_prefix(&self) -> Self {
        let Self { topic, payload, retain } = self;
        Self { topic: lower_case_prefix(topic), payload: payload.clone(), retain: *retain }
    }

    /// Creates the message that withdraws the announcement of the image with this path. After the withdrawal, the
    /// broker keeps no announcement for the path. A provider publishes a withdrawal for an image that an earlier run of
    /// the provider announced, and that the provider no longer has.
    #[must_use]
    pub fn withdrawal(path: &ImagePath) -> Self {
        Self::new(&Topic::Info(path.clone()), Vec::new())
    }

    /// Creates the message by which a provider publishes the image with this path.
    ///
    /// # Errors
    /// Fails with [`ImageTooLong`] if the image does not fit into an MQTT message.
    pub fn image(path: &ImagePath, image: Vec<u8>) -> Result<Self, ImageTooLong> {
        check_image_len(path, image.len())?;
        Ok(Self::new(&Topic::Data(path.clone()), image))
    }
}

/// Returns a topic or a topic filter below `ucl/OTA` with the level `ota` in lower case.
pub(super) fn lower_case_prefix(topic: &str) -> String {
    topic.replacen("ucl/OTA/", "ucl/ota/", 1)
}

/// Checks that an image of `len` bytes fits into an MQTT message.
pub(super) fn check_image_len(path: &ImagePath, len: usize) -> Result<(), ImageTooLong> {
    let topic = Topic::Data(path.clone()).to_string();
    let max = MAX_PACKET.saturating_sub(PACKET_FIELDS).saturating_sub(topic.len());
    if len > max { Err(ImageTooLong { len, max }) } else { Ok(()) }
}

//! MQTT messages: topic, payload and retain flag, with the size limit of a packet.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::topic::{ImagePath, Topic};

/// Message to or from the broker.
///
/// Quality of service 1 suits every message: a duplicate is harmless, and no message should be lost.
// Exhaustive: the caller's MQTT client makes it of what it receives, and no further field of a packet is used.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MqttMessage {
    /// Topic of the message.
    pub topic: String,
    /// Content of the message.
    pub payload: Vec<u8>,
    /// Retain flag. Sent to the broker: the broker shall keep the message for later subscribers. Received from the broker:
    /// the message was published before the subscription.
    pub retain: bool,
}

/// Maximum size of an MQTT packet without its fixed header: topic with its length, identifier, properties and payload (MQTT
/// 3.1.1, section 2.2.3).
const MAX_PACKET: usize = 268_435_455;

/// Size of the fields of a packet beside topic and payload: topic length 2, identifier 2, length of no properties 1 (MQTT 5).
const PACKET_FIELDS: usize = 5;

/// Image that is too long for an MQTT message: 256 megabytes less the topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an image of {len} bytes, at most {max} fit into a message")]
#[non_exhaustive]
pub struct ImageTooLong {
    /// Length of the image in bytes.
    pub len: usize,
    /// Maximum length for the path of the image, in bytes.
    pub max: usize,
}

impl MqttMessage {
    /// Makes a message with the retain flag of its topic.
    pub(super) fn new(topic: &Topic, payload: Vec<u8>) -> Self {
        Self { topic: topic.to_string(), payload, retain: topic.is_retained() }
    }

    /// Makes the request for the image of a path, which a consumer publishes.
    #[must_use]
    pub fn request(path: &ImagePath) -> Self {
        Self::new(&Topic::Get(path.clone()), b"{}".to_vec())
    }

    /// Makes the message with the image of a path, which a provider publishes.
    ///
    /// # Errors
    /// [`ImageTooLong`] for an image that does not fit into a message.
    pub fn image(path: &ImagePath, image: Vec<u8>) -> Result<Self, ImageTooLong> {
        check_image_len(path, image.len())?;
        Ok(Self::new(&Topic::Data(path.clone()), image))
    }
}

/// Checks that an image of `len` bytes fits into a message.
pub(super) fn check_image_len(path: &ImagePath, len: usize) -> Result<(), ImageTooLong> {
    let topic = Topic::Data(path.clone()).to_string();
    let max = MAX_PACKET.saturating_sub(PACKET_FIELDS).saturating_sub(topic.len());
    if len > max { Err(ImageTooLong { len, max }) } else { Ok(()) }
}

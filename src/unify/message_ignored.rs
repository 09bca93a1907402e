//! Reasons why a provider or a consumer ignores an MQTT message.
//!
//! ```text
//! message -> topic -> path -> payload     the first unusable part is the reason
//! ```

use super::parse_text_error::TextError;
use super::payload::PayloadError;
use super::topic::ImagePath;
use crate::types::FileVersion;

/// Reason why a provider or a consumer ignored an MQTT message. An ignored message has no effect on the provider or the
/// consumer.
#[derive(Debug, thiserror::Error, serde::Serialize)]
#[non_exhaustive]
pub enum MessageIgnored {
    /// The topic does not belong to Unify's OTA service.
    #[error(transparent)]
    Topic(#[from] TextError),
    /// A provider received a message that is not for providers, or a consumer received a message that is not for
    /// consumers. The roles in Unify's OTA service are provider, consumer, and a program that watches upgrades.
    #[error("a topic of another role")]
    Role,
    /// The message requests an image that the provider does not have.
    #[error("no image {0}")]
    Unknown(ImagePath),
    /// The message requests or contains an image, but the broker had retained the message. Providers and consumers
    /// publish requests and images without the retain flag. A message with a request or an image that the broker
    /// retained is outdated, and belongs to no current request.
    #[error("a request or an image that was retained")]
    Retained,
    /// The payload does not match the topic, or the announced version is not a Zigbee file version.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// The message contains an image that was not requested, or that arrives after its request has timed out.
    #[error("image {0} was not requested")]
    NotRequested(ImagePath),
    /// The message has the topic of a requested image, but an empty payload. The consumer still waits for the requested
    /// image.
    #[error("image {0} without a byte")]
    Empty(ImagePath),
    /// The message contains another version than the announced version, so it is no response to the request. The
    /// consumer still waits for the announced version.
    #[error("version {found:#010x} of image {path}, version {announced:#010x} is announced", found = .found.0, announced = .announced.0)]
    OtherVersion {
        /// Path of the image: its UIID, and the device or all devices that the image is for.
        path: ImagePath,
        /// Version of the file in the message.
        found: FileVersion,
        /// Version in the announcement.
        announced: FileVersion,
    },
    /// The message announces or withdraws an image, but none of the devices that the message is for has an image with
    /// this UIID. The consumer keeps no announcement of an image that none of its devices has.
    #[error("no device here has an image {0}")]
    Unused(ImagePath),
    /// The message announces or withdraws an image for a device that the consumer does not have.
    #[error("no device here for {0}")]
    UnknownDevice(ImagePath),
}

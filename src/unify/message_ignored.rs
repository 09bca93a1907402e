//! Reasons why a provider or a consumer ignores an MQTT message.
//!
//! ```text
//! message -> topic -> path -> payload     the first unusable part is the reason
//! ```

use super::parse_text_error::TextError;
use super::payload::PayloadError;
use super::topic::ImagePath;

/// Reason why a provider or a consumer ignored an MQTT message. An ignored message has no effect on the provider or the
/// consumer.
#[derive(Debug, thiserror::Error, serde::Serialize)]
#[non_exhaustive]
pub enum MessageIgnored {
    /// The topic does not belong to Unify's OTA service.
    #[error(transparent)]
    Topic(#[from] TextError),
    /// The topic is for another role: provider, consumer, or a program that watches upgrades.
    #[error("a topic of another role")]
    Role,
    /// The message requests an image that the provider does not have.
    #[error("no image {0}")]
    Unknown(ImagePath),
    /// The message requests an image, but the broker had retained the message, so the request is outdated.
    #[error("a request that was retained")]
    Retained,
    /// The payload does not match the topic, or the announced version is not a Zigbee file version.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// The message contains an image that was not requested, or that arrives after its request has timed out.
    #[error("image {0} was not requested")]
    NotRequested(ImagePath),
    /// The message announces an image for a device that the consumer does not have.
    #[error("no device here for {0}")]
    UnknownDevice(ImagePath),
}

//! Reasons why a provider or consumer ignores a message.
//!
//! ```text
//! message -> topic -> path -> payload     the first one that is not usable is the reason
//! ```

use super::payload::PayloadError;
use super::text_error::TextError;
use super::topic::ImagePath;

/// Reason why a message was ignored. It has changed nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MessageIgnored {
    /// The topic does not belong to the service.
    #[error(transparent)]
    Topic(#[from] TextError),
    /// The topic is for the other side, or for programs that watch upgrades.
    #[error("a topic of another role")]
    Role,
    /// The message requests an image that the provider does not have.
    #[error("no image {0}")]
    Unknown(ImagePath),
    /// The message requests an image, but was retained by the broker: the request is an old one.
    #[error("a request that was retained")]
    Retained,
    /// The payload does not fit the topic, or its version is not a Zigbee file version.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// The message is an image that was not requested, or whose request has timed out.
    #[error("image {0} was not requested")]
    NotRequested(ImagePath),
    /// The message announces an image for a device that the consumer does not have.
    #[error("no device here for {0}")]
    UnknownDevice(ImagePath),
}

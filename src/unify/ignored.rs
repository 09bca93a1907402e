//! Messages that change nothing.
//!
//! ```text
//! message -> topic -> place -> payload     the first that is of no use is why nothing changed
//! ```

use super::payload::{PayloadError, VersionError};
use super::topic::{Place, TopicError};

/// Why a message is none to act on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Ignored {
    /// Its topic is none of the service.
    #[error(transparent)]
    Topic(#[from] TopicError),
    /// Its topic is for the other side, or for those who watch.
    #[error("a topic of another role")]
    Role,
    /// It asks for an image that there is none of.
    #[error("no image {0}")]
    Unknown(Place),
    /// It was kept by the broker: nobody asks now.
    #[error("a question that was retained")]
    Retained,
    /// Its payload is not that of its topic.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// The version is none of Zigbee's.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// It is an image that was not asked for, or not any more.
    #[error("image {0} was not asked for")]
    Unasked(Place),
    /// It is for a device that is not here.
    #[error("nothing here is called {0}")]
    NotHere(Place),
}

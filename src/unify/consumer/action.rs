//! Actions of a [`Consumer`](super::Consumer): what the consumer asks its caller to do.

use super::FetchedImage;
use crate::aps::Address;
use crate::types::ImageId;
use crate::unify::message::MqttMessage;
use crate::unify::topic_filter::TopicFilter;

/// Action that a [`Consumer`](super::Consumer) asks its caller for. The caller performs the actions in the order of
/// [`Consumer::poll_action`](super::Consumer::poll_action).
///
/// A later version of this crate may add actions. The caller may skip an action that it does not know, because the
/// consumer works without this action.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum ConsumerAction {
    /// The caller subscribes to a topic filter at the broker, with delivery of the retained messages.
    Subscribe(TopicFilter),
    /// The caller cancels the subscription to a topic filter.
    Unsubscribe(TopicFilter),
    /// The caller publishes an MQTT message.
    Publish(MqttMessage),
    /// The caller verifies the file that [`Consumer::image`](super::Consumer::image) lends, in particular the signature
    /// of the file. The caller reports the result of the verification by
    /// [`Consumer::verified`](super::Consumer::verified).
    Verify(FetchedImage),
    /// The caller sends an Image Notify to a client, with [`Server::notify`](crate::server::Server::notify).
    Notify(Address),
    /// The caller sends the upgrade time to a client that has an image on hold, with
    /// [`Server::release`](crate::server::Server::release).
    Release {
        /// Client that gets the upgrade time for its image on hold.
        client: Address,
        /// Image that the client has on hold.
        id: ImageId,
        /// Seconds until the client upgrades.
        seconds: u32,
    },
    /// The caller tells a client to keep an image on hold, with [`Server::hold`](crate::server::Server::hold).
    Hold {
        /// Client that keeps its downloaded image on hold.
        client: Address,
        /// Image that the client has on hold.
        id: ImageId,
    },
}

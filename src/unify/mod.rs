//! OTA service of the Unify framework: images announced and fetched over MQTT, and the status of their upgrades published.
//!
//! ```text
//!   Provider                    broker                     Consumer                 server::Server
//!      | announce --- info, retained --------------------------> |                          |
//!      |                               <-- subscribe data, get - |                          |
//!      | data ---------- the image, once ----------------------> | -> Verify -> the caller  |
//!      |                                                         | -> Notify -------------> | Image Notify
//!      |                                              images(), policy() ---------------->  | Query, Block, End
//!      |                               <-- status, retained ---- | <--------------- Event   |
//!      | withdraw ----- empty, retained -----------------------> |                          |
//! ```
//!
//! [`Provider`] and [`Consumer`] are state machines without a connection: they exchange [`MqttMessage`]s, which the MQTT
//! client of the caller transports. A consumer takes the events of a [`Server`](crate::server::Server), and lends that
//! server an [`ImageStore`](crate::server::ImageStore) and a [`ServerPolicy`](crate::server::ServerPolicy), so that the
//! server offers the announced images. Identifiers, topics and payloads can also be used alone, by a program that only
//! watches upgrades.
//!
//! *Unify* refers to the document "Common OTA FW Update Service" of the Unify framework. Where the document contradicts
//! itself, each module says which side it follows. The parts for Z-Wave (checksums, meta data commands, activation) are
//! not implemented.
//!
//! **Duties of the broker.** No message of the service identifies its sender: the broker must allow only authenticated
//! providers to publish below `ucl/OTA/`. The service does not protect images either. A consumer offers an image only
//! after its caller has verified the image ([`ConsumerAction::Verify`]), for example with [`signature`](crate::signature)
//! (feature `crypto`), and a device should verify it again.

mod attribute;
mod consumer;
mod date_time;
mod identifiers;
mod image_status;
mod message;
mod message_ignored;
mod payload;
mod provider;
mod text_error;
mod topic;
mod topic_filter;

pub use attribute::{ImageAttribute, ImageAttributeValue, LastError, OtaStatus};
pub use consumer::{
    Activation, AnnouncedVersions, Consumer, ConsumerAction, ConsumerConfig, FetchedImage, FileVerdict,
    ManagedDevice,
};
pub use date_time::DateTime;
pub use identifiers::{ImageKind, Naming, Uiid, UiidForm, UiidTaken, Unid};
pub use image_status::ImageStatus;
pub use message::{ImageTooLong, MqttMessage};
pub use message_ignored::MessageIgnored;
pub use payload::{Announcement, PayloadError};
pub use provider::Provider;
pub use text_error::TextError;
pub use topic::{AttributeSide, DeviceEndpoint, ImagePath, Topic};
pub use topic_filter::TopicFilter;

//! OTA service of the Unify framework. A provider announces images over MQTT; a consumer fetches the images and
//! publishes the status of the upgrades.
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
//! [`Provider`] and [`Consumer`] are state machines, and open no connection to a broker. A provider and a consumer
//! exchange [`MqttMessage`]s, which the MQTT client of the caller transports.
//!
//! A consumer takes the events of a [`Server`](crate::server::Server). The consumer lends the server an
//! [`ImageStore`](crate::server::ImageStore) and a [`ServerPolicy`](crate::server::ServerPolicy), so that the server
//! offers the announced images. A program that only watches upgrades needs only the types for identifiers, topics and
//! payloads.
//!
//! *Unify* refers to the document "Common OTA FW Update Service" of the Unify framework. Some parts of the Unify
//! document contradict each other. If a module depends on contradictory parts of the Unify document, its documentation
//! names the part that the module follows. This crate does not implement the parts of the Unify document for Z-Wave
//! (checksums, meta data commands, activation).
//!
//! **Duties of the broker.** No message of the service identifies its sender, so the broker must allow only
//! authenticated providers to publish below `ucl/OTA/`. The OTA service of Unify does not protect images against
//! changes. A consumer offers an image only after the caller has verified the image ([`ConsumerAction::Verify`]), for
//! example with [`signature`](crate::signature) (feature `crypto`). A device should verify the image again after the
//! download.

mod consumer;
mod date_time;
mod identifiers;
mod image_attribute;
mod image_status;
mod message;
mod message_ignored;
mod parse_text_error;
mod payload;
mod provider;
mod topic;
mod topic_filter;

pub use consumer::{
    Activation, AnnouncedVersions, Consumer, ConsumerAction, ConsumerConfig, FetchedImage, FileVerdict,
    ManagedDevice,
};
pub use date_time::DateTime;
pub use identifiers::{ImageKind, Naming, Uiid, UiidForm, UiidTaken, Unid};
pub use image_attribute::{ImageAttribute, ImageAttributeValue, LastError, OtaStatus};
pub use image_status::ImageStatus;
pub use message::{ImageTooLong, MqttMessage};
pub use message_ignored::MessageIgnored;
pub use parse_text_error::TextError;
pub use payload::{Announcement, PayloadError};
pub use provider::Provider;
pub use topic::{AttributeSide, DeviceEndpoint, ImagePath, Topic};
pub use topic_filter::TopicFilter;

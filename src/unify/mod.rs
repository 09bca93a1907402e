//! Images announced, fetched and their status told over MQTT: the OTA service of the Unify framework.
//!
//! ```text
//!   Provider                    broker                     Consumer                 server::Server
//!      | announce --- info, retained --------------------------> |                          |
//!      |                               <-- subscribe data, get - |                          |
//!      | data ---------- the image, once ----------------------> | -> Verify -> the caller  |
//!      |                                                         | -> Notify -------------> | Image Notify
//!      |                                              images(), policy() ---------------->  | Query, Block, End
//!      |                               <-- status, retained ---- | <--------------- Event   |
//!      | withdraw ----- nothing, retained ---------------------> |                          |
//! ```
//!
//! [`Provider`] and [`Consumer`] are machines without a connection: they take and give [`Message`]s, and a client of
//! MQTT, which is the caller's, carries them. A consumer is fed by a [`Server`](crate::server::Server)'s events, and lends
//! it an [`ImageStore`](crate::server::ImageStore) and a [`ServerPolicy`](crate::server::ServerPolicy), so that the server offers what
//! is announced. The names, topics and payloads serve by themselves, for who only watches.
//!
//! The document is Unify's "Common OTA FW Update Service"; where it contradicts itself, the module concerned says which
//! side is taken. Its parts for Z-Wave (checksums, meta data commands, activation) are not here.
//!
//! **What the broker must do.** The service has no sign of who sent a message: brokers must let only authenticated
//! providers publish below `ucl/OTA/`. Nor does it protect an image: a consumer offers none before its caller has checked
//! it ([`Action::Verify`]), as by [`signature`](crate::signature) with the feature `crypto`, and a device should check it
//! again.

mod attribute;
mod consumer;
mod filter;
mod ignored;
mod moment;
mod name;
mod payload;
mod provider;
mod status;
mod topic;

pub use attribute::{Attribute, AttributeValue, LastError, Status};
pub use consumer::{
    Action, Activation, Config, Consumer, Device, Fetched, FileVerdict, Images, Offers, Update,
};
pub use filter::{Filter, FilterError};
pub use ignored::Ignored;
pub use moment::{Moment, MomentError};
pub use name::{Form, ImageKind, NameError, NameTaken, Naming, Uiid, Unid};
pub use payload::{Info, Message, PayloadError, TooLong, VersionError};
pub use provider::Provider;
pub use status::ImageStatus;
pub use topic::{Node, Place, Side, Target, Topic, TopicError};

//! ZCL frames of the OTA Upgrade cluster (0x0019): decoding, checking and encoding. Sections and tables refer to ZigBee
//! document 095264 (2011).
//!
//! | offset | size | field | |
//! |---|---|---|---|
//! | 0 | 1 | frame control | bits 0-1 frame type, 2 manufacturer specific, 3 to the client, 4 disable default response |
//! | 1 | 0 or 2 | manufacturer code | only with bit 2; no command of this cluster has a manufacturer code |
//! | 1 | 1 | sequence number | a response repeats the sequence number of its request |
//! | 2 | 1 | command | see the table below |
//! | 3 | n | payload | little endian |
//!
//! | command | direction | message | payload bytes |
//! |---|---|---|---|
//! | 0x00 | to client | [`ImageNotify`] | 2, 4, 6 or 10 |
//! | 0x01 | to server | [`QueryNextImageRequest`] | 9 or 11 |
//! | 0x02 | to client | Query Next Image Response: [`QueryResponse`] | 13 or 1 |
//! | 0x03 | to server | [`ImageBlockRequest`] | 14 to 24 |
//! | 0x04 | to server | [`ImagePageRequest`] | 18 or 26 |
//! | 0x05 | to client | [`ImageBlockResponse`] | 14 + n, 9, 11 or 1 |
//! | 0x06 | to server | [`UpgradeEndRequest`] | 9 |
//! | 0x07 | to client | [`UpgradeEndResponse`] | 16 |
//! | 0x08 | to server | [`QuerySpecificFileRequest`] | 18 |
//! | 0x09 | to client | Query Specific File Response: [`QueryResponse`] | 13 or 1 |
//! | global 0x0B | both | [`DefaultResponse`] | 2 |
//! | global 0x00 to 0x02, 0x04, 0x0C, 0x0D | both | [`AttributeCommand`] | any |
//!
//! [`Frame::decode`] returns a frame with a command that the crate does not know as an [`OtherFrame`]. Decoder and
//! encoder accept any value that the bytes can represent. The `check` method of a message applies the rules of the
//! specification.
//!
//! A frame does not contain its cluster id, because the APS header around the frame holds the id. A caller of
//! [`Frame::decode`] passes only frames of cluster [`CLUSTER_ID`]. The decoder would read a frame of another cluster as
//! a frame of the OTA Upgrade cluster.

mod attribute_commands;
mod attribute_snapshot;
mod attribute_table;
mod command;
mod decoder_quirks;
mod default_response;
mod display;
mod frame;
mod frame_encoder;
mod image_block;
mod image_notify;
mod image_page_request;
mod message;
mod message_to_client;
mod query_next_image_request;
mod query_response;
mod query_specific_file_request;
mod read_client_status;
mod rule_violation;
mod shared_fields;
mod status;
mod upgrade_end;

pub use attribute_commands::{
    AttributeCommand, AttributeRecord, DiscoverAttributes, DiscoverAttributesResponse, ReadAttributes,
    ReadAttributesResponse, WriteAttributes, WriteAttributesResponse,
};
pub use attribute_snapshot::{AttributeSnapshot, SERVER_CLUSTER_REVISION, answer_as_server};
pub use attribute_table::{
    ATTRIBUTES, AttributeId, AttributeInfo, AttributeValue, DataType, ImageUpgradeStatus, Revision,
    UpgradeActivationPolicy, UpgradeTimeoutPolicy,
};
pub use command::{CommandId, Direction, ToClient, ToServer};
pub use decoder_quirks::{Deviations, Quirks};
pub use default_response::DefaultResponse;
pub use frame::{Frame, FrameControl, FrameHeader};
pub(crate) use frame_encoder::{ClientFrame, FromClient};
pub use image_block::{
    BlockBytes, BlockData, BlockRefusal, ImageBlockRequest, ImageBlockResponse, WaitForData,
};
pub(crate) use image_block::{DATA_FRAME_HEAD_LEN, data_frame_head};
pub use image_notify::{ImageNotify, NotifyScope};
pub use image_page_request::ImagePageRequest;
pub use message::{Message, OtherFrame, OtherKind};
pub(crate) use message_to_client::ClientMessage;
pub use query_next_image_request::QueryNextImageRequest;
pub use query_response::{ImageOffer, QueryResponse};
pub use query_specific_file_request::QuerySpecificFileRequest;
pub use read_client_status::ClientStatus;
pub use rule_violation::Violation;
pub use status::{Refusal, Status};
pub use upgrade_end::{UpgradeEndRequest, UpgradeEndResponse};

/// Cluster id of OTA Upgrade (section 5.2). A server lists the cluster id 0x0019 as an input cluster, and a client
/// lists it as an output cluster.
pub const CLUSTER_ID: u16 = 0x0019;

/// Length in bytes of the longest frame that a server sends: an Image Block Response with 255 bytes of data.
pub const LONGEST_TO_CLIENT: usize = 272;

/// Length in bytes of the longest frame that a client sends: an Image Page Request with the IEEE address of the client.
pub const LONGEST_TO_SERVER: usize = 29;

/// Length in bytes of a Read Attributes Response with every attribute that a client can have.
pub const LONGEST_ATTRIBUTES: usize = 98;

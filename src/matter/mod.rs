//! Matter OTA Software Update clusters (Provider 0x0029, Requestor 0x002A): typed commands with their TLV encoding, the
//! ImageURI, the header of an image file, and a bridge from and to the Zigbee OTA Upgrade cluster.
//!
//! | module or type | content |
//! |---|---|
//! | [`QueryImage`], [`QueryImageResponse`] | query for an update, and the response with the location of the image |
//! | [`ApplyUpdateRequest`], [`ApplyUpdateResponse`], [`NotifyUpdateApplied`] | commands after the download, until the new image runs |
//! | [`Requestor`] | next step of a requestor after a response, its reason, and its earliest time |
//! | [`ImageUri`], [`BdxUri`] | location of an image |
//! | [`ImageHeader`] | header of a Matter OTA image file |
//! | [`bridge`] | translation of queries and responses between Zigbee and Matter |
//!
//! Sections refer to the Matter Core Specification 1.3. Field numbers, types and bounds follow revision 1 of the
//! Provider cluster and of the Requestor cluster; the rules for field values follow section 11.20.6.5.2 of the Matter
//! Core Specification. The *provider* is the node that offers images, the *requestor* the node that installs images.
//!
//! The module has no transport: the caller sends and receives the commands. Each command is encoded as an anonymous TLV
//! structure, which begins with 0x15. The decoder also accepts a command whose structure has a tag. In an Invoke
//! message, the structure of the command has the context tag 1 and begins with 0x35 0x01:
//!
//! ```
//! use zigbee_ota::Encode;
//! use zigbee_ota::matter::{ApplyUpdateAction, ApplyUpdateResponse};
//!
//! let response = ApplyUpdateResponse { action: ApplyUpdateAction::PROCEED, delayed_action_time: 300 };
//! let mut bytes = [0; 16];
//! let len = response.encode(&mut bytes)?;
//! assert_eq!(bytes[..len], [0x15, 0x24, 0, 0, 0x25, 1, 0x2c, 0x01, 0x18]);
//!
//! let carried = [0x35, 1, 0x24, 0, 0, 0x25, 1, 0x2c, 0x01, 0x18];
//! assert_eq!(ApplyUpdateResponse::decode(&carried)?, response);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod apply_update;
pub mod bridge;
mod error;
mod image_header;
mod inline_bytes;
mod metadata;
mod next_step;
mod query_image;
mod query_image_response;
mod tlv;
mod tlv_fields;
mod update_token;
mod uri;

pub use apply_update::{ApplyUpdateAction, ApplyUpdateRequest, ApplyUpdateResponse, NotifyUpdateApplied};
pub use error::{MatterDecodeError, MatterDecodeErrorKind, MatterRuleError};
pub use image_header::{DigestType, ImageHeader};
pub use metadata::Metadata;
pub use next_step::{ApplyStep, NextStep, QueryAgainReason, Requestor};
pub use query_image::{DownloadProtocol, DownloadProtocols, QueryImage};
pub use query_image_response::{QueryImageResponse, QueryImageStatus, UpdateOffer};
pub use update_token::UpdateToken;
pub use uri::{BdxUri, ImageUri, ImageUriError, NodeId};

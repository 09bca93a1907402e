//! Matter's OTA Software Update clusters (Provider 0x0029, Requestor 0x002A) in the terms of this crate: the commands as
//! typed values and as TLV, where an ImageURI leads, the header of an image file, and what becomes of a Zigbee query
//! and answer beside a Matter fabric.
//!
//! | module or type | what |
//! |---|---|
//! | [`tlv`] | the form of everything |
//! | [`QueryImage`], [`QueryImageResponse`] | is there an update, and where |
//! | [`ApplyUpdateRequest`], [`ApplyUpdateResponse`], [`NotifyUpdateApplied`] | from the download to the running image |
//! | [`Requestor`] | when to ask again, when to download, whom to ask for consent |
//! | [`ImageUri`], [`BdxUri`] | where the image is |
//! | [`ImageHeader`] | the header of an image file |
//! | [`bridge`] | to Zigbee and back |
//!
//! Field numbers, types and bounds are those of the clusters' revision 1, rules those of the Matter Core Specification 1.3,
//! section 11.20.6.5.2. There is no transport in here: an Invoke message carries the structure of a command with tag 1,
//! which [`Element`](tlv::Element) changes, and decoding takes any:
//!
//! ```
//! use zigbee_ota::Encode;
//! use zigbee_ota::matter::tlv::{Element, Tag};
//! use zigbee_ota::matter::{Action, ApplyUpdateResponse};
//!
//! let response = ApplyUpdateResponse { action: Action::PROCEED, delayed_action_time: 300 };
//! let (mut alone, mut carried) = ([0; 16], [0; 16]);
//! let len = response.encode(&mut alone)?;
//! assert_eq!(alone[..len], [0x15, 0x24, 0, 0, 0x25, 1, 0x2c, 0x01, 0x18]);
//!
//! let fields = Element { tag: Tag::Context(1), ..Element::parse_exact(&alone[..len])? };
//! let len = fields.encode(&mut carried)?;
//! assert_eq!(carried[..len], [0x35, 1, 0x24, 0, 0, 0x25, 1, 0x2c, 0x01, 0x18]);
//! assert_eq!(ApplyUpdateResponse::decode(&carried[..len])?, response);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod apply;
pub mod bridge;
mod error;
mod few;
mod fields;
mod image;
mod metadata;
mod query;
mod requestor;
mod response;
pub mod tlv;
mod token;
mod uri;

pub use apply::{Action, ApplyUpdateRequest, ApplyUpdateResponse, NotifyUpdateApplied};
pub use error::{Field, Item, Malformed, MalformedKind, Status, Violation};
pub use image::{DigestType, ImageHeader};
pub use metadata::Metadata;
pub use query::{DownloadProtocol, Protocols, QueryImage};
pub use requestor::{Requestor, Todo};
pub use response::{Answer, Offer, QueryImageResponse};
pub use token::UpdateToken;
pub use uri::{BdxUri, ImageUri, NodeId, OtherUri, UriError, UriPart};

/// Whether a field that is there has a length within its bounds.
fn within(field: Field, len: Option<usize>, bounds: fields::Bounds) -> Result<(), Violation> {
    let (min, max) = bounds.into_inner();
    match len {
        Some(len) if len < min || len > max => Err(Violation::Length { field, len, min, max }),
        _ => Ok(()),
    }
}

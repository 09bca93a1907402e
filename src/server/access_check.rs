//! Access of clients to images: checks before each answer that gives a client data or an upgrade time (section
//! 6.10.12.4). Sections refer to ZigBee document 095264 (2011).
//!
//! ```text
//! file with a destination --> check_destination: IEEE address of the client, claimed IEEE address
//! every file              --> check_access: destination, refusal of the session, ServerPolicy::is_authorized
//! ```

use super::response_frame::RequestContext;
use super::{ImageInfo, RefusalReason, ServerPolicy};
use crate::types::{Eui64, ImageId};

/// Checks whether the client may have the image `id`. The server checks the access of the client before each answer
/// that gives data or an upgrade time. `refusal` is the refusal reason in the session of the download, and `claimed` is
/// the IEEE address in the request. `image` is the file that the client would get; `None` if the file is not known.
///
/// # Errors
/// Fails with the refusal reason if the client may not have the image.
pub(super) fn check_access(
    context: RequestContext,
    refusal: Option<RefusalReason>,
    id: ImageId,
    claimed: Option<Eui64>,
    image: Option<&ImageInfo>,
    policy: &mut (impl ServerPolicy + ?Sized),
) -> Result<(), RefusalReason> {
    if let Some(destination) = image.and_then(|image| image.destination) {
        check_destination(context, claimed, destination)?;
    }
    match refusal {
        Some(reason) => Err(reason),
        None if policy.is_authorized(context.client, id, image) => Ok(()),
        None => Err(RefusalReason::Policy),
    }
}

/// Checks whether a client may have a file for the device `destination`. The server refuses every device-specific file
/// to a client whose IEEE address is not known. An IEEE address in the request does not prove who the client is, but
/// must not contradict the known address of the client (section 6.10.12.4).
///
/// # Errors
/// Fails with the refusal reason if the client may not have the file.
pub(super) fn check_destination(
    context: RequestContext,
    claimed: Option<Eui64>,
    destination: Eui64,
) -> Result<(), RefusalReason> {
    match context.ieee {
        None => Err(RefusalReason::UnknownIeee),
        Some(ieee) if ieee == destination && claimed.is_none_or(|claimed| claimed == ieee) => Ok(()),
        Some(_) => Err(RefusalReason::Destination),
    }
}

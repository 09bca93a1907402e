//! Translation between the queries and responses of the Zigbee OTA Upgrade cluster and those of Matter, for a bridge between
//! a Zigbee network and a Matter fabric.
//!
//! | Zigbee | Matter | |
//! |---|---|---|
//! | manufacturer code | VendorID | one table of the Connectivity Standards Alliance assigns both |
//! | image type | ProductID | same number; the bridge has to agree on it with its provider |
//! | file version | SoftwareVersion | |
//! | file version as text | SoftwareVersionString | [`version_string`] |
//! | hardware version | HardwareVersion | |
//! | file name | file designator | [`FileName`](crate::file::FileName) needs no escape unless its suffix does |
//! | SUCCESS | UpdateAvailable | |
//! | NO_IMAGE_AVAILABLE | NotAvailable | also the translation of every other status, in both directions |
//! | upgrade time | DelayedActionTime with Proceed | an offset; [`Delay`] has converted a point in time to it |
//! | hold (upgrade time 0xFFFFFFFF) | AwaitNextAction | |
//!
//! Fields without a counterpart are reported as [`Unmapped`]. Neither protocol can express the following:
//!
//! - the size of an image, which BDX reports and Query Next Image Response requires: the caller supplies it;
//! - UpdateToken and ImageURI, which the bridge chooses for Matter and keeps for Zigbee;
//! - notifications (Image Notify, AnnounceOTAProvider), which name no image in Matter;
//! - blocks and pages: BDX is a different protocol, and Matter images are different files with a different header.

mod version_string;

pub use version_string::version_string;

use super::apply_update::{ApplyUpdateAction, ApplyUpdateResponse};
use super::error::MatterRuleError;
use super::query_image::{DownloadProtocols, QueryImage};
use super::query_image_response::{QueryImageResponse, QueryImageStatus};
use super::update_token::UpdateToken;
use crate::time::{Delay, ServerTime};
use crate::types::{FileVersion, HardwareVersion, ImageId};
use crate::zcl::{self, ImageOffer, QueryNextImageRequest, QueryResponse, Refusal};

/// Fields of a message that its translation cannot carry; `true` for each field that was present and is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Unmapped {
    /// ProtocolsSupported: Zigbee has a single download protocol.
    pub protocols: bool,
    /// Location.
    pub location: bool,
    /// RequestorCanConsent or UserConsentNeeded: Zigbee has no user consent.
    pub consent: bool,
    /// MetadataForProvider or MetadataForRequestor.
    pub metadata: bool,
    /// Size of the image.
    pub size: bool,
    /// Status: the reason why no image is available has no counterpart.
    pub status: bool,
    /// DelayedActionTime: Zigbee can delay blocks and upgrades, but not this step.
    pub delay: bool,
    /// ImageURI, UpdateToken and SoftwareVersionString, which the bridge has to keep.
    pub uri_and_token: bool,
}

impl Unmapped {
    const NONE: Self = Self {
        protocols: false,
        location: false,
        consent: false,
        metadata: false,
        size: false,
        status: false,
        delay: false,
        uri_and_token: false,
    };

    /// Whether the translation carries all fields.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }
}

/// Translation of a message.
// Exhaustive: a message and the list of what it lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Translated<T> {
    /// Translated message.
    pub message: T,
    /// Fields of the original that the translated message does not carry.
    pub unmapped: Unmapped,
}

/// Translates the Query Next Image Request of a Zigbee client for a Matter provider. All fields are carried.
#[must_use]
pub fn query_image(request: &QueryNextImageRequest, protocols: DownloadProtocols) -> QueryImage<'static> {
    let QueryNextImageRequest { current, hardware } = *request;
    let ImageId { manufacturer, image_type, version } = current;
    QueryImage {
        vendor: manufacturer.0,
        product: image_type.0,
        software_version: version.0,
        protocols,
        hardware_version: hardware.map(|hardware| hardware.0),
        location: None,
        can_consent: None,
        metadata: None,
    }
}

/// Translates the QueryImage of a Matter requestor for a Zigbee server.
///
/// # Errors
/// [`zcl::Violation`] for a vendor, product or version that is a wildcard in Zigbee, and for a product that is not a valid
/// image type of a query.
pub fn query_next_image(query: &QueryImage<'_>) -> Result<Translated<QueryNextImageRequest>, zcl::Violation> {
    let QueryImage {
        vendor,
        product,
        software_version,
        protocols,
        hardware_version,
        location,
        can_consent,
        metadata,
    } = *query;
    let message = QueryNextImageRequest {
        current: ImageId::new(vendor, product, software_version),
        hardware: hardware_version.map(HardwareVersion),
    };
    message.check()?;
    let unmapped = Unmapped {
        protocols: protocols != DownloadProtocols::NONE,
        location: location.is_some(),
        consent: can_consent.is_some(),
        metadata: metadata.is_some(),
        ..Unmapped::NONE
    };
    Ok(Translated { message, unmapped })
}

/// Translates the Query Next Image Response of a Zigbee server for a Matter requestor.
///
/// `uri`, `version_string` and `token` describe the image on the side of the bridge: its ImageURI, such as a
/// [`BdxUri`](super::BdxUri) as text, its version as text for people, and the UpdateToken of this update. They are used
/// only where the server offers an image.
#[must_use]
pub fn query_image_response<'a>(
    response: &QueryResponse,
    uri: &'a str,
    version_string: &'a str,
    token: UpdateToken,
) -> Translated<QueryImageResponse<'a>> {
    match *response {
        QueryResponse::Offer(ImageOffer { id, size: _ }) => {
            // Manufacturer and image type are those of the query, which the requestor knows.
            let ImageId { manufacturer: _, image_type: _, version } = id;
            let message = QueryImageResponse::available(uri, version.0, version_string, token);
            Translated { message, unmapped: Unmapped { size: true, ..Unmapped::NONE } }
        }
        QueryResponse::Refused(refusal) => Translated {
            message: QueryImageResponse::new(QueryImageStatus::NOT_AVAILABLE),
            unmapped: Unmapped { status: refusal != Refusal::NO_IMAGE_AVAILABLE, ..Unmapped::NONE },
        },
    }
}

/// Translates the QueryImageResponse of a Matter provider for the Zigbee client that runs `current`. `size` is the length
/// of the offered image in bytes, which the response does not contain.
///
/// # Errors
/// The errors of [`QueryImageResponse::offer`].
pub fn query_next_image_response(
    response: &QueryImageResponse<'_>,
    current: ImageId,
    size: u32,
) -> Result<Translated<QueryResponse>, MatterRuleError> {
    let offer = response.offer()?;
    // The five fields of an offer are those of `offer`.
    let QueryImageResponse {
        status,
        delayed_action_time,
        image_uri: _,
        software_version: _,
        software_version_string: _,
        update_token: _,
        user_consent_needed,
        metadata,
    } = *response;
    let unmapped = Unmapped {
        delay: delayed_action_time.is_some(),
        consent: user_consent_needed.is_some(),
        metadata: metadata.is_some(),
        ..Unmapped::NONE
    };
    Ok(match offer {
        Some(offer) => {
            let id = ImageId { version: FileVersion(offer.version), ..current };
            let message = QueryResponse::Offer(ImageOffer { id, size });
            Translated { message, unmapped: Unmapped { uri_and_token: true, ..unmapped } }
        }
        None => {
            let message = QueryResponse::Refused(Refusal::NO_IMAGE_AVAILABLE);
            let status = status != QueryImageStatus::NOT_AVAILABLE;
            Translated { message, unmapped: Unmapped { status, ..unmapped } }
        }
    })
}

/// Translates the upgrade time of a Zigbee server, converted by [`ServerTime::delay`], for a Matter requestor that has sent
/// ApplyUpdateRequest. A fraction of a second is rounded up.
#[must_use]
pub fn apply_update_response(delay: Delay) -> ApplyUpdateResponse {
    match delay {
        Delay::Forever => {
            ApplyUpdateResponse { action: ApplyUpdateAction::AWAIT_NEXT_ACTION, delayed_action_time: 0 }
        }
        Delay::For(time) => {
            let seconds = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
            let delayed_action_time = u32::try_from(seconds).unwrap_or(u32::MAX);
            ApplyUpdateResponse { action: ApplyUpdateAction::PROCEED, delayed_action_time }
        }
    }
}

/// Translates the ApplyUpdateResponse of a Matter provider to the upgrade time of an Upgrade End Response.
///
/// `None` for Discontinue and for actions without a name: no upgrade time expresses them. The closest Zigbee message is a
/// Default Response with ABORT.
#[must_use]
pub fn upgrade_time(response: &ApplyUpdateResponse) -> Option<Translated<ServerTime>> {
    let ApplyUpdateResponse { action, delayed_action_time } = *response;
    match action {
        ApplyUpdateAction::PROCEED => {
            let message = ServerTime::after_seconds(delayed_action_time);
            Some(Translated { message, unmapped: Unmapped::NONE })
        }
        ApplyUpdateAction::AWAIT_NEXT_ACTION => {
            let unmapped = Unmapped { delay: delayed_action_time != 0, ..Unmapped::NONE };
            Some(Translated { message: ServerTime::WAIT, unmapped })
        }
        _ => None,
    }
}

//! Translation between the queries and responses of the Zigbee OTA Upgrade cluster and the corresponding commands of
//! Matter, for a bridge between a Zigbee network and a Matter fabric.
//!
//! | Zigbee | Matter | |
//! |---|---|---|
//! | manufacturer code | VendorID | one table of the Connectivity Standards Alliance assigns manufacturer codes and VendorIDs |
//! | image type | ProductID | same number; bridge and provider have to agree on this mapping |
//! | file version | SoftwareVersion | |
//! | file version as text | SoftwareVersionString | [`version_string`] |
//! | hardware version | HardwareVersion | |
//! | file name | file designator | [`FileName`](crate::file::FileName) needs no escape unless its suffix contains a character that a URI escapes |
//! | SUCCESS | UpdateAvailable | |
//! | NO_IMAGE_AVAILABLE | NotAvailable | also the translation of every status that has no row in this table, in both directions |
//! | upgrade time | DelayedActionTime with Proceed | DelayedActionTime is an offset; [`Delay`] has converted a point in time to an offset |
//! | hold (upgrade time 0xFFFFFFFF) | AwaitNextAction | |
//! | Upgrade End Request with SUCCESS | ApplyUpdateRequest | with the UpdateToken that the bridge keeps |
//! | Default Response to an Upgrade End Request | Discontinue | [`upgrade_time`] returns `None`; ABORT is the closest status |
//!
//! If a field of a message has no counterpart in the other protocol, the translation reports the field as [`Unmapped`].
//! The following items have no translation in either direction:
//!
//! - the size of an image, which the caller supplies: a Query Next Image Response requires the size, but in Matter only
//!   BDX reports the size;
//! - Upgrade End Requests whose status is not SUCCESS: a Matter requestor sends no command for a failed download;
//! - NotifyUpdateApplied, because a Zigbee client reports its new version with its next query;
//! - UpdateToken and ImageURI: the bridge creates both fields for a Matter requestor, and stores both fields of a
//!   Matter provider;
//! - notifications: an Image Notify can name an image, but the command AnnounceOTAProvider of Matter names no image;
//! - blocks and pages: Matter downloads images by BDX instead, and a Matter image file has another header than a Zigbee
//!   OTA file.

mod version_string;

pub use version_string::version_string;

use super::apply_update::{ApplyUpdateAction, ApplyUpdateResponse};
use super::error::MatterRuleError;
use super::query_image::{DownloadProtocols, QueryImage};
use super::query_image_response::{QueryImageResponse, QueryImageStatus, UpdateOffer};
use super::update_token::UpdateToken;
use crate::time::{Delay, ServerTime};
use crate::types::{FileVersion, HardwareVersion, ImageId};
use crate::zcl::{self, ImageOffer, QueryNextImageRequest, QueryResponse, Refusal};

/// Fields of a message that the translated message cannot contain. Each flag of `Unmapped` stands for one or more
/// fields, and is `true` if the translation lost the value of at least one of these fields.
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
    /// MetadataForProvider or MetadataForRequestor: the corresponding Zigbee commands have no field for vendor-defined
    /// data.
    pub metadata: bool,
    /// Size of the image: a QueryImageResponse has no field for the size.
    pub size: bool,
    /// Status: a Zigbee response does not give the reason why no image is available.
    pub status: bool,
    /// DelayedActionTime: a Zigbee server can delay blocks and upgrades, but not the next step of a client after a
    /// query.
    pub delay: bool,
    /// ImageURI, UpdateToken and SoftwareVersionString, which the bridge has to store. If a QueryImageResponse offers
    /// no image, the flag `uri_and_token` also stands for SoftwareVersion.
    pub uri_and_token: bool,
    /// Manufacturer code and image type of an offer, if one of the two differs from the value in the query. A
    /// QueryImageResponse has no fields for manufacturer code and image type, so the bridge does not translate an offer
    /// of an image with another manufacturer code or image type.
    pub other_image: bool,
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
        other_image: false,
    };

    /// Returns whether the translated message contains all fields of the original message.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }
}

/// Translation of a message between Zigbee and Matter, with a list of the fields that the translated message lacks.
// Exhaustive: a translation is a message and the list of the lost fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Translated<T> {
    /// Translated message.
    pub message: T,
    /// Fields of the original message that the translated message does not contain.
    pub unmapped: Unmapped,
}

/// Translates the Query Next Image Request of a Zigbee client for a Matter provider. The returned QueryImage contains
/// all fields of the Query Next Image Request.
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
/// [`zcl::Violation`] if the vendor id, the product id or the version has the value of a Zigbee wildcard, or if the
/// product id is not an image type that a query may contain.
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

/// Translates the Query Next Image Response of a Zigbee server for a Matter requestor. `current` is the running image
/// that the query named. An offer for another manufacturer code or image type than in the query becomes NotAvailable,
/// because a Matter requestor would treat the offer as an offer for its own product.
///
/// The bridge creates these three values for the image: `uri` is the ImageURI, such as the text of a
/// [`BdxUri`](super::BdxUri); `version_string` is the version as text for people; `token` is the UpdateToken of the
/// update. The translation uses `uri`, `version_string` and `token` only if the server offers an image.
#[must_use]
pub fn query_image_response<'a>(
    response: &QueryResponse,
    current: ImageId,
    uri: &'a str,
    version_string: &'a str,
    token: UpdateToken,
) -> Translated<QueryImageResponse<'a>> {
    match *response {
        QueryResponse::Offer(ImageOffer { id, size: _ }) => {
            let ImageId { manufacturer, image_type, version } = id;
            let unmapped = Unmapped { size: true, ..Unmapped::NONE };
            if (manufacturer, image_type) == (current.manufacturer, current.image_type) {
                let message = QueryImageResponse::available(uri, version.0, version_string, token);
                Translated { message, unmapped }
            } else {
                let message = QueryImageResponse::new(QueryImageStatus::NOT_AVAILABLE);
                Translated { message, unmapped: Unmapped { other_image: true, ..unmapped } }
            }
        }
        QueryResponse::Refused(refusal) => Translated {
            message: QueryImageResponse::new(QueryImageStatus::NOT_AVAILABLE),
            unmapped: Unmapped { status: refusal != Refusal::NO_IMAGE_AVAILABLE, ..Unmapped::NONE },
        },
    }
}

/// Translates the QueryImageResponse of a Matter provider for the Zigbee client that runs `current`. `size` is the
/// length of the offered image in bytes. The caller passes the length of the image, because a QueryImageResponse does
/// not contain the length.
///
/// # Errors
/// The errors of [`QueryImageResponse::offer`], and [`MatterRuleError::WildcardVersion`] for an offer of the version
/// 0xFFFFFFFF, which is a wildcard for a Zigbee client.
pub fn query_next_image_response(
    response: &QueryImageResponse<'_>,
    current: ImageId,
    size: u32,
) -> Result<Translated<QueryResponse>, MatterRuleError> {
    let offer = response.offer()?;
    let QueryImageResponse {
        status,
        delayed_action_time,
        image_uri,
        software_version,
        software_version_string,
        update_token,
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
        Some(UpdateOffer { version: u32::MAX, .. }) => return Err(MatterRuleError::WildcardVersion),
        Some(offer) => {
            let id = ImageId { version: FileVersion(offer.version), ..current };
            let message = QueryResponse::Offer(ImageOffer { id, size });
            Translated { message, unmapped: Unmapped { uri_and_token: true, ..unmapped } }
        }
        None => {
            let message = QueryResponse::Refused(Refusal::NO_IMAGE_AVAILABLE);
            let status = status != QueryImageStatus::NOT_AVAILABLE;
            let uri_and_token = image_uri.is_some()
                || software_version.is_some()
                || software_version_string.is_some()
                || update_token.is_some();
            Translated { message, unmapped: Unmapped { status, uri_and_token, ..unmapped } }
        }
    })
}

/// Translates the upgrade time of a Zigbee server, converted by [`ServerTime::delay`], for a Matter requestor that has
/// sent ApplyUpdateRequest. A delay with a fraction of a second is rounded up to whole seconds. A delay of more than
/// `u32::MAX` seconds does not fit into DelayedActionTime, and is translated to AwaitNextAction, so that the requestor
/// does not apply the image too early. [`ServerTime::delay`] returns no delay of more than `u32::MAX` seconds.
#[must_use]
pub fn apply_update_response(delay: Delay) -> ApplyUpdateResponse {
    let seconds = match delay {
        Delay::Forever => None,
        Delay::For(time) => {
            u32::try_from(time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))).ok()
        }
    };
    match seconds {
        None => ApplyUpdateResponse { action: ApplyUpdateAction::AWAIT_NEXT_ACTION, delayed_action_time: 0 },
        Some(delayed_action_time) => {
            ApplyUpdateResponse { action: ApplyUpdateAction::PROCEED, delayed_action_time }
        }
    }
}

/// Translates the ApplyUpdateResponse of a Matter provider to the upgrade time of an Upgrade End Response.
///
/// Returns `None` for Discontinue and for actions without a named constant: no upgrade time has the meaning of these
/// actions. The Zigbee message with the meaning closest to Discontinue is a Default Response with ABORT.
#[must_use]
pub fn upgrade_time(response: &ApplyUpdateResponse) -> Option<Translated<ServerTime>> {
    let ApplyUpdateResponse { action, delayed_action_time } = *response;
    match action {
        ApplyUpdateAction::PROCEED => {
            // The offset 0xFFFFFFFF means a hold in Zigbee, so the longest delay is 0xFFFFFFFE seconds.
            let unmapped = Unmapped { delay: delayed_action_time == u32::MAX, ..Unmapped::NONE };
            Some(Translated { message: ServerTime::after_seconds(delayed_action_time), unmapped })
        }
        ApplyUpdateAction::AWAIT_NEXT_ACTION => {
            let unmapped = Unmapped { delay: delayed_action_time != 0, ..Unmapped::NONE };
            Some(Translated { message: ServerTime::WAIT, unmapped })
        }
        _ => None,
    }
}

//! What a Zigbee query and its answer become in Matter's terms, and back, for a bridge between a Zigbee network and a Matter
//! fabric.
//!
//! | Zigbee | Matter | |
//! |---|---|---|
//! | manufacturer code | VendorID | the Alliance gives both out of one table |
//! | image type | ProductID | the number as it is, for the bridge to agree with its provider on |
//! | file version | SoftwareVersion | |
//! | file version as text | SoftwareVersionString | [`VersionText`] |
//! | hardware version | HardwareVersion | |
//! | file name | file designator | [`FileName`](crate::file::FileName) needs no escape unless its text does |
//! | SUCCESS | UpdateAvailable | |
//! | NO_IMAGE_AVAILABLE | NotAvailable | also what becomes of every other status, both ways |
//! | upgrade time | DelayedActionTime of Proceed | an offset; [`Delay`] has it made of a moment |
//! | wait for another order | AwaitNextAction | |
//!
//! What has no counterpart is told as [`Lost`]. Of these neither side tells the other at all:
//!
//! - the size of an image, which BDX tells and Query Next Image Response must: it comes from the caller;
//! - UpdateToken and ImageURI, which the bridge chooses towards Matter and keeps towards Zigbee;
//! - the notify (Image Notify, AnnounceOTAProvider), which carry no image on Matter's side;
//! - blocks and pages: BDX is another protocol, and its images are other files, with another header.

mod text;

pub use text::VersionText;

use bitflags::bitflags;

use super::apply::{Action, ApplyUpdateResponse};
use super::error::{Status, Violation};
use super::query::{Protocols, QueryImage};
use super::response::{Answer, QueryImageResponse};
use super::token::UpdateToken;
use crate::open_enum::flags_as_number;
use crate::time::{Delay, ServerTime};
use crate::types::{FileVersion, HardwareVersion, ImageId};
use crate::zcl::{self, ImageOffer, QueryNextImageRequest, QueryResponse, Refusal};

bitflags! {
    /// What a message said that its counterpart cannot.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Lost: u16 {
        /// ProtocolsSupported: Zigbee has one way to download.
        const PROTOCOLS = 1 << 0;
        /// Location.
        const LOCATION = 1 << 1;
        /// RequestorCanConsent or UserConsentNeeded: Zigbee asks nobody.
        const CONSENT = 1 << 2;
        /// MetadataForProvider or MetadataForRequestor.
        const METADATA = 1 << 3;
        /// The size of the image.
        const SIZE = 1 << 4;
        /// Why there is no image: the status has no counterpart.
        const REASON = 1 << 5;
        /// DelayedActionTime: Zigbee can ask to wait before a download's blocks and before an upgrade, not here.
        const DELAY = 1 << 6;
        /// ImageURI and UpdateToken, for the bridge to keep, and SoftwareVersionString.
        const PLACE = 1 << 7;
    }
}

flags_as_number!(Lost(u16), "Lost({=u16:#06x})");

/// A message and what it does not say any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Bridged<T> {
    /// The message.
    pub message: T,
    /// What was said that it cannot say.
    pub lost: Lost,
}

/// Where a bridge has an image for its fabric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Place<'a> {
    /// The ImageURI, such as a [`BdxUri`](super::BdxUri) as text.
    pub uri: &'a str,
    /// The version for people.
    pub version_string: &'a str,
    /// What ties the further commands to this offer.
    pub token: UpdateToken,
}

/// A Zigbee device's query, for a Matter provider. Nothing is lost.
#[must_use]
pub fn query_image(request: &QueryNextImageRequest, protocols: Protocols) -> QueryImage<'static> {
    let ImageId { manufacturer, image_type, version } = request.current;
    QueryImage {
        vendor: manufacturer.0,
        product: image_type.0,
        software_version: version.0,
        protocols,
        hardware_version: request.hardware.map(|hardware| hardware.0),
        location: None,
        can_consent: None,
        metadata: None,
    }
}

/// A Matter requestor's query, for a Zigbee server.
///
/// # Errors
/// A vendor, product or version that stands for any in Zigbee, or a product that no query may ask for.
pub fn query_next_image(query: &QueryImage<'_>) -> Result<Bridged<QueryNextImageRequest>, zcl::Violation> {
    let message = QueryNextImageRequest {
        current: ImageId::new(query.vendor, query.product, query.software_version),
        hardware: query.hardware_version.map(HardwareVersion),
    };
    message.check()?;
    let mut lost = Lost::empty();
    lost.set(Lost::PROTOCOLS, query.protocols != Protocols::NONE);
    lost.set(Lost::LOCATION, query.location.is_some());
    lost.set(Lost::CONSENT, query.can_consent.is_some());
    lost.set(Lost::METADATA, query.metadata.is_some());
    Ok(Bridged { message, lost })
}

/// A Zigbee server's answer, for a Matter requestor, with the image at `place` if there is one.
#[must_use]
pub fn query_image_response<'a>(
    response: &QueryResponse,
    place: Place<'a>,
) -> Bridged<QueryImageResponse<'a>> {
    match *response {
        QueryResponse::Offer(ImageOffer { id, .. }) => {
            let Place { uri, version_string, token } = place;
            let message = QueryImageResponse::available(uri, id.version.0, version_string, token);
            Bridged { message, lost: Lost::SIZE }
        }
        QueryResponse::Refused(refusal) => Bridged {
            message: QueryImageResponse::new(Status::NOT_AVAILABLE),
            lost: if refusal == Refusal::NO_IMAGE_AVAILABLE { Lost::empty() } else { Lost::REASON },
        },
    }
}

/// A Matter provider's answer, for the Zigbee device that runs `asked`; an image that it offers takes `size` bytes.
///
/// # Errors
/// As [`QueryImageResponse::answer`].
pub fn query_next_image_response(
    response: &QueryImageResponse<'_>,
    asked: ImageId,
    size: u32,
) -> Result<Bridged<QueryResponse>, Violation> {
    let mut lost = Lost::empty();
    lost.set(Lost::DELAY, response.delayed_action_time.is_some());
    lost.set(Lost::CONSENT, response.user_consent_needed.is_some());
    lost.set(Lost::METADATA, response.metadata.is_some());
    let message = match response.answer()? {
        Answer::Available(offer) => {
            lost.insert(Lost::PLACE);
            let id = ImageId { version: FileVersion(offer.version), ..asked };
            QueryResponse::Offer(ImageOffer { id, size })
        }
        Answer::Nothing(status) => {
            lost.set(Lost::REASON, status != Status::NOT_AVAILABLE);
            QueryResponse::Refused(Refusal::NO_IMAGE_AVAILABLE)
        }
    };
    Ok(Bridged { message, lost })
}

/// A Zigbee server's order to upgrade, as [`ServerTime::delay`] reads it, for a Matter requestor that asks whether to
/// apply. A part of a second counts as one.
#[must_use]
pub fn apply_update_response(delay: Delay) -> ApplyUpdateResponse {
    match delay {
        Delay::Forever => ApplyUpdateResponse { action: Action::AWAIT_NEXT_ACTION, delayed_action_time: 0 },
        Delay::For(time) => {
            let seconds = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
            let delayed_action_time = u32::try_from(seconds).unwrap_or(u32::MAX);
            ApplyUpdateResponse { action: Action::PROCEED, delayed_action_time }
        }
    }
}

/// A Matter provider's answer to who asks whether to apply, as the time of an Upgrade End Response. `None` for Discontinue
/// and for actions without a name: Zigbee has no such order, a Default Response with ABORT comes closest.
#[must_use]
pub fn upgrade_time(response: &ApplyUpdateResponse) -> Option<Bridged<ServerTime>> {
    match *response {
        ApplyUpdateResponse { action: Action::PROCEED, delayed_action_time } => {
            Some(Bridged { message: ServerTime::after_seconds(delayed_action_time), lost: Lost::empty() })
        }
        ApplyUpdateResponse { action: Action::AWAIT_NEXT_ACTION, delayed_action_time } => Some(Bridged {
            message: ServerTime::WAIT,
            lost: if delayed_action_time == 0 { Lost::empty() } else { Lost::DELAY },
        }),
        _ => None,
    }
}

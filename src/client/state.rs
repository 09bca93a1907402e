//! Where a client stands: one enumeration that owns what each stage needs, its deadline included.
//!
//! ```text
//!   Idle -> Querying -> Deciding -> Preparing -> Downloading -> Verifying -> Ending -> CountingDown -> Applying -> Idle
//!                                                     |          |   |        ^ ^ | |       ^              ^
//!                                                     |          |   v        | | | |       | order        | activate()
//!                                                     | a fault  | Uncredited-+ | | +--> WaitingFor ----------+
//!                                                     |          |              | |    an hour |           |
//!                                                     v          v              +-|------------+           |
//!        Idle, or Querying for another image <----- Reporting <--+                +--> Holding ------------+
//! ```
//!
//! Each transition; "home" is Idle or, where a file waits for its credentials, Uncredited with that file again.
//!
//! | from | on | to |
//! |---|---|---|
//! | Idle | the next query is due, a notify, `query`, `query_specific_file` | Querying |
//! | | `resume` | Downloading, Verifying, Uncredited or Ending, as the checkpoint has it |
//! | | `abort`, where images are kept | Idle, without them |
//! | Querying | an offer to be put to the application | Deciding |
//! | | an offer passed over, a refusal, no answer to all tries, no server found, `abort` | home |
//! | | a refusal, and `avoid_refusing` | Querying, once another server is found |
//! | Deciding | `accept` | Preparing |
//! | | `refuse`, `abort` | home |
//! | Preparing | `prepared` Ready | Downloading |
//! | | `prepared` Fault, `abort` | home |
//! | Downloading | the last byte is stored | Verifying |
//! | | ABORT, the image is gone, no files for one device | home; Querying where the download was resumed |
//! | | a header that does not fit, storage at fault, errors or silence for too long, `abort` | Reporting |
//! | Verifying | `verified` Valid; of a file for the device alone NeedsMore, too | Ending; Uncredited where it needs credentials |
//! | | `verified` Invalid, Abandon or NeedsMore, `abort` | Reporting |
//! | Uncredited | `credentials_obtained` Ready | Ending |
//! | | `credentials_obtained` Missing, `abort` | Reporting |
//! | | `query_specific_file` | Querying, with the file held meanwhile |
//! | Reporting | a Default Response, or no answer to two tries | home; after NeedsMore Querying for the next image |
//! | Ending | an order with a time | CountingDown |
//! | | an order to wait, a Default Response SUCCESS, no answer and `KeepWaiting` | Waiting |
//! | | an order or no answer, where only the application may start the upgrade | Holding |
//! | | no answer to four tries and `UpgradeEndFallback::Apply`, `activate` | Applying |
//! | | a Default Response of refusal; of a file for the device alone SUCCESS or no answer | home |
//! | | `abort` | Reporting |
//! | Waiting | an hour has passed, the connection was lost | Ending |
//! | | an order with a time; one to wait | CountingDown; Waiting anew; Holding as from Ending |
//! | | `activate`; `abort` | Applying; Reporting |
//! | Holding | `activate`; `abort`; any order | Applying; Reporting; Holding |
//! | CountingDown | the time has come, `activate` | Applying |
//! | | another order; one to wait | CountingDown anew; Waiting |
//! | | the connection was lost; `abort` | Ending; Reporting |
//! | Applying | `applied` Done or Failed | home |
//!
//! Where the server is, and whether it must be found first, is a matter of its own: see `discover`.

use crate::time::Instant;
use crate::types::{ImageId, ImageTypeClass, SecurityCredentialVersion, StackVersion};
use crate::zcl::{ImageOffer, Status};

use super::config::ClientConfig;
use super::output::Outcome;
use super::pending::PendingRequest;
use super::rtt::RttEstimator;
use super::transfer::Download;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State<const RANGES: usize> {
    /// Nothing goes on; the next query, if there is one.
    Idle { query_at: Option<Instant> },
    /// A query is under way; `next` is when to ask again if there is no image.
    Querying { wanted: Wanted, exchange: PendingRequest, next: Option<Instant> },
    /// The application decides on an offer.
    Deciding { offer: ImageOffer },
    /// The application makes room.
    Erasing { offer: ImageOffer },
    /// Blocks come in.
    Downloading(Download<RANGES>),
    /// The application checks the file.
    Verifying { image: Image },
    /// The file is good, but is for security credentials that the device does not have yet.
    AwaitingCredentials { image: Image, needed: SecurityCredentialVersion },
    /// The server is told how a download ended before the client goes on.
    Reporting { id: ImageId, status: Status, then: Then, exchange: PendingRequest },
    /// The file is good; the server is asked when to upgrade.
    Ending { image: Image, exchange: PendingRequest },
    /// The server said wait; it is asked again at `ask_at`.
    Waiting { image: Image, ask_at: Instant },
    /// The upgrade waits for the application: servers may not order it.
    AwaitingActivation { image: Image },
    /// The upgrade is ordered for a time.
    CountingDown { image: Image, at: Instant },
    /// The application switches to the image.
    Applying { image: Image },
}

/// What a query is for: one of the device's images as it runs now, or a file made for the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) id: ImageId,
    /// Told in a query for a file made for the device.
    pub(super) stack: StackVersion,
}

/// A file that is here, whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) offer: ImageOffer,
    pub(super) header: HeaderFacts,
}

/// What a file's header says and later steps need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct HeaderFacts {
    /// The stack that the image contains.
    pub stack: StackVersion,
    /// The security credential that the image is for.
    pub credential: Option<SecurityCredentialVersion>,
}

/// What follows a report to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The upgrade is over.
    End(Outcome),
    /// The image is kept, and another one, here as it runs now, is asked for.
    More(ImageId, HeaderFacts),
}

impl Image {
    pub(super) const fn id(&self) -> ImageId {
        self.offer.id
    }
}

/// Whether a file of this id is made for one device (sections 6.3.2.6 and 6.10.11).
pub(super) const fn is_specific(id: ImageId) -> bool {
    matches!(id.image_type.class(), ImageTypeClass::Assigned | ImageTypeClass::Reserved)
}

impl<const RANGES: usize> State<RANGES> {
    pub(super) const fn download(&self) -> Option<&Download<RANGES>> {
        match self {
            Self::Downloading(download) => Some(download),
            _ => None,
        }
    }

    pub(super) const fn download_mut(&mut self) -> Option<&mut Download<RANGES>> {
        match self {
            Self::Downloading(download) => Some(download),
            _ => None,
        }
    }

    /// The request under way, if there is one; a download has its own.
    pub(super) const fn exchange(&self) -> Option<&PendingRequest> {
        match self {
            Self::Querying { exchange, .. }
            | Self::Reporting { exchange, .. }
            | Self::Ending { exchange, .. } => Some(exchange),
            _ => None,
        }
    }

    pub(super) const fn exchange_mut(&mut self) -> Option<&mut PendingRequest> {
        match self {
            Self::Querying { exchange, .. }
            | Self::Reporting { exchange, .. }
            | Self::Ending { exchange, .. } => Some(exchange),
            _ => None,
        }
    }

    /// When something is to be done without anybody's doing.
    pub(super) fn deadline(&self, config: &ClientConfig, link: &RttEstimator) -> Option<Instant> {
        match self {
            Self::Idle { query_at } => *query_at,
            Self::Querying { exchange, .. }
            | Self::Reporting { exchange, .. }
            | Self::Ending { exchange, .. } => Some(exchange.deadline()),
            Self::Downloading(download) => download.deadline(config, link),
            Self::Waiting { ask_at: at, .. } | Self::CountingDown { at, .. } => Some(*at),
            Self::Deciding { .. }
            | Self::Erasing { .. }
            | Self::Verifying { .. }
            | Self::AwaitingCredentials { .. }
            | Self::AwaitingActivation { .. }
            | Self::Applying { .. } => None,
        }
    }

    /// Whether only the application can move it on.
    pub(super) fn waits_for_application(&self) -> bool {
        match self {
            Self::Deciding { .. }
            | Self::Erasing { .. }
            | Self::Verifying { .. }
            | Self::AwaitingCredentials { .. }
            | Self::AwaitingActivation { .. }
            | Self::Applying { .. } => true,
            Self::Downloading(download) => download.waits_for_application(),
            _ => false,
        }
    }

    /// Whether a device that sleeps should poll its parent often.
    pub(super) fn is_near(&self, config: &ClientConfig) -> bool {
        match self {
            Self::Downloading(download) => download.has_imminent_response(config),
            _ => self.exchange().is_some_and(PendingRequest::is_waiting),
        }
    }

    /// The whole file that is here, checked and not run yet.
    pub(super) const fn downloaded(&self) -> Option<Image> {
        match self {
            Self::AwaitingCredentials { image, .. }
            | Self::Ending { image, .. }
            | Self::Waiting { image, .. }
            | Self::AwaitingActivation { image }
            | Self::CountingDown { image, .. }
            | Self::Applying { image } => Some(*image),
            _ => None,
        }
    }
}

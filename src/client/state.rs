//! State machine of a client: an enum with one variant per state. Each variant owns the data of the state, including
//! the deadline.
//!
//! ```text
//!   Idle -> Querying -> Deciding -> Erasing -> Downloading -> Verifying -> Ending -> CountingDown -> Applying -> Idle
//!                                                   |          |   |        ^ ^ | |       ^              ^
//!                                                   |          |   v        | | | |       | upgrade time | activate()
//!                                                   |  failure | Awaiting-  | | | |       |              |
//!                                                   |          | Credentials+ | | +--> Waiting ----------+
//!                                                   |          |              | | 1 hour |               |
//!                                                   v          v              +-|--------+               |
//!      Idle, or Querying for the next image <----- Reporting <-+                +--> AwaitingActivation -+
//! ```
//!
//! The table lists all transitions of the client. "Home" in the table is Idle or, for a client that suspended a file to
//! fetch security credentials, AwaitingCredentials with the suspended file.
//!
//! | from | on | to |
//! |---|---|---|
//! | Idle | query timer, Image Notify, `query`, `query_specific_file` | Querying |
//! | | `resume` | Downloading, Verifying, AwaitingCredentials or Ending, by the checkpoint |
//! | | `abort` with pending images | Idle, without pending images |
//! | Querying | offer that the application must decide on | Deciding |
//! | | offer skipped, refusal, all attempts unanswered, no server found, `abort` | home |
//! | | refusal, with `replace_refusing_server` | Querying, sent once another server is found |
//! | Deciding | `accept` | Erasing |
//! | | `refuse`, `abort` | home |
//! | Erasing | `prepared` Ready | Downloading |
//! | | `prepared` Fault, `abort` | home |
//! | Downloading | last byte stored | Verifying |
//! | | ABORT, image gone, no device-specific files | home; Querying if the download was resumed |
//! | | header mismatch, storage fault, too many errors or timeouts, `abort` | Reporting |
//! | Verifying | `verified` Valid; NeedsMore for a device-specific file | Ending; AwaitingCredentials if required |
//! | | `verified` Invalid, Abandon or NeedsMore, `abort` | Reporting |
//! | AwaitingCredentials | `credentials_obtained` Ready | Ending |
//! | | `credentials_obtained` Missing, `abort` | Reporting |
//! | | `query_specific_file` | Querying, with the file suspended |
//! | Reporting | Default Response, or two unanswered attempts | home; after NeedsMore Querying for the next image |
//! | Ending | Upgrade End Response with a time | CountingDown |
//! | | Upgrade End Response "wait", Default Response SUCCESS, unanswered with `KeepWaiting` | Waiting |
//! | | Upgrade End Response or unanswered, if only the application may start the upgrade | AwaitingActivation |
//! | | four unanswered attempts with `UpgradeEndFallback::Apply`, `activate` | Applying |
//! | | Default Response with an error; for a device-specific file SUCCESS or unanswered | home |
//! | | `abort` | Reporting |
//! | Waiting | one hour has passed, `connection_lost` | Ending |
//! | | Upgrade End Response with a time; "wait" | CountingDown; Waiting for another hour; AwaitingActivation as from Ending |
//! | | `activate`; `abort` | Applying; Reporting |
//! | AwaitingActivation | `activate`; `abort`; any Upgrade End Response | Applying; Reporting; AwaitingActivation |
//! | CountingDown | the upgrade time is reached, `activate` | Applying |
//! | | another Upgrade End Response; "wait" | CountingDown with the new time; Waiting |
//! | | `connection_lost`; `abort` | Ending; Reporting |
//! | Applying | `applied` Done or Failed | home |
//!
//! The search for the server has a state machine of its own, see the module `discovery`.
//!
//! Sections refer to ZigBee document 095264 (2011).

use crate::time::Instant;
use crate::types::{ImageId, ImageTypeClass, SecurityCredentialVersion, StackVersion};
use crate::zcl::{ImageOffer, Status};

use super::checkpoint::HeaderFacts;
use super::config::ClientConfig;
use super::output::Outcome;
use super::request_retry::PendingRequest;
use super::rtt::RttEstimator;
use super::transfer::Download;

/// State of a query or an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State<const RANGES: usize> {
    /// No query and no upgrade is in progress. The next periodic query is due at `query_at`; `None` means no periodic
    /// query.
    Idle { query_at: Option<Instant> },
    /// A query is to be sent or in flight. If the query leads to no image, the next periodic query is due at `next`.
    Querying { target: QueryTarget, pending: PendingRequest, next: Option<Instant> },
    /// The application decides whether to accept an offer.
    Deciding { offer: ImageOffer },
    /// The application prepares storage for the offered file.
    Erasing { offer: ImageOffer },
    /// The client requests the blocks of the file, and the application stores them.
    Downloading(Download<RANGES>),
    /// The application verifies the complete file.
    Verifying { image: StoredImage },
    /// The file is valid but requires security credentials that the device lacks.
    AwaitingCredentials { image: StoredImage, needed: SecurityCredentialVersion },
    /// An Upgrade End Request with another status than SUCCESS is to be sent or in flight.
    Reporting { id: ImageId, status: Status, after: AfterReport, pending: PendingRequest },
    /// An Upgrade End Request with the status SUCCESS is to be sent or in flight.
    Ending { image: StoredImage, pending: PendingRequest },
    /// The server asked the client to wait, and the client repeats the Upgrade End Request at `ask_at`.
    Waiting { image: StoredImage, ask_at: Instant },
    /// The upgrade waits for a call of `activate`, because the configuration does not let servers start the upgrade.
    AwaitingActivation { image: StoredImage },
    /// The upgrade is scheduled for the time `at`.
    CountingDown { image: StoredImage, at: Instant },
    /// The application switches the device to the image.
    Applying { image: StoredImage },
}

/// Subject of a query: an image of the device with the version that runs now, or a device-specific file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QueryTarget {
    pub(super) id: ImageId,
    /// Stack version that the client sends in a Query Specific File Request.
    pub(super) stack: StackVersion,
}

/// File of which all bytes are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StoredImage {
    pub(super) offer: ImageOffer,
    pub(super) header: HeaderFacts,
}

/// Continuation of the upgrade after the state `Reporting`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterReport {
    /// The upgrade ends with the given outcome.
    End(Outcome),
    /// The client keeps the reported image and queries another image. The [`ImageId`] names the image to query, with
    /// the version that runs now; the [`HeaderFacts`] belong to the kept image.
    More(ImageId, HeaderFacts),
}

impl StoredImage {
    pub(super) const fn id(&self) -> ImageId {
        self.offer.id
    }
}

/// Returns whether the image type of `id` is a type of device-specific files (sections 6.3.2.6 and 6.10.11).
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

    /// Returns the request of this state that is to be sent or in flight; `None` for a download, which keeps requests
    /// of its own.
    pub(super) const fn pending_request(&self) -> Option<&PendingRequest> {
        match self {
            Self::Querying { pending, .. }
            | Self::Reporting { pending, .. }
            | Self::Ending { pending, .. } => Some(pending),
            _ => None,
        }
    }

    pub(super) const fn pending_request_mut(&mut self) -> Option<&mut PendingRequest> {
        match self {
            Self::Querying { pending, .. }
            | Self::Reporting { pending, .. }
            | Self::Ending { pending, .. } => Some(pending),
            _ => None,
        }
    }

    /// Returns the deadline of the timer of this state; `None` if the state has no timer.
    pub(super) fn deadline(&self, config: &ClientConfig, rtt: &RttEstimator) -> Option<Instant> {
        match self {
            Self::Idle { query_at } => *query_at,
            Self::Querying { pending, .. }
            | Self::Reporting { pending, .. }
            | Self::Ending { pending, .. } => Some(pending.deadline()),
            Self::Downloading(download) => download.deadline(config, rtt),
            Self::Waiting { ask_at: at, .. } | Self::CountingDown { at, .. } => Some(*at),
            Self::Deciding { .. }
            | Self::Erasing { .. }
            | Self::Verifying { .. }
            | Self::AwaitingCredentials { .. }
            | Self::AwaitingActivation { .. }
            | Self::Applying { .. } => None,
        }
    }

    /// Returns whether the client can leave this state only after an answer of the application.
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

    /// Returns whether the client expects an answer of the server soon, so that a sleepy device should poll its parent
    /// often.
    pub(super) fn expects_answer(&self, config: &ClientConfig) -> bool {
        match self {
            Self::Downloading(download) => download.has_imminent_response(config),
            _ => self.pending_request().is_some_and(PendingRequest::is_in_flight),
        }
    }

    /// Returns the image that is complete and verified but not applied yet; `None` if there is no such image.
    pub(super) const fn verified_image(&self) -> Option<StoredImage> {
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

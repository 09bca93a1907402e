//! State machine of a client: one enum whose variants own the data of each state, its deadline included.
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
//! Table of all transitions. "Home" is Idle or, for a client that suspended a file to fetch its credentials,
//! AwaitingCredentials with that file.
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
//! | | ABORT, image gone, no device specific files | home; Querying if the download was resumed |
//! | | header mismatch, storage fault, too many errors or timeouts, `abort` | Reporting |
//! | Verifying | `verified` Valid; NeedsMore for a device specific file | Ending; AwaitingCredentials if required |
//! | | `verified` Invalid, Abandon or NeedsMore, `abort` | Reporting |
//! | AwaitingCredentials | `credentials_obtained` Ready | Ending |
//! | | `credentials_obtained` Missing, `abort` | Reporting |
//! | | `query_specific_file` | Querying, with the file suspended |
//! | Reporting | Default Response, or two unanswered attempts | home; after NeedsMore Querying for the next image |
//! | Ending | Upgrade End Response with a time | CountingDown |
//! | | Upgrade End Response "wait", Default Response SUCCESS, unanswered with `KeepWaiting` | Waiting |
//! | | Upgrade End Response or unanswered, if only the application may start the upgrade | AwaitingActivation |
//! | | four unanswered attempts with `UpgradeEndFallback::Apply`, `activate` | Applying |
//! | | Default Response with an error; for a device specific file SUCCESS or unanswered | home |
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
//! The search for the server has its own state machine, see `discovery`.
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
    /// Nothing in progress. The next periodic query is due at `query_at`.
    Idle { query_at: Option<Instant> },
    /// Query to send or in flight. The next periodic query is due at `next` if there is no image.
    Querying { target: QueryTarget, pending: PendingRequest, next: Option<Instant> },
    /// The application decides on an offer.
    Deciding { offer: ImageOffer },
    /// The application prepares storage.
    Erasing { offer: ImageOffer },
    /// Blocks are requested and stored.
    Downloading(Download<RANGES>),
    /// The application verifies the file.
    Verifying { image: StoredImage },
    /// The file is valid but requires security credentials that the device lacks.
    AwaitingCredentials { image: StoredImage, needed: SecurityCredentialVersion },
    /// Upgrade End Request with another status than SUCCESS to send or in flight.
    Reporting { id: ImageId, status: Status, after: AfterReport, pending: PendingRequest },
    /// Upgrade End Request SUCCESS to send or in flight.
    Ending { image: StoredImage, pending: PendingRequest },
    /// The server asked the client to wait; the Upgrade End Request is repeated at `ask_at`.
    Waiting { image: StoredImage, ask_at: Instant },
    /// The upgrade waits for `activate`: servers may not start it.
    AwaitingActivation { image: StoredImage },
    /// The upgrade is scheduled for a time.
    CountingDown { image: StoredImage, at: Instant },
    /// The application switches to the image.
    Applying { image: StoredImage },
}

/// Subject of a query: an image of the device in the version that runs now, or a device specific file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QueryTarget {
    pub(super) id: ImageId,
    /// Stack version field of Query Specific File Request.
    pub(super) stack: StackVersion,
}

/// File that is stored completely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StoredImage {
    pub(super) offer: ImageOffer,
    pub(super) header: HeaderFacts,
}

/// Continuation of the state `Reporting`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterReport {
    /// The upgrade ends.
    End(Outcome),
    /// The reported image is kept, and another one is queried: its id in the version that runs now, and the header facts
    /// of the kept image.
    More(ImageId, HeaderFacts),
}

impl StoredImage {
    pub(super) const fn id(&self) -> ImageId {
        self.offer.id
    }
}

/// Returns whether the image type is one of those for device specific files (sections 6.3.2.6 and 6.10.11).
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

    /// Request to send or in flight, except those of a download.
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

    /// Deadline of the state's timer.
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

    /// Returns whether only an answer of the application leads to the next state.
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

    /// Returns whether an answer of the server is expected soon, so that a sleepy device should poll its parent often.
    pub(super) fn expects_answer(&self, config: &ClientConfig) -> bool {
        match self {
            Self::Downloading(download) => download.has_imminent_response(config),
            _ => self.pending_request().is_some_and(PendingRequest::is_in_flight),
        }
    }

    /// Image that is complete and verified but not applied.
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

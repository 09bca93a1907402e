//! State machine of a client: the enum `State`, in which a variant and its stage together are the state of the client.
//! A variant and its stage own the data of the state, including the deadline of the state.
//!
//! ```text
//!   Idle -> Querying -> Deciding -> Erasing -> Downloading -> Verifying -> Ending -> CountingDown -> Applying -> Idle
//!                          ^                     ^   |  |      |   |        ^ ^ | |       ^              ^
//!              other offer |        same offer,  |   |  |      |   v        | | | |       | upgrade time | activate()
//!                          |           checked   |   v  |      | Awaiting-  | | | |       |              |
//!                          +------------------- Paused  |      | Credentials+ | | +--> Waiting ----------+
//!                                                       |failure              | | 1 hour |               |
//!                                                       v      v              +-|--------+               |
//!      Idle, or Querying for the next image <----- Reporting <-+                +--> AwaitingActivation -+
//! ```
//!
//! The table lists all state transitions of the client. "Home" in the table stands for the state Idle or, if the client
//! has suspended the upgrade to a file to fetch security credentials, for the state AwaitingCredentials with this file.
//!
//! | from | on | to |
//! |---|---|---|
//! | Idle | query timer, Image Notify, `query`, `query_specific_file` | Querying |
//! | | `resume` | Downloading, Verifying, AwaitingCredentials, Ending or Idle, by the checkpoint |
//! | | `abort` with pending images | Idle, without pending images |
//! | Querying | offer that the application must decide on | Deciding |
//! | | offer skipped, refusal, all attempts unanswered, no server found, `abort` | home |
//! | | offer skipped, with `report_skipped_offers` | Reporting |
//! | | refusal, with `replace_refusing_server` | Querying, sent once another server is found |
//! | Deciding | `accept` | Erasing; a kept download or image is given up |
//! | | `refuse` | home; Paused with a kept download; Verifying or Ending with a kept image |
//! | | `abort` | home; Reporting with a kept download or image |
//! | | the kept file is offered again; a third offer | Downloading or Ending; Deciding on the third |
//! | Erasing | `prepared` Ready | Downloading |
//! | | `prepared` Fault | Erasing after a pause; home after the last attempt |
//! | | `abort` | home |
//! | | another offer | Deciding |
//! | Downloading | last byte stored | Verifying |
//! | | too many consecutive timeouts, refusals, errors or unusable answers | Paused |
//! | | the same offer | Downloading, with a check |
//! | | another offer | Deciding, with the download kept |
//! | | the check finds another file | Erasing |
//! | | ABORT, no device-specific files | home |
//! | | header mismatch, storage fault, `abort` | Reporting |
//! | Paused | the same offer | Downloading, with a check |
//! | | another offer | Deciding, with the download kept |
//! | | the longest pause has passed | Reporting; home if the server withdrew the image |
//! | | last byte stored; storage fault, `abort` | Verifying; Reporting |
//! | Verifying | `verified` Valid; NeedsMore for a device-specific file | Ending; AwaitingCredentials if required |
//! | | `verified` Invalid, Abandon or NeedsMore, `abort` | Reporting |
//! | AwaitingCredentials | `credentials_obtained` Ready | Ending |
//! | | `credentials_obtained` Missing, `abort` | Reporting |
//! | | `query_specific_file` | Querying, with the file suspended |
//! | Reporting | Default Response, or two unanswered attempts | home; after NeedsMore Querying for the next image |
//! | Ending | Upgrade End Response with a time | CountingDown |
//! | | Upgrade End Response "wait" | Waiting |
//! | | Default Response SUCCESS, ABORT or NO_IMAGE_AVAILABLE; unanswered for its hour | Ending, sent an hour later |
//! | | the same offer | Ending, sent at once |
//! | | Upgrade End Response or unanswered, if only the application may start the upgrade | AwaitingActivation |
//! | | four unanswered asks with `UpgradeEndFallback::Apply`, `activate` | Applying |
//! | | Default Response NOT_AUTHORIZED; for a device-specific file any answer or unanswered | home |
//! | | `abort` | Reporting |
//! | Waiting | one hour has passed, the same offer, `connection_lost` | Ending |
//! | | Upgrade End Response with a time; "wait" | CountingDown; Waiting for another hour; AwaitingActivation as from Ending |
//! | | `activate`; `abort` | Applying; Reporting |
//! | AwaitingActivation | `activate`; `abort`; any Upgrade End Response | Applying; Reporting; AwaitingActivation |
//! | | the same offer | Ending |
//! | CountingDown | the upgrade time is reached, `activate` | Applying |
//! | | another Upgrade End Response; "wait" | CountingDown with the new time; Waiting |
//! | | `connection_lost`; `abort`; Default Response NOT_AUTHORIZED | Ending; Reporting; home |
//! | Verifying to CountingDown | another offer | Deciding, with the image kept |
//! | Applying | `applied` Done or Failed | home |
//!
//! Each variant of [`State`] stands for the file that the client has: no file, a download, or a complete file. Each
//! variant of [`State`] contains a stage. `NoFile` has the stages Idle, Querying, Erasing and Reporting, `Download` has
//! Downloading and Paused, and `Image` has Verifying to Applying. All three variants of [`State`] have the stage
//! Deciding.
//!
//! In every state from Deciding to CountingDown a second query can be in flight in parallel to the state, see the
//! module `query_during_upgrade`. The search for the server has a state machine of its own, see the module `discovery`.
//!
//! Sections refer to ZigBee document 095264 (2011).

use crate::time::{Instant, Millis, UtcTime};
use crate::types::{ImageId, ImageTypeClass, SecurityCredentialVersion, StackVersion};
use crate::zcl::{ImageOffer, Status};

use super::checkpoint::HeaderFacts;
use super::clock_ticks::{Clock, Ticks};
use super::config::ClientConfig;
use super::event::{Outcome, PauseReason};
use super::request_retry::PendingRequest;
use super::rtt::RttEstimator;
use super::transfer::Download;

/// State of a query or an upgrade, by the file that the client has: no file, a download, or a complete file. In each
/// variant of `State`, the stage is a value of its own, so that a change of the stage does not move the download in
/// memory. The download is by far the largest field of a client in memory.
// With `repr(u32)`, the number of the variant is a field of its own, here and in the stages. Without `repr(u32)`, the
// number would be encoded in spare values of other fields, and reading the number would take several instructions.
#[derive(Clone, Debug)]
#[repr(u32)]
pub(super) enum State<const RANGES: usize> {
    /// The client has neither a download nor a complete file.
    NoFile(NoFile),
    /// The client has a download, of which some bytes may be stored.
    Download(Download<RANGES>, DownloadStage),
    /// The client has a complete file, of which all bytes are stored.
    Image(StoredImage, ImageStage),
}

/// Stage of a client that has neither a download nor a complete file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum NoFile {
    /// No query and no upgrade is in progress. The next periodic query is due at `query_at`.
    Idle { query_at: Ticks },
    /// The client has to send a query, or waits for the answer to its query. If the query leads to no image, the next
    /// periodic query is due at `next`.
    Querying { target: QueryTarget, pending: PendingRequest, next: Ticks, cause: QueryCause },
    /// The application decides whether to accept an offer.
    Deciding { offer: ImageOffer },
    /// The application prepares storage for the offered file, after `faults` failed attempts to prepare storage. The
    /// next attempt to prepare storage begins at `retry_at`; [`Ticks::NEVER`] means that the attempt has begun.
    Erasing { offer: ImageOffer, faults: u8, retry_at: Ticks },
    /// The client has to send an Upgrade End Request with another status than SUCCESS, or waits for the answer.
    Reporting { id: ImageId, status: Status, after: AfterReport, pending: PendingRequest },
}

/// Stage of an upgrade that has a download but no complete file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum DownloadStage {
    /// The client requests the blocks of the file, and the application stores them.
    Downloading,
    /// The server does not serve the file at present. The client keeps all stored bytes, and sends the next query at
    /// `ask_at`.
    Paused { reason: PauseReason, ask_at: Ticks },
    /// The application decides whether to accept the offer of another file. The client keeps all stored bytes of the
    /// download until the application has accepted or refused the offer.
    Deciding { offer: ImageOffer },
}

/// Stage of an upgrade that has a complete file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum ImageStage {
    /// The application verifies the complete file.
    Verifying,
    /// The application decides whether to accept the offer of another file. The client keeps its complete file until
    /// the application has accepted or refused the offer. `is_verified` is `true` if this complete file is verified.
    Deciding { offer: ImageOffer, is_verified: bool },
    /// The file is valid but requires security credentials that the device lacks.
    AwaitingCredentials { needed: SecurityCredentialVersion },
    /// The client has to send an Upgrade End Request with the status SUCCESS, or waits for the answer.
    Ending { pending: PendingRequest, ask: UpgradeEndAsk },
    /// The server asked the client to wait, and the client repeats the Upgrade End Request at `ask_at`.
    Waiting { ask_at: Ticks, ask: UpgradeEndAsk },
    /// The upgrade waits for a call of `activate`, because the configuration does not let servers start the upgrade.
    AwaitingActivation,
    /// The upgrade is scheduled for the time `at`. If the clocks of server and device agreed, `utc` is the upgrade time
    /// in UTC. `pending` is the next Upgrade End Request during a long countdown.
    CountingDown { at: Instant, utc: Option<UtcTime>, pending: Option<PendingRequest> },
    /// The application switches the device to the image.
    Applying,
}

/// Cause of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QueryCause {
    /// The client started the query without a unicast Image Notify and without a call of the application, for example
    /// after a timer expired.
    Timer,
    /// The client started the query after a unicast Image Notify of the server.
    UnicastNotify,
    /// The client started the query after a call of the application.
    Application,
}

/// Record of the Upgrade End Requests for one image since the last answer of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UpgradeEndAsk {
    /// Time of the first Upgrade End Request. If the server does not answer, the client repeats the Upgrade End Request
    /// with growing pauses until one hour after `since`.
    pub(super) since: Ticks,
    /// Number of times that the client has asked for an upgrade time without an answer. All Upgrade End Requests of the
    /// first hour count as one; each hourly request after the first hour counts as one more.
    pub(super) unanswered: u8,
    /// Number of consecutive Upgrade End Requests that the server refused with a status after which the server may
    /// offer the image again.
    pub(super) refusals: u8,
    /// `true` in the first hour after the first Upgrade End Request, in which the client may repeat the request with
    /// growing pauses.
    pub(super) is_first: bool,
}

impl UpgradeEndAsk {
    /// Creates the record of Upgrade End Requests for a client that sends its first Upgrade End Request at `now`.
    pub(super) const fn new(now: Ticks) -> Self {
        Self { since: now, unanswered: 0, refusals: 0, is_first: true }
    }

    /// Creates the record of Upgrade End Requests for a client that the server asked to wait at `now`.
    pub(super) const fn told_to_wait(now: Ticks) -> Self {
        Self { is_first: false, ..Self::new(now) }
    }
}

/// Image that a query asks for: an image of the device, with the version that the device runs now, or a device-specific
/// file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QueryTarget {
    pub(super) id: ImageId,
    /// Stack version that the client sends in a Query Specific File Request.
    pub(super) stack: StackVersion,
}

/// Completely stored file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StoredImage {
    pub(super) offer: ImageOffer,
    pub(super) header: HeaderFacts,
    /// `true` if the client downloaded the whole file from offset 0 without a pause.
    pub(super) is_clean: bool,
}

/// Continuation of the upgrade after the state `Reporting`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterReport {
    /// The upgrade ends with the outcome in this variant.
    End(Outcome),
    /// After an Upgrade End Request with REQUIRE_MORE_IMAGE for a verified image, the client keeps this image, and
    /// queries another image of the device. The [`ImageId`] names the image to query, with the version of this image
    /// that the device runs; the [`HeaderFacts`] belong to the kept image.
    More(ImageId, HeaderFacts),
    /// The client skipped an offer without having started an upgrade. The time in this variant is the time of the next
    /// periodic query.
    Skipped(Ticks),
}

impl StoredImage {
    pub(super) const fn id(&self) -> ImageId {
        self.offer.id
    }
}

/// Returns whether the image type of `id` is a type of device-specific files (sections 6.3.2.6 and 6.10.11).
#[cfg_attr(target_pointer_width = "32", inline(never))]
pub(super) const fn is_specific(id: ImageId) -> bool {
    matches!(id.image_type.class(), ImageTypeClass::Assigned | ImageTypeClass::Reserved)
}

impl<const RANGES: usize> State<RANGES> {
    /// Adapts all instants of the state to a new origin of the clock, which is `shift` later than the old origin.
    pub(super) fn shift(&mut self, shift: Millis) {
        match self {
            Self::NoFile(NoFile::Idle { query_at: at } | NoFile::Erasing { retry_at: at, .. })
            | Self::Download(_, DownloadStage::Paused { ask_at: at, .. })
            | Self::Image(_, ImageStage::Waiting { ask_at: at, .. }) => at.shift(shift),
            Self::NoFile(
                NoFile::Querying { next, .. } | NoFile::Reporting { after: AfterReport::Skipped(next), .. },
            ) => next.shift(shift),
            _ => {}
        }
        if let Self::Image(_, ImageStage::Ending { ask, .. } | ImageStage::Waiting { ask, .. }) = self {
            ask.since.shift(shift);
        }
        if let Self::Download(download, _) = self {
            download.shift(shift);
        }
        if let Some(pending) = self.pending_request_mut() {
            pending.shift(shift);
        }
    }

    /// Returns the download whose blocks the client requests at present; `None` if there is no download, if the
    /// download is paused, or while the application decides on the offer of another file.
    pub(super) const fn downloading(&self) -> Option<&Download<RANGES>> {
        match self {
            Self::Download(download, DownloadStage::Downloading) => Some(download),
            _ => None,
        }
    }

    pub(super) const fn downloading_mut(&mut self) -> Option<&mut Download<RANGES>> {
        match self {
            Self::Download(download, DownloadStage::Downloading) => Some(download),
            _ => None,
        }
    }

    /// Returns the download whose bytes are in storage, whether the download is running or paused.
    pub(super) const fn download(&self) -> Option<&Download<RANGES>> {
        match self {
            Self::Download(download, _) => Some(download),
            _ => None,
        }
    }

    /// Returns the complete file that the client has; `None` if there is no complete file.
    pub(super) const fn image(&self) -> Option<&StoredImage> {
        match self {
            Self::Image(image, _) => Some(image),
            _ => None,
        }
    }

    /// Returns the image that is complete and verified but not applied yet; `None` if there is no such image.
    pub(super) const fn verified_image(&self) -> Option<&StoredImage> {
        match self {
            Self::Image(_, ImageStage::Verifying | ImageStage::Deciding { is_verified: false, .. }) => None,
            _ => self.image(),
        }
    }

    pub(super) const fn is_paused(&self) -> bool {
        matches!(self, Self::Download(_, DownloadStage::Paused { .. }))
    }

    /// Returns the offer on which the application decides; `None` in every other state.
    pub(super) const fn open_offer(&self) -> Option<ImageOffer> {
        match self {
            Self::NoFile(NoFile::Deciding { offer })
            | Self::Download(_, DownloadStage::Deciding { offer })
            | Self::Image(_, ImageStage::Deciding { offer, .. }) => Some(*offer),
            _ => None,
        }
    }

    /// Returns the request of this state that is to be sent or in flight; `None` for a download, which keeps its block
    /// requests itself, and for a state without requests.
    pub(super) const fn pending_request(&self) -> Option<&PendingRequest> {
        match self {
            Self::NoFile(NoFile::Querying { pending, .. } | NoFile::Reporting { pending, .. })
            | Self::Image(
                _,
                ImageStage::Ending { pending, .. } | ImageStage::CountingDown { pending: Some(pending), .. },
            ) => Some(pending),
            _ => None,
        }
    }

    pub(super) const fn pending_request_mut(&mut self) -> Option<&mut PendingRequest> {
        match self {
            Self::NoFile(NoFile::Querying { pending, .. } | NoFile::Reporting { pending, .. })
            | Self::Image(
                _,
                ImageStage::Ending { pending, .. } | ImageStage::CountingDown { pending: Some(pending), .. },
            ) => Some(pending),
            _ => None,
        }
    }

    /// Returns the deadline of the timer of this state; [`Ticks::NEVER`] if the state has no timer. While `can_send` is
    /// `false`, the deadlines of requests do not count, because the client sends no requests.
    pub(super) fn deadline(
        &self,
        config: &ClientConfig,
        rtt: &RttEstimator,
        clock: Clock,
        can_send: bool,
    ) -> Ticks {
        let request = match self.pending_request() {
            Some(pending) if can_send => pending.deadline(),
            _ => Ticks::NEVER,
        };
        match self {
            Self::NoFile(stage) => match stage {
                NoFile::Idle { query_at } => *query_at,
                NoFile::Querying { .. } | NoFile::Reporting { .. } => request,
                NoFile::Deciding { .. } => Ticks::NEVER,
                NoFile::Erasing { retry_at, .. } => *retry_at,
            },
            Self::Download(download, stage) => match stage {
                DownloadStage::Downloading if can_send => download.deadline(config, rtt),
                DownloadStage::Paused { ask_at, .. } if can_send => *ask_at,
                DownloadStage::Paused { .. } => download.give_up_at(),
                DownloadStage::Downloading | DownloadStage::Deciding { .. } => Ticks::NEVER,
            },
            Self::Image(_, stage) => match stage {
                ImageStage::Ending { .. } => request,
                ImageStage::Waiting { ask_at, .. } => *ask_at,
                ImageStage::CountingDown { at, .. } => request.min(clock.ticks(*at)),
                ImageStage::Verifying
                | ImageStage::Deciding { .. }
                | ImageStage::AwaitingCredentials { .. }
                | ImageStage::AwaitingActivation
                | ImageStage::Applying => Ticks::NEVER,
            },
        }
    }

    /// Returns whether the client can leave this state only after an answer of the application.
    pub(super) fn waits_for_application(&self) -> bool {
        match self {
            Self::NoFile(stage) => {
                matches!(stage, NoFile::Deciding { .. } | NoFile::Erasing { retry_at: Ticks::NEVER, .. })
            }
            Self::Download(download, stage) => match stage {
                DownloadStage::Downloading => download.waits_for_application(),
                DownloadStage::Paused { .. } => false,
                DownloadStage::Deciding { .. } => true,
            },
            Self::Image(_, stage) => !matches!(
                stage,
                ImageStage::Ending { .. } | ImageStage::Waiting { .. } | ImageStage::CountingDown { .. }
            ),
        }
    }

    /// Returns whether the client expects an answer of the server soon, so that a sleepy device should poll its parent
    /// often.
    pub(super) fn expects_answer(&self, config: &ClientConfig) -> bool {
        match self.downloading() {
            Some(download) => download.has_imminent_response(config),
            None => self.pending_request().is_some_and(PendingRequest::is_in_flight),
        }
    }
}

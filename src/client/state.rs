//! Where a client stands: one enumeration that owns what each stage needs, its deadline included.
//!
//! ```text
//!            time, notify, query()            offer                  accept
//!   Idle ---------------------------> Querying -----> Deciding ---------------> Preparing
//!    ^  <---- no image, no answer -------+   ^            |                          | prepared
//!    |                                   ^   |            | refuse                   v
//!    +-----------------------------------|---|------------+                    Downloading <--+
//!    ^                                   |   |                                   |   |  block |
//!    |   Reporting (ABORT, INVALID_IMAGE)|<------ any fault, abort() ------------+   |  stored|
//!    +-------+                           |                                           v  ------+
//!    |                                   |  invalid                               Verifying
//!    |   Reporting <---------------------|------------------------------------------+| |
//!    |   Reporting (REQUIRE_MORE_IMAGE) -+ <----------------- more images -----------+ | valid
//!    |                                                                                 v
//!    |                                    Uncredited <--- other credentials needed --- + -+
//!    |                                        +-------- credentials are there ---->+      |
//!    |                                                                             v      |
//!    |                  +-----------> Waiting (asks every hour) <---- wait -------- Ending <-+
//!    |                  |                  | order                                   | order
//!    |                  +-- new order --+  v                                         |
//!    |   applied                        +- CountingDown <----------------------------+
//!    |                                        | time
//!    +---------- Applying <-------------------+
//!                    ^ activate()
//!                Holding <------ order, where only the application may start the upgrade
//! ```
//!
//! Where the server is, and whether it must be found first, is a matter of its own: see `discover`.

use crate::time::Instant;
use crate::types::{ImageId, ImageTypeClass, SecurityCredentialVersion, StackVersion};
use crate::zcl::{ImageOffer, Status};

use super::config::Config;
use super::output::Outcome;
use super::retransmit::Exchange;
use super::round_trip::RoundTrip;
use super::transfer::Download;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State<const ISLANDS: usize> {
    /// Nothing goes on; the next query, if there is one.
    Idle { query_at: Option<Instant> },
    /// A query is under way; `next` is when to ask again if there is no image.
    Querying { wanted: Wanted, exchange: Exchange, next: Option<Instant> },
    /// The application decides on an offer.
    Deciding { offer: ImageOffer },
    /// The application makes room.
    Preparing { offer: ImageOffer },
    /// Blocks come in.
    Downloading(Download<ISLANDS>),
    /// The application checks the file.
    Verifying { image: Image },
    /// The file is good, but is for security credentials that the device does not have yet.
    Uncredited { image: Image, needed: SecurityCredentialVersion },
    /// The server is told how a download ended before the client goes on.
    Reporting { id: ImageId, status: Status, then: Then, exchange: Exchange },
    /// The file is good; the server is asked when to upgrade.
    Ending { image: Image, exchange: Exchange },
    /// The server said wait; it is asked again at `ask_at`.
    Waiting { image: Image, ask_at: Instant },
    /// The upgrade waits for the application: servers may not order it.
    Holding { image: Image },
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

impl<const ISLANDS: usize> State<ISLANDS> {
    pub(super) const fn download(&self) -> Option<&Download<ISLANDS>> {
        match self {
            Self::Downloading(download) => Some(download),
            _ => None,
        }
    }

    pub(super) const fn download_mut(&mut self) -> Option<&mut Download<ISLANDS>> {
        match self {
            Self::Downloading(download) => Some(download),
            _ => None,
        }
    }

    /// The request under way, if there is one; a download has its own.
    pub(super) const fn exchange(&self) -> Option<&Exchange> {
        match self {
            Self::Querying { exchange, .. }
            | Self::Reporting { exchange, .. }
            | Self::Ending { exchange, .. } => Some(exchange),
            _ => None,
        }
    }

    pub(super) const fn exchange_mut(&mut self) -> Option<&mut Exchange> {
        match self {
            Self::Querying { exchange, .. }
            | Self::Reporting { exchange, .. }
            | Self::Ending { exchange, .. } => Some(exchange),
            _ => None,
        }
    }

    /// When something is to be done without anybody's doing.
    pub(super) fn deadline(&self, config: &Config, link: &RoundTrip) -> Option<Instant> {
        match self {
            Self::Idle { query_at } => *query_at,
            Self::Querying { exchange, .. }
            | Self::Reporting { exchange, .. }
            | Self::Ending { exchange, .. } => Some(exchange.deadline()),
            Self::Downloading(download) => download.deadline(config, link),
            Self::Waiting { ask_at: at, .. } | Self::CountingDown { at, .. } => Some(*at),
            Self::Deciding { .. }
            | Self::Preparing { .. }
            | Self::Verifying { .. }
            | Self::Uncredited { .. }
            | Self::Holding { .. }
            | Self::Applying { .. } => None,
        }
    }

    /// Whether only the application can move it on.
    pub(super) fn waits_for_application(&self) -> bool {
        match self {
            Self::Deciding { .. }
            | Self::Preparing { .. }
            | Self::Verifying { .. }
            | Self::Uncredited { .. }
            | Self::Holding { .. }
            | Self::Applying { .. } => true,
            Self::Downloading(download) => download.waits_for_application(),
            _ => false,
        }
    }

    /// Whether a device that sleeps should poll its parent often.
    pub(super) fn is_near(&self, config: &Config) -> bool {
        match self {
            Self::Downloading(download) => download.is_near(config),
            _ => self.exchange().is_some_and(Exchange::is_waiting),
        }
    }

    /// The whole file that is here, checked and not run yet.
    pub(super) const fn downloaded(&self) -> Option<Image> {
        match self {
            Self::Uncredited { image, .. }
            | Self::Ending { image, .. }
            | Self::Waiting { image, .. }
            | Self::Holding { image }
            | Self::CountingDown { image, .. }
            | Self::Applying { image } => Some(*image),
            _ => None,
        }
    }
}

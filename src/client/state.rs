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

use super::output::Outcome;
use super::received::{Range, Received};
use super::retransmit::Exchange;
use super::transfer::HeaderStart;

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

/// A download with everything it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Download<const ISLANDS: usize> {
    pub(super) offer: ImageOffer,
    pub(super) body: Body<ISLANDS>,
    pub(super) fetch: Fetch,
    /// Answers in a row that were errors.
    pub(super) errors: u8,
    /// Answers in a row that there is no such image.
    pub(super) missing: u8,
    /// Goes on from a checkpoint, and the server has not confirmed yet that it still has the file.
    pub(super) resumed: bool,
}

/// What is here of a file. Its start is fetched in order, and is read before the rest is asked for: the two never need
/// room at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body<const ISLANDS: usize> {
    /// The header is not complete.
    Start(HeaderStart),
    /// It is, and fits the offer.
    Rest(HeaderFacts, Received<ISLANDS>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fetch {
    /// The next block is asked for.
    Asking(Exchange),
    /// The server said to wait without end.
    Halted,
    /// So many bytes are with the application; the next ones are not to be asked for before that moment.
    Storing { size: u8, not_before: Instant },
}

impl<const ISLANDS: usize> Download<ISLANDS> {
    pub(super) const fn new(offer: ImageOffer, at: Instant) -> Self {
        Self {
            offer,
            body: Body::Start(HeaderStart::EMPTY),
            fetch: Fetch::Asking(Exchange::due(at)),
            errors: 0,
            missing: 0,
            resumed: false,
        }
    }

    /// Bytes stored, from the start.
    pub(super) const fn received(&self) -> u32 {
        match &self.body {
            Body::Start(start) => start.stored(),
            Body::Rest(_, received) => received.watermark(),
        }
    }

    /// The first bytes that are not here.
    pub(super) fn gap(&self) -> Option<Range> {
        match &self.body {
            Body::Start(start) => Some(Range { start: start.stored(), end: self.offer.size }),
            Body::Rest(_, received) => received.first_gap(self.offer.size),
        }
    }

    pub(super) fn contains(&self, range: Range) -> bool {
        match &self.body {
            Body::Start(start) => range.end <= start.stored(),
            Body::Rest(_, received) => received.contains(range),
        }
    }
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
    /// The request under way, if there is one.
    pub(super) const fn exchange(&self) -> Option<&Exchange> {
        match self {
            Self::Querying { exchange, .. }
            | Self::Reporting { exchange, .. }
            | Self::Ending { exchange, .. }
            | Self::Downloading(Download { fetch: Fetch::Asking(exchange), .. }) => Some(exchange),
            _ => None,
        }
    }

    pub(super) const fn exchange_mut(&mut self) -> Option<&mut Exchange> {
        match self {
            Self::Querying { exchange, .. }
            | Self::Reporting { exchange, .. }
            | Self::Ending { exchange, .. }
            | Self::Downloading(Download { fetch: Fetch::Asking(exchange), .. }) => Some(exchange),
            _ => None,
        }
    }

    /// When something is to be done without anybody's doing.
    pub(super) const fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Idle { query_at } => *query_at,
            Self::Querying { exchange, .. }
            | Self::Reporting { exchange, .. }
            | Self::Ending { exchange, .. }
            | Self::Downloading(Download { fetch: Fetch::Asking(exchange), .. }) => Some(exchange.deadline()),
            Self::Waiting { ask_at: at, .. } | Self::CountingDown { at, .. } => Some(*at),
            Self::Downloading(Download { fetch: Fetch::Halted | Fetch::Storing { .. }, .. })
            | Self::Deciding { .. }
            | Self::Preparing { .. }
            | Self::Verifying { .. }
            | Self::Uncredited { .. }
            | Self::Holding { .. }
            | Self::Applying { .. } => None,
        }
    }

    /// Whether only the application can move it on.
    pub(super) const fn waits_for_application(&self) -> bool {
        matches!(
            self,
            Self::Deciding { .. }
                | Self::Preparing { .. }
                | Self::Verifying { .. }
                | Self::Uncredited { .. }
                | Self::Holding { .. }
                | Self::Applying { .. }
                | Self::Downloading(Download { fetch: Fetch::Storing { .. }, .. })
        )
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

//! Where a client stands: one enumeration that owns what each stage needs, its deadline included.
//!
//! ```text
//!            time, notify, query()            offer                  accept
//!   Idle ---------------------------> Querying -----> Deciding ---------------> Preparing
//!    ^  <---- no image, no answer -------+   ^            |                          | prepared
//!    |                                       |            | refuse                   v
//!    +---------------------------------------|------------+                    Downloading <--+
//!    ^                                       |                                   |   |  block |
//!    |   Reporting (Upgrade End, not SUCCESS) <----- any fault, abort() ---------+   |  stored|
//!    +-------+                                                                       v  ------+
//!    |                          invalid                                          Verifying
//!    |   Reporting <-------------------------------------------------------------+   | valid
//!    |                                                                               v
//!    |                  +-----------> Waiting (asks every hour) <---- wait -------- Ending
//!    |                  |                  | order                                   | order
//!    |                  +-- new order --+  v                                         |
//!    |   applied                        +- CountingDown <----------------------------+
//!    +---------- Applying <---------------+ time
//! ```

use crate::file::Header;
use crate::time::Instant;
use crate::types::ImageId;
use crate::zcl::{ImageOffer, Status};

use super::output::Outcome;
use super::retransmit::Exchange;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing goes on; the next query, if there is one.
    Idle { query_at: Option<Instant> },
    /// Query Next Image is under way; `next` is when to ask again if there is no image.
    Querying { exchange: Exchange, next: Option<Instant> },
    /// The application decides on an offer.
    Deciding { offer: ImageOffer },
    /// The application makes room.
    Preparing { offer: ImageOffer },
    /// Blocks come in.
    Downloading(Download),
    /// The application checks the file.
    Verifying { offer: ImageOffer },
    /// A failed upgrade is reported to the server before it ends.
    Reporting { id: ImageId, status: Status, outcome: Outcome, exchange: Exchange },
    /// The file is good; the server is asked when to upgrade.
    Ending { id: ImageId, exchange: Exchange },
    /// The server said wait; it is asked again at `ask_at`.
    Waiting { id: ImageId, ask_at: Instant },
    /// The upgrade is ordered for a time.
    CountingDown { id: ImageId, at: Instant },
    /// The application switches to the image.
    Applying { id: ImageId },
}

/// A download with everything it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Download {
    pub(super) offer: ImageOffer,
    /// Bytes stored, from the start; the offset of the next block.
    pub(super) received: u32,
    pub(super) header: HeaderStart,
    pub(super) fetch: Fetch,
    /// Answers in a row that were errors.
    pub(super) errors: u8,
    /// Answers in a row that there is no such image.
    pub(super) missing: u8,
}

/// The first bytes of the file, which the client itself reads before it asks for the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderStart {
    /// As many as were received, at most all that can be known fields.
    Arriving([u8; Header::MAX_KNOWN_LEN]),
    /// It fits the offer.
    Checked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fetch {
    /// The next block is asked for.
    Asking(Exchange),
    /// The server said to wait without end.
    Halted,
    /// So many bytes are with the application; they were asked for at `asked_at`.
    Storing { size: u8, asked_at: Option<Instant> },
}

impl Download {
    pub(super) const fn new(offer: ImageOffer, at: Instant) -> Self {
        Self {
            offer,
            received: 0,
            header: HeaderStart::Arriving([0; Header::MAX_KNOWN_LEN]),
            fetch: Fetch::Asking(Exchange::due(at)),
            errors: 0,
            missing: 0,
        }
    }
}

impl State {
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
            | Self::Applying { .. } => None,
        }
    }
}

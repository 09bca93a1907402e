//! What a requestor has to keep in mind between an answer and what it does next.
//!
//! ```text
//! QueryImageResponse -> the delay is kept -> Query, Download or AskUser, not before it is over
//! ```

use core::time::Duration;

use super::error::{Status, Violation};
use super::response::{Answer, Offer, QueryImageResponse};
use super::uri::{ImageUri, NodeId};
use crate::time::Instant;

/// A requestor's side of its queries to one provider: when it may ask again or download, and whether it has to ask its
/// user first.
///
/// It lives in memory alone. A device that restarts makes a new one, and may ask early: providers have to expect that.
///
/// ```
/// use zigbee_ota::matter::{NodeId, QueryImageResponse, Requestor, Status, Todo};
/// use zigbee_ota::time::Instant;
///
/// let mut requestor = Requestor::new(NodeId(1), true);
/// let busy = QueryImageResponse { delayed_action_time: Some(120), ..QueryImageResponse::new(Status::BUSY) };
/// assert_eq!(requestor.handle(Instant::from_millis(500), &busy)?, Todo::Query(Status::BUSY));
/// assert_eq!(requestor.not_before(), Instant::from_millis(120_500));
/// # Ok::<(), zigbee_ota::matter::Violation>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Requestor {
    provider: NodeId,
    can_consent: bool,
    not_before: Instant,
}

/// What to do after an answer, no sooner than at [`Requestor::not_before`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Todo<'a> {
    /// Get the user's consent, where the user can see it, then download.
    AskUser(Offer<'a>),
    /// Download.
    Download(Offer<'a>),
    /// Ask again some time.
    Query(Status),
}

impl Requestor {
    /// A requestor that knows of no delay. `can_consent` is what its queries say in RequestorCanConsent.
    #[must_use]
    pub const fn new(provider: NodeId, can_consent: bool) -> Self {
        Self { provider, can_consent, not_before: Instant::ZERO }
    }

    /// The moment before which it neither asks this provider again nor downloads from it.
    #[must_use]
    pub const fn not_before(&self) -> Instant {
        self.not_before
    }

    /// Takes the provider's answer. DelayedActionTime is kept whatever the status: it can only do good.
    ///
    /// # Errors
    /// As [`QueryImageResponse::answer`], and [`UriError::NodeMismatch`](super::UriError::NodeMismatch) for a BDX URI of
    /// another node. The delay is kept then, too.
    pub fn handle<'a>(
        &mut self,
        now: Instant,
        response: &QueryImageResponse<'a>,
    ) -> Result<Todo<'a>, Violation> {
        let delay = response.delayed_action_time.unwrap_or(0);
        self.not_before = now.after(Duration::from_secs(delay.into()));
        let offer = match response.answer()? {
            Answer::Nothing(status) => return Ok(Todo::Query(status)),
            Answer::Available(offer) => offer,
        };
        if let ImageUri::Bdx(bdx) = offer.uri {
            bdx.check_provider(self.provider)?;
        }
        // Of a requestor that cannot ask its user, the field says nothing.
        Ok(match self.can_consent && response.user_consent_needed == Some(true) {
            true => Todo::AskUser(offer),
            false => Todo::Download(offer),
        })
    }
}

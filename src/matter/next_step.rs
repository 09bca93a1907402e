//! Requestor's reaction to a QueryImageResponse: the next step and its earliest time.
//!
//! ```text
//! QueryImageResponse -> delay stored in the requestor -> QueryAgain, Download or AskUser, once the delay has passed
//! ```

use core::time::Duration;

use super::error::MatterRuleError;
use super::query_image_response::{QueryImageResponse, QueryImageStatus, UpdateOffer};
use super::uri::{ImageUri, NodeId};
use crate::time::Instant;

/// State that a requestor keeps between its queries to one provider: the earliest time of the next query or download.
///
/// The state of the requestor is in memory only. After a restart, the device creates a new `Requestor`, which knows of
/// no delay; a provider has to expect early queries.
///
/// ```
/// use zigbee_ota::matter::{NextStep, NodeId, QueryImageResponse, QueryImageStatus, Requestor};
/// use zigbee_ota::time::Instant;
///
/// let mut requestor = Requestor::new(NodeId(1), true);
/// let mut busy = QueryImageResponse::new(QueryImageStatus::BUSY);
/// busy.delayed_action_time = Some(120);
/// let next = requestor.handle_response(Instant::from_millis(500), &busy)?;
/// assert_eq!(next, NextStep::QueryAgain(QueryImageStatus::BUSY));
/// assert_eq!(requestor.not_before(), Instant::from_millis(120_500));
/// # Ok::<(), zigbee_ota::matter::MatterRuleError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Requestor {
    provider: NodeId,
    can_consent: bool,
    not_before: Instant,
}

/// Next step of a requestor after a response. The step must not begin before [`Requestor::not_before`].
// Exhaustive: a requestor that ignored an unknown step would never download an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum NextStep<'a> {
    /// Ask the user for consent, by visible means, then download the image.
    AskUser(UpdateOffer<'a>),
    /// Download the image.
    Download(UpdateOffer<'a>),
    /// Send another query later: the provider offers no image, for the reason in the status.
    QueryAgain(QueryImageStatus),
}

impl Requestor {
    /// Creates the state of a requestor without a pending delay. `can_consent` is the field RequestorCanConsent of its
    /// queries.
    #[must_use]
    pub const fn new(provider: NodeId, can_consent: bool) -> Self {
        Self { provider, can_consent, not_before: Instant::ZERO }
    }

    /// Returns the earliest time of the next query to this provider, or of a download from this provider.
    #[must_use]
    pub const fn not_before(&self) -> Instant {
        self.not_before
    }

    /// Handles a response of the provider, received at `now`.
    ///
    /// The requestor obeys a DelayedActionTime with any status, although a provider may send DelayedActionTime only
    /// with Busy: waiting does no harm.
    ///
    /// # Errors
    /// The errors of [`QueryImageResponse::offer`], and
    /// [`ImageUriError::NodeMismatch`](super::ImageUriError::NodeMismatch) for a BDX URI of another node. The requestor
    /// stores the delay even if `handle_response` fails.
    pub fn handle_response<'a>(
        &mut self,
        now: Instant,
        response: &QueryImageResponse<'a>,
    ) -> Result<NextStep<'a>, MatterRuleError> {
        let delay = response.delayed_action_time.unwrap_or(0);
        self.not_before = now.after(Duration::from_secs(delay.into()));
        let Some(offer) = response.offer()? else { return Ok(NextStep::QueryAgain(response.status)) };
        if let ImageUri::Bdx(bdx) = offer.uri {
            bdx.check_provider(self.provider)?;
        }
        // UserConsentNeeded has no meaning for a requestor that cannot ask its user.
        Ok(match self.can_consent && response.user_consent_needed == Some(true) {
            true => NextStep::AskUser(offer),
            false => NextStep::Download(offer),
        })
    }
}

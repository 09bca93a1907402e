//! Reaction of a requestor to the responses of a provider: the next step of the requestor, with the reason and the
//! earliest time of the step.
//!
//! ```text
//! QueryImageResponse  -> AskUser or Download (offered version > running version), else QueryAgain with the reason
//! ApplyUpdateResponse -> Apply, AskAgain or Discard
//! ```
//!
//! | response | earliest time of the next step |
//! |---|---|
//! | UpdateAvailable with a newer version | DelayedActionTime after the response |
//! | any other QueryImageResponse | DelayedActionTime after the response, but at least 120 s |
//! | Proceed | DelayedActionTime after the response |
//! | AwaitNextAction, Discontinue | DelayedActionTime after the response, but at least 120 s |

use core::fmt;
use core::time::Duration;

use super::apply_update::{ApplyUpdateAction, ApplyUpdateResponse};
use super::error::MatterRuleError;
use super::query_image_response::{QueryImageResponse, QueryImageStatus, UpdateOffer};
use super::uri::{ImageUri, NodeId};
use crate::time::Instant;

/// State that a requestor keeps between its commands to one provider: the running version, and the earliest time of the
/// next step.
///
/// The state of the requestor is in memory only. After a restart, the device creates a new `Requestor`, which may query
/// at once. After a restart of a requestor, its provider may receive a query before the DelayedActionTime of the last
/// response has passed.
///
/// ```
/// use zigbee_ota::matter::{NextStep, NodeId, QueryAgainReason, QueryImageResponse, QueryImageStatus, Requestor};
/// use zigbee_ota::time::Instant;
///
/// let running = 4;
/// let mut requestor = Requestor::new(NodeId(1), running, true);
/// let mut busy = QueryImageResponse::new(QueryImageStatus::BUSY);
/// busy.delayed_action_time = Some(180);
/// let next = requestor.handle_response(Instant::from_millis(500), &busy)?;
/// assert_eq!(next, NextStep::QueryAgain(QueryAgainReason::NoImage(QueryImageStatus::BUSY)));
/// assert_eq!(next.to_string(), "query again later: the provider answers Busy");
/// assert_eq!(requestor.not_before(), Instant::from_millis(180_500));
/// # Ok::<(), zigbee_ota::matter::MatterRuleError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Requestor {
    provider: NodeId,
    software_version: u32,
    can_consent: bool,
    not_before: Instant,
}

/// Next step of a requestor after a [`QueryImageResponse`]. The requestor must not begin its next step before the time
/// that [`Requestor::not_before`] returns. `Display` writes the next step and its reason.
// Exhaustive: a requestor that ignored an unknown step would never download an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum NextStep<'a> {
    /// Ask the user for consent in a visible way, for example on a display, then download the image. The offered
    /// version is newer than the running version, and the provider requires consent.
    AskUser(UpdateOffer<'a>),
    /// Download the image. The offered version is newer than the running version, and no consent is needed.
    Download(UpdateOffer<'a>),
    /// Send another query later. The variant contains the reason why the requestor does not download an image.
    QueryAgain(QueryAgainReason),
}

/// Reason why a requestor does not download an image after a [`QueryImageResponse`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum QueryAgainReason {
    /// The provider offers no image. The variant contains the status of the response, which says why the provider
    /// offers no image.
    NoImage(QueryImageStatus),
    /// The provider offers an image whose version is not newer than the running version. Section 11.20.3.2 of the
    /// Matter specification forbids the offer of a version that is not newer than the running version. A requestor that
    /// accepted the offer of its running version would download the same image again and again.
    NotNewer {
        /// Version of the offered image.
        offered: u32,
        /// Version that the requestor runs.
        running: u32,
    },
}

/// Next step of a requestor after an [`ApplyUpdateResponse`]. The requestor must not begin its next step before the
/// time that [`Requestor::not_before`] returns.
// Exhaustive: a requestor that ignored an unknown step would never apply an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ApplyStep {
    /// Apply the downloaded image.
    Apply,
    /// Send another ApplyUpdateRequest, because the provider is not ready, or because the response of the provider has
    /// an action without a named constant.
    AskAgain,
    /// Discard the downloaded image. After it has discarded the image, the requestor sends another query.
    Discard,
}

impl fmt::Display for NextStep<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AskUser(offer) => {
                write!(f, "ask the user for consent to the newer version {}", offer.version)
            }
            Self::Download(offer) => write!(f, "download the newer version {}", offer.version),
            Self::QueryAgain(reason) => write!(f, "query again later: {reason}"),
        }
    }
}

impl fmt::Display for QueryAgainReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoImage(status) => write!(f, "the provider answers {status}"),
            Self::NotNewer { offered, running } => {
                write!(
                    f,
                    "the provider offers version {offered}, not newer than the running version {running}"
                )
            }
        }
    }
}

impl Requestor {
    /// Minimum time from a response until the next query or ApplyUpdateRequest (sections 11.20.3.2 and 11.20.3.6). If
    /// the DelayedActionTime of the response is longer than `MIN_DELAY`, the requestor waits for the DelayedActionTime.
    pub const MIN_DELAY: Duration = Duration::from_secs(120);

    /// Creates the state of a requestor that may query at once. `software_version` is the running version.
    /// `can_consent` is the value of the field RequestorCanConsent in the queries of the requestor.
    #[must_use]
    pub const fn new(provider: NodeId, software_version: u32, can_consent: bool) -> Self {
        Self { provider, software_version, can_consent, not_before: Instant::ZERO }
    }

    /// Returns the running version, which is the field SoftwareVersion of the queries.
    #[must_use]
    pub const fn software_version(&self) -> u32 {
        self.software_version
    }

    /// Returns the earliest time of the next step: a query to this provider, a download from this provider, an
    /// ApplyUpdateRequest, or the activation of an image.
    #[must_use]
    pub const fn not_before(&self) -> Instant {
        self.not_before
    }

    /// Handles a response of the provider to a QueryImage, received at `now`.
    ///
    /// The requestor waits for the DelayedActionTime of every response, whatever its status, because a wait does no
    /// harm. The Matter specification allows DelayedActionTime only with the status Busy. Before another query, the
    /// requestor waits at least [`MIN_DELAY`](Self::MIN_DELAY).
    ///
    /// # Errors
    /// The errors of [`QueryImageResponse::offer`], and
    /// [`ImageUriError::NodeMismatch`](super::ImageUriError::NodeMismatch) for a BDX URI of another node than the
    /// provider. If the response causes an error, the next step of the requestor is another query, and
    /// [`not_before`](Self::not_before) returns the earliest time of this query.
    pub fn handle_response<'a>(
        &mut self,
        now: Instant,
        response: &QueryImageResponse<'a>,
    ) -> Result<NextStep<'a>, MatterRuleError> {
        let delay = Duration::from_secs(response.delayed_action_time.unwrap_or(0).into());
        self.not_before = now.after(delay.max(Self::MIN_DELAY));
        let Some(offer) = response.offer()? else {
            return Ok(NextStep::QueryAgain(QueryAgainReason::NoImage(response.status)));
        };
        if let ImageUri::Bdx(bdx) = offer.uri {
            bdx.check_provider(self.provider)?;
        }
        let (offered, running) = (offer.version, self.software_version);
        if offered <= running {
            return Ok(NextStep::QueryAgain(QueryAgainReason::NotNewer { offered, running }));
        }
        self.not_before = now.after(delay);
        // A requestor that cannot ask its user ignores UserConsentNeeded.
        Ok(match self.can_consent && response.user_consent_needed == Some(true) {
            true => NextStep::AskUser(offer),
            false => NextStep::Download(offer),
        })
    }

    /// Handles a response of the provider to an ApplyUpdateRequest, received at `now`.
    ///
    /// Before another ApplyUpdateRequest or query, the requestor waits at least [`MIN_DELAY`](Self::MIN_DELAY).
    pub fn handle_apply_response(&mut self, now: Instant, response: &ApplyUpdateResponse) -> ApplyStep {
        let ApplyUpdateResponse { action, delayed_action_time } = *response;
        let delay = Duration::from_secs(delayed_action_time.into());
        let (step, delay) = match action {
            ApplyUpdateAction::PROCEED => (ApplyStep::Apply, delay),
            ApplyUpdateAction::DISCONTINUE => (ApplyStep::Discard, delay.max(Self::MIN_DELAY)),
            _ => (ApplyStep::AskAgain, delay.max(Self::MIN_DELAY)),
        };
        self.not_before = now.after(delay);
        step
    }
}

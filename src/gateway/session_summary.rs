//! Sessions of a server for a display: counts by phase, and one report for each session.
//!
//! ```text
//! Server::sessions --> SessionSummary { downloading: 3, stalled: 1, .. }
//!                 \--> SessionReport { client, phase, progress, .. }     one for each session
//! ```

use core::fmt::{self, Display, Formatter};

use crate::aps::Address;
use crate::server::{Server, Session, SessionPhase, SessionProgress, SessionSlots};
use crate::time::Instant;
use crate::types::Eui64;
use crate::zcl::Status;

/// Number of the sessions of a server in each phase. A session belongs to a client and an image type, so a client with
/// two image types counts twice. `Display` writes, for instance, `3 downloading, 1 stalled`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct SessionSummary {
    /// Sessions whose last query the server refused, usually because the device runs the newest image.
    pub refused: usize,
    /// Sessions with an offer, whose client has requested no block yet.
    pub offered: usize,
    /// Sessions whose client is downloading an image.
    pub downloading: usize,
    /// Sessions for which the server has sent the complete file, and whose client verifies the image.
    pub verifying: usize,
    /// Sessions whose client was silent for longer than the timeout (`stall_timeout` or `verify_timeout` of
    /// `ServerConfig`).
    pub stalled: usize,
    /// Sessions whose client has downloaded and verified its image. A client that has verified its image upgrades, or
    /// waits for its upgrade.
    pub downloaded: usize,
    /// Sessions whose download ended without success, or was cancelled.
    pub failed: usize,
}

impl SessionSummary {
    /// Counts the sessions of `server` in each phase.
    #[must_use]
    pub fn of(server: &Server<impl SessionSlots>) -> Self {
        let mut summary = Self::default();
        for session in server.sessions() {
            let count = summary.count_of(&session.phase());
            *count = count.saturating_add(1);
        }
        summary
    }

    fn count_of(&mut self, phase: &SessionPhase) -> &mut usize {
        match *phase {
            SessionPhase::Refused(_) => &mut self.refused,
            SessionPhase::Offered(_) => &mut self.offered,
            SessionPhase::Downloading { reached, size, .. } if reached < size => &mut self.downloading,
            SessionPhase::Downloading { .. } => &mut self.verifying,
            SessionPhase::Stalled { .. } => &mut self.stalled,
            SessionPhase::Ended { status: Status::SUCCESS, .. } => &mut self.downloaded,
            SessionPhase::Ended { .. } => &mut self.failed,
        }
    }
}

impl Display for SessionSummary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { refused, offered, downloading, verifying, stalled, downloaded, failed } = *self;
        let counts = [
            (downloading, "downloading"),
            (verifying, "verifying"),
            (downloaded, "downloaded"),
            (offered, "offered"),
            (stalled, "stalled"),
            (failed, "failed"),
            (refused, "refused"),
        ];
        let mut separator = "";
        for (count, phase) in counts.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, "{separator}{count} {phase}")?;
            separator = ", ";
        }
        if separator.is_empty() { f.write_str("no sessions") } else { Ok(()) }
    }
}

/// State of one session for a display. `Display` writes the state without the client, for instance
/// `downloads 1001-00AB-00000005, 400 of 1000 bytes, heard 2 s ago`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct SessionReport {
    /// Client of the session.
    pub client: Address,
    /// IEEE address of the client; `None` if the gateway has not passed the IEEE address to the server.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub ieee: Option<Eui64>,
    /// Phase of the session, such as an offer or a download.
    pub phase: SessionPhase,
    /// Progress of the download; `None` in any phase except [`SessionPhase::Downloading`].
    pub progress: Option<SessionProgress>,
    /// Seconds since the last frame of the client about the image of the session, or since the answer to a deferred
    /// request.
    pub silent_seconds: u32,
}

impl SessionReport {
    /// Creates the report of a session at the time `now`.
    #[must_use]
    pub fn new(now: Instant, session: &Session) -> Self {
        Self {
            client: session.client(),
            ieee: session.ieee(),
            phase: session.phase(),
            progress: session.progress(),
            silent_seconds: now.since(session.last_heard()).0 / 1000,
        }
    }
}

impl Display for SessionReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { client: _, ieee: _, phase, progress, silent_seconds } = self;
        match phase {
            SessionPhase::Refused(refusal) => write!(f, "refused with {refusal}"),
            SessionPhase::Offered(id) => write!(f, "offered {id}"),
            SessionPhase::Downloading { id, .. } => write!(f, "downloads {id}"),
            SessionPhase::Stalled { id, reached } => write!(f, "stalled at byte {reached} of {id}"),
            SessionPhase::Ended { id, status } => write!(f, "ended {id}: {status}"),
        }?;
        progress.map_or(Ok(()), |progress| write!(f, ", {progress}"))?;
        write!(f, ", heard {silent_seconds} s ago")
    }
}

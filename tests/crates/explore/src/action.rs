//! Actions: the possible next events in a simulated pair of client and server, as two bytes, and as a word for traces.
//!
//! ```text
//! answer  deliver:1  tick  reboot:2  ...      `deliver:1` delivers the second frame on the link
//! ```

use std::fmt;
use std::str::FromStr;

/// Kinds of actions. The first actions belong to a fault-free run; all others are faults, and each costs one of the
/// fault budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The application answers the pending need or block with the given index, well.
    Answer,
    /// The frame with the given index on the link arrives. The frame that was sent first arrives at no cost; the
    /// arrival of any other frame, in either direction, overtakes it and costs one fault.
    Deliver,
    /// The gateway answers the deferred request with the given index.
    Serve,
    /// The operator releases a client on hold.
    Release,
    /// The application starts the upgrade. Free where the client waits for that.
    Activate,
    /// The store has its images again, before the time.
    Refill,
    /// Time passes until the next deadline. The action costs one fault while a frame is in flight or a job is pending.
    Tick,
    /// A frame on the link is lost.
    Lose,
    /// A frame on the link is doubled.
    Duplicate,
    /// A frame is lost, and its sender learns that.
    LoseReported,
    /// A frame arrives although its delivery is reported as failed.
    ReportFailed,
    /// All frames of the given number of minutes are lost.
    Outage,
    /// The server answers the next block request otherwise, see `Mood`.
    Mood,
    /// The gateway restarts without sessions.
    Restart,
    /// A newer version replaces the image of the given index.
    Replace,
    /// Another file with the same identity and size replaces the image.
    Rebuild,
    /// The store is empty for the given number of seconds at most.
    Empty,
    /// Image Notify by unicast.
    Notify,
    /// Image Notify by broadcast.
    NotifyAll,
    /// The operator holds the client.
    Hold,
    /// Another client of the server requests a block.
    OtherClient,
    /// The device restarts: 0 without a checkpoint, 1 with the newest checkpoint, 2 with the checkpoint before the
    /// newest.
    Reboot,
    /// The application delays its pending answer.
    Late,
    /// The application gives a wrong answer; the high digit selects the kind of the answer.
    AnswerBadly,
    /// The application calls `connection_lost`.
    ConnectionLost,
    /// The application calls `abort`.
    Abort,
    /// The application calls `query`.
    Query,
    /// A frame loses its last byte in transit.
    Damage,
    /// The image type in a frame is another one.
    AlterType,
    /// The file version in a frame is another one.
    AlterVersion,
    /// A frame to the client arrives, before the right one, from a node that is not the server.
    Stranger,
    /// A frame to the client arrives as a broadcast.
    Broadcast,
    /// A request gets a Default Response, or a block request an Image Block Response NO_IMAGE_AVAILABLE: the low digit is
    /// the place on the link, the high digit the answer.
    Refuse,
    /// The client gets a response that it did not ask for: see `FORGED`.
    Forge,
}

/// Words of the kinds, in the order of their declaration.
const WORDS: [&str; 34] = [
    "answer",
    "deliver",
    "serve",
    "release",
    "activate",
    "refill",
    "tick",
    "lose",
    "duplicate",
    "lose-reported",
    "report-failed",
    "outage",
    "mood",
    "restart",
    "replace",
    "rebuild",
    "empty",
    "notify",
    "notify-all",
    "hold",
    "other-client",
    "reboot",
    "late",
    "answer-badly",
    "connection-lost",
    "abort",
    "query",
    "damage",
    "alter-type",
    "alter-version",
    "stranger",
    "broadcast",
    "refuse",
    "forge",
];

impl Kind {
    pub const ALL: [Self; 34] = [
        Self::Answer,
        Self::Deliver,
        Self::Serve,
        Self::Release,
        Self::Activate,
        Self::Refill,
        Self::Tick,
        Self::Lose,
        Self::Duplicate,
        Self::LoseReported,
        Self::ReportFailed,
        Self::Outage,
        Self::Mood,
        Self::Restart,
        Self::Replace,
        Self::Rebuild,
        Self::Empty,
        Self::Notify,
        Self::NotifyAll,
        Self::Hold,
        Self::OtherClient,
        Self::Reboot,
        Self::Late,
        Self::AnswerBadly,
        Self::ConnectionLost,
        Self::Abort,
        Self::Query,
        Self::Damage,
        Self::AlterType,
        Self::AlterVersion,
        Self::Stranger,
        Self::Broadcast,
        Self::Refuse,
        Self::Forge,
    ];
}

/// A kind with its argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    pub kind: Kind,
    pub arg: u8,
}

impl Action {
    pub const fn new(kind: Kind, arg: u8) -> Self {
        Self { kind, arg }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(WORDS[self.kind as usize])?;
        if self.arg > 0 { write!(f, ":{}", self.arg) } else { Ok(()) }
    }
}

impl FromStr for Action {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (word, arg) = text.split_once(':').unwrap_or((text, "0"));
        let at = WORDS.iter().position(|known| *known == word);
        let kind =
            at.and_then(|at| Kind::ALL.get(at)).ok_or_else(|| format!("no action is called {word}"))?;
        let arg = arg.parse().map_err(|error| format!("{text}: {error}"))?;
        Ok(Self { kind: *kind, arg })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_reads_back_what_it_writes() {
        for (at, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, at);
            for arg in [0, 3] {
                let action = Action::new(kind, arg);
                assert_eq!(action.to_string().parse(), Ok(action));
            }
        }
    }
}

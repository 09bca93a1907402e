//! Events of the gateway itself, in addition to the events of the library's server: results of file changes and of
//! commands.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use serde::Serialize;
use zigbee_ota::ImageId;
use zigbee_ota::aps::Address;
use zigbee_ota::server::{ImageInfo, Session, SessionPhase, SessionProgress};
use zigbee_ota::time::Instant;

use crate::commands::HELP;
use crate::terminal_escape;

/// Event of the gateway. `Serialize` writes the name of the event in the field `event`.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Report {
    /// A file of a folder is served from now on.
    FileAdded { path: String, id: ImageId },
    /// A file has other content, which is served from now on.
    FileReplaced { path: String, id: ImageId, previous: ImageId },
    /// A file is no longer served.
    FileRemoved { path: String, id: ImageId },
    /// A file of a folder cannot be served.
    FileRejected { path: String, reason: String },
    /// A file that is served, in answer to `files`.
    File { path: String, info: ImageInfo },
    /// Number of files that are served.
    Files { count: usize },
    /// A device, in answer to `devices`.
    Device { client: Address, connected: bool, downloads: Vec<Download> },
    /// Number of devices.
    Devices { count: usize },
    /// Number of devices that were sent an Image Notify.
    Notified { count: usize },
    /// Devices hold their upgrades; `count` is the number of devices that were sent this order now.
    Hold { count: usize },
    /// Devices upgrade; `count` of them were told so just now.
    Released { count: usize },
    /// The gateway has removed all state of a device.
    Forgotten { client: Address },
    /// A command had no effect.
    CommandFailed { command: String, reason: String },
    /// Commands, in answer to `help`.
    Help { commands: [&'static str; HELP.len()] },
    /// Lines of output that were lost because nobody read the output.
    LinesLost { count: u64 },
}

/// Current or last download of a device.
#[derive(Serialize)]
pub struct Download {
    phase: SessionPhase,
    progress: Option<SessionProgress>,
    /// Seconds since the last frame of the device about this image.
    silent_seconds: u32,
}

impl Download {
    pub fn new(now: Instant, session: &Session) -> Self {
        let silent_seconds = now.since(session.last_heard()).0 / 1000;
        Self { phase: session.phase(), progress: session.progress(), silent_seconds }
    }
}

/// Returns a path as text.
pub fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::FileAdded { path, id } => write!(f, "{}: {id} added", terminal_escape::text(path)),
            Self::FileReplaced { path, id, previous } => {
                write!(f, "{}: {id} replaces {previous}", terminal_escape::text(path))
            }
            Self::FileRemoved { path, id } => write!(f, "{}: {id} removed", terminal_escape::text(path)),
            // The reason names the path.
            Self::FileRejected { path: _, reason } => {
                write!(f, "file rejected: {}", terminal_escape::text(reason))
            }
            Self::File { path, info } => {
                write!(f, "{}: {}, {} bytes", terminal_escape::text(path), info.id, info.size)
            }
            Self::Files { count } => write!(f, "{count} files"),
            Self::Device { client, connected, downloads } => {
                write!(f, "{client}: {}", if *connected { "connected" } else { "not connected" })?;
                downloads.iter().try_for_each(|download| write!(f, "\n  {download}"))
            }
            Self::Devices { count } => write!(f, "{count} devices"),
            Self::Notified { count } => write!(f, "{count} devices notified"),
            Self::Hold { count } => write!(f, "devices wait with their upgrades; {count} were told now"),
            Self::Released { count } => write!(f, "devices upgrade; {count} were told now"),
            Self::Forgotten { client } => write!(f, "{client}: forgotten"),
            Self::CommandFailed { command, reason } => {
                write!(f, "{}: {}", terminal_escape::text(command), terminal_escape::text(reason))
            }
            Self::Help { commands: _ } => {
                HELP.iter().enumerate().try_for_each(|(place, (command, effect))| {
                    write!(f, "{}{command:<18}{effect}", if place == 0 { "" } else { "\n" })
                })
            }
            Self::LinesLost { count } => write!(f, "{count} lines lost"),
        }
    }
}

impl Display for Download {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { phase, progress, silent_seconds } = self;
        match phase {
            SessionPhase::Refused(refusal) => write!(f, "refused with {refusal}"),
            SessionPhase::Offered(id) => write!(f, "offered {id}"),
            SessionPhase::Downloading { id, .. } => write!(f, "downloads {id}"),
            SessionPhase::Stalled { id, reached } => write!(f, "stalled at byte {reached} of {id}"),
            SessionPhase::Ended { id, status } => write!(f, "ended {id}: {status}"),
            other => write!(f, "{other:?}"),
        }?;
        progress.map_or(Ok(()), |progress| write!(f, ", {progress}"))?;
        write!(f, ", heard {silent_seconds} s ago")
    }
}

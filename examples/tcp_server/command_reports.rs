//! Events of the gateway program, which report the results of commands, in addition to the library's events of server
//! and folders.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use serde::Serialize;
use zigbee_ota::aps::Address;
use zigbee_ota::gateway::SessionReport;
use zigbee_ota::server::ImageInfo;

use crate::commands::HELP;
use crate::terminal_escape;

/// Event of the gateway. `Serialize` writes the name of the event in the field `event`.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Report {
    /// A file that the gateway serves, in answer to `files`.
    File { path: String, info: ImageInfo },
    /// Number of files that the gateway serves.
    Files { count: usize },
    /// A device, in answer to `devices`.
    Device { client: Address, connected: bool, downloads: Vec<SessionReport> },
    /// Number of devices.
    Devices { count: usize },
    /// Number of devices to which the gateway has sent an Image Notify.
    Notified { count: usize },
    /// The devices hold their upgrades from now on. `count` is the number of devices to which the gateway has just sent
    /// this order.
    Hold { count: usize },
    /// The devices upgrade from now on. `count` is the number of devices to which the gateway has just sent this order.
    Released { count: usize },
    /// The gateway has removed all state of a device.
    Forgotten { client: Address },
    /// A command had no effect.
    CommandFailed { command: String, reason: String },
    /// Commands, in answer to `help`.
    Help { commands: [&'static str; HELP.len()] },
    /// Number of output lines that were lost, because the reader of the output was too slow.
    LinesLost { count: u64 },
}

/// Returns a path as text.
pub fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
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

//! Settings of a simulation.

use std::num::NonZeroU32;

use zigbee_ota::aps::Address;
use zigbee_ota::client;
use zigbee_ota::file::{FileHeader, SplitFile};
use zigbee_ota::time::{Millis, UtcTime};
use zigbee_ota::zcl::ImageNotify;
use zigbee_ota::{FileVersion, ImageId, server};

use crate::foreign::{ClientModel, ServerModel};
use crate::radio::Node;
use crate::{Micros, net};

/// Settings of a simulation: clients run an older version of the first file, and the server offers that file.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Seed of all random decisions.
    pub seed: u64,
    /// Number of clients.
    pub clients: u16,
    /// Configuration of each client. With [`Settings::new`] each client knows its server; all fields may be changed.
    pub client: client::ClientConfig,
    /// UTC time of the clients' clocks at the start of the simulation; `None` for clients without a clock.
    pub utc: Option<UtcTime>,
    /// Clients that run the stack of another maker instead of the client of this crate with its configuration.
    pub client_models: Vec<(Node, ClientModel)>,
    /// `true` if clients continue after a failed upgrade, until an upgrade succeeds. Otherwise a client stops after its
    /// first outcome, or after ten consecutive queries without an image.
    pub persistent: bool,
    /// Interval between the first scheduled queries of successive clients.
    pub stagger: Millis,
    /// Hardware of each client.
    pub device: Device,
    /// Host of the server.
    pub host: Host,
    /// Network between the nodes.
    pub net: net::Settings,
    /// Interval between two commands of light switches to random clients, over one hop up to the distance of the server.
    /// `None` for no other traffic than that of the upgrade.
    pub commands: Option<Micros>,
    /// Incidents at the server, with their times.
    pub incidents: Vec<(Micros, Incident)>,
    /// Power failures, with the client concerned.
    pub cuts: Vec<(Node, PowerCut)>,
    /// Time without progress after which a client counts as stalled.
    pub patience: Micros,
    /// Maximum duration of the simulation.
    pub longest: Micros,
    /// Whether events are printed.
    pub trace: bool,
}

/// Hardware of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// Sector size of the flash in bytes.
    pub sector: NonZeroU32,
    /// Erasure time of a sector.
    pub erase: Micros,
    /// Write time of a block.
    pub write: Micros,
    /// Time of the application to decide, to verify and to switch.
    pub think: Micros,
    /// Time from a power failure to the restart.
    pub boot: Micros,
    /// Poll intervals of a sleepy device: while the client waits for its server, and otherwise. `None` keeps the radio
    /// on.
    pub sleep: Option<(Micros, Micros)>,
    /// Whether files are verified by their digest, like signed files. Otherwise they only have to be well-formed.
    pub digest: bool,
}

impl Default for Device {
    /// Immediate operations, sectors of 4 KiB, radio always on.
    fn default() -> Self {
        let sector = NonZeroU32::MIN.saturating_add(4095);
        Self { sector, erase: 0, write: 0, think: 0, boot: 0, sleep: None, digest: false }
    }
}

/// Settings of the server and its host.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// Stack of another maker that the host runs, instead of the server of this crate. Of the other settings,
    /// `operator` and whether `notify` is set apply to it.
    pub model: Option<ServerModel>,
    /// Time after which the operator of such a stack starts a failed update again.
    pub operator: Micros,
    /// Configuration of the server.
    pub config: server::ServerConfig,
    /// Number of client sessions.
    pub slots: u16,
    /// Processing time of each response.
    pub delay: Micros,
    /// Whether the server works on one response at a time.
    pub serial: bool,
    /// Whether requests that arrive during the processing of a response are dropped, as a widespread server does.
    pub one_at_a_time: bool,
    /// Countdown in seconds to the upgrade.
    pub countdown: u32,
    /// Image Notify at the start: to each client, or broadcast.
    pub notify: Option<Notify>,
}

/// Delivery of Image Notify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notify {
    /// One unicast frame for each client.
    Unicast,
    /// One broadcast frame, which takes no channel time.
    Broadcast(ImageNotify),
}

impl Default for Host {
    fn default() -> Self {
        Self {
            model: None,
            operator: 60_000_000,
            config: server::ServerConfig::default(),
            slots: 4,
            delay: 0,
            serial: false,
            one_at_a_time: false,
            countdown: 5,
            notify: Some(Notify::Unicast),
        }
    }
}

/// Incident at the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incident {
    /// The server restarts and keeps nothing but its files.
    Restart,
    /// The file is removed.
    Lose,
    /// The file is restored.
    Return,
    /// The second file replaces the first one.
    Swap,
    /// The processing time of each response changes.
    Slow(Micros),
    /// The server is off for this time, and then restarts.
    Outage(Micros),
}

/// Moment of a power failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerCut {
    /// At a time.
    At(Micros),
    /// After the client input with this number, counted from 1: a frame, a timer call, or an answer of the application.
    Input(u32),
    /// During the write of the block with this number, counted from 1 since the start of the simulation; in the middle
    /// of the write where writes take time.
    Block(u32),
}

/// Address of the server.
pub const SERVER: Address = Address::new(0x0000, 1);

impl Settings {
    /// Settings for one client that runs the previous version, on a good network.
    #[must_use]
    pub fn new(file: &SplitFile<'_>) -> Self {
        const HOUR: Micros = 3_600_000_000;
        Self {
            seed: 1,
            clients: 1,
            client: client_config(&file.header),
            utc: None,
            client_models: Vec::new(),
            persistent: false,
            stagger: Millis(0),
            device: Device::default(),
            host: Host::default(),
            net: net::Settings::default(),
            commands: None,
            incidents: Vec::new(),
            cuts: Vec::new(),
            patience: 49 * HOUR,
            longest: 60 * 24 * HOUR,
            trace: false,
        }
    }
}

/// Configuration of the device that the file is for, running the previous version.
pub(crate) fn client_config(header: &FileHeader<'_>) -> client::ClientConfig {
    let FileVersion(version) = header.id.version;
    // 0xFFFFFFFF is a wildcard, not a version that a device can run.
    let older = version.checked_sub(1).unwrap_or(u32::MAX - 1);
    let mut identity = client::Identity::new(ImageId { version: FileVersion(older), ..header.id });
    identity.hardware = header.hardware.map(|range| range.min);
    identity.node = header.destination;
    let mut config = client::ClientConfig::new(identity, SERVER);
    // The stagger of the settings spreads the clients.
    config.query_spread = Millis(0);
    // As much as any file here; a damaged offer may be of four gigabytes.
    config.max_file_size = 1 << 20;
    config
}

//! What kind of world it is.

use std::num::NonZeroU32;

use zigbee_ota::aps::Address;
use zigbee_ota::client;
use zigbee_ota::file::{FileHeader, SplitFile};
use zigbee_ota::time::Millis;
use zigbee_ota::zcl::ImageNotify;
use zigbee_ota::{FileVersion, ImageId, server};

use crate::radio::Node;
use crate::{Micros, net};

/// A world of clients that run an older version of the first of its files, and a server that has it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Decides what is left to chance.
    pub seed: u64,
    /// How many clients there are.
    pub clients: u16,
    /// What each client is told; whoever likes to, changes it. With [`Settings::new`] it knows its server.
    pub client: client::ClientConfig,
    /// By how much later each client queries the first time of its own accord than the one before it.
    pub stagger: Millis,
    /// What each client runs on.
    pub device: Device,
    /// What the server runs on.
    pub host: Host,
    /// What is between them.
    pub net: net::Settings,
    /// What happens to the server, and when.
    pub happenings: Vec<(Micros, Happening)>,
    /// When the power of which client fails.
    pub cuts: Vec<(Node, Cut)>,
    /// A client that comes to nothing new for so long has stalled.
    pub patience: Micros,
    /// A world that lasts longer does not end.
    pub longest: Micros,
    /// Print what happens.
    pub trace: bool,
}

/// What a client runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// Bytes of flash that are erased at once.
    pub sector: NonZeroU32,
    /// What the erasure of a sector takes.
    pub erase: Micros,
    /// What it takes to write a block.
    pub write: Micros,
    /// What the application takes to decide, to verify, to switch.
    pub think: Micros,
    /// From the failure of the power to the start.
    pub boot: Micros,
    /// A radio that is off between its polls: how far they are apart while the client waits for its server, and while it
    /// does not.
    pub sleep: Option<(Micros, Micros)>,
    /// Whether files are known by their digest when they are verified, as those that are signed. Otherwise they have to
    /// be well-formed, and no more.
    pub digest: bool,
}

impl Default for Device {
    /// No time for anything, sectors of 4 KiB, always awake.
    fn default() -> Self {
        let sector = NonZeroU32::MIN.saturating_add(4095);
        Self { sector, erase: 0, write: 0, think: 0, boot: 0, sleep: None, digest: false }
    }
}

/// What the server runs on.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// Its own settings.
    pub config: server::ServerConfig,
    /// Clients it remembers.
    pub slots: u16,
    /// What it takes for each answer.
    pub delay: Micros,
    /// Whether it works on one answer at a time.
    pub serial: bool,
    /// Whether it passes over what comes while it works on an answer, as one that is widely used does.
    pub one_at_a_time: bool,
    /// Seconds from its order to the upgrade.
    pub countdown: u32,
    /// What it tells at the start: to each client, or to all at once.
    pub notify: Option<Notify>,
}

/// How clients are told that there may be an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notify {
    /// Each by a frame of its own.
    Unicast,
    /// All by one frame, which takes no time on the channel.
    Broadcast(ImageNotify),
}

impl Default for Host {
    fn default() -> Self {
        Self {
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

/// Something that happens to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// It is restarted, and knows nothing of before but its files.
    Restart,
    /// The file is taken away.
    Lose,
    /// The file is back.
    Return,
    /// The second file is there in place of the first one.
    Swap,
    /// From now on it takes so long for each answer.
    Slow(Micros),
}

/// When the power fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Then.
    At(Micros),
    /// Right after the client's input with this number, counted from 1: a frame, a moment, an answer of its
    /// application's.
    Input(u32),
    /// While the block with this number is written, counted from 1 since the start of the world; in its middle, where
    /// writing takes time.
    Block(u32),
}

/// Where the server stands.
pub const SERVER: Address = Address::new(0x0000, 1);

impl Settings {
    /// One client of the file, one version behind, on a good network.
    #[must_use]
    pub fn new(file: &SplitFile<'_>) -> Self {
        const HOUR: Micros = 3_600_000_000;
        Self {
            seed: 1,
            clients: 1,
            client: client_config(&file.header),
            stagger: Millis(0),
            device: Device::default(),
            host: Host::default(),
            net: net::Settings::default(),
            happenings: Vec::new(),
            cuts: Vec::new(),
            patience: 49 * HOUR,
            longest: 60 * 24 * HOUR,
            trace: false,
        }
    }
}

/// The device the file is for, one version behind.
pub(crate) fn client_config(header: &FileHeader<'_>) -> client::ClientConfig {
    let FileVersion(version) = header.id.version;
    // 0xFFFFFFFF is no version that a device may run.
    let older = version.checked_sub(1).unwrap_or(u32::MAX - 1);
    let mut identity = client::Identity::new(ImageId { version: FileVersion(older), ..header.id });
    identity.hardware = header.hardware.map(|range| range.min);
    identity.node = header.destination;
    let mut config = client::ClientConfig::new(identity, SERVER);
    // As much as any file here; a damaged offer may be of four gigabytes.
    config.max_file_size = 1 << 20;
    config
}

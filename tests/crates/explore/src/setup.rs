//! Setups: the settings of client, server and link, and the possible faults.

use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};

use zigbee_ota::Encode;
use zigbee_ota::ImageId;
use zigbee_ota::SecurityCredentialVersion;
use zigbee_ota::client::{ClientConfig, LinkKeyPolicy, TransferMode, UpgradeEndFallback};
use zigbee_ota::file::{Element, FileHeader, FileWriter, Tag};
use zigbee_ota::server::ServerConfig;
use zigbee_ota::time::Millis;
use zigbee_ota::zcl::UpgradeActivationPolicy;
use zigbee_ota_sim::foreign::{OtherImage, PageService, SERVERS, Sessions};

use crate::action::Kind;

pub const MANUFACTURER: u16 = 0x1001;
/// Image types of the device; most setups have the first one alone.
pub const TYPES: [u16; 2] = [0x00a1, 0x00a2];
/// Versions are 1 (runs), 2 (offered) and 3 (replaces it).
pub const VERSIONS: usize = 4;
/// Files of the same identity and size with other data.
pub const BUILDS: usize = 2;
/// Largest file, because flash counts its bytes by bits.
pub const MAX_SIZE: usize = 256;

/// Time at which the server orders the upgrade of a client that has its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upgrade {
    Now,
    /// After the operator's word.
    Hold,
    AfterSeconds(u32),
}

/// Ways of servers that are not this crate's, played by the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// None.
    Own,
    /// Responses carry numbers of the server's own, as TI's Z-Stack has them; Default Responses do not.
    OwnNumbers,
}

/// One setup.
#[derive(Clone, Debug)]
pub struct Setup {
    pub name: &'static str,
    /// Out-of-order ranges of the client: 0 or 2.
    pub ranges: usize,
    pub transfer: TransferMode,
    /// Size of the whole file in bytes.
    pub size: usize,
    pub slots: usize,
    pub images: usize,
    pub upgrade: Upgrade,
    pub habit: Habit,
    /// Name of the model that the client has as its server, of `zigbee_ota_sim::foreign`.
    pub foreign: Option<&'static str>,
    /// Another client downloads before the client under test begins.
    pub other_first: bool,
    /// Whether the client knows the address of its server.
    pub knows_server: bool,
    pub client: fn(&mut ClientConfig),
    pub server: fn(&mut ServerConfig),
    /// Whether the file asks for security credentials.
    pub credential: bool,
    /// Number of faults in the default run.
    pub budget: u8,
    /// Kinds of faults.
    pub faults: Vec<Kind>,
    /// Seconds within which a client comes to its end from every state, apart from the listed waits.
    pub bound: u64,
    /// Every file, by image, version and build.
    files: Vec<Vec<u8>>,
}

impl Setup {
    pub fn file(&self, image: usize, version: u32, build: usize) -> &[u8] {
        &self.files[(image * VERSIONS + version as usize) * BUILDS + build]
    }

    /// Returns the number of the image with this identity.
    pub fn image(&self, id: ImageId) -> Option<usize> {
        let known = usize::try_from(id.version.0).is_ok_and(|version| version < VERSIONS);
        TYPES
            .iter()
            .position(|known| *known == id.image_type.0)
            .filter(|_| known && id.manufacturer.0 == MANUFACTURER)
    }

    pub fn has(&self, kind: Kind) -> bool {
        self.faults.contains(&kind)
    }
}

/// Faults of the link.
const LINK: [Kind; 7] = [
    Kind::Deliver,
    Kind::Tick,
    Kind::Lose,
    Kind::Duplicate,
    Kind::LoseReported,
    Kind::ReportFailed,
    Kind::Outage,
];
/// Faults of the gateway, its operator and its other clients.
const GATEWAY: [Kind; 7] =
    [Kind::Mood, Kind::Restart, Kind::Replace, Kind::Empty, Kind::Notify, Kind::NotifyAll, Kind::OtherClient];
/// Faults of the device and its application.
const DEVICE: [Kind; 7] = [
    Kind::Answer,
    Kind::Activate,
    Kind::Reboot,
    Kind::Late,
    Kind::AnswerBadly,
    Kind::ConnectionLost,
    Kind::Abort,
];
/// Frames that are not as they should be.
const OUTSIDE: [Kind; 8] = [
    Kind::Damage,
    Kind::AlterType,
    Kind::AlterVersion,
    Kind::Stranger,
    Kind::Broadcast,
    Kind::Refuse,
    Kind::Forge,
    Kind::Query,
];

fn faults(groups: &[&[Kind]]) -> Vec<Kind> {
    groups.concat()
}

const fn window(size: u8) -> TransferMode {
    TransferMode::Blocks { window: NonZeroU8::new(size).unwrap() }
}

const PAGES: TransferMode = TransferMode::Pages { size: NonZeroU16::new(64).unwrap(), spacing: 0 };

fn base(name: &'static str, transfer: TransferMode, size: usize, budget: u8) -> Setup {
    Setup {
        name,
        ranges: if transfer == window(1) { 0 } else { 2 },
        transfer,
        size,
        slots: 2,
        images: 1,
        upgrade: Upgrade::Now,
        habit: Habit::Own,
        foreign: None,
        other_first: false,
        knows_server: true,
        client: |_| {},
        server: |_| {},
        credential: false,
        budget,
        faults: faults(&[&LINK, &GATEWAY, &DEVICE]),
        // A paused download asks after 10, 15 and 22 s before its pauses are long enough to be listed.
        bound: if budget > 1 { 60 } else { 30 },
        files: Vec::new(),
    }
}

/// Returns all setups, with their files.
pub fn all() -> Vec<Setup> {
    let saw = |name, budget| base(name, window(1), 62, budget);
    let mut setups = vec![
        // The modes.
        base("stop-and-wait", window(1), 126, 1),
        saw("stop-and-wait, short", 2),
        base("window of 2", window(2), 158, 1),
        base("window of 2, short", window(2), 94, 1),
        base("pages", PAGES, 126, 1),
        Setup { server: |server| server.max_pages = 0, ..base("pages, server without", PAGES, 126, 1) },
        base("auto", TransferMode::Auto, 126, 1),
        Setup {
            server: |server| server.max_pages = 0,
            ..base("auto, server without pages", TransferMode::Auto, 126, 1)
        },
        // The end of an upgrade.
        Setup {
            upgrade: Upgrade::Hold,
            faults: faults(&[&LINK, &GATEWAY, &DEVICE, &[Kind::Hold]]),
            ..saw("hold", 2)
        },
        Setup {
            upgrade: Upgrade::Hold,
            client: |client| client.upgrade_end_fallback = UpgradeEndFallback::KeepWaiting,
            ..saw("hold, keeps waiting", 1)
        },
        Setup {
            upgrade: Upgrade::AfterSeconds(100),
            faults: faults(&[&LINK, &GATEWAY, &DEVICE, &[Kind::Hold]]),
            ..saw("upgrade later", 1)
        },
        Setup {
            client: |client| client.activation_policy = UpgradeActivationPolicy::OUT_OF_BAND,
            ..saw("out of band", 1)
        },
        Setup {
            upgrade: Upgrade::Hold,
            client: |client| client.activation_policy = UpgradeActivationPolicy::OUT_OF_BAND,
            ..saw("out of band, hold", 1)
        },
        // The server's memory.
        Setup { slots: 1, ..saw("one session", 1) },
        Setup { slots: 0, ..saw("no session", 1) },
        Setup { slots: 0, upgrade: Upgrade::Hold, ..saw("no session, hold", 1) },
        Setup {
            server: |server| server.max_downloads = 1,
            other_first: true,
            // The other client is dead: its download counts until it stalls.
            bound: 330,
            ..saw("one download, another client", 1)
        },
        // Several images, and what an image needs.
        Setup { images: 2, ..saw("two images", 1) },
        Setup { images: 2, upgrade: Upgrade::Hold, ..saw("two images, hold", 1) },
        Setup { images: 2, ..base("two images, window of 2", window(2), 62, 1) },
        Setup { images: 2, ..base("two images, pages", PAGES, 62, 1) },
        Setup { credential: true, ..base("credentials", window(1), 75, 1) },
        // The way to the server.
        Setup { knows_server: false, ..saw("discovery", 1) },
        Setup {
            knows_server: false,
            client: |client| client.link_key = LinkKeyPolicy::Global,
            ..saw("discovery, link key", 1)
        },
        // Limits.
        Setup { server: |server| server.min_block_period = Millis(2000), ..saw("period", 1) },
        Setup {
            client: |client| client.cluster_revision = 3,
            server: |server| server.min_block_period = Millis(2000),
            ..saw("period, revision 3", 1)
        },
        Setup {
            client: |client| client.cluster_revision = 2,
            server: |server| server.min_block_period = Millis(2000),
            ..saw("period, revision 2", 1)
        },
        Setup { server: |server| server.max_bytes_per_second = NonZeroU32::new(40), ..saw("rate", 1) },
        Setup {
            server: |server| server.max_bytes_per_second = NonZeroU32::new(40),
            // Each block waits for its bytes by whole seconds.
            bound: 40,
            ..base("rate, pages", PAGES, 126, 1)
        },
        Setup {
            client: |client| {
                client.write_size = NonZeroU8::new(8).unwrap();
                client.max_block_size = NonZeroU8::new(27).unwrap();
            },
            server: |server| server.max_block_size = NonZeroU8::new(20).unwrap(),
            ..base("words of 8, blocks of 20", window(1), 94, 1)
        },
        Setup {
            client: |client| {
                client.write_size = NonZeroU8::new(8).unwrap();
                client.max_block_size = NonZeroU8::new(27).unwrap();
            },
            server: |server| server.max_block_size = NonZeroU8::new(20).unwrap(),
            ..base("words of 8, blocks of 20, pages", PAGES, 94, 1)
        },
        Setup {
            client: |client| {
                client.write_size = NonZeroU8::new(8).unwrap();
                client.max_block_size = NonZeroU8::new(27).unwrap();
            },
            server: |server| server.max_block_size = NonZeroU8::new(20).unwrap(),
            faults: vec![Kind::Reboot, Kind::Deliver],
            ..base("words of 8, old pages", PAGES, 94, 2)
        },
        // Frames that are not as they should be, and foreign servers.
        Setup { faults: faults(&[&OUTSIDE]), ..saw("outside", 2) },
        Setup { faults: faults(&[&OUTSIDE]), upgrade: Upgrade::Hold, ..saw("outside, hold", 1) },
        Setup { faults: faults(&[&OUTSIDE]), ..base("outside, window of 2", window(2), 94, 1) },
        Setup { faults: faults(&[&OUTSIDE]), ..base("outside, pages", PAGES, 126, 1) },
        Setup {
            faults: faults(&[&OUTSIDE]),
            client: |client| client.strict = true,
            ..saw("outside, strict", 1)
        },
        Setup {
            faults: faults(&[&OUTSIDE, &[Kind::Notify, Kind::NotifyAll]]),
            knows_server: false,
            ..saw("outside, discovery", 1)
        },
        Setup { habit: Habit::OwnNumbers, ..base("own numbers", window(1), 94, 1) },
        Setup { habit: Habit::OwnNumbers, ..base("own numbers, window of 2", window(2), 94, 1) },
        // Files that change under the same name.
        Setup {
            faults: vec![Kind::Rebuild, Kind::Reboot, Kind::Lose, Kind::Restart],
            ..base("rebuilt file", window(1), 94, 2)
        },
        Setup {
            faults: vec![Kind::Rebuild, Kind::Reboot, Kind::Lose],
            ..base("rebuilt file, window of 2", window(2), 126, 1)
        },
        // Few kinds, many times.
        Setup { faults: vec![Kind::Reboot], ..saw("power cuts", 3) },
        Setup { faults: vec![Kind::Reboot], upgrade: Upgrade::Hold, ..saw("power cuts, hold", 3) },
        Setup { faults: vec![Kind::Lose, Kind::Duplicate], ..base("loss", window(1), 94, 3) },
        Setup { faults: vec![Kind::Lose, Kind::Deliver], ..base("loss, window of 2", window(2), 158, 3) },
        Setup { faults: vec![Kind::Lose, Kind::Deliver], ..base("loss, pages", PAGES, 190, 3) },
        Setup { faults: vec![Kind::Lose, Kind::Deliver], ..base("loss, auto", TransferMode::Auto, 190, 3) },
        Setup { faults: vec![Kind::Refuse, Kind::Duplicate], ..saw("refusals, doubled", 3) },
        Setup { faults: vec![Kind::Tick], ..base("delays", window(1), 94, 3) },
        Setup { faults: vec![Kind::Tick, Kind::Deliver], ..base("delays, window of 2", window(2), 126, 3) },
        Setup { faults: vec![Kind::Tick, Kind::Deliver], ..base("delays, pages", PAGES, 126, 3) },
        Setup { faults: vec![Kind::AnswerBadly, Kind::Late], ..base("flash in trouble", window(1), 94, 3) },
        Setup {
            faults: vec![Kind::AnswerBadly, Kind::Late, Kind::Duplicate],
            ..base("flash in trouble, window of 2", window(2), 126, 2)
        },
        Setup {
            faults: vec![Kind::AnswerBadly, Kind::Late, Kind::Duplicate],
            ..base("flash in trouble, pages", PAGES, 126, 2)
        },
        Setup {
            faults: vec![Kind::Restart, Kind::Replace, Kind::Empty, Kind::Notify],
            ..saw("gateway in trouble", 2)
        },
    ];
    setups.extend(foreign_servers());
    for setup in &mut setups {
        assert!(setup.size <= MAX_SIZE);
        setup.files = files(setup);
    }
    setups
}

/// Returns setups with each server of another stack, by blocks, and by pages where it has pages.
fn foreign_servers() -> Vec<Setup> {
    let mut setups = Vec::new();
    for model in SERVERS {
        let mut kinds = vec![
            Kind::Deliver,
            Kind::Tick,
            Kind::Lose,
            Kind::Duplicate,
            Kind::Restart,
            Kind::Notify,
            Kind::Reboot,
        ];
        if model.other_image != OtherImage::AsAsked {
            kinds.extend([Kind::Replace, Kind::Empty]);
        }
        let pages = !matches!(model.pages, PageService::Ignored | PageService::Unsupported);
        for transfer in [Some(window(1)), Some(PAGES).filter(|_| pages)].into_iter().flatten() {
            let name = format!("{}{}", model.name, if transfer == PAGES { ", pages" } else { "" });
            setups.push(Setup {
                foreign: Some(model.name),
                faults: kinds.clone(),
                // A session that nobody serves any more lasts up to 150 s, and its operator takes another minute; a
                // server that stops to answer page requests costs four of them before blocks are asked for.
                bound: match model.sessions {
                    Sessions::Needed { .. } => 240,
                    Sessions::NotNeeded if transfer == PAGES => 90,
                    Sessions::NotNeeded => 30,
                },
                ..base(Box::leak(name.into_boxed_str()), transfer, 126, 1)
            });
        }
    }
    setups
}

fn files(setup: &Setup) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for image in 0..TYPES.len() {
        for version in 0..VERSIONS {
            for build in 0..BUILDS {
                files.push(file(setup, image, version, build));
            }
        }
    }
    files
}

fn file(setup: &Setup, image: usize, version: usize, build: usize) -> Vec<u8> {
    let mut header = FileHeader::new(ImageId::new(MANUFACTURER, TYPES[image], version as u32));
    header.credential = setup.credential.then_some(SecurityCredentialVersion::SE_1_1);
    let head = FileWriter::new(header, &[]).expect("a header").to_vec().len();
    let pattern = |at: usize| (at * 7 ^ version * 31 ^ image * 77 ^ build * 5) as u8;
    // An element takes six bytes for its tag and length.
    let data: Vec<u8> = (head + 6..setup.size).map(pattern).collect();
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &data }];
    let file = FileWriter::new(header, &elements).expect("a file").to_vec();
    assert_eq!(file.len(), setup.size);
    file
}

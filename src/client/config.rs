//! What the caller decides once: who the device is, how patient it shall be, and whom it trusts.

use core::num::{NonZeroU8, NonZeroU16};

use bitflags::bitflags;

use crate::aps::Address;
use crate::time::Millis;
use crate::types::{Eui64, HardwareVersion, ImageId, SecurityCredentialVersion, StackVersion};
use crate::zcl::UpgradeActivationPolicy;

/// Who the device is and what it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Identity {
    /// The image it runs now.
    pub current: ImageId,
    /// Its hardware; told to the server and checked against a file's range (section 6.3.2.13).
    pub hardware: Option<HardwareVersion>,
    /// Its own address; a file made for one device is taken by that device alone (section 6.3.2.12).
    pub node: Option<Eui64>,
}

/// What the client does when nobody answers its Upgrade End Request (section 6.12): the UpgradeTimeoutPolicy of later
/// revisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum UpgradeEndFallback {
    /// Upgrades without an order, as the specification allows.
    Apply,
    /// Goes on asking, every hour.
    KeepWaiting,
}

/// Which versions on offer are put to the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum AcceptedVersions {
    /// Only those that are newer than the one that runs.
    Newer,
    /// Newer and older ones (section 6.10.5.2.4; the same one is no news since ZCL 8).
    Different,
    /// The one that runs, too: the server may have it installed again.
    Any,
}

/// Which key the client sees to before it asks a server for anything (section 6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum LinkKeyPolicy {
    /// None: the network's own security is enough, as in most homes.
    Unneeded,
    /// The trust center's, else one of the two partners, as Smart Energy wants.
    SmartEnergy,
    /// The trust center's, else the global one.
    Global,
}

/// How the blocks of a file are asked for, once its header is here. A client without islands can only have them one after
/// the other, and asks so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum TransferMode {
    /// By Image Block Requests (section 6.10.6).
    Blocks {
        /// Requests at a time; 1 is a block after the other, as every server can. At most one more than the client has
        /// islands. Blocks that are being stored count as well; all but one of them, where it is more than 1. While an
        /// answer is late, there may be one more. Several are of use where the server or the way to it takes its time. A
        /// server that answers but one of those it gets at once is found out, and asked one by one.
        window: NonZeroU8,
    },
    /// By Image Page Requests (section 6.10.7), and by blocks what was lost of a page; by blocks alone where the server does
    /// not have pages.
    Pages {
        /// Bytes of a page.
        size: NonZeroU16,
        /// The least time between two blocks of a page, ms. Over several hops a server that sends without one is in the
        /// way of its own frames: 7 to 8 ms a hop are best.
        spacing: u16,
    },
    /// By what turns out to be the fastest: by pages where the server has them and they pay, else by blocks, and as many at a
    /// time as there is idle time to fill.
    Auto,
}

bitflags! {
    /// Checks of a file's header against the offer and the device (sections 6.3.2.1 to 6.3.2.14).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct HeaderChecks: u8 {
        /// It can be read: file identifier, header version, lengths.
        const READABLE = 1 << 0;
        /// Manufacturer code and image type are those of the offer.
        const IMAGE = 1 << 1;
        /// The file version is that of the offer.
        const VERSION = 1 << 2;
        /// The total image size is that of the offer.
        const SIZE = 1 << 3;
        /// The device's hardware lies in the range.
        const HARDWARE = 1 << 4;
        /// The file is made for no other device.
        const DESTINATION = 1 << 5;
    }
}

/// Settings of a [`Client`](super::Client). Those that change at run time have a method there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// Who the device is.
    pub identity: Identity,
    /// Where the server's cluster stands. 0xFFFF for the network address, 0xFF for the endpoint: not known, to be
    /// found.
    pub server: Address,
    /// IEEE address of the server to use (UpgradeServerID); 0 and all ones: any.
    pub server_id: Eui64,
    /// Time after which a server that was not found is searched again; without it none is ever searched.
    pub discovery: Option<Millis>,
    /// Queries in a row without an answer, after which the server is searched again.
    pub lost_after: u8,
    /// Take another server when the one in use is not found any more (section 6.7.1).
    pub replace_server: bool,
    /// Look for another server after NOT_AUTHORIZED, or where files for one device are not supported, and pass this one
    /// over from then on (sections 6.10.5.3, 6.10.11.5.2 and 6.10.12.4).
    pub avoid_refusing: bool,
    /// The key to see to first.
    pub link_key: LinkKeyPolicy,
    /// Ask for APS security with each frame.
    pub aps_security: bool,
    /// Pass over frames without it.
    pub require_aps_security: bool,
    /// Pass over what came by broadcast or multicast (section 6.10.3.4, where a profile demands encryption).
    pub require_unicast: bool,
    /// Take servers by the letter: without [`Quirks`](crate::zcl::Quirks), so that an ABORT that is too long is malformed
    /// and no more, and no unicast Image Notify but of payload type 0 and jitter 100 (section 6.10.3.5.1).
    pub strict: bool,
    /// The most bytes of data to take in one response.
    pub max_data: NonZeroU8,
    /// How the blocks of a file are asked for.
    pub transfer: TransferMode,
    /// Bytes that storage takes at a time, a flash word; at most `max_data`. Of a block as many whole ones are taken
    /// as there are, and the rest is asked for again; the file's last piece is taken as it is.
    pub alignment: NonZeroU8,
    /// The largest file the device can store, in bytes.
    pub max_size: u32,
    /// Which versions to take.
    pub versions: AcceptedVersions,
    /// Which of a file's header to check.
    pub header_checks: HeaderChecks,
    /// The stack that the running image contains.
    pub stack: StackVersion,
    /// The security credentials that the device has (section 6.3.2.11).
    pub credential: Option<SecurityCredentialVersion>,
    /// Time from the start to the first query.
    pub first_query: Millis,
    /// Time between two queries; without it the device asks only when it is told to.
    pub query_interval: Option<Millis>,
    /// Sends of one query before it counts as unanswered.
    pub query_attempts: u8,
    /// The least time between two block requests.
    pub block_pause: Millis,
    /// How long to wait for an answer before the link is known.
    pub first_timeout: Millis,
    /// How long to wait for an answer at the most.
    pub max_timeout: Millis,
    /// Sends of one block request in a row without an answer, before the download is given up.
    pub block_attempts: u8,
    /// Answers in a row that are errors, before the download is given up.
    pub error_limit: u8,
    /// Pause after an answer that is an error, after a frame that was not delivered, or when storage is busy.
    pub error_pause: Millis,
    /// How long to wait when WAIT_FOR_DATA names no end (section 6.8.4); `None` waits until the server says more.
    pub max_wait: Option<Millis>,
    /// How old, in seconds, a time of the server's may be against the own clock to still mean now.
    pub utc_tolerance: u32,
    /// What to do when nobody answers at the end.
    pub unanswered: UpgradeEndFallback,
    /// Who may start the upgrade.
    pub activation: UpgradeActivationPolicy,
    /// The ClusterRevision to show, with the attributes of later revisions; 0 is the text of 2011, which has neither.
    /// MinimumBlockPeriod counts seconds up to revision 2 and milliseconds from 3 on.
    pub revision: u16,
}

impl ClientConfig {
    /// The defaults: 64 bytes a block, first query after a minute, then one a day, ten errors in a row, thirty
    /// unanswered block requests in a row (about five minutes).
    ///
    /// A server that is not known, [`Address::UNKNOWN`], is searched every ten minutes until it is found; one that is, is
    /// taken as fixed.
    #[must_use]
    pub const fn new(identity: Identity, server: Address) -> Self {
        Self {
            identity,
            server,
            server_id: NO_ADDRESS,
            discovery: if is_known(server) { None } else { Some(DISCOVERY) },
            lost_after: 3,
            replace_server: true,
            avoid_refusing: false,
            link_key: LinkKeyPolicy::Unneeded,
            aps_security: false,
            require_aps_security: false,
            require_unicast: false,
            strict: false,
            max_data: NonZeroU8::MIN.saturating_add(63),
            transfer: TransferMode::Blocks { window: NonZeroU8::MIN },
            alignment: NonZeroU8::MIN,
            max_size: u32::MAX,
            versions: AcceptedVersions::Different,
            header_checks: HeaderChecks::all(),
            stack: StackVersion::ZIGBEE_PRO,
            credential: None,
            first_query: Millis::from_secs(60),
            query_interval: Some(Millis::from_secs(24 * 60 * 60)),
            query_attempts: 4,
            block_pause: Millis(0),
            first_timeout: Millis::from_secs(3),
            max_timeout: Millis::from_secs(10),
            block_attempts: 30,
            error_limit: 10,
            error_pause: Millis::from_secs(1),
            max_wait: Some(Millis::from_secs(60 * 60)),
            utc_tolerance: 300,
            unanswered: UpgradeEndFallback::Apply,
            activation: UpgradeActivationPolicy::SERVER,
            revision: 0,
        }
    }
}

/// UpgradeServerID where there is none (section 6.7.1).
pub(super) const NO_ADDRESS: Eui64 = Eui64(u64::MAX);

/// Time between two searches, where there is no reason for another one.
pub(super) const DISCOVERY: Millis = Millis::from_secs(10 * 60);

/// Whether both parts of an address are there.
pub(super) const fn is_known(Address { network, endpoint }: Address) -> bool {
    network != Address::UNKNOWN.network && endpoint != Address::UNKNOWN.endpoint
}

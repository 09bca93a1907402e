//! Types of the fields of [`ClientConfig`](super::ClientConfig): the identity of the device, the transfer mode, and the
//! policies and checks of a client.
//!
//! Sections refer to ZigBee document 095264 (2011).

use core::num::{NonZeroU8, NonZeroU16};

use crate::types::{Eui64, FileVersion, HardwareVersion, ImageId};

/// Identity of the device that runs the client: running image, hardware version, IEEE address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Identity {
    /// Image that the device runs. The client sends the version of the running image in queries, and the version of the
    /// new image after an upgrade.
    pub current: ImageId,
    /// Hardware version of the device; `None` if the device has no hardware version. The client sends the hardware
    /// version in queries, and the hardware range of a file must contain the hardware version of the device (section
    /// 6.3.2.13).
    pub hardware: Option<HardwareVersion>,
    /// IEEE address (EUI-64) of the device; `None` if the address is unknown. A client needs its IEEE address for
    /// device-specific files (section 6.3.2.12).
    #[doc(alias = "EUI64")]
    #[doc(alias = "mac address")]
    pub node: Option<Eui64>,
}

impl Identity {
    /// Creates an identity with the running image `current`, without a hardware version and without an IEEE address.
    /// The application can set the fields `hardware` and `node` of the identity after the call of `new`.
    #[must_use]
    pub const fn new(current: ImageId) -> Self {
        Self { current, hardware: None, node: None }
    }
}

/// File that failed its verification or its boot. After two consecutive failures of a file, the client skips offers of
/// the file.
///
/// If a file failed twice, the client skips offers of the file until seven days have passed since the last failure or
/// since the start of the client. A call of [`Client::query`](crate::client::Client::query) makes the client accept an
/// offer of the failed file at once. After a unicast Image Notify, the client accepts an offer of the failed file at
/// most once a day. The failures of a file have no effect on offers of other files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct FailedImage {
    /// Version of the failed file.
    pub version: FileVersion,
    /// Size of the failed file in bytes.
    pub size: u32,
    /// Number of consecutive failures of the file. The client counts a failure only if the file was downloaded from
    /// offset 0 without a pause, because the file on the server may be replaced during a pause.
    pub failures: u8,
}

impl FailedImage {
    /// Creates the record of a file with `version` and `size` bytes that has failed `failures` times.
    #[must_use]
    pub const fn new(version: FileVersion, size: u32, failures: u8) -> Self {
        Self { version, size, failures }
    }
}

/// Reaction of the client to a server that does not answer the Upgrade End Request (section 6.12). From revision 2 of
/// the OTA Upgrade cluster on, the attribute UpgradeTimeoutPolicy shows how the client reacts to an unanswered Upgrade
/// End Request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum UpgradeEndFallback {
    /// The client upgrades without an Upgrade End Response if the server answers neither the Upgrade End Requests of
    /// the first hour nor three further requests, one per hour. Section 6.12 allows an upgrade without an Upgrade End
    /// Response.
    Apply,
    /// The client repeats an unanswered Upgrade End Request every hour, without a limit on the number of requests.
    KeepWaiting,
}

/// File versions of the offers that the client passes on to the application; the client skips offers of all other file
/// versions.
#[doc(alias = "downgrade")]
#[doc(alias = "rollback")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum AcceptedVersions {
    /// The client accepts only offers of versions above the running version, so that no downgrade is possible.
    Newer,
    /// The client accepts offers of versions above and below the running version, but not of the running version
    /// (section 6.10.5.2.4). ZCL 8 also excludes an offer of the running version.
    Different,
    /// The client accepts offers of every version. With `Any`, the server can also offer the running version, so that
    /// the device installs it again.
    Any,
}

/// Link key that the application must establish with the server before the client sends any request (section 6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum LinkKeyPolicy {
    /// The client asks for no link key: network security is enough, as in most homes.
    NotRequired,
    /// The client asks for the trust center link key if the server is the trust center, and for an application link key
    /// between device and server if not, as Smart Energy requires.
    SmartEnergy,
    /// The client asks for the trust center link key if the server is the trust center, and for the global link key of
    /// the network if not.
    Global,
}

/// Method of requesting the blocks of a file after the header of the file is complete. A client whose parameter
/// `RANGES` is 0 supports stop-and-wait only and ignores the setting `transfer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum TransferMode {
    /// The client sends Image Block Requests (section 6.10.6).
    Blocks {
        /// Maximum number of block requests in flight, limited to `RANGES` + 1. A window of 1 is stop-and-wait, which
        /// every server supports.
        ///
        /// A block that the application is storing counts towards the window like a request in flight. With a window
        /// above 1, the client may send one request more than the window while the application stores a block, and one
        /// request more while an answer is late. If a server answers only one of several requests, the client detects
        /// this behaviour and sends one request at a time. A window above 1 makes the download faster if the server, or
        /// the route to the server, is slow.
        window: NonZeroU8,
    },
    /// The client sends Image Page Requests (section 6.10.7), and Image Block Requests for lost blocks of a page. If
    /// the server does not support pages, the client switches to Image Block Requests.
    Pages {
        /// Size of a page in bytes. After a page whose lost blocks fill the list of out-of-order ranges, the client
        /// requests a page of half the size, down to an eighth of `size`.
        size: NonZeroU16,
        /// Minimum time between two blocks of a page, in milliseconds ("response spacing"). Over several hops, blocks
        /// that a server sends without spacing collide with each other. The best response spacing is 7 to 8 ms for each
        /// hop of the route.
        spacing: u16,
    },
    /// The client measures whether pages or Image Block Requests are faster, and uses the faster method. The client
    /// measures again after pages that lost most of their blocks. The window of the Image Block Requests grows while
    /// the channel has idle time. If the server does not support pages, the client uses Image Block Requests.
    Auto,
}

/// Set of checks that compare the header of a file with the offer and with the device (sections 6.3.2.1 to 6.3.2.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
// The flags are a plain byte. The traits of the crate bitflags would be a tenth of the client's public interface, and a
// struct of bools would make each client eight bytes larger.
pub struct HeaderChecks(u8);

impl HeaderChecks {
    /// Set of all header checks, including checks that later versions of this crate add.
    pub const ALL: Self = Self(u8::MAX);
    /// Check that the header can be parsed: file identifier, header version, lengths.
    pub const READABLE: Self = Self(1 << 0);
    /// Check that the header and the offer have the same manufacturer code and image type.
    pub const IMAGE: Self = Self(1 << 1);
    /// Check that the header and the offer have the same file version.
    pub const VERSION: Self = Self(1 << 2);
    /// Check that the total image size in the header is equal to the image size in the offer.
    pub const SIZE: Self = Self(1 << 3);
    /// Check that the hardware range of the header contains the hardware version of the device.
    pub const HARDWARE: Self = Self(1 << 4);
    /// Check that the upgrade file destination of the header is absent or names this device.
    pub const DESTINATION: Self = Self(1 << 5);

    /// Returns the header checks of this set without the checks in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Returns whether this set contains all checks in `other`.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

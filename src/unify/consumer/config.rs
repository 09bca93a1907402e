//! Settings of a [`Consumer`](super::Consumer): accepted versions, times, and topics in lower case.

use crate::time::Millis;
use crate::types::FileVersion;

/// Announced versions that a device accepts, relative to the version that the device runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum AnnouncedVersions {
    /// The device accepts versions newer than the running version (Unify, "Announcing Images"). The Unify document
    /// recommends that devices accept newer versions only; `Newer` is the default.
    #[default]
    Newer,
    /// The device accepts all versions except the running version, so that downgrades are possible (Unify, introduction
    /// and Z-Wave example).
    Different,
}

impl AnnouncedVersions {
    /// Returns whether a device that runs the version `current` accepts the version `announced`. A device with an
    /// unknown version accepts no image, because the device could otherwise install the same image again and again.
    #[must_use]
    pub fn allows(self, current: FileVersion, announced: FileVersion) -> bool {
        let is_accepted = match self {
            Self::Newer => announced > current,
            Self::Different => announced != current,
        };
        is_accepted && current != FileVersion::ANY
    }
}

/// Settings of a [`Consumer`](super::Consumer).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[serde(default)]
#[non_exhaustive]
pub struct ConsumerConfig {
    /// Announced versions that the devices accept. The default of `versions` is [`AnnouncedVersions::Newer`].
    pub versions: AnnouncedVersions,
    /// Whether the server offers an image with a hardware range in its header to a device that does not report its
    /// hardware version. The default of `to_unknown_hardware` is `true`, because the device itself checks the hardware
    /// range in the file header.
    pub to_unknown_hardware: bool,
    /// Time that the consumer waits for an image after its request. The default of `request_timeout` is 60 s: in 60 s,
    /// the longest image that fits into an MQTT message (256 MiB) arrives over a connection of 40 Mbit/s.
    pub request_timeout: Millis,
    /// Pause between a request that has timed out and the next request. The default of `retry` is 300 s, so that
    /// requests do not flood a provider that has failed.
    pub retry: Millis,
    /// Maximum time between a reconnection and the repeated delivery of an announcement by the broker. If the broker
    /// does not deliver an announcement again within `announcement_timeout`, the consumer drops the announcement,
    /// because the provider has withdrawn it. After a reconnection, the consumer lets no device activate an image until
    /// the broker has delivered the announcement of the image again. The default of `announcement_timeout` is 120 s,
    /// because a provider may reconnect to the broker later than the consumer.
    pub announcement_timeout: Millis,
    /// Whether the consumer also subscribes to topics below `ucl/ota` in lower case, and also requests images by these
    /// topics. The default of `lower_case` is `false`. Some providers follow a diagram of the Unify document, where the
    /// topics of requests and images are in lower case.
    pub lower_case: bool,
}

impl Default for ConsumerConfig {
    fn default() -> Self {
        Self {
            versions: AnnouncedVersions::Newer,
            to_unknown_hardware: true,
            request_timeout: Millis::from_secs(60),
            retry: Millis::from_secs(300),
            announcement_timeout: Millis::from_secs(120),
            lower_case: false,
        }
    }
}

//! Commands of an operator to a [`GatewayDriver`](super::GatewayDriver).
//!
//! ```text
//! {"command": "notify"}                                   JSON by serde: all devices
//! {"command": "release", "to": {"network": 4660, "endpoint": 1}, "seconds": 60}
//! {"command": "forget", "network": 4660}
//! ```

use crate::aps::{Address, DeliveryMode, Transmit};
#[cfg(feature = "std")]
use crate::server::FolderChange;
use crate::server::{ResponseBuffer, Server, SessionSlots};
use crate::time::Instant;
#[cfg(feature = "std")]
use crate::types::FileVersion;
use crate::types::ImageFilter;
use crate::zcl::{ImageNotify, NotifyScope};

/// Command of an operator or of the network management to a [`GatewayDriver`](super::GatewayDriver). `Serialize` and
/// `Deserialize` (feature `serde`) use the name of the command in the field `command`. In `Deserialize`, a missing
/// field `to` means all devices, and a missing field `target` means all images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(tag = "command", rename_all = "snake_case"))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum GatewayCommand {
    /// Send an Image Notify, after which devices query for images ([`Server::notify`]).
    Notify {
        /// Client to which the server sends the Image Notify by unicast; `None` means a broadcast with a query jitter
        /// of 50, after which about half of the devices query at once.
        #[cfg_attr(feature = "serde", serde(default))]
        to: Option<Address>,
        /// Images that a broadcast Image Notify announces. A client that receives the Image Notify by unicast sends a
        /// query in any case, regardless of `target`.
        #[cfg_attr(feature = "serde", serde(default = "all"))]
        target: ImageFilter,
    },
    /// Stop the countdown of devices that count down to an upgrade: each of the devices waits until the server orders
    /// the upgrade again ([`Server::hold`]). For a download that ends after the command `Hold`, the policy decides
    /// whether the device waits before its upgrade.
    Hold {
        /// Client that receives the order to wait; `None` means a broadcast to all clients.
        #[cfg_attr(feature = "serde", serde(default))]
        to: Option<Address>,
        /// Images to which the order to wait applies: only a device that counts down to the upgrade to one of the
        /// images has to wait.
        #[cfg_attr(feature = "serde", serde(default = "all"))]
        target: ImageFilter,
    },
    /// Order the upgrade of devices that have downloaded an image ([`Server::release`]).
    Release {
        /// Client that receives the order to upgrade; `None` means a broadcast to all clients.
        #[cfg_attr(feature = "serde", serde(default))]
        to: Option<Address>,
        /// Images to which the order to upgrade applies: a device upgrades only to an image that `target` matches.
        #[cfg_attr(feature = "serde", serde(default = "all"))]
        target: ImageFilter,
        /// Seconds from the order to the upgrade.
        #[cfg_attr(feature = "serde", serde(default))]
        seconds: u32,
    },
    /// Cancel the downloads of certain images by one client ([`Server::cancel`]).
    Cancel {
        /// Client whose downloads the server cancels.
        client: Address,
        /// Images whose downloads the server cancels.
        #[cfg_attr(feature = "serde", serde(default = "all"))]
        target: ImageFilter,
    },
    /// Cancel the downloads of certain images by all clients, for instance because the bytes of a file have changed.
    CancelAll {
        /// Images whose downloads the server cancels.
        #[cfg_attr(feature = "serde", serde(default = "all"))]
        target: ImageFilter,
    },
    /// Report the state of all sessions ([`Gateway::on_status`](super::Gateway::on_status)).
    Status,
    /// Forget a node that left the network ([`Server::forget`]).
    Forget {
        /// Network address of the node that left the network.
        network: u16,
    },
    /// Move the sessions of a node to another network address ([`Server::moved`]).
    Moved {
        /// Old network address of the node.
        old: u16,
        /// New network address of the node.
        new: u16,
    },
}

#[cfg(feature = "serde")]
const fn all() -> ImageFilter {
    ImageFilter::ALL
}

/// Returns the receiver and the delivery mode of a frame to the client `to`; `None` means all clients.
const fn delivery(to: Option<Address>) -> (Address, DeliveryMode) {
    match to {
        Some(client) => (client, DeliveryMode::Unicast),
        None => (Address::ALL_AWAKE, DeliveryMode::Broadcast),
    }
}

impl GatewayCommand {
    /// Returns the command that sends an Image Notify for all images, to one client or by broadcast.
    #[must_use]
    pub const fn notify(to: Option<Address>) -> Self {
        Self::Notify { to, target: ImageFilter::ALL }
    }

    /// Returns the commands by which a gateway reacts to a change in a folder of OTA files. For a new or changed file,
    /// one of the returned commands broadcasts an Image Notify to the devices. If the bytes of an image have changed
    /// but its file version has not, the first returned command is [`Self::CancelAll`] for the downloads of the image,
    /// because a device would otherwise get a mixture of old and new bytes.
    #[cfg(feature = "std")]
    #[cfg_attr(docsrs, doc(cfg(feature = "std")))]
    pub fn after_change(change: &FolderChange) -> impl Iterator<Item = Self> + use<> {
        let (id, previous) = match *change {
            FolderChange::Added { id, .. } => (Some(id), None),
            FolderChange::Replaced { id, previous, .. } => (Some(id), Some(previous)),
            FolderChange::Removed { .. } | FolderChange::Rejected(_) => (None, None),
        };
        let cancel = previous.filter(|previous| Some(*previous) == id);
        let cancel = cancel.map(|id| Self::CancelAll { target: id.into() });
        // The target has no version, so that devices with the earlier bytes of the same version query, too.
        let target = id.map(|id| ImageFilter { version: FileVersion::ANY, ..id.into() });
        let notify = target.map(|target| Self::Notify { to: None, target });
        cancel.into_iter().chain(notify)
    }

    /// Executes a command that sends a frame, and writes the frame to `out`. Returns `None` for a command that sends no
    /// frame.
    pub(super) fn write<S: SessionSlots>(
        self,
        server: &mut Server<S>,
        now: Instant,
        out: &mut ResponseBuffer,
    ) -> Option<Transmit> {
        match self {
            Self::Notify { to, target } => {
                let notify = match to {
                    Some(_) => ImageNotify::UNICAST,
                    None => {
                        ImageNotify { jitter: ImageNotify::DEFAULT_JITTER, scope: NotifyScope::from(target) }
                    }
                };
                let (to, delivery) = delivery(to);
                server.notify(to, delivery, notify, out).ok()
            }
            Self::Hold { to, target } => {
                let (to, delivery) = delivery(to);
                Some(server.hold(now, to, delivery, target, out))
            }
            Self::Release { to, target, seconds } => {
                let (to, delivery) = delivery(to);
                Some(server.release(now, to, delivery, target, seconds, out))
            }
            Self::Cancel { .. }
            | Self::CancelAll { .. }
            | Self::Status
            | Self::Forget { .. }
            | Self::Moved { .. } => None,
        }
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::path::PathBuf;
    use std::vec::Vec;

    use super::*;
    use crate::types::{ImageId, ImageType, ManufacturerCode};

    #[test]
    fn devices_hear_of_a_new_file_and_never_mix_two_files_of_one_version() {
        let of = |version| ImageId::new(0x1001, 0x00ab, version);
        let (new, path) = (of(5), PathBuf::from("lamp.ota"));
        let after = |change| GatewayCommand::after_change(&change).collect::<Vec<_>>();
        // Devices of every version query.
        let target = ImageFilter {
            manufacturer: ManufacturerCode(0x1001),
            image_type: ImageType(0x00ab),
            version: FileVersion(0xffff_ffff),
        };
        let notify = GatewayCommand::Notify { to: None, target };
        assert_eq!(after(FolderChange::Added { path: path.clone(), id: new }), [notify]);
        let replaced = |previous| FolderChange::Replaced { path: path.clone(), id: new, previous };
        assert_eq!(after(replaced(of(4))), [notify]);
        assert_eq!(after(replaced(new)), [GatewayCommand::CancelAll { target: new.into() }, notify]);
        assert_eq!(after(FolderChange::Removed { path: path.clone(), id: new }), []);
    }
}

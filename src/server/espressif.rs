//! Image table, registrations and server statuses in the manner of espressif's esp-zigbee-sdk, for applications that
//! move from that SDK to this crate. Each image has an index in the image table.
//!
//! ```text
//! ImageTable::new(jitter, current time)              N slots; an ImageStore
//!   register(index, Registration) -> NotifyTarget?   Image Notify to pass to Server::notify
//!   policy(hook) -> impl ServerPolicy                argument of Server::handle_frame, next to the table
//! ServerStatus::from_event(event)                    argument of the SDK's status callback
//! ```
//!
//! Example of the image table and the closures of a server with one image:
//!
//! ```
//! use zigbee_ota::aps::{Address, DeliveryMode, FrameMeta};
//! use zigbee_ota::file::FileHeader;
//! use zigbee_ota::server::espressif::{NotifyTarget, ImageTable, ReadRequest, Registration};
//! use zigbee_ota::server::{ImageInfo, QueryDecision, ReadResult, Server, ServerConfig, Session};
//! use zigbee_ota::{ImageId, time::Instant, zcl::LONGEST_TO_CLIENT};
//!
//! let header = FileHeader::new(ImageId::new(0x1001, 0x00ab, 5));
//! let mut source = |_: ReadRequest, out: &mut [u8]| {
//!     out.fill(0);
//!     ReadResult::Filled(out.len())
//! };
//! let image = ImageInfo::new(&header);
//! let registration = Registration { endpoint: 1, image, upgrade_time: 0, source: &mut source, notify: true };
//! let mut table = ImageTable::<1>::new(100, 0)?;
//! let announcement = table.register(0, registration)?;
//!
//! let mut server = Server::new(ServerConfig::default(), [Session::EMPTY; 4]);
//! let mut out = [0; LONGEST_TO_CLIENT];
//! if let Some(NotifyTarget::All(notify)) = announcement {
//!     let transmit = server.notify(Address::ALL_AWAKE, DeliveryMode::Broadcast, notify, &mut out)?;
//!     // Send `out[..transmit.len]`.
//! #   assert_eq!(transmit.len, 13);
//! }
//! // An Image Block Request.
//! let frame = [1, 7, 3, 0, 0x01, 0x10, 0xab, 0x00, 5, 0, 0, 0, 0, 0, 0, 0, 4];
//! let meta = FrameMeta::unicast(Address::new(0x1234, 1));
//! let mut policy = table.policy(|_client, _request, _index| QueryDecision::Offer);
//! let action = server.handle_frame(Instant::ZERO, meta, &frame, &mut table, &mut policy, &mut out);
//! # assert!(matches!(action, zigbee_ota::server::ServerAction::Reply(_)), "{action:?}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::image_lookup;
use super::{
    FileLookup, ImageInfo, ImageStore, QueryDecision, ReadResult, ServerEvent, ServerPolicy, StandardPolicy,
    UpgradeDecision,
};
use crate::aps::Address;
use crate::codec::Encode;
use crate::error::EncodeError;
use crate::file::{FileHeader, Tag};
use crate::time::{ServerTime, UtcTime};
use crate::types::{Eui64, HardwareVersion, ImageId, ImageType, ManufacturerCode};
use crate::zcl::{ImageNotify, NotifyScope, QueryNextImageRequest, Status, Violation};

/// Request for bytes of a registered image. The offset in a `ReadRequest` counts from the start of the complete OTA
/// file, header included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct ReadRequest {
    /// Index of the image in the [`ImageTable`].
    pub index: usize,
    /// Information on the image that the requested bytes belong to.
    pub image: ImageInfo,
    /// Client that requests the bytes; `Address::new(0, 0)` if the server does not know the client
    /// ([`serve_block`](super::serve_block)).
    pub client: Address,
    /// Offset of the first requested byte in the file. The client chooses the offset, so offsets can repeat or go back.
    pub offset: u32,
}

/// Source of the bytes of one image: a closure that fills a buffer with the bytes from the requested offset on.
pub type ImageSource<'a> = &'a mut dyn FnMut(ReadRequest, &mut [u8]) -> ReadResult;

/// Entry of an [`ImageTable`]. `Registration` is exhaustive, because its fields are those of a registration in
/// espressif's SDK.
pub struct Registration<'a> {
    /// Endpoint that serves the image.
    pub endpoint: u8,
    /// Information on the image, from the header of its file.
    pub image: ImageInfo,
    /// Upgrade time in the Upgrade End Response, in seconds. If the current time of the image table is 0, the upgrade
    /// time counts from the Upgrade End Response; otherwise the upgrade time is UTC. The upgrade time 0xFFFFFFFF makes
    /// the client hold.
    pub upgrade_time: u32,
    /// Source of the bytes of the file. The server calls the source when a client downloads the image.
    pub source: ImageSource<'a>,
    /// Whether [`ImageTable::register`] returns an Image Notify to send.
    pub notify: bool,
}

/// Image Notify that announces a registered image. The caller passes the Image Notify to
/// [`Server::notify`](super::Server::notify). `NotifyTarget` is exhaustive, because a caller has to send each form of
/// the Image Notify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum NotifyTarget {
    /// Image Notify to broadcast.
    All(ImageNotify),
    /// Image Notify for the only device that may have the image. The caller finds the network address of the device
    /// from the IEEE address in `One`, and passes the IEEE address with each frame of the device
    /// ([`FrameMeta::ieee`](crate::aps::FrameMeta::ieee)). The server offers and serves a device-specific image only to
    /// the device that the image is for.
    One(Eui64, ImageNotify),
}

/// Error for an index beyond the end of an [`ImageTable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[error("index {index} of an image table with {count} slots")]
pub struct NoSuchIndex {
    pub(super) index: usize,
    pub(super) count: usize,
}

/// [`ImageStore`] with `N` slots. Each slot of the table has an index and room for one image.
#[doc(alias("esp_zb_zcl_ota_upgrade_server", "esp_zb_ota_upgrade_server_notify_req"))]
pub struct ImageTable<'a, const N: usize> {
    jitter: u8,
    current_time: u32,
    slots: [Option<Registration<'a>>; N],
}

impl<'a, const N: usize> ImageTable<'a, N> {
    /// Makes an image table without any image. `jitter` is the query jitter of the Image Notify frames, from 1 to 100.
    /// With a `current_time` of 0, upgrade times count seconds from the Upgrade End Response; otherwise upgrade times
    /// are UTC.
    ///
    /// # Errors
    /// Fails with [`Violation::QueryJitter`] if `jitter` is outside 1 to 100.
    pub fn new(jitter: u8, current_time: u32) -> Result<Self, Violation> {
        ImageNotify { jitter, scope: NotifyScope::Everyone }.check()?;
        Ok(Self { jitter, current_time, slots: [const { None }; N] })
    }

    /// Registers an image at `index` and replaces the earlier image of that index. Returns the Image Notify to send if
    /// [`Registration::notify`] is set.
    ///
    /// The Image Notify for a file for all devices is a broadcast with payload type 3: it contains manufacturer code,
    /// image type and file version, so devices of other types do not respond. The Image Notify for a device-specific
    /// file has payload type 0, and is only for the device that may have the file.
    ///
    /// # Errors
    /// Fails with [`NoSuchIndex`] if `index` is `N` or more.
    pub fn register(
        &mut self,
        index: usize,
        registration: Registration<'a>,
    ) -> Result<Option<NotifyTarget>, NoSuchIndex> {
        let slot = self.slots.get_mut(index).ok_or(NoSuchIndex { index, count: N })?;
        let (image, notify) = (registration.image, registration.notify);
        let scope = NotifyScope::NewVersion(image.id.into());
        *slot = Some(registration);
        Ok(notify.then_some(match image.destination {
            None => NotifyTarget::All(ImageNotify { jitter: self.jitter, scope }),
            Some(node) => NotifyTarget::One(node, ImageNotify::UNICAST),
        }))
    }

    /// Removes the image at `index` and returns whether the slot had an image. The server answers NO_IMAGE_AVAILABLE to
    /// a client that downloads the removed image.
    pub fn remove(&mut self, index: usize) -> bool {
        self.slots.get_mut(index).is_some_and(|slot| slot.take().is_some())
    }

    /// Returns the number of slots, free or not, which is `N`.
    #[must_use]
    pub const fn count(&self) -> usize {
        N
    }

    /// Returns the registration at `index`; `None` if the slot is free or `index` is `N` or more.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Registration<'a>> {
        self.slots.get(index)?.as_ref()
    }

    /// Returns the [`ServerPolicy`] for the images that the image table contains now. The caller makes a new policy for
    /// each frame that it passes to the server.
    ///
    /// For each well-formed query the server calls `hook` once. The arguments of `hook` are the client, the request,
    /// and the index of the eligible image (`None` if no image is eligible).
    pub fn policy<H>(&self, hook: H) -> impl ServerPolicy + use<H, N>
    where
        H: FnMut(Address, &QueryNextImageRequest, Option<usize>) -> QueryDecision,
    {
        let upgrade_times = self
            .slots
            .each_ref()
            .map(|slot| slot.as_ref().map(|registration| (registration.image.id, registration.upgrade_time)));
        TablePolicy { hook, upgrade_times, current_time: self.current_time }
    }

    /// Returns the information on each registered image, with the index of the image as the key.
    fn infos(&self) -> impl Iterator<Item = ImageInfo> + Clone {
        (0..).zip(&self.slots).filter_map(|(key, slot)| Some(ImageInfo { key, ..slot.as_ref()?.image }))
    }
}

impl<const N: usize> ImageStore for ImageTable<'_, N> {
    fn find(
        &mut self,
        manufacturer: ManufacturerCode,
        image_type: ImageType,
        is_eligible: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo> {
        image_lookup::find(self.infos(), manufacturer, image_type, is_eligible)
    }

    fn info(
        &mut self,
        id: ImageId,
        node: Option<Eui64>,
        hardware: Option<HardwareVersion>,
        _: Option<Address>,
    ) -> FileLookup {
        let slots = (0..).zip(&self.slots);
        let images = slots.filter_map(|(key, slot)| Some((key, &slot.as_ref()?.image)));
        image_lookup::info(images, id, node, hardware)
    }

    fn read(
        &mut self,
        image: &ImageInfo,
        offset: u32,
        client: Option<Address>,
        out: &mut [u8],
    ) -> ReadResult {
        let index = usize::try_from(image.key).unwrap_or(usize::MAX);
        let client = client.unwrap_or(Address::new(0, 0));
        match self.slots.get_mut(index) {
            Some(Some(slot)) if image_lookup::is_same_file(&slot.image, image) => {
                (slot.source)(ReadRequest { index, image: *image, client, offset }, out)
            }
            _ => ReadResult::Gone,
        }
    }
}

/// [`ServerPolicy`] of an [`ImageTable`].
struct TablePolicy<H, const N: usize> {
    hook: H,
    upgrade_times: [Option<(ImageId, u32)>; N],
    current_time: u32,
}

impl<H, const N: usize> ServerPolicy for TablePolicy<H, N>
where
    H: FnMut(Address, &QueryNextImageRequest, Option<usize>) -> QueryDecision,
{
    fn is_eligible(&mut self, _: Address, request: &QueryNextImageRequest, image: &ImageInfo) -> bool {
        StandardPolicy::default().allows(request, image)
    }

    fn offer(
        &mut self,
        client: Address,
        request: &QueryNextImageRequest,
        found: Option<&ImageInfo>,
    ) -> QueryDecision {
        let index = found.and_then(|image| usize::try_from(image.key).ok());
        (self.hook)(client, request, index)
    }

    fn upgrade(&mut self, _: Address, id: ImageId) -> UpgradeDecision {
        let time = self.upgrade_times.iter().flatten().find(|(other, _)| *other == id);
        match (time, self.current_time) {
            (None, _) => UpgradeDecision::Now,
            (Some((_, u32::MAX)), _) => UpgradeDecision::Hold,
            (Some((_, time)), 0) => UpgradeDecision::AfterSeconds(*time),
            (Some((_, time)), _) => UpgradeDecision::At(UtcTime(*time)),
        }
    }
}

/// Status of a download, as espressif's SDK passes it to the status callback of an OTA server. `ServerStatus` is
/// exhaustive, because the status callback of the SDK has exactly these three statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias = "esp_zb_zcl_ota_upgrade_server_status_t")]
pub enum ServerStatus {
    /// Status 0 of espressif's SDK: the server sent the first block of the image.
    Started,
    /// Status 1 of espressif's SDK: the client ended the download without success.
    Aborted,
    /// Status 2 of espressif's SDK: the client has downloaded the image, and the server has answered with an Upgrade
    /// End Response. `End` contains the current time and the upgrade time of the Upgrade End Response.
    End(ServerTime),
}

impl ServerStatus {
    /// Converts an event of the server to client, image and status. Returns `None` if the SDK has no status for the
    /// event.
    #[must_use]
    pub fn from_event(event: &ServerEvent) -> Option<(Address, ImageId, Self)> {
        match *event {
            ServerEvent::Started { client, id } => Some((client, id, Self::Started)),
            ServerEvent::Ended { client, id, status } if status != Status::SUCCESS => {
                Some((client, id, Self::Aborted))
            }
            ServerEvent::UpgradeScheduled { client, id, time } => Some((client, id, Self::End(time))),
            _ => None,
        }
    }
}

/// Maximum number of bytes before the raw binary: the longest known header, and tag and length of one element.
const MAX_HEAD_LEN: usize = FileHeader::MAX_KNOWN_LEN + 6;

/// Complete OTA file around a raw binary: a header, and one upgrade image element that contains the binary. A closure
/// reads the bytes of the raw binary.
pub struct WrappedBinary<F> {
    head: [u8; MAX_HEAD_LEN],
    head_len: usize,
    image: ImageInfo,
    read_binary: F,
}

impl<F: FnMut(u32, &mut [u8]) -> ReadResult> WrappedBinary<F> {
    /// Makes a file of `header` and one upgrade image element of `size` bytes. `WrappedBinary::new` replaces the total
    /// image size in `header` by the size of the complete file. `read_binary` reads bytes of the element from an offset
    /// in the raw binary.
    ///
    /// # Errors
    /// Fails with [`EncodeError::NoRoom`] if the header has extra fields or the total image size exceeds 32 bits.
    pub fn new(header: FileHeader<'_>, size: u32, read_binary: F) -> Result<Self, EncodeError> {
        let mut head = [0; MAX_HEAD_LEN];
        let header_len = header.header_len();
        let head_len = header_len.saturating_add(6);
        let total_size = u32::try_from(head_len).ok().and_then(|len| len.checked_add(size));
        let no_room = EncodeError::NoRoom { needed: head_len, available: MAX_HEAD_LEN };
        let header = FileHeader { total_size: total_size.ok_or(no_room)?, ..header };
        header.encode(&mut head)?;
        let element = head.get_mut(header_len..).and_then(|rest| rest.split_first_chunk_mut());
        let (tag, rest) = element.ok_or(no_room)?;
        *tag = Tag::UPGRADE_IMAGE.0.to_le_bytes();
        *rest.first_chunk_mut().ok_or(no_room)? = size.to_le_bytes();
        Ok(Self { head, head_len, image: ImageInfo::new(&header), read_binary })
    }

    /// Returns the information on the complete file, for the field [`Registration::image`].
    #[must_use]
    pub const fn image(&self) -> ImageInfo {
        self.image
    }

    /// Reads bytes of the complete file from `offset` on. The caller calls `WrappedBinary::read` in the [`ImageSource`]
    /// of the registered file.
    pub fn read(&mut self, offset: u32, out: &mut [u8]) -> ReadResult {
        let head = self.head.get(..self.head_len).unwrap_or_default();
        let in_binary = usize::try_from(offset).unwrap_or(usize::MAX).checked_sub(head.len());
        match in_binary.and_then(|offset| u32::try_from(offset).ok()) {
            Some(offset) => (self.read_binary)(offset, out),
            // This block ends before the binary, with the tag and length of the element; the next block starts with the
            // binary.
            None => image_lookup::read(head, offset, out),
        }
    }
}

//! Image store and policy that a consumer lends to a server.
//!
//! ```text
//! Consumer::images -> ReadyImages: ImageStore
//! Consumer::policy -> AnnouncementPolicy: ServerPolicy
//! ```

use super::Consumer;
use super::announced_image::{AnnouncedImage, FetchedFile};
use super::device_state::{Activation, DeviceState, Due, announced_path};
use crate::aps::Address;
use crate::file::FileHeader;
use crate::server::{
    FileLookup, ImageInfo, ImageStore, OfferedVersions, PaceDecision, ReadResult, ServerPolicy, Session,
    StandardPolicy, UpgradeDecision, image_lookup,
};
use crate::time::{Instant, UtcTime};
use crate::types::{Eui64, HardwareVersion, ImageId, ImageType, ManufacturerCode};
use crate::unify::identifiers::{ImageKind, Unid};
use crate::unify::topic::ImagePath;
use crate::zcl::{ImageBlockRequest, QueryNextImageRequest, Refusal};

/// Seconds until a client repeats its request for a block of an image that has not arrived at the gateway yet.
const WAIT_SECONDS: u32 = 10;

impl Consumer {
    /// Returns the announcement that determines the target version of a device's image with the manufacturer code and
    /// the image type of `kind`.
    pub(super) fn announcement(&self, unid: &Unid, kind: ImageKind) -> Option<(ImagePath, &AnnouncedImage)> {
        let (uiid, _) = self.devices.get(unid)?.image_of_kind(kind)?;
        let path = announced_path(&self.announced, uiid, unid)?;
        let announced = self.announced.get(&path)?;
        Some((path, announced))
    }

    fn device_of(&self, client: Address) -> Option<(&Unid, &DeviceState)> {
        let unid = self.clients.get(&client)?;
        self.devices.get_key_value(unid)
    }

    /// Returns the files that the server may offer, each with the device that the file is for. A `None` in place of a
    /// device means that the file is for all devices.
    fn ready_files(&self) -> impl Iterator<Item = (Option<&Unid>, &FetchedFile)> + Clone {
        self.announced.iter().filter_map(|(path, found)| Some((path.device.as_ref(), found.ready_file()?)))
    }

    /// Looks up the image `id` for a device that has an image with this manufacturer code and image type. The device
    /// can only get the file of the announcement that determines the target version of this image on the device.
    ///
    /// If `id` has another version than the announced version, the image was replaced. If `id` has the announced
    /// version, the image may not have arrived yet. For a replaced image and for an image that may still arrive
    /// (`AnnouncedImage::is_pending`), the result is a file without content. The policy answers a block request for a
    /// file without content with ABORT or WAIT_FOR_DATA, so the server does not answer with NO_IMAGE_AVAILABLE.
    fn find_image_of_device(&self, unid: &Unid, id: ImageId, node: Option<Eui64>) -> FileLookup {
        let Some((_, found)) = self.announcement(unid, id.into()) else { return FileLookup::NotFound };
        let state = self.devices.get(unid).and_then(|state| state.image_of_kind(id.into()));
        let is_target = state.is_some_and(|(_, image)| image.key == Some(found.key));
        let no_content = || ImageInfo { size: u32::MAX, ..ImageInfo::new(&FileHeader::new(id)) };
        match found.ready_file() {
            _ if found.version != id.version => FileLookup::Found(no_content()),
            Some(file) if file.info.is_for(node) => FileLookup::Found(file.info),
            None if is_target && found.is_pending() => FileLookup::Found(no_content()),
            Some(_) | None => FileLookup::NotFound,
        }
    }

    /// Looks up the image `id` among the verified images that are announced for all devices.
    fn find_general_image(
        &self,
        id: ImageId,
        node: Option<Eui64>,
        hardware: Option<HardwareVersion>,
    ) -> FileLookup {
        let files = self.ready_files().filter(|(device, _)| device.is_none());
        image_lookup::info(files.map(|(_, file)| (file.info.key, &file.info)), id, node, hardware)
    }
}

/// Store with the images of a [`Consumer`] that were verified as valid.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadyImages<'a>(&'a Consumer);

impl<'a> ReadyImages<'a> {
    pub(super) const fn new(consumer: &'a Consumer) -> Self {
        Self(consumer)
    }
}

impl ImageStore for ReadyImages<'_> {
    fn find(
        &mut self,
        manufacturer: ManufacturerCode,
        image_type: ImageType,
        is_eligible: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo> {
        let images = self.0.ready_files().map(|(_, file)| file.info);
        image_lookup::find(images, manufacturer, image_type, is_eligible)
    }

    fn info(
        &mut self,
        id: ImageId,
        node: Option<Eui64>,
        hardware: Option<HardwareVersion>,
        client: Option<Address>,
    ) -> FileLookup {
        let has_node = |(_, state): &(&Unid, &DeviceState)| node.is_some() && state.device.node == node;
        let unid = match client {
            Some(client) => self.0.clients.get(&client),
            None => self.0.devices.iter().find(has_node).map(|(unid, _)| unid),
        };
        let has_kind = |unid: &&Unid| {
            self.0.devices.get(*unid).is_some_and(|state| state.image_of_kind(id.into()).is_some())
        };
        match unid.filter(has_kind) {
            // For a call without a client address, the server does not ask the policy, so the policy cannot refuse a
            // file without content.
            Some(unid) => match self.0.find_image_of_device(unid, id, node) {
                FileLookup::Found(image) if client.is_none() && image.size == u32::MAX => {
                    FileLookup::NotFound
                }
                found => found,
            },
            None => self.0.find_general_image(id, node, hardware),
        }
    }

    fn read(&mut self, image: &ImageInfo, offset: u32, _: Option<Address>, out: &mut [u8]) -> ReadResult {
        match self.0.ready_files().find(|(_, file)| file.info == *image) {
            Some((_, file)) => image_lookup::read(&file.bytes, offset, out),
            None => ReadResult::Gone,
        }
    }
}

/// Policy of a [`Consumer`]. With this policy, a server offers each device the image that is announced for the device,
/// and the device activates the image at the announced time.
#[derive(Clone, Copy, Debug)]
pub(super) struct AnnouncementPolicy<'a> {
    consumer: &'a Consumer,
    utc: Option<UtcTime>,
}

impl<'a> AnnouncementPolicy<'a> {
    pub(super) fn new(consumer: &'a Consumer, now: Instant) -> Self {
        Self { consumer, utc: consumer.utc(now) }
    }
}

impl ServerPolicy for AnnouncementPolicy<'_> {
    /// Returns the IEEE address in the description of the device ([`ManagedDevice::node`](super::ManagedDevice::node)).
    /// If the description has no IEEE address, returns the address in the UNID of the device.
    fn ieee(&mut self, client: Address) -> Option<Eui64> {
        self.consumer.device_of(client).and_then(|(unid, state)| state.node(unid))
    }

    /// Answers a request for a block or a page of a replaced image with ABORT, and a request for a block of an image
    /// that has not arrived yet with WAIT_FOR_DATA. After a reconnection, a device that activates an image right after
    /// the download also gets WAIT_FOR_DATA until the broker has delivered the announcement again.
    fn pace(&mut self, client: Address, request: &ImageBlockRequest, _: Option<&Session>) -> PaceDecision {
        let Some((unid, state)) = self.consumer.device_of(client) else { return PaceDecision::Send };
        let kind = request.id.into();
        let Some((_, found)) = self.consumer.announcement(unid, kind) else { return PaceDecision::Send };
        let must_query = state.image_of_kind(kind).is_some_and(|(_, image)| image.must_query);
        if found.version != request.id.version || must_query {
            return PaceDecision::Abort;
        }
        let is_safe = found.is_confirmed() || state.device.activation == Activation::Scheduled;
        match found.ready_file() {
            Some(_) if is_safe => PaceDecision::Send,
            Some(_) | None => PaceDecision::Wait { seconds: WAIT_SECONDS },
        }
    }

    /// Returns whether the server may offer `image` to the client. A device of the consumer gets offers only of the
    /// image that is announced for it. A client that is no device of the consumer gets offers only of images for all
    /// devices.
    fn is_eligible(&mut self, client: Address, request: &QueryNextImageRequest, image: &ImageInfo) -> bool {
        let Self { consumer, utc } = *self;
        let current = request.current;
        let rules = StandardPolicy {
            versions: OfferedVersions::Any,
            offer_to_unknown_version: false,
            offer_to_unknown_hardware: consumer.config.to_unknown_hardware,
        };
        let fits = rules.allows(request, image)
            && consumer.config.versions.allows(current.version, image.id.version);
        let is_announced = match consumer.device_of(client) {
            Some((unid, state)) => match consumer.announcement(unid, current.into()) {
                Some((_, found)) => {
                    // A device that activates an image right after the download must not download the image before the
                    // announced time, nor an image that may have been withdrawn.
                    let may_download = match state.device.activation {
                        Activation::Scheduled => true,
                        Activation::Immediate => {
                            found.is_confirmed() && Due::of(found.apply_after.as_ref(), utc) == Due::Now
                        }
                    };
                    found.key == image.key && may_download
                }
                None => false,
            },
            None => {
                let mut files = consumer.ready_files();
                files.any(|(device, file)| device.is_none() && file.info.key == image.key)
            }
        };
        fits && is_announced
    }

    /// Decides the upgrade time from the `ApplyAfter` of the announcement. If a device of the consumer has downloaded
    /// another version than the announced version, the server refuses the Upgrade End Request with ABORT. If the image
    /// is not announced, the server orders the client to hold the image, because the announcement may arrive later.
    fn upgrade(&mut self, client: Address, id: ImageId) -> UpgradeDecision {
        if id.image_type == ImageType::LOG {
            return UpgradeDecision::Acknowledge;
        }
        let Self { consumer, utc } = *self;
        let due = match consumer.device_of(client) {
            Some((unid, state)) => match consumer.announcement(unid, id.into()) {
                Some((_, found)) if found.version == id.version => state.due(id, utc),
                Some(_) => return UpgradeDecision::Refuse(Refusal::ABORT),
                None => return UpgradeDecision::Hold,
            },
            None => {
                let has_file =
                    |found: &&AnnouncedImage| found.ready_file().is_some_and(|file| file.info.id == id);
                let for_all = consumer.announced.iter().filter(|(path, _)| path.device.is_none());
                match for_all.map(|(_, found)| found).find(has_file) {
                    Some(found) if found.is_confirmed() => Due::of(found.apply_after.as_ref(), utc),
                    Some(_) => Due::Unknown,
                    None => return UpgradeDecision::Hold,
                }
            }
        };
        match due {
            Due::Now => UpgradeDecision::Now,
            Due::In(seconds) => {
                u32::try_from(seconds).map_or(UpgradeDecision::Hold, UpgradeDecision::AfterSeconds)
            }
            Due::Unknown => UpgradeDecision::Hold,
        }
    }
}

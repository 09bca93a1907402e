//! What a server is lent: the images that may be offered, to whom, and when they are applied.
//!
//! ```text
//! Consumer::images -> Images: ImageStore     Consumer::policy -> Offers: Policy     both lent for one call
//! ```

use super::Consumer;
use super::announced::{Announced, File};
use super::device::{Activation, Due, Managed, chosen};
use crate::aps::Address;
use crate::server::{
    ImageInfo, ImageStore, OfferedVersions, ReadResult, ServerPolicy, StandardPolicy, UpgradeDecision, lookup,
};
use crate::time::{Instant, UtcTime};
use crate::types::{Eui64, ImageId, ImageType, ManufacturerCode};
use crate::unify::name::{ImageKind, Unid};
use crate::unify::topic::{Place, Target};
use crate::zcl::{QueryNextImageRequest, Refusal};

impl Consumer {
    /// What a device is to follow for its image of a kind.
    pub(super) fn announcement(&self, unid: &Unid, kind: ImageKind) -> Option<(Place, &Announced)> {
        let (uiid, _) = self.devices.get(unid)?.of_kind(kind)?;
        let place = chosen(&self.announced, uiid, unid)?;
        let announced = self.announced.get(&place)?;
        Some((place, announced))
    }

    fn managed(&self, client: Address) -> Option<(&Unid, &Managed)> {
        let unid = self.clients.get(&client)?;
        self.devices.get_key_value(unid)
    }

    /// All that may be offered, with whom it is for.
    fn ready(&self) -> impl Iterator<Item = (&Target, &File)> + Clone {
        self.announced.iter().filter_map(|(place, found)| Some((&place.target, found.ready()?)))
    }

    /// The image that a device means by `id`: its own, or the one for all.
    fn meant(&self, unid: Option<&Unid>, id: ImageId, node: Option<Eui64>) -> Option<ImageInfo> {
        let ready = self.ready().filter(|(_, file)| file.info.id == id && file.info.is_for(node));
        let own = |target: &Target| matches!(target, Target::Device(device) if Some(device) == unid);
        let found = ready.clone().find(|(target, _)| own(target));
        found.or_else(|| ready.clone().find(|(target, _)| **target == Target::All)).map(|(_, file)| file.info)
    }
}

/// The images that a [`Consumer`] has fetched and found good, as an [`ImageStore`].
#[derive(Clone, Copy, Debug)]
pub struct Images<'a>(&'a Consumer);

impl<'a> Images<'a> {
    pub(super) const fn new(consumer: &'a Consumer) -> Self {
        Self(consumer)
    }
}

impl ImageStore for Images<'_> {
    fn find(
        &mut self,
        manufacturer: ManufacturerCode,
        image_type: ImageType,
        is_eligible: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo> {
        lookup::find(self.0.ready().map(|(_, file)| file.info), manufacturer, image_type, is_eligible)
    }

    fn info(&mut self, id: ImageId, node: Option<Eui64>, client: Option<Address>) -> Option<ImageInfo> {
        let by_node = |(_, managed): &(&Unid, &Managed)| node.is_some() && managed.device.node == node;
        let unid = match client {
            Some(client) => self.0.clients.get(&client),
            None => self.0.devices.iter().find(by_node).map(|(unid, _)| unid),
        };
        self.0.meant(unid, id, node)
    }

    fn read(&mut self, image: &ImageInfo, offset: u32, _: Option<Address>, out: &mut [u8]) -> ReadResult {
        match self.0.ready().find(|(_, file)| file.info == *image) {
            Some((_, file)) => lookup::read(&file.bytes, offset, out),
            None => ReadResult::Gone,
        }
    }
}

/// Which image a [`Consumer`] wants each device to have, and when it applies it, as a [`ServerPolicy`]. A policy of one's own
/// can ask this one.
#[derive(Clone, Copy, Debug)]
pub struct Offers<'a> {
    consumer: &'a Consumer,
    utc: Option<UtcTime>,
}

impl<'a> Offers<'a> {
    pub(super) fn new(consumer: &'a Consumer, now: Instant) -> Self {
        Self { consumer, utc: consumer.utc(now) }
    }
}

impl ServerPolicy for Offers<'_> {
    /// To a device of the consumer's, what is announced for it; to any other client, what is announced for all.
    fn is_eligible(&mut self, client: Address, request: &QueryNextImageRequest, image: &ImageInfo) -> bool {
        let Self { consumer, utc } = *self;
        let current = request.current;
        let rules = StandardPolicy {
            versions: OfferedVersions::Any,
            offer_to_unknown_version: false,
            offer_to_unknown_hardware: consumer.config.to_unknown_hardware,
        };
        let fits =
            rules.allows(request, image) && consumer.config.update.allows(current.version, image.id.version);
        let wanted = match consumer.managed(client) {
            Some((unid, managed)) => match consumer.announcement(unid, current.into()) {
                Some((_, found)) => {
                    let moment = found.info.apply_after.as_ref();
                    let free =
                        managed.device.activation == Activation::Ordered || Due::of(moment, utc) == Due::Now;
                    found.key == image.key && free
                }
                None => false,
            },
            None => {
                consumer.ready().any(|(target, file)| *target == Target::All && file.info.key == image.key)
            }
        };
        fits && wanted
    }

    /// Not before the moment of `ApplyAfter`. An image that another one has taken the place of is given up by ABORT; one
    /// that nothing is known of waits, as the broker may not have told yet.
    fn upgrade(&mut self, client: Address, id: ImageId) -> UpgradeDecision {
        if id.image_type == ImageType::LOG {
            return UpgradeDecision::Acknowledge;
        }
        let Self { consumer, utc } = *self;
        let due = match consumer.managed(client) {
            Some((unid, managed)) => match consumer.announcement(unid, id.into()) {
                Some((_, found)) if found.version == id.version => managed.due(id, utc),
                Some(_) => return UpgradeDecision::Refuse(Refusal::ABORT),
                None => return UpgradeDecision::Hold,
            },
            None => {
                let is = |found: &&Announced| found.ready().is_some_and(|file| file.info.id == id);
                let all = consumer.announced.iter().filter(|(place, _)| place.target == Target::All);
                match all.map(|(_, found)| found).find(is) {
                    Some(found) => Due::of(found.info.apply_after.as_ref(), utc),
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

//! State of each device and of the images of each device, and the actions that follow from an announcement or from the
//! clock.
//!
//! ```text
//! UNID -> DeviceState { device, images: UIID -> ImageState { status, key: announcement, hold, published } }
//! ```

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use super::announced_image::{AnnouncedImage, FetchState};
use super::{ConsumerAction, ConsumerConfig, subscribe};
use crate::aps::Address;
use crate::server::ImageInfo;
use crate::time::{Instant, UtcTime};
use crate::types::{Eui64, ImageId};
use crate::unify::date_time::DateTime;
use crate::unify::identifiers::{ImageKind, Uiid, Unid};
use crate::unify::image_attribute::{ImageAttribute, ImageAttributeValue, LastError, OtaStatus};
use crate::unify::image_status::ImageStatus;
use crate::unify::message::MqttMessage;
use crate::unify::payload::{Value, to_json};
use crate::unify::topic::{AttributeSide, DeviceEndpoint, ImagePath, Topic};
use crate::unify::topic_filter::TopicFilter;

/// Revision of the attributes that the consumer publishes (Unify, "OTA MQTT Topic attributes overview").
const REVISION: u32 = 1;

/// Time at which a device activates a downloaded image: the upgrade time of the server, or right after the download.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Activation {
    /// The device waits for the upgrade time of the server, as the OTA Upgrade cluster specifies. The device may
    /// download an image before the time in the field `ApplyAfter` of the announcement. `Scheduled` is the default of
    /// [`ManagedDevice::activation`].
    #[default]
    Scheduled,
    /// The device activates an image right after the download. Before the time in the field `ApplyAfter` of an
    /// announcement, the server does not offer the image to a device with the activation `Immediate`, because the
    /// device would activate the image too early.
    Immediate,
}

/// Description of a device of the gateway, for [`Consumer::set_device`](super::Consumer::set_device).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct ManagedDevice {
    /// Address of the device's OTA Upgrade client.
    pub client: Address,
    /// IEEE address of the device; `None` if the address is unknown, or is part of the device's UNID (Unify Node
    /// Identifier: `zb-` and the address). The server offers a device-specific file only to a device with a known IEEE
    /// address.
    #[doc(alias = "mac address")]
    pub node: Option<Eui64>,
    /// Endpoint number in the MQTT topics of the device's attributes. The endpoint 0 stands for the device as a whole.
    pub endpoint: u8,
    /// Time at which the device activates a downloaded image.
    pub activation: Activation,
    /// Images that the device runs, by UIID (Unique Image Identifier of Unify). The version 0xFFFFFFFF means an unknown
    /// version.
    pub images: BTreeMap<Uiid, ImageId>,
}

/// Times, settings, announcements and actions of the consumer, which [`DeviceState::refresh`] reads and changes.
pub(super) struct RefreshContext<'a> {
    pub(super) now: Instant,
    pub(super) utc: Option<UtcTime>,
    pub(super) config: ConsumerConfig,
    pub(super) announced: &'a mut BTreeMap<ImagePath, AnnouncedImage>,
    pub(super) actions: &'a mut VecDeque<ConsumerAction>,
}

/// Remaining time until the device may activate an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    Now,
    /// Number of seconds until the device may activate the image; at least 1.
    In(u64),
    /// The time until the activation is unknown, because no UTC time is set, or because the broker has not delivered
    /// the announcement again after a reconnection.
    Unknown,
}

impl Due {
    pub(super) fn of(time: Option<&DateTime>, utc: Option<UtcTime>) -> Self {
        match (time, utc) {
            (None, _) => Self::Now,
            (Some(_), None) => Self::Unknown,
            (Some(time), Some(utc)) => match time.seconds_from(utc) {
                0 => Self::Now,
                seconds => Self::In(seconds),
            },
        }
    }
}

/// Whether a device has a downloaded image on hold, and whether the server has released the image from the hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HoldState {
    /// The image is not on hold on the device.
    NotHeld,
    /// The device has the image on hold, and may not activate it yet.
    Waiting,
    /// The server has sent the device the upgrade time "now" for the image on hold.
    Released,
}

/// State of one image of a device.
#[derive(Clone, Debug)]
pub(super) struct ImageState {
    pub(super) kind: ImageKind,
    pub(super) status: ImageStatus,
    /// [`AnnouncedImage::key`] of the announcement that determines the target version of the image; `None` if there is
    /// no such announcement.
    pub(super) key: Option<u32>,
    /// Whether the consumer has asked the caller to send the client an Image Notify for the announced image.
    is_notified: bool,
    /// Whether the image is ready for the server, but the consumer notifies the client only at the time of
    /// `ApplyAfter`.
    notify_later: bool,
    hold: HoldState,
    /// Whether another file of the same version has replaced the file that the client is downloading. Until the next
    /// query of the client, the server refuses blocks of the image, because the client would mix bytes of the old file
    /// and the new file.
    pub(super) must_query: bool,
    /// Whether the server has refused to send blocks of a replaced image to the client since the last query of the
    /// client. After the server has refused the blocks, the consumer sends the client one more Image Notify, because
    /// devices ignore an Image Notify during a download.
    is_aborted: bool,
    /// Whether the announcement that determines the target version was delivered by the broker on the current
    /// connection; `true` if there is no such announcement. After a reconnection, until the broker has delivered an
    /// announcement again, the consumer does not know whether the provider has withdrawn the announcement, so the
    /// device may not activate the announced image yet.
    is_confirmed: bool,
    /// Attribute values that the consumer last published to the broker; `None` for a withdrawn attribute.
    published: BTreeMap<ImageAttribute, Option<ImageAttributeValue>>,
}

impl ImageState {
    fn new(id: ImageId) -> Self {
        Self {
            kind: id.into(),
            status: ImageStatus::idle(id.version),
            key: None,
            is_notified: false,
            notify_later: false,
            hold: HoldState::NotHeld,
            must_query: false,
            is_aborted: false,
            is_confirmed: true,
            published: BTreeMap::new(),
        }
    }

    /// Returns the identity of the image that the device shall install.
    pub(super) fn target(&self) -> ImageId {
        let ImageKind { manufacturer, image_type } = self.kind;
        ImageId { manufacturer, image_type, version: self.status.target }
    }

    /// Records that the client has sent a Query Next Image Request.
    pub(super) fn record_query(&mut self) {
        (self.must_query, self.is_aborted) = (false, false);
    }

    /// Records that the server refused to send blocks of the image `id` to the client. If another image or file has
    /// replaced the image `id`, the consumer sends the client one more Image Notify.
    pub(super) fn record_refusal(&mut self, id: ImageId) {
        let is_replaced = self.must_query || id.version != self.status.target;
        if is_replaced && !self.is_aborted {
            (self.is_aborted, self.is_notified) = (true, false);
        }
    }

    /// Records that the client has the complete image and waits for an Upgrade End Response.
    pub(super) fn mark_held(&mut self) {
        if self.hold == HoldState::NotHeld {
            self.hold = HoldState::Waiting;
        }
    }

    /// Records that the client has the complete image, and that the server sent the client the upgrade time `due`.
    pub(super) fn set_hold(&mut self, due: Due) {
        self.hold = if due == Due::Now { HoldState::Released } else { HoldState::Waiting };
    }

    /// Adopts the target version of an announcement, if the device accepts the announced version. If another
    /// announcement determined the target version before, and the client has the image of that announcement on hold,
    /// returns the identity of the image on hold, because the client must not activate it.
    fn follow(&mut self, announced: Option<&AnnouncedImage>, config: ConsumerConfig) -> Option<ImageId> {
        let plan = announced.filter(|found| config.versions.allows(self.status.current, found.version));
        let key = plan.map(|plan| plan.key);
        let mut revoked = None;
        if self.key != key {
            let done = self.status.is_done();
            // The upgrade to the version of the earlier announcement has ended, or is abandoned.
            if self.key.is_some() && self.status.status != OtaStatus::Idle {
                self.status.last_error = if done { LastError::Success } else { LastError::Abort };
            }
            if !done && self.hold == HoldState::Waiting {
                revoked = Some(self.target());
            }
            self.must_query = self.status.status == OtaStatus::DownloadInProgress
                && plan.is_some_and(|plan| plan.version == self.status.target);
            (self.key, self.is_notified, self.hold) = (key, false, HoldState::NotHeld);
            self.is_aborted = false;
            self.status.status = OtaStatus::Idle;
        }
        self.is_confirmed = plan.is_none_or(AnnouncedImage::is_confirmed);
        self.status.target = plan.map_or(self.status.current, |plan| plan.version);
        revoked
    }

    /// Returns the time until the device may activate the image.
    fn due(&self, utc: Option<UtcTime>) -> Due {
        if self.is_confirmed { Due::of(self.status.apply_after.as_ref(), utc) } else { Due::Unknown }
    }

    /// Publishes the attribute values that have changed, and withdraws the attributes that no longer have a value. The
    /// first call of `publish`, and the first call on a new connection to the broker, withdraws every attribute without
    /// a value, because an earlier run of the gateway may have left values at the broker.
    fn publish(&mut self, endpoint: &DeviceEndpoint, uiid: &Uiid, actions: &mut VecDeque<ConsumerAction>) {
        let values = self.status.values();
        for attribute in ImageAttribute::ALL {
            let value = values.iter().find(|value| value.attribute() == attribute);
            let published = self.published.get(&attribute).map(Option::as_ref);
            if published == Some(value) {
                continue;
            }
            let payload = value.map(ImageAttributeValue::payload).unwrap_or_default();
            publish(endpoint, uiid, attribute, &payload, actions);
            self.published.insert(attribute, value.cloned());
        }
    }

    /// Withdraws all attributes of an image from the broker.
    fn withdraw(endpoint: &DeviceEndpoint, uiid: &Uiid, actions: &mut VecDeque<ConsumerAction>) {
        for attribute in ImageAttribute::ALL {
            publish(endpoint, uiid, attribute, &[], actions);
        }
    }
}

/// Publishes an attribute in both of its topics, the topic of the desired value and the topic of the reported value. A
/// message with an empty payload withdraws the attribute from the broker.
fn publish(
    endpoint: &DeviceEndpoint,
    uiid: &Uiid,
    attribute: ImageAttribute,
    payload: &[u8],
    actions: &mut VecDeque<ConsumerAction>,
) {
    for side in AttributeSide::BOTH {
        let topic = Topic::Attribute(endpoint.clone(), uiid.clone(), attribute, side);
        actions.push_back(ConsumerAction::Publish(MqttMessage::new(&topic, payload.to_vec())));
    }
}

/// State of a device and of the device's images.
#[derive(Clone, Debug)]
pub(super) struct DeviceState {
    pub(super) device: ManagedDevice,
    pub(super) images: BTreeMap<Uiid, ImageState>,
}

impl DeviceState {
    pub(super) fn new(unid: &Unid, device: ManagedDevice, actions: &mut VecDeque<ConsumerAction>) -> Self {
        let image = |(uiid, id): (&Uiid, &ImageId)| (uiid.clone(), ImageState::new(*id));
        let state = Self { images: device.images.iter().map(image).collect(), device };
        state.publish_device_topics(unid, actions);
        state
    }

    fn endpoint(&self, unid: &Unid) -> DeviceEndpoint {
        DeviceEndpoint { device: unid.clone(), endpoint: self.device.endpoint }
    }

    pub(super) fn status(&self, uiid: &Uiid) -> Option<&ImageStatus> {
        self.images.get(uiid).map(|image| &image.status)
    }

    /// Replaces the description of the device by a new description.
    pub(super) fn set_device(
        &mut self,
        unid: &Unid,
        device: ManagedDevice,
        actions: &mut VecDeque<ConsumerAction>,
    ) {
        let endpoint = self.endpoint(unid);
        self.images.retain(|uiid, image| {
            let stays = device.images.get(uiid).is_some_and(|id| image.kind == (*id).into());
            if !stays {
                ImageState::withdraw(&endpoint, uiid, actions);
            }
            stays
        });
        for (uiid, id) in &device.images {
            let image = self.images.entry(uiid.clone()).or_insert_with(|| ImageState::new(*id));
            image.status.current = id.version;
        }
        self.device = device;
    }

    /// Publishes the revision of the attributes, and the list of supported commands, which is empty.
    fn publish_device_topics(&self, unid: &Unid, actions: &mut VecDeque<ConsumerAction>) {
        let commands: [u8; 0] = [];
        let revision = to_json(&Value { value: REVISION });
        for (topic, payload) in
            self.device_topics(unid).zip([&revision, &revision, &to_json(&Value { value: commands })])
        {
            actions.push_back(ConsumerAction::Publish(MqttMessage::new(&topic, payload.clone())));
        }
    }

    fn device_topics(&self, unid: &Unid) -> impl Iterator<Item = Topic> {
        let endpoint = self.endpoint(unid);
        let revisions = AttributeSide::BOTH.map(|side| Topic::Revision(endpoint.clone(), side));
        revisions.into_iter().chain([Topic::Commands(endpoint)])
    }

    /// Publishes the topics `ClusterRevision` and `SupportedCommands` of the device again. After a call of
    /// `publish_again`, the next [`refresh`](Self::refresh) publishes all attributes of the device's images.
    pub(super) fn publish_again(&mut self, unid: &Unid, actions: &mut VecDeque<ConsumerAction>) {
        self.publish_device_topics(unid, actions);
        for image in self.images.values_mut() {
            image.published.clear();
        }
    }

    /// Withdraws all topics of the device from the broker.
    pub(super) fn withdraw_all(&self, unid: &Unid, actions: &mut VecDeque<ConsumerAction>) {
        let endpoint = self.endpoint(unid);
        for uiid in self.images.keys() {
            ImageState::withdraw(&endpoint, uiid, actions);
        }
        for topic in self.device_topics(unid) {
            actions.push_back(ConsumerAction::Publish(MqttMessage::new(&topic, Vec::new())));
        }
    }

    /// Returns the IEEE address of the device from its description. If the description has no address, returns the
    /// address in a UNID of the Zigbee form.
    pub(super) fn node(&self, unid: &Unid) -> Option<Eui64> {
        self.device.node.or_else(|| unid.node())
    }

    /// Returns whether the device may get a file that arrived in the data topic of `path`.
    pub(super) fn accepts_file(&self, unid: &Unid, path: &ImagePath, image: &ImageInfo) -> bool {
        let is_addressed = match &path.device {
            None => image.destination.is_none(),
            Some(device) => device == unid && image.is_for(self.node(unid)),
        };
        is_addressed && self.images.get(&path.uiid).is_some_and(|own| own.kind == image.id.into())
    }

    /// Sets the last error of an image, if the announcement with the key `key` determines the target version of the
    /// image.
    pub(super) fn set_error(&mut self, uiid: &Uiid, key: u32, error: LastError) {
        if let Some(image) = self.images.get_mut(uiid).filter(|image| image.key == Some(key)) {
            image.status.last_error = error;
        }
    }

    /// Returns the UIID and the state of the device's image that has the manufacturer code and the image type of
    /// `kind`.
    pub(super) fn image_of_kind(&self, kind: ImageKind) -> Option<(&Uiid, &ImageState)> {
        self.images.iter().find(|(_, image)| image.kind == kind)
    }

    pub(super) fn image_of_kind_mut(&mut self, kind: ImageKind) -> Option<&mut ImageState> {
        self.images.values_mut().find(|image| image.kind == kind)
    }

    /// Returns the time until the device may activate the image `id`. A device activates all images on hold together,
    /// so `due` returns the longest of the times of the image `id` and of all images on hold.
    pub(super) fn due(&self, id: ImageId, utc: Option<UtcTime>) -> Due {
        let is_activated_too = |image: &&ImageState| {
            let is_held = matches!(image.status.status, OtaStatus::WaitForMore | OtaStatus::WaitingToUpgrade);
            image.target() == id || (is_held && image.key.is_some())
        };
        self.images.values().filter(is_activated_too).map(|image| image.due(utc)).max().unwrap_or(Due::Now)
    }

    /// Returns the time of the next activation of an image or the next Image Notify for the device; `None` if neither
    /// is due at a known time.
    pub(super) fn deadline(&self, clock: Option<(Instant, UtcTime)>) -> Option<Instant> {
        let (set, utc) = clock?;
        let due = |image: &ImageState| match image.hold {
            HoldState::Waiting => Some(self.due(image.target(), Some(utc))),
            HoldState::NotHeld | HoldState::Released if image.notify_later => Some(image.due(Some(utc))),
            HoldState::NotHeld | HoldState::Released => None,
        };
        let seconds = self.images.values().filter_map(due).filter_map(|due| match due {
            Due::Now => Some(0),
            Due::In(seconds) => Some(seconds),
            Due::Unknown => None,
        });
        seconds.min().map(|seconds| set.after(Duration::from_secs(seconds)))
    }

    /// Refreshes the consumer's state of the device's images from the announcements and the clock. The method adds
    /// actions by which the caller requests images, sends Image Notifies and upgrade times, and publishes the
    /// attributes that have changed.
    pub(super) fn refresh(&mut self, unid: &Unid, context: &mut RefreshContext<'_>) {
        let mut has_new_time = false;
        let client = self.device.client;
        for (uiid, image) in &mut self.images {
            let path = announced_path(context.announced, uiid, unid);
            let found = path.as_ref().and_then(|path| context.announced.get_mut(path));
            if let Some(id) = image.follow(found.as_deref(), context.config) {
                context.actions.push_back(ConsumerAction::Hold { client, id });
            }
            let time = found.as_ref().and_then(|found| found.apply_after.clone());
            if image.status.apply_after != time {
                image.status.apply_after = time;
                has_new_time = true;
            }
            let (Some(path), Some(found), Some(_)) = (path, found, image.key) else {
                image.notify_later = false;
                continue;
            };
            if matches!(found.fetch, FetchState::NotNeeded) && found.is_confirmed() {
                found.fetch =
                    FetchState::Requested { until: context.now.plus(context.config.request_timeout) };
                subscribe(context.actions, context.config, &TopicFilter::image(&path));
                let request = MqttMessage::request(&path);
                let in_lower_case = context.config.lower_case.then(|| request.with_lower_case_prefix());
                context.actions.extend(
                    [Some(request), in_lower_case].into_iter().flatten().map(ConsumerAction::Publish),
                );
            }
            let may_download = match self.device.activation {
                Activation::Scheduled => true,
                Activation::Immediate => image.due(context.utc) == Due::Now,
            };
            let is_new = found.ready_file().is_some() && !image.is_notified;
            image.notify_later = is_new && !may_download;
            if is_new && may_download {
                image.is_notified = true;
                context.actions.push_back(ConsumerAction::Notify(client));
            }
        }
        self.send_upgrade_times(has_new_time, context);
        let endpoint = self.endpoint(unid);
        for (uiid, image) in &mut self.images {
            image.publish(&endpoint, uiid, context.actions);
        }
    }

    /// Sends the upgrade times of the images on hold, by actions for the caller. For an image that the device may
    /// activate now and that was not released before, the action is [`ConsumerAction::Release`] with 0 seconds. If an
    /// announcement has changed an upgrade time (`has_new_time`), the action for an image that the device may activate
    /// later is [`ConsumerAction::Release`] with the number of seconds. If `has_new_time` is `true`, the action for an
    /// image whose upgrade time is unknown ([`Due::Unknown`]) or more than `u32::MAX` seconds away is
    /// [`ConsumerAction::Hold`]. An image that was released before and that the device may activate now needs no
    /// action.
    fn send_upgrade_times(&mut self, has_new_time: bool, context: &mut RefreshContext<'_>) {
        let is_held = |image: &&ImageState| image.hold != HoldState::NotHeld;
        let held: Vec<_> = self.images.values().filter(is_held).map(ImageState::target).collect();
        let client = self.device.client;
        for id in held {
            let due = self.due(id, context.utc);
            let Some(image) = self.image_of_kind_mut(id.into()) else { continue };
            let seconds = match (due, image.hold) {
                (Due::Now, HoldState::Waiting) => Some(0),
                (Due::In(seconds), _) if has_new_time => u32::try_from(seconds).ok(),
                (Due::Unknown, _) if has_new_time => None,
                _ => continue,
            };
            image.set_hold(due);
            context.actions.push_back(match seconds {
                Some(seconds) => ConsumerAction::Release { client, id, seconds },
                None => ConsumerAction::Hold { client, id },
            });
        }
    }
}

/// Returns the [`ImagePath`] of the announcement that determines the target version of an image on a device. An
/// announcement for a single device takes precedence over an announcement for all devices.
pub(super) fn announced_path(
    announced: &BTreeMap<ImagePath, AnnouncedImage>,
    uiid: &Uiid,
    unid: &Unid,
) -> Option<ImagePath> {
    let own = ImagePath::for_device(uiid.clone(), unid.clone());
    let for_all = ImagePath::for_all(uiid.clone());
    [own, for_all].into_iter().find(|path| announced.contains_key(path))
}

impl ManagedDevice {
    /// Creates the description of a device with one image. The created description has the endpoint 0 and the
    /// activation `Scheduled`: the device waits for the upgrade time of the server. `uiid` names the image in Unify,
    /// and `id` is the identity of the running image.
    #[must_use]
    pub fn new(client: Address, uiid: Uiid, id: ImageId) -> Self {
        let images = BTreeMap::from([(uiid, id)]);
        Self { client, node: None, endpoint: 0, activation: Activation::Scheduled, images }
    }

    /// Adds one more image that the device runs to the description of the device. `uiid` names the image in Unify, and
    /// `id` is the identity of the running version of the image.
    #[must_use]
    pub fn with_image(mut self, uiid: Uiid, id: ImageId) -> Self {
        self.images.insert(uiid, id);
        self
    }
}

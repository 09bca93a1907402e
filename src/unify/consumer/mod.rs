//! Image consumer of Unify: the side that has the devices. The consumer fetches the announced images that the devices
//! need, and publishes the status of the upgrades.
//!
//! The drawing below shows the states of one announced image. An announced image has a path ([`ImagePath`]), which is a
//! part of its MQTT topics. The first part of the path is the UIID (Unique Image Identifier), which names the image
//! regardless of its version. The second part of the path is the device that the image is for, or `all`.
//!
//! ```text
//!               a device needs it             data               Verify: Valid
//!   announced ------------------> requested ------------> verifying ---------------> ready: offered to devices
//!       ^                           | timeout            | not a file of these       |
//!       |          retry            v                    v devices, or Invalid       |
//!       +----------------------- failed               rejected                       |
//!       ^                                                |  announced again          |
//!       +------------------------------------------------+---------------------------+  withdrawn: none
//! ```
//!
//! | state | event | next state |
//! |---|---|---|
//! | none | info message | announced |
//! | announced | a device of the consumer accepts the version | requested: subscription, then a published `get` |
//! | requested | file for a device of the consumer, with the announced version | verifying, and [`ConsumerAction::Verify`] |
//! | | payload that is retained, empty, or a file of another version | requested: the payload is no response to the request |
//! | | any other payload | rejected |
//! | | timeout: [`ConsumerConfig::request_timeout`] | failed |
//! | | [`reconnected`](Consumer::reconnected) | announced, and requested again once the broker has confirmed the announcement |
//! | failed | [`ConsumerConfig::retry`] has passed | announced |
//! | verifying | [`Valid`](FileVerdict::Valid); [`Invalid`](FileVerdict::Invalid) | ready; rejected |
//! | rejected | announced again | announced |
//! | any | another version is announced | announced, with the new version |
//! | | withdrawn | none |
//! | | not confirmed for [`ConsumerConfig::announcement_timeout`] after [`reconnected`](Consumer::reconnected) | none |
//!
//! A consumer keeps an announcement only if one of its devices has an image with the announced UIID. For each image of
//! a device there are at most two announcements: one for all devices, and one for this device. If the caller adds a
//! device with an image whose UIID is new to the consumer, the consumer subscribes again, so that the broker delivers
//! the retained announcements once more.

mod action;
mod announced_image;
mod config;
mod device_state;
mod server_events;
mod server_store_and_policy;

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use super::identifiers::{Uiid, Unid};
use super::image_attribute::LastError;
use super::image_status::ImageStatus;
use super::message::MqttMessage;
use super::message_ignored::MessageIgnored;
use super::payload::Announcement;
use super::topic::{ImagePath, Topic};
use super::topic_filter::TopicFilter;
use crate::aps::Address;
use crate::file::FileHeader;
use crate::server::{ImageStore, ServerPolicy};
use crate::time::{Instant, UtcTime};
use announced_image::{AnnouncedImage, FetchState, FetchedFile};
use device_state::{DeviceState, RefreshContext};
use server_store_and_policy::{AnnouncementPolicy, ReadyImages};

pub use action::ConsumerAction;
pub use announced_image::{FetchedImage, FileVerdict};
pub use config::{AnnouncedVersions, ConsumerConfig};
pub use device_state::{Activation, ManagedDevice};

/// Image consumer of Unify for the devices of a gateway.
///
/// - Input: [`set_device`](Self::set_device) and [`remove_device`](Self::remove_device) describe the devices.
///   [`handle_message`](Self::handle_message) takes each message of the broker, and
///   [`handle_event`](Self::handle_event) each event of the server. [`verified`](Self::verified) takes the result of a
///   verification. The caller calls [`handle_timeout`](Self::handle_timeout) at the time that
///   [`poll_timeout`](Self::poll_timeout) returns. [`set_utc`](Self::set_utc) takes the UTC time, and
///   [`reconnected`](Self::reconnected) reports a new connection to the broker.
/// - Output: after each input the caller calls [`poll_action`](Self::poll_action) until it returns `None`. The caller
///   lends [`images`](Self::images) and [`policy`](Self::policy) to each call of the server.
///
/// The consumer keeps an image in memory while a provider announces the image. The argument `now` of a call must never
/// be earlier than that of the previous call.
#[derive(Clone, Debug)]
pub struct Consumer {
    config: ConsumerConfig,
    /// UTC time that the caller has set, and the instant at which the time was set.
    clock: Option<(Instant, UtcTime)>,
    devices: BTreeMap<Unid, DeviceState>,
    clients: BTreeMap<Address, Unid>,
    announced: BTreeMap<ImagePath, AnnouncedImage>,
    next_key: u32,
    actions: VecDeque<ConsumerAction>,
}

impl Consumer {
    /// Creates a consumer without devices.
    #[must_use]
    pub fn new(config: ConsumerConfig) -> Self {
        let mut consumer = Self {
            config,
            clock: None,
            devices: BTreeMap::new(),
            clients: BTreeMap::new(),
            announced: BTreeMap::new(),
            next_key: 0,
            actions: VecDeque::new(),
        };
        consumer.subscribe(&TopicFilter::announcements_for_all());
        consumer
    }

    /// Sets the UTC time at the instant `now`. In each later call, the consumer computes the current UTC time from
    /// `utc` and from the time that has passed since `now`. If the UTC time is unknown (`None`), no device activates an
    /// image whose announcement names an earliest time of activation.
    pub fn set_utc(&mut self, now: Instant, utc: Option<UtcTime>) {
        self.clock = utc.map(|utc| (now, utc));
        self.refresh_all(now);
    }

    /// Adds a device, or replaces the description of the device. The description contains the address of the device,
    /// and the images of the device with their running versions. The consumer withdraws the status of images that the
    /// new description lacks.
    pub fn set_device(&mut self, now: Instant, unid: &Unid, device: ManagedDevice) {
        if self.devices.get(unid).is_some_and(|old| old.device.endpoint != device.endpoint) {
            self.remove_device(unid);
        }
        let has = |uiid: &Uiid| self.devices.values().any(|state| state.images.contains_key(uiid));
        let is_new_here = !device.images.keys().all(has);
        let own = self.devices.get(unid);
        let is_new_on_device =
            own.is_none_or(|state| !device.images.keys().all(|uiid| state.images.contains_key(uiid)));
        // The consumer drops announcements of images that no device has. After a device with a new image is added, the
        // broker must therefore deliver the announcements again.
        for (is_new, filter) in [
            (is_new_here, TopicFilter::announcements_for_all()),
            (is_new_on_device, TopicFilter::announcements_for(unid)),
        ] {
            if is_new && !self.is_subscription_pending(&filter) {
                self.subscribe(&filter);
            }
        }
        self.clients.retain(|_, other| other != unid);
        self.clients.insert(device.client, unid.clone());
        match self.devices.get_mut(unid) {
            Some(state) => state.set_device(unid, device, &mut self.actions),
            None => {
                let state = DeviceState::new(unid, device, &mut self.actions);
                self.devices.insert(unid.clone(), state);
            }
        }
        self.drop_unused_announcements();
        self.refresh(now, unid);
    }

    /// Removes a device, and withdraws the status of the device's images.
    #[doc(alias = "forget")]
    pub fn remove_device(&mut self, unid: &Unid) {
        let Some(state) = self.devices.remove(unid) else { return };
        state.withdraw_all(unid, &mut self.actions);
        self.clients.retain(|_, device| device != unid);
        self.drop_unused_announcements();
        self.unsubscribe(&TopicFilter::announcements_for(unid));
    }

    /// Reports a new connection to a broker, whether the broker has kept the session of the earlier connection or not.
    /// The consumer repeats all subscriptions and messages, because the broker may have lost the earlier subscriptions
    /// and messages.
    ///
    /// After the consumer has subscribed again, the broker delivers the announcements again. The consumer drops an
    /// announcement that is not delivered within [`ConsumerConfig::announcement_timeout`], because the provider has
    /// withdrawn the announcement while the consumer was not connected.
    pub fn reconnected(&mut self, now: Instant) {
        self.actions.retain(|action| match action {
            ConsumerAction::Subscribe(_) => false,
            // A withdrawn attribute is not published again, so its withdrawal must not be lost.
            ConsumerAction::Publish(message) => message.payload.is_empty(),
            ConsumerAction::Unsubscribe(_)
            | ConsumerAction::Verify(_)
            | ConsumerAction::Notify(_)
            | ConsumerAction::Release { .. }
            | ConsumerAction::Hold { .. } => true,
        });
        self.subscribe(&TopicFilter::announcements_for_all());
        let devices: Vec<Unid> = self.devices.keys().cloned().collect();
        for unid in &devices {
            self.subscribe(&TopicFilter::announcements_for(unid));
        }
        let Self { config, announced, actions, .. } = self;
        for (path, announced) in announced {
            announced.confirm_by = Some(now.plus(config.announcement_timeout));
            if announced.is_requested() {
                announced.fetch = FetchState::NotNeeded;
                // A broker that has kept the session still has the subscription to the requested image.
                unsubscribe(actions, *config, &TopicFilter::image(path));
            }
        }
        for (unid, state) in &mut self.devices {
            state.publish_again(unid, &mut self.actions);
        }
        self.refresh_all(now);
    }

    /// Handles a message that the broker delivered.
    ///
    /// # Errors
    /// Fails with [`MessageIgnored`] if the consumer ignored the message.
    pub fn handle_message(&mut self, now: Instant, message: &MqttMessage) -> Result<(), MessageIgnored> {
        match message.topic.parse()? {
            Topic::Info(path) => self.handle_info(now, path, &message.payload),
            Topic::Data(path) => self.handle_data(now, path, message),
            Topic::Get(_) | Topic::Attribute(..) | Topic::Revision(..) | Topic::Commands(_) => {
                Err(MessageIgnored::Role)
            }
        }
    }

    /// Lends the OTA file that the caller has to verify, without the bytes after its total image size. Returns `None`
    /// if the image was rejected, withdrawn or replaced since its arrival.
    #[must_use]
    pub fn image(&self, image: &FetchedImage) -> Option<&[u8]> {
        match self.announced.get(&image.path)? {
            AnnouncedImage { key, fetch: FetchState::Verifying(file) | FetchState::Ready(file), .. }
                if *key == image.key =>
            {
                Some(&file.bytes)
            }
            _ => None,
        }
    }

    /// Reports the result of the verification that [`ConsumerAction::Verify`] asks for. If the image is valid, the
    /// consumer notifies the devices that the image is for. The consumer ignores the result if the image was withdrawn
    /// or replaced since its arrival.
    pub fn verified(&mut self, now: Instant, image: &FetchedImage, verdict: FileVerdict) {
        let Some(announced) = self.announced.get_mut(&image.path).filter(|found| found.key == image.key)
        else {
            return;
        };
        match (core::mem::replace(&mut announced.fetch, FetchState::Rejected), verdict) {
            (FetchState::Verifying(file), FileVerdict::Valid) => {
                announced.fetch = FetchState::Ready(file);
                self.refresh_path(now, &image.path);
            }
            (FetchState::Verifying(_), FileVerdict::Invalid) => {
                self.report_invalid_image(now, &image.path, image.key);
            }
            // No verification of the image is pending, so the state is restored.
            (other, _) => announced.fetch = other,
        }
    }

    /// Handles the timers of the consumer that have expired. The caller calls `handle_timeout` at the time that
    /// [`poll_timeout`](Self::poll_timeout) returns; earlier calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.drop_unconfirmed_announcements(now);
        let Self { config, announced, actions, .. } = self;
        for (path, announced) in announced {
            if announced.expire(now, config.retry) {
                unsubscribe(actions, *config, &TopicFilter::image(path));
            }
        }
        self.refresh_all(now);
    }

    /// Returns the deadline of the earliest timer, or `None` if no timer is set. At the deadline the caller calls
    /// [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let fetches = self.announced.values().filter_map(AnnouncedImage::deadline);
        let devices = self.devices.values().filter_map(|state| state.deadline(self.clock));
        fetches.chain(devices).min()
    }

    /// Returns the oldest action of the consumer that `poll_action` has not returned yet. Returns `None` if the
    /// consumer has no further action until its next input.
    pub fn poll_action(&mut self) -> Option<ConsumerAction> {
        self.actions.pop_front()
    }

    /// Returns the status of an image on a device, as this consumer last published the status over MQTT.
    #[must_use]
    pub fn status(&self, device: &Unid, uiid: &Uiid) -> Option<&ImageStatus> {
        self.devices.get(device)?.status(uiid)
    }

    /// Returns the image store for the server. The store contains the images that were verified as valid.
    ///
    /// A server that uses the store of the consumer should also use the [`policy`](Self::policy) of the consumer. If a
    /// device requests blocks of a replaced image, or of an image that is expected to arrive, the store returns a file
    /// without content, and the policy answers the request with ABORT or WAIT_FOR_DATA. With a policy that does not
    /// call the policy of the consumer, the server answers a request for blocks of a file without content by
    /// NO_IMAGE_AVAILABLE. An image whose fetch failed, or that was rejected, is not in the store.
    #[must_use]
    pub fn images(&self) -> impl ImageStore + Copy + '_ {
        ReadyImages::new(self)
    }

    /// Returns the policy for the server. The policy decides which image the server offers to each device, and when the
    /// device activates the image. A policy of the caller can wrap the policy of the consumer, and has to call the
    /// methods `ieee`, `is_eligible`, `pace` and `upgrade` of the wrapped policy.
    #[must_use]
    pub fn policy(&self, now: Instant) -> impl ServerPolicy + Copy + '_ {
        AnnouncementPolicy::new(self, now)
    }

    /// Handles an info message, which announces an image. An info message with an empty payload withdraws the
    /// announcement of the image.
    fn handle_info(&mut self, now: Instant, path: ImagePath, payload: &[u8]) -> Result<(), MessageIgnored> {
        if let Some(unid) = &path.device
            && !self.devices.contains_key(unid)
        {
            return Err(MessageIgnored::UnknownDevice(path));
        }
        if !is_used(&self.devices, &path) {
            return Err(MessageIgnored::Unused(path));
        }
        if payload.is_empty() {
            self.remove_announcement(&path);
            self.refresh_path(now, &path);
            return Ok(());
        }
        let announcement = Announcement::parse(payload)?;
        let version = announcement.file_version()?;
        match self.announced.get_mut(&path) {
            // The announced version is unchanged, so the image is fetched again only if the last image was rejected.
            Some(announced) if announced.version == version => {
                announced.apply_after = announcement.apply_after;
                announced.confirm_by = None;
                if matches!(announced.fetch, FetchState::Rejected) {
                    announced.fetch = FetchState::NotNeeded;
                }
            }
            _ => {
                self.remove_announcement(&path);
                self.next_key = self.next_key.wrapping_add(1);
                let (key, fetch) = (self.next_key, FetchState::NotNeeded);
                let apply_after = announcement.apply_after;
                let announced = AnnouncedImage { version, apply_after, key, fetch, confirm_by: None };
                self.announced.insert(path.clone(), announced);
            }
        }
        self.refresh_path(now, &path);
        Ok(())
    }

    /// Handles a data message, which contains the requested image. The consumer ignores a data message that cannot be
    /// the response to its request for the image, and continues to wait for the response.
    fn handle_data(
        &mut self,
        now: Instant,
        path: ImagePath,
        message: &MqttMessage,
    ) -> Result<(), MessageIgnored> {
        let requested = self.announced.get_mut(&path).filter(|announced| announced.is_requested());
        let Some(announced) = requested else { return Err(MessageIgnored::NotRequested(path)) };
        let (key, version, payload) = (announced.key, announced.version, message.payload.as_slice());
        if message.retain {
            return Err(MessageIgnored::Retained);
        }
        if payload.is_empty() {
            return Err(MessageIgnored::Empty(path));
        }
        match FileHeader::parse(payload) {
            Ok((header, _)) if header.id.version != version => {
                return Err(MessageIgnored::OtherVersion {
                    path,
                    found: header.id.version,
                    announced: version,
                });
            }
            // A payload that is no OTA file has no version. Such a payload is the response of a provider whose file is
            // invalid.
            Ok(_) | Err(_) => {}
        }
        unsubscribe(&mut self.actions, self.config, &TopicFilter::image(&path));
        let fits = |file: &FetchedFile| {
            let accepts = |(unid, state): (&Unid, &DeviceState)| state.accepts_file(unid, &path, &file.info);
            self.devices.iter().any(accepts)
        };
        match FetchedFile::parse(payload, key).filter(fits) {
            Some(file) => {
                announced.fetch = FetchState::Verifying(file);
                self.actions.push_back(ConsumerAction::Verify(FetchedImage { path, key }));
            }
            None => {
                announced.fetch = FetchState::Rejected;
                self.report_invalid_image(now, &path, key);
            }
        }
        Ok(())
    }

    /// Publishes the error InvalidImage for all devices whose target version the announcement with the key `key`
    /// determines.
    fn report_invalid_image(&mut self, now: Instant, path: &ImagePath, key: u32) {
        for state in self.devices.values_mut() {
            state.set_error(&path.uiid, key, LastError::InvalidImage);
        }
        self.refresh_path(now, path);
    }

    /// Removes the announcement for `path`, and cancels the subscription to the data topic of the announced image.
    fn remove_announcement(&mut self, path: &ImagePath) {
        if self.announced.remove(path).is_some_and(|announced| announced.is_requested()) {
            self.unsubscribe(&TopicFilter::image(path));
        }
    }

    /// Returns whether the caller still has to subscribe to `filter`: among the actions for `filter` that the caller
    /// has not polled yet, the last one is a subscription.
    fn is_subscription_pending(&self, filter: &TopicFilter) -> bool {
        let pending = self.actions.iter().rev().find_map(|action| match action {
            ConsumerAction::Subscribe(of) if of == filter => Some(true),
            ConsumerAction::Unsubscribe(of) if of == filter => Some(false),
            _ => None,
        });
        pending == Some(true)
    }

    /// Removes the announcements of images that no device has.
    fn drop_unused_announcements(&mut self) {
        let unused = self.announced.keys().filter(|path| !is_used(&self.devices, path));
        let paths: Vec<ImagePath> = unused.cloned().collect();
        paths.iter().for_each(|path| self.remove_announcement(path));
    }

    /// Removes the announcements that the broker has not delivered again in time after a reconnection.
    fn drop_unconfirmed_announcements(&mut self, now: Instant) {
        let is_late = |found: &AnnouncedImage| found.confirm_by.is_some_and(|until| until <= now);
        let late = self.announced.iter().filter(|(_, found)| is_late(found));
        let paths: Vec<ImagePath> = late.map(|(path, _)| path.clone()).collect();
        paths.iter().for_each(|path| self.remove_announcement(path));
    }

    /// Refreshes the consumer's state of the devices that an image with this path is for: the device that the path
    /// names, or all devices that have an image with the UIID of the path.
    fn refresh_path(&mut self, now: Instant, path: &ImagePath) {
        match &path.device {
            Some(unid) => self.refresh(now, unid),
            None => self.refresh_where(now, |state| state.status(&path.uiid).is_some()),
        }
    }

    fn utc(&self, now: Instant) -> Option<UtcTime> {
        self.clock.map(|(set, utc)| utc.advance(set, now))
    }

    fn subscribe(&mut self, filter: &TopicFilter) {
        subscribe(&mut self.actions, self.config, filter);
    }

    fn unsubscribe(&mut self, filter: &TopicFilter) {
        unsubscribe(&mut self.actions, self.config, filter);
    }

    /// Refreshes the consumer's state of one device from the announcements and the clock. The method adds actions by
    /// which the caller requests images, sends Image Notifies and upgrade times, and publishes changes of the status.
    fn refresh(&mut self, now: Instant, unid: &Unid) {
        let utc = self.utc(now);
        let Self { config, devices, announced, actions, .. } = self;
        if let Some(state) = devices.get_mut(unid) {
            state.refresh(unid, &mut RefreshContext { now, utc, config: *config, announced, actions });
        }
    }

    fn refresh_all(&mut self, now: Instant) {
        self.refresh_where(now, |_| true);
    }

    fn refresh_where(&mut self, now: Instant, is_concerned: impl Fn(&DeviceState) -> bool) {
        let utc = self.utc(now);
        let Self { config, devices, announced, actions, .. } = self;
        let mut context = RefreshContext { now, utc, config: *config, announced, actions };
        for (unid, state) in devices.iter_mut().filter(|(_, state)| is_concerned(state)) {
            state.refresh(unid, &mut context);
        }
    }
}

/// Returns whether the device that `path` names, or any device for a path to all devices, has an image with the UIID of
/// `path`.
fn is_used(devices: &BTreeMap<Unid, DeviceState>, path: &ImagePath) -> bool {
    let has = |state: &DeviceState| state.images.contains_key(&path.uiid);
    match &path.device {
        Some(unid) => devices.get(unid).is_some_and(has),
        None => devices.values().any(has),
    }
}

fn subscribe(actions: &mut VecDeque<ConsumerAction>, config: ConsumerConfig, filter: &TopicFilter) {
    actions.push_back(ConsumerAction::Subscribe(filter.clone()));
    if config.lower_case {
        actions.push_back(ConsumerAction::Subscribe(filter.with_lower_case_prefix()));
    }
}

fn unsubscribe(actions: &mut VecDeque<ConsumerAction>, config: ConsumerConfig, filter: &TopicFilter) {
    actions.push_back(ConsumerAction::Unsubscribe(filter.clone()));
    if config.lower_case {
        actions.push_back(ConsumerAction::Unsubscribe(filter.with_lower_case_prefix()));
    }
}

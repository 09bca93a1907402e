//! The side that has the devices: it hears of images, fetches those that are needed, and tells how far they have come.
//!
//! An image goes this way, for one place (a UIID, and all devices or one):
//!
//! ```text
//!              a device needs it           the image            Verify: Valid
//!   announced ------------------> asked ------------> checking ---------------> ready: offered to devices
//!       ^                           | silence            | not a file of these    |
//!       |          some time        v                    v devices, or Invalid    |
//!       +----------------------- failed               refused                     |
//!       ^                                                |  announced again       |
//!       +------------------------------------------------+------------------------+  withdrawn: gone
//! ```
//!
//! | from | on | to |
//! |---|---|---|
//! | none | an info message | announced |
//! | announced | a device that goes to this version is here | asked: subscribed to, and a `get` is published |
//! | asked | the image, of a device here and of the version announced | checking, and [`Action::Verify`] |
//! | | anything else | refused |
//! | | silence for [`Config::patience`] | failed |
//! | | [`reconnected`](Consumer::reconnected) | announced, and so asked anew |
//! | failed | [`Config::retry`] has passed | announced |
//! | checking | [`Valid`](FileVerdict::Valid); [`Invalid`](FileVerdict::Invalid) | ready; refused |
//! | refused | announced again | announced |
//! | any | another version is announced | announced, with that |
//! | | withdrawn | none |

mod announced;
mod device;
mod event;
mod offer;

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use super::filter::Filter;
use super::ignored::Ignored;
use super::name::{Uiid, Unid};
use super::payload::Message;
use super::status::ImageStatus;
use super::topic::{Place, Target, Topic};
use crate::aps::Address;
use crate::time::{Instant, Millis, UtcTime};
use crate::types::{FileVersion, ImageId};
use announced::{Announced, Fetch};
use device::{Managed, Tools};

pub use announced::{Fetched, FileVerdict};
pub use device::{Activation, Device};
pub use offer::{Images, Offers};

/// Which announced versions a device goes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Update {
    /// Those newer than the one it runs (Unify, "Announcing Images").
    #[default]
    Newer,
    /// Any that is not the one it runs (the same, introduction and Z-Wave example).
    Different,
}

impl Update {
    /// Whether a device that runs `current` goes to `announced`. One that does not know its version goes nowhere: it
    /// could install the same image for ever.
    #[must_use]
    pub fn allows(self, current: FileVersion, announced: FileVersion) -> bool {
        let wanted = match self {
            Self::Newer => announced > current,
            Self::Different => announced != current,
        };
        wanted && current != FileVersion::ANY
    }
}

/// What does not change while a consumer runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Which versions devices go to.
    pub update: Update,
    /// Offer an image for certain hardware to a device that does not tell its hardware version.
    pub to_unknown_hardware: bool,
    /// How long to wait for an image that was asked for.
    pub patience: Millis,
    /// How long to wait before it is asked for again.
    pub retry: Millis,
    /// Subscribe to topics below `ucl/ota`, too, for providers that go by the document's diagram.
    pub lower_case: bool,
}

impl Default for Config {
    /// Newer versions, hardware or not; a minute for an image, and another try after five.
    fn default() -> Self {
        Self {
            update: Update::Newer,
            to_unknown_hardware: true,
            patience: Millis::from_secs(60),
            retry: Millis::from_secs(300),
            lower_case: false,
        }
    }
}

/// What the caller is to do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Action {
    /// Subscribe, and have the broker send what it retains.
    Subscribe(Filter),
    /// Subscribe no longer.
    Unsubscribe(Filter),
    /// Publish.
    Publish(Message),
    /// Check the file that [`Consumer::image`] lends, for its signature above all, and tell by [`Consumer::verified`].
    Verify(Fetched),
    /// Tell a client that there is an image, by [`Server::notify`](crate::server::Server::notify).
    Notify(Address),
    /// Order a client that waits with an image to upgrade, by [`Server::release`](crate::server::Server::release).
    Release {
        /// Which client.
        client: Address,
        /// To which image.
        id: ImageId,
        /// In so many seconds.
        seconds: u32,
    },
    /// Tell a client to wait on with an image, by [`Server::hold`](crate::server::Server::hold).
    Hold {
        /// Which client.
        client: Address,
        /// With which image.
        id: ImageId,
    },
}

/// An image consumer for the devices of a gateway.
///
/// - Input: [`set_device`](Self::set_device) and [`remove_device`](Self::remove_device);
///   [`handle_message`](Self::handle_message) for what the broker sends; [`handle_event`](Self::handle_event) for what the
///   server tells; [`verified`](Self::verified); [`handle_timeout`](Self::handle_timeout) when
///   [`poll_timeout`](Self::poll_timeout) has come; [`set_utc`](Self::set_utc); [`reconnected`](Self::reconnected).
/// - Output: [`poll_action`](Self::poll_action) until it is `None`, after each call; [`images`](Self::images) and
///   [`policy`](Self::policy), lent to each call of the server.
///
/// Images are kept as long as they are announced. `now` must not go back from call to call.
#[derive(Clone, Debug)]
pub struct Consumer {
    config: Config,
    /// What clock showed which time.
    clock: Option<(Instant, UtcTime)>,
    devices: BTreeMap<Unid, Managed>,
    clients: BTreeMap<Address, Unid>,
    announced: BTreeMap<Place, Announced>,
    next_key: u32,
    actions: VecDeque<Action>,
}

impl Consumer {
    /// A consumer without devices.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let mut consumer = Self {
            config,
            clock: None,
            devices: BTreeMap::new(),
            clients: BTreeMap::new(),
            announced: BTreeMap::new(),
            next_key: 0,
            actions: VecDeque::new(),
        };
        consumer.subscribe(&Filter::info_for_all());
        consumer
    }

    /// The clock shows `utc` now; `None` where there is none, and images wait then that may not be applied before some
    /// moment. It runs on by the `now` of later calls.
    pub fn set_utc(&mut self, now: Instant, utc: Option<UtcTime>) {
        self.clock = utc.map(|utc| (now, utc));
        self.refresh_all(now);
    }

    /// A device is there, or is not what it was: its images, and what of each it runs. Images that are no longer among
    /// them are no longer told of.
    pub fn set_device(&mut self, now: Instant, unid: &Unid, device: Device) {
        if self.devices.get(unid).is_some_and(|old| old.device.endpoint != device.endpoint) {
            self.remove_device(unid);
        }
        if !self.devices.contains_key(unid) {
            self.subscribe(&Filter::info_for(unid));
        }
        self.clients.retain(|_, other| other != unid);
        self.clients.insert(device.client, unid.clone());
        match self.devices.get_mut(unid) {
            Some(managed) => managed.set(unid, device, &mut self.actions),
            None => {
                let managed = Managed::new(unid, device, &mut self.actions);
                self.devices.insert(unid.clone(), managed);
            }
        }
        self.refresh(now, unid);
    }

    /// A device is gone: nothing is told of it any more.
    pub fn remove_device(&mut self, unid: &Unid) {
        let Some(managed) = self.devices.remove(unid) else { return };
        managed.forget(unid, &mut self.actions);
        self.clients.retain(|_, device| device != unid);
        let own = |place: &&Place| matches!(&place.target, Target::Device(device) if device == unid);
        let places: Vec<Place> = self.announced.keys().filter(own).cloned().collect();
        for place in &places {
            self.take_away(place);
        }
        self.unsubscribe(&Filter::info_for(unid));
    }

    /// The connection to a broker is there again, and nothing of the one before can be counted on: all is subscribed to
    /// and published anew. What was withdrawn meanwhile is not heard of, but in a session that the broker kept.
    pub fn reconnected(&mut self, now: Instant) {
        let to_broker = |action: &Action| {
            matches!(action, Action::Subscribe(_) | Action::Unsubscribe(_) | Action::Publish(_))
        };
        self.actions.retain(|action| !to_broker(action));
        self.subscribe(&Filter::info_for_all());
        let devices: Vec<Unid> = self.devices.keys().cloned().collect();
        for unid in &devices {
            self.subscribe(&Filter::info_for(unid));
        }
        for announced in self.announced.values_mut().filter(|announced| announced.is_asked()) {
            announced.fetch = Fetch::Unneeded;
        }
        for (unid, managed) in &mut self.devices {
            managed.publish_anew(unid, &mut self.actions);
        }
        self.refresh_all(now);
    }

    /// Takes a message that the broker sent.
    ///
    /// # Errors
    /// It changes nothing, for that reason.
    pub fn handle_message(&mut self, now: Instant, message: &Message) -> Result<(), Ignored> {
        match message.topic.parse()? {
            Topic::Info(place) => self.info(now, place, &message.payload),
            Topic::Data(place) => self.data(now, place, &message.payload),
            _ => Err(Ignored::Role),
        }
    }

    /// Does what is due. To be called when [`poll_timeout`](Self::poll_timeout) has come, or at any time.
    pub fn handle_timeout(&mut self, now: Instant) {
        let Self { config, announced, actions, .. } = self;
        for (place, announced) in announced {
            if announced.expire(now, config.retry) {
                unsubscribe(actions, *config, &Filter::data(place));
            }
        }
        self.refresh_all(now);
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None` while nothing is awaited.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let fetches = self.announced.values().filter_map(Announced::deadline);
        let devices = self.devices.values().filter_map(|managed| managed.deadline(self.clock));
        fetches.chain(devices).min()
    }

    /// What to do next, the oldest first; `None` until the next input.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Where an image stands on a device, as it was published last.
    #[must_use]
    pub fn status(&self, device: &Unid, uiid: &Uiid) -> Option<&ImageStatus> {
        self.devices.get(device)?.status(uiid)
    }

    /// What the server offers.
    #[must_use]
    pub const fn images(&self) -> Images<'_> {
        Images::new(self)
    }

    /// To whom, and when it is applied.
    #[must_use]
    pub fn policy(&self, now: Instant) -> Offers<'_> {
        Offers::new(self, now)
    }

    fn utc(&self, now: Instant) -> Option<UtcTime> {
        self.clock.map(|(set, utc)| utc.advance(set, now))
    }

    fn subscribe(&mut self, filter: &Filter) {
        subscribe(&mut self.actions, self.config, filter);
    }

    fn unsubscribe(&mut self, filter: &Filter) {
        unsubscribe(&mut self.actions, self.config, filter);
    }

    /// Brings a device in line with what is known of it and of its images, and tells what is new.
    fn refresh(&mut self, now: Instant, unid: &Unid) {
        let utc = self.utc(now);
        let Self { config, devices, announced, actions, .. } = self;
        if let Some(managed) = devices.get_mut(unid) {
            managed.refresh(unid, &mut Tools { now, utc, config: *config, announced, actions });
        }
    }

    fn refresh_all(&mut self, now: Instant) {
        self.refresh_those(now, |_| true);
    }

    fn refresh_those(&mut self, now: Instant, which: impl Fn(&Managed) -> bool) {
        let utc = self.utc(now);
        let Self { config, devices, announced, actions, .. } = self;
        let mut tools = Tools { now, utc, config: *config, announced, actions };
        for (unid, managed) in devices.iter_mut().filter(|(_, managed)| which(managed)) {
            managed.refresh(unid, &mut tools);
        }
    }
}

fn subscribe(actions: &mut VecDeque<Action>, config: Config, filter: &Filter) {
    actions.push_back(Action::Subscribe(filter.clone()));
    if config.lower_case {
        actions.push_back(Action::Subscribe(filter.in_lower_case()));
    }
}

fn unsubscribe(actions: &mut VecDeque<Action>, config: Config, filter: &Filter) {
    actions.push_back(Action::Unsubscribe(filter.clone()));
    if config.lower_case {
        actions.push_back(Action::Unsubscribe(filter.in_lower_case()));
    }
}

//! The devices, and what is told of each of their images.
//!
//! ```text
//! UNID -> Managed { device, images: UIID -> Tracked { status, key: which announcement, held, published } }
//! ```

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use super::announced::{Announced, Fetch};
use super::{Action, Config, subscribe};
use crate::aps::Address;
use crate::server::ImageInfo;
use crate::time::{Instant, UtcTime};
use crate::types::{Eui64, ImageId};
use crate::unify::attribute::{Attribute, AttributeValue, LastError, Status};
use crate::unify::filter::Filter;
use crate::unify::moment::Moment;
use crate::unify::name::{ImageKind, Uiid, Unid};
use crate::unify::payload::{Message, Value, to_json};
use crate::unify::status::ImageStatus;
use crate::unify::topic::{Node, Place, Side, Target, Topic};

/// Revision of the attributes that are published (Unify, "OTA MQTT Topic attributes overview").
const REVISION: u32 = 1;

/// When a device runs an image that it has downloaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Activation {
    /// When it is ordered to: it may download before the moment of `ApplyAfter`.
    #[default]
    Ordered,
    /// As soon as it is there, whatever it is told: nothing is offered to it before that moment.
    Immediate,
}

/// A device as the gateway knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Where its client of the cluster stands.
    pub client: Address,
    /// Its IEEE address, where it is known: a file made for one device alone goes to nobody else.
    pub node: Option<Eui64>,
    /// The endpoint under which it is told of; 0 for the whole device.
    pub endpoint: u8,
    /// When it runs what it has downloaded.
    pub activation: Activation,
    /// Its images, each with what runs of it; 0xFFFFFFFF for a version that is not known.
    pub images: BTreeMap<Uiid, ImageId>,
}

/// What a device is brought in line with, and where that leads.
pub(super) struct Tools<'a> {
    pub(super) now: Instant,
    pub(super) utc: Option<UtcTime>,
    pub(super) config: Config,
    pub(super) announced: &'a mut BTreeMap<Place, Announced>,
    pub(super) actions: &'a mut VecDeque<Action>,
}

/// How long it is until an image may be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    Now,
    /// In so many seconds, at least one.
    In(u64),
    /// There is no clock.
    Unknown,
}

impl Due {
    pub(super) fn of(moment: Option<&Moment>, utc: Option<UtcTime>) -> Self {
        match (moment, utc) {
            (None, _) => Self::Now,
            (Some(_), None) => Self::Unknown,
            (Some(moment), Some(utc)) => match moment.seconds_from(utc) {
                0 => Self::Now,
                seconds => Self::In(seconds),
            },
        }
    }
}

/// Whether a device has an image and waits to be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    No,
    /// It may not be applied yet.
    Waiting,
    Released,
}

/// One image of a device.
#[derive(Clone, Debug)]
pub(super) struct Tracked {
    pub(super) kind: ImageKind,
    pub(super) status: ImageStatus,
    /// The announcement that it is to follow.
    pub(super) key: Option<u32>,
    /// The client was told that the image is there.
    notified: bool,
    /// The image is there, and the client is to be told at the moment of `ApplyAfter`.
    to_notify: bool,
    held: Held,
    /// What the broker has.
    published: BTreeMap<Attribute, AttributeValue>,
}

impl Tracked {
    fn new(id: ImageId) -> Self {
        Self {
            kind: id.into(),
            status: ImageStatus::idle(id.version),
            key: None,
            notified: false,
            to_notify: false,
            held: Held::No,
            published: BTreeMap::new(),
        }
    }

    /// The image that it is to have.
    pub(super) fn target(&self) -> ImageId {
        let ImageKind { manufacturer, image_type } = self.kind;
        ImageId { manufacturer, image_type, version: self.status.target }
    }

    /// The client holds the image now, complete.
    pub(super) fn hold(&mut self) {
        if self.held == Held::No {
            self.held = Held::Waiting;
        }
    }

    /// The client holds the image and was told when to upgrade, as `due` says.
    pub(super) fn ordered(&mut self, due: Due) {
        self.held = if due == Due::Now { Held::Released } else { Held::Waiting };
    }

    fn follow(&mut self, chosen: Option<&Announced>, config: Config) {
        let plan = chosen.filter(|found| config.update.allows(self.status.current, found.version));
        let key = plan.map(|plan| plan.key);
        if self.key != key {
            // What was under way has come to its end, or is not wanted any more.
            if self.key.is_some() && self.status.status != Status::Idle {
                let done = self.status.is_done();
                self.status.last_error = if done { LastError::Success } else { LastError::Abort };
            }
            (self.key, self.notified, self.held) = (key, false, Held::No);
            self.status.status = Status::Idle;
        }
        self.status.target = plan.map_or(self.status.current, |plan| plan.version);
    }

    fn publish(&mut self, node: &Node, uiid: &Uiid, actions: &mut VecDeque<Action>) {
        let values = self.status.values();
        for value in &values {
            let attribute = value.attribute();
            if self.published.get(&attribute) == Some(value) {
                continue;
            }
            publish(node, uiid, attribute, &value.payload(), actions);
            self.published.insert(attribute, value.clone());
        }
        self.published.retain(|attribute, _| {
            let there = values.iter().any(|value| value.attribute() == *attribute);
            if !there {
                publish(node, uiid, *attribute, &[], actions);
            }
            there
        });
    }

    /// Takes back all that was published.
    fn forget(node: &Node, uiid: &Uiid, actions: &mut VecDeque<Action>) {
        for attribute in Attribute::ALL {
            publish(node, uiid, attribute, &[], actions);
        }
    }
}

fn publish(node: &Node, uiid: &Uiid, attribute: Attribute, payload: &[u8], actions: &mut VecDeque<Action>) {
    for side in Side::BOTH {
        let topic = Topic::Attribute(node.clone(), uiid.clone(), attribute, side);
        actions.push_back(Action::Publish(Message::new(&topic, payload.to_vec())));
    }
}

/// A device and its images.
#[derive(Clone, Debug)]
pub(super) struct Managed {
    pub(super) device: Device,
    pub(super) images: BTreeMap<Uiid, Tracked>,
}

impl Managed {
    pub(super) fn new(unid: &Unid, device: Device, actions: &mut VecDeque<Action>) -> Self {
        let tracked = |(uiid, id): (&Uiid, &ImageId)| (uiid.clone(), Tracked::new(*id));
        let managed = Self { images: device.images.iter().map(tracked).collect(), device };
        managed.introduce(unid, actions);
        managed
    }

    fn node(&self, unid: &Unid) -> Node {
        Node { device: unid.clone(), endpoint: self.device.endpoint }
    }

    pub(super) fn status(&self, uiid: &Uiid) -> Option<&ImageStatus> {
        self.images.get(uiid).map(|tracked| &tracked.status)
    }

    /// Takes on what the gateway tells.
    pub(super) fn set(&mut self, unid: &Unid, device: Device, actions: &mut VecDeque<Action>) {
        let node = self.node(unid);
        self.images.retain(|uiid, tracked| {
            let stays = device.images.get(uiid).is_some_and(|id| tracked.kind == (*id).into());
            if !stays {
                Tracked::forget(&node, uiid, actions);
            }
            stays
        });
        for (uiid, id) in &device.images {
            let tracked = self.images.entry(uiid.clone()).or_insert_with(|| Tracked::new(*id));
            tracked.status.current = id.version;
        }
        self.device = device;
    }

    /// What is told of the device itself.
    fn introduce(&self, unid: &Unid, actions: &mut VecDeque<Action>) {
        let commands: [u8; 0] = [];
        let revision = to_json(&Value { value: REVISION });
        for (topic, payload) in
            self.topics(unid).zip([&revision, &revision, &to_json(&Value { value: commands })])
        {
            actions.push_back(Action::Publish(Message::new(&topic, payload.clone())));
        }
    }

    fn topics(&self, unid: &Unid) -> impl Iterator<Item = Topic> {
        let node = self.node(unid);
        let revisions = Side::BOTH.map(|side| Topic::Revision(node.clone(), side));
        revisions.into_iter().chain([Topic::Commands(node)])
    }

    pub(super) fn publish_anew(&mut self, unid: &Unid, actions: &mut VecDeque<Action>) {
        self.introduce(unid, actions);
        for tracked in self.images.values_mut() {
            tracked.published.clear();
        }
    }

    pub(super) fn forget(&self, unid: &Unid, actions: &mut VecDeque<Action>) {
        let node = self.node(unid);
        for uiid in self.images.keys() {
            Tracked::forget(&node, uiid, actions);
        }
        for topic in self.topics(unid) {
            actions.push_back(Action::Publish(Message::new(&topic, Vec::new())));
        }
    }

    /// Whether a file that came in for `place` is one for this device.
    pub(super) fn takes(&self, unid: &Unid, place: &Place, image: &ImageInfo) -> bool {
        let for_it = match &place.target {
            Target::All => image.destination.is_none(),
            Target::Device(device) => device == unid && image.is_for(self.device.node),
        };
        for_it && self.images.get(&place.uiid).is_some_and(|tracked| tracked.kind == image.id.into())
    }

    pub(super) fn fail(&mut self, uiid: &Uiid, key: u32, error: LastError) {
        if let Some(tracked) = self.images.get_mut(uiid).filter(|tracked| tracked.key == Some(key)) {
            tracked.status.last_error = error;
        }
    }

    /// The image of a kind.
    pub(super) fn of_kind(&self, kind: ImageKind) -> Option<(&Uiid, &Tracked)> {
        self.images.iter().find(|(_, tracked)| tracked.kind == kind)
    }

    pub(super) fn of_kind_mut(&mut self, kind: ImageKind) -> Option<&mut Tracked> {
        self.images.values_mut().find(|tracked| tracked.kind == kind)
    }

    /// How long it is until the device may apply `id`, with all that it holds beside: they are applied together.
    pub(super) fn due(&self, id: ImageId, utc: Option<UtcTime>) -> Due {
        let together = |tracked: &&Tracked| {
            let holds = matches!(tracked.status.status, Status::WaitForMore | Status::WaitingToUpgrade);
            tracked.target() == id || (holds && tracked.key.is_some())
        };
        let moments = self.images.values().filter(together).map(|tracked| &tracked.status.apply_after);
        moments.map(|moment| Due::of(moment.as_ref(), utc)).max().unwrap_or(Due::Now)
    }

    /// When something is to be done for the device that only a clock tells.
    pub(super) fn deadline(&self, clock: Option<(Instant, UtcTime)>) -> Option<Instant> {
        let (set, utc) = clock?;
        let due = |tracked: &Tracked| match tracked.held {
            Held::Waiting => Some(self.due(tracked.target(), Some(utc))),
            _ if tracked.to_notify => Some(Due::of(tracked.status.apply_after.as_ref(), Some(utc))),
            _ => None,
        };
        let seconds = self.images.values().filter_map(due).filter_map(|due| match due {
            Due::Now => Some(0),
            Due::In(seconds) => Some(seconds),
            Due::Unknown => None,
        });
        seconds.min().map(|seconds| set.after(Duration::from_secs(seconds)))
    }

    pub(super) fn refresh(&mut self, unid: &Unid, tools: &mut Tools<'_>) {
        let mut changed = Vec::new();
        for (uiid, tracked) in &mut self.images {
            let place = chosen(tools.announced, uiid, unid);
            let found = place.as_ref().and_then(|place| tools.announced.get_mut(place));
            tracked.follow(found.as_deref(), tools.config);
            let moment = found.as_ref().and_then(|found| found.info.apply_after.clone());
            if tracked.status.apply_after != moment {
                tracked.status.apply_after = moment;
                changed.push(uiid.clone());
            }
            let (Some(place), Some(found), Some(_)) = (place, found, tracked.key) else {
                tracked.to_notify = false;
                continue;
            };
            if matches!(found.fetch, Fetch::Unneeded) {
                found.fetch = Fetch::Asked { until: tools.now.plus(tools.config.patience) };
                subscribe(tools.actions, tools.config, &Filter::data(&place));
                tools.actions.push_back(Action::Publish(place.get()));
            }
            let offered = match self.device.activation {
                Activation::Ordered => true,
                Activation::Immediate => Due::of(tracked.status.apply_after.as_ref(), tools.utc) == Due::Now,
            };
            let is_news = found.ready().is_some() && !tracked.notified;
            tracked.to_notify = is_news && !offered;
            if is_news && offered {
                tracked.notified = true;
                tools.actions.push_back(Action::Notify(self.device.client));
            }
        }
        self.order(&changed, tools);
        let node = self.node(unid);
        for (uiid, tracked) in &mut self.images {
            tracked.publish(&node, uiid, tools.actions);
        }
    }

    /// Orders the device to upgrade to what it holds, where its moment has come or is another one now.
    fn order(&mut self, changed: &[Uiid], tools: &mut Tools<'_>) {
        let holding = |tracked: &&Tracked| tracked.held != Held::No;
        let held: Vec<_> = self.images.values().filter(holding).map(Tracked::target).collect();
        let client = self.device.client;
        for id in held {
            let due = self.due(id, tools.utc);
            let Some(tracked) = self.of_kind_mut(id.into()) else { continue };
            let seconds = match (due, tracked.held) {
                (Due::Now, Held::Waiting) => Some(0),
                (Due::In(seconds), _) if !changed.is_empty() => u32::try_from(seconds).ok(),
                (Due::Unknown, _) if !changed.is_empty() => None,
                _ => continue,
            };
            tracked.ordered(due);
            tools.actions.push_back(match seconds {
                Some(seconds) => Action::Release { client, id, seconds },
                None => Action::Hold { client, id },
            });
        }
    }
}

/// Where a device's image comes from: what is announced for the device, before what is announced for all.
pub(super) fn chosen(announced: &BTreeMap<Place, Announced>, uiid: &Uiid, unid: &Unid) -> Option<Place> {
    let own = Place::for_device(uiid.clone(), unid.clone());
    let general = Place::for_all(uiid.clone());
    [own, general].into_iter().find(|place| announced.contains_key(place))
}

impl Device {
    /// A device with one image, known as a whole, that upgrades when it is ordered to.
    #[must_use]
    pub fn new(client: Address, uiid: Uiid, id: ImageId) -> Self {
        let images = BTreeMap::from([(uiid, id)]);
        Self { client, node: None, endpoint: 0, activation: Activation::Ordered, images }
    }

    /// With another image: its name, and what runs of it now.
    #[must_use]
    pub fn with_image(mut self, uiid: Uiid, id: ImageId) -> Self {
        self.images.insert(uiid, id);
        self
    }
}

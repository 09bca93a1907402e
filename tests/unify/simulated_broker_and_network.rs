//! Simulation of a provider, a broker and a Zigbee network, on virtual time.

use std::collections::BTreeMap;

use zigbee_ota::aps::Address;
use zigbee_ota::file::{Element, FileHeader, FileWriter, Tag};
use zigbee_ota::time::{Instant, Millis, UtcTime};
use zigbee_ota::unify::{
    Announcement, AttributeSide, ConsumerAction, ConsumerConfig, DeviceEndpoint, FileVerdict, ImageAttribute,
    ImageAttributeValue, ImagePath, LastError, ManagedDevice, MqttMessage, OtaStatus, Provider, Topic,
    TopicFilter, Uiid, Unid,
};
use zigbee_ota::{Encode, Eui64, ImageId};

use crate::simulated_zigbee_network::{Network, Simulated};

/// An OTA file of `size` bytes more than its header and one element's.
pub fn file(id: ImageId, size: usize) -> Vec<u8> {
    file_with(FileHeader::new(id), size)
}

pub fn file_with(header: FileHeader<'_>, size: usize) -> Vec<u8> {
    let data: Vec<u8> = (0..=255).cycle().skip(usize::from(header.id.version.0 as u8)).take(size).collect();
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &data }];
    let writer = FileWriter::new(header, &elements).unwrap();
    let mut file = vec![0; writer.encoded_len()];
    writer.encode(&mut file).unwrap();
    file
}

pub const OLD: ImageId = ImageId::new(0x1001, 0x1011, 0x1005_3519);
pub const NEW: ImageId = ImageId::new(0x1001, 0x1011, 0x1010_3519);
pub const NEWER: ImageId = ImageId::new(0x1001, 0x1011, 0x1010_3701);

pub fn uiid(id: ImageId) -> Uiid {
    Uiid::from_kind(id.into())
}

/// The device with this number.
pub fn unid(number: u16) -> Unid {
    Eui64(number.into()).into()
}

pub fn general(id: ImageId) -> ImagePath {
    ImagePath::for_all(uiid(id))
}

pub fn own(id: ImageId, number: u16) -> ImagePath {
    ImagePath::for_device(uiid(id), unid(number))
}

fn address(number: u16) -> Address {
    Address::new(number, 1)
}

/// 2026-01-01T00:00:00Z.
pub const MIDNIGHT: UtcTime = UtcTime(820_540_800);

/// Something that the broker saw of the consumer.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    Subscribe(String),
    Unsubscribe(String),
    Publish(MqttMessage),
}

pub struct Simulation {
    pub now: Instant,
    pub network: Network,
    pub provider: Provider,
    pub files: BTreeMap<ImagePath, Vec<u8>>,
    /// The provider's program runs.
    pub provided: bool,
    pub retained: BTreeMap<String, Vec<u8>>,
    pub seen: Vec<Seen>,
    subscribed: Vec<TopicFilter>,
    /// Images that the provider published.
    pub sent: Vec<MqttMessage>,
}

impl Simulation {
    pub fn new() -> Self {
        Self::with(ConsumerConfig::default(), |_| FileVerdict::Valid)
    }

    pub fn with(config: ConsumerConfig, check: fn(&[u8]) -> FileVerdict) -> Self {
        let mut simulation = Self {
            now: Instant::ZERO,
            network: Network::new(config, check),
            provider: Provider::new(),
            files: BTreeMap::new(),
            provided: true,
            retained: BTreeMap::new(),
            seen: Vec::new(),
            subscribed: Vec::new(),
            sent: Vec::new(),
        };
        simulation.network.consumer.set_utc(Instant::ZERO, Some(MIDNIGHT));
        simulation
    }

    pub fn device(number: u16, runs: &[ImageId]) -> ManagedDevice {
        let first = ManagedDevice::new(address(number), uiid(runs[0]), runs[0]);
        let mut device = runs.iter().skip(1).fold(first, |device, id| device.with_image(uiid(*id), *id));
        device.node = Some(Eui64(number.into()));
        device
    }

    pub fn simulated(&self, number: u16, runs: &[ImageId]) -> Simulated {
        Simulated::new(self.now, unid(number), address(number), runs)
    }

    pub fn join(&mut self, number: u16, runs: &[ImageId]) {
        let simulated = self.simulated(number, runs);
        self.network.join(self.now, simulated, Self::device(number, runs));
        self.settle();
    }

    pub fn announce(&mut self, place: ImagePath, info: Announcement, file: Vec<u8>) {
        let message = self.provider.announce(place.clone(), info, file.len()).unwrap();
        self.files.insert(place, file);
        self.publish(message);
        self.settle();
    }

    /// An image as it is, to be applied at once.
    pub fn offer(&mut self, place: ImagePath, id: ImageId) {
        self.announce(place, Announcement::new(id.version), file(id, 1000));
    }

    /// The same, not before a moment.
    pub fn offer_after(&mut self, place: ImagePath, id: ImageId, moment: &str) {
        let mut info = Announcement::new(id.version);
        info.apply_after = Some(moment.parse().unwrap());
        self.announce(place, info, file(id, 1000));
    }

    pub fn withdraw(&mut self, place: &ImagePath) {
        let message = self.provider.withdraw(place).unwrap();
        self.publish(message);
        self.settle();
    }

    /// The connection is lost and made again: a broker without a session forgets what the consumer subscribed to.
    pub fn reconnect(&mut self, keeps_session: bool) {
        if !keeps_session {
            self.subscribed.clear();
        }
        self.network.consumer.reconnected(self.now);
        self.settle();
    }

    /// Retained message of an announcement that is not there any more, without a word to the consumer.
    pub fn withdraw_unheard(&mut self, place: &ImagePath) {
        let message = self.provider.withdraw(place).unwrap();
        self.retained.remove(&message.topic).expect("it was announced");
    }

    /// Anybody publishes something.
    pub fn publish(&mut self, message: MqttMessage) {
        if message.retain {
            match message.payload.as_slice() {
                [] => self.retained.remove(&message.topic),
                payload => self.retained.insert(message.topic.clone(), payload.to_vec()),
            };
        }
        let message = MqttMessage { retain: false, ..message };
        if self.provided
            && self.provider.subscription().matches(&message.topic)
            && let Ok(place) = self.provider.handle_message(&message)
        {
            let data = MqttMessage::image(place, self.files[place].clone()).unwrap();
            self.sent.push(data.clone());
            self.publish(data);
            return;
        }
        if self.subscribed.iter().any(|filter| filter.matches(&message.topic)) {
            // What the consumer makes of it shows in what it does.
            let _ = self.network.receive(self.now, &message);
        }
    }

    /// All that is due now.
    pub fn settle(&mut self) {
        loop {
            let actions = self.network.run(self.now);
            if actions.is_empty() {
                return;
            }
            for action in actions {
                self.carry(action);
            }
        }
    }

    fn carry(&mut self, action: ConsumerAction) {
        match action {
            ConsumerAction::Subscribe(filter) => {
                self.seen.push(Seen::Subscribe(filter.to_string()));
                if !self.subscribed.contains(&filter) {
                    self.subscribed.push(filter.clone());
                }
                for (topic, payload) in self.retained.clone() {
                    if filter.matches(&topic) {
                        let _ = self.network.receive(self.now, &MqttMessage { topic, payload, retain: true });
                    }
                }
            }
            ConsumerAction::Unsubscribe(filter) => {
                self.seen.push(Seen::Unsubscribe(filter.to_string()));
                self.subscribed.retain(|other| *other != filter);
            }
            ConsumerAction::Publish(message) => {
                self.seen.push(Seen::Publish(message.clone()));
                self.publish(message);
            }
            other => panic!("{other:?} is not for the broker"),
        }
    }

    /// Lets time pass, with all that happens meanwhile.
    pub fn pass(&mut self, seconds: u32) {
        let end = self.now.plus(Millis::from_secs(seconds));
        while let Some(next) = self.network.poll_timeout().filter(|next| *next <= end) {
            assert!(next > self.now, "nothing is due that was not done");
            self.now = next;
            self.settle();
        }
        self.now = end;
        self.settle();
    }

    /// Advances the time until a status is published, by at most one minute.
    pub fn until(&mut self, number: u16, id: ImageId, status: OtaStatus) {
        let end = self.now.plus(Millis::from_secs(60));
        while self.status(number, id) != status {
            let next = self.network.poll_timeout().filter(|next| *next <= end);
            self.now =
                next.unwrap_or_else(|| panic!("{status:?} does not come: {:?}", self.status(number, id)));
            self.settle();
        }
    }

    /// Retained value of an attribute. Both sides have the same value.
    pub fn attribute(
        &self,
        number: u16,
        id: ImageId,
        attribute: ImageAttribute,
    ) -> Option<ImageAttributeValue> {
        let [desired, reported] = AttributeSide::BOTH.map(|side| {
            let node = DeviceEndpoint { device: unid(number), endpoint: 0 };
            let topic = Topic::Attribute(node, uiid(id), attribute, side).to_string();
            self.retained.get(&topic).map(|payload| ImageAttributeValue::parse(attribute, payload).unwrap())
        });
        assert_eq!(desired, reported);
        reported
    }

    pub fn status(&self, number: u16, id: ImageId) -> OtaStatus {
        match self.attribute(number, id, ImageAttribute::Status) {
            Some(ImageAttributeValue::Status(status)) => status,
            other => panic!("{other:?}"),
        }
    }

    pub fn last_error(&self, number: u16, id: ImageId) -> LastError {
        match self.attribute(number, id, ImageAttribute::LastError) {
            Some(ImageAttributeValue::LastError(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    /// Texts of CurrentVersion and TargetVersion.
    pub fn versions(&self, number: u16, id: ImageId) -> (String, String) {
        match [ImageAttribute::CurrentVersion, ImageAttribute::TargetVersion]
            .map(|attribute| self.attribute(number, id, attribute))
        {
            [
                Some(ImageAttributeValue::CurrentVersion(current)),
                Some(ImageAttributeValue::TargetVersion(target)),
            ] => (current, target),
            other => panic!("{other:?}"),
        }
    }

    /// Number of requests for an image.
    pub fn gets(&self, place: &ImagePath) -> usize {
        let get = Seen::Publish(MqttMessage::request(place));
        self.seen.iter().filter(|seen| **seen == get).count()
    }

    pub fn runs(&self, number: u16) -> &[ImageId] {
        let is = |device: &&Simulated| device.unid == unid(number);
        &self.network.devices.iter().find(is).unwrap().runs
    }
}

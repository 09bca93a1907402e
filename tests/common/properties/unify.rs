//! Properties of Unify texts, payloads and the consumer under any inputs.
//!
//! - Decoded names, topics, filters, date-times and payloads are encoded to texts that decode to the same value.
//! - The consumer withstands any message and event. It subscribes to exactly the images that it waits for below
//!   `ucl/OTA/data`. A device whose target runs is reported as idle. No completed action stays due.

use std::collections::{BTreeMap, BTreeSet};

use zigbee_ota::aps::{Address, FrameMeta};
use zigbee_ota::file::{Element, FileHeader, FileWriter, Tag};
use zigbee_ota::server::{self, RefusalReason, Server, ServerAction, ServerEvent, Session};
use zigbee_ota::time::{Instant, Millis, UtcTime};
use zigbee_ota::unify::{
    Activation, AnnouncedVersions, Announcement, AttributeSide, Consumer, ConsumerAction, ConsumerConfig,
    DateTime, FileVerdict, ImageAttribute, ImageAttributeValue, ImagePath, ManagedDevice, MqttMessage,
    OtaStatus, Provider, Topic, TopicFilter, Uiid, Unid,
};
use zigbee_ota::zcl::{self, ClientStatus, ImageUpgradeStatus};
use zigbee_ota::{Encode, Eui64, ImageId};

/// Checks any text as each kind of text.
pub fn any_text(text: &str) {
    if let Ok(topic) = text.parse::<Topic>() {
        let written = topic.to_string();
        assert!(written == text || written == text.replacen("ucl/ota/", "ucl/OTA/", 1), "{text:?}");
        assert_eq!(written.parse(), Ok(topic.clone()));
        assert!(
            written.len() < 65_536
                && written.parse::<TopicFilter>().is_ok_and(|filter| filter.matches(&written))
        );
        let status = TopicFilter::all_attributes().matches(&written);
        match &topic {
            Topic::Info(_) => assert!(TopicFilter::announcements().matches(&written)),
            Topic::Get(_) => assert!(Provider::new().subscription().matches(&written)),
            Topic::Data(_) => {}
            Topic::Attribute(node, uiid, ..) => {
                assert!(status && TopicFilter::attributes(node, uiid).matches(&written))
            }
            _ => assert!(status),
        }
    }
    if let Ok(uiid) = text.parse::<Uiid>() {
        assert_eq!(uiid.as_str(), text);
        assert!(uiid.kind().is_none_or(|kind| Uiid::from_kind(kind) == uiid));
        names(&uiid, &Unid::from(Eui64(7)));
    }
    if let Ok(unid) = text.parse::<Unid>() {
        assert_eq!(unid.as_str(), text);
        let again = |node| Unid::from(node).as_str().eq_ignore_ascii_case(text);
        assert!(unid.node().is_none_or(again));
        names(&Uiid::from_unid(&unid), &unid);
    }
    if let Ok(filter) = text.parse::<TopicFilter>() {
        assert_eq!(filter.as_str(), text);
        // A filter without wildcards is a topic, and matches only itself.
        let plain = !text.contains(['+', '#']);
        assert_eq!(filter.matches(text), plain || !text.starts_with('$'));
        assert!(!plain || !filter.matches(&format!("{text}/")));
    }
    if let Ok(moment) = text.parse::<DateTime>() {
        assert_eq!(moment.as_str(), text);
        let left = moment.seconds_from(UtcTime(0));
        assert_eq!(left == 0, moment.unix() <= 946_684_800);
    }
}

/// Checks two names in each kind of topic.
fn names(uiid: &Uiid, device: &Unid) {
    let node = zigbee_ota::unify::DeviceEndpoint { device: device.clone(), endpoint: 255 };
    let places = [ImagePath::for_all(uiid.clone()), ImagePath::for_device(uiid.clone(), device.clone())];
    let images = places
        .into_iter()
        .flat_map(|place| [Topic::Info(place.clone()), Topic::Get(place.clone()), Topic::Data(place)]);
    let attributes = ImageAttribute::ALL.into_iter().flat_map(|attribute| {
        AttributeSide::BOTH.map(|side| Topic::Attribute(node.clone(), uiid.clone(), attribute, side))
    });
    let own = [Topic::Revision(node.clone(), AttributeSide::Desired), Topic::Commands(node.clone())];
    for topic in images.chain(attributes).chain(own) {
        let text = topic.to_string();
        assert!(text.len() < 65_536);
        assert_eq!(text.parse(), Ok(topic));
    }
}

/// Checks any bytes as each kind of payload.
pub fn any_payload(bytes: &[u8]) {
    if let Ok(info) = Announcement::parse(bytes) {
        let written = serde_json::to_vec(&info).unwrap();
        assert_eq!(Announcement::parse(&written).unwrap(), info);
        if let Ok(version) = info.file_version() {
            assert_eq!(Announcement::new(version).file_version().unwrap(), version);
        }
    }
    for attribute in ImageAttribute::ALL {
        if let Ok(value) = ImageAttributeValue::parse(attribute, bytes) {
            assert_eq!(value.attribute(), attribute);
            assert_eq!(ImageAttributeValue::parse(attribute, &value.payload()).unwrap(), value);
        }
    }
}

const RUNS: [ImageId; 2] = [ImageId::new(0x1001, 0x0001, 5), ImageId::new(0x1001, 0x0002, 5)];

fn uiid(of: u8) -> Uiid {
    Uiid::from_kind(zigbee_ota::unify::ImageKind::from(RUNS[usize::from(of % 2)]))
}

fn unid(of: u8) -> Unid {
    Unid::from(Eui64((of % 3).into()))
}

fn client(of: u8) -> Address {
    Address::new((of % 3).into(), 1)
}

fn id(of: u8) -> ImageId {
    let [kind, version] = [of & 1, of >> 1 & 7];
    ImageId { version: zigbee_ota::FileVersion(version.into()), ..RUNS[usize::from(kind)] }
}

fn file(id: ImageId, len: u8) -> Vec<u8> {
    let data = vec![0x5a; usize::from(len) + 1];
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &data }];
    let writer = FileWriter::new(FileHeader::new(id), &elements).unwrap();
    let mut file = vec![0; writer.encoded_len()];
    writer.encode(&mut file).unwrap();
    file
}

/// Runs the inputs of a consumer that `inputs` encodes.
pub fn any_inputs(inputs: &[u8]) {
    let mut bytes = inputs.iter().copied();
    let mut life = Life::new(bytes.next().unwrap_or(0));
    while let Some(choice) = bytes.next() {
        let mut small = || bytes.next().unwrap_or(0);
        let place = |of: u8| match of & 0x40 {
            0 => ImagePath::for_all(uiid(of)),
            _ => ImagePath::for_device(uiid(of), unid(of >> 1)),
        };
        match choice % 12 {
            0 | 1 => {
                let (place, of, after) = (place(small()), small(), small());
                let mut info = Announcement::new(id(of).version);
                let moment = format!("2000-01-01T{:02}:{:02}:00Z", after % 24, after / 24);
                info.apply_after = (after > 100).then(|| moment.parse().unwrap());
                let message = Provider::new().announce(place, info, 100).unwrap();
                life.receive(&message);
            }
            2 | 3 => {
                let (place, of, len) = (place(small()), small(), small());
                let mut file = file(id(of), len);
                file.truncate(file.len() - usize::from(len > 240));
                life.receive(&MqttMessage::image(&place, file).unwrap());
            }
            4 => life.receive(&MqttMessage {
                topic: Topic::Info(place(small())).to_string(),
                payload: Vec::new(),
                retain: true,
            }),
            5 => life.device(small(), small()),
            6 | 7 => life.event(small(), small(), small()),
            8 => life.pass(small()),
            9 => life.ask(small(), small(), small()),
            10 => {
                let utc = small();
                let utc = (utc > 9).then_some(UtcTime(u32::from(utc) * 300));
                life.consumer.set_utc(life.now, utc);
            }
            _ => match small() % 3 {
                0 => life.reconnect(small() % 2 == 0),
                1 => life.consumer.remove_device(&unid(small())),
                _ => {
                    let topic = format!("ucl/OTA/info/{}/all", uiid(small()));
                    let payload = (0..small() % 30).map(|_| small()).collect();
                    life.receive(&MqttMessage { topic, payload, retain: true });
                }
            },
        }
        life.check();
    }
}

struct Life {
    now: Instant,
    consumer: Consumer,
    server: Server<[Session; 2]>,
    waited_for: BTreeMap<String, usize>,
    /// Subscriptions that a broker without a session has forgotten.
    forgotten: BTreeSet<String>,
    retained: BTreeMap<String, Vec<u8>>,
    /// Whether messages were published since the last check of the retained messages.
    news: bool,
}

impl Life {
    fn new(kind: u8) -> Self {
        let mut config = ConsumerConfig::default();
        config.versions = if kind & 1 == 0 { AnnouncedVersions::Newer } else { AnnouncedVersions::Different };
        config.lower_case = kind & 2 != 0;
        let mut life = Self {
            now: Instant::ZERO,
            consumer: Consumer::new(config),
            server: Server::new(server::ServerConfig::default(), [Session::EMPTY; 2]),
            waited_for: BTreeMap::new(),
            forgotten: BTreeSet::new(),
            retained: BTreeMap::new(),
            news: false,
        };
        life.device(0, kind >> 2);
        life.check();
        life
    }

    fn device(&mut self, which: u8, kind: u8) {
        let versions = [kind & 7, kind >> 3 & 7];
        let of = |at: usize| ImageId { version: zigbee_ota::FileVersion(versions[at].into()), ..RUNS[at] };
        let mut device = ManagedDevice::new(client(which), uiid(0), of(0));
        if kind & 0x40 != 0 {
            device = device.with_image(uiid(1), of(1));
        }
        device.activation = if kind & 0x80 == 0 { Activation::Scheduled } else { Activation::Immediate };
        device.endpoint = which >> 7;
        self.consumer.set_device(self.now, &unid(which), device);
    }

    fn receive(&mut self, message: &MqttMessage) {
        let before: Vec<_> = self.statuses();
        if self.consumer.handle_message(self.now, message).is_err() {
            assert_eq!(before, self.statuses(), "a refused message changes nothing");
        }
    }

    fn statuses(&self) -> Vec<Option<zigbee_ota::unify::ImageStatus>> {
        let all = (0..3).flat_map(|device| (0..2).map(move |image| (unid(device), uiid(image))));
        all.map(|(device, image)| self.consumer.status(&device, &image).cloned()).collect()
    }

    fn event(&mut self, kind: u8, which: u8, of: u8) {
        let (client, id) = (client(which), id(of));
        let statuses = [0x00, 0x95, 0x96, 0x99, 0x7e, 0x98, 0x42].map(zcl::Status);
        let status = statuses[usize::from(kind) / 8 % statuses.len()];
        let mut report = ClientStatus::default();
        report.status = Some(ImageUpgradeStatus(of % 8));
        report.current_version = (of > 99).then_some(id.version);
        report.downloaded_version = (of & 1 == 0).then_some(id.version);
        report.file_offset = (of & 6 == 0).then_some(of.into());
        report.manufacturer = (of & 24 != 0).then_some(id.manufacturer);
        report.image_type = (of & 24 > 8).then_some(id.image_type);
        let event = match kind % 8 {
            0 => ServerEvent::Started { client, id },
            1 => ServerEvent::AllServed { client, id },
            2 => ServerEvent::Ended { client, id, status },
            3 => ServerEvent::NotServed { client, id, status, reason: RefusalReason::UnknownImage },
            4 => ServerEvent::Stalled { client, id, reached: of.into() },
            5 => ServerEvent::RepeatedDownload { client, id, times: of },
            6 => ServerEvent::StatusReport { client, report },
            _ => ServerEvent::NeverEnded { client, id },
        };
        self.consumer.handle_event(self.now, &event);
    }

    /// Sends a request from a client to the server.
    fn ask(&mut self, kind: u8, which: u8, of: u8) {
        let [a, b, c, d] = id(of).version.0.to_le_bytes();
        let image = [0x01, 0x10, of % 2 + 1, 0, a, b, c, d];
        let frame: Vec<u8> = match kind % 3 {
            0 => [&[1, 7, 1, 0][..], &image].concat(),
            1 => [&[1, 7, 3, 0][..], &image, &[kind, 0, 0, 0, 50]].concat(),
            _ => [&[1, 7, 6, 0][..], &image].concat(),
        };
        let mut out = [0; zcl::LONGEST_TO_CLIENT];
        let (mut images, mut policy) = (self.consumer.images(), self.consumer.policy(self.now));
        let meta = FrameMeta::unicast(client(which));
        let handled = self.server.handle_frame(self.now, meta, &frame, &mut images, &mut policy, &mut out);
        assert!(matches!(handled, ServerAction::Reply(_)));
        while let Some(event) = self.server.poll_event() {
            self.consumer.handle_event(self.now, &event);
        }
    }

    fn pass(&mut self, time: u8) {
        self.now = match self.consumer.poll_timeout() {
            Some(next) if time < 128 => next.max(self.now),
            _ => self.now.plus(Millis::from_secs(u32::from(time) * 60)),
        };
        self.consumer.handle_timeout(self.now);
    }

    fn reconnect(&mut self, keeps_session: bool) {
        if !keeps_session {
            self.forgotten.extend(core::mem::take(&mut self.waited_for).into_keys());
        }
        self.retained.clear();
        self.consumer.reconnected(self.now);
    }

    /// Executes the requested actions, and checks the properties.
    fn check(&mut self) {
        self.consumer.handle_timeout(self.now);
        while let Some(action) = self.consumer.poll_action() {
            match action {
                ConsumerAction::Subscribe(filter) if filter.as_str().contains("/data/") => {
                    *self.waited_for.entry(filter.to_string()).or_default() += 1;
                }
                ConsumerAction::Unsubscribe(filter) if filter.as_str().contains("/data/") => {
                    let count = self.waited_for.remove(filter.as_str());
                    assert!(count == Some(1) || self.forgotten.remove(filter.as_str()), "{filter}");
                }
                ConsumerAction::Publish(message) => self.published(message),
                ConsumerAction::Verify(fetched) => {
                    let len = self.consumer.image(&fetched).map(<[u8]>::len);
                    let verdict = if len.is_some_and(|len| len % 8 == 0) {
                        FileVerdict::Invalid
                    } else {
                        FileVerdict::Valid
                    };
                    self.consumer.verified(self.now, &fetched, verdict);
                }
                ConsumerAction::Release { seconds: 0.., .. }
                | ConsumerAction::Subscribe(_)
                | ConsumerAction::Unsubscribe(_) => {}
                ConsumerAction::Notify(_) | ConsumerAction::Hold { .. } => {}
                other => panic!("{other:?} has no law yet"),
            }
        }
        assert!(self.waited_for.values().all(|count| *count == 1), "{:?}", self.waited_for);
        let due = self.consumer.poll_timeout();
        assert!(due.is_none_or(|due| due > self.now), "{due:?} is not after {:?}", self.now);
        if core::mem::take(&mut self.news) {
            self.idle_where_done();
        }
    }

    fn published(&mut self, message: MqttMessage) {
        let topic: Topic = message.topic.parse().unwrap();
        assert_eq!(message.retain, topic.is_retained());
        self.news = true;
        match topic {
            Topic::Get(place) => {
                assert!(
                    self.waited_for.contains_key(format!("ucl/OTA/data/{place}").as_str()),
                    "first subscribed to"
                );
            }
            Topic::Info(_) | Topic::Data(_) => panic!("a provider's topic"),
            _ if message.payload.is_empty() => {
                self.retained.remove(&message.topic);
            }
            _ => {
                self.retained.insert(message.topic, message.payload);
            }
        }
    }

    fn idle_where_done(&self) {
        let mut images = BTreeSet::new();
        for topic in self.retained.keys() {
            if let Ok(Topic::Attribute(node, uiid, ..)) = topic.parse() {
                images.insert((node, uiid));
            }
        }
        for (node, uiid) in images {
            let of = |attribute| {
                let topic = Topic::Attribute(node.clone(), uiid.clone(), attribute, AttributeSide::Reported);
                ImageAttributeValue::parse(attribute, &self.retained[&topic.to_string()]).unwrap()
            };
            let (ImageAttributeValue::CurrentVersion(current), ImageAttributeValue::TargetVersion(target)) =
                (of(ImageAttribute::CurrentVersion), of(ImageAttribute::TargetVersion))
            else {
                panic!()
            };
            if current == target {
                assert_eq!(of(ImageAttribute::Status), ImageAttributeValue::Status(OtaStatus::Idle));
            }
            assert!(self.consumer.status(&node.device, &uiid).is_some());
        }
    }
}

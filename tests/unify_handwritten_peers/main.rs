//! Second witness of Unify's OTA service: provider, consumer and watcher that are written by hand after the drawing "Z-Wave
//! OTA Example with Activation Support" and the tables of the Unify document, at a real broker.
//!
//! ```text
//! hand-written provider --+                +-- gateway: the crate's consumer, one simulated device
//! hand-written watcher  --+-- mosquitto ---+
//! hand-written consumer --+                +-- the crate's provider
//! ```
//!
//! Topics and payloads stand here as text; nothing of the crate writes or reads them on the hand-written side. Without
//! mosquitto the tests are skipped, and say so.

use std::collections::BTreeMap;

use tempfile::TempDir;
use zigbee_ota::file::{Element, FileHeader, FileWriter, Tag};
use zigbee_ota::unify::{Announcement, ConsumerConfig, ImagePath, MqttMessage, Provider};
use zigbee_ota::{Encode, FileVersion, ImageId};

use consumer_gateway::{Gateway, RUNS};
use mqtt_packets_and_broker::{Broker, Connection, Publish};

mod consumer_gateway;
mod mqtt_packets_and_broker;
#[path = "../../examples/unify/simulated_zigbee_network.rs"]
mod simulated_zigbee_network;

const NEW: u32 = 0x1010_3519;
const NEWER: u32 = 0x1010_3701;

const INFO: &str = "ucl/OTA/info/ZigBee10011011/all";
const DATA: &str = "ucl/OTA/data/ZigBee10011011/all";
const GET: &str = "ucl/OTA/data/ZigBee10011011/all/get";
/// As the drawing writes them.
const DATA_IN_DRAWING: &str = "ucl/ota/data/ZigBee10011011/all";
const GET_IN_DRAWING: &str = "ucl/ota/data/ZigBee10011011/all/get";

/// Below this topic the gateway tells of its device.
const DEVICE: &str = "ucl/by-unid/zb-000B57FFFE000001/ep0/OTA/";
const ATTRIBUTES: &str = "ucl/by-unid/zb-000B57FFFE000001/ep0/OTA/Attributes/UIID/ZigBee10011011/";

/// OTA file with some bytes of data.
fn file(version: u32) -> Vec<u8> {
    let data = vec![version as u8; 1000];
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &data }];
    let id = ImageId { version: FileVersion(version), ..RUNS };
    let writer = FileWriter::new(FileHeader::new(id), &elements).unwrap();
    let mut file = vec![0; writer.encoded_len()];
    writer.encode(&mut file).unwrap();
    file
}

/// Info message of the drawing.
fn info(version: u32) -> Vec<u8> {
    let time = r#""ApplyAfter":"2021-04-15T23:59:59+00:00""#;
    format!(r#"{{"Version":"0x{version:08X}", {time}, "Filename":"ZW_PowerStrip.gbl"}}"#).into_bytes()
}

/// The broker, and the hand-written sides.
struct Stage {
    broker: Broker,
    provider: Connection,
    watcher: Connection,
    folder: TempDir,
}

impl Stage {
    /// `None` without a broker on this machine.
    fn new(persists: bool) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let Some(broker) = Broker::start(folder.path(), persists) else {
            eprintln!("SKIPPED: no mosquitto is installed (apt-get install mosquitto)");
            return None;
        };
        let (provider, watcher) = Self::connect(&broker);
        Some(Self { broker, provider, watcher, folder })
    }

    fn connect(broker: &Broker) -> (Connection, Connection) {
        let mut provider = Connection::open(broker, "provider", true);
        provider.subscribe("ucl/OTA/data/+/+/get");
        let mut watcher = Connection::open(broker, "watcher", true);
        watcher.subscribe("ucl/#");
        (provider, watcher)
    }

    fn restart(&mut self) {
        self.broker.restart();
        (self.provider, self.watcher) = Self::connect(&self.broker);
        assert!(self.folder.path().exists());
    }

    /// Messages since the last call, as `topic payload`, without the desired side of attributes. The reported side comes
    /// with an equal desired one.
    fn seen(&mut self) -> Vec<String> {
        let all = self.watcher.take();
        let text = |publish: &Publish| match String::from_utf8(publish.payload.clone()) {
            Ok(payload) => payload,
            Err(_) => "(binary data)".to_owned(),
        };
        let mut sides = [Vec::new(), Vec::new()];
        let mut seen = Vec::new();
        for publish in &all {
            assert!(!publish.retain || publish.dup, "{publish:?} is of now");
            let topic = publish.topic.strip_prefix(DEVICE).unwrap_or(&publish.topic);
            if let Some(name) = topic.strip_suffix("/Desired") {
                sides[0].push(format!("{name} {}", text(publish)));
                continue;
            }
            if let Some(name) = topic.strip_suffix("/Reported") {
                sides[1].push(format!("{name} {}", text(publish)));
            }
            let topic = topic.replace("Attributes/UIID/ZigBee10011011/", "").replace("Attributes/", "");
            seen.push(format!("{topic} {}", text(publish)));
        }
        assert_eq!(sides[0], sides[1]);
        seen
    }

    /// What the broker has retained below a filter, as a client that comes now is told.
    fn retained(&self, filter: &str) -> BTreeMap<String, Vec<u8>> {
        let mut late = Connection::open(&self.broker, "late", true);
        late.subscribe(filter);
        let taken = late.take();
        taken
            .into_iter()
            .map(|publish| {
                assert!(publish.retain, "{publish:?}");
                (publish.topic, publish.payload)
            })
            .collect()
    }

    /// Retained value of an attribute of the device's image.
    fn attribute(&self, name: &str) -> String {
        let topic = format!("{ATTRIBUTES}{name}/Reported");
        let retained = self.retained(&topic);
        String::from_utf8(retained.get(&topic).cloned().unwrap_or_default()).unwrap()
    }

    /// The provider answers each request that has come, as the drawing shows.
    fn provide(&mut self, gateway: &mut Gateway, image: &[u8]) -> usize {
        let requests = self.provider.take();
        for request in &requests {
            assert_eq!((request.topic.as_str(), request.payload.as_slice()), (GET, &b"{}"[..]));
            self.provider.publish(DATA, image, false);
        }
        gateway.settle();
        requests.len()
    }
}

/// Message by message as in the drawing: general image, delayed activation.
///
/// Shows: UNI-008, UNI-010, UNI-011, UNI-012, UNI-013, UNI-015, UNI-027, UNI-028, UNI-036, UNI-048
#[test]
fn an_upgrade_is_that_of_the_drawing() {
    for in_lower_case in [false, true] {
        let Some(mut stage) = Stage::new(false) else { return };
        let mut config = ConsumerConfig::default();
        config.lower_case = in_lower_case;
        let (get, data) = if in_lower_case { (GET_IN_DRAWING, DATA_IN_DRAWING) } else { (GET, DATA) };
        if in_lower_case {
            stage.provider.unsubscribe("ucl/OTA/data/+/+/get");
            stage.provider.subscribe("ucl/ota/data/ZigBee10011011/all/get");
            stage.provider.subscribe("ucl/ota/data/ZigBee10011011/+/get");
        }
        let mut gateway = Gateway::start(&stage.broker, config, true);

        // The interview. While no time is announced, ApplyAfter is withdrawn: an earlier gateway may have left one.
        let mut interview = stage.seen();
        interview.sort();
        let idle = [
            "ApplyAfter/Reported ",
            "ClusterRevision/Reported {\"value\":1}",
            "CurrentVersion/Reported {\"value\":\"0x10053519\"}",
            "LastError/Reported {\"value\":\"Success\"}",
            "Offset/Reported {\"value\":0}",
            "Size/Reported {\"value\":0}",
            "Status/Reported {\"value\":\"Idle\"}",
            "SupportedCommands {\"value\":[]}",
            "TargetVersion/Reported {\"value\":\"0x10053519\"}",
        ];
        assert_eq!(interview, idle);
        gateway.pass(600);
        assert_eq!(stage.seen(), [""; 0], "nothing without news");

        // A new image is available to all.
        stage.provider.publish(INFO, &info(NEW), true);
        gateway.settle();
        let mut expected = vec![
            format!("{INFO} {}", String::from_utf8(info(NEW)).unwrap()),
            format!("{GET} {{}}"),
            "TargetVersion/Reported {\"value\":\"0x10103519\"}".to_owned(),
            "ApplyAfter/Reported {\"value\":\"2021-04-15T23:59:59+00:00\"}".to_owned(),
        ];
        if in_lower_case {
            expected.insert(2, format!("{GET_IN_DRAWING} {{}}"));
        }
        assert_eq!(stage.seen(), expected);
        let requests = stage.provider.take();
        let requested: Vec<_> = requests.iter().map(|get| (get.topic.as_str(), get.retain)).collect();
        // Two subscriptions of the drawing match one request: the broker may send it for each of them.
        assert!(!requested.is_empty() && requested.iter().all(|seen| *seen == (get, false)), "{requested:?}");
        assert_eq!(requests[0].payload, b"{}");

        // The image as one message. The transfer: size and status, then the offset as the device asks for its fragments.
        let image = file(NEW);
        stage.provider.publish(data, &image, false);
        gateway.settle();
        let mut expected = vec![
            format!("{data} (binary data)"),
            format!("Size/Reported {{\"value\":{}}}", image.len()),
            "Status/Reported {\"value\":\"DownloadInProgress\"}".to_owned(),
        ];
        let fragments = (64..image.len()).step_by(64).chain([image.len()]);
        expected.extend(fragments.map(|offset| format!("Offset/Reported {{\"value\":{offset}}}")));
        expected.push("Status/Reported {\"value\":\"WaitingToUpgrade\"}".to_owned());
        assert_eq!(stage.seen(), expected);

        // The data are not subscribed to any more.
        stage.provider.publish(data, b"nobody hears this", false);
        gateway.settle();
        assert_eq!(gateway.refused, []);
        assert_eq!(stage.seen().len(), 1, "the watcher hears it");

        // The time passes: 23:59:59 is 3599 seconds after the start.
        let passed = gateway.now.as_millis() / 1000;
        gateway.pass(3598 - u32::try_from(passed).unwrap());
        assert_eq!((stage.seen(), gateway.version()), (Vec::new(), RUNS.version.0));
        gateway.pass(10);
        let expected =
            ["CurrentVersion/Reported {\"value\":\"0x10103519\"}", "Status/Reported {\"value\":\"Idle\"}"];
        assert_eq!(stage.seen(), expected);
        assert_eq!(gateway.version(), NEW);

        // Retained are the announcement and the status, and neither a request nor an image.
        let retained = stage.retained("ucl/#");
        assert!(retained.keys().all(|topic| topic == INFO || topic.starts_with(DEVICE)));
        assert_eq!(retained.len(), 1 + 2 * 7 + 3);
    }
}

/// A broker that loses all in its restart, and one that keeps all.
///
/// Shows: FLD-101
#[test]
fn a_restarted_broker_loses_no_upgrade() {
    for persists in [false, true] {
        for keeps_session in [false, true] {
            for comes_back in [true, false] {
                let Some(mut stage) = Stage::new(persists) else { return };
                let mut gateway = Gateway::start(&stage.broker, ConsumerConfig::default(), !keeps_session);
                stage.provider.publish(INFO, &info(NEW), true);
                gateway.settle();
                assert_eq!(stage.provide(&mut gateway, &file(NEW)), 1);
                gateway.pass(60);
                assert_eq!(stage.attribute("Status"), r#"{"value":"WaitingToUpgrade"}"#);

                stage.restart();
                gateway.reconnect(&stage.broker, !keeps_session);
                assert_eq!(gateway.connection.had_session, persists && keeps_session);
                assert_eq!(stage.attribute("Status"), r#"{"value":"WaitingToUpgrade"}"#, "told again");
                assert_eq!(stage.retained(&format!("{DEVICE}#")).len(), 2 * 7 + 3);
                // The provider comes back a minute after the gateway, or it is gone with the broker's memory.
                gateway.pass(60);
                if comes_back && !persists {
                    stage.provider.publish(INFO, &info(NEW), true);
                    gateway.settle();
                }
                let stays = comes_back || persists;
                gateway.pass(61);
                let status = if stays { "WaitingToUpgrade" } else { "Idle" };
                assert_eq!(stage.attribute("Status"), format!(r#"{{"value":"{status}"}}"#));
                gateway.pass(3600);
                assert_eq!(gateway.version() == NEW, stays, "{persists} {keeps_session} {comes_back}");
                assert_eq!(stage.provide(&mut gateway, &file(NEW)), 0, "the image was at hand");
            }
        }
    }
}

/// A request that a restart of the broker swallows is made again.
#[test]
fn a_request_survives_the_restart_of_the_broker() {
    for keeps_session in [false, true] {
        let Some(mut stage) = Stage::new(true) else { return };
        let mut gateway = Gateway::start(&stage.broker, ConsumerConfig::default(), !keeps_session);
        stage.provider.publish(INFO, &info(NEW), true);
        gateway.settle();
        assert_eq!(stage.provider.take().len(), 1, "asked, and not answered");
        stage.restart();
        gateway.reconnect(&stage.broker, !keeps_session);
        assert_eq!(stage.provide(&mut gateway, &file(NEW)), 1);
        gateway.pass(3700);
        assert_eq!(gateway.version(), NEW);
    }
}

/// Announcements while the gateway is away: a withdrawal and a newer version, with a clean session and a kept one.
///
/// Shows: FLD-101
#[test]
fn what_happens_while_the_gateway_is_away_counts_afterwards() {
    for is_clean in [true, false] {
        for next in [None, Some(NEWER)] {
            let Some(mut stage) = Stage::new(false) else { return };
            let mut gateway = Gateway::start(&stage.broker, ConsumerConfig::default(), is_clean);
            stage.provider.publish(INFO, &info(NEW), true);
            gateway.settle();
            assert_eq!(stage.provide(&mut gateway, &file(NEW)), 1);
            gateway.pass(60);
            // The gateway's connection is cut, and not missed by the gateway.
            gateway.connection = Connection::open(&stage.broker, "elsewhere", true);
            let away = Connection::open(&stage.broker, "gateway", is_clean);
            drop(away);
            let payload = next.map_or(Vec::new(), info);
            stage.provider.publish(INFO, &payload, true);
            gateway.reconnect(&stage.broker, is_clean);
            assert_eq!(gateway.connection.had_session, !is_clean);
            match next {
                // With its session the broker has kept the withdrawal; without it, silence says the same later.
                None if !is_clean => assert_eq!(stage.attribute("Status"), r#"{"value":"Idle"}"#),
                None => {
                    assert_eq!(stage.attribute("Status"), r#"{"value":"WaitingToUpgrade"}"#);
                    gateway.pass(119);
                    assert_eq!(stage.attribute("Status"), r#"{"value":"WaitingToUpgrade"}"#);
                    gateway.pass(1);
                    assert_eq!(stage.attribute("Status"), r#"{"value":"Idle"}"#);
                }
                Some(_) => assert_eq!(stage.provide(&mut gateway, &file(NEWER)), 1),
            }
            let error = if next.is_none() { "Abort" } else { "Success" };
            assert_eq!(stage.attribute("LastError"), format!(r#"{{"value":"{error}"}}"#));
            gateway.pass(7200);
            assert_eq!(gateway.version(), next.unwrap_or(RUNS.version.0));
        }
    }
}

/// Leftovers of other programs on the topics, before the gateway comes.
///
/// Shows: FLD-100, FLD-102
#[test]
fn retained_leftovers_are_passed_over() {
    for leftover in [file(NEW), file(RUNS.version.0), b"GIF89a".to_vec()] {
        let Some(mut stage) = Stage::new(false) else { return };
        stage.provider.publish(DATA, &leftover, true);
        stage.provider.publish(GET, b"{}", true);
        for at in 0..100 {
            let topic = format!("ucl/OTA/info/ZWave-{at:04}/all");
            stage.provider.publish(&topic, br#"{"Version":"7.16.0"}"#, true);
        }
        stage.provider.publish(INFO, &info(NEW), true);
        let _own = (stage.provider.take(), stage.seen());
        for side in ["Desired", "Reported"] {
            let time = br#"{"value":"2020-12-12T03:29:09+00:00"}"#;
            stage.provider.publish(&format!("{ATTRIBUTES}ApplyAfter/{side}"), time, true);
        }
        let mut gateway = Gateway::start(&stage.broker, ConsumerConfig::default(), true);
        assert_eq!(stage.attribute("ApplyAfter"), r#"{"value":"2021-04-15T23:59:59+00:00"}"#);
        let unused = gateway.refused.iter().filter(|(_, reason)| reason.starts_with("no device here"));
        assert_eq!(unused.count(), 100, "{:?}", gateway.refused);
        let image = gateway.refused.iter().filter(|(publish, _)| publish.topic == DATA);
        let reasons: Vec<_> = image.map(|(_, reason)| reason.as_str()).collect();
        assert_eq!(reasons, ["a request or an image that was retained"]);
        // Somebody cleans up meanwhile, and another gateway gets an older version.
        stage.provider.publish(DATA, b"", true);
        stage.provider.publish(DATA, &file(RUNS.version.0), false);
        gateway.settle();
        assert_eq!(gateway.refused.iter().filter(|(publish, _)| publish.topic == DATA).count(), 3);
        assert_eq!(stage.provide(&mut gateway, &file(NEW)), 1);
        gateway.pass(3700);
        assert_eq!((gateway.version(), stage.attribute("LastError")), (NEW, r#"{"value":"Success"}"#.into()));

        // The gateway is started again, after the announcement was withdrawn: its time stands at the broker no longer.
        stage.provider.publish(INFO, b"", true);
        drop(gateway);
        let _gateway = Gateway::start(&stage.broker, ConsumerConfig::default(), true);
        let told = ["ApplyAfter", "Status", "TargetVersion"].map(|name| stage.attribute(name));
        assert_eq!(told, ["", r#"{"value":"Idle"}"#, r#"{"value":"0x10053519"}"#]);
    }
}

/// Repeats of quality of service 1: by the provider, and by the broker after a lost acknowledgement.
#[test]
fn repeated_messages_change_nothing() {
    let Some(mut stage) = Stage::new(false) else { return };
    let mut gateway = Gateway::start(&stage.broker, ConsumerConfig::default(), false);
    gateway.connection.acknowledges = false;
    stage.provider.publish_twice(INFO, &info(NEW), true);
    gateway.settle();
    assert_eq!(stage.provider.take().len(), 1, "asked once");
    // The connection breaks with both unacknowledged: they come again, marked.
    gateway.reconnect(&stage.broker, false);
    assert!(gateway.connection.had_session);
    assert_eq!(stage.provider.take().len(), 1, "asked again, as the old request may be lost");
    gateway.connection.acknowledges = false;
    stage.provider.publish_twice(DATA, &file(NEW), false);
    gateway.settle();
    let refused = |gateway: &Gateway| {
        gateway.refused.iter().filter(|(publish, _)| publish.topic == DATA).cloned().collect::<Vec<_>>()
    };
    assert!(refused(&gateway).len() <= 1, "the broker may know the repeat by its number");
    gateway.refused.clear();
    gateway.reconnect(&stage.broker, false);
    let repeats = refused(&gateway);
    assert!(!repeats.is_empty() && repeats.iter().all(|(publish, _)| publish.dup), "{repeats:?}");
    for (_, reason) in repeats {
        assert_eq!(reason, "image ZigBee10011011/all was not requested");
    }
    gateway.pass(3700);
    assert_eq!((gateway.version(), stage.provider.take().len()), (NEW, 0));
}

/// The crate's provider, with a consumer that follows the drawing by hand.
///
/// Shows: UNI-008, UNI-029, UNI-030
#[test]
fn a_provider_serves_a_consumer_of_the_drawing() {
    let Some(stage) = Stage::new(false) else { return };
    let path = ImagePath::for_all("ZigBee10011011".parse().unwrap());
    let mut provider = Provider::new();
    let mut announcement = Announcement::new(FileVersion(NEW));
    announcement.apply_after = Some("2021-04-15T23:59:59+00:00".parse().unwrap());
    announcement.filename = Some("a \"b\"\n.gbl".to_owned());
    let image = file(NEW);
    let mut connection = Connection::open(&stage.broker, "provider-of-the-crate", true);
    // A request that was retained by mistake is of no consumer that waits.
    connection.publish(GET, b"{}", true);
    connection.subscribe(provider.subscription().as_str());
    let send = |connection: &mut Connection, message: &MqttMessage| {
        connection.publish(&message.topic, &message.payload, message.retain);
    };
    send(&mut connection, &provider.announce(path.clone(), announcement, image.len()).unwrap());
    let serve = |connection: &mut Connection, provider: &Provider| {
        let mut served = 0;
        for Publish { topic, payload, retain, .. } in connection.take() {
            if let Ok(path) = provider.handle_message(&MqttMessage { topic, payload, retain }) {
                served += 1;
                send(connection, &MqttMessage::image(path, image.clone()).unwrap());
            }
        }
        served
    };
    assert_eq!(serve(&mut connection, &provider), 0);

    let mut consumer = Connection::open(&stage.broker, "consumer", true);
    consumer.subscribe("ucl/OTA/info/+/all");
    let [told] = &consumer.take()[..] else { panic!("one announcement") };
    assert_eq!((told.topic.as_str(), told.retain), (INFO, true));
    assert_eq!(
        told.payload,
        br#"{"Version":"0x10103519","ApplyAfter":"2021-04-15T23:59:59+00:00","Filename":"a \"b\"\n.gbl"}"#
    );
    consumer.subscribe(DATA);
    for (topic, payload, answers) in [
        (GET, "{}", 1),
        (GET, r#"{"unknown":[1]}"#, 1),
        (GET, "", 0),
        ("ucl/OTA/data/ZigBee10011012/all/get", "{}", 0),
        ("ucl/OTA/data/ZigBee10011011/zb-000B57FFFE000001/get", "{}", 0),
    ] {
        consumer.publish(topic, payload.as_bytes(), false);
        assert_eq!(serve(&mut connection, &provider), answers, "{topic} {payload}");
        let got = consumer.take();
        assert_eq!(got.len(), answers);
        assert!(got.iter().all(|got| got.topic == DATA && got.payload == image && !got.retain));
    }
    assert_eq!(stage.retained("ucl/OTA/data/#").keys().collect::<Vec<_>>(), [GET], "no image is retained");
    // The provider is restarted, and then withdraws.
    for message in provider.announcements() {
        send(&mut connection, &message);
    }
    assert_eq!(consumer.take().len(), 1);
    send(&mut connection, &provider.withdraw(&path).unwrap());
    assert_eq!(consumer.take()[0].payload, b"");
    assert_eq!(stage.retained("ucl/OTA/info/#").len(), 0);
}

//! Tests of the example `unify` against a real MQTT broker, where one is installed: its retained messages are those of
//! the specification.

// The one test with a real clock: a broker that does not respond must not hang it.
#![allow(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rumqttc::{Client, Connection, Event, MqttOptions, Packet, Publish, QoS};
use serde_json::{Value, json};
use zigbee_ota::file::{Element, FileHeader, FileWriter, Tag};
use zigbee_ota::unify::{ImageAttribute, ImageAttributeValue, OtaStatus, Topic, TopicFilter};
use zigbee_ota::{Encode, ImageId};

#[path = "common/example_binaries.rs"]
mod example_binaries;

/// Broker process that ends with the test.
struct Mosquitto {
    process: Child,
    port: u16,
}

impl Mosquitto {
    /// Starts the broker; `None` if it is not installed.
    fn start() -> Option<Self> {
        // The port was free a moment ago; the broker does not say when it takes another one.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        // Debian installs it where only the administrator's path finds it.
        let spawned = ["mosquitto", "/usr/sbin/mosquitto"].into_iter().find_map(|program| {
            let mut command = Command::new(program);
            command.args(["-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
            match command.spawn() {
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                spawned => Some(spawned.expect("it can be run")),
            }
        });
        let broker = Self { process: spawned?, port };
        let end = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(Instant::now() < end, "mosquitto does not listen on port {port}");
            sleep(Duration::from_millis(20));
        }
        Some(broker)
    }

    /// Connects a client that subscribes to everything.
    fn watch(&self, name: &str) -> (Client, Connection) {
        let mut options = MqttOptions::new(name, "127.0.0.1", self.port);
        options.set_max_packet_size(1 << 24, 1 << 24);
        let (client, mut connection) = Client::new(options, 10);
        client.subscribe("ucl/#", QoS::AtLeastOnce).unwrap();
        loop {
            match connection.recv_timeout(Duration::from_secs(10)).expect("the broker answers").unwrap() {
                Event::Incoming(Packet::SubAck(_)) => return (client, connection),
                _ => continue,
            }
        }
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Collects the messages until none has come for `quiet`.
fn received(connection: &mut Connection, quiet: Duration) -> Vec<Publish> {
    let mut all = Vec::new();
    while let Ok(event) = connection.recv_timeout(quiet) {
        if let Event::Incoming(Packet::Publish(publish)) = event.unwrap() {
            all.push(publish);
        }
    }
    all
}

fn file(id: ImageId, len: usize) -> Vec<u8> {
    let data = vec![0x5a; len];
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &data }];
    let writer = FileWriter::new(FileHeader::new(id), &elements).unwrap();
    let mut file = vec![0; writer.encoded_len()];
    writer.encode(&mut file).unwrap();
    file
}

/// Shows: UNI-008, UNI-010, UNI-011, UNI-015, UNI-017, UNI-028, UNI-033
#[test]
fn devices_are_upgraded_over_a_real_broker() {
    let Some(broker) = Mosquitto::start() else {
        eprintln!("SKIPPED: no mosquitto is installed (apt-get install mosquitto)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let images = [ImageId::new(0x1001, 0x1011, 0x1010_3519), ImageId::new(0x115f, 0x0001, 7)];
    let files = [file(images[0], 20_000), file(images[1], 700)];
    fs::write(folder.path().join("lamp.zigbee"), &files[0]).unwrap();
    fs::write(folder.path().join("plug.ota"), &files[1]).unwrap();
    fs::write(folder.path().join("old.ota"), file(ImageId::new(0x115f, 0x0001, 6), 9)).unwrap();
    fs::write(folder.path().join("README"), "nothing to announce").unwrap();

    let (_client, mut connection) = broker.watch("unify-watch");
    let mut command = Command::new(example_binaries::example("unify"));
    command.arg(folder.path()).args(["--broker", &format!("127.0.0.1:{}", broker.port)]);
    command.args(["--devices", "3", "--pause", "1", "--patience", "60"]);
    let mut example = command.stdout(Stdio::null()).spawn().unwrap();
    // The messages are read while the example runs, because the broker queues only some for a client that does not
    // read.
    let mut seen = Vec::new();
    let end = Instant::now() + Duration::from_secs(90);
    let status = loop {
        seen.extend(received(&mut connection, Duration::from_millis(200)));
        if let Some(status) = example.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < end, "the example does not end");
    };
    assert!(status.success(), "{status}");
    seen.extend(received(&mut connection, Duration::from_millis(500)));

    // Three devices for each image, and one request and one response for each image.
    for (id, file) in images.iter().zip(&files) {
        let name = format!("ZigBee{:04X}{:04X}", id.manufacturer.0, id.image_type.0);
        let of = |topic: String| seen.iter().filter(move |seen| seen.topic == topic).collect::<Vec<_>>();
        let gets = of(format!("ucl/OTA/data/{name}/all/get"));
        assert_eq!(gets.iter().map(|get| get.payload.as_ref()).collect::<Vec<_>>(), [b"{}"]);
        let data = of(format!("ucl/OTA/data/{name}/all"));
        assert_eq!(data.len(), 1);
        assert!(data[0].payload == file, "the file, whole");
        let info = of(format!("ucl/OTA/info/{name}/all"));
        let info: Value = serde_json::from_slice(&info[0].payload).unwrap();
        assert_eq!(info["Version"], json!(format!("0x{:08X}", id.version.0)));
    }
    let progress = |topic: &Publish| match topic.topic.parse() {
        Ok(Topic::Attribute(_, _, ImageAttribute::Status, _)) => {
            Some(ImageAttributeValue::parse(ImageAttribute::Status, &topic.payload).unwrap())
        }
        _ => None,
    };
    for status in [OtaStatus::DownloadInProgress, OtaStatus::WaitingToUpgrade, OtaStatus::Idle] {
        assert!(seen.iter().filter_map(progress).any(|value| value == ImageAttributeValue::Status(status)));
    }

    // Retained messages: the infos and the status of each device, but no request and no image.
    let (_client, mut connection) = broker.watch("unify-later");
    let mut kept = BTreeMap::new();
    for publish in received(&mut connection, Duration::from_secs(1)) {
        assert!(publish.retain, "{}", publish.topic);
        let topic: Topic = publish.topic.parse().unwrap();
        assert!(topic.is_retained(), "{topic}");
        kept.insert(topic, publish.payload);
    }
    let infos = kept.keys().filter(|topic| matches!(topic, Topic::Info(_))).count();
    let mut idle = 0;
    for (topic, payload) in &kept {
        if let Topic::Attribute(_, uiid, attribute, _) = topic {
            let kind = uiid.kind().unwrap();
            let id = images.iter().find(|id| id.image_type == kind.image_type).unwrap();
            let version = format!("0x{:08X}", id.version.0);
            match ImageAttributeValue::parse(*attribute, payload).unwrap() {
                ImageAttributeValue::CurrentVersion(found) | ImageAttributeValue::TargetVersion(found) => {
                    assert_eq!(found, version, "{topic}");
                }
                ImageAttributeValue::Status(found) => {
                    assert_eq!(found, OtaStatus::Idle, "{topic}");
                    idle += 1;
                }
                _ => {}
            }
            assert!(TopicFilter::all_attributes().matches(&topic.to_string()));
        }
    }
    // Six devices with two sides of each attribute.
    assert_eq!((infos, idle), (2, 12));
}

/// Without a broker the example fails with a reason.
#[test]
fn a_missing_broker_is_reported() {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let mut command = Command::new(example_binaries::example("unify"));
    let output = command.args(["--broker", &format!("127.0.0.1:{port}")]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.starts_with(&format!("unify: no broker at 127.0.0.1:{port}: ")), "{told}");
}

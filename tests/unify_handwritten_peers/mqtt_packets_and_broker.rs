//! MQTT 3.1.1 written by hand for this test: a connection that says and shows every bit of a packet, and a broker process.
//!
//! ```text
//! CONNECT 10   SUBSCRIBE 82   UNSUBSCRIBE A2   PUBLISH 32, +8 DUP, +1 RETAIN   PUBACK 40
//! ```
//!
//! All messages have quality of service 1.

// The broker runs on the clock of the machine: a broker that does not respond must not hang the test.
#![allow(clippy::disallowed_methods)]

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Longest time that the broker may take for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// A PUBLISH packet that the broker sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    pub topic: String,
    pub payload: Vec<u8>,
    pub retain: bool,
    /// The broker sends the packet again, because it was not acknowledged.
    pub dup: bool,
    pub id: u16,
}

pub struct Connection {
    name: &'static str,
    stream: TcpStream,
    next_id: u16,
    received: VecDeque<Publish>,
    /// Whether each packet is acknowledged as it is read.
    pub acknowledges: bool,
    /// Whether the broker has kept the session of an earlier connection.
    pub had_session: bool,
}

impl Connection {
    /// Connects, with or without a session that outlives the connection.
    pub fn open(broker: &Broker, name: &'static str, is_clean: bool) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, broker.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut connection = Self {
            name,
            stream,
            next_id: 0,
            received: VecDeque::new(),
            acknowledges: true,
            had_session: false,
        };
        let flags = if is_clean { 2 } else { 0 };
        connection.send(0x10, &[&text("MQTT")[..], &[4, flags, 0, 0], &text(name)].concat());
        let (kind, body) = connection.packet();
        assert_eq!((kind, body[1]), (0x20, 0), "the broker accepts the connection");
        connection.had_session = body[0] == 1;
        connection.subscribe(&connection.barrier());
        connection
    }

    fn barrier(&self) -> String {
        format!("barrier/{}", self.name)
    }

    pub fn subscribe(&mut self, filter: &str) {
        let id = self.id();
        self.send(0x82, &[&id.to_be_bytes()[..], &text(filter), &[1]].concat());
        self.await_answer(0x90, id);
    }

    pub fn unsubscribe(&mut self, filter: &str) {
        let id = self.id();
        self.send(0xa2, &[&id.to_be_bytes()[..], &text(filter)].concat());
        self.await_answer(0xb0, id);
    }

    pub fn publish(&mut self, topic: &str, payload: &[u8], retain: bool) {
        let id = self.id();
        self.publish_as(id, false, topic, payload, retain);
    }

    /// Publishes a message, and publishes it again as a client does that has missed the acknowledgement.
    pub fn publish_twice(&mut self, topic: &str, payload: &[u8], retain: bool) {
        let id = self.id();
        self.publish_as(id, false, topic, payload, retain);
        self.publish_as(id, true, topic, payload, retain);
    }

    fn publish_as(&mut self, id: u16, dup: bool, topic: &str, payload: &[u8], retain: bool) {
        let kind = 0x32 | u8::from(dup) << 3 | u8::from(retain);
        self.send(kind, &[&text(topic)[..], &id.to_be_bytes(), payload].concat());
        self.await_answer(0x40, id);
    }

    /// Returns all messages that were published before this call: a message of its own comes behind them.
    pub fn take(&mut self) -> Vec<Publish> {
        let barrier = self.barrier();
        self.publish(&barrier, b"", false);
        let mut taken = Vec::new();
        loop {
            while let Some(publish) = self.received.pop_front() {
                if publish.topic == barrier {
                    return taken;
                }
                taken.push(publish);
            }
            let packet = self.packet();
            self.receive(packet);
        }
    }

    fn id(&mut self) -> u16 {
        self.next_id += 1;
        self.next_id
    }

    fn send(&mut self, kind: u8, body: &[u8]) {
        let mut packet = vec![kind];
        let mut len = body.len();
        loop {
            let more = if len > 127 { 0x80 } else { 0 };
            packet.push((len & 0x7f) as u8 | more);
            len >>= 7;
            if len == 0 {
                break;
            }
        }
        packet.extend(body);
        self.stream.write_all(&packet).unwrap();
    }

    fn packet(&mut self) -> (u8, Vec<u8>) {
        let mut byte = || {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).expect("the broker answers");
            byte[0]
        };
        let kind = byte();
        let (mut len, mut shift) = (0, 0);
        loop {
            let part = byte();
            len |= usize::from(part & 0x7f) << shift;
            shift += 7;
            if part < 0x80 {
                break;
            }
        }
        let mut body = vec![0; len];
        self.stream.read_exact(&mut body).unwrap();
        (kind, body)
    }

    /// Keeps a message, and acknowledges it.
    fn receive(&mut self, (kind, body): (u8, Vec<u8>)) {
        assert_eq!(kind & 0xf0, 0x30, "{}: {kind:#x}", self.name);
        let (len, rest) = body.split_first_chunk().unwrap();
        let (topic, rest) = rest.split_at(u16::from_be_bytes(*len).into());
        let topic = String::from_utf8(topic.to_vec()).unwrap();
        assert_eq!(kind & 0x06, 0x02, "quality of service 1: {topic}");
        let (id, payload) = rest.split_first_chunk().unwrap();
        let id = u16::from_be_bytes(*id);
        // The own barrier is acknowledged always, so that it does not come again.
        if self.acknowledges || topic == self.barrier() {
            self.send(0x40, &id.to_be_bytes());
        }
        let (retain, dup) = (kind & 1 != 0, kind & 8 != 0);
        self.received.push_back(Publish { topic, payload: payload.to_vec(), retain, dup, id });
    }

    fn await_answer(&mut self, expected: u8, id: u16) {
        loop {
            match self.packet() {
                (kind, body) if kind == expected => {
                    assert_eq!(body[..2], id.to_be_bytes());
                    assert_ne!(body.get(2), Some(&0x80), "the broker accepts the subscription");
                    return;
                }
                packet => self.receive(packet),
            }
        }
    }
}

fn text(text: &str) -> Vec<u8> {
    [&u16::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat()
}

/// Broker process that ends with the test.
pub struct Broker {
    process: Child,
    port: u16,
    folder: PathBuf,
}

impl Broker {
    /// Starts mosquitto; `None` if it is not installed. A broker that persists keeps sessions and retained messages in
    /// `folder` over a restart.
    pub fn start(folder: &Path, persists: bool) -> Option<Self> {
        // The port was free a moment ago; the broker does not say when it takes another one.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let settings = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nuser root\nmax_queued_messages 0\npersistence {persists}\npersistence_location {}/\n",
            folder.display()
        );
        std::fs::write(folder.join("mosquitto.conf"), settings).unwrap();
        let process = spawn(folder)?;
        let broker = Self { process, port, folder: folder.to_owned() };
        broker.await_port();
        Some(broker)
    }

    /// Ends the broker, and starts it again on the same port.
    pub fn restart(&mut self) {
        let id = self.process.id().to_string();
        // The broker writes its state when it is asked to end.
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.process.wait().unwrap();
        self.process = spawn(&self.folder).expect("it was started before");
        self.await_port();
    }

    fn await_port(&self) {
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            assert!(Instant::now() < end, "mosquitto does not listen on port {}", self.port);
            sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(folder: &Path) -> Option<Child> {
    // Debian installs it where only the administrator's path finds it.
    ["mosquitto", "/usr/sbin/mosquitto"].into_iter().find_map(|program| {
        let mut command = Command::new(program);
        command.arg("-c").arg(folder.join("mosquitto.conf")).stdout(Stdio::null()).stderr(Stdio::null());
        match command.spawn() {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            spawned => Some(spawned.expect("it can be run")),
        }
    })
}

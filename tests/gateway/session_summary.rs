//! Tests of the summary of sessions and of their reports.

use serde_json::{Value, json};
use zigbee_ota::aps::{Address, FrameMeta};
use zigbee_ota::file::FileHeader;
use zigbee_ota::gateway::{SessionReport, SessionSummary};
use zigbee_ota::server::{OwnedStore, Server, ServerConfig, Session, StandardPolicy};
use zigbee_ota::time::Instant;
use zigbee_ota::zcl::LONGEST_TO_CLIENT;
use zigbee_ota::{Eui64, ImageFilter};

use crate::{IMAGE, file};

struct Network {
    server: Server<Vec<Session>>,
    images: OwnedStore,
    now: Instant,
}

impl Network {
    fn new() -> Self {
        let mut images = OwnedStore::new();
        images.add(file(FileHeader::new(IMAGE), 1, 100)).expect("a file");
        let mut config = ServerConfig::default();
        config.background_from = None;
        let server = Server::new(config, vec![Session::EMPTY; 20]);
        Self { server, images, now: Instant::ZERO }
    }

    /// Passes a frame of a client to the server, whose answer must have the status.
    fn ask(&mut self, network: u16, frame: &[u8]) {
        let meta = FrameMeta::unicast(Address::new(network, 1)).with_ieee(Some(Eui64(network.into())));
        let (mut policy, mut out) = (StandardPolicy::default(), [0; LONGEST_TO_CLIENT]);
        let _ = self.server.handle_frame(self.now, meta, frame, &mut self.images, &mut policy, &mut out);
    }

    fn query(&mut self, network: u16, version: u8) {
        self.ask(network, &[1, 7, 1, 0, 0x01, 0x10, 0xab, 0, version, 0, 0, 0]);
    }

    fn block(&mut self, network: u16, offset: u8, len: u8) {
        self.ask(network, &[1, 7, 3, 0, 0x01, 0x10, 0xab, 0, 5, 0, 0, 0, offset, 0, 0, 0, len]);
    }

    fn end(&mut self, network: u16, status: u8) {
        self.ask(network, &[1, 7, 6, status, 0x01, 0x10, 0xab, 0, 5, 0, 0, 0]);
    }
}

/// Shows: FLD-054
#[test]
fn sessions_are_counted_by_phase() {
    let mut network = Network::new();
    assert_eq!(SessionSummary::of(&network.server).to_string(), "no sessions");
    network.query(1, 5);
    for client in 2..=9 {
        network.query(client, 1);
    }
    for client in 3..=9 {
        network.block(client, 0, 50);
    }
    for client in 5..=7 {
        for offset in [50, 100, 150] {
            network.block(client, offset, 50);
        }
    }
    network.end(6, 0);
    network.end(7, 0x96);
    network.server.cancel(Address::new(8, 1), ImageFilter::ALL);
    let summary = SessionSummary::of(&network.server);
    assert_eq!(
        summary.to_string(),
        "3 downloading, 1 verifying, 1 downloaded, 1 offered, 2 failed, 1 refused"
    );

    // Silence stalls the offer and the downloads, but not the verification, which takes longer.
    network.now = network.server.poll_timeout().expect("a timer").plus(ServerConfig::default().stall_timeout);
    while network.server.poll_timeout().is_some_and(|due| due <= network.now) {
        network.server.handle_timeout(network.now);
    }
    let stalled = SessionSummary::of(&network.server);
    let expected = json!({
        "refused": 1, "offered": 0, "downloading": 0, "verifying": 1, "stalled": 4, "downloaded": 1, "failed": 2,
    });
    assert_eq!(serde_json::to_value(stalled).expect("numbers"), expected);
    assert_eq!(serde_json::from_value::<SessionSummary>(expected).expect("a summary"), stalled);
}

/// Shows: FLD-054
#[test]
fn a_session_is_reported_as_text_and_as_json() {
    let mut network = Network::new();
    network.query(2, 1);
    network.block(2, 0, 50);
    network.now = Instant::from_millis(2_900);
    let session = network.server.session(Address::new(2, 1)).expect("a session");
    let report = SessionReport::new(network.now, session);
    assert_eq!(report.to_string(), "downloads 1001-00AB-00000005, 50 of 162 bytes, heard 2 s ago");
    let json: Value = serde_json::to_value(report).expect("JSON");
    assert_eq!((&json["client"]["network"], &json["ieee"]), (&2.into(), &2.into()));
    assert_eq!((&json["progress"]["reached"], &json["silent_seconds"]), (&50.into(), &2.into()));

    let texts = [(0, "ended 1001-00AB-00000005: SUCCESS"), (0x96, "ended 1001-00AB-00000005: INVALID_IMAGE")];
    for (status, text) in texts {
        network.end(2, status);
        let session = network.server.session(Address::new(2, 1)).expect("a session");
        let report = SessionReport::new(network.now, session).to_string();
        assert!(report.starts_with(text), "{report}");
    }
}

//! Tests of `GatewayDriver`: fairness, commands, reports, and data that a store reads later.

use std::collections::VecDeque;
use std::future::pending;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use serde_json::json;
use zigbee_ota::aps::{Address, DeliveryMode, DeliveryReport, FrameMeta, Transmit, TransmitToken};
use zigbee_ota::file::FileHeader;
use zigbee_ota::gateway::{
    Gateway, GatewayCommand, GatewayDriver, GatewayInput, HoldPolicy, ReceiveBuffer, SessionReport,
    SessionSummary,
};
use zigbee_ota::server::{
    Deferred, FileLookup, ImageInfo, ImageStore, NotReady, OfferedVersions, OwnedStore, ReadResult,
    ServerConfig, ServerEvent, ServerIgnored, ServerPolicy, Session, StandardPolicy, StoreEntry,
    UpgradeDecision,
};
use zigbee_ota::time::{Instant, Millis};
use zigbee_ota::zcl::QueryNextImageRequest;
use zigbee_ota::{Eui64, HardwareVersion, ImageFilter, ImageId, ImageType, ManufacturerCode};

use crate::{IMAGE, file, of};

/// Store in memory that can read later.
struct Store {
    files: OwnedStore,
    reads_later: bool,
}

impl ImageStore for Store {
    fn find(
        &mut self,
        manufacturer: ManufacturerCode,
        image_type: ImageType,
        is_eligible: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo> {
        self.files.find(manufacturer, image_type, is_eligible)
    }

    fn info(
        &mut self,
        id: ImageId,
        node: Option<Eui64>,
        hardware: Option<HardwareVersion>,
        client: Option<Address>,
    ) -> FileLookup {
        self.files.info(id, node, hardware, client)
    }

    fn read(
        &mut self,
        image: &ImageInfo,
        offset: u32,
        client: Option<Address>,
        out: &mut [u8],
    ) -> ReadResult {
        if self.reads_later { ReadResult::Later } else { self.files.read(image, offset, client, out) }
    }
}

/// Gateway with a script of inputs. Without an input, the clock advances to a deadline within half a second.
struct Script {
    inputs: VecDeque<(GatewayInput, Vec<u8>)>,
    now: Instant,
    images: Store,
    sent: Vec<(Transmit, Vec<u8>)>,
    events: Vec<ServerEvent>,
    executed: Vec<(GatewayCommand, bool)>,
    dropped: Vec<Address>,
    ignored: Vec<(Address, ServerIgnored)>,
    deferred: Vec<Deferred>,
    /// Whether the gateway takes requests whose data the store reads later.
    takes_deferred: bool,
    status: Vec<(SessionSummary, Vec<SessionReport>)>,
    refreshed_at: Vec<Instant>,
    on_refresh: Option<GatewayCommand>,
}

impl Gateway for Script {
    fn now(&mut self) -> Instant {
        self.now
    }

    async fn send(&mut self, transmit: &Transmit, frame: &[u8]) {
        self.sent.push((*transmit, frame.to_vec()));
    }

    async fn receive(&mut self, deadline: Instant, buffer: &mut ReceiveBuffer) -> Option<GatewayInput> {
        if let Some((input, bytes)) = self.inputs.pop_front() {
            return Some(match input {
                GatewayInput::Frame(meta, _) => GatewayInput::frame(meta, &bytes, buffer),
                other => {
                    buffer[..bytes.len()].copy_from_slice(&bytes);
                    other
                }
            });
        }
        if deadline > self.now.plus(Millis(500)) {
            return pending().await;
        }
        self.now = self.now.max(deadline);
        None
    }

    fn lend<R>(&mut self, call: impl FnOnce(&mut dyn ImageStore, &mut dyn ServerPolicy) -> R) -> R {
        call(&mut self.images, &mut StandardPolicy::default())
    }

    fn on_event(&mut self, event: &ServerEvent) {
        self.events.push(*event);
    }

    fn on_ignored(&mut self, from: Address, reason: ServerIgnored) {
        self.ignored.push((from, reason));
    }

    fn on_dropped(&mut self, from: Address) {
        self.dropped.push(from);
    }

    fn on_command(&mut self, command: &GatewayCommand, has_effect: bool) {
        self.executed.push((*command, has_effect));
    }

    fn on_deferred(&mut self, request: Deferred) -> Option<Deferred> {
        if !self.takes_deferred {
            return Some(request);
        }
        self.deferred.push(request);
        None
    }

    fn on_status(&mut self, summary: &SessionSummary, sessions: &mut dyn Iterator<Item = SessionReport>) {
        self.status.push((*summary, sessions.collect()));
    }

    fn refresh(&mut self) -> impl Iterator<Item = GatewayCommand> + use<> {
        self.refreshed_at.push(self.now);
        self.on_refresh.take().into_iter()
    }
}

const fn lamp(network: u16) -> Address {
    Address::new(network, 1)
}

fn query() -> Vec<u8> {
    vec![1, 7, 1, 0, 0x01, 0x10, 0xab, 0, 1, 0, 0, 0]
}

fn block(sequence: u8, offset: u8) -> Vec<u8> {
    vec![1, sequence, 3, 0, 0x01, 0x10, 0xab, 0, 5, 0, 0, 0, offset, 0, 0, 0, 8]
}

struct World {
    driver: GatewayDriver<Vec<Session>>,
    script: Script,
}

impl World {
    fn new() -> Self {
        let mut files = OwnedStore::new();
        files.add(file(FileHeader::new(IMAGE), 1, 1000)).expect("a file");
        let mut config = ServerConfig::default();
        config.background_from = None;
        let script = Script {
            inputs: VecDeque::new(),
            now: Instant::ZERO,
            images: Store { files, reads_later: false },
            sent: vec![],
            events: vec![],
            executed: vec![],
            dropped: vec![],
            ignored: vec![],
            deferred: vec![],
            takes_deferred: false,
            status: vec![],
            refreshed_at: vec![],
            on_refresh: None,
        };
        Self { driver: GatewayDriver::new(config, vec![Session::EMPTY; 100]), script }
    }

    fn push(&mut self, from: Address, frame: Vec<u8>) {
        self.script.inputs.push_back((GatewayInput::Frame(FrameMeta::unicast(from), frame.len()), frame));
    }

    fn command(&mut self, command: GatewayCommand) {
        self.script.inputs.push_back((GatewayInput::Command(command), vec![]));
    }

    /// Runs one turn; `false` if the driver waits for an input.
    fn turn(&mut self) -> bool {
        let turn = pin!(self.driver.turn(&mut self.script));
        matches!(turn.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(()))
    }

    /// Runs turns until the driver waits for an input.
    fn run(&mut self) {
        while self.turn() {}
        assert!(self.script.inputs.is_empty());
    }

    fn answers_to(&self, to: Address) -> Vec<&[u8]> {
        let sent = self.script.sent.iter().filter(|(transmit, _)| transmit.to == to);
        sent.map(|(_, frame)| &frame[..]).collect()
    }
}

/// Four nodes send requests without end: a lamp is answered after at most one frame of each, and no frame of the lamp is
/// dropped.
///
/// Shows: FLD-044
#[test]
fn a_flood_of_some_clients_delays_only_these() {
    let mut world = World::new();
    let mut turns = 0;
    for round in 0..40_u8 {
        for _ in 0..50 {
            for network in 1..=4 {
                // A node may have 240 endpoints.
                world.push(Address::new(network, round), block(round, 0));
            }
        }
        world.push(lamp(9), block(round, 8));
        world.push(lamp(9), block(round.wrapping_add(100), 16));
        let before = world.answers_to(lamp(9)).len();
        while world
            .script
            .inputs
            .iter()
            .any(|(input, _)| matches!(input, GatewayInput::Frame(meta, _) if meta.from == lamp(9)))
        {
            world.turn();
        }
        while world.answers_to(lamp(9)).len() < before + 2 {
            world.turn();
            turns += 1;
        }
    }
    assert!(turns <= 40 * 10, "{turns} turns for two requests of a lamp in each of 40 rounds");
    assert!(!world.script.dropped.is_empty());
    assert!(world.script.dropped.iter().all(|dropped| dropped.network <= 4), "{:?}", world.script.dropped);
    let sequences: Vec<u8> = world.answers_to(lamp(9)).iter().map(|frame| frame[1]).collect();
    let expected: Vec<u8> = (0..40).flat_map(|round| [round, round + 100]).collect();
    assert_eq!(sequences, expected, "in order, each once");
}

/// Each of 300 lamps sends one request at once: none is dropped, and each is answered once.
#[test]
fn many_clients_with_one_request_each_lose_nothing() {
    let mut world = World::new();
    for network in 1..=300 {
        world.push(lamp(network), query());
    }
    world.run();
    assert_eq!((world.script.dropped.len(), world.script.sent.len()), (0, 300));
    for network in 1..=300 {
        assert_eq!(world.answers_to(lamp(network)).len(), 1, "{network}");
    }
}

#[test]
fn a_download_with_pages_runs_by_the_timers() {
    let mut world = World::new();
    world.push(lamp(1), query());
    // Image Page Request: blocks of 50 bytes, 500 bytes together, 20 ms apart.
    let page = [1, 9, 4, 0, 0x01, 0x10, 0xab, 0, 5, 0, 0, 0, 0, 0, 0, 0, 50, 0xf4, 1, 20, 0];
    world.push(lamp(1), page.to_vec());
    while world.answers_to(lamp(1)).len() < 11 {
        assert!(world.turn());
    }
    let data: Vec<u8> =
        world.answers_to(lamp(1))[1..].iter().flat_map(|frame| frame[17..].to_vec()).collect();
    assert_eq!(data, file(FileHeader::new(IMAGE), 1, 1000)[..500]);
    assert!(world.script.now >= Instant::from_millis(9 * 20));
    let summary = SessionSummary::of(world.driver.server());
    assert_eq!(summary.downloading, 1);
}

/// Shows: FLD-043
#[test]
fn commands_change_the_sessions() {
    let mut world = World::new();
    for network in 1..=20 {
        world.push(lamp(network), query());
        world.push(lamp(network), block(1, 0));
    }
    world.run();
    world.script.events.clear();

    let all = ImageFilter::ALL;
    let other = ImageFilter { image_type: ImageType(0x77), ..all };
    world.command(GatewayCommand::Cancel { client: lamp(1), target: all });
    world.command(GatewayCommand::Cancel { client: lamp(1), target: all });
    world.command(GatewayCommand::Moved { old: 2, new: 102 });
    world.command(GatewayCommand::Moved { old: 2, new: 102 });
    world.command(GatewayCommand::Forget { network: 3 });
    world.command(GatewayCommand::Forget { network: 3 });
    world.command(GatewayCommand::CancelAll { target: other });
    world.command(GatewayCommand::CancelAll { target: IMAGE.into() });
    world.run();
    let effects: Vec<_> = world.script.executed.iter().map(|(_, effect)| *effect).collect();
    assert_eq!(effects, [true, false, true, false, true, false, false, true]);
    // Every download but the forgotten one was cancelled, each with its event, although the server queues eight.
    let mut cancelled: Vec<u16> = world
        .script
        .events
        .iter()
        .map(|event| match event {
            ServerEvent::Cancelled { client, id } => {
                assert_eq!(*id, IMAGE);
                client.network
            }
            other => panic!("{other}"),
        })
        .collect();
    cancelled.sort_unstable();
    let expected: Vec<u16> = [1].into_iter().chain(4..=20).chain([102]).collect();
    assert_eq!(cancelled, expected);
    assert_eq!(world.driver.server().lost_events(), 0);

    // The frames of a node that left are not handled.
    world.script.sent.clear();
    world.push(lamp(5), block(9, 8));
    world.command(GatewayCommand::Forget { network: 5 });
    world.run();
    assert_eq!(world.script.sent.len(), 0);
}

#[test]
fn commands_send_frames() {
    let mut world = World::new();
    let notify = |to| GatewayCommand::Notify { to, target: IMAGE.into() };
    world.command(notify(None));
    world.command(notify(Some(lamp(7))));
    world.command(GatewayCommand::Release { to: None, target: ImageFilter::ALL, seconds: 60 });
    world.script.on_refresh = Some(GatewayCommand::Hold { to: Some(lamp(7)), target: IMAGE.into() });
    world.run();
    assert!(world.script.executed.iter().all(|(_, has_effect)| *has_effect));
    let sent: Vec<_> = world
        .script
        .sent
        .iter()
        .map(|(transmit, frame)| (transmit.to, transmit.delivery, &frame[2..]))
        .collect();
    let (all, one) = (Address::ALL_AWAKE, lamp(7));
    let (broadcast, unicast) = (DeliveryMode::Broadcast, DeliveryMode::Unicast);
    let hold = [7, 0x01, 0x10, 0xab, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
    let release = [7, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 60, 0, 0, 0];
    assert_eq!(
        sent,
        [
            (one, unicast, &hold[..]),
            (all, broadcast, &[0, 3, 50, 0x01, 0x10, 0xab, 0, 5, 0, 0, 0]),
            (one, unicast, &[0, 0, 100]),
            (all, broadcast, &release),
        ]
    );
}

/// Shows: FLD-054
#[test]
fn commands_are_json() {
    let client = lamp(0x1234);
    let cases = [
        (json!({"command": "notify"}), GatewayCommand::Notify { to: None, target: ImageFilter::ALL }),
        (
            json!({"command": "release", "to": {"network": 0x1234, "endpoint": 1}, "seconds": 60}),
            GatewayCommand::Release { to: Some(client), target: ImageFilter::ALL, seconds: 60 },
        ),
        (json!({"command": "hold"}), GatewayCommand::Hold { to: None, target: ImageFilter::ALL }),
        (
            json!({"command": "cancel", "client": {"network": 0x1234, "endpoint": 1}}),
            GatewayCommand::Cancel { client, target: ImageFilter::ALL },
        ),
        (json!({"command": "cancel_all"}), GatewayCommand::CancelAll { target: ImageFilter::ALL }),
        (json!({"command": "forget", "network": 5}), GatewayCommand::Forget { network: 5 }),
        (json!({"command": "moved", "old": 5, "new": 6}), GatewayCommand::Moved { old: 5, new: 6 }),
    ];
    for (json, command) in cases {
        assert_eq!(serde_json::from_value::<GatewayCommand>(json).expect("a command"), command);
        let written = serde_json::to_string(&command).expect("JSON");
        assert_eq!(serde_json::from_str::<GatewayCommand>(&written).expect("a command"), command);
    }
    assert!(serde_json::from_value::<GatewayCommand>(json!({"command": "forget"})).is_err());
}

#[test]
fn a_store_may_read_later() {
    let mut world = World::new();
    world.script.images.reads_later = true;
    world.push(lamp(1), block(1, 0));
    world.run();
    assert_eq!(world.answers_to(lamp(1)), [[0x18, 1, 0x0b, 3, 0x98]], "NO_IMAGE_AVAILABLE by default");

    world.script.takes_deferred = true;
    world.push(lamp(1), block(2, 0));
    world.push(lamp(2), block(3, 8));
    world.run();
    assert_eq!(world.script.sent.len(), 1, "both requests wait");
    let of =
        |client| *world.script.deferred.iter().find(|request| request.client() == client).expect("it waits");
    let (first, second) = (of(lamp(1)), of(lamp(2)));
    let data = |request, data: &[u8]| (GatewayInput::Data(request, Ok(data.len())), data.to_vec());
    world.script.inputs.push_back(data(second, b"88888888"));
    world.script.inputs.push_back((GatewayInput::Data(first, Err(NotReady::Wait { seconds: 5 })), vec![]));
    world.run();
    assert!(world.answers_to(lamp(2))[0].ends_with(b"\x0888888888"));
    assert_eq!(world.answers_to(lamp(1))[1][3], 0x97, "WAIT_FOR_DATA");
}

/// Gateway with the defaults of the trait.
struct Plain(Script);

impl Gateway for Plain {
    fn now(&mut self) -> Instant {
        self.0.now()
    }

    async fn send(&mut self, transmit: &Transmit, frame: &[u8]) {
        self.0.send(transmit, frame).await;
    }

    async fn receive(&mut self, deadline: Instant, buffer: &mut ReceiveBuffer) -> Option<GatewayInput> {
        self.0.receive(deadline, buffer).await
    }

    fn lend<R>(&mut self, call: impl FnOnce(&mut dyn ImageStore, &mut dyn ServerPolicy) -> R) -> R {
        self.0.lend(call)
    }
}

#[test]
fn by_default_a_request_whose_data_comes_later_is_refused() {
    let mut world = World::new();
    world.script.images.reads_later = true;
    world.push(lamp(1), block(1, 0));
    let mut gateway = Plain(world.script);
    assert!(pin!(world.driver.turn(&mut gateway)).poll(&mut Context::from_waker(Waker::noop())).is_ready());
    let sent: Vec<_> = gateway.0.sent.iter().map(|(_, frame)| &frame[..]).collect();
    assert_eq!(sent, [[0x18, 1, 0x0b, 3, 0x98]], "NO_IMAGE_AVAILABLE");
}

#[test]
fn reports_and_bad_frames_reach_the_server() {
    let mut world = World::new();
    world.push(lamp(1), query());
    world.push(lamp(1), block(1, 0));
    world.push(lamp(2), vec![]);
    world.run();
    let token = world.script.sent[1].0.token;
    assert_ne!(token, TransmitToken::NONE);
    let report = GatewayInput::Delivery(token, DeliveryReport::Failed);
    world.script.inputs.push_back((report, vec![]));
    world.run();
    let is_undelivered =
        |event: &ServerEvent| matches!(event, ServerEvent::Undelivered { client, .. } if *client == lamp(1));
    assert!(world.script.events.iter().any(is_undelivered), "{:?}", world.script.events);
    let [(from, ServerIgnored::Unreadable(_))] = world.script.ignored[..] else {
        panic!("{:?}", world.script.ignored)
    };
    assert_eq!(from, lamp(2));
}

#[test]
fn the_gateway_refreshes_every_second() {
    let mut world = World::new();
    world.run();
    for millis in [400, 900, 1000, 1500, 2600, 3599, 3600] {
        world.script.now = Instant::from_millis(millis);
        world.push(lamp(1), query());
        assert!(world.turn());
    }
    assert_eq!(world.script.refreshed_at, [0, 1000, 2600, 3600].map(Instant::from_millis));
    assert_eq!(world.script.sent.len(), 7);
}

/// Shows: FLD-054
#[test]
fn the_status_is_a_command() {
    let mut world = World::new();
    world.push(lamp(1), query());
    world.push(lamp(2), query());
    world.push(lamp(2), block(1, 0));
    world.run();
    world.command(GatewayCommand::Status);
    world.run();
    let [(summary, reports)] = &world.script.status[..] else { panic!("one status") };
    assert_eq!((summary.offered, summary.downloading), (1, 1));
    let mut clients: Vec<_> = reports.iter().map(|report| report.client).collect();
    clients.sort_unstable();
    assert_eq!(clients, [lamp(1), lamp(2)]);
}

#[test]
fn an_operator_holds_and_releases_later_downloads() {
    let mut policy = HoldPolicy::new(true);
    let mut decide = |command: Option<GatewayCommand>, id| {
        command.iter().for_each(|command| policy.note_command(command));
        policy.upgrade(lamp(1), id)
    };
    let target = ImageFilter::ALL;
    assert_eq!(decide(None, IMAGE), UpgradeDecision::Hold);
    let log = ImageId { image_type: ImageType::LOG, ..IMAGE };
    assert_eq!(decide(None, log), UpgradeDecision::Acknowledge);
    let one = GatewayCommand::Release { to: Some(lamp(1)), target, seconds: 0 };
    assert_eq!(decide(Some(one), IMAGE), UpgradeDecision::Hold, "one device was released, not all");
    let all = GatewayCommand::Release { to: None, target, seconds: 0 };
    assert_eq!(decide(Some(all), IMAGE), UpgradeDecision::Now);
    assert_eq!(decide(Some(GatewayCommand::Hold { to: None, target }), IMAGE), UpgradeDecision::Hold);
}

#[test]
fn a_policy_that_holds_offers_what_the_standard_policy_offers() {
    let bytes = file(FileHeader::new(IMAGE), 1, 100);
    let image = *StoreEntry::parse(&bytes).expect("a file").info();
    let mut policy = HoldPolicy::new(true);
    let mut offers = |running| policy.is_eligible(lamp(1), &QueryNextImageRequest::new(of(running)), &image);
    assert_eq!([4, 5, 6].map(&mut offers), [true, false, false]);
    policy.standard.versions = OfferedVersions::Any;
    let request = QueryNextImageRequest::new(of(6));
    assert!(policy.is_eligible(lamp(1), &request, &image));
}

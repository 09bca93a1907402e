//! Properties of the client under any inputs: valid and invalid frames, time, answers, API calls and restarts in any
//! order.
//!
//! - The client never stalls: it has a deadline in the future, an unanswered need or block, or an image that only the
//!   application may activate.
//! - The client requests only missing ranges within the file, but for the check of a file that was interrupted, and
//!   lends no stored byte again. Without an interruption there is no check.
//! - The client applies only verified images.
//! - No event is lost if the events are polled after each call.

use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};

use zigbee_ota::aps::{Address, DeliveryMode, DeliveryReport, FrameMeta, TransmitToken};
use zigbee_ota::client::{
    AcceptedVersions, ApplyResult, CheckpointStage, Client, ClientAction, ClientConfig, ClientEvent,
    CredentialResult, Identity, Need, PrepareResult, RequestBuffer, StoreResult, Ticket, TransferMode,
    VerifyResult,
};
use zigbee_ota::file::{Element, FileHeader, FileWriter, Tag};
use zigbee_ota::time::{Instant, Millis, UtcTime};
use zigbee_ota::zcl::{
    Frame, ImageUpgradeStatus, LONGEST_TO_SERVER, Message, Quirks, Status, ToServer, UpgradeActivationPolicy,
};
use zigbee_ota::{Encode, Eui64, FileVersion, ImageId, ImageType, SecurityCredentialVersion, StackVersion};

const SERVER: Address = Address::new(0, 1);
const NODE: Eui64 = Eui64(0x0123_4567_89ab_cdef);
const SIZE: u32 = 200;

/// Offered images of the device, and a file for another client.
const FIRST: ImageId = ImageId::new(0x115f, 0x0101, 0x1a2c);
const SECOND: ImageId = ImageId::new(0x115f, 0x0102, 6);
const KEYS: ImageId = ImageId::new(0x115f, 0xffc0, 7);

/// Start of a frame, and the number of its bytes that are taken from the input.
const FRAMES: [&[u8]; 16] = [
    &[0x09, 7, 0, 0, 100],
    &[0x19, 0, 2, 0, 0x5f, 0x11, 1, 1, 0x2c, 0x1a, 0, 0, 200, 0, 0, 0],
    &[0x19, 0, 2, 0x98],
    &[0x19, 0, 2, 0x7e],
    &[0x19, 0, 5, 0x95],
    &[0x19, 0, 5, 0x98],
    &[0x19, 0, 5, 0x97, 0, 0, 0, 0, 5, 0, 0, 0],
    &[0x19, 0, 5, 0x97, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0],
    &[0x19, 0, 5, 0x97, 0, 0, 0, 0, 255, 255, 255, 255],
    &[0x19, 0, 7, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 9, 0, 0, 0],
    &[0x19, 0, 7, 0x5f, 0x11, 1, 1, 0x2c, 0x1a, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255],
    &[0x18, 0, 0x0b, 1, 0x80],
    &[0x18, 0, 0x0b, 3, 0x98],
    &[0x18, 0, 0x0b, 6, 0x00],
    &[0x18, 0, 0x0b, 4, 0x81],
    &[0x18, 0, 0x0b, 4, 0x98],
];

/// Runs the inputs that `inputs` encodes, and checks the properties after each. Returns the number of upgrades.
pub fn any_inputs(inputs: &[u8]) -> u32 {
    let mut bytes = inputs.iter().copied();
    let mut next = || bytes.next();
    let mut world = World::new(next().unwrap_or(0), next().unwrap_or(0));
    world.drain();
    let mut is_disturbed = false;
    while let Some(choice) = next() {
        is_disturbed |= choice >= 140;
        let mut small = || next().unwrap_or(0);
        match choice {
            0..=139 => world.cooperate(),
            140..=155 => {
                let (which, sequence, delivery) = (small(), small(), small());
                let mut frame = FRAMES[usize::from(which) % FRAMES.len()].to_vec();
                frame[1] = if sequence < 128 { world.last_sequence() } else { sequence };
                world.receive(meta(delivery), &frame);
            }
            156..=163 => {
                let (delivery, len) = (small(), small() % 32);
                let frame: Vec<u8> = (0..len).map(|_| small()).collect();
                world.receive(meta(delivery), &frame);
            }
            164..=187 => world.receive_block(small(), small()),
            188..=203 => {
                let long = u32::from(small()) << (small() % 24);
                world.pass(Millis(long));
            }
            204..=219 => world.answer(small()),
            220..=223 => world.client.query(world.now).unwrap_or_default(),
            224..=225 => world.client.abort(world.now).unwrap_or_default(),
            226 => world.activate(),
            227..=229 => world.client.connection_lost(world.now),
            230..=233 => {
                let version = if small() < 128 { KEYS.version } else { FileVersion::ANY };
                let wanted = ImageId { version, ..KEYS };
                world.client.query_specific_file(world.now, wanted, StackVersion::ZIGBEE_PRO).ok();
            }
            234..=240 => world.restart(small()),
            241..=246 => {
                let report = if small() < 64 { DeliveryReport::Acknowledged } else { DeliveryReport::Failed };
                world.client.handle_delivery(world.now, world.token, report);
            }
            247..=248 => {
                let utc = u32::from(small()) << (small() % 24);
                world.client.set_utc(world.now, (utc % 2 == 0).then_some(UtcTime(utc)));
            }
            249..=250 => {
                world.client.set_query_interval(world.now, Some(Millis::from_secs(u32::from(small()) + 1)))
            }
            _ => world.pass(Millis(1)),
        }
        world.drain();
    }
    assert!(is_disturbed || world.checks.get() == 0, "a check without an interruption");
    world.upgrades
}

fn meta(choice: u8) -> FrameMeta {
    let delivery = match choice % 8 {
        0 => DeliveryMode::Broadcast,
        1 => DeliveryMode::Multicast,
        _ => DeliveryMode::Unicast,
    };
    let from = if choice / 8 == 0 { Address::new(0x1234, 1) } else { SERVER };
    FrameMeta::new(from, delivery)
}

fn file(id: ImageId, credential: bool) -> Vec<u8> {
    let mut header = FileHeader::new(id);
    header.credential = credential.then_some(SecurityCredentialVersion::SE_2_0);
    header.destination = (id == KEYS).then_some(NODE);
    let data = [0x5a; SIZE as usize];
    let data = &data[..data.len() - 6 - header.header_len()];
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data }];
    let mut file = vec![0; SIZE as usize];
    FileWriter::new(header, &elements).unwrap().encode(&mut file).unwrap();
    file
}

/// Block that the client has lent to storage.
struct LentBlock {
    ticket: Ticket,
    start: usize,
    data: Vec<u8>,
    /// Whether the storage was erased for another download since the client lent the block. The client refuses the answer
    /// for a stale block.
    is_stale: bool,
}

/// Client with its application and the state that the properties are checked against.
struct World {
    config: ClientConfig,
    client: Client,
    now: Instant,
    files: [(ImageId, Vec<u8>); 3],
    /// Stored ranges of the current file; other files are stored elsewhere.
    flash: [Option<u8>; SIZE as usize],
    needs: Vec<Need>,
    /// Blocks that the client has lent to storage.
    blocks: Vec<LentBlock>,
    /// Last request, and all unanswered requests in order.
    last: Option<(u8, ToServer)>,
    requests: Vec<(u8, ToServer)>,
    token: TransmitToken,
    /// Last file that was verified.
    verified: Option<ImageId>,
    /// Whether the device consists of two images.
    two: bool,
    upgrades: u32,
    /// Number of block requests for bytes that are stored.
    checks: std::cell::Cell<u32>,
}

impl World {
    fn new(kind: u8, more: u8) -> Self {
        let is = |bit: u8| kind & (1 << bit) != 0;
        let current = ImageId::new(0x115f, 0x0101, 0x1a2b);
        let mut identity = Identity::new(current);
        identity.node = Some(NODE);
        let server = if is(0) { Address::UNKNOWN } else { SERVER };
        let mut config = ClientConfig::new(identity, server);
        config.discovery_interval = (is(0) || is(1)).then_some(Millis::from_secs(600));
        config.server_id = Eui64(if is(2) { 77 } else { 0 });
        config.write_size = NonZeroU8::new(if is(3) { 16 } else { 1 }).unwrap();
        config.cluster_revision = if is(4) { 3 } else { 1 };
        config.supports_block_period = is(4);
        config.activation_policy = UpgradeActivationPolicy(u8::from(is(5)));
        config.replace_refusing_server = is(6);
        config.credential = is(7).then_some(SecurityCredentialVersion::SE_1_1);
        config.accepted_versions =
            if more & 1 == 0 { AcceptedVersions::Different } else { AcceptedVersions::Any };
        config.min_block_period = Millis(u32::from(more & 2));
        config.transfer = match more >> 3 & 3 {
            0 => config.transfer,
            1 => TransferMode::Blocks { window: NonZeroU8::new(3).unwrap() },
            2 => TransferMode::Pages { size: NonZeroU16::new(100).unwrap(), spacing: 0 },
            _ => TransferMode::Auto,
        };
        config.max_block_size = NonZeroU8::new(if more & 32 == 0 { 64 } else { 17 }).unwrap();
        let files = [(FIRST, file(FIRST, is(7))), (SECOND, file(SECOND, false)), (KEYS, file(KEYS, false))];
        Self {
            config,
            client: Client::new(config, 1, Instant::ZERO),
            now: Instant::ZERO,
            files,
            flash: [None; SIZE as usize],
            needs: Vec::new(),
            blocks: Vec::new(),
            last: None,
            requests: Vec::new(),
            token: TransmitToken::NONE,
            verified: None,
            two: more & 4 != 0,
            upgrades: 0,
            checks: std::cell::Cell::new(0),
        }
    }

    fn file(&self, id: ImageId) -> Option<&[u8]> {
        self.files.iter().find(|(file, _)| *file == id).map(|(_, bytes)| &bytes[..])
    }

    fn last_sequence(&self) -> u8 {
        self.last.map_or(0, |(sequence, _)| sequence)
    }

    fn pass(&mut self, time: Millis) {
        self.now = self.now.plus(time);
        self.client.handle_timeout(self.now);
    }

    /// Takes the step that brings an upgrade forward.
    fn cooperate(&mut self) {
        if !self.blocks.is_empty() || !self.needs.is_empty() {
            return self.answer(1);
        }
        if !self.requests.is_empty() {
            let (sequence, request) = self.requests.remove(0);
            return self.serve(sequence, request);
        }
        if self.client.attributes().status == ImageUpgradeStatus::WAITING_FOR_EXTERNAL_EVENT {
            return self.activate();
        }
        if let Some(next) = self.client.poll_timeout() {
            self.now = self.now.max(next);
            self.client.handle_timeout(self.now);
        }
    }

    fn activate(&mut self) {
        self.client.activate().unwrap_or_default();
    }

    fn serve(&mut self, sequence: u8, request: ToServer) {
        let frame = match request {
            ToServer::QueryNextImage(query) => {
                let id = if query.current.image_type == SECOND.image_type { SECOND } else { FIRST };
                offer(sequence, 2, id)
            }
            ToServer::QuerySpecificFile(_) => offer(sequence, 9, KEYS),
            ToServer::ImageBlock(block) => {
                return self.receive_data(sequence, block.id, block.offset, block.max_data);
            }
            ToServer::UpgradeEnd(end) if end.status == Status::SUCCESS => {
                let mut frame = vec![0x19, sequence, 7];
                frame.extend([0xff; 8]);
                frame.extend([0, 0, 0, 0, 5, 0, 0, 0]);
                frame
            }
            ToServer::UpgradeEnd(_) => vec![0x18, sequence, 0x0b, 6, 0],
            ToServer::ImagePage(page) => {
                let end = page.offset + u32::from(page.page_size);
                for start in (page.offset..end).step_by(page.max_data.into()) {
                    let size = u32::from(page.max_data).min(end - start);
                    self.receive_data(sequence, page.id, start, size as u8);
                }
                return;
            }
            _ => unreachable!("a command that no client sends: {request:?}"),
        };
        self.receive(FrameMeta::unicast(SERVER), &frame);
    }

    /// Receives the last requested block with `size` bytes, moved by `shift` from its offset.
    fn receive_block(&mut self, size: u8, shift: u8) {
        let (sequence, id, offset, most) = match self.last {
            Some((sequence, ToServer::ImageBlock(block))) => {
                (sequence, block.id, block.offset, block.max_data)
            }
            Some((sequence, ToServer::ImagePage(page))) => (sequence, page.id, page.offset, page.max_data),
            _ => return,
        };
        let start = offset.saturating_sub(u32::from(shift % 4) * 16);
        self.receive_data(sequence, id, start, size.min(most));
    }

    fn receive_data(&mut self, sequence: u8, id: ImageId, start: u32, size: u8) {
        let size = usize::from(size);
        let data: Vec<u8> = match self.file(id) {
            Some(file) => file.iter().skip(start as usize).take(size).copied().collect(),
            None => vec![0; size],
        };
        let mut frame = vec![0x19, sequence, 5, 0];
        frame.extend(id_bytes(id));
        frame.extend(start.to_le_bytes());
        frame.push(u8::try_from(data.len()).unwrap());
        frame.extend(data);
        self.receive(FrameMeta::unicast(SERVER), &frame);
    }

    fn receive(&mut self, meta: FrameMeta, frame: &[u8]) {
        match self.client.handle_frame(self.now, meta, frame) {
            ClientAction::Store(block) => {
                assert!(!block.data.is_empty());
                let start = block.offset as usize;
                let words = usize::from(self.config.write_size.get());
                assert!(start.is_multiple_of(words), "storage begins in the middle of a word");
                for place in start..start + block.data.len() {
                    assert!(!self.has(place), "byte {place} is stored or lent already");
                }
                self.blocks.push(LentBlock {
                    ticket: block.ticket,
                    start,
                    data: block.data.to_vec(),
                    is_stale: false,
                });
            }
            ClientAction::AnswerAttributes(question) => {
                let mut out = [0; 128];
                self.client.attributes().answer(&question, &mut out).unwrap_or_default();
            }
            _ => {}
        }
    }

    /// Answers a need or a block; one answer of sixteen is negative. A stale answer is refused without effect.
    fn answer(&mut self, choice: u8) {
        let (now, good) = (self.now, !choice.is_multiple_of(16));
        if !self.blocks.is_empty() {
            let LentBlock { ticket, start, data, .. } =
                self.blocks.remove(usize::from(choice) % self.blocks.len());
            let bad = [StoreResult::Busy, StoreResult::Fault][usize::from(choice / 128)];
            let result = if good { StoreResult::Ok } else { bad };
            if self.client.stored(now, ticket, result).is_ok() && result == StoreResult::Ok {
                for (place, byte) in self.flash[start..].iter_mut().zip(data) {
                    *place = Some(byte);
                }
            }
        }
        if !self.needs.is_empty() {
            let need = self.needs.remove(usize::from(choice) % self.needs.len());
            self.meet(need, choice, good);
        }
    }

    fn meet(&mut self, need: Need, choice: u8, good: bool) {
        let now = self.now;
        match need {
            Need::Decide(ticket, _) if good => self.client.accept(ticket),
            Need::Decide(ticket, _) => self.client.refuse(now, ticket),
            Need::Prepare(ticket, offer) => {
                let result = self.client.prepared(
                    now,
                    ticket,
                    if good { PrepareResult::Ready } else { PrepareResult::Fault },
                );
                if result.is_ok() {
                    self.flash.fill(None);
                    self.blocks.iter_mut().for_each(|block| block.is_stale = true);
                    self.verified = self.verified.filter(|_| offer.id == KEYS);
                }
                result
            }
            Need::Verify(ticket, offer) => {
                let stored: Option<Vec<u8>> = self.flash.iter().copied().collect();
                let right = stored.is_some() && self.file(offer.id) == stored.as_deref();
                let verdict = match choice {
                    _ if !right => VerifyResult::Invalid,
                    255 => VerifyResult::Abandon,
                    _ if !good => VerifyResult::Invalid,
                    _ if self.two && offer.id == FIRST => {
                        VerifyResult::NeedsMore(ImageId { version: FileVersion(5), ..SECOND })
                    }
                    _ => VerifyResult::Valid,
                };
                let result = self.client.verified(now, ticket, verdict);
                // A stale need may come after the erasure for another image.
                assert!(result.is_err() || stored.is_some(), "verification of an incomplete file");
                if result.is_ok() && verdict == VerifyResult::Valid && offer.id != KEYS {
                    self.verified = Some(offer.id);
                } else if result.is_ok() && verdict == VerifyResult::Valid {
                    // The image has a slot of its own; a waiting image stays verified.
                    self.flash.fill(None);
                }
                result
            }
            Need::Apply(ticket, _) => {
                self.client.applied(now, ticket, if good { ApplyResult::Done } else { ApplyResult::Failed })
            }
            Need::FindServer(ticket, _) => self.client.server_found(now, ticket, good.then_some(SERVER)),
            Need::NetworkAddress(ticket, _) => {
                self.client.network_address_resolved(now, ticket, good.then_some(SERVER.network))
            }
            Need::IeeeAddress(ticket, _) => {
                self.client.ieee_address_resolved(ticket, good.then_some(Eui64(77)))
            }
            Need::LinkKey(ticket, ..) => self.client.link_key_established(now, ticket, good),
            Need::Credentials(ticket, _) => {
                let result = if good { CredentialResult::Ready } else { CredentialResult::Missing };
                self.client.credentials_obtained(now, ticket, result)
            }
            need => self.client.decline(now, need),
        }
        .unwrap_or_default();
    }

    /// Restarts the device from its last checkpoint.
    fn restart(&mut self, choice: u8) {
        self.config.identity.current = self.client.identity().current;
        let checkpoint = self.client.checkpoint().filter(|_| choice != 255);
        self.client = Client::new(self.config, u64::from(choice), self.now);
        (self.needs, self.blocks, self.requests) = (Vec::new(), Vec::new(), Vec::new());
        self.last = None;
        let sector = NonZeroU32::new(16).unwrap();
        match checkpoint.map(|checkpoint| checkpoint.floor(sector)) {
            Some(checkpoint) => {
                if checkpoint.stage == CheckpointStage::Downloading {
                    assert!(self.flash[..checkpoint.received as usize].iter().all(Option::is_some));
                    self.flash[checkpoint.received as usize..].fill(None);
                    self.verified = self.verified.filter(|_| checkpoint.offer.id == KEYS);
                }
                self.client.resume(self.now, checkpoint).unwrap();
            }
            None => self.flash.fill(None),
        }
    }

    /// Drains all outputs of the client, and checks the properties.
    fn drain(&mut self) {
        let mut out: RequestBuffer = [0; LONGEST_TO_SERVER];
        // Due timers fire at once, so a client that sets ever new deadlines in the past counts as stalled.
        for _ in 0..8 {
            while let Some(transmit) = self.client.poll_transmit(self.now, &mut out) {
                let frame = Frame::decode(&out[..transmit.len], Quirks::empty()).expect("well-formed");
                if let Message::ToServer(request) = frame.message {
                    self.check_request(&request);
                    self.last = Some((frame.sequence, request));
                    self.requests.push((frame.sequence, request));
                    self.token = transmit.token;
                }
            }
            while let Some(event) = self.client.poll_event() {
                if let ClientEvent::Finished { id, .. } = event
                    && id != KEYS
                {
                    assert_eq!(self.verified, Some(id), "an unverified image runs");
                    self.upgrades += 1;
                }
            }
            assert_eq!(self.client.lost_events(), 0, "one call made more events than the queue holds");
            while let Some(need) = self.client.poll_need() {
                if let Need::Apply(_, id) = need
                    && id != KEYS
                {
                    assert_eq!(self.verified, Some(id), "an unverified image is to be applied");
                    assert_eq!(self.client.pending_images() > 0, self.two, "a set is applied whole");
                }
                self.needs.push(need);
            }
            if self.client.poll_timeout().is_none_or(|at| at > self.now) {
                break;
            }
            self.client.handle_timeout(self.now);
        }
        let deadline = self.client.poll_timeout();
        assert!(deadline.is_none_or(|at| at > self.now), "it never rests");
        let held = self.client.attributes().status == ImageUpgradeStatus::WAITING_FOR_EXTERNAL_EVENT;
        let asked = !self.needs.is_empty() || !self.blocks.is_empty();
        assert!(deadline.is_some() || asked || held, "the client is stalled: {:?}", self.client);
    }

    /// Whether a byte of the file is stored or lent.
    fn has(&self, place: usize) -> bool {
        let lent = |LentBlock { start, data, is_stale, .. }: &LentBlock| {
            !is_stale && (*start..start + data.len()).contains(&place)
        };
        self.flash[place].is_some() || self.blocks.iter().any(lent)
    }

    fn check_request(&self, request: &ToServer) {
        match request {
            ToServer::ImageBlock(request) => {
                request.check().unwrap();
                let end = request.offset + u32::from(request.max_data);
                assert!(end <= SIZE, "request beyond the end of the file");
                // A check asks for the header or the last block, which may be erased in part by a restart.
                let is_check = self.has(request.offset as usize);
                self.checks.set(self.checks.get() + u32::from(is_check));
                assert_eq!(request.node.is_some(), request.id.image_type > ImageType::LAST_MANUFACTURER);
            }
            ToServer::QueryNextImage(request) => request.check().unwrap(),
            ToServer::QuerySpecificFile(request) => request.check().unwrap(),
            ToServer::UpgradeEnd(request) => request.check().unwrap(),
            ToServer::ImagePage(request) => {
                request.check().unwrap();
                assert!(request.offset + u32::from(request.page_size) <= SIZE, "a page beyond the file");
                assert!(!self.has(request.offset as usize), "it asks for what it has");
            }
            _ => unreachable!("a command that no client sends: {request:?}"),
        }
    }
}

fn id_bytes(id: ImageId) -> Vec<u8> {
    let ImageId { manufacturer, image_type, version } = id;
    [&manufacturer.0.to_le_bytes()[..], &image_type.0.to_le_bytes(), &version.0.to_le_bytes()].concat()
}

fn offer(sequence: u8, command: u8, id: ImageId) -> Vec<u8> {
    [&[0x19, sequence, command, 0][..], &id_bytes(id), &SIZE.to_le_bytes()].concat()
}

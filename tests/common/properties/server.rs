//! Properties of the server under any inputs: frames from any address, delivery reports, pauses, and any results of
//! store and policy. The bytes of a seed encode every step.

use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};

use zigbee_ota::aps::{Address, DeliveryMode, DeliveryReport, FrameMeta, Transmit, TransmitToken};
use zigbee_ota::file::FileHeader;
use zigbee_ota::server::{
    Deferred, FileLookup, ImageInfo, ImageStore, NotReady, PaceDecision, QueryDecision, ReadResult, Server,
    ServerAction, ServerConfig, ServerPolicy, Session, SessionSlots, UpgradeDecision,
};
use zigbee_ota::time::{Instant, Millis, UtcTime};
use zigbee_ota::zcl::{
    Frame, ImageBlockRequest, ImageBlockResponse, ImageNotify, ImagePageRequest, LONGEST_TO_CLIENT, Message,
    QueryNextImageRequest, QuerySpecificFileRequest, Quirks, Refusal, Status, ToClient, ToServer,
    UpgradeEndRequest,
};
use zigbee_ota::{
    Encode, Eui64, FileVersion, HardwareRange, HardwareVersion, ImageFilter, ImageId, ImageType,
    ManufacturerCode, StackVersion,
};

/// Choices of a run; zeros when the seed is used up.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    fn u16(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte()])
    }

    fn bit(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    fn address(&mut self) -> Address {
        Address::new(u16::from(self.byte() % 7), self.byte() % 2)
    }

    /// Returns one of few images, so that requests match often.
    fn id(&mut self) -> ImageId {
        let [manufacturer, image_type] = [[0x1001, 0x115f, 0x1135, 0x1021], [0, 1, 0xffc1, 0xffff]]
            .map(|of: [u16; 4]| of[usize::from(self.byte() % 4)]);
        let version = if self.byte() == 255 { u32::MAX } else { u32::from(self.byte() % 4) };
        ImageId::new(manufacturer, image_type, version)
    }

    fn node(&mut self) -> Option<Eui64> {
        self.bit().then(|| Eui64(u64::from(self.byte() % 2)))
    }

    /// Returns an offset, mostly within a file of up to 64 KB.
    fn offset(&mut self) -> u32 {
        if self.byte() < 240 { u32::from(self.u16()) } else { self.u32() }
    }

    fn frame(&mut self) -> Vec<u8> {
        let sequence = self.byte();
        let request = match self.byte() % 8 {
            0 => ToServer::QueryNextImage(QueryNextImageRequest::new(self.id())),
            1 | 2 => ToServer::ImageBlock({
                let mut request = ImageBlockRequest::new(self.id(), self.offset(), self.byte());
                request.node = self.node();
                request.min_block_period = self.bit().then(|| self.u16());
                request
            }),
            3 | 4 => ToServer::ImagePage({
                let mut request = ImagePageRequest::new(
                    self.id(),
                    self.offset(),
                    self.byte(),
                    self.u16() % 2048,
                    self.u16() % 512,
                );
                request.node = self.node();
                request
            }),
            5 => ToServer::UpgradeEnd(UpgradeEndRequest { status: Status(self.byte()), id: self.id() }),
            6 => ToServer::QuerySpecificFile(QuerySpecificFileRequest {
                node: Eui64(u64::from(self.byte() % 2)),
                id: self.id(),
                stack: StackVersion(self.u16()),
            }),
            // Any bytes at all, including Default Responses.
            _ => {
                let mut bytes: Vec<u8> = (0..self.byte() % 32).map(|_| self.byte()).collect();
                if self.bit() {
                    bytes.splice(0..bytes.len().min(3), [0x10 * (sequence & 1), sequence, 0x0b]);
                }
                return bytes;
            }
        };
        let frame = Frame::to_server(sequence, request);
        let mut bytes = vec![0; frame.encoded_len()];
        frame.encode(&mut bytes).expect("measured");
        bytes.truncate(bytes.len().saturating_sub(usize::from(self.byte().saturating_sub(250))));
        bytes
    }
}

/// Returns a byte of a file by offset and version, so that wrong data is detected.
fn content(id: ImageId, at: u32) -> u8 {
    let [a, b, ..] = at.wrapping_mul(0x9e37_79b1).to_le_bytes();
    let [version, ..] = id.version.0.to_le_bytes();
    a ^ b ^ version
}

fn size(id: ImageId) -> u32 {
    [57, 1000, 40_000, 65_535][usize::try_from(id.version.0 % 4).unwrap_or(0)]
}

/// Store that usually has the requested image.
struct UnreliableStore<'a, 'b>(&'b mut Choices<'a>);

impl ImageStore for UnreliableStore<'_, '_> {
    fn find(
        &mut self,
        manufacturer: ManufacturerCode,
        image_type: ImageType,
        fits: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo> {
        let version = FileVersion(u32::from(self.0.byte() % 5));
        let id = ImageId { manufacturer, image_type, version };
        let node = self.0.node();
        let mut info = *self.info(id, node, None, None).found()?;
        if self.0.bit() {
            // Two files of one image for disjoint hardware.
            let range = |min, max| HardwareRange { min: HardwareVersion(min), max: HardwareVersion(max) };
            info.hardware = Some(range(0, 3));
            let mut other = info;
            other.hardware = Some(range(4, 7));
            fits(&other);
        }
        Some(info).filter(|info| fits(info))
    }

    fn info(
        &mut self,
        id: ImageId,
        node: Option<Eui64>,
        _: Option<HardwareVersion>,
        _: Option<Address>,
    ) -> FileLookup {
        let destination = if self.0.byte() < 64 { node } else { None };
        let mut header = FileHeader::new(id).with_total_size(size(id));
        header.destination = destination;
        match self.0.byte() {
            0..=239 => FileLookup::Found(ImageInfo::new(&header)),
            240..=247 => FileLookup::Ambiguous,
            _ => FileLookup::NotFound,
        }
    }

    fn read(&mut self, image: &ImageInfo, offset: u32, _: Option<Address>, out: &mut [u8]) -> ReadResult {
        let len = u32::try_from(out.len()).expect("a block");
        assert!((1..=255).contains(&len));
        assert!(offset.checked_add(len).is_some_and(|end| end <= image.size), "past the end");
        for (at, byte) in (offset..).zip(out.iter_mut()) {
            *byte = content(image.id, at);
        }
        match self.0.byte() {
            0..=230 => ReadResult::Filled(out.len()),
            231..=235 => ReadResult::Filled(usize::from(self.0.byte())),
            236..=243 => ReadResult::Later,
            244..=250 => ReadResult::Wait { seconds: self.0.u32() },
            _ => ReadResult::Gone,
        }
    }
}

/// Policy with any decisions, which knows IEEE addresses only if devices change their addresses.
struct UnpredictablePolicy<'a, 'b>(&'b mut Choices<'a>, bool);

impl ServerPolicy for UnpredictablePolicy<'_, '_> {
    fn offer(&mut self, _: Address, _: &QueryNextImageRequest, _: Option<&ImageInfo>) -> QueryDecision {
        if self.0.byte() < 250 { QueryDecision::Offer } else { QueryDecision::NotAuthorized }
    }

    fn pace(&mut self, _: Address, _: &ImageBlockRequest, _: Option<&Session>) -> PaceDecision {
        match self.0.byte() {
            0..=200 => PaceDecision::Send,
            201..=230 => PaceDecision::SendAtMost(NonZeroU8::MIN.saturating_add(self.0.byte())),
            231..=250 => PaceDecision::Wait { seconds: self.0.u32() },
            _ => PaceDecision::Abort,
        }
    }

    fn is_authorized(&mut self, _: Address, _: ImageId, _: Option<&ImageInfo>) -> bool {
        self.0.byte() < 250
    }

    fn ieee(&mut self, _: Address) -> Option<Eui64> {
        self.0.node().filter(|_| self.1)
    }

    fn hardware(&mut self, _: Address, _: ImageId) -> Option<HardwareVersion> {
        self.0.bit().then(|| HardwareVersion(u16::from(self.0.byte() % 9)))
    }

    fn upgrade(&mut self, _: Address, _: ImageId) -> UpgradeDecision {
        match self.0.byte() % 6 {
            0 => UpgradeDecision::Now,
            1 => UpgradeDecision::AfterSeconds(self.0.u32()),
            2 => UpgradeDecision::At(UtcTime(self.0.u32())),
            3 => UpgradeDecision::Hold,
            4 => UpgradeDecision::Acknowledge,
            _ => UpgradeDecision::Refuse(Refusal::ABORT),
        }
    }
}

/// Expectations of a client.
struct Asked {
    /// Maximum data size of its last request.
    most: u8,
    /// End offset of its last page.
    page_end: u64,
}

/// Server with its expected behaviour.
struct Run<S> {
    server: Server<S>,
    now: Instant,
    out: [u8; LONGEST_TO_CLIENT],
    asked: std::collections::BTreeMap<Address, Asked>,
    parked: Vec<(Deferred, u8)>,
    sent: Vec<TransmitToken>,
    /// Whether devices change their addresses, so that a page may go to another address than its request came from.
    is_moving: bool,
}

impl<S: SessionSlots> Run<S> {
    /// Checks a transmission of the server: receiver, length and data.
    fn look(&mut self, transmit: Transmit, most: Option<u8>) {
        assert!(transmit.len <= LONGEST_TO_CLIENT && transmit.len > 0);
        let frame =
            Frame::decode(&self.out[..transmit.len], Quirks::empty()).expect("a frame that can be read");
        let Message::ToClient(ToClient::ImageBlock(response)) = frame.message else { return };
        assert_eq!(transmit.delivery, DeliveryMode::Unicast, "data for more than one");
        match response {
            ImageBlockResponse::Data(block) => {
                let data = block.data.get();
                assert!(!data.is_empty());
                let asked: Vec<&Asked> = match self.is_moving {
                    true => self.asked.values().collect(),
                    false => self.asked.get(&transmit.to).into_iter().collect(),
                };
                let most = most.or_else(|| asked.iter().map(|asked| asked.most).max());
                assert!(most.is_some_and(|most| data.len() <= usize::from(most)), "more than was asked for");
                let end = u64::from(block.offset) + u64::try_from(data.len()).expect("a block");
                assert!(end <= u64::from(size(block.id)), "past the end of the file");
                for (at, byte) in (block.offset..).zip(data) {
                    assert_eq!(*byte, content(block.id, at), "other data");
                }
                if !transmit.aps_ack {
                    let page_end = asked.iter().map(|asked| asked.page_end).max().unwrap_or(0);
                    assert!(end <= page_end, "beyond the page");
                }
            }
            ImageBlockResponse::Wait(wait) => assert_ne!(wait.time.then, u32::MAX, "waits for ever"),
            _ => {}
        }
        self.sent.push(transmit.token);
    }

    fn receive(&mut self, choices: &mut Choices<'_>) {
        let bytes = choices.frame();
        let delivery = match choices.byte() {
            0..=239 => DeliveryMode::Unicast,
            240..=247 => DeliveryMode::Multicast,
            _ => DeliveryMode::Broadcast,
        };
        let from = choices.address();
        let aps_security = choices.bit();
        let meta = FrameMeta::new(from, delivery)
            .with_aps_security(aps_security)
            .with_relays(choices.byte())
            .with_ieee(choices.node().filter(|_| self.is_moving));
        let read = Frame::decode(&bytes, Quirks::all()).map(|frame| frame.message);
        let most = match read {
            Ok(Message::ToServer(ToServer::ImageBlock(request))) => Some(request.max_data),
            Ok(Message::ToServer(ToServer::ImagePage(request))) => Some(request.max_data),
            _ => None,
        };
        if let (Ok(Message::ToServer(ToServer::ImagePage(request))), DeliveryMode::Unicast) = (read, delivery)
        {
            let page_end = u64::from(request.offset) + u64::from(request.page_size);
            // A deferred earlier page may still be served, so the larger of both bounds applies.
            let asked = self.asked.entry(from).or_insert(Asked { most: 0, page_end: 0 });
            asked.page_end = asked.page_end.max(page_end);
            asked.most = asked.most.max(request.max_data);
        }
        if let (Ok(Message::ToServer(ToServer::ImageBlock(request))), DeliveryMode::Unicast) =
            (read, delivery)
        {
            // The answer may be held, and come without a request.
            let asked = self.asked.entry(from).or_insert(Asked { most: 0, page_end: 0 });
            asked.most = asked.most.max(request.max_data);
        }
        let (seed, rest) = choices.0.split_at(choices.0.len() / 2);
        let [mut images, mut policy] = [Choices(seed), Choices(rest)];
        let handled = self.server.handle_frame(
            self.now,
            meta,
            &bytes,
            &mut UnreliableStore(&mut images),
            &mut UnpredictablePolicy(&mut policy, self.is_moving),
            &mut self.out,
        );
        match handled {
            ServerAction::Reply(transmit) => {
                assert_eq!(delivery, DeliveryMode::Unicast, "an answer to a broadcast");
                assert!(!matches!(read, Ok(Message::DefaultResponse(..))), "an answer to a Default Response");
                assert_eq!((transmit.to, transmit.aps_security), (from, aps_security));
                let sequence = self.out[1];
                assert_eq!(Some(&sequence), bytes.get(1), "another sequence number");
                self.look(transmit, most);
            }
            ServerAction::Deferred(parked) => {
                assert_eq!(delivery, DeliveryMode::Unicast);
                self.parked.push((parked, most.expect("a request for data")));
            }
            ServerAction::Done | ServerAction::Ignored(_) => {}
        }
    }

    fn answer(&mut self, choices: &mut Choices<'_>) {
        let Some((parked, most)) = self.parked.pop() else { return };
        let end = parked.offset() + u32::from(parked.max_len());
        assert!(end <= parked.image().size);
        let data: Vec<u8> = (parked.offset()..end).map(|at| content(parked.image().id, at)).collect();
        let data = match choices.byte() {
            0..=200 => Ok(&data[..]),
            201..=220 => Ok(&data[..usize::from(choices.byte()).min(data.len())]),
            221..=240 => Err(NotReady::Wait { seconds: choices.u32() }),
            _ => Err(NotReady::Gone),
        };
        let transmit = self.server.answer(self.now, parked, data, &mut self.out);
        assert_eq!(transmit.to, parked.client());
        self.look(transmit, Some(most));
    }

    /// Runs the loop of a caller until nothing is due.
    fn drain(&mut self, choices: &mut Choices<'_>) {
        // Upper bound: pages of 2,047 single bytes without spacing, for five clients.
        for _ in 0..20_000 {
            let next = self.server.poll_transmit(self.now, &mut UnreliableStore(choices), &mut self.out);
            let silent = next.is_none();
            if let Some(transmit) = next {
                self.look(transmit, None);
            }
            self.server.handle_timeout(self.now);
            while self.server.poll_event().is_some() {}
            assert_eq!(self.server.lost_events(), 0, "one call made more events than the queue holds");
            if silent && self.server.poll_timeout().is_none_or(|next| next > self.now) {
                return;
            }
        }
        panic!("the server never gets idle");
    }
}

/// Runs the steps that `seed` encodes.
pub fn any_steps(seed: &[u8]) {
    let mut choices = Choices(seed);
    let mut config = ServerConfig::default();
    config.max_unfragmented_frame = NonZeroU8::new(choices.byte());
    config.wait_seconds = u32::from(choices.byte());
    let downloads = choices.byte();
    config.max_downloads = u16::from(downloads);
    config.background_from = NonZeroU16::new(u16::from(downloads % 4));
    config.min_block_period = Millis(u32::from(choices.byte()));
    config.max_bytes_per_second = NonZeroU32::new(u32::from(choices.u16()));
    config.max_pages = u16::from(choices.byte() % 8);
    config.query_specific_file = choices.bit();
    config.stall_timeout = Millis(u32::from(choices.u16()));
    config.verify_timeout = Millis(u32::from(choices.u16()));
    config.strict = choices.bit();
    let slots = usize::from(choices.byte() % 6);
    let mut run = Run {
        server: Server::new(config, vec![Session::EMPTY; slots]),
        now: Instant::ZERO,
        out: [0; LONGEST_TO_CLIENT],
        asked: std::collections::BTreeMap::new(),
        parked: vec![],
        sent: vec![],
        is_moving: choices.bit(),
    };
    // The length of a run is bounded by its seed.
    while !choices.0.is_empty() {
        match choices.byte() % 8 {
            0..=3 => run.receive(&mut choices),
            4 => run.answer(&mut choices),
            5 => {
                let report =
                    if choices.bit() { DeliveryReport::Failed } else { DeliveryReport::Acknowledged };
                let token = run.sent.pop().unwrap_or(TransmitToken::NONE);
                run.server.handle_delivery(run.now, token, report);
            }
            6 => {
                let pause = if choices.byte() < 200 { u32::from(choices.byte()) } else { choices.u32() };
                run.now = run.now.plus(Millis(pause));
            }
            _ => {
                let to = choices.address();
                let delivery = if choices.bit() { DeliveryMode::Unicast } else { DeliveryMode::Broadcast };
                let transmit = match choices.byte() % 9 {
                    0 => run.server.notify(to, delivery, ImageNotify::UNICAST, &mut run.out).ok(),
                    1 => Some(run.server.release(
                        run.now,
                        to,
                        delivery,
                        ImageFilter::ALL,
                        choices.u32(),
                        &mut run.out,
                    )),
                    2 => Some(run.server.hold(run.now, to, delivery, ImageFilter::ALL, &mut run.out)),
                    3 => run.server.abort_page(run.now, to, &mut run.out),
                    4 => {
                        assert!(run.server.cancel(to, ImageFilter::ALL) <= 6);
                        assert_eq!(run.server.cancel(to, ImageFilter::ALL), 0);
                        None
                    }
                    5 => {
                        run.server.forget(to.network);
                        assert!(run.server.sessions().all(|session| session.client().network != to.network));
                        None
                    }
                    6 if run.is_moving => {
                        let new = choices.address().network;
                        let known =
                            run.server.sessions().any(|session| session.client().network == to.network);
                        assert_eq!(run.server.moved(to.network, new), known);
                        None
                    }
                    6 | 7 => {
                        run.server.reset_repeats(to.network);
                        None
                    }
                    _ => {
                        run.server.set_utc(run.now, choices.bit().then(|| UtcTime(choices.u32())));
                        None
                    }
                };
                if let Some(transmit) = transmit {
                    run.look(transmit, None);
                }
            }
        }
        run.drain(&mut choices);
        assert!(run.server.sessions().count() <= slots);
        if let Some(session) = run.server.sessions().find(|session| session.has_page()) {
            assert!(run.server.poll_timeout().is_some(), "{session:?} is forgotten");
        }
    }
}

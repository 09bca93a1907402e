//! Comparison of the fast path of `Server::handle_frame` with the general path, in random scripts of block requests.

use core::num::{NonZeroU16, NonZeroU32};

use super::*;
use crate::aps::DeliveryReport;
use crate::time::Millis;
use crate::zcl::ToServer;

/// Store that answers reads with every variant of [`ReadResult`].
#[derive(Clone)]
struct Varied {
    file: SliceStore<'static>,
    reads: u32,
}

impl ImageStore for Varied {
    fn find(
        &mut self,
        manufacturer: ManufacturerCode,
        image_type: ImageType,
        is_eligible: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo> {
        self.file.find(manufacturer, image_type, is_eligible)
    }

    fn info(
        &mut self,
        id: ImageId,
        node: Option<Eui64>,
        hardware: Option<HardwareVersion>,
        client: Option<Address>,
    ) -> FileLookup {
        self.file.info(id, node, hardware, client)
    }

    fn read(
        &mut self,
        image: &ImageInfo,
        offset: u32,
        client: Option<Address>,
        out: &mut [u8],
    ) -> ReadResult {
        self.reads += 1;
        match self.reads % 23 {
            0 => ReadResult::Later,
            5 => ReadResult::Wait { seconds: 2 },
            11 => ReadResult::Gone,
            17 => ReadResult::Filled(0),
            _ => self.file.read(image, offset, client, out),
        }
    }
}

/// Returns the next pseudo-random number, below `end`.
fn next(state: &mut u32, end: u32) -> u32 {
    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    (*state >> 8) % end
}

/// Returns settings with limits that some of the random requests reach.
fn random_config(state: &mut u32) -> ServerConfig {
    ServerConfig {
        background_from: [None, NonZeroU16::new(1), NonZeroU16::new(3)][next(state, 3) as usize],
        max_bytes_per_second: [None, NonZeroU32::new(2_000)][next(state, 2) as usize],
        min_block_period: Millis([0, 0, 400, 3_000][next(state, 4) as usize]),
        max_unfragmented_frame: [None, NonZeroU8::new(70)][next(state, 2) as usize],
        max_downloads: [2, u16::MAX][next(state, 2) as usize],
        query_specific_file: next(state, 2) > 0,
        ..ServerConfig::default()
    }
}

/// Returns an Image Block Request with or without an IEEE address and a MinimumBlockPeriod, in most cases for the block
/// at `offset`.
fn random_request(state: &mut u32, offset: u32) -> ImageBlockRequest {
    // The first manufacturer code has a row in the table of device overrides.
    let manufacturer = [0x1021, 0x1001, 0x1001, 0x1001][next(state, 4) as usize];
    let image_type = [0x00ab, 0x00ab, 0xffc1, 0x0777][next(state, 4) as usize];
    let offset = [offset, offset, offset, 0, next(state, 1_200)][next(state, 5) as usize];
    let max_data = [0, 50, 64, 64, 64, 64, 255, 255][next(state, 8) as usize];
    let mut request = ImageBlockRequest::new(ImageId::new(manufacturer, image_type, 5), offset, max_data);
    request.node = [None, None, None, Some(OWNER)][next(state, 4) as usize];
    request.min_block_period = [None, Some(400)][next(state, 2) as usize];
    request
}

#[test]
fn the_fast_path_handles_block_requests_like_the_general_path() {
    let of = |manufacturer, image_type, destination| {
        let id = ImageId::new(manufacturer, image_type, 5);
        file(FileHeader { destination, ..FileHeader::new(id) }, 1_000)
    };
    let files = vec![of(0x1021, 0xab, None), of(0x1001, 0xab, None), of(0x1001, 0xffc1, Some(OWNER))];
    let store = Varied { file: catalog(files), reads: 0 };
    let (mut blocks, mut others) = (0, 0);
    for seed in 0..60 {
        let mut state = seed;
        let (config, slots) = (random_config(&mut state), [0, 1, 2, 8][next(&mut state, 4) as usize]);
        let ieee = if next(&mut state, 2) > 0 { Some(OWNER) } else { None };
        let policy = || Script { ieee, ..Script::default() };
        let mut fast = Desk::configured(config, slots, store.clone(), policy());
        let mut general = Desk::configured(config, slots, store.clone(), policy());
        let (mut offsets, mut tokens) = ([0; 4], vec![]);
        for step in 0..400 {
            let client = next(&mut state, 4);
            let offset = &mut offsets[client as usize];
            let request = random_request(&mut state, *offset);
            let meta =
                FrameMeta::unicast(Address::new(client as u16, 1)).with_relays(next(&mut state, 3) as u8);
            let mut frame = [0; 64];
            let message = Frame::to_server(step as u8, ToServer::ImageBlock(request));
            let len = message.encode(&mut frame).unwrap();

            fast.now += [0, 20, 300, 20_000][next(&mut state, 4) as usize];
            general.now = fast.now;
            let now = fast.now();
            let handled = fast.handle_as(meta, &frame[..len]);
            let Desk { server, images, policy, out, .. } = &mut general;
            server.blocks_left_in_turn = MAX_BLOCKS_PER_TURN;
            let expected = server.handle_any_frame(now, meta, &frame[..len], images, policy, out);

            assert_eq!(handled, expected, "seed {seed}, step {step}: {request}");
            if let ServerAction::Reply(transmit) = handled {
                assert_eq!(fast.out[..transmit.len], general.out[..transmit.len], "seed {seed}, step {step}");
                if fast.out[2..4] == [5, 0] {
                    *offset = (request.offset + u32::from(fast.out[16])) % 1_000;
                    tokens.push(transmit.token);
                }
            }
            match handled {
                ServerAction::Reply(transmit) if transmit.len > 17 => blocks += 1,
                _ => others += 1,
            }
            let report = [DeliveryReport::Acknowledged, DeliveryReport::Failed][next(&mut state, 2) as usize];
            let reported = tokens.pop().filter(|_| next(&mut state, 2) > 0);
            let is_polled = next(&mut state, 3) == 0;
            let after = |desk: &mut Desk<Varied, Script>| {
                reported.inspect(|token| desk.server.handle_delivery(now, *token, report));
                desk.server.handle_timeout(now);
                let sent = if is_polled { desk.poll() } else { None };
                let events: Vec<_> = core::iter::from_fn(|| desk.server.poll_event()).collect();
                let sessions: Vec<_> = desk.server.sessions().copied().collect();
                std::format!("{sent:?} {events:?} {:?} {sessions:?}", desk.server.poll_timeout())
            };
            assert_eq!(after(&mut fast), after(&mut general), "seed {seed}, step {step}: {request}");
        }
    }
    assert!(blocks > 3_000 && others > 3_000, "{blocks} blocks, {others} other results");
}

//! Tests of the timeouts of pages with servers that choose the spacing of their blocks themselves, serve requests from
//! a queue, or send blocks out of order.

use super::*;
use crate::client::random::Random;

/// Behaviour of a server that sends pages.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Serving {
    /// The server sends one block per `interval` ms, regardless of the requested spacing, and drops requests that
    /// arrive during a page, like zigbee-herdsman.
    Dropping { interval: u64 },
    /// The server serves requests in the order of their arrival, and takes `interval` ms for each block.
    Queueing { interval: u64 },
    /// The server sends a page in parallel to answers to block requests, and a new page request stops the page.
    Parallel,
}

/// Simulation of one download by pages: server, link and file.
struct World {
    script: Script,
    file: Vec<u8>,
    serving: Serving,
    /// Longest random delay of a frame to the client in ms.
    jitter: u32,
    random: Random,
    /// Frames on their way from the server to the client; each entry holds the time of arrival, the number of the page,
    /// and the frame.
    under_way: Vec<(u64, u32, Vec<u8>)>,
    /// Time at which the server will have sent all blocks that the client has requested.
    busy_until: u64,
    pages: u32,
    blocks: u32,
    received: u32,
}

impl World {
    fn new(size: usize, transfer: TransferMode, serving: Serving, jitter: u32, seed: u64) -> Self {
        let mut script = Script::querying(config().with_transfer(transfer));
        script.receive_frame(FrameMeta::unicast(SERVER), &offer(0, 0x02, OFFERED, size as u32));
        script.accept().prepare();
        let (file, random) = (long_file(size), Random::new(seed));
        let under_way = Vec::new();
        Self {
            script,
            file,
            serving,
            jitter,
            random,
            under_way,
            busy_until: 0,
            pages: 0,
            blocks: 0,
            received: 0,
        }
    }

    fn send(&mut self, at: u64, sequence: u8, offset: usize, len: usize) {
        let frame = block(sequence, OFFERED, offset as u32, &self.file[offset..offset + len]);
        let delay = u64::from(self.random.up_to(Millis(self.jitter)).0);
        // The round trip of a frame without jitter is 20 ms.
        self.under_way.push((at + 20 + delay, self.pages, frame));
    }

    fn serve(&mut self, bytes: &[u8]) {
        let now = self.script.now.as_millis() + u64::from(self.random.up_to(Millis(self.jitter)).0);
        let Message::ToServer(message) = decode(bytes).message else { return };
        let is_busy = self.busy_until > now;
        match message {
            ToServer::ImageBlock(request) => {
                self.blocks += 1;
                let at = match self.serving {
                    Serving::Dropping { .. } if is_busy => return,
                    Serving::Queueing { interval } => {
                        self.busy_until = self.busy_until.max(now) + interval;
                        self.busy_until
                    }
                    _ => now,
                };
                self.send(at, bytes[1], request.offset as usize, request.max_data.into());
            }
            ToServer::ImagePage(request) => {
                if let (Serving::Dropping { .. }, true) = (self.serving, is_busy) {
                    self.pages += 1;
                    return;
                }
                if self.serving == Serving::Parallel {
                    // The former page stops: what it has not sent yet is dropped.
                    let page = self.pages;
                    self.under_way
                        .retain(|(at, of, _)| *of != page || *at <= now + 20 + u64::from(self.jitter));
                }
                self.pages += 1;
                let interval = match self.serving {
                    Serving::Dropping { interval } | Serving::Queueing { interval } => interval,
                    Serving::Parallel => request.spacing.into(),
                };
                let mut at = match self.serving {
                    Serving::Queueing { .. } => self.busy_until.max(now),
                    _ => now,
                };
                let end = request.offset as usize + usize::from(request.page_size);
                let mut start = request.offset as usize;
                while start < end {
                    let len = usize::from(request.max_data).min(end - start);
                    // The first block is sent at once.
                    self.send(at, bytes[1], start, len);
                    self.busy_until = at;
                    at += interval;
                    start += len;
                }
                if let Serving::Queueing { .. } = self.serving {
                    self.busy_until = at;
                }
            }
            _ => {}
        }
    }

    /// Runs the download until the file is complete; returns the numbers of page requests, of block requests and of
    /// received blocks.
    fn run(mut self) -> (u32, u32, u32) {
        loop {
            if let Some(Need::Verify(..)) = self.script.client.poll_need() {
                return (self.pages, self.blocks, self.received);
            }
            while let Some((_, bytes)) = self.script.transmit() {
                self.serve(&bytes);
            }
            self.script.events();
            let due = self.script.client.poll_timeout().map(Instant::as_millis);
            let arrival = self.under_way.iter().map(|(at, ..)| *at).min();
            let now = self.script.now.as_millis();
            let next = [due, arrival].into_iter().flatten().min().expect("something is due").max(now);
            assert!(next < 24 * 60 * 60 * 1000, "the download does not end: {:?}", self.serving);
            self.script.now = at(next);
            while let Some(place) = self.under_way.iter().position(|(at, ..)| *at <= next) {
                let (_, _, frame) = self.under_way.remove(place);
                self.received += 1;
                self.script.receive_frame(FrameMeta::unicast(SERVER), &frame);
            }
            self.script.client.handle_timeout(self.script.now);
        }
    }
}

fn pages(size: u16, spacing: u16) -> TransferMode {
    TransferMode::Pages { size: size.try_into().unwrap(), spacing }
}

/// Shows: FLD-016
#[test]
fn a_server_that_paces_its_blocks_gets_few_more_page_requests_than_needed() {
    for interval in [100, 250, 600, 2000] {
        for (size, page) in [(6 * 1024, 1024), (20_000, 2048), (24_000, 4096)] {
            for serving in [Serving::Dropping { interval }, Serving::Queueing { interval }] {
                let (requests, blocks, received) = World::new(size, pages(page, 0), serving, 0, 1).run();
                let needed = size.div_ceil(page.into()) as u32;
                let most = needed * 13 / 10;
                assert!(
                    requests <= most.max(needed + 1),
                    "{serving:?}: {requests} page requests for {needed}"
                );
                assert!(blocks <= 2, "{serving:?}: {blocks} block requests");
                assert!(received <= size.div_ceil(64) as u32 * 12 / 10, "{serving:?}: {received} blocks");
            }
        }
    }
}

/// Shows: FLD-016
#[test]
fn blocks_that_overtake_each_other_are_not_asked_for_again() {
    for (page, spacing) in [(256, 20), (512, 20), (1024, 10), (1024, 20), (4096, 10), (4096, 20)] {
        let interval = u64::from(spacing);
        for serving in [Serving::Parallel, Serving::Dropping { interval }, Serving::Queueing { interval }] {
            let (mut sent, mut wanted) = (0, 0);
            for (size, seed) in
                [10_240, 64_000].into_iter().flat_map(|size| (0..8).map(move |seed| (size, seed)))
            {
                let jitter = 2 * u32::from(spacing);
                let world = World::new(size, pages(page, spacing), serving, jitter, seed);
                let (requests, blocks, received) = world.run();
                let frames = requests + blocks + received;
                let needed = size.div_ceil(64) as u32 + size.div_ceil(page.into()) as u32;
                assert!(
                    frames * 10 <= needed * 12,
                    "{serving:?}, {size} bytes, page {page}, seed {seed}: {frames} of {needed}"
                );
                (sent, wanted) = (sent + frames, wanted + needed);
            }
            assert!(sent * 100 <= wanted * 102, "{serving:?}, page {page}: {sent} frames for {wanted}");
        }
    }
}

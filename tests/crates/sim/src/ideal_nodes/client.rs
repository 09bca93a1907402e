//! Ideal client: requests missing blocks with perfect knowledge of the file size.

use super::{Download, IdealNetwork, Message, Recovery, Scheme, Wake};
use crate::Micros;

/// Minimum margin of a timeout above the mean round trip.
const LEAST_MARGIN: Micros = 5_000;

/// Initial timeout, before any measurement.
const FIRST_TIMEOUT: Micros = 3_000_000;

/// Factor between the timeout of a gap and the timeout of a whole page.
const PATIENCE: Micros = 4;

pub(super) struct Client {
    download: Download,
    here: Vec<bool>,
    /// Blocks to request one by one. Blocks that were never requested come first.
    next: u32,
    /// Requests in flight.
    asked: Vec<Requested>,
    /// Blocks being stored, and the time at which the last of them is done.
    storing: u32,
    store_free: Micros,
    /// Number of blocks not stored yet.
    left: u32,
    page: Option<Page>,
    /// Missing blocks of the last page, to be requested one by one, in descending order.
    missing: Vec<u32>,
    round_trip: Timer,
    gap: Timer,
    requests: u32,
    pub(super) repeats: u32,
    pub(super) finished: Micros,
}

/// Block request in flight.
struct Requested {
    block: u32,
    /// Sequence number and send time of each attempt.
    tries: Vec<(u32, Micros)>,
    overdue: Micros,
}

/// Page request in flight.
struct Page {
    end: u32,
    sent: Micros,
    last: Option<Micros>,
    overdue: Micros,
}

/// Round-trip estimator after RFC 6298.
#[derive(Default)]
struct Timer {
    mean: f64,
    deviation: f64,
}

impl Timer {
    fn measure(&mut self, sample: Micros) {
        let sample = sample as f64;
        if self.mean == 0.0 {
            (self.mean, self.deviation) = (sample, sample / 2.0);
        } else {
            self.deviation += ((sample - self.mean).abs() - self.deviation) / 4.0;
            self.mean += (sample - self.mean) / 8.0;
        }
    }

    fn timeout(&self) -> Micros {
        if self.mean == 0.0 {
            return FIRST_TIMEOUT;
        }
        (self.mean + (4.0 * self.deviation).max(LEAST_MARGIN as f64)) as Micros
    }
}

impl Client {
    pub(super) fn new(download: Download) -> Self {
        Self {
            download,
            here: vec![false; download.blocks as usize],
            next: 0,
            asked: Vec::new(),
            storing: 0,
            store_free: 0,
            left: download.blocks,
            page: None,
            missing: Vec::new(),
            round_trip: Timer::default(),
            gap: Timer::default(),
            requests: 0,
            repeats: 0,
            finished: 0,
        }
    }

    pub(super) fn left(&self) -> u32 {
        self.left
    }

    fn request(&mut self, now: Micros, block: u32, count: u32, network: &mut IdealNetwork) -> u32 {
        self.requests += 1;
        network.send(now, 1, Message { block, count, request: self.requests });
        self.requests
    }

    /// Sends requests up to the window.
    pub(super) fn ask(&mut self, now: Micros, network: &mut IdealNetwork) {
        match self.download.scheme {
            Scheme::Blocks { window } => {
                while self.next < self.download.blocks && self.in_flight() < window {
                    self.ask_block(now, self.next, network);
                    self.next += 1;
                }
            }
            Scheme::Pages { size, .. } => {
                while self.asked.len() < self.download.recovery.at_once()
                    && let Some(block) = self.missing.pop()
                {
                    if !self.here[block as usize] {
                        self.repeats += 1;
                        self.ask_block(now, block, network);
                    }
                }
                let is_oracle = matches!(self.download.recovery, Recovery::Oracle { .. });
                if self.page.is_none()
                    && (is_oracle || self.in_flight() == 0)
                    && self.next < self.download.blocks
                {
                    let count = (size / u32::from(self.download.block)).min(self.download.blocks - self.next);
                    self.request(now, self.next, count, network);
                    self.next += count;
                    // The first block takes longer than its successors, by the processing time of the server.
                    let overdue = now + self.download.server_delay * 2 + 100_000;
                    self.page = Some(Page { end: self.next, sent: now, last: None, overdue });
                    network.queue.put(overdue, Wake::Overdue);
                }
            }
        }
    }

    /// Requests that count against the window. With a window of 1 the next request waits for storage; with more,
    /// storage overlaps with requests.
    fn in_flight(&self) -> u32 {
        let storing = match self.download.scheme {
            Scheme::Blocks { window: 2.. } => 0,
            _ => self.storing,
        };
        self.asked.len() as u32 + storing
    }

    fn ask_block(&mut self, now: Micros, block: u32, network: &mut IdealNetwork) {
        let request = self.request(now, block, 1, network);
        let overdue = now + self.round_trip.timeout();
        network.queue.put(overdue, Wake::Overdue);
        self.asked.push(Requested { block, tries: vec![(request, now)], overdue });
    }

    pub(super) fn take(&mut self, now: Micros, message: Message, network: &mut IdealNetwork) {
        let Message { block, request, .. } = message;
        if let Some(page) = &mut self.page {
            match page.last.replace(now) {
                Some(last) => self.gap.measure(now - last),
                None if self.download.recovery != Recovery::Patient => {
                    self.round_trip.measure(now - page.sent)
                }
                None => {}
            }
            page.overdue = now + PATIENCE * self.gap.timeout();
            network.queue.put(page.overdue, Wake::Overdue);
        }
        if let Some(place) = self.asked.iter().position(|asked| asked.block == block) {
            let asked = self.asked.swap_remove(place);
            if let Some((_, sent)) = asked.tries.iter().find(|(number, _)| *number == request) {
                self.round_trip.measure(now - sent);
            }
        }
        if !std::mem::replace(&mut self.here[block as usize], true) {
            self.storing += 1;
            self.store_free = self.store_free.max(now) + self.download.store;
            network.queue.put(self.store_free, Wake::Stored);
        }
        // Blocks of a page arrive in order, so blocks missing at the last one are lost.
        let patient = self.download.recovery == Recovery::Patient && self.not_here().next().is_some();
        if self.page.take_if(|page| block + 1 == page.end && !patient).is_some() {
            self.find_missing();
        }
        self.ask(now, network);
    }

    /// Ends the page, and schedules block requests for its missing blocks.
    fn find_missing(&mut self) {
        let is_known = |block: &u32| {
            self.missing.contains(block) || self.asked.iter().any(|asked| asked.block == *block)
        };
        let mut missing: Vec<u32> = self.not_here().filter(|block| !is_known(block)).collect();
        missing.append(&mut self.missing);
        self.missing = missing;
    }

    /// Returns the missing blocks of the last page in descending order.
    fn not_here(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.next).rev().take(64).filter(|block| !self.here[*block as usize])
    }

    pub(super) fn stored(&mut self, now: Micros, network: &mut IdealNetwork) {
        self.storing -= 1;
        self.left -= 1;
        self.ask(now, network);
    }

    /// Repeats what the lost frame asked for or brought. Only the oracle learns of losses.
    pub(super) fn lost(&mut self, now: Micros, message: Message, network: &mut IdealNetwork) {
        if message.count > 1 {
            self.repeats += 1;
            self.request(now, message.block, message.count, network);
        } else if let Some(place) = self.asked.iter().position(|asked| asked.block == message.block) {
            self.repeats += 1;
            let request = self.request(now, message.block, 1, network);
            self.asked[place].tries.push((request, now));
        } else if self.page.take_if(|page| message.block + 1 == page.end).is_some() {
            self.find_missing();
            self.ask(now, network);
        }
    }

    pub(super) fn overdue(&mut self, now: Micros, network: &mut IdealNetwork) {
        if matches!(self.download.recovery, Recovery::Oracle { .. }) {
            return;
        }
        if self.page.take_if(|page| page.overdue <= now).is_some() {
            self.find_missing();
            self.ask(now, network);
        }
        for place in 0..self.asked.len() {
            if self.asked[place].overdue > now {
                continue;
            }
            let block = self.asked[place].block;
            let request = self.request(now, block, 1, network);
            self.repeats += 1;
            let asked = &mut self.asked[place];
            let overdue = now + (self.round_trip.timeout() << asked.tries.len().min(6));
            asked.tries.push((request, now));
            asked.overdue = overdue;
            network.queue.put(overdue, Wake::Overdue);
        }
    }
}

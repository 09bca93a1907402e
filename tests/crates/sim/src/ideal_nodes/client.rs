//! A client that asks for what it does not have.

use super::{Download, Message, Recovery, Scheme, Wake, World};
use crate::Micros;

/// Never less than what it takes on the average and this.
const LEAST_MARGIN: Micros = 5_000;

/// Before anything was measured.
const FIRST_TIMEOUT: Micros = 3_000_000;

/// A page of which nothing comes for so many times the timeout of a gap is over.
const PATIENCE: Micros = 4;

pub(super) struct Client {
    download: Download,
    here: Vec<bool>,
    /// Blocks to ask for by block requests, the first ones never asked for.
    next: u32,
    /// What is under way.
    asked: Vec<Asked>,
    /// Blocks that are being stored, and when the last of them is.
    storing: u32,
    store_free: Micros,
    /// Blocks not stored.
    left: u32,
    page: Option<Page>,
    /// Blocks of the last page to ask for one by one, the first one last.
    missing: Vec<u32>,
    round_trip: Timer,
    gap: Timer,
    requests: u32,
    pub(super) repeats: u32,
    pub(super) finished: Micros,
}

/// A request for one block.
struct Asked {
    block: u32,
    /// Its number and when it was sent, of each try.
    tries: Vec<(u32, Micros)>,
    overdue: Micros,
}

/// A page under way.
struct Page {
    end: u32,
    sent: Micros,
    last: Option<Micros>,
    overdue: Micros,
}

/// How long something takes, and how much that varies (RFC 6298).
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

    fn request(&mut self, now: Micros, block: u32, count: u32, world: &mut World) -> u32 {
        self.requests += 1;
        world.send(now, 1, Message { block, count, request: self.requests });
        self.requests
    }

    /// Asks for as much as may be under way.
    pub(super) fn ask(&mut self, now: Micros, world: &mut World) {
        match self.download.scheme {
            Scheme::Blocks { window } => {
                while self.next < self.download.blocks && self.under_way() < window {
                    self.ask_block(now, self.next, world);
                    self.next += 1;
                }
            }
            Scheme::Pages { size, .. } => {
                while self.asked.len() < self.download.recovery.at_once()
                    && let Some(block) = self.missing.pop()
                {
                    if !self.here[block as usize] {
                        self.repeats += 1;
                        self.ask_block(now, block, world);
                    }
                }
                if self.page.is_none() && self.under_way() == 0 && self.next < self.download.blocks {
                    let count = (size / u32::from(self.download.block)).min(self.download.blocks - self.next);
                    self.request(now, self.next, count, world);
                    self.next += count;
                    // The first block takes longer than those after it, by what the server takes.
                    let overdue = now + self.download.server_delay * 2 + 100_000;
                    self.page = Some(Page { end: self.next, sent: now, last: None, overdue });
                    world.agenda.put(overdue, Wake::Overdue);
                }
            }
        }
    }

    /// A single request waits for storage; where there are more, storing goes on meanwhile.
    fn under_way(&self) -> u32 {
        let storing = match self.download.scheme {
            Scheme::Blocks { window: 2.. } => 0,
            _ => self.storing,
        };
        self.asked.len() as u32 + storing
    }

    fn ask_block(&mut self, now: Micros, block: u32, world: &mut World) {
        let request = self.request(now, block, 1, world);
        let overdue = now + self.round_trip.timeout();
        world.agenda.put(overdue, Wake::Overdue);
        self.asked.push(Asked { block, tries: vec![(request, now)], overdue });
    }

    pub(super) fn take(&mut self, now: Micros, message: Message, world: &mut World) {
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
            world.agenda.put(page.overdue, Wake::Overdue);
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
            world.agenda.put(self.store_free, Wake::Stored);
        }
        // Blocks of a page come in order: those that are missing when the last one is here will not come.
        let patient = self.download.recovery == Recovery::Patient && self.not_here().next().is_some();
        if self.page.take_if(|page| block + 1 == page.end && !patient).is_some() {
            self.find_missing();
        }
        self.ask(now, world);
    }

    /// A page is over: what of it is not here is asked for by block requests.
    fn find_missing(&mut self) {
        self.missing = self.not_here().collect();
    }

    /// Blocks of the last page that are not here, the last one first.
    fn not_here(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.next).rev().take(64).filter(|block| !self.here[*block as usize])
    }

    pub(super) fn stored(&mut self, now: Micros, world: &mut World) {
        self.storing -= 1;
        self.left -= 1;
        self.ask(now, world);
    }

    pub(super) fn overdue(&mut self, now: Micros, world: &mut World) {
        if self.page.take_if(|page| page.overdue <= now).is_some() {
            self.find_missing();
            self.ask(now, world);
        }
        for place in 0..self.asked.len() {
            if self.asked[place].overdue > now {
                continue;
            }
            let block = self.asked[place].block;
            let request = self.request(now, block, 1, world);
            self.repeats += 1;
            let asked = &mut self.asked[place];
            let overdue = now + (self.round_trip.timeout() << asked.tries.len().min(6));
            asked.tries.push((request, now));
            asked.overdue = overdue;
            world.agenda.put(overdue, Wake::Overdue);
        }
    }
}

//! The device: the client, what it keeps of a file, what it remembers, and the jobs that these have for flash.
//!
//! It does no I/O. What is to be done to flash comes out as [`Job`]s, to be done in their order by a driver that blocks
//! or one that does not; the device cannot tell which.
//!
//! ```text
//!   frames, time                 jobs: erase, write, read
//!   ------------->  Device  ------------------------------->  flash
//!                  (Client) <-------------------------------
//!                                     done
//! ```
//!
//! A host has memory to spare, so bytes are in a `Vec` here. On a microcontroller, an array as long as a block and a
//! word, and three jobs, are enough: one of the client's, as it asks for no block before the last one is stored, and the
//! two that save a record.

use std::collections::VecDeque;
use std::num::{NonZeroU8, NonZeroU32};
use std::ops::Range;

use zigbee_ota::ImageId;
use zigbee_ota::aps::{Address, FrameMeta};
use zigbee_ota::client::{
    ApplyResult, Block, Client, ClientAction, ClientConfig, ClientEvent, Identity, Need, Outcome,
    PrepareResult, RequestBuffer, StoreResult, Ticket, VerifyResult,
};
use zigbee_ota::time::Instant;
use zigbee_ota::zcl::{Frame, ImageOffer, LONGEST_ATTRIBUTES};

use crate::read_back_check::Check;
use crate::settings_store::{Journal, SETTINGS_SIZE, Settings, Upgrade};
use crate::slot_layout::{Keep, Kept};

/// Bytes that flash writes at once.
pub const WORD: usize = 4;
/// Bytes that it erases at once.
pub const SECTOR: NonZeroU32 = NonZeroU32::new(4096).unwrap();
/// Where the slot for a new image begins: behind what is remembered.
pub const SLOT: u32 = SETTINGS_SIZE;

/// Something for flash to do.
pub enum Job {
    /// Erase these whole sectors.
    Erase(Range<u32>),
    /// Write these whole words here.
    Write(u32, Vec<u8>),
    /// Read so many bytes from here, [`CHUNK`](crate::read_back_check::CHUNK) at the most.
    Read(u32, usize),
}

/// Who waits for a job.
pub enum Then {
    Nobody,
    Prepared(Ticket),
    Stored(Ticket),
    Checked(Check),
    Applied(Ticket),
}

/// What a frame was for the device.
pub enum Heard {
    /// A block of the file.
    Block,
    /// A question about attributes, and this is the answer.
    Question(Vec<u8>),
    Other,
}

pub struct Device {
    /// It asks for one block after the other.
    client: Client<0>,
    keep: Keep,
    kept: Kept,
    journal: Journal,
    settings: Settings,
    jobs: VecDeque<(Job, Then)>,
    ended: Option<Outcome>,
}

impl Device {
    /// A device that was just switched on. `journal` is what flash holds, `first` what the device runs if it never
    /// remembered anything, `room` the bytes of the slot.
    pub fn new(
        now: Instant,
        server: Address,
        first: ImageId,
        keep: Keep,
        journal: Journal,
        room: u32,
    ) -> Self {
        let settings = journal.settings().unwrap_or(Settings { running: first, upgrade: None });
        let identity = Identity::new(settings.running);
        let word = match keep {
            // Words of the file are words of the slot.
            Keep::File => NonZeroU8::new(WORD as u8).unwrap_or(NonZeroU8::MIN),
            // They begin elsewhere; `Kept` puts them together.
            Keep::Firmware => NonZeroU8::MIN,
        };
        let mut config = ClientConfig::new(identity, server);
        (config.write_size, config.max_file_size) = (word, room);
        let mut device = Self {
            client: Client::with_ranges(config, 0, now),
            keep,
            kept: Kept::known(None),
            journal,
            settings,
            jobs: VecDeque::new(),
            ended: None,
        };
        if let Some(Upgrade { checkpoint, span }) = settings.upgrade {
            device.kept = Kept::known(span);
            // Jobs are done in their order: no block is written before, even if one should come before.
            device.erase(device.kept.beyond(&checkpoint), Then::Nobody);
            device.client.resume(now, checkpoint).expect("a client that was just made does nothing yet");
            device.settle(now);
        }
        device
    }

    /// How the upgrade ended.
    pub fn ended(&self) -> Option<Outcome> {
        self.ended
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        self.client.poll_timeout()
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        self.client.handle_timeout(now);
        self.settle(now);
    }

    /// The next frame to the server: its bytes in `out`.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut RequestBuffer) -> Option<usize> {
        self.client.poll_transmit(now, out).map(|transmit| transmit.len)
    }

    pub fn handle_frame(&mut self, now: Instant, meta: FrameMeta, frame: &[u8]) -> Heard {
        let heard = match self.client.handle_frame(now, meta, frame) {
            ClientAction::Store(block) => {
                self.store(now, &block);
                Heard::Block
            }
            ClientAction::AnswerAttributes(question) => self.answer(&question),
            _ => Heard::Other,
        };
        self.settle(now);
        heard
    }

    fn answer(&self, question: &Frame<'_>) -> Heard {
        let mut out = [0; LONGEST_ATTRIBUTES];
        match self.client.attributes().answer(question, &mut out) {
            Ok(Some(len)) => Heard::Question(out[..len].to_vec()),
            Ok(None) | Err(_) => Heard::Other,
        }
    }

    /// The oldest job that was not given out.
    pub fn next_job(&mut self) -> Option<(Job, Then)> {
        self.jobs.pop_front()
    }

    /// A job is done: with what was read, or not at all.
    pub fn done<E>(&mut self, now: Instant, then: Then, result: Result<&[u8], E>) {
        let good = result.is_ok();
        // A ticket that the client does not wait for any more was overtaken by an abort, for example.
        match then {
            // A record that could not be saved is an older place to go on from, and no more; what could not be erased
            // cannot be written either.
            Then::Nobody => Ok(()),
            Then::Prepared(ticket) => self.client.prepared(
                now,
                ticket,
                if good { PrepareResult::Ready } else { PrepareResult::Fault },
            ),
            Then::Stored(ticket) => {
                self.client.stored(now, ticket, if good { StoreResult::Ok } else { StoreResult::Fault })
            }
            Then::Checked(check) => {
                self.check(now, check, result.ok());
                Ok(())
            }
            Then::Applied(ticket) => {
                if !good {
                    self.settings.running = self.client.identity().current;
                }
                self.client.applied(now, ticket, if good { ApplyResult::Done } else { ApplyResult::Failed })
            }
        }
        .ok();
        self.settle(now);
    }

    /// After each input: what the client asks for becomes jobs, and what it got to is remembered.
    fn settle(&mut self, now: Instant) {
        while let Some(event) = self.client.poll_event() {
            if let ClientEvent::Ended(outcome) = event {
                self.ended = Some(outcome);
            }
        }
        while let Some(need) = self.client.poll_need() {
            match need {
                Need::Decide(ticket, _) => self.client.accept(ticket).expect("answered at once"),
                Need::Prepare(ticket, offer) => {
                    self.kept = Kept::new(self.keep, &offer);
                    self.erase(0..offer.size.next_multiple_of(SECTOR.get()), Then::Prepared(ticket));
                }
                Need::Verify(ticket, offer) => self.verify(now, ticket, offer),
                // The bootloader reads the same record: when it is complete, the image is the one to run.
                Need::Apply(ticket, id) => {
                    self.save(Settings { running: id, upgrade: None }, Then::Applied(ticket));
                }
                // The server is known, and neither keys nor credentials are needed.
                need => self.client.decline(now, need).expect("answered at once"),
            }
        }
        self.remember();
    }

    /// Saves where the upgrade stands whenever going on from there would be another place than before: once a sector.
    fn remember(&mut self) {
        let under_way = self.client.checkpoint().filter(|now| now.offer.id != self.settings.running);
        let upgrade = under_way
            .map(|checkpoint| Upgrade { checkpoint: self.kept.floor(checkpoint), span: self.kept.span() });
        if upgrade != self.settings.upgrade {
            self.save(Settings { upgrade, ..self.settings }, Then::Nobody);
        }
    }

    fn save(&mut self, settings: Settings, then: Then) {
        self.settings = settings;
        let save = self.journal.save(settings);
        if let Some(sector) = save.erase {
            self.jobs.push_back((Job::Erase(sector..sector + SECTOR.get()), Then::Nobody));
        }
        self.jobs.push_back((Job::Write(save.place, save.record.to_vec()), then));
    }

    /// Erases a part of the slot.
    fn erase(&mut self, part: Range<u32>, then: Then) {
        self.jobs.push_back((Job::Erase(SLOT + part.start..SLOT + part.end), then));
    }

    fn store(&mut self, now: Instant, block: &Block<'_>) {
        match self.kept.take(block.offset, block.data) {
            Ok((place, words)) => {
                self.jobs.push_back((Job::Write(SLOT + place, words), Then::Stored(block.ticket)));
            }
            // A file that cannot be read cannot be kept.
            Err(_) => self.client.stored(now, block.ticket, StoreResult::Fault).expect("answered at once"),
        }
    }

    /// A file that was kept as it is can be read back. The firmware alone shows only that it was found in the file; a
    /// maker's own check, such as of a signature in it, would be made here.
    fn verify(&mut self, now: Instant, ticket: Ticket, offer: ImageOffer) {
        let check = Check::new(ticket, offer);
        match (self.keep, self.kept.span()) {
            (Keep::File, _) => self.check(now, check, Some(&[])),
            (Keep::Firmware, found) => {
                let verdict = if found.is_some() { VerifyResult::Valid } else { VerifyResult::Invalid };
                self.client.verified(now, ticket, verdict).expect("answered at once");
            }
        }
    }

    /// Takes what was read back and reads on, up to the end of the file.
    fn check(&mut self, now: Instant, mut check: Check, bytes: Option<&[u8]>) {
        if let Some((place, len)) = check.next(bytes) {
            self.jobs.push_back((Job::Read(SLOT + place, len), Then::Checked(check)));
            return;
        }
        // An abort may have come in between.
        self.client.verified(now, check.ticket, check.verdict()).ok();
    }
}

//! Device: the client, the kept bytes of the file, the persistent settings, and a queue of flash jobs.
//!
//! The device does no I/O. It emits flash operations as [`Job`]s, which a blocking or an asynchronous driver executes
//! in order.
//!
//! ```text
//!   frames, time                 jobs: erase, write, read
//!   ------------->  Device  ------------------------------->  flash
//!                  (Client) <-------------------------------
//!                                     done
//! ```
//!
//! On a host, a job holds its bytes in a `Vec`. On a microcontroller an array of a block and a word suffices, with room
//! for three jobs: one of the client, which requests no block before the last one is stored, and two to save a record.

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
use crate::slot_layout::{Keep, SlotLayout};

/// Word size of the flash in bytes.
pub const WORD: usize = 4;
/// Sector size of the flash in bytes.
pub const SECTOR: NonZeroU32 = NonZeroU32::new(4096).unwrap();
/// Offset of the slot for a new image, after the settings.
pub const SLOT: u32 = SETTINGS_SIZE;

/// Flash operation.
pub enum Job {
    /// Erasure of whole sectors.
    Erase(Range<u32>),
    /// Write of whole words at this offset.
    Write(u32, Vec<u8>),
    /// Read at this offset of at most [`CHUNK`](crate::read_back_check::CHUNK) bytes.
    Read(u32, usize),
}

/// Continuation of a job.
pub enum AfterJob {
    Nobody,
    Prepared(Ticket),
    Stored(Ticket),
    Checked(Check),
    Applied(Ticket),
}

/// Result of a received frame.
pub enum FrameResult {
    /// Block of the file, which was queued for the flash.
    Block,
    /// Response to an attribute command.
    Question(Vec<u8>),
    Other,
}

pub struct Device {
    /// Client in stop-and-wait mode.
    client: Client<0>,
    keep: Keep,
    kept: SlotLayout,
    journal: Journal,
    settings: Settings,
    jobs: VecDeque<(Job, AfterJob)>,
    ended: Option<Outcome>,
}

impl Device {
    /// Creates a device that was just switched on. `journal` has the contents of flash, `first` is the running image if
    /// flash has no record, and `room` the size of the slot in bytes.
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
            // Words of the slot start elsewhere in the file; `SlotLayout` assembles them.
            Keep::Firmware => NonZeroU8::MIN,
        };
        let mut config = ClientConfig::new(identity, server);
        (config.write_size, config.max_file_size) = (word, room);
        let mut device = Self {
            client: Client::with_ranges(config, 0, now),
            keep,
            kept: SlotLayout::known(None),
            journal,
            settings,
            jobs: VecDeque::new(),
            ended: None,
        };
        if let Some(Upgrade { checkpoint, span }) = settings.upgrade {
            device.kept = SlotLayout::known(span);
            // Jobs are executed in order, so the erasure precedes every write.
            device.erase(device.kept.beyond(&checkpoint), AfterJob::Nobody);
            device.client.resume(now, checkpoint).expect("a client that was just made does nothing yet");
            device.settle(now);
        }
        device
    }

    /// Returns the outcome of the upgrade.
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

    /// Encodes the next frame to the server into `out`; returns its length.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut RequestBuffer) -> Option<usize> {
        self.client.poll_transmit(now, out).map(|transmit| transmit.len)
    }

    pub fn handle_frame(&mut self, now: Instant, meta: FrameMeta, frame: &[u8]) -> FrameResult {
        let heard = match self.client.handle_frame(now, meta, frame) {
            ClientAction::Store(block) => {
                self.store(now, &block);
                FrameResult::Block
            }
            ClientAction::AnswerAttributes(question) => self.answer(&question),
            _ => FrameResult::Other,
        };
        self.settle(now);
        heard
    }

    fn answer(&self, question: &Frame<'_>) -> FrameResult {
        let mut out = [0; LONGEST_ATTRIBUTES];
        match self.client.attributes().answer(question, &mut out) {
            Ok(Some(len)) => FrameResult::Question(out[..len].to_vec()),
            Ok(None) | Err(_) => FrameResult::Other,
        }
    }

    /// Returns the oldest job that was not started.
    pub fn next_job(&mut self) -> Option<(Job, AfterJob)> {
        self.jobs.pop_front()
    }

    /// Completes a job with the bytes read, or with an error.
    pub fn done<E>(&mut self, now: Instant, then: AfterJob, result: Result<&[u8], E>) {
        let good = result.is_ok();
        // A ticket may be stale, for example after an abort.
        match then {
            // A failed save only means an older checkpoint after a restart. A failed erasure makes the following write
            // fail.
            AfterJob::Nobody => Ok(()),
            AfterJob::Prepared(ticket) => self.client.prepared(
                now,
                ticket,
                if good { PrepareResult::Ready } else { PrepareResult::Fault },
            ),
            AfterJob::Stored(ticket) => {
                self.client.stored(now, ticket, if good { StoreResult::Ok } else { StoreResult::Fault })
            }
            AfterJob::Checked(check) => {
                self.check(now, check, result.ok());
                Ok(())
            }
            AfterJob::Applied(ticket) => {
                if !good {
                    self.settings.running = self.client.identity().current;
                }
                self.client.applied(now, ticket, if good { ApplyResult::Done } else { ApplyResult::Failed })
            }
        }
        .ok();
        self.settle(now);
    }

    /// Handles the needs of the client after each input, and saves its progress.
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
                    self.kept = SlotLayout::new(self.keep, &offer);
                    self.erase(0..offer.size.next_multiple_of(SECTOR.get()), AfterJob::Prepared(ticket));
                }
                Need::Verify(ticket, offer) => self.verify(now, ticket, offer),
                // The bootloader reads the same record: once it is complete, the new image is the one to run.
                Need::Apply(ticket, id) => {
                    self.save(Settings { running: id, upgrade: None }, AfterJob::Applied(ticket));
                }
                // The server is known, and neither keys nor credentials are needed.
                need => self.client.decline(now, need).expect("answered at once"),
            }
        }
        self.remember();
    }

    /// Saves the progress when the position to resume from has changed: once per sector.
    fn remember(&mut self) {
        let under_way = self.client.checkpoint().filter(|now| now.offer.id != self.settings.running);
        let upgrade = under_way
            .map(|checkpoint| Upgrade { checkpoint: self.kept.floor(checkpoint), span: self.kept.span() });
        if upgrade != self.settings.upgrade {
            self.save(Settings { upgrade, ..self.settings }, AfterJob::Nobody);
        }
    }

    fn save(&mut self, settings: Settings, then: AfterJob) {
        self.settings = settings;
        let save = self.journal.save(settings);
        if let Some(sector) = save.erase {
            self.jobs.push_back((Job::Erase(sector..sector + SECTOR.get()), AfterJob::Nobody));
        }
        self.jobs.push_back((Job::Write(save.place, save.record.to_vec()), then));
    }

    /// Queues the erasure of a part of the slot.
    fn erase(&mut self, part: Range<u32>, then: AfterJob) {
        self.jobs.push_back((Job::Erase(SLOT + part.start..SLOT + part.end), then));
    }

    fn store(&mut self, now: Instant, block: &Block<'_>) {
        match self.kept.take(block.offset, block.data) {
            Ok((place, words)) => {
                self.jobs.push_back((Job::Write(SLOT + place, words), AfterJob::Stored(block.ticket)));
            }
            // A file that does not decode cannot be kept.
            Err(_) => self.client.stored(now, block.ticket, StoreResult::Fault).expect("answered at once"),
        }
    }

    /// Starts the verification. A complete file is read back from flash. For bare firmware, the file structure was
    /// verified during the download; a vendor's own check, such as a signature, would be made here.
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

    /// Checks bytes that were read back, and reads the next ones until the end of the file.
    fn check(&mut self, now: Instant, mut check: Check, bytes: Option<&[u8]>) {
        if let Some((place, len)) = check.next(bytes) {
            self.jobs.push_back((Job::Read(SLOT + place, len), AfterJob::Checked(check)));
            return;
        }
        // An abort may have ended the verification in the meantime.
        self.client.verified(now, check.ticket, check.verdict()).ok();
    }
}

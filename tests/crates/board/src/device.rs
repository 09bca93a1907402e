//! The device: its loop, its slot in flash, and the verification before it boots an image.
//!
//! ```text
//! timeout -> events -> needs -> events -> checkpoint -> frames -> wait for a frame or the deadline -> handle_frame -> ...
//! ```

use core::mem::MaybeUninit;
use core::num::{NonZeroU8, NonZeroU16, NonZeroU32};

use zigbee_ota::aps::{Address, FrameMeta};
use zigbee_ota::client::{
    ApplyResult, Client, ClientAction, ClientConfig, ClientEvent, Identity, Need, Outcome, PrepareResult,
    RequestBuffer, StoreResult, TransferMode, VerifyResult,
};
use zigbee_ota::file::{StreamDecoder, StreamPiece};
use zigbee_ota::time::{Instant, Millis};
use zigbee_ota::zcl::{ImageOffer, LONGEST_ATTRIBUTES, LONGEST_TO_CLIENT, LONGEST_TO_SERVER};
use zigbee_ota::{HardwareVersion, ImageId};

use crate::chip::{self, Clock, Uart, crc32, flash, measure_stack};
use crate::journal::{Journal, Settings};
use crate::semihosting::{self, Line, Options};

const SERVER: Address = Address::new(0, 1);
const SLOT: u32 = 0x2_0000;
const SLOT_SIZE: u32 = 0x1_f800;
/// The vector table of a firmware in the slot: behind a header of 56 bytes, the head of its element, and 194 bytes of padding, as
/// `cortex-m-rt` aligns its vectors to 256 bytes.
const SLOT_FIRMWARE: u32 = SLOT + 0x100;
const PAGE: NonZeroU32 = NonZeroU32::new(flash::PAGE).unwrap();

/// The version that this firmware was built as.
const VERSION: u32 = match option_env!("BOARD_VERSION") {
    Some(text) => match u32::from_str_radix(text, 10) {
        Ok(version) => version,
        Err(_) => panic!("BOARD_VERSION is no number"),
    },
    None => 1,
};
const IS_IN_SLOT: bool = option_env!("BOARD_SLOT").is_some();

/// The static memory of the device.
pub struct Memory<const RANGES: usize> {
    client: MaybeUninit<Client<RANGES>>,
    out: RequestBuffer,
    frame: [u8; LONGEST_TO_CLIENT],
}

impl<const RANGES: usize> Memory<RANGES> {
    /// Memory without a client.
    pub const NEW: Self =
        Self { client: MaybeUninit::uninit(), out: [0; LONGEST_TO_SERVER], frame: [0; LONGEST_TO_CLIENT] };
}

/// Exit statuses of the firmware.
mod status {
    pub const UPGRADED: usize = 0;
    pub const NO_IMAGE: usize = 3;
    pub const ENDED: usize = 4;
    pub const FAULT: usize = 5;
}

/// Time and stack that the client's calls took.
#[derive(Default)]
struct Cost {
    blocks: u32,
    /// Ticks of 16 MHz for all blocks: `handle_frame`, `stored` and `poll_transmit`.
    ticks: u32,
    most_ticks: u32,
    handle_frame: u32,
    stored: u32,
    poll_transmit: u32,
    handle_timeout: u32,
    answers: u32,
    checkpoint: u32,
}

/// A line of hexadecimal digits that arrives byte by byte.
#[derive(Default)]
struct IncomingLine {
    digits: usize,
    is_bad: bool,
}

impl IncomingLine {
    /// Takes a byte; returns the length of the frame when the line is complete.
    fn push(&mut self, byte: u8, frame: &mut [u8]) -> Option<usize> {
        if byte == b'\n' {
            let Self { digits, is_bad } = core::mem::take(self);
            return (!is_bad && digits > 0 && digits % 2 == 0).then_some(digits / 2);
        }
        match (char::from(byte).to_digit(16), frame.get_mut(self.digits / 2)) {
            (Some(digit), Some(place)) => {
                *place = *place << 4 | digit as u8;
                self.digits += 1;
            }
            _ => self.is_bad = true,
        }
        None
    }
}

fn send(uart: &mut Uart, frame: &[u8]) {
    for byte in frame {
        for digit in [byte >> 4, byte & 15] {
            uart.send(b"0123456789abcdef"[usize::from(digit)]);
        }
    }
    uart.send(b'\n');
}

fn config(options: &Options, id: ImageId) -> ClientConfig {
    let number = |name: &str, default: u32| options.get(name).unwrap_or(default);
    let mut identity = Identity::new(id);
    identity.hardware = options.get("hardware").map(|version| HardwareVersion(version as u16));
    let mut config = ClientConfig::new(identity, SERVER);
    config.transfer = match (options.get("auto"), options.get("page")) {
        (Some(_), _) => TransferMode::Auto,
        (None, Some(size)) => TransferMode::Pages {
            size: NonZeroU16::new(size as u16).unwrap_or(NonZeroU16::MIN),
            spacing: number("spacing", 0) as u16,
        },
        (None, None) => TransferMode::Blocks {
            window: NonZeroU8::new(number("window", 1) as u8).unwrap_or(NonZeroU8::MIN),
        },
    };
    config.max_block_size = NonZeroU8::new(number("block", 64) as u8).unwrap_or(NonZeroU8::MIN);
    config.write_size = NonZeroU8::MIN.saturating_add(3);
    config.max_file_size = SLOT_SIZE;
    config.first_query_delay = Millis(number("first", 0));
    config
}

/// Runs the device until an upgrade is done or has failed.
pub fn run<const RANGES: usize>(memory: &'static mut Memory<RANGES>) -> ! {
    let options = Options::read();
    let number = |name: &str, default: u32| options.get(name).unwrap_or(default);
    let id = ImageId::new(number("maker", 0x1001) as u16, number("type", 0x0001) as u16, VERSION);
    let journal = Journal::open();
    let settings = journal.newest.unwrap_or(Settings { running: id, upgrade: None });
    if !IS_IN_SLOT && settings.running != id {
        Line::new("BOOT").field("version", settings.running.version.0).end();
        chip::boot(SLOT_FIRMWARE);
    }
    Line::new("START").field("version", VERSION).field("in_slot", u32::from(IS_IN_SLOT)).end();

    let mut clock = Clock::start();
    let now = clock.now();
    let mut device = Device {
        client: memory.client.write(Client::with_ranges(config(&options, id), 7, now)),
        clock,
        uart: Uart::enable(),
        journal,
        settings,
        cost: Cost::default(),
        exit: None,
        reboot: number("reboot", 0),
        resumed_at: 0,
        download_stack: 0,
    };
    device.resume(now);
    device.run_loop(&mut memory.out, &mut memory.frame)
}

struct Device<const RANGES: usize> {
    client: &'static mut Client<RANGES>,
    clock: Clock,
    uart: Uart,
    journal: Journal,
    settings: Settings,
    cost: Cost,
    /// The exit status, once it is known.
    exit: Option<usize>,
    /// After an upgrade, 1 resets the chip, 2 waits for a power cut, 0 exits.
    reboot: u32,
    /// Offset at which a download was resumed.
    resumed_at: u32,
    /// Stack in use up to the end of the download.
    download_stack: u32,
}

impl<const RANGES: usize> Device<RANGES> {
    /// Resumes the download that a power cut interrupted.
    fn resume(&mut self, now: Instant) {
        let Some(checkpoint) = self.settings.upgrade else { return };
        self.resumed_at = checkpoint.received;
        Line::new("RESUME").field("received", checkpoint.received).field("size", checkpoint.offer.size).end();
        if checkpoint.received < checkpoint.offer.size && !erase(checkpoint.received, checkpoint.offer.size) {
            fail("erase");
        }
        self.client.resume(now, checkpoint).unwrap_or_else(|_| fail("busy"));
    }

    fn run_loop(&mut self, out: &mut RequestBuffer, frame: &mut [u8; LONGEST_TO_CLIENT]) -> ! {
        let mut incoming = IncomingLine::default();
        loop {
            let now = self.clock.now();
            measure_stack(&mut self.cost.handle_timeout, || self.client.handle_timeout(now));
            self.report_events();
            self.answer_needs(now);
            self.report_events();
            self.save_checkpoint();
            self.transmit(now, out);
            if let Some(status) = self.exit {
                self.finish(status);
            }
            let deadline = self.client.poll_timeout();
            let len = loop {
                if let Some(byte) = self.uart.receive() {
                    match incoming.push(byte, frame) {
                        Some(len) => break Some(len),
                        None => continue,
                    }
                }
                let now = self.clock.now();
                if deadline.is_some_and(|deadline| deadline <= now) {
                    break None;
                }
            };
            if let Some(len) = len {
                self.handle_frame(&frame[..len], out);
            }
        }
    }

    fn transmit(&mut self, now: Instant, out: &mut RequestBuffer) {
        while let Some(transmit) =
            measure_stack(&mut self.cost.poll_transmit, || self.client.poll_transmit(now, out))
        {
            send(&mut self.uart, &out[..transmit.len]);
        }
    }

    fn handle_frame(&mut self, frame: &[u8], out: &mut RequestBuffer) {
        let now = self.clock.now();
        let start = chip::ticks();
        let action = measure_stack(&mut self.cost.handle_frame, || {
            self.client.handle_frame(now, FrameMeta::unicast(SERVER), frame)
        });
        match action {
            ClientAction::Store(block) => {
                let handled = chip::ticks().wrapping_sub(start);
                let is_good = flash::program(SLOT + block.offset, block.data);
                let result = if is_good { StoreResult::Ok } else { StoreResult::Fault };
                let start = chip::ticks();
                measure_stack(&mut self.cost.stored, || self.client.stored(now, block.ticket, result))
                    .unwrap_or_else(|_| fail("stale ticket"));
                let transmit =
                    measure_stack(&mut self.cost.poll_transmit, || self.client.poll_transmit(now, out));
                let ticks = handled + chip::ticks().wrapping_sub(start);
                self.cost.blocks += 1;
                self.cost.ticks += ticks;
                self.cost.most_ticks = self.cost.most_ticks.max(ticks);
                if let Some(transmit) = transmit {
                    send(&mut self.uart, &out[..transmit.len]);
                }
            }
            ClientAction::AnswerAttributes(question) => {
                let mut answer = [0; LONGEST_ATTRIBUTES];
                if let Ok(Some(len)) = self.client.attributes().answer(&question, &mut answer) {
                    send(&mut self.uart, &answer[..len]);
                }
            }
            _ => {}
        }
    }

    fn answer_needs(&mut self, now: Instant) {
        while let Some(need) = self.client.poll_need() {
            let cost = &mut self.cost;
            let answered = match need {
                Need::Decide(ticket, _) => measure_stack(&mut cost.answers, || self.client.accept(ticket)),
                Need::Prepare(ticket, offer) => {
                    let result =
                        if erase(0, offer.size) { PrepareResult::Ready } else { PrepareResult::Fault };
                    measure_stack(&mut cost.answers, || self.client.prepared(now, ticket, result))
                }
                Need::Verify(ticket, offer) => {
                    self.download_stack = chip::stack_used();
                    let result = if verify(&offer) { VerifyResult::Valid } else { VerifyResult::Invalid };
                    measure_stack(&mut cost.answers, || self.client.verified(now, ticket, result))
                }
                Need::Apply(ticket, id) => {
                    self.settings = Settings { running: id, upgrade: None };
                    let result = if self.journal.save(self.settings) {
                        ApplyResult::Done
                    } else {
                        ApplyResult::Failed
                    };
                    measure_stack(&mut cost.answers, || self.client.applied(now, ticket, result))
                }
                _ => fail("a need that these settings do not cause"),
            };
            answered.unwrap_or_else(|_| fail("stale ticket"));
        }
    }

    /// Saves a checkpoint for each page of the slot.
    fn save_checkpoint(&mut self) {
        let running = self.settings.running;
        let checkpoint = measure_stack(&mut self.cost.checkpoint, || self.client.checkpoint());
        let upgrade =
            checkpoint.filter(|checkpoint| checkpoint.offer.id != running).map(|now| now.floor(PAGE));
        if upgrade != self.settings.upgrade {
            self.settings.upgrade = upgrade;
            if !self.journal.save(self.settings) {
                fail("journal");
            }
        }
    }

    fn report_events(&mut self) {
        while let Some(event) = self.client.poll_event() {
            match event {
                ClientEvent::Started(offer) => {
                    Line::new("DOWNLOAD")
                        .field("version", offer.id.version.0)
                        .field("size", offer.size)
                        .end();
                }
                ClientEvent::NoImage(status) => {
                    Line::new("NO_IMAGE")
                        .field("status", status.map_or(u32::MAX, |status| status.0.into()))
                        .end();
                    let expected = if IS_IN_SLOT { status::UPGRADED } else { status::NO_IMAGE };
                    self.exit = self.exit.or(Some(expected));
                }
                ClientEvent::Ended(Outcome::Upgraded(id)) => {
                    Line::new("UPGRADED").field("version", id.version.0).end();
                    self.exit = Some(status::UPGRADED);
                }
                ClientEvent::Ended(outcome) => {
                    let word = match outcome {
                        Outcome::ServerSilent => "server silent",
                        Outcome::StorageFault => "storage fault",
                        Outcome::InvalidImage => "invalid image",
                        Outcome::ServerAborted => "server aborted",
                        Outcome::HeaderMismatch(_) => "header mismatch",
                        _ => "other",
                    };
                    Line::new("ENDED ").text(word).end();
                    self.exit = Some(status::ENDED);
                }
                _ => {}
            }
        }
    }

    fn finish(&mut self, status: usize) -> ! {
        let Cost { blocks, ticks, most_ticks, .. } = self.cost;
        Line::new("RESULT")
            .field("status", status as u32)
            .field("resumed_at", self.resumed_at)
            .field("blocks", blocks)
            .field("ticks", ticks.checked_div(blocks).unwrap_or(0))
            .field("most_ticks", most_ticks)
            .field("retries", self.client.retries())
            .field("records", self.journal.saved)
            .field("download_stack", self.download_stack)
            .field("stack", chip::stack_used())
            .field("ram", chip::static_ram())
            .end();
        if cfg!(feature = "depth") {
            Line::new("STACK")
                .field("handle_frame", self.cost.handle_frame)
                .field("stored", self.cost.stored)
                .field("poll_transmit", self.cost.poll_transmit)
                .field("handle_timeout", self.cost.handle_timeout)
                .field("answers", self.cost.answers)
                .field("checkpoint", self.cost.checkpoint)
                .end();
        }
        if status == status::UPGRADED && !IS_IN_SLOT {
            match self.reboot {
                0 => {}
                1 => chip::reset(),
                _ => {
                    Line::new("WAITING_FOR_POWER_CUT").end();
                    loop {
                        core::hint::spin_loop();
                    }
                }
            }
        }
        semihosting::exit(status)
    }
}

/// Erases the pages of the slot that hold these bytes of the file.
fn erase(from: u32, to: u32) -> bool {
    (from..to).step_by(flash::PAGE as usize).all(|page| flash::erase(SLOT + page))
}

/// Whether flash holds the file that was offered, complete, and signed where signatures are required.
fn verify(offer: &ImageOffer) -> bool {
    let (mut decoder, mut is_offered, mut crc, mut is_bad) = (StreamDecoder::new(), false, u32::MAX, false);
    #[cfg(feature = "signed")]
    let mut signed = crate::signature_check::Signed::new();
    let mut read = 0;
    while read < offer.size {
        let len = 256.min(offer.size - read);
        let bytes = flash::bytes(SLOT + read, len as usize);
        crc = crc32(bytes, crc);
        #[cfg(feature = "signed")]
        signed.update(bytes);
        let mut rest = bytes;
        loop {
            match decoder.next(&mut rest) {
                Ok(Some(StreamPiece::Header { header, .. })) => {
                    is_offered = (header.id, header.total_size) == (offer.id, offer.size);
                }
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => {
                    is_bad = true;
                    break;
                }
            }
        }
        read += len;
    }
    Line::new("IMAGE crc=").hex(!crc).field("size", offer.size).end();
    #[cfg(feature = "signed")]
    let is_signed = signed.finish();
    #[cfg(not(feature = "signed"))]
    let is_signed = true;
    is_offered && !is_bad && decoder.finish().is_ok() && is_signed
}

fn fail(reason: &str) -> ! {
    Line::new("FAULT ").text(reason).end();
    semihosting::exit(status::FAULT)
}

//! Calls of slots, records, checks and the blocking driver of a device. Asynchronous functions are left out: the compiler
//! gives each a panic branch of its own, for a future that is polled after its end.

use core::hint::black_box;

use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};
use zigbee_ota::ImageId;
use zigbee_ota::aps::{Address, DeliveryReport, FrameMeta, Transmit, TransmitToken};
use zigbee_ota::client::{
    ApplyResult, Checkpoint, Client, ClientConfig, ClientEvent, ClientIgnored, Identity, Need, Ticket,
};
use zigbee_ota::device::{
    Board, Decision, DeviceStorage, Driver, EraseMode, FlashJob, FlashLayout, FlashStorage, FlashUnits,
    FrameBuffer, Input, IntegrityCheck, Keep, KeptRange, NoCheck, RECORD_LEN, RecordLog, SavedState,
    SignatureCheck, Slot, StructureCheck, Verification,
};
use zigbee_ota::file::Tag;
use zigbee_ota::mmo::SoftwareCrypto;
use zigbee_ota::signature::VerifyPolicy;
use zigbee_ota::time::Instant;
use zigbee_ota::zcl::ImageOffer;

use crate::Bytes;

/// Flash of which nothing is known.
struct Nor;

impl ErrorType for Nor {
    type Error = NorFlashErrorKind;
}

fn any_result() -> Result<(), NorFlashErrorKind> {
    if black_box(true) { Ok(()) } else { Err(NorFlashErrorKind::Other) }
}

impl ReadNorFlash for Nor {
    const READ_SIZE: usize = 4;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        black_box((offset, bytes));
        any_result()
    }

    fn capacity(&self) -> usize {
        black_box(0)
    }
}

impl NorFlash for Nor {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 4096;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        black_box((from, to));
        any_result()
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        black_box((offset, bytes));
        any_result()
    }
}

/// Board of which nothing is known, and one that keeps all defaults.
struct AnyBoard;
struct DefaultBoard;

fn any_input(frame: &mut FrameBuffer) -> Option<Input> {
    black_box(frame);
    match black_box(0) {
        0 => Some(Input::Frame(FrameMeta::unicast(Address::new(black_box(0), 1)), black_box(0))),
        1 => Some(Input::Delivery(TransmitToken::NONE, black_box(DeliveryReport::Failed))),
        2 => Some(Input::ConnectionLost),
        _ => None,
    }
}

impl Board for AnyBoard {
    fn now(&mut self) -> Instant {
        Instant::from_millis(black_box(0))
    }

    fn send(&mut self, transmit: &Transmit, frame: &[u8]) {
        black_box((transmit, frame));
    }

    fn receive(&mut self, deadline: Option<Instant>, frame: &mut FrameBuffer) -> Option<Input> {
        black_box(deadline);
        any_input(frame)
    }

    fn apply(&mut self, image: ImageId) -> ApplyResult {
        black_box(image);
        black_box(ApplyResult::Done)
    }

    fn decide(&mut self, ticket: Ticket, offer: &ImageOffer) -> Decision {
        black_box((ticket, offer));
        black_box(Decision::Later)
    }

    fn on_event(&mut self, event: &ClientEvent) {
        black_box(event);
    }

    fn on_ignored(&mut self, reason: ClientIgnored) {
        black_box(reason);
    }

    fn on_need<const RANGES: usize>(&mut self, client: &mut Client<RANGES>, need: Need) {
        client.decline(Instant::from_millis(black_box(0)), black_box(need)).ok();
    }

    fn on_turn<const RANGES: usize>(&mut self, client: &mut Client<RANGES>) {
        client.query(Instant::from_millis(black_box(0))).ok();
    }
}

impl Board for DefaultBoard {
    fn now(&mut self) -> Instant {
        Instant::from_millis(black_box(0))
    }

    fn send(&mut self, transmit: &Transmit, frame: &[u8]) {
        black_box((transmit, frame));
    }

    fn receive(&mut self, deadline: Option<Instant>, frame: &mut FrameBuffer) -> Option<Input> {
        black_box(deadline);
        any_input(frame)
    }

    fn apply(&mut self, image: ImageId) -> ApplyResult {
        black_box(image);
        black_box(ApplyResult::Failed)
    }
}

fn layout() -> Option<FlashLayout> {
    let units = FlashUnits { read: black_box(1), write: black_box(4), erase: black_box(4096) };
    let area = black_box(0)..black_box(0x2000);
    let layout = FlashLayout::new(units, black_box(0), black_box(area.clone()), area.clone()).ok();
    layout
        .or(FlashLayout::of(&Nor, area.clone(), area).ok())
        .map(|layout| layout.with_erase(black_box(EraseMode::AllBefore)))
}

fn config() -> ClientConfig {
    black_box(ClientConfig::new(Identity::new(ImageId::new(1, 2, 3)), Address::new(0, 1)))
}

fn run<const RANGES: usize>(storage: impl DeviceStorage, board: &mut impl Board) {
    let mut driver = Driver::<_, RANGES>::start(config(), black_box(0), storage, board.now());
    while black_box(true) {
        driver.step(board);
    }
    black_box(driver.client().poll_timeout());
    let state = SavedState::of(driver.client());
    driver.storage().save(&state);
    black_box(driver.storage().load());
}

pub(crate) fn call(bytes: &Bytes<'_>) {
    let Some(layout) = black_box(layout()) else { return };
    slot(&layout, bytes.input);
    log(&layout, bytes.input);
    let mut plain = FlashStorage::whole_file(Nor, &layout, StructureCheck::new());
    black_box(plain.flash().capacity());
    black_box(plain.fault());
    run::<0>(plain, &mut AnyBoard);
    run::<8>(FlashStorage::element(Nor, &layout, Tag(black_box(0))), &mut DefaultBoard);
    let integrity = IntegrityCheck::new();
    run::<0>(FlashStorage::whole_file(Nor, &layout, integrity), &mut DefaultBoard);
    check(&mut IntegrityCheck::with_cipher(SoftwareCrypto), bytes.input);
    check(&mut NoCheck, bytes.input);
    let policy = black_box(VerifyPolicy::required(&[], &[]));
    check(&mut SignatureCheck::new(policy), bytes.input);
    let signature = SignatureCheck::with_crypto(policy, SoftwareCrypto, SoftwareCrypto);
    run::<0>(FlashStorage::whole_file(Nor, &layout, signature), &mut DefaultBoard);
}

fn check(check: &mut impl Verification, input: &[u8]) {
    check.begin(&offer());
    check.update(input);
    check.update(black_box(input));
    black_box(check.finish());
}

fn offer() -> ImageOffer {
    ImageOffer { id: black_box(ImageId::new(1, 2, 3)), size: black_box(0) }
}

fn slot(layout: &FlashLayout, input: &[u8]) {
    let keep = black_box(Keep::Element(Tag(black_box(0))));
    let mut slot = black_box(Slot::new(layout, keep));
    black_box(slot.configure(config()));
    black_box(slot.begin(&offer())).ok();
    while let Ok(mut write) = slot.write(black_box(0), black_box(input)) {
        while let Some(job) = write.next_job() {
            black_box(job);
        }
    }
    black_box((slot.kept(), slot.is_whole(&offer()), slot.stored()));
    let checkpoint = slot.floor(Checkpoint::new(offer(), black_box(0)));
    black_box(slot.resume(checkpoint, black_box(Some(KeptRange { start: 0, len: 0 }))));
}

fn log(layout: &FlashLayout, input: &[u8]) {
    let mut log = RecordLog::new(layout);
    let record = input.first_chunk::<RECORD_LEN>().copied().unwrap_or([0; RECORD_LEN]);
    for at in log.places() {
        if let Some(payload) = log.see(at, &record) {
            let (state, kept) = SavedState::from_payload(&payload);
            let client: Client<0> = state.start(config(), black_box(0), Instant::ZERO);
            let state = black_box(SavedState::before_apply(&client));
            black_box(SavedState::new(state.checkpoint, SavedState::of(&client).failed_image));
            let write = log.write(&state.to_payload(kept));
            let jobs: (Option<FlashJob<'_>>, FlashJob<'_>) = (write.erasure(), write.record());
            black_box(jobs);
            log.written(&write);
        }
    }
}

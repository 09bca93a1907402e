//! Tests of the module `device`: drivers, slots and records in flash, with power failures at any operation.

use std::cell::Cell;
use std::rc::Rc;
use std::task::Poll;

use embedded_storage::nor_flash::NorFlash;
use proptest::prelude::*;
use zigbee_ota::aps::{Address, FrameMeta, Transmit};
use zigbee_ota::client::{
    ApplyResult, Checkpoint, Client, ClientConfig, ClientEvent, ClientIgnored, FailedImage, Identity,
    Outcome, PrepareResult, Storage, StoreResult, TransferMode, VerifyResult,
};
use zigbee_ota::device::{
    AsyncBoard, AsyncDriver, Board, Decision, DeviceStorage, Driver, EraseMode, FlashFault, FlashJob,
    FlashLayout, FlashStorage, FlashUnits, FrameBuffer, Input, IntegrityCheck, Keep, KeptRange, NoCheck,
    RECORD_LEN, RecordLog, SavedState, SignatureCheck, Slot, SlotError, StructureCheck, Verification,
};
use zigbee_ota::file::{Element, FileHeader, FileWriter, Tag};
use zigbee_ota::server::StoreEntry;
use zigbee_ota::signature::integrity::IntegrityCode;
use zigbee_ota::signature::{Authority, PublicKey, VerifyPolicy};
use zigbee_ota::time::Instant;
use zigbee_ota::zcl::ImageOffer;
use zigbee_ota::{Encode, Eui64, FileVersion, ImageId};
use zigbee_ota_sim::LoneServer;

use failing_nor_flash::Nor;

mod failing_nor_flash;

const OLD: ImageId = ImageId::new(0x1001, 0x00ab, 1);
const NEW: ImageId = ImageId::new(0x1001, 0x00ab, 2);

/// Firmware that does not compress, and a file with elements before and after it.
fn file(firmware_len: usize) -> (Vec<u8>, Vec<u8>) {
    let mut firmware = vec![0; firmware_len];
    fastrand::Rng::with_seed(3).fill(&mut firmware);
    let elements = [
        Element { tag: Tag(0xf000), data: b"odd" },
        Element { tag: Tag::UPGRADE_IMAGE, data: &firmware },
        Element { tag: Tag(0xf001), data: b"behind" },
    ];
    let file = FileWriter::new(FileHeader::new(NEW), &elements).unwrap().to_vec();
    (file, firmware)
}

/// Record of the events that a board has seen.
#[derive(Default)]
struct Watch {
    ended: Cell<Option<Outcome>>,
    /// Number of loop turns after the end of an upgrade; the first turn saves that no upgrade is left.
    turns_after_end: Cell<u32>,
    applied: Cell<u32>,
    is_stalled: Cell<bool>,
    is_off: Rc<Cell<bool>>,
}

impl Watch {
    fn is_over(&self) -> bool {
        self.is_off.get() || self.is_stalled.get() || self.turns_after_end.get() >= 2
    }
}

/// Board in a network with one server; the running image survives restarts.
struct TestBoard<'w, 'a> {
    server: &'w mut LoneServer<'a>,
    runs: &'w mut ImageId,
    /// Whether the new image boots.
    boots: bool,
    watch: &'w Watch,
}

impl TestBoard<'_, '_> {
    fn take_input(&mut self, deadline: Option<Instant>, frame: &mut FrameBuffer) -> Option<Input> {
        let input = self.server.receive(deadline, frame).map(|(meta, len)| Input::Frame(meta, len));
        self.watch.is_stalled.set(self.server.is_stalled);
        input
    }

    fn boot(&mut self, image: ImageId) -> ApplyResult {
        self.watch.applied.set(self.watch.applied.get() + 1);
        if self.boots {
            *self.runs = image;
        } else {
            // The device resets here, and the boot loader starts the old image again.
            self.watch.is_off.set(true);
        }
        ApplyResult::Done
    }

    fn see(&self, event: &ClientEvent) {
        if let ClientEvent::Ended(outcome) = event {
            self.watch.ended.set(Some(*outcome));
        }
    }

    fn count_turn(&self) {
        if self.watch.ended.get().is_some() {
            self.watch.turns_after_end.set(self.watch.turns_after_end.get() + 1);
        }
    }
}

impl Board for TestBoard<'_, '_> {
    fn now(&mut self) -> Instant {
        self.server.now()
    }

    fn send(&mut self, transmit: &Transmit, frame: &[u8]) {
        self.server.send(transmit, frame);
    }

    fn receive(&mut self, deadline: Option<Instant>, frame: &mut FrameBuffer) -> Option<Input> {
        self.take_input(deadline, frame)
    }

    fn apply(&mut self, image: ImageId) -> ApplyResult {
        self.boot(image)
    }

    fn on_event(&mut self, event: &ClientEvent) {
        self.see(event);
    }

    fn on_turn<const RANGES: usize>(&mut self, _: &mut Client<RANGES>) {
        self.count_turn();
    }
}

impl AsyncBoard for TestBoard<'_, '_> {
    fn now(&mut self) -> Instant {
        self.server.now()
    }

    async fn send(&mut self, transmit: &Transmit, frame: &[u8]) {
        self.server.send(transmit, frame);
    }

    async fn receive(&mut self, deadline: Option<Instant>, frame: &mut FrameBuffer) -> Option<Input> {
        embassy_futures::yield_now().await;
        self.take_input(deadline, frame)
    }

    async fn apply(&mut self, image: ImageId) -> ApplyResult {
        self.boot(image)
    }

    fn on_event(&mut self, event: &ClientEvent) {
        self.see(event);
    }

    fn on_turn<const RANGES: usize>(&mut self, _: &mut Client<RANGES>) {
        self.count_turn();
    }
}

/// Settings of one kind of device.
#[derive(Clone, Copy, Debug)]
struct Variant {
    erase: EraseMode,
    keeps_element: bool,
    window: u8,
    is_async: bool,
}

/// Results of an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Upgraded {
    operations: u64,
    blocks: u64,
    answered: u64,
    starts: usize,
}

/// Number of sectors for the records, which precede the slot.
const RECORDS: usize = 2;

fn config(runs: ImageId, window: u8) -> ClientConfig {
    let window = window.try_into().unwrap();
    ClientConfig::new(Identity::new(runs), LoneServer::ADDRESS).with_transfer(TransferMode::Blocks { window })
}

fn layout<const WORD: usize, const SECTOR: usize>(flash: &mut Nor<WORD, SECTOR>) -> FlashLayout {
    let (slot, end) = ((RECORDS * SECTOR) as u32, flash.bytes.len() as u32);
    FlashLayout::of(&flash, slot..end, 0..slot).unwrap()
}

/// Upgrades a device whose power lasts for these numbers of operations, one for each start.
fn upgrade<const WORD: usize, const SECTOR: usize>(variant: Variant, len: usize, power: &[u64]) -> Upgraded {
    let (file, firmware) = file(len);
    let entries = [StoreEntry::parse(&file).unwrap()];
    let kept = if variant.keeps_element { &firmware } else { &file };
    let mut flash = Nor::<WORD, SECTOR>::new(RECORDS + file.len().div_ceil(SECTOR));
    let (is_busy, is_off) = (Rc::clone(&flash.is_busy), Rc::clone(&flash.is_off));
    let mut server = LoneServer::new(&entries, &is_busy);
    let (mut runs, mut starts) = (OLD, 0);
    loop {
        flash.power_on(power.get(starts).copied());
        is_busy.set(false);
        server.lose_frames();
        starts += 1;
        let layout = layout(&mut flash).with_erase(variant.erase);
        let watch = Watch { is_off: Rc::clone(&is_off), ..Watch::default() };
        if runs == NEW {
            watch.ended.set(Some(Outcome::Upgraded(NEW)));
        }
        let mut board = TestBoard { server: &mut server, runs: &mut runs, boots: true, watch: &watch };
        if variant.keeps_element {
            let storage = FlashStorage::element(&mut flash, &layout, Tag::UPGRADE_IMAGE);
            run(&mut board, storage, variant);
        } else {
            let storage = FlashStorage::whole_file(&mut flash, &layout, StructureCheck::new());
            run(&mut board, storage, variant);
        }
        assert!(!server.is_stalled, "{variant:?} {power:?}");
        if is_off.get() {
            continue;
        }
        assert_eq!(watch.ended.get(), Some(Outcome::Upgraded(NEW)), "{variant:?} {power:?}");
        assert_eq!(runs, NEW, "{variant:?} {power:?}");
        let (is, behind) = flash.bytes[RECORDS * SECTOR..].split_at(kept.len());
        assert!(is == kept, "{variant:?} {power:?}");
        let rest = behind.len() % SECTOR;
        assert!(behind[..rest].iter().all(|byte| *byte == 0xff), "{variant:?} {power:?}");
        let operations = flash.operations;
        let mut storage = FlashStorage::whole_file(&mut flash, &layout, NoCheck);
        assert_eq!(DeviceStorage::load(&mut storage).checkpoint, None, "nothing is left to resume");
        return Upgraded { operations, blocks: server.blocks, answered: server.answered, starts };
    }
}

/// Runs a device until it has upgraded or its power fails.
fn run<V: Verification, const WORD: usize, const SECTOR: usize>(
    board: &mut TestBoard<'_, '_>,
    storage: FlashStorage<&mut Nor<WORD, SECTOR>, V>,
    variant: Variant,
) {
    let (now, watch) = (board.server.now(), board.watch);
    let config = config(*board.runs, variant.window);
    if !variant.is_async {
        let mut driver = Driver::<_, 8>::start(config, 0, storage, now);
        while !watch.is_over() {
            driver.step(board);
        }
        return;
    }
    let until_over = std::future::poll_fn(|context| {
        context.waker().wake_by_ref();
        if watch.is_over() { Poll::Ready(()) } else { Poll::Pending }
    });
    embassy_futures::block_on(async {
        let mut driver = AsyncDriver::<_, 8>::start(config, 0, storage, now).await;
        embassy_futures::select::select(until_over, driver.run(board)).await;
    });
}

const BLOCKING: Variant =
    Variant { erase: EraseMode::AsReached, keeps_element: false, window: 1, is_async: false };
const ELEMENT: Variant = Variant { keeps_element: true, ..BLOCKING };
const ALL_BEFORE: Variant = Variant { erase: EraseMode::AllBefore, ..BLOCKING };

/// Cuts the power in the middle of every single operation, and for some of them early after the restart again.
fn survives_every_cut<const WORD: usize, const SECTOR: usize>(variant: Variant, len: usize) {
    let smooth = upgrade::<WORD, SECTOR>(variant, len, &[]);
    assert_eq!(smooth.starts, 1);
    let blocks_of_sector = (SECTOR / 64) as u64;
    for at in 0..smooth.operations {
        let cut = upgrade::<WORD, SECTOR>(variant, len, &[at]);
        assert_eq!(cut.starts, 2, "{variant:?} {at}");
        // A sector, the blocks in flight, and the three requests by which the client recognises the file.
        let again = cut.blocks - smooth.blocks;
        assert!(again <= blocks_of_sector + u64::from(variant.window) + 4, "{variant:?} {at}: {again}");
        if at % 7 == 0 {
            upgrade::<WORD, SECTOR>(variant, len, &[at, at % 41, at % 17]);
        }
    }
    // Power that never lasts for more than a sector and two records of it.
    let short = vec![(2 * SECTOR / WORD + 2 * RECORD_LEN / WORD + 8) as u64; 3 * len.div_ceil(SECTOR)];
    upgrade::<WORD, SECTOR>(variant, len, &short);
}

#[test]
fn a_file_survives_a_power_cut_at_every_operation() {
    survives_every_cut::<4, 512>(BLOCKING, 1500);
    survives_every_cut::<8, 256>(ALL_BEFORE, 1000);
}

#[test]
fn an_element_alone_survives_a_power_cut_at_every_operation() {
    survives_every_cut::<4, 256>(ELEMENT, 1001);
    survives_every_cut::<8, 512>(Variant { erase: EraseMode::AllBefore, ..ELEMENT }, 1100);
}

#[test]
fn blocks_in_flight_survive_a_power_cut_at_every_operation() {
    survives_every_cut::<4, 512>(Variant { window: 3, ..BLOCKING }, 1500);
}

#[test]
fn asynchronous_flash_survives_a_power_cut_at_every_operation() {
    survives_every_cut::<4, 512>(Variant { is_async: true, ..BLOCKING }, 1500);
    survives_every_cut::<4, 256>(Variant { is_async: true, window: 3, ..ALL_BEFORE }, 800);
    survives_every_cut::<4, 512>(Variant { is_async: true, ..ELEMENT }, 700);
}

#[test]
fn frames_are_answered_while_asynchronous_flash_works() {
    let upgraded = upgrade::<4, 512>(Variant { is_async: true, ..BLOCKING }, 3000, &[]);
    assert!(upgraded.answered >= upgraded.blocks, "{upgraded:?}");
    assert_eq!(upgrade::<4, 512>(BLOCKING, 3000, &[]).answered, 0);
}

#[test]
fn words_of_every_size_hold_the_file() {
    for variant in [BLOCKING, ELEMENT, ALL_BEFORE] {
        for len in [1, 63, 64, 65, 500] {
            upgrade::<1, 256>(variant, len, &[]);
            upgrade::<2, 256>(variant, len, &[]);
            upgrade::<16, 256>(variant, len, &[]);
            upgrade::<32, 256>(variant, len, &[]);
            upgrade::<64, 256>(variant, len, &[]);
        }
    }
}

#[test]
fn an_image_that_does_not_boot_is_given_up_after_two_attempts() {
    let (file, _) = file(700);
    let entries = [StoreEntry::parse(&file).unwrap()];
    let mut flash = Nor::<4, 512>::new(RECORDS + 2);
    let is_busy = Cell::new(false);
    let mut server = LoneServer::new(&entries, &is_busy);
    let (mut runs, mut applied, mut blocks) = (OLD, Vec::new(), Vec::new());
    for _ in 0..4 {
        let layout = layout(&mut flash);
        flash.power_on(None);
        let watch = Watch { is_off: Rc::clone(&flash.is_off), ..Watch::default() };
        let now = server.now();
        let mut board = TestBoard { server: &mut server, runs: &mut runs, boots: false, watch: &watch };
        let storage = FlashStorage::whole_file(&mut flash, &layout, StructureCheck::new());
        let mut driver = Driver::<_, 0>::start(config(OLD, 1), 0, storage, now);
        for _ in 0..200 {
            if !watch.is_off.get() {
                driver.step(&mut board);
            }
        }
        applied.push(watch.applied.get());
        blocks.push(server.blocks);
    }
    assert_eq!(applied, [1, 1, 0, 0]);
    assert!(blocks.iter().all(|count| *count == blocks[0]), "downloaded once: {blocks:?}");
}

/// Storage that has saved a state before a restart, with the number of loads of the state.
struct Restarted(SavedState, u32);

impl Storage for Restarted {
    fn prepare(&mut self, _: &ImageOffer) -> PrepareResult {
        PrepareResult::Ready
    }
    fn write(&mut self, _: u32, _: &[u8]) -> StoreResult {
        StoreResult::Ok
    }
    fn verify(&mut self, _: &ImageOffer) -> VerifyResult {
        VerifyResult::Valid
    }
}

impl DeviceStorage for Restarted {
    fn load(&mut self) -> SavedState {
        self.1 += 1;
        self.0
    }
}

#[test]
fn the_application_sees_no_client_before_it_has_resumed() {
    let checkpoint = Checkpoint::new(ImageOffer { id: NEW, size: 1000 }, 500);
    let failed = FailedImage::new(FileVersion(1), 77, 2);
    let storage = Restarted(SavedState::new(Some(checkpoint), Some(failed)), 0);
    let mut driver = Driver::<_, 0>::start(config(OLD, 1), 0, storage, Instant::ZERO);
    for _ in 0..2 {
        let client = driver.client();
        assert_eq!(client.checkpoint().map(|checkpoint| checkpoint.offer.id), Some(NEW));
        assert_eq!(client.failed_image(), Some(failed));
    }
    assert_eq!(driver.storage().1, 1, "loads of the state");
}

/// Board with a script of inputs, and a record of sent frames.
struct Scripted {
    inputs: Vec<(Option<Input>, Vec<u8>)>,
    sent: Vec<Vec<u8>>,
    ignored: u32,
    events: Vec<ClientEvent>,
}

impl Scripted {
    /// Returns a board that receives a read of ClusterRevision, a frame of no command, and a lost connection.
    fn new() -> Self {
        let meta = FrameMeta::unicast(LoneServer::ADDRESS);
        let frames = [vec![0x08, 7, 0x00, 0xfd, 0xff], vec![0x09]];
        let mut inputs: Vec<_> =
            frames.map(|frame| (Some(Input::Frame(meta, frame.len())), frame)).into_iter().collect();
        inputs.extend([(Some(Input::ConnectionLost), vec![]), (None, vec![])]);
        inputs.reverse();
        Self { inputs, sent: vec![], ignored: 0, events: vec![] }
    }

    fn next(&mut self, frame: &mut FrameBuffer) -> Option<Input> {
        let (input, bytes) = self.inputs.pop()?;
        frame[..bytes.len()].copy_from_slice(&bytes);
        input
    }

    #[track_caller]
    fn check(&self) {
        let answer = [0x10, 7, 0x01, 0xfd, 0xff, 0x00, 0x21, 0x01, 0x00];
        assert!(self.sent.iter().any(|frame| *frame == answer), "{:x?}", self.sent);
        assert_eq!(self.ignored, 1);
    }
}

impl Board for Scripted {
    fn now(&mut self) -> Instant {
        Instant::ZERO
    }
    fn send(&mut self, _: &Transmit, frame: &[u8]) {
        self.sent.push(frame.to_vec());
    }
    fn receive(&mut self, _: Option<Instant>, frame: &mut FrameBuffer) -> Option<Input> {
        self.next(frame)
    }
    fn apply(&mut self, _: ImageId) -> ApplyResult {
        ApplyResult::Done
    }
    fn on_event(&mut self, event: &ClientEvent) {
        self.events.push(*event);
    }
    fn on_ignored(&mut self, _: ClientIgnored) {
        self.ignored += 1;
    }
}

impl AsyncBoard for Scripted {
    fn now(&mut self) -> Instant {
        Instant::ZERO
    }
    async fn send(&mut self, _: &Transmit, frame: &[u8]) {
        self.sent.push(frame.to_vec());
    }
    async fn receive(&mut self, _: Option<Instant>, frame: &mut FrameBuffer) -> Option<Input> {
        if self.inputs.is_empty() {
            return std::future::pending().await;
        }
        self.next(frame)
    }
    async fn apply(&mut self, _: ImageId) -> ApplyResult {
        ApplyResult::Done
    }
    fn on_event(&mut self, event: &ClientEvent) {
        self.events.push(*event);
    }
    fn on_ignored(&mut self, _: ClientIgnored) {
        self.ignored += 1;
    }
}

#[test]
fn a_driver_answers_reads_of_attributes_and_reports_ignored_frames() {
    let storage = Restarted(SavedState::default(), 0);
    let mut driver = Driver::<_, 0>::start(config(OLD, 1), 0, storage, Instant::ZERO);
    let mut board = Scripted::new();
    while !board.inputs.is_empty() {
        driver.step(&mut board);
    }
    board.check();

    let mut flash = Nor::<4, 512>::new(RECORDS + 1);
    let layout = layout(&mut flash);
    let storage = FlashStorage::whole_file(&mut flash, &layout, NoCheck);
    let mut board = Scripted::new();
    embassy_futures::block_on(async {
        let mut driver = AsyncDriver::<_, 0>::start(config(OLD, 1), 0, storage, Instant::ZERO).await;
        assert_eq!((driver.client().checkpoint(), driver.storage().fault()), (None, None));
        let some_time = async {
            for _ in 0..1000 {
                embassy_futures::yield_now().await;
            }
        };
        embassy_futures::select::select(some_time, driver.run(&mut board)).await;
    });
    board.check();
}

#[test]
fn a_board_without_a_search_declines_the_need_for_a_server() {
    let is_not_found = |board: &Scripted| matches!(board.events[..], [ClientEvent::ServerNotFound(_), ..]);
    let config = ClientConfig::new(Identity::new(OLD), Address::UNKNOWN);
    let storage = Restarted(SavedState::default(), 0);
    let mut board = Scripted::new();
    Driver::<_, 0>::start(config, 0, storage, Instant::ZERO).step(&mut board);
    assert!(is_not_found(&board), "{:?}", board.events);

    let mut flash = Nor::<4, 512>::new(RECORDS + 1);
    let layout = layout(&mut flash);
    let storage = FlashStorage::whole_file(&mut flash, &layout, NoCheck);
    let mut board = Scripted::new();
    embassy_futures::block_on(async {
        let mut driver = AsyncDriver::<_, 0>::start(config, 0, storage, Instant::ZERO).await;
        embassy_futures::select::select(driver.run(&mut board), embassy_futures::yield_now()).await;
    });
    assert!(is_not_found(&board), "{:?}", board.events);
}

/// Stores a whole file by the storage alone, and verifies it by `check`.
fn judgement(file: &[u8], offer: ImageOffer, check: impl Verification) -> VerifyResult {
    let mut flash = Nor::<4, 512>::new(RECORDS + file.len().div_ceil(512));
    let layout = layout(&mut flash);
    let mut storage = FlashStorage::whole_file(&mut flash, &layout, check);
    assert_eq!(storage.prepare(&offer), PrepareResult::Ready);
    for (offset, block) in (0..).step_by(64).zip(file.chunks(64)) {
        assert_eq!(storage.write(offset, block), StoreResult::Ok);
    }
    storage.verify(&offer)
}

fn offer_of(file: &[u8]) -> ImageOffer {
    let image = zigbee_ota::file::Image::parse(file).unwrap();
    ImageOffer { id: image.header().id, size: file.len() as u32 }
}

#[test]
fn each_check_refuses_what_it_says() {
    let (plain, _) = file(700);
    let offer = offer_of(&plain);
    let mut changed = plain.clone();
    changed[200] ^= 1;
    let other = ImageOffer { id: OLD, ..offer };
    assert_eq!(judgement(&plain, offer, StructureCheck::new()), VerifyResult::Valid);
    assert_eq!(judgement(&changed, offer, StructureCheck::new()), VerifyResult::Valid);
    assert_eq!(judgement(&plain, other, StructureCheck::new()), VerifyResult::Invalid);
    assert_eq!(judgement(&plain, other, NoCheck), VerifyResult::Valid);

    let mut sealed = vec![0; plain.len() + IntegrityCode::LEN];
    IntegrityCode::append(&plain, &mut sealed).unwrap();
    let offer = offer_of(&sealed);
    assert_eq!(judgement(&sealed, offer, IntegrityCheck::new()), VerifyResult::Valid);
    assert_eq!(judgement(&plain, offer_of(&plain), IntegrityCheck::new()), VerifyResult::Invalid);
    sealed[200] ^= 1;
    assert_eq!(judgement(&sealed, offer, IntegrityCheck::new()), VerifyResult::Invalid);
}

#[test]
fn an_image_without_the_element_to_keep_is_invalid() {
    let (file, _) = file(700);
    let offer = offer_of(&file);
    for (tag, expected) in [(Tag::UPGRADE_IMAGE, VerifyResult::Valid), (Tag(0xf002), VerifyResult::Invalid)] {
        let mut flash = Nor::<4, 512>::new(RECORDS + 2);
        let layout = layout(&mut flash);
        let mut storage = FlashStorage::element(&mut flash, &layout, tag);
        assert_eq!(storage.prepare(&offer), PrepareResult::Ready);
        for (offset, block) in (0..).step_by(64).zip(file.chunks(64)) {
            assert_eq!(storage.write(offset, block), StoreResult::Ok);
        }
        assert_eq!(storage.verify(&offer), expected, "{tag:?}");
    }
}

#[test]
fn only_files_of_the_makers_signer_are_accepted() {
    let signed = include_bytes!("../data/signed_files/suite1.ota");
    let key = PublicKey::from_bytes(&[
        0x03, 0x04, 0x4e, 0x93, 0x4f, 0x8f, 0xf7, 0x16, 0xcc, 0x44, 0xed, 0xef, 0xc8, 0x33, 0x28, 0x6c, 0x72,
        0x13, 0x28, 0xd8, 0xcc, 0xfd,
    ]);
    let authorities = [Authority { issuer: Eui64(0x1122_3344_5566_7701), key: key.unwrap() }];
    let check = |signer| {
        let signers = [Eui64(signer)];
        let check = SignatureCheck::new(VerifyPolicy::required(&signers, &authorities));
        judgement(signed, offer_of(signed), check)
    };
    assert_eq!(check(0x0012_4b00_aabb_ccdd), VerifyResult::Valid);
    assert_eq!(check(1), VerifyResult::Invalid);
    let (plain, _) = file(10);
    let check = SignatureCheck::new(VerifyPolicy::required(&[], &authorities));
    assert_eq!(judgement(&plain, offer_of(&plain), check), VerifyResult::Invalid);
}

#[test]
fn faults_say_what_failed_and_where() {
    let (file, _) = file(700);
    let mut flash = Nor::<4, 512>::new(RECORDS + 2);
    let layout = layout(&mut flash);
    let mut storage = FlashStorage::whole_file(&mut flash, &layout, StructureCheck::new());
    let offer = offer_of(&file);
    assert_eq!(storage.prepare(&ImageOffer { size: 2000, ..offer }), PrepareResult::Fault);
    let error = SlotError::TooLarge { needed: 2000, size: 1024 };
    assert_eq!(storage.fault(), Some(FlashFault::Slot(error)));
    assert_eq!(storage.prepare(&offer), PrepareResult::Ready);
    storage.flash().power_on(Some(0));
    assert_eq!(storage.write(0, &file[..64]), StoreResult::Fault);
    assert_eq!(storage.fault(), Some(FlashFault::Erase(0x400)));
    storage.flash().power_on(Some(1));
    assert_eq!(storage.prepare(&offer), PrepareResult::Ready);
    assert_eq!(storage.write(0, &file[..64]), StoreResult::Fault);
    assert_eq!(storage.fault(), Some(FlashFault::Write(0x400)));
    assert_eq!(storage.prepare(&offer), PrepareResult::Ready);
    assert_eq!(storage.verify(&offer), VerifyResult::Invalid);
}

/// Storage in which a whole file has arrived, for each operation that fails on flash without power.
fn whole_storage<'f>(
    flash: &'f mut Nor<4, 512>,
    file: &[u8],
) -> FlashStorage<&'f mut Nor<4, 512>, StructureCheck> {
    flash.power_on(None);
    let layout = layout(flash);
    let mut storage = FlashStorage::whole_file(flash, &layout, StructureCheck::new());
    assert_eq!(storage.prepare(&offer_of(file)), PrepareResult::Ready);
    for (offset, block) in (0..).step_by(64).zip(file.chunks(64)) {
        assert_eq!(storage.write(offset, block), StoreResult::Ok);
    }
    assert_eq!(storage.fault(), None);
    storage.flash().is_off.set(true);
    storage
}

#[test]
fn faults_of_reads_and_of_records_are_reported_too() {
    // The traits have methods of the same names.
    use zigbee_ota::device::AsyncDeviceStorage;

    let (file, _) = file(700);
    let (offer, mut flash) = (offer_of(&file), Nor::<4, 512>::new(RECORDS + 2));
    let state = SavedState::new(Some(Checkpoint::new(offer, 600)), None);

    let mut storage = whole_storage(&mut flash, &file);
    assert_eq!(Storage::verify(&mut storage, &offer), VerifyResult::Invalid);
    assert_eq!(storage.fault(), Some(FlashFault::Read(0x400)));
    let mut storage = whole_storage(&mut flash, &file);
    assert_eq!(DeviceStorage::load(&mut storage), SavedState::default());
    assert_eq!(storage.fault(), Some(FlashFault::Read(0)));
    let mut storage = whole_storage(&mut flash, &file);
    DeviceStorage::save(&mut storage, &state);
    assert_eq!(storage.fault(), Some(FlashFault::Erase(0)));
    // The record that was not written is written as soon as that is possible.
    storage.flash().power_on(None);
    DeviceStorage::save(&mut storage, &state);
    let layout = layout(&mut flash);
    let mut restarted = FlashStorage::whole_file(&mut flash, &layout, NoCheck);
    let saved = DeviceStorage::load(&mut restarted).checkpoint.map(|checkpoint| checkpoint.received);
    assert_eq!(saved, Some(512));

    embassy_futures::block_on(async {
        let mut storage = whole_storage(&mut flash, &file);
        assert_eq!(AsyncDeviceStorage::verify(&mut storage, &offer).await, VerifyResult::Invalid);
        assert_eq!(storage.fault(), Some(FlashFault::Read(0x400)));
        let mut storage = whole_storage(&mut flash, &file);
        assert_eq!(AsyncDeviceStorage::load(&mut storage).await, SavedState::default());
        assert_eq!(storage.fault(), Some(FlashFault::Read(0)));
        let mut storage = whole_storage(&mut flash, &file);
        AsyncDeviceStorage::save(&mut storage, &state).await;
        assert_eq!(storage.fault(), Some(FlashFault::Erase(0)));
        let mut storage = whole_storage(&mut flash, &file);
        let too_large = ImageOffer { size: 2000, ..offer };
        assert_eq!(AsyncDeviceStorage::prepare(&mut storage, &too_large).await, PrepareResult::Fault);
        let error = SlotError::TooLarge { needed: 2000, size: 1024 };
        assert_eq!(storage.fault(), Some(FlashFault::Slot(error)));
        assert_eq!(AsyncDeviceStorage::prepare(&mut storage, &offer).await, PrepareResult::Ready);
        assert_eq!(AsyncDeviceStorage::write(&mut storage, 0, &file[..64]).await, StoreResult::Fault);
        assert_eq!(storage.fault(), Some(FlashFault::Erase(0x400)));
    });
}

#[test]
fn a_record_is_written_when_the_download_reaches_the_next_sector() {
    let mut flash = Nor::<4, 512>::new(RECORDS + 2);
    let layout = layout(&mut flash);
    let mut storage = FlashStorage::whole_file(&mut flash, &layout, NoCheck);
    let offer = ImageOffer { id: NEW, size: 1000 };
    assert_eq!(storage.prepare(&offer), PrepareResult::Ready);
    // A record has 32 words of 4 bytes; the first record follows the erasure of a sector.
    for (received, operations) in [(0, 33), (64, 33), (448, 33), (512, 65), (576, 65), (960, 65), (1000, 97)]
    {
        DeviceStorage::save(&mut storage, &SavedState::new(Some(Checkpoint::new(offer, received)), None));
        assert_eq!(storage.flash().operations, operations, "{received} bytes");
    }
}

/// A new version of the firmware may use another layout of the same flash than the version that saved the state.
#[test]
fn a_checkpoint_of_another_layout_is_resumed_where_this_layout_can() {
    let failed = Some(FailedImage::new(FileVersion(1), 77, 1));
    let resumed = |sector: usize, end: u32| {
        let mut flash = Nor::<4, 512>::new(8);
        let layout = |erase: usize, end: u32| {
            FlashLayout::new(FlashUnits { read: 4, write: 4, erase }, 0x1000, 0x800..end, 0..0x800).unwrap()
        };
        let before = layout(512, 0x1000);
        let mut storage = FlashStorage::whole_file(&mut flash, &before, NoCheck);
        let offer = ImageOffer { id: NEW, size: 2000 };
        assert_eq!(storage.prepare(&offer), PrepareResult::Ready);
        DeviceStorage::save(&mut storage, &SavedState::new(Some(Checkpoint::new(offer, 1600)), failed));
        let mut storage = FlashStorage::whole_file(&mut flash, &layout(sector, end), NoCheck);
        let state = DeviceStorage::load(&mut storage);
        assert_eq!(state.failed_image, failed);
        state.checkpoint.map(|checkpoint| checkpoint.received)
    };
    assert_eq!(resumed(512, 0x1000), Some(1536));
    assert_eq!(resumed(1024, 0x1000), Some(1024), "a sector begins at 1024");
    assert_eq!(resumed(512, 0xe00), None, "the slot is too small for the file");
}

#[test]
fn a_decision_may_be_left_for_later_and_a_refusal_is_kept() {
    struct Choosy<'w, 'a> {
        inner: TestBoard<'w, 'a>,
        decisions: Vec<Decision>,
        ticket: Option<zigbee_ota::client::Ticket>,
    }
    impl Board for Choosy<'_, '_> {
        fn now(&mut self) -> Instant {
            Board::now(&mut self.inner)
        }
        fn send(&mut self, transmit: &Transmit, frame: &[u8]) {
            self.inner.server.send(transmit, frame);
        }
        fn receive(&mut self, deadline: Option<Instant>, frame: &mut FrameBuffer) -> Option<Input> {
            self.inner.take_input(deadline.or(Some(self.inner.server.now())), frame)
        }
        fn apply(&mut self, image: ImageId) -> ApplyResult {
            self.inner.boot(image)
        }
        fn decide(&mut self, ticket: zigbee_ota::client::Ticket, _: &ImageOffer) -> Decision {
            self.ticket = Some(ticket);
            self.decisions.pop().unwrap()
        }
        fn on_event(&mut self, event: &ClientEvent) {
            self.inner.see(event);
        }
    }
    let (file, _) = file(300);
    let entries = [StoreEntry::parse(&file).unwrap()];
    for (decision, expected) in [(Decision::Refuse, Some(Outcome::Refused)), (Decision::Later, None)] {
        let mut flash = Nor::<4, 512>::new(RECORDS + 1);
        let layout = layout(&mut flash);
        let is_busy = Cell::new(false);
        let (mut server, mut runs, watch) = (LoneServer::new(&entries, &is_busy), OLD, Watch::default());
        let inner = TestBoard { server: &mut server, runs: &mut runs, boots: true, watch: &watch };
        let mut board = Choosy { inner, decisions: vec![decision], ticket: None };
        let storage = FlashStorage::whole_file(&mut flash, &layout, NoCheck);
        let mut driver = Driver::<_, 0>::start(config(OLD, 1), 0, storage, Instant::ZERO);
        while board.ticket.is_none() {
            driver.step(&mut board);
        }
        assert_eq!(watch.ended.get(), expected);
        if let Some(ticket) = board.ticket.filter(|_| decision == Decision::Later) {
            driver.client().accept(ticket).unwrap();
            while watch.ended.get().is_none() {
                driver.step(&mut board);
            }
            assert_eq!(watch.ended.get(), Some(Outcome::Upgraded(NEW)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn words_are_whole_and_in_order_however_the_file_is_cut(
        len in 1_usize..600,
        cuts in prop::collection::vec(1_usize..80, 1..8),
    ) {
        let (file, firmware) = file(len);
        let offer = offer_of(&file);
        let units = FlashUnits { read: 1, write: 4, erase: 256 };
        let layout = FlashLayout::new(units, 0x1000, 0x400..0x1000, 0..0x200).unwrap();
        for (keep, kept) in [(Keep::File, &file), (Keep::Element(Tag::UPGRADE_IMAGE), &firmware)] {
            let mut slot = Slot::new(&layout, keep);
            slot.begin(&offer).unwrap();
            let (mut stored, mut rest, mut erased) = (Vec::new(), &file[..], 0x400);
            for cut in cuts.iter().cycle() {
                let offset = (file.len() - rest.len()) as u32;
                let (block, after) = rest.split_at(rest.len().min(*cut));
                rest = after;
                let mut write = slot.write(offset, block).unwrap();
                while let Some(job) = write.next_job() {
                    match job {
                        FlashJob::Erase { from, to } => {
                            prop_assert_eq!((from, to % 256), (erased, 0));
                            erased = to;
                        }
                        FlashJob::Write { at, bytes } => {
                            prop_assert_eq!((at as usize, bytes.len() % 4), (0x400 + stored.len(), 0));
                            prop_assert!(at + bytes.len() as u32 <= erased);
                            stored.extend_from_slice(bytes);
                        }
                    }
                }
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert!(slot.is_whole(&offer));
            prop_assert!(stored.len() - kept.len() < 4 && stored.starts_with(kept));
        }
    }
}

#[test]
fn a_slot_refuses_blocks_of_which_it_can_make_no_words() {
    let units = FlashUnits { read: 1, write: 4, erase: 256 };
    let layout = FlashLayout::new(units, 0x1000, 0x400..0x1000, 0..0x200).unwrap();
    let mut slot = Slot::new(&layout, Keep::File);
    assert_eq!(slot.write(0, &[0; 64]).unwrap_err(), SlotError::NoDownload);
    slot.begin(&ImageOffer { id: NEW, size: 300 }).unwrap();
    let _ = slot.write(64, &[0; 64]).unwrap();
    assert_eq!(slot.write(2, &[0; 4]).unwrap_err(), SlotError::OutOfOrder { offset: 2, expected: 64 });
    let mut slot = Slot::new(&layout, Keep::Element(Tag::UPGRADE_IMAGE));
    slot.begin(&ImageOffer { id: NEW, size: 300 }).unwrap();
    assert_eq!(slot.write(64, &[0; 4]).unwrap_err(), SlotError::OutOfOrder { offset: 64, expected: 0 });
    assert!(matches!(slot.write(0, &[0; 64]).unwrap_err(), SlotError::File(_)));
}

#[test]
fn a_slot_holds_what_is_exactly_as_large_as_the_slot() {
    let units = FlashUnits { read: 1, write: 4, erase: 256 };
    let layout = FlashLayout::new(units, 0x1000, 0x400..0x1000, 0..0x200).unwrap();
    for (size, fits) in [(3072, true), (3073, false)] {
        let error = SlotError::TooLarge { needed: size, size: 3072 };
        let offer = ImageOffer { id: NEW, size };
        let mut slot = Slot::new(&layout, Keep::File);
        assert_eq!(slot.begin(&offer), if fits { Ok(None) } else { Err(error) });
        assert_eq!(slot.write(0, &[0; 64]).is_ok(), fits);
        let checkpoint = Checkpoint::new(offer, 300);
        assert_eq!(slot.resume(checkpoint, None).is_some(), fits);

        let offer = ImageOffer { id: NEW, size: 4000 };
        let mut slot = Slot::new(&layout, Keep::Element(Tag::UPGRADE_IMAGE));
        let kept = Some(KeptRange { start: 71, len: size });
        assert_eq!(slot.resume(Checkpoint::new(offer, 300), kept).is_some(), fits);
        let (file, _) = file(size as usize);
        slot.begin(&offer_of(&file)).unwrap();
        assert_eq!(slot.write(0, &file[..100]).map(drop), if fits { Ok(()) } else { Err(error) });
    }
}

#[test]
fn each_sector_is_erased_once() {
    let units = FlashUnits { read: 1, write: 4, erase: 256 };
    let layout = FlashLayout::new(units, 0x1000, 0x400..0x1000, 0..0x200).unwrap();
    let mut slot = Slot::new(&layout, Keep::File);
    slot.begin(&ImageOffer { id: NEW, size: 700 }).unwrap();
    for (offset, erasure) in [(0, Some((0x400, 0x500))), (128, None), (256, Some((0x500, 0x600)))] {
        let mut write = slot.write(offset, &[7; 128]).unwrap();
        if let Some((from, to)) = erasure {
            assert_eq!(write.next_job(), Some(FlashJob::Erase { from, to }));
        }
        for at in [0x400 + offset, 0x440 + offset] {
            assert_eq!(write.next_job(), Some(FlashJob::Write { at, bytes: &[7; 64] }));
        }
        assert_eq!(write.next_job(), None);
    }
}

#[test]
fn a_slot_sets_what_the_client_needs_to_know_about_it() {
    let slot = |word: usize, keep: Keep| {
        let units = FlashUnits { read: 1, write: word, erase: 256 };
        Slot::new(&FlashLayout::new(units, 0x1000, 0x400..0x1000, 0..0x200).unwrap(), keep)
    };
    let window = |window: u8| TransferMode::Blocks { window: window.try_into().unwrap() };
    let mut given = config(OLD, 3);
    given.max_block_size = 32.try_into().unwrap();
    let configured = |slot: Slot| {
        let config = slot.configure(given);
        (config.write_size.get(), config.transfer, config.max_file_size)
    };
    assert_eq!(configured(slot(4, Keep::File)), (4, window(3), 3072));
    assert_eq!(configured(slot(32, Keep::File)), (32, window(3), 3072));
    // No block contains a whole word, so that the words are put together from blocks in the order of the file.
    assert_eq!(configured(slot(64, Keep::File)), (1, window(1), 3072));
    // The slot keeps only a part of the file, so that the file may be larger than the slot.
    assert_eq!(configured(slot(4, Keep::Element(Tag::UPGRADE_IMAGE))), (1, window(1), given.max_file_size));
}

#[test]
fn all_sectors_are_erased_before_the_first_write_or_the_resumed_one() {
    let units = FlashUnits { read: 1, write: 4, erase: 256 };
    let layout = FlashLayout::new(units, 0x1000, 0x400..0x1000, 0..0x200).unwrap();
    let layout = layout.with_erase(EraseMode::AllBefore);
    let offer = ImageOffer { id: NEW, size: 700 };
    let mut slot = Slot::new(&layout, Keep::File);
    assert_eq!(slot.begin(&offer), Ok(Some(FlashJob::Erase { from: 0x400, to: 0x700 })));
    let mut write = slot.write(0, &[7; 64]).unwrap();
    assert_eq!(write.next_job(), Some(FlashJob::Write { at: 0x400, bytes: &[7; 64] }));
    assert_eq!(write.next_job(), None);
    let checkpoint = |received| Checkpoint::new(offer, received);
    let mut slot = Slot::new(&layout, Keep::File);
    let rest = FlashJob::Erase { from: 0x500, to: 0x700 };
    assert_eq!(slot.resume(checkpoint(300), None), Some((checkpoint(256), Some(rest))));
    let mut slot = Slot::new(&layout, Keep::File);
    assert_eq!(slot.resume(checkpoint(700), None), Some((checkpoint(700), None)));
    let too_large = Checkpoint::new(ImageOffer { size: 0xc01, ..offer }, 300);
    assert_eq!(slot.resume(too_large, None), None);
}

#[test]
fn records_fill_a_half_of_the_log_before_the_other_half_is_erased() {
    let units = FlashUnits { read: 1, write: 4, erase: 256 };
    let layout = FlashLayout::new(units, 0x1000, 0x400..0x1000, 0..0x200).unwrap();
    let mut log = RecordLog::new(&layout);
    assert_eq!(log.places().collect::<Vec<_>>(), [0, 128, 256, 384]);
    let halves = [Some((0, 0x100)), None, Some((0x100, 0x200)), None];
    for (at, erasure) in [0, 128, 256, 384].into_iter().zip(halves).cycle().take(10) {
        let write = log.write(&[7; 120]);
        assert_eq!(write.erasure(), erasure.map(|(from, to)| FlashJob::Erase { from, to }));
        assert!(matches!(write.record(), FlashJob::Write { at: place, .. } if place == at));
        log.written(&write);
    }
}

#[test]
fn the_newest_record_counts_through_many_sectors_and_restarts() {
    let mut nor = Nor::<4, 512>::new(4);
    let layout = FlashLayout::of(&&mut nor, 0x400..0x800, 0..0x400).unwrap();
    let recall = |nor: &Nor<4, 512>| {
        let (mut log, mut newest) = (RecordLog::new(&layout), None);
        for at in log.places() {
            let record = nor.bytes[at as usize..][..RECORD_LEN].try_into().unwrap();
            newest = log.see(at, record).or(newest);
        }
        (log, newest)
    };
    let (mut log, newest) = recall(&nor);
    assert_eq!(newest, None);
    for number in 0..100_u32 {
        let state = SavedState::new(Some(Checkpoint::new(ImageOffer { id: NEW, size: 5000 }, number)), None);
        let payload = state.to_payload(None);
        let (_, last) = recall(&nor);
        let write = log.write(&payload);
        for job in write.erasure().into_iter().chain([write.record()]) {
            match job {
                FlashJob::Erase { from, to } => {
                    (&mut nor).erase(from, to).unwrap();
                    assert_eq!(recall(&nor).1, last, "the last record counts until the next one is complete");
                }
                FlashJob::Write { at, bytes } => (&mut nor).write(at, bytes).unwrap(),
            }
        }
        log.written(&write);
        assert_eq!(recall(&nor).1, Some(payload));
        if number % 3 == 0 && number > 50 {
            log = recall(&nor).0;
        }
    }
}

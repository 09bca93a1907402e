//! Device with the drivers of the module `zigbee_ota::device`, for blocking and for asynchronous flash: the board of
//! the device, and a run of the device from power-on until the end of the upgrade or a power failure.

use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;

use embassy_futures::select::select;
use embassy_futures::yield_now;
use zigbee_ota::ImageId;
use zigbee_ota::aps::Transmit;
use zigbee_ota::client::{ApplyResult, Client, ClientConfig, ClientEvent, Identity, Outcome};
use zigbee_ota::device::{
    AsyncBoard, AsyncDriver, Board, Driver, FlashLayout, FlashStorage, FrameBuffer, Input, StructureCheck,
};
use zigbee_ota::file::Tag;
use zigbee_ota::time::Instant;
use zigbee_ota_sim::{AsyncNor, LoneServer, Nor};

use crate::sample_file::SERVED;

/// Address of the image slot in flash, after two sectors for records.
pub const SLOT: u32 = 2 * Nor::SECTOR as u32;

/// Reason why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Upgrade(Outcome),
    PowerFailure,
    /// No event is scheduled any more, so the simulation cannot continue.
    Stalled,
}

/// Board in a network with one server. The image that the boot loader starts survives a power failure.
pub struct Lamp<'w, 'a> {
    server: &'w mut LoneServer<'a>,
    running: &'w mut ImageId,
    progress: &'w Progress,
}

/// Progress of a run, by which the caller decides whether the run has ended.
#[derive(Default)]
struct Progress {
    ended: Cell<Option<Outcome>>,
    /// Turns of the loop after the end of the upgrade. In the first of these turns, the device saves that there is no
    /// download to resume.
    turns_after_end: Cell<u32>,
    is_stalled: Cell<bool>,
}

impl Progress {
    /// Creates the progress of a run in which the device starts with this running image.
    fn of(running: ImageId) -> Self {
        let ended = (running == SERVED).then_some(Outcome::Upgraded(SERVED));
        Self { ended: Cell::new(ended), ..Self::default() }
    }

    fn end(&self, is_off: bool) -> Option<End> {
        match self.ended.get() {
            _ if is_off => Some(End::PowerFailure),
            Some(outcome) if self.turns_after_end.get() >= 2 => Some(End::Upgrade(outcome)),
            _ => self.is_stalled.get().then_some(End::Stalled),
        }
    }
}

impl Board for Lamp<'_, '_> {
    fn now(&mut self) -> Instant {
        self.server.now()
    }

    fn send(&mut self, transmit: &Transmit, frame: &[u8]) {
        self.server.send(transmit, frame);
    }

    fn receive(&mut self, deadline: Option<Instant>, frame: &mut FrameBuffer) -> Option<Input> {
        let received = self.server.receive(deadline, frame);
        self.progress.is_stalled.set(self.server.is_stalled);
        received.map(|(meta, len)| Input::Frame(meta, len))
    }

    fn apply(&mut self, image: ImageId) -> ApplyResult {
        *self.running = image;
        ApplyResult::Done
    }

    fn on_event(&mut self, event: &ClientEvent) {
        if let ClientEvent::Ended(outcome) = event {
            self.progress.ended.set(Some(*outcome));
        }
    }

    fn on_turn<const RANGES: usize>(&mut self, _: &mut Client<RANGES>) {
        if self.progress.ended.get().is_some() {
            self.progress.turns_after_end.set(self.progress.turns_after_end.get() + 1);
        }
    }
}

impl AsyncBoard for Lamp<'_, '_> {
    fn now(&mut self) -> Instant {
        Board::now(self)
    }

    async fn send(&mut self, transmit: &Transmit, frame: &[u8]) {
        Board::send(self, transmit, frame);
    }

    async fn receive(&mut self, deadline: Option<Instant>, frame: &mut FrameBuffer) -> Option<Input> {
        // Firmware waits here for the next frame from the radio or for the timer of the client. The simulation never
        // waits, so it only yields to other tasks.
        yield_now().await;
        Board::receive(self, deadline, frame)
    }

    async fn apply(&mut self, image: ImageId) -> ApplyResult {
        Board::apply(self, image)
    }

    fn on_event(&mut self, event: &ClientEvent) {
        Board::on_event(self, event);
    }

    fn on_turn<const RANGES: usize>(&mut self, client: &mut Client<RANGES>) {
        Board::on_turn(self, client);
    }
}

fn config(running: ImageId) -> ClientConfig {
    ClientConfig::new(Identity::new(running), LoneServer::ADDRESS)
}

/// Runs the device with blocking flash: the device does nothing else during a flash operation.
pub fn live(server: &mut LoneServer<'_>, flash: &mut Nor, running: &mut ImageId, keeps_file: bool) -> End {
    let layout = FlashLayout::of(flash, SLOT..flash.contents().len() as u32, 0..SLOT).expect("whole sectors");
    let (now, config, is_off) = (server.now(), config(*running), flash.is_off());
    let progress = Progress::of(*running);
    let board = &mut Lamp { server, running, progress: &progress };
    if keeps_file {
        let storage = FlashStorage::whole_file(flash, &layout, StructureCheck::new());
        let mut driver = Driver::<_, 0>::start(config, 0, storage, now);
        run_until(|| progress.end(is_off.get()), || driver.step(board))
    } else {
        let storage = FlashStorage::element(flash, &layout, Tag::UPGRADE_IMAGE);
        let mut driver = Driver::<_, 0>::start(config, 0, storage, now);
        run_until(|| progress.end(is_off.get()), || driver.step(board))
    }
}

fn run_until(end: impl Fn() -> Option<End>, mut step: impl FnMut()) -> End {
    loop {
        if let Some(end) = end() {
            return end;
        }
        step();
    }
}

/// Runs the device with asynchronous flash: the device answers frames during a flash operation, and time passes.
pub async fn live_async(server: &mut LoneServer<'_>, flash: &mut Nor, running: &mut ImageId) -> End {
    let (end_of_flash, is_off) = (flash.contents().len() as u32, flash.is_off());
    let flash = AsyncNor(flash);
    let layout = FlashLayout::of_async(&flash, SLOT..end_of_flash, 0..SLOT).expect("whole sectors");
    let storage = FlashStorage::whole_file(flash, &layout, StructureCheck::new());
    let (now, config, progress) = (server.now(), config(*running), Progress::of(*running));
    let mut driver = AsyncDriver::<_, 0>::start(config, 0, storage, now).await;
    let mut board = Lamp { server, running, progress: &progress };
    let ended = poll_fn(|context| {
        context.waker().wake_by_ref();
        progress.end(is_off.get()).map_or(Poll::Pending, Poll::Ready)
    });
    match select(ended, driver.run(&mut board)).await {
        embassy_futures::select::Either::First(end) => end,
    }
}

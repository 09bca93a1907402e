//! Device on the embassy executor with asynchronous NOR flash, upgraded by a simulated server. The code of the device
//! is a board and the start of the driver; everything else is in the module `zigbee_ota::device`.
//!
//! `cargo run --example device` downloads an image of 20 KB, verifies its integrity code, and prints the events. Exit
//! status 0 when the device runs the new image, 1 when not.

use std::cell::Cell;
use std::process::ExitCode;
use std::rc::Rc;

use embassy_executor::Executor;
use embassy_futures::yield_now;
use zigbee_ota::ImageId;
use zigbee_ota::aps::Transmit;
use zigbee_ota::client::{ApplyResult, ClientConfig, ClientEvent, Identity, Outcome};
use zigbee_ota::device::{
    AsyncBoard, AsyncDriver, FlashLayout, FlashStorage, FrameBuffer, Input, IntegrityCheck,
};
use zigbee_ota::server::StoreEntry;
use zigbee_ota::signature::integrity::IntegrityCode;
use zigbee_ota::time::Instant;
use zigbee_ota_sim::{AsyncNor, LoneServer, Nor, file_of};

#[path = "../common/output_lines.rs"]
mod output_lines;

/// Number of bytes of flash for records: two sectors. The six sectors after them are for the image.
const RECORDS: u32 = 2 * Nor::SECTOR as u32;
const FLASH: u32 = 8 * Nor::SECTOR as u32;

/// Radio, clock and boot loader of the device.
struct Lamp<'a> {
    network: LoneServer<'a>,
    outcome: Rc<Cell<Option<Outcome>>>,
}

impl AsyncBoard for Lamp<'_> {
    fn now(&mut self) -> Instant {
        self.network.now()
    }

    async fn send(&mut self, transmit: &Transmit, frame: &[u8]) {
        self.network.send(transmit, frame);
    }

    async fn receive(&mut self, deadline: Option<Instant>, frame: &mut FrameBuffer) -> Option<Input> {
        // Firmware waits here for a frame from the radio or for the deadline. The simulation never waits, so it only
        // yields to other tasks.
        yield_now().await;
        self.network.receive(deadline, frame).map(|(meta, len)| Input::Frame(meta, len))
    }

    async fn apply(&mut self, _: ImageId) -> ApplyResult {
        // Real firmware passes the image to the boot loader here, and restarts.
        ApplyResult::Done
    }

    fn on_event(&mut self, event: &ClientEvent) {
        output_lines::line(event);
        if let ClientEvent::Ended(outcome) = event {
            self.outcome.set(Some(*outcome));
        }
    }
}

/// Runs the device in a network with a server that has an image for the device.
#[embassy_executor::task]
async fn live(outcome: Rc<Cell<Option<Outcome>>>) {
    let image = file_of(20_000, 0);
    let mut file = vec![0; image.len() + IntegrityCode::LEN];
    IntegrityCode::append(&image, &mut file).expect("the room was measured");
    let entries = [StoreEntry::parse(&file).expect("the file was just written")];
    let mut flash = Nor::new(FLASH as usize / Nor::SECTOR);
    let is_busy = flash.is_busy();
    let mut lamp = Lamp { network: LoneServer::new(&entries, &is_busy), outcome };

    let flash = AsyncNor(&mut flash);
    let layout = FlashLayout::of_async(&flash, RECORDS..FLASH, 0..RECORDS).expect("whole sectors");
    let storage = FlashStorage::whole_file(flash, &layout, IntegrityCheck::new());
    let config = ClientConfig::new(Identity::new(ImageId::new(0x1001, 0x00ab, 1)), LoneServer::ADDRESS);
    let mut driver = AsyncDriver::<_, 0>::start(config, 0x5eed, storage, lamp.now()).await;
    driver.run(&mut lamp).await;
}

fn main() -> ExitCode {
    let outcome = Rc::new(Cell::new(None));
    let of_task = Rc::clone(&outcome);
    // Executors of embassy never return.
    let executor = Box::leak(Box::new(Executor::new()));
    executor.run_until(
        |spawner| spawner.spawn(live(of_task).expect("the first task")),
        || outcome.get().is_some(),
    );
    if let Some(Outcome::Upgraded(_)) = outcome.get() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

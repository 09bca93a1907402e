//! Storage of a device on the mock flash of the crate `sequential-storage`: its words are written once, its power fails
//! after any number of bytes, and it refuses buffers that are not aligned.
#![cfg(test)]

use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;

use embassy_futures::select::select;
use embassy_futures::{block_on, yield_now};
use sequential_storage::mock_flash::{MockFlashBase, WriteCountCheck};
use zigbee_ota::ImageId;
use zigbee_ota::aps::Transmit;
use zigbee_ota::client::{ApplyResult, ClientConfig, ClientEvent, Identity, Outcome};
use zigbee_ota::device::{
    AsyncBoard, AsyncDeviceStorage, AsyncDriver, EraseMode, FlashLayout, FlashStorage, FrameBuffer, Input,
    StructureCheck,
};
use zigbee_ota::file::Tag;
use zigbee_ota::server::StoreEntry;
use zigbee_ota::time::Instant;
use zigbee_ota_sim::{LoneServer, file_of};

/// Eight sectors of 256 bytes, the first two for records.
type Flash = MockFlashBase<8, 4, 64>;

const RECORDS: u32 = 512;
const END: u32 = 2048;
const OLD: ImageId = ImageId::new(0x1001, 0x00ab, 1);

struct Board<'w, 'a> {
    server: &'w mut LoneServer<'a>,
    ended: &'w Cell<Option<Outcome>>,
}

impl AsyncBoard for Board<'_, '_> {
    fn now(&mut self) -> Instant {
        self.server.now()
    }

    async fn send(&mut self, transmit: &Transmit, frame: &[u8]) {
        self.server.send(transmit, frame);
    }

    async fn receive(&mut self, deadline: Option<Instant>, frame: &mut FrameBuffer) -> Option<Input> {
        yield_now().await;
        self.server.receive(deadline, frame).map(|(meta, len)| Input::Frame(meta, len))
    }

    async fn apply(&mut self, _: ImageId) -> ApplyResult {
        ApplyResult::Done
    }

    fn on_event(&mut self, event: &ClientEvent) {
        if let ClientEvent::Ended(outcome) = event {
            self.ended.set(Some(*outcome));
        }
    }
}

async fn run(storage: impl AsyncDeviceStorage, server: &mut LoneServer<'_>) -> Option<Outcome> {
    let ended = Cell::new(None);
    let config = ClientConfig::new(Identity::new(OLD), LoneServer::ADDRESS);
    let now = server.now();
    let mut driver = AsyncDriver::<_, 0>::start(config, 0, storage, now).await;
    let mut board = Board { server, ended: &ended };
    let end = poll_fn(|context| {
        context.waker().wake_by_ref();
        if ended.get().is_some() { Poll::Ready(()) } else { Poll::Pending }
    });
    select(end, driver.run(&mut board)).await;
    ended.get()
}

/// Upgrades a device whose flash fails once, after this number of bytes.
fn upgrade(bytes: u32, erase: EraseMode, keeps_file: bool) {
    let file = file_of(1000, 0);
    let entries = [StoreEntry::parse(&file).unwrap()];
    let is_busy = Cell::new(false);
    let mut server = LoneServer::new(&entries, &is_busy);
    let mut flash = Flash::new(WriteCountCheck::OnceOnly, Some(bytes), true);
    let kept = if keeps_file { &file[..] } else { &file[62..] };
    // The flash has power again after its one failure; what failed ends the upgrade, or only costs a record.
    for attempt in 0.. {
        assert!(attempt < 3, "{bytes}");
        let layout = FlashLayout::of_async(&flash, RECORDS..END, 0..RECORDS).unwrap().with_erase(erase);
        server.lose_frames();
        let outcome = block_on(async {
            if keeps_file {
                run(FlashStorage::whole_file(&mut flash, &layout, StructureCheck::new()), &mut server).await
            } else {
                run(FlashStorage::element(&mut flash, &layout, Tag::UPGRADE_IMAGE), &mut server).await
            }
        });
        if let Some(Outcome::Upgraded(_)) = outcome {
            break;
        }
    }
    assert!(flash.as_bytes()[RECORDS as usize..].starts_with(kept), "{bytes}");
}

#[test]
fn a_device_survives_a_failure_after_any_byte() {
    for bytes in 0..3500 {
        upgrade(bytes, EraseMode::AsReached, bytes % 2 == 0);
        upgrade(bytes, EraseMode::AllBefore, bytes % 2 == 1);
    }
}

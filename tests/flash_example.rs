//! Tests of the example `flash`: power failures at a sample of the operations that the example tries exhaustively.

use proptest::prelude::*;
use zigbee_ota::client::{Checkpoint, CheckpointStage};
use zigbee_ota::zcl::ImageOffer;

use device::SECTOR;
use power_cut_test::{Variant, try_out};
use settings_store::{Journal, RECORD, Settings, Upgrade};
use simulated_server::{DEVICE_RUNS, LEAST, SERVED};
use slot_layout::{Keep, SlotLayout, Span};

#[path = "../examples/flash/device.rs"]
mod device;
#[path = "../examples/flash/device_loops.rs"]
mod device_loops;
#[path = "../examples/flash/power_cut_test.rs"]
mod power_cut_test;
#[path = "../examples/flash/read_back_check.rs"]
mod read_back_check;
#[path = "../examples/flash/settings_store.rs"]
mod settings_store;
#[path = "../examples/flash/simulated_server.rs"]
mod simulated_server;
#[path = "../examples/flash/slot_layout.rs"]
mod slot_layout;

#[test]
fn an_image_survives_a_power_failure_at_any_write() {
    for size in [LEAST + 1, 4096 + LEAST, 9001] {
        let report = try_out(Variant::Blocking, size, Some(40)).unwrap();
        assert_eq!((report.bytes, report.kept, report.failures), (size, size, 40));
        // Repeated blocks: one sector, and the block in progress.
        assert!(report.again <= 65, "{report:?}");
    }
}

#[test]
fn an_image_survives_a_power_failure_with_asynchronous_flash() {
    let report = try_out(Variant::Asynchronous, 9001, Some(40)).unwrap();
    assert_eq!((report.kept, report.failures), (9001, 40));
    // While a block is written, other frames are handled, and no block is requested.
    assert!(report.again <= 65 && report.smooth.answered > report.smooth.blocks, "{report:?}");
    let blocking = try_out(Variant::Blocking, 9001, Some(0)).unwrap().smooth;
    assert_eq!((blocking.erases, blocking.writes), (report.smooth.erases, report.smooth.writes));
}

#[test]
fn a_device_may_store_the_firmware_without_the_file_around_it() {
    for size in [LEAST + 1, 4096 + LEAST, 9001] {
        let report = try_out(Variant::Firmware, size, Some(40)).unwrap();
        assert_eq!((report.kept, report.failures), (size - LEAST, 40));
        assert!(report.again <= 66, "{report:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn words_are_whole_and_in_order_however_the_file_is_cut(size in 1_usize..600, cuts in prop::collection::vec(1_usize..80, 1..8)) {
        let firmware = simulated_server::firmware(LEAST + size);
        let file = simulated_server::file(&firmware);
        let offer = ImageOffer { id: SERVED, size: u32::try_from(file.len()).unwrap() };
        for (keep, kept_bytes) in [(Keep::File, &file), (Keep::Firmware, &firmware)] {
            let mut kept = SlotLayout::new(keep, &offer);
            let (mut slot, mut rest) = (Vec::new(), &file[..]);
            for cut in cuts.iter().cycle() {
                let offset = u32::try_from(file.len() - rest.len()).unwrap();
                let (block, after) = rest.split_at(rest.len().min(*cut));
                rest = after;
                let (place, words) = kept.take(offset, block).unwrap();
                prop_assert!(words.is_empty() || place as usize == slot.len());
                prop_assert_eq!(words.len() % 4, 0);
                slot.extend(words);
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert!(slot.len() - kept_bytes.len() < 4 && slot.starts_with(kept_bytes));
        }
    }
}

/// Opens the journal on flash with two sectors of settings.
fn recall(flash: &[u8]) -> Journal {
    let mut journal = Journal::default();
    for place in Journal::places() {
        journal.see(place, flash[place as usize..][..RECORD].try_into().unwrap());
    }
    journal
}

#[test]
fn the_newest_record_counts_through_many_sectors_and_restarts() {
    let mut flash = vec![0; 2 * SECTOR.get() as usize];
    let mut journal = recall(&flash);
    assert_eq!(journal.settings(), None);
    for received in 0..1000 {
        let mut checkpoint = Checkpoint::new(ImageOffer { id: SERVED, size: 5000 }, received);
        if received % 2 == 1 {
            checkpoint.stage = CheckpointStage::Verified;
        }
        let span = (received % 3 == 0).then_some(Span { start: received, len: 7 });
        let upgrade = (received % 5 != 0).then_some(Upgrade { checkpoint, span });
        let settings = Settings { running: DEVICE_RUNS, upgrade };
        let last = journal.settings();
        let save = journal.save(settings);
        if let Some(sector) = save.erase {
            flash[sector as usize..][..SECTOR.get() as usize].fill(0xff);
            assert_eq!(
                recall(&flash).settings(),
                last,
                "the last record is valid until the next one is complete"
            );
        }
        let record = &mut flash[save.place as usize..][..RECORD];
        assert!(record.iter().all(|byte| *byte == 0xff), "erased before");
        record.copy_from_slice(&save.record);
        assert_eq!(recall(&flash).settings(), Some(settings));
        if received % 7 == 0 && received > 500 {
            journal = recall(&flash);
        }
    }
}

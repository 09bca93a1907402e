//! Tests of the example `power_cuts`: power failures at a sample of the operations that the example tries exhaustively.

use zigbee_ota::device::RECORD_LEN;
use zigbee_ota_sim::Nor;

use power_cut_test::{Variant, try_out};
use sample_file::LEAST;

#[path = "../examples/power_cuts/device_run.rs"]
mod device_run;
#[path = "../examples/power_cuts/power_cut_test.rs"]
mod power_cut_test;
#[path = "../examples/power_cuts/sample_file.rs"]
mod sample_file;

/// Most blocks that are requested again after a failure: a sector, the block in progress, and the header and the last
/// block by which the client recognises the file.
const AGAIN: u64 = 64 + 1 + 2;

#[test]
fn an_image_survives_a_power_failure_at_any_write() {
    for size in [LEAST + 1, 4096 + LEAST, 9001] {
        let report = try_out(Variant::Blocking, size, Some(40)).unwrap();
        assert_eq!((report.bytes, report.kept, report.failures), (size, size, 40));
        assert!(report.again <= AGAIN, "{report:?}");
    }
}

#[test]
fn an_image_survives_a_power_failure_with_asynchronous_flash() {
    let report = try_out(Variant::Asynchronous, 9001, Some(40)).unwrap();
    assert_eq!((report.kept, report.failures), (9001, 40));
    // While a block is written, other frames are handled, and no block is requested.
    assert!(report.again <= AGAIN && report.smooth.answered > report.smooth.blocks, "{report:?}");
    let blocking = try_out(Variant::Blocking, 9001, Some(0)).unwrap().smooth;
    // One record more: that the file has arrived is saved before it is read back.
    let record = (RECORD_LEN / Nor::WORD) as u64;
    assert_eq!((blocking.erases, blocking.writes + record), (report.smooth.erases, report.smooth.writes));
}

#[test]
fn a_device_may_store_the_firmware_without_the_file_around_it() {
    for size in [LEAST + 1, 4096 + LEAST, 9001] {
        let report = try_out(Variant::Firmware, size, Some(40)).unwrap();
        assert_eq!((report.kept, report.failures), (size - LEAST, 40));
        assert!(report.again <= AGAIN + 1, "{report:?}");
    }
}

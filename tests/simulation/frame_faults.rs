//! Something happens to one frame of an upgrade, or to two.

use zigbee_ota::client::TransferMode;
use zigbee_ota_sim::net::Fate;
use zigbee_ota_sim::simulation::Report;

use crate::{Files, MILLI, MODES, SECOND, all_is_well, slow};

/// What can happen to a frame.
const FATES: [Fate; 5] =
    [Fate::Lost, Fate::Doubled(0), Fate::Doubled(500 * MILLI), Fate::Delayed(4 * SECOND), Fate::Damaged(11)];

/// An upgrade by a few frames, of which some are met by a fate.
fn short(files: &Files, transfer: TransferMode, script: Vec<(u64, Fate)>) -> Report {
    files.run(|settings| {
        slow(settings);
        settings.client.transfer = transfer;
        settings.device.digest = true;
        settings.net.hazards.script = script;
    })
}

#[test]
fn an_upgrade_bears_that_any_frame_is_lost_doubled_delayed_or_damaged() {
    let files = Files::of(300);
    for (transfer, expected) in MODES.into_iter().zip([16, 16, 12, 13]) {
        let frames = short(&files, transfer, Vec::new()).carried;
        // Notify, query, five blocks or fewer and a page, end, and what answers them.
        assert_eq!(frames, expected, "{transfer:?}");
        for (frame, fate) in (0..frames).flat_map(|frame| FATES.map(|fate| (frame, fate))) {
            let script = vec![(frame, fate)];
            let report = short(&files, transfer, script.clone());
            assert!(all_is_well(&report), "{transfer:?}, {script:?}: {report:#?}");
        }
    }
}

#[test]
fn an_upgrade_bears_any_two_of_these() {
    let files = Files::of(300);
    for transfer in MODES {
        any_two(&files, transfer);
    }
}

fn any_two(files: &Files, transfer: TransferMode) {
    let frames = short(files, transfer, Vec::new()).carried;
    for (first, one) in (0..frames).flat_map(|frame| FATES.map(|fate| (frame, fate))) {
        for (second, other) in (first + 1..frames + 2).flat_map(|frame| FATES.map(|fate| (frame, fate))) {
            let script = vec![(first, one), (second, other)];
            let report = short(files, transfer, script.clone());
            assert!(all_is_well(&report), "{transfer:?}, {script:?}: {report:#?}");
        }
    }
}

/// Whichever bit it is, the wrong image is never run.
#[test]
fn no_damaged_bit_makes_a_client_run_a_wrong_image() {
    let files = Files::of(200);
    let frames = short(&files, MODES[0], Vec::new()).carried;
    for frame in 0..frames {
        for bit in 0..8 * 81 {
            let report = short(&files, MODES[0], vec![(frame, Fate::Damaged(bit))]);
            assert!(report.broken.is_empty(), "frame {frame}, bit {bit}: {report:#?}");
        }
    }
}

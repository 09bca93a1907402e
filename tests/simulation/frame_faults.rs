//! Scripted faults of one or two frames of a short upgrade.

use zigbee_ota::client::TransferMode;
use zigbee_ota_sim::net::FrameFate;
use zigbee_ota_sim::simulation::Report;

use crate::{Files, MILLI, MODES, SECOND, all_is_well, slow};

/// Every kind of scripted fault.
const FATES: [FrameFate; 5] = [
    FrameFate::Lost,
    FrameFate::Doubled(0),
    FrameFate::Doubled(500 * MILLI),
    FrameFate::Delayed(4 * SECOND),
    FrameFate::Damaged(11),
];

/// Runs an upgrade of a few frames with the faults of `script`.
fn short(files: &Files, transfer: TransferMode, script: Vec<(u64, FrameFate)>) -> Report {
    files.run(|settings| {
        slow(settings);
        settings.client.transfer = transfer;
        settings.device.digest = true;
        settings.net.faults.script = script;
    })
}

#[test]
fn an_upgrade_survives_a_fault_of_any_frame() {
    let files = Files::of(300);
    for (transfer, expected) in MODES.into_iter().zip([16, 16, 12, 13]) {
        let frames = short(&files, transfer, Vec::new()).carried;
        // Notify, query, up to five blocks and a page, end, and their responses.
        assert_eq!(frames, expected, "{transfer:?}");
        for (frame, fate) in (0..frames).flat_map(|frame| FATES.map(|fate| (frame, fate))) {
            let script = vec![(frame, fate)];
            let report = short(&files, transfer, script.clone());
            assert!(all_is_well(&report), "{transfer:?}, {script:?}: {report:#?}");
        }
    }
}

#[test]
fn an_upgrade_survives_faults_of_any_two_frames() {
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

/// Whichever bit is inverted, a wrong image is never run.
#[test]
fn no_damaged_bit_makes_a_client_run_a_wrong_image() {
    let files = Files::of(200);
    let frames = short(&files, MODES[0], Vec::new()).carried;
    for frame in 0..frames {
        for bit in 0..8 * 81 {
            let report = short(&files, MODES[0], vec![(frame, FrameFate::Damaged(bit))]);
            assert!(report.violations.is_empty(), "frame {frame}, bit {bit}: {report:#?}");
        }
    }
}

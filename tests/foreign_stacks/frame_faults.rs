//! Every fault of every single frame of a short download, between this crate and each other stack.

use zigbee_ota_sim::Micros;
use zigbee_ota_sim::foreign::{CLIENTS, OfferReaction, SERVERS};
use zigbee_ota_sim::net::FrameFate;
use zigbee_ota_sim::simulation::{Report, Settings};

use crate::{HOUR, MILLI, MODES, SECOND, all_is_well, expected_failures, run, serve};

/// Size of the file in bytes.
const SIZE: usize = 200;

/// Kinds of faults. A frame that is delayed arrives after its repetition.
const FATES: [FrameFate; 4] =
    [FrameFate::Lost, FrameFate::Doubled(0), FrameFate::Doubled(500 * MILLI), FrameFate::Delayed(4 * SECOND)];

/// Runs a short download without faults, and once for each fault of each frame. Returns the reason why a download
/// fails: it does not succeed, or it takes longer than the fault-free download by more than `extra`.
fn first_failure(extra: Micros, change: impl Fn(&mut Settings)) -> Option<String> {
    let download = |script: Vec<(u64, FrameFate)>| -> Report {
        run(SIZE, |settings| {
            change(settings);
            settings.net.faults.script = script;
        })
    };
    let calm = download(Vec::new());
    if !all_is_well(&calm) {
        return Some(format!("without faults: {:?}", calm.clients[0].end));
    }
    let faults = (0..calm.carried).flat_map(|frame| FATES.map(|fate| (frame, fate)));
    let fails = |report: &Report| !all_is_well(report) || report.ended > calm.ended + extra;
    let failed = faults.map(|fault| (fault, download(vec![fault]))).find(|(_, report)| fails(report));
    failed.map(|((frame, fate), report)| {
        let (end, seconds) = (report.clients[0].end, report.ended / SECOND);
        format!("frame {frame} {fate:?}: {end:?} after {seconds} s {:?}", report.violations)
    })
}

#[test]
fn a_fault_of_any_frame_ends_no_download_from_another_stack() {
    let mut failed = Vec::new();
    for model in SERVERS {
        for (mode_name, mode) in MODES {
            // A device whose notify is lost queries a minute after its start.
            let why = first_failure(70 * SECOND, |settings| {
                settings.client.transfer = mode;
                serve(settings, *model);
                // Whoever waits for the operator is late.
                settings.host.operator = HOUR;
            });
            failed.extend(why.map(|why| (format!("frame faults/{}/{mode_name}", model.name), why)));
        }
    }
    expected_failures::check("frame faults", &failed);
}

#[test]
fn a_fault_of_any_frame_ends_no_download_by_another_stack() {
    let mut failed = Vec::new();
    for model in CLIENTS.iter().filter(|model| model.offer == OfferReaction::Download) {
        // Some stacks query once a day.
        let why = first_failure(25 * HOUR, |settings| {
            settings.client_models = vec![(1, *model)];
            settings.longest = 3 * 24 * HOUR;
        });
        failed.extend(why.map(|why| (format!("client/frame faults/{}", model.name), why)));
    }
    expected_failures::check("client/frame faults", &failed);
}

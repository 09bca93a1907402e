//! The client of this crate and the servers of other stacks, in every transfer mode and under every kind of fault.

use std::env;
use std::num::NonZeroU8;

use zigbee_ota::client::UpgradeEndFallback;
use zigbee_ota::time::UtcTime;
use zigbee_ota_sim::foreign::{SERVERS, ServerModel, Sessions};
use zigbee_ota_sim::net::{ApsAcks, Hops};
use zigbee_ota_sim::simulation::{Incident, PowerCut, Report, Settings};
use zigbee_ota_sim::{Micros, foreign};

use crate::{HOUR, MILLI, MINUTE, MODES, SECOND, all_is_well, depth, expected_failures, run, serve};

/// Size of the file in bytes.
const SIZE: usize = 3000;

/// Faults of a simulation, with the name of the simulation. The moment is in the middle of the download.
type Condition = (&'static str, fn(&mut Settings, Micros));

const CONDITIONS: &[Condition] = &[
    ("calm", |_, _| ()),
    ("loss 5", |settings, _| settings.net.faults.loss = 0.05),
    ("loss 20", |settings, _| settings.net.faults.loss = 0.2),
    ("jitter", |settings, _| settings.net.faults.jitter = 40 * MILLI),
    ("copies", |settings, _| settings.net.faults.copied = 0.2),
    ("radio, three hops, APS", |settings, _| {
        settings.client.max_block_size = NonZeroU8::new(48).expect("a block has bytes");
        settings.net.radio = Some(Hops { hops: 3, relay_delay: MILLI });
        (settings.net.faults.loss, settings.net.faults.delay) = (0.02, 0);
        (settings.net.aps_acks, settings.net.reports) = (ApsAcks::AsAsked, true);
    }),
    // November 2026 by the clock of the device, which each server contradicts or says nothing about.
    ("device with a clock", |settings, _| {
        settings.utc = Some(UtcTime(848_000_000));
        settings.client.upgrade_end_fallback = UpgradeEndFallback::KeepWaiting;
    }),
    ("sleepy device", |settings, _| settings.device.sleep = Some((250 * MILLI, 6 * SECOND))),
    ("server restarted", |settings, midst| settings.incidents.push((midst, Incident::Restart))),
    ("server off 4 min", |settings, midst| {
        settings.incidents.push((midst, Incident::Outage(4 * MINUTE)));
    }),
    ("server off 10 min", |settings, midst| {
        settings.incidents.push((midst, Incident::Outage(10 * MINUTE)));
    }),
    ("server off 3 hours", |settings, midst| {
        settings.incidents.push((midst, Incident::Outage(3 * HOUR)));
    }),
    ("file replaced", |settings, midst| settings.incidents.push((midst, Incident::Swap))),
    ("file replaced, server off 4 min", |settings, midst| {
        settings.incidents = vec![(midst, Incident::Swap), (midst + 1, Incident::Outage(4 * MINUTE))];
    }),
    ("power cut", |settings, midst| settings.cuts.push((1, PowerCut::At(midst)))),
    ("all at once", |settings, midst| {
        (settings.net.faults.loss, settings.net.faults.jitter) = (0.05, 40 * MILLI);
        settings.incidents.push((midst, Incident::Restart));
        settings.cuts.push((1, PowerCut::At(midst * 2)));
    }),
];

fn world(model: ServerModel, mode: usize, seed: u64, change: impl FnOnce(&mut Settings)) -> Report {
    run(SIZE, |settings| {
        settings.seed = seed;
        settings.client.transfer = MODES[mode].1;
        serve(settings, model);
        change(settings);
    })
}

/// Returns the middle of the download without faults.
fn midst(model: ServerModel, mode: usize) -> Micros {
    let life = world(model, mode, 1, |_| ()).clients[0];
    life.first_request.map_or(0, |first| first.midpoint(life.last_stored))
}

/// Every download from another stack ends within hours, unless the code of that stack prevents that.
///
/// Shows: FLD-001, FLD-002, FLD-003, FLD-004, FLD-008, FLD-009, FLD-015, FLD-025, FLD-026
#[test]
fn downloads_from_every_server_end_well_in_all_worlds() {
    let only = env::var("WORLD").ok();
    let mut failed = Vec::new();
    for model in SERVERS {
        for (mode, (mode_name, _)) in MODES.iter().enumerate() {
            let midst = midst(*model, mode);
            for (condition, change) in CONDITIONS {
                let name = format!("server/{}/{mode_name}/{condition}", model.name);
                if only.as_ref().is_some_and(|only| *only != name) {
                    continue;
                }
                let runs = (0..depth(2)).map(|seed| {
                    world(*model, mode, seed, |settings| {
                        settings.trace = only.is_some();
                        change(settings, midst);
                    })
                });
                let bad = runs.into_iter().find(|report| !all_is_well(report));
                failed.extend(bad.map(|report| (name, outcome(&report))));
            }
        }
    }
    if only.is_none() {
        expected_failures::check("server", &failed);
    }
}

fn outcome(report: &Report) -> String {
    let life = report.clients[0];
    format!(
        "seed {}: {:?} after {} s, {:?}",
        report.seed,
        life.end,
        life.ended / 1_000_000,
        report.violations
    )
}

/// The models that need a session are those that the recovery tests restart.
#[test]
fn sessions_are_needed_by_the_gateways_for_people() {
    let needing: Vec<_> = SERVERS
        .iter()
        .filter(|model| matches!(model.sessions, Sessions::Needed { .. }))
        .map(|model| model.name)
        .collect();
    assert_eq!(needing, ["zigbee-herdsman", "zigbee-herdsman fast", "zigpy", "zigpy 2024"]);
    assert_eq!(foreign::server("TI").block, 32);
}

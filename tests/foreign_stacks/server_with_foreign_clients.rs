//! The server of this crate and the clients of other stacks, under every kind of fault.

use std::env;
use std::num::NonZeroU32;

use zigbee_ota::time::Millis;
use zigbee_ota_sim::Micros;
use zigbee_ota_sim::foreign::{self, CLIENTS, ClientModel, OfferReaction};
use zigbee_ota_sim::simulation::{Incident, PowerCut, Report, Settings};

use crate::{HOUR, MILLI, MINUTE, SECOND, all_is_well, depth, expected_failures, run};

/// Size of the file in bytes.
const SIZE: usize = 3000;

/// Faults of a simulation, with the name of the simulation. The moment is in the middle of the download.
type Condition = (&'static str, fn(&mut Settings, Micros));

const CONDITIONS: &[Condition] = &[
    ("calm", |_, _| ()),
    ("without pages", |settings, _| settings.host.config.max_pages = 0),
    ("loss 5", |settings, _| settings.net.faults.loss = 0.05),
    ("loss 20", |settings, _| settings.net.faults.loss = 0.2),
    ("jitter", |settings, _| settings.net.faults.jitter = 40 * MILLI),
    ("copies", |settings, _| settings.net.faults.copied = 0.2),
    ("block period", |settings, _| settings.host.config.min_block_period = Millis(100)),
    ("rate limit", |settings, _| settings.host.config.max_bytes_per_second = NonZeroU32::new(1000)),
    ("server restarted", |settings, midst| settings.incidents.push((midst, Incident::Restart))),
    ("server off 20 s", |settings, midst| {
        settings.incidents.push((midst, Incident::Outage(20 * SECOND)));
    }),
    ("server off 10 min", |settings, midst| {
        settings.incidents.push((midst, Incident::Outage(10 * MINUTE)));
    }),
    ("file replaced", |settings, midst| settings.incidents.push((midst, Incident::Swap))),
    ("power cut", |settings, midst| settings.cuts.push((1, PowerCut::At(midst)))),
    ("all at once", |settings, midst| {
        (settings.net.faults.loss, settings.net.faults.jitter) = (0.05, 40 * MILLI);
        settings.incidents.push((midst, Incident::Restart));
        settings.cuts.push((1, PowerCut::At(midst * 2)));
    }),
];

fn world(model: ClientModel, seed: u64, change: impl FnOnce(&mut Settings)) -> Report {
    run(SIZE, |settings| {
        settings.seed = seed;
        settings.client_models = vec![(1, model)];
        // Many stacks query once a day, and nothing else brings them back.
        settings.longest = 20 * 24 * HOUR;
        change(settings);
    })
}

fn midst(model: ClientModel) -> Micros {
    let life = world(model, 1, |_| ()).clients[0];
    life.first_request.map_or(0, |first| first.midpoint(life.last_stored))
}

/// Moments a few milliseconds before the last byte of a client arrives: in its first download, and in those after a restart
/// at each of these moments.
fn before_the_last_byte(model: ClientModel) -> [Micros; 4] {
    let calm = world(model, 1, |_| ());
    let restarted = world(model, 1, |settings| settings.cuts = vec![(1, PowerCut::At(1))]);
    let [first, again] = [calm, restarted].map(|report| report.clients[0].last_stored);
    // Half of the latency of a frame.
    let lead = 5 * MILLI;
    [0, 1, 2, 3].map(|cuts| first - lead + cuts * (again - lead))
}

/// A device loses its power four times while the last block is in flight. It has never reported the end of a download,
/// so the server has no reason to refuse the image.
///
/// Shows: FLD-056
#[test]
fn power_cuts_before_the_last_byte_deny_nothing() {
    let mut failed = Vec::new();
    for model in CLIENTS.iter().filter(|model| model.offer == OfferReaction::Download) {
        let moments = before_the_last_byte(*model);
        let report = world(*model, 1, |settings| {
            settings.cuts = moments.map(|at| (1, PowerCut::At(at))).into();
        });
        let life = report.clients[0];
        if !(all_is_well(&report) && life.cuts == 4 && life.sent.queries <= 8) {
            let name = format!("client/power cuts/{}", model.name);
            failed.push((name, format!("{:?} {life:?}", report.violations)));
        }
    }
    expected_failures::check("client/power cuts", &failed);
}

/// Every client is upgraded within days, unless its own code prevents that. A failure says whether the same client also
/// fails at the server model "plain", which is the proof of the client's own fault.
#[test]
fn every_client_is_upgraded_in_all_worlds() {
    let only = env::var("WORLD").ok();
    let mut failed = Vec::new();
    for model in CLIENTS.iter().filter(|model| model.offer == OfferReaction::Download) {
        let midst = midst(*model);
        for (condition, change) in CONDITIONS {
            let name = format!("client/worlds/{}/{condition}", model.name);
            if only.as_ref().is_some_and(|only| *only != name) {
                continue;
            }
            let runs = (0..depth(4)).map(|seed| {
                world(*model, seed, |settings| {
                    settings.trace = only.is_some();
                    change(settings, midst);
                })
            });
            let bad = runs.into_iter().find(|report| !all_is_well(report));
            failed.extend(bad.map(|report| {
                let life = report.clients[0];
                (
                    name,
                    format!("seed {}: {:?} {:?} {:?}", report.seed, life.end, life.sent, report.violations),
                )
            }));
        }
    }
    if only.is_none() {
        expected_failures::check("client/worlds", &failed);
    }
}

/// All stacks at once, among them one that refuses each day, at a server that serves two of them at a time.
#[test]
fn every_stack_is_upgraded_beside_the_others() {
    for seed in 0..depth(4) {
        let clients = u16::try_from(CLIENTS.len()).unwrap() + 1;
        let report = run(SIZE, |settings| {
            (settings.seed, settings.clients, settings.longest) = (seed, clients, 20 * 24 * HOUR);
            settings.client_models = (2..).zip(CLIENTS.iter().copied()).collect();
            settings.stagger = Millis(3000);
            settings.net.faults.loss = 0.02;
            (settings.host.slots, settings.host.config.max_downloads) = (clients, 2);
        });
        let refuses = |place: usize| place > 0 && CLIENTS[place - 1].offer == OfferReaction::Refuse;
        for (place, life) in report.clients.iter().enumerate().filter(|(place, _)| !refuses(*place)) {
            assert!(life.is_upgraded(), "seed {seed}, client {place}: {life:?}");
        }
        assert!(report.violations.is_empty(), "{:?}", report.violations);
    }
}

/// A device that queries daily and refuses costs the server two answers a day.
#[test]
fn a_device_that_refuses_daily_is_answered_and_left_alone() {
    let report = world(foreign::client("Sinope"), 1, |_| ());
    let life = report.clients[0];
    assert!((20..=22).contains(&life.sent.queries), "{life:?}");
    assert_eq!((life.sent.block_requests, report.server.blocks), (0, 0), "{life:?}");
    assert!(report.server.total() <= 1 + 2 * u64::from(life.sent.queries), "{:?}", report.server);
}

//! Tests of recovery from outages, restarts and file changes of gateways in the field, with bounds on time and frames.
//!
//! The bounds that the current client misses are listed in `known_failures.tsv` under `recovery/`.

use zigbee_ota::client::TransferMode;
use zigbee_ota_sim::Micros;
use zigbee_ota_sim::foreign::{self, SERVERS, ServerModel, Sessions};
use zigbee_ota_sim::simulation::{Incident, Report, Settings};

use crate::{
    MILLI, MINUTE, MODES, SECOND, all_is_well, depth, expected_failures, frames, rebuilt, run, run_files,
    serve,
};

/// Runs a download from `model` in one transfer mode.
fn download(
    model: ServerModel,
    mode: TransferMode,
    size: usize,
    change: impl FnOnce(&mut Settings),
) -> Report {
    run(size, |settings| {
        settings.client.transfer = mode;
        serve(settings, model);
        change(settings);
    })
}

/// Time from the first block request to the last block stored.
fn span(report: &Report) -> Micros {
    let life = report.clients[0];
    life.first_request.map_or(Micros::MAX, |first| life.last_stored.saturating_sub(first))
}

/// Moments spread over a download, the first just after its start and the last just before its end.
fn moments(calm: &Report, count: u64) -> impl Iterator<Item = Micros> {
    let (from, time) = (calm.clients[0].first_request.unwrap_or(0), span(calm));
    (0..count).map(move |place| from + (time - 1) * (2 * place + 1) / (2 * count))
}

/// Collects the bounds that are missed.
#[derive(Default)]
struct Bounds(Vec<(String, String)>);

impl Bounds {
    /// Records once that the bound of `world` is missed.
    fn hold(&mut self, world: &str, holds: bool, what: impl FnOnce() -> String) {
        if !holds && self.0.iter().all(|(missed, _)| missed != world) {
            self.0.push((world.into(), what()));
        }
    }
}

/// zigbee-herdsman forgets its session when it restarts, and the operator starts the update again: the download
/// continues at the same offset, with at most 5 % more frames than without the restart.
///
/// Shows: FLD-001, FLD-002
#[test]
fn a_restarted_gateway_goes_on_at_its_notify() {
    let mut bounds = Bounds::default();
    for model in ["zigbee-herdsman", "zigbee-herdsman fast"].map(foreign::server) {
        for (mode_name, mode) in MODES {
            let world = format!("recovery/restarted/{}/{mode_name}", model.name);
            let calm = download(model, mode, 200_000, |_| ());
            assert!(all_is_well(&calm), "{world}: {calm:#?}");
            for at in moments(&calm, depth(3)) {
                let report = download(model, mode, 200_000, |settings| {
                    settings.incidents = vec![(at, Incident::Restart)];
                });
                let (needed, sent) = (frames(&calm), frames(&report));
                bounds.hold(&world, all_is_well(&report), || {
                    format!("at {at} us: {:?}", report.clients[0].end)
                });
                bounds.hold(&world, sent * 100 <= needed * 105, || {
                    format!("at {at} us: {sent} frames instead of {needed}")
                });
            }
        }
    }
    expected_failures::check("recovery/restarted", &bounds.0);
}

/// From the notify to the countdown, a gateway may restart at any moment: the download is done a minute after the
/// operator has started it again, and no byte is fetched twice where the gateway did not abort it.
///
/// Shows: FLD-001, FLD-002, FLD-025
#[test]
fn a_gateway_may_restart_at_any_moment() {
    let mut bounds = Bounds::default();
    for model in ["zigbee-herdsman fast", "zigpy", "deCONZ"].map(foreign::server) {
        for (mode_name, mode) in MODES {
            let world = format!("recovery/any moment/{}/{mode_name}", model.name);
            let calm = download(model, mode, 3000, |_| ());
            let (count, whole) = (depth(16), calm.clients[0].ended);
            for at in (0..count).map(|place| whole * place / count) {
                let report = download(model, mode, 3000, |settings| {
                    settings.incidents = vec![(at, Incident::Restart)];
                });
                let life = report.clients[0];
                bounds.hold(&world, all_is_well(&report), || format!("at {at} us: {:?}", life.end));
                let late = life.last_stored.saturating_sub(at);
                bounds.hold(&world, late <= 2 * MINUTE + 2 * span(&calm), || {
                    format!("at {at} us: done {} s later", late / SECOND)
                });
                let again = if model.name == "zigpy" { 3000 } else { 0 };
                bounds.hold(&world, life.bytes <= 3000 + 255 + again, || {
                    format!("at {at} us: {} bytes stored", life.bytes)
                });
            }
        }
    }
    expected_failures::check("recovery/any moment", &bounds.0);
}

/// Whatever an Image Notify carries, a device queries at once: also after one of payload type 0 with all ten bytes.
///
/// Shows: FLD-014
#[test]
fn every_notify_leads_to_a_query() {
    let mut bounds = Bounds::default();
    for model in SERVERS {
        let report = download(*model, MODES[0].1, 300, |_| ());
        let first = report.clients[0].first_request.unwrap_or(Micros::MAX);
        let world = format!("recovery/notified/{}", model.name);
        bounds.hold(&world, first < SECOND, || format!("first request at {} ms", first / MILLI));
    }
    expected_failures::check("recovery/notified", &bounds.0);
}

/// After an outage of up to ten minutes, the download continues within a minute of the server's return, and loses no
/// byte.
///
/// Shows: FLD-003
#[test]
fn an_outage_of_ten_minutes_costs_one_minute_more() {
    let mut bounds = Bounds::default();
    let stateless = SERVERS.iter().filter(|model| model.sessions == Sessions::NotNeeded);
    for model in stateless {
        for (mode_name, mode) in MODES {
            let world = format!("recovery/outage/{}/{mode_name}", model.name);
            let calm = download(*model, mode, 3000, |_| ());
            for at in moments(&calm, depth(2)) {
                for outage in [10 * SECOND, MINUTE, 4 * MINUTE, 10 * MINUTE] {
                    let report = download(*model, mode, 3000, |settings| {
                        settings.incidents = vec![(at, Incident::Outage(outage))];
                    });
                    bounds.hold(&world, all_is_well(&report), || {
                        format!("{} s: {:?}", outage / SECOND, report.clients[0].end)
                    });
                    let late = report.clients[0].last_stored.saturating_sub(at + outage);
                    bounds.hold(&world, late <= MINUTE + 2 * span(&calm), || {
                        format!("{} s: done {} s after the return", outage / SECOND, late / SECOND)
                    });
                    let bytes = report.clients[0].bytes;
                    // A block that was under way is stored twice at most.
                    bounds.hold(&world, bytes <= 3000 + 255, || format!("{bytes} bytes stored"));
                }
            }
        }
    }
    expected_failures::check("recovery/outage", &bounds.0);
}

/// A server that numbers its answers itself: the download takes at most 1.3 times as long as from the same server with
/// the numbers of the requests.
///
/// Shows: FLD-015
#[test]
fn own_numbers_of_a_server_cost_little_time() {
    let (own, echoing) = (foreign::server("TI"), foreign::server("TI, echoing"));
    let mut bounds = Bounds::default();
    for (mode_name, mode) in MODES {
        for percent in [0, 1, 5] {
            let world = format!("recovery/own numbers/{mode_name}/loss {percent}");
            let seeds = depth(10);
            let [own, echoing] = [own, echoing].map(|model| {
                let runs = (0..seeds).map(|seed| {
                    let report = download(model, mode, 8000, |settings| {
                        settings.seed = seed;
                        settings.net.faults.loss = f64::from(percent) / 100.0;
                    });
                    bounds.hold(&world, all_is_well(&report), || format!("{:?}", report.clients[0].end));
                    span(&report)
                });
                runs.fold(0, Micros::saturating_add)
            });
            bounds.hold(&world, own * 10 <= echoing * 13, || {
                format!("{} ms instead of {} ms", own / seeds / MILLI, echoing / seeds / MILLI)
            });
        }
    }
    expected_failures::check("recovery/own numbers", &bounds.0);
}

/// Frames overtake each other by up to twice the spacing of a page, and none is lost: at most 1.2 times the frames.
///
/// Shows: FLD-016
#[test]
fn frames_that_overtake_each_other_are_not_asked_for_again() {
    let mut bounds = Bounds::default();
    let modes = [
        ("window", MODES[1].1),
        ("pages of 600", TransferMode::Pages { size: 600.try_into().unwrap(), spacing: 20 }),
        ("pages of 2048", TransferMode::Pages { size: 2048.try_into().unwrap(), spacing: 20 }),
        ("auto", MODES[3].1),
    ];
    for model in ["plain", "BitCloud", "zigpy", "zigbee-herdsman fast"].map(foreign::server) {
        for (mode_name, mode) in modes {
            let world = format!("recovery/jitter/{}/{mode_name}", model.name);
            let calm = frames(&download(model, mode, 10_240, |_| ()));
            for (seed, jitter) in (0..depth(10)).flat_map(|seed| [20, 40].map(|jitter| (seed, jitter))) {
                let report = download(model, mode, 10_240, |settings| {
                    (settings.seed, settings.net.faults.jitter) = (seed, jitter * MILLI);
                });
                bounds.hold(&world, all_is_well(&report), || format!("{:?}", report.clients[0].end));
                let sent = frames(&report);
                bounds.hold(&world, sent * 10 <= calm * 12, || {
                    format!("seed {seed}, {jitter} ms: {sent} frames instead of {calm}")
                });
            }
        }
    }
    expected_failures::check("recovery/jitter", &bounds.0);
}

/// A server that paces its blocks at 250 ms, whatever spacing was asked for: at most 1.3 times the page requests.
///
/// Shows: FLD-016
#[test]
fn pages_that_come_slowly_are_asked_for_once() {
    let model = foreign::server("zigbee-herdsman");
    let mut bounds = Bounds::default();
    for page in [600_u16, 1024, 4096] {
        for loss in [0, 5] {
            let world = format!("recovery/slow pages/{page} bytes/loss {loss}");
            let mode = TransferMode::Pages { size: page.try_into().unwrap(), spacing: 0 };
            for seed in 0..depth(3) {
                let report = download(model, mode, 24_000, |settings| {
                    (settings.seed, settings.net.faults.loss) = (seed, f64::from(loss) / 100.0);
                });
                bounds.hold(&world, all_is_well(&report), || format!("{:?}", report.clients[0].end));
                let (asked, needed) =
                    (report.clients[0].sent.page_requests, 24_000_u32.div_ceil(page.into()));
                // The header comes with a page of its own. Under loss the request may be lost, and so may the first
                // and the last block of a page.
                let most = if loss == 0 { needed * 13 / 10 + 2 } else { needed * 3 + 5 };
                bounds.hold(&world, asked <= most, || {
                    format!("seed {seed}: {asked} requests for {needed} pages")
                });
            }
        }
    }
    expected_failures::check("recovery/slow pages", &bounds.0);
}

/// zigpy answers requests for the old version with blocks of the new one: the client asks what is offered now, within
/// minutes and with few refused blocks, and gets the new version.
///
/// Shows: FLD-004
#[test]
fn a_replaced_file_is_noticed_and_its_successor_fetched() {
    let mut bounds = Bounds::default();
    for model in ["zigpy", "zigpy 2024"].map(foreign::server) {
        for (mode_name, mode) in MODES {
            let world = format!("recovery/replaced/{}/{mode_name}", model.name);
            let calm = download(model, mode, 3000, |_| ());
            if !all_is_well(&calm) {
                bounds.hold(&world, false, || format!("without faults: {:?}", calm.clients[0].end));
                continue;
            }
            for at in moments(&calm, depth(4)) {
                let report = download(model, mode, 3000, |settings| {
                    settings.incidents = vec![(at, Incident::Swap)];
                    // Nobody helps: the client has to ask while the session lasts.
                    settings.host.operator = 10 * MINUTE;
                });
                bounds.hold(&world, all_is_well(&report), || {
                    format!("at {at} us: {:?}", report.clients[0].end)
                });
                let late = report.clients[0].last_stored.saturating_sub(at);
                bounds.hold(&world, late <= 5 * MINUTE + 2 * span(&calm), || {
                    format!("at {at} us: done {} s later", late / SECOND)
                });
                let sent = frames(&report);
                bounds.hold(&world, sent <= 2 * frames(&calm) + 60, || format!("{sent} frames"));
            }
        }
    }
    expected_failures::check("recovery/replaced", &bounds.0);
}

/// While the server is off, the file is built anew, with its id and size: the image is that of one build, and the download
/// starts again once.
///
/// Shows: FLD-003
#[test]
fn a_file_that_was_built_anew_is_never_mixed_with_the_former() {
    let mut bounds = Bounds::default();
    for model in ["plain", "zigbee-herdsman", "zigpy"].map(foreign::server) {
        for (mode_name, mode) in MODES {
            let world = format!("recovery/rebuilt/{}/{mode_name}", model.name);
            let calm = download(model, mode, 3000, |_| ());
            for at in moments(&calm, depth(4)) {
                let report = run_files(rebuilt(3000), |settings| {
                    settings.client.transfer = mode;
                    serve(settings, model);
                    settings.incidents = vec![(at, Incident::Swap), (at + 1, Incident::Outage(4 * MINUTE))];
                });
                bounds.hold(&world, all_is_well(&report), || {
                    format!("at {at} us: {:?}", report.clients[0].end)
                });
                let bytes = report.clients[0].bytes;
                bounds.hold(&world, bytes <= 6000 + 255, || format!("{bytes} bytes stored"));
            }
        }
    }
    expected_failures::check("recovery/rebuilt", &bounds.0);
}

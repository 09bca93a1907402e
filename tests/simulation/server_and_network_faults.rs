//! Failing servers, sleepy devices, shared channels and lossy links.

use zigbee_ota::zcl::{ImageNotify, NotifyScope, Status};
use zigbee_ota_sim::Micros;
use zigbee_ota_sim::net::{ApsAcks, Burst, Faults, Hops};
use zigbee_ota_sim::simulation::{End, Incident, Notify, Report, Settings};

use crate::{Files, MILLI, SECOND, all_is_well, slow};

/// Moment in the middle of the download of 3000 bytes, which takes three seconds.
const MIDST: Micros = 700 * MILLI;

fn when(incidents: &[(Micros, Incident)]) -> Report {
    Files::of(3000).run(|settings| {
        slow(settings);
        settings.host.delay = 25 * MILLI;
        settings.incidents = incidents.to_vec();
    })
}

#[test]
fn a_restarted_server_continues_to_serve() {
    let calm = when(&[]);
    let once = when(&[(MIDST, Incident::Restart)]);
    // No response survives the next restart.
    let restarts: Vec<_> = (1..150).map(|tenth| (tenth * 10 * MILLI, Incident::Restart)).collect();
    let often = when(&restarts);
    for report in [&calm, &once, &often] {
        assert!(all_is_well(report), "{report:#?}");
    }
    assert!(once.ended >= calm.ended && often.ended > calm.ended + SECOND, "{} {}", once.ended, often.ended);
}

/// Shows: FLD-026
#[test]
fn a_removed_file_pauses_the_download_until_it_returns() {
    let report = when(&[(MIDST, Incident::Lose)]);
    // The simulation ends after some refused queries; the client would go on to query.
    assert_eq!(report.clients[0].end, Some(End::NoImage(Some(Status::NO_IMAGE_AVAILABLE))));
    assert!(report.violations.is_empty(), "{report:#?}");
    let report = when(&[(MIDST, Incident::Lose), (MIDST + 1500 * MILLI, Incident::Return)]);
    assert!(all_is_well(&report), "{report:#?}");
}

/// Shows: FLD-003, FLD-026
#[test]
fn a_replaced_file_is_never_mixed_with_its_successor() {
    for at in (0..200).map(|tenth| tenth * 10 * MILLI) {
        let report = when(&[(at, Incident::Swap)]);
        // The client runs the old version, which was complete, or the new version.
        assert!(all_is_well(&report), "{at}: {report:#?}");
    }
}

#[test]
fn a_client_waits_for_a_server_that_slows_down() {
    let report = when(&[(MIDST, Incident::Slow(2 * SECOND))]);
    assert!(all_is_well(&report), "{report:#?}");
}

#[test]
fn a_server_that_works_on_one_response_at_a_time_suffices() {
    let report = Files::of(3000).run(|settings| {
        slow(settings);
        (settings.clients, settings.host.one_at_a_time, settings.host.delay) = (3, true, 20 * MILLI);
    });
    assert!(all_is_well(&report), "{report:#?}");
    assert!(report.clients.iter().any(|life| life.sent.repeats > 0), "the clients delay each other");
}

#[test]
fn queries_to_a_server_without_the_file_end_without_an_image() {
    let report = when(&[(0, Incident::Lose)]);
    assert_eq!(report.clients[0].end, Some(End::NoImage(Some(Status::NO_IMAGE_AVAILABLE))));
    assert_eq!(report.clients[0].sent.queries, 10);
}

#[test]
fn a_dead_network_ends_without_a_response() {
    let report = Files::of(3000).run(|settings| settings.net.faults.loss = 1.0);
    assert_eq!(report.clients[0].end, Some(End::NoImage(None)));
    assert!(report.violations.is_empty(), "{report:#?}");
}

/// A parent holds frames for 7.68 s, and the client polls in time because it reports that it waits.
#[test]
fn a_sleepy_client_is_upgraded() {
    for radio in [None, Some(Hops { hops: 1, relay_delay: 0 }), Some(Hops { hops: 3, relay_delay: MILLI })] {
        for aps_acks in [ApsAcks::Off, ApsAcks::AsAsked] {
            let report = Files::of(3000).run(|settings| {
                slow(settings);
                settings.device.sleep = Some((250 * MILLI, 6 * SECOND));
                (settings.net.radio, settings.net.aps_acks) = (radio, aps_acks);
            });
            assert!(all_is_well(&report), "{report:#?}");
            // The device polls four times a second.
            let span = report.clients[0].last_stored - report.clients[0].first_request.unwrap();
            assert!((10 * SECOND..20 * SECOND).contains(&span), "{span}");
        }
    }
}

fn shared(settings: &mut Settings) {
    slow(settings);
    settings.clients = 12;
    settings.net.radio = Some(Hops { hops: 2, relay_delay: MILLI });
    settings.net.faults = Faults::losing(0.02);
    // Without the background pace, the clients crowd the channel.
    settings.host.config.background_from = None;
}

#[test]
fn many_clients_share_a_channel() {
    let files = Files::of(3000);
    let alone = files.run(|settings| {
        shared(settings);
        settings.clients = 1;
    });
    let all = files.run(shared);
    for report in [&alone, &all] {
        assert!(all_is_well(report), "{report:#?}");
    }
    assert!(all.traffic.collisions > all.traffic.transmissions / 20, "{:?}", all.traffic);
    assert!(all.clients.iter().all(|life| life.goodput() < alone.clients[0].goodput()));
}

#[test]
fn the_jitter_of_a_broadcast_notify_selects_that_share_of_clients() {
    let notify = |jitter| Notify::Broadcast(ImageNotify { jitter, scope: NotifyScope::Everyone });
    let early = |jitter| {
        let report = Files::of(300).run(|settings| {
            slow(settings);
            settings.clients = 200;
            settings.client.first_query_delay = zigbee_ota::time::Millis::from_secs(3600);
            settings.host.notify = Some(notify(jitter));
            // The network has no channel that could be crowded.
            settings.host.config.background_from = None;
        });
        assert!(all_is_well(&report), "{:?}", report.violations);
        report.clients.iter().filter(|life| life.ended < 1000 * SECOND).count()
    };
    assert_eq!(early(100), 200);
    let few = early(20);
    assert!((25..55).contains(&few), "{few}");
}

#[test]
fn bursts_of_loss_are_survived() {
    for seed in 0..20 {
        let report = Files::of(3000).run(|settings| {
            slow(settings);
            settings.seed = seed;
            let burst = Burst { every: 2 * SECOND, lasts: 500 * MILLI, loss: 0.9 };
            settings.net.faults.burst = Some(burst);
        });
        assert!(all_is_well(&report), "{report:#?}");
    }
}

/// A failed delivery report triggers a retry before the timeout, which is still long without measurements.
#[test]
fn a_failed_delivery_report_saves_time() {
    let [told, untold] = [true, false].map(|reports| {
        let report = Files::of(1000).run(|settings| {
            slow(settings);
            settings.client.max_timeout = zigbee_ota::time::Millis::from_secs(600);
            settings.client.initial_timeout = zigbee_ota::time::Millis::from_secs(600);
            settings.net.aps_acks = ApsAcks::AsAsked;
            settings.net.reports = reports;
            settings.net.faults.script =
                (4..20).map(|frame| (frame, zigbee_ota_sim::net::FrameFate::Lost)).collect();
        });
        assert!(all_is_well(&report), "{report:#?}");
        report.ended
    });
    assert!(told + 300 * SECOND < untold, "{told} {untold}");
}

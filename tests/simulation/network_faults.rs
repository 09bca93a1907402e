//! Servers that fail, devices that sleep, channels that many share.

use zigbee_ota::client::Outcome;
use zigbee_ota::zcl::{ImageNotify, NotifyScope, Status};
use zigbee_ota_sim::Micros;
use zigbee_ota_sim::net::{ApsAcks, Burst, Hazards, Hops};
use zigbee_ota_sim::simulation::{End, Happening, Notify, Report, Settings};

use crate::{Files, MILLI, SECOND, all_is_well, slow};

/// In the midst of the download of 3000 bytes, which takes three seconds.
const MIDST: Micros = 700 * MILLI;

fn when(happenings: &[(Micros, Happening)]) -> Report {
    Files::of(3000).run(|settings| {
        slow(settings);
        settings.host.delay = 25 * MILLI;
        settings.happenings = happenings.to_vec();
    })
}

#[test]
fn a_server_that_is_restarted_serves_on() {
    let calm = when(&[]);
    let once = when(&[(MIDST, Happening::Restart)]);
    // No answer outlives the next restart.
    let restarts: Vec<_> = (1..150).map(|tenth| (tenth * 10 * MILLI, Happening::Restart)).collect();
    let often = when(&restarts);
    for report in [&calm, &once, &often] {
        assert!(all_is_well(report), "{report:#?}");
    }
    assert!(once.ended >= calm.ended && often.ended > calm.ended + SECOND, "{} {}", once.ended, often.ended);
}

#[test]
fn a_file_that_is_lost_ends_the_download_and_one_that_comes_back_does_not() {
    let report = when(&[(MIDST, Happening::Lose)]);
    assert_eq!(report.lives[0].end, Some(End::Client(Outcome::ImageGone)));
    assert!(report.broken.is_empty(), "{report:#?}");
    let report = when(&[(MIDST, Happening::Lose), (MIDST + 1500 * MILLI, Happening::Return)]);
    assert!(all_is_well(&report), "{report:#?}");
}

#[test]
fn a_file_that_is_swapped_for_another_version_is_never_mixed_with_it() {
    for at in (0..200).map(|tenth| tenth * 10 * MILLI) {
        let report = when(&[(at, Happening::Swap)]);
        assert!(report.broken.is_empty(), "{at}: {report:#?}");
        // The old one was complete, or is gone; where it was not asked for yet, it is the new one.
        let end = report.lives[0].end;
        assert!(all_is_well(&report) || end == Some(End::Client(Outcome::ImageGone)), "{at}: {end:?}");
    }
}

#[test]
fn a_server_that_slows_down_is_waited_for() {
    let report = when(&[(MIDST, Happening::Slow(2 * SECOND))]);
    assert!(all_is_well(&report), "{report:#?}");
}

#[test]
fn a_server_that_does_one_thing_at_a_time_is_enough() {
    let report = Files::of(3000).run(|settings| {
        slow(settings);
        (settings.clients, settings.host.one_at_a_time, settings.host.delay) = (3, true, 20 * MILLI);
    });
    assert!(all_is_well(&report), "{report:#?}");
    assert!(report.lives.iter().any(|life| life.sent.repeats > 0), "they get in each other's way");
}

#[test]
fn a_server_without_the_file_is_asked_in_vain() {
    let report = when(&[(0, Happening::Lose)]);
    assert_eq!(report.lives[0].end, Some(End::NoImage(Some(Status::NO_IMAGE_AVAILABLE))));
    assert_eq!(report.lives[0].sent.queries, 10);
}

#[test]
fn nothing_is_heard_where_nothing_comes_through() {
    let report = Files::of(3000).run(|settings| settings.net.hazards.loss = 1.0);
    assert_eq!(report.lives[0].end, Some(End::NoImage(None)));
    assert!(report.broken.is_empty(), "{report:#?}");
}

/// A parent holds frames for 7.68 s, and the client polls in time because it says that it waits.
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
            // It polls four times a second.
            let span = report.lives[0].last_stored - report.lives[0].first_request.unwrap();
            assert!((10 * SECOND..20 * SECOND).contains(&span), "{span}");
        }
    }
}

fn shared(settings: &mut Settings) {
    slow(settings);
    settings.clients = 12;
    settings.net.radio = Some(Hops { hops: 2, relay_delay: MILLI });
    settings.net.hazards = Hazards::losing(0.02);
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
    assert!(all.lives.iter().all(|life| life.goodput() < alone.lives[0].goodput()));
}

#[test]
fn a_broadcast_notify_is_followed_by_as_many_as_its_jitter_says() {
    let notify = |jitter| Notify::Broadcast(ImageNotify { jitter, scope: NotifyScope::Everyone });
    let early = |jitter| {
        let report = Files::of(300).run(|settings| {
            slow(settings);
            settings.clients = 200;
            settings.client.first_query_delay = zigbee_ota::time::Millis::from_secs(3600);
            settings.host.notify = Some(notify(jitter));
        });
        assert!(all_is_well(&report), "{:?}", report.broken);
        report.lives.iter().filter(|life| life.ended < 1000 * SECOND).count()
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
            settings.net.hazards.burst = Some(burst);
        });
        assert!(all_is_well(&report), "{report:#?}");
    }
}

/// What its radio stack reports makes a client ask again sooner than its timer, which knows nothing yet.
#[test]
fn a_report_of_a_frame_that_did_not_arrive_saves_time() {
    let [told, untold] = [true, false].map(|reports| {
        let report = Files::of(1000).run(|settings| {
            slow(settings);
            settings.client.max_timeout = zigbee_ota::time::Millis::from_secs(600);
            settings.client.initial_timeout = zigbee_ota::time::Millis::from_secs(600);
            settings.net.aps_acks = ApsAcks::AsAsked;
            settings.net.reports = reports;
            settings.net.hazards.script =
                (4..20).map(|frame| (frame, zigbee_ota_sim::net::Fate::Lost)).collect();
        });
        assert!(all_is_well(&report), "{report:#?}");
        report.ended
    });
    assert!(told + 300 * SECOND < untold, "{told} {untold}");
}

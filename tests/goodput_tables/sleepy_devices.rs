//! Sleepy devices: goodput and energy.

use zigbee_ota_sim::Cell;
use zigbee_ota_sim::sleepy_device_table::{self, HELD, LOSSES, Line, POLLS};

use crate::{assert_drawn, assert_same, is_whole};

/// Table as last measured by `cargo run --release --example goodput -- --sleepy`.
const TABLE: &str = include_str!("../../examples/goodput/sleepy_devices.tsv");

/// Row of the table.
fn row(mode: &str, poll: u16, held: u8, loss: u8) -> Line {
    let place = (mode, poll, held, loss);
    let is_here = |line: &Line| (line.mode, line.poll, line.held, line.loss) == place;
    sleepy_device_table::read(TABLE).into_iter().find(is_here).unwrap_or_else(|| panic!("{place:?}"))
}

/// Intervals of polls in milliseconds.
fn polls() -> impl Iterator<Item = u16> {
    POLLS.into_iter().filter(|poll| *poll > 0)
}

/// Measures the devices that poll each second and those that poll most seldom anew.
#[test]
fn the_table_is_what_the_simulation_says() {
    let (known, all) = (sleepy_device_table::read(TABLE), sleepy_device_table::lines());
    let place = |line: &Line| Line { mean: 0, radio_on: 0, repeats: 0, ..*line };
    assert_eq!(known.iter().map(place).collect::<Vec<_>>(), all);
    let few = |line: &Line| is_whole() || [0, 1000, 7500].contains(&line.poll);
    let [known, now] = [known, all].map(|lines| lines.into_iter().filter(few).collect::<Vec<_>>());
    assert_same(&sleepy_device_table::measure(now, || ()), &known);
}

#[test]
fn the_picture_shows_the_table() {
    assert_drawn("--picture-of-sleepy", include_str!("../../examples/goodput/sleepy_devices.svg"));
}

/// Without loss, a device that asks for one block at a time gets one for each poll, and needs the same energy for it at every
/// interval, because a poll that fetches nothing is rare.
#[test]
fn single_requests_bring_a_block_with_each_poll() {
    for (poll, held) in polls().flat_map(|poll| HELD.map(|held| (poll, held))) {
        let line = row("stop-and-wait", poll, held, 0);
        let blocks = f64::from(line.mean) * f64::from(poll) / 64_000.0;
        assert!((0.99..1.08).contains(&blocks), "{poll} ms: {blocks:.3} blocks for each poll");
        assert!((165..=170).contains(&line.radio_on), "{line:?}");
    }
}

/// Pages whose blocks are as far apart as the polls need no request for each block: 28 % less energy at the same speed, where
/// no frame is lost.
#[test]
fn spaced_pages_need_the_least_energy_without_loss() {
    for (poll, held) in polls().flat_map(|poll| HELD.map(|held| (poll, held))) {
        let (pages, single) = (row("pages, spaced", poll, held, 0), row("stop-and-wait", poll, held, 0));
        assert!(pages.radio_on * 100 <= single.radio_on * 73, "{poll} ms: {pages:?} {single:?}");
        assert!(pages.mean * 100 >= single.mean * 98, "{poll} ms: {pages:?} {single:?}");
    }
}

/// A parent that holds one frame loses the others, so that pages without spacing are slower than single requests at every
/// interval. A window costs at most a sixth, as does `Auto`, which compares its first pages with single requests.
#[test]
fn a_parent_with_room_for_one_frame_allows_only_single_requests() {
    for poll in polls() {
        for loss in LOSSES {
            let speed = |mode| f64::from(row(mode, poll, 1, loss).mean);
            let single = speed("stop-and-wait");
            for window in ["window 2", "window 4", "auto"] {
                let kept = speed(window) / single;
                assert!((0.83..=1.01).contains(&kept), "{window}, {poll} ms, {loss} %: {kept:.3}");
            }
            assert!(speed("pages") < 0.51 * single, "{poll} ms, {loss} %");
        }
    }
}

/// With room for four frames a window multiplies the speed, and needs at most 60 % more energy.
#[test]
fn a_window_pays_off_where_the_parent_has_room() {
    for (poll, loss) in polls().flat_map(|poll| LOSSES.map(|loss| (poll, loss))) {
        let of = |mode| row(mode, poll, 4, loss);
        let (single, two, four) = (of("stop-and-wait"), of("window 2"), of("window 4"));
        assert!(two.mean * 10 >= single.mean * 18 && four.mean >= 4 * single.mean, "{poll} ms, {loss} %");
        assert!(four.radio_on * 10 <= single.radio_on * 16, "{poll} ms, {loss} %");
    }
}

/// A device that stays awake for its download needs 37 % more energy by pages than one that sleeps and asks for one block at a
/// time, and is 17 times as fast as one that polls four times a second.
#[test]
fn staying_awake_for_the_download_is_cheap() {
    let (awake, asleep) = (row("pages", 0, 1, 0), row("stop-and-wait", 250, 1, 0));
    assert!(awake.radio_on * 100 <= asleep.radio_on * 138, "{awake:?} {asleep:?}");
    assert!(awake.mean >= 16 * asleep.mean, "{awake:?} {asleep:?}");
}

/// Polls of 7.5 s, a parent with room for four frames, and a frame in twenty lost: some rounds of requests are answered between
/// two polls within milliseconds. The round trip of such a round must not decide for ever how long the client waits.
#[test]
fn a_device_that_once_got_a_fast_answer_still_waits_for_its_next_poll() {
    let cell = Cell { hops: 2, loss: 0.05, bytes: 16_000, ..Cell::USUAL };
    for seed in 0..4 {
        let measured = cell.measure(seed..seed + 1, |world| {
            world.device.sleep = Some((7_500_000, 7_500_000));
            world.net.most_held = 4;
            world.client.transfer =
                zigbee_ota::client::TransferMode::Pages { size: 4096.try_into().unwrap(), spacing: 7500 };
        });
        assert!(measured.mean > 7.0, "seed {seed}: {measured:?}");
    }
}

//! Tests of the random delays of requests: first queries, periodic queries, hourly Upgrade End Requests and resumed
//! downloads.

use super::*;

const SECOND: u64 = 1000;
const DAY: u64 = 24 * 60 * 60 * SECOND;

/// Returns the default settings of a device with the IEEE address `node`.
fn device(node: u64) -> ClientConfig {
    let identity = Identity { node: Some(Eui64(node)), ..config().identity };
    ClientConfig::new(identity, SERVER)
}

/// Returns the largest number of `times` that lie within one second.
fn most_in_a_second(mut times: Vec<u64>) -> usize {
    times.sort_unstable();
    let within = |first: usize| times[first..].iter().take_while(|at| **at < times[first] + SECOND).count();
    (0..times.len()).map(within).max().unwrap()
}

/// Shows: FLD-017
#[test]
fn two_hundred_devices_that_start_together_query_at_most_ten_in_any_second() {
    // Each device either has a seed of its own, or differs by its IEEE address alone.
    for by_address in [false, true] {
        let mut first = Vec::new();
        let mut all = Vec::new();
        for number in 0..200 {
            let (seed, node) = if by_address { (1, 0x0012_4b00_0000_0000 + number) } else { (number, 5) };
            let mut script = Script { client: Client::new(device(node), seed, at(0)), now: at(0) };
            let due = script.client.poll_timeout().unwrap().as_millis();
            assert!((60 * SECOND..=660 * SECOND).contains(&due), "only ever later: {due}");
            first.push(due);
            // The gateway is still off: all attempts are sent, and so are those of the next days.
            while script.now < at(3 * DAY) {
                while script.transmit().is_some() {
                    all.push(script.now.as_millis());
                }
                script.events();
                let next = script.client.poll_timeout().unwrap().as_millis();
                script.advance_to(next);
            }
        }
        assert!(most_in_a_second(first.clone()) <= 10, "{}", most_in_a_second(first));
        assert!(most_in_a_second(all.clone()) <= 10, "{}", most_in_a_second(all));
    }
}

/// Shows: FLD-017
#[test]
fn periodic_queries_and_hourly_asks_are_spread_and_never_early() {
    let mut days = Vec::new();
    let mut hours = Vec::new();
    for seed in 0..200 {
        let mut script = Script { client: Client::new(device(seed), 1, at(0)), now: at(0) };
        script.client.query(at(0)).unwrap();
        script.assert_queries();
        script.receive("19 00 02 98");
        let due = script.client.poll_timeout().unwrap().as_millis();
        assert!((DAY..=DAY + 600 * SECOND).contains(&due), "{due}");
        days.push(due);

        let mut script = Script::ending(ClientConfig { query_spread: Millis::from_secs(300), ..config() });
        script.client.random = crate::client::random::Random::new(seed);
        script.receive("19 03 07 5F11 0101 2C1A0000 00000000 FFFFFFFF");
        let due = script.client.poll_timeout().unwrap().as_millis();
        assert!((3600 * SECOND..=3900 * SECOND).contains(&due), "{due}");
        hours.push(due);
    }
    assert!(most_in_a_second(days) <= 10);
    assert!(most_in_a_second(hours) <= 10);
}

/// Asserts that the next requests of 50 scripts, each with a seed of its own, are due between `first` and `last`
/// seconds, and that some are due in the last fifth of this time.
fn assert_spread(first: u64, last: u64, script: impl Fn(u64) -> Script) {
    let due = |seed| script(seed).client.poll_timeout().unwrap().as_millis();
    let times: Vec<u64> = (0..50).map(due).collect();
    assert!(times.iter().all(|due| (first * SECOND..=last * SECOND).contains(due)), "{times:?}");
    let late = (last - (last - first) / 5) * SECOND;
    assert!(times.iter().any(|due| *due > late), "{times:?}");
}

/// Shows: FLD-017
#[test]
fn periodic_queries_are_late_by_a_quarter_of_a_short_interval_at_most() {
    assert_spread(100, 125, |seed| {
        let config = ClientConfig { query_interval: Some(Millis::from_secs(100)), ..device(seed) };
        let mut script = Script { client: Client::new(config, 1, at(0)), now: at(0) };
        script.client.query(at(0)).unwrap();
        script.assert_queries();
        script.receive("19 00 02 98");
        script
    });
}

/// Settings with a spread that is larger than a quarter of each interval.
fn widely_spread() -> ClientConfig {
    ClientConfig { query_spread: Millis::from_secs(7200), max_query_attempts: 1, ..config() }
}

/// Shows: FLD-017
#[test]
fn a_query_after_an_unanswered_one_is_late_by_a_quarter_of_the_pause_at_most() {
    assert_spread(303, 378, |seed| {
        let mut script = Script::querying(widely_spread());
        script.client.random = crate::client::random::Random::new(seed);
        script.advance_to(3 * SECOND);
        script
    });
}

/// Shows: FLD-017
#[test]
fn an_hourly_ask_is_late_by_a_quarter_of_an_hour_at_most() {
    assert_spread(3600, 4500, |seed| {
        let mut script = Script::ending(widely_spread());
        script.client.random = crate::client::random::Random::new(seed);
        script.receive("19 03 07 5F11 0101 2C1A0000 00000000 FFFFFFFF");
        script
    });
}

/// Shows: FLD-017
#[test]
fn no_seed_hides_the_address_of_the_device() {
    let due = |seed, node| Client::new(device(node), seed, at(0)).poll_timeout().unwrap();
    for seed in [0, u64::MAX] {
        assert_ne!(due(seed, 0x0012_4b00_0000_0001), due(seed, 0x0012_4b00_0000_0002), "{seed:#x}");
    }
}

/// Shows: FLD-017
#[test]
fn the_first_requests_of_resumed_downloads_are_spread_over_ten_seconds() {
    let mut before = Script::downloading(config());
    before.assert_requests_block(0);
    before.receive_block(1, 0, &file(|_| {})[..64]);
    let checkpoint = before.client.checkpoint().unwrap();
    let mut times = Vec::new();
    for seed in 0..50 {
        let mut script = Script { client: Client::new(device(seed), 1, at(0)), now: at(0) };
        script.client.resume(at(0), checkpoint).unwrap();
        let due = script.client.poll_timeout().unwrap().as_millis();
        assert!(due <= 10 * SECOND, "{due}");
        script.advance_to(due);
        assert!(script.transmit().is_some());
        times.push(due);
    }
    times.sort_unstable();
    assert!(times[0] < 2 * SECOND && times[49] > 8 * SECOND, "{times:?}");
    assert!(most_in_a_second(times) <= 15);
}

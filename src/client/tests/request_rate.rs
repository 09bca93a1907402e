//! Tests of the rate of block requests: MinimumBlockPeriod, the minimum period in the configuration, and fast polling.

use super::*;

/// Shows: CLI-068, FLD-020
#[test]
fn requests_keep_the_minimum_block_period_of_the_server() {
    for (revision, unit, sent) in
        [(1, 1_u64, true), (2, 1000, true), (3, 1, true), (1, 0, false), (3, 0, false)]
    {
        let mut script = Script::downloading(ClientConfig {
            cluster_revision: revision,
            supports_block_period: sent,
            ..config()
        });
        let field = |period: u16| std::format!("{:04x}", period.swap_bytes());
        let max = |offset: u8| (100 - offset).min(64);
        let request = |sequence: u8, offset: u8, period: u16| match sent {
            true => std::format!(
                "01 {sequence:02x} 03 02 5F11 0101 2C1A0000 {offset:02x}000000 {:02x} {}",
                max(offset),
                field(period)
            ),
            false => std::format!(
                "01 {sequence:02x} 03 00 5F11 0101 2C1A0000 {offset:02x}000000 {:02x}",
                max(offset)
            ),
        };
        script.assert_sends(&request(1, 0, 0));
        // A wait of 0 only sets the period, which is kept from now on. A client without a period waits for a second.
        script.receive("19 01 05 97 00000000 00000000 C800");
        let period = 200 * unit;
        let first = if sent { period } else { 1000 };
        script.advance_to(first - 1).assert_silent();
        script.advance_to(first).assert_sends(&request(2, 0, 200));
        script.receive_block(2, 0, &file(|_| {})[..64]);
        if period > 0 {
            script.advance_to(first + period - 1).assert_silent();
        }
        script.advance_to(first + period).assert_sends(&request(3, 64, 200));
        let first = first + period;
        // A wait without a period leaves the period unchanged.
        script.receive("19 03 05 97 00000000 05000000");
        script.advance_to(first + 4999).assert_silent();
        script.advance_to(first + 5000).assert_sends(&request(4, 64, 200));
        if sent {
            assert_eq!(script.client.attributes().min_block_period, Some(200));
        }
    }
    // A period is limited to an hour, since a server may use the wrong unit.
    let mut script =
        Script::downloading(ClientConfig { cluster_revision: 2, supports_block_period: true, ..config() });
    script.transmit();
    script.receive("19 01 05 97 00000000 00000000 FEFF");
    assert_eq!(script.client.poll_timeout(), Some(at(60 * 60 * 1000)));
    // Of the server's period and the device's own, the longer one counts.
    let mut script =
        Script::downloading(ClientConfig { min_block_period: Millis(500), ..config().with_zigbee_3(0) });
    script.transmit();
    script.receive("19 01 05 97 00000000 00000000 C800");
    script.advance_to(499).assert_silent();
    assert!(script.advance_to(500).transmit().is_some());
}

/// Shows: FLD-007, CLI-059
#[test]
fn a_server_that_always_says_wait_for_zero_seconds_gets_one_request_per_second() {
    for period in ["", "0A00"] {
        let mut script = Script::downloading(ClientConfig { cluster_revision: 3, ..config() });
        let mut requests = 0;
        while script.now < at(60_000) {
            while let Some((_, request)) = script.transmit() {
                requests += 1;
                let wait = std::format!("19 {:02x} 05 97 00000000 00000000 {period}", request[1]);
                assert_eq!(script.receive(&wait), Handled::Done);
                script.events();
            }
            let next = script.client.poll_timeout().unwrap().as_millis();
            script.advance_to(next);
        }
        assert!((58..=62).contains(&requests), "{requests} requests in a minute");
    }
}

/// Shows: CLI-069
#[test]
fn a_device_polls_fast_while_a_response_is_awaited() {
    let mut script = Script::downloading(config());
    assert_eq!(script.client.waiting_for(), WaitingFor::Time);
    script.assert_requests_block(0);
    assert_eq!(script.client.waiting_for(), WaitingFor::Server);
    script.receive("19 01 05 97 00000000 05000000");
    assert_eq!(script.client.waiting_for(), WaitingFor::Time);
    script.advance_to(5000).assert_requests_block(0);
    assert_eq!(script.client.waiting_for(), WaitingFor::Server);
    script.receive_block(2, 0, &file(|_| {})[..64]);
    assert_eq!(script.client.waiting_for(), WaitingFor::Time);
    let mut script = Script::ending(config());
    assert_eq!(script.client.waiting_for(), WaitingFor::Server);
    script.receive("19 03 07 5F11 0101 2C1A0000 00000000 58020000");
    assert_eq!(script.client.waiting_for(), WaitingFor::Time);
}

/// Shows: CLI-067
#[test]
fn requests_keep_the_minimum_block_period_of_the_device() {
    let mut script = Script::downloading(ClientConfig { min_block_period: Millis(250), ..config() });
    script.assert_requests_block(0);
    script.advance_to(20);
    script.receive_block(1, 0, &file(|_| {})[..8]);
    script.assert_silent();
    assert_eq!(script.client.poll_timeout(), Some(at(250)));
    script.advance_to(249).assert_silent();
    script.advance_to(250).assert_requests_block(8);
    script.advance_to(600);
    script.receive_block(2, 8, &file(|_| {})[8..16]);
    script.assert_requests_block(16);
}

/// Ends the download and starts the download of the same image again, at the time of the script.
fn download_anew(script: &mut Script) {
    script.client.abort(script.now).unwrap();
    let (_, report) = script.transmit().expect("a report");
    assert_eq!(report[2..4], [0x06, 0x95]);
    script.receive(&std::format!("18 {:02x} 0B 06 00", report[1]));
    script.client.query(script.now).unwrap();
    let (_, query) = script.transmit().expect("a query");
    let mut offer = hex(OFFER);
    offer[1] = query[1];
    assert_eq!(script.receive_frame(FrameMeta::unicast(SERVER), &offer), Handled::Done);
    script.accept().prepare();
}

/// Shows: CLI-067, CLI-068
#[test]
fn the_minimum_block_period_is_kept_from_one_download_to_the_next() {
    let mut script = Script::downloading(ClientConfig { min_block_period: Millis(250), ..config() });
    script.assert_requests_block(0);
    download_anew(script.advance_to(20));
    script.assert_silent();
    assert_eq!(script.client.poll_timeout(), Some(at(250)));
    script.advance_to(249).assert_silent();
    script.advance_to(250).assert_requests_block(0);

    let config = ClientConfig { cluster_revision: 2, supports_block_period: true, ..config() };
    let mut script = Script::downloading(config);
    script.assert_sends("01 01 03 02 5F11 0101 2C1A0000 00000000 40 0000");
    script.receive("19 01 05 97 00000000 00000000 C800");
    download_anew(script.advance_to(7000));
    script.assert_silent();
    script.advance_to(199_999).assert_silent();
    assert!(script.advance_to(200_000).transmit().is_some_and(|(_, request)| request[2] == 0x03));
    // The interval of a first request that is long past delays nothing.
    download_anew(script.advance_to(900_000));
    assert!(script.transmit().is_some_and(|(_, request)| request[2] == 0x03));
}

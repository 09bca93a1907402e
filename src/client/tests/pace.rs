//! How fast and in which pieces: periods, alignment, odd servers, settings of queries.

use core::num::NonZeroU8;

use super::*;
use crate::time::Millis;

/// Shows: CLI-068
#[test]
fn the_servers_period_spaces_the_requests() {
    for (revision, unit, sent) in [(2, 1000_u64, true), (3, 1, true), (0, 0, false)] {
        let mut script = Script::downloading(ClientConfig { revision, ..config() });
        let field = |period: u16| std::format!("{:04x}", period.swap_bytes());
        let most = |offset: u8| (100 - offset).min(64);
        let request = |sequence: u8, offset: u8, period: u16| match sent {
            true => std::format!(
                "01 {sequence:02x} 03 02 5F11 0101 2C1A0000 {offset:02x}000000 {:02x} {}",
                most(offset),
                field(period)
            ),
            false => std::format!(
                "01 {sequence:02x} 03 00 5F11 0101 2C1A0000 {offset:02x}000000 {:02x}",
                most(offset)
            ),
        };
        script.sends(&request(1, 0, 0));
        // Nothing but the period: it is kept from now on.
        script.gets("19 01 05 97 00000000 00000000 C800");
        let first = 200 * unit;
        if first > 0 {
            script.until(first - 1).is_silent();
        }
        script.until(first).sends(&request(2, 0, 200));
        script.gets_block(2, 0, &file(|_| {})[..64]);
        if first > 0 {
            script.until(2 * first - 1).is_silent();
        }
        script.until(2 * first).sends(&request(3, 64, 200));
        // A wait with a time, and no period: the old one stays.
        script.gets("19 03 05 97 00000000 05000000");
        script.until(2 * first + 4999).is_silent();
        script.until(2 * first + 5000).sends(&request(4, 64, 200));
        if sent {
            assert_eq!(script.client.attributes().min_block_period, Some(200));
        }
    }
    // No longer than an hour, where a server counts in other units than it should.
    let mut script = Script::downloading(ClientConfig { revision: 2, ..config() });
    script.transmit();
    script.gets("19 01 05 97 00000000 00000000 FEFF");
    assert_eq!(script.client.poll_timeout(), Some(at(60 * 60 * 1000)));
    // The longer one of the two counts.
    let mut script = Script::downloading(ClientConfig { revision: 3, block_pause: Millis(500), ..config() });
    script.transmit();
    script.gets("19 01 05 97 00000000 00000000 C800");
    script.until(499).is_silent();
    assert!(script.until(500).transmit().is_some());
}

/// Shows: CLI-069
#[test]
fn a_device_polls_fast_while_an_answer_is_to_come() {
    let mut script = Script::downloading(config());
    assert_eq!(script.client.waiting_for(), WaitingFor::Time);
    script.sends_request(0);
    assert_eq!(script.client.waiting_for(), WaitingFor::Server);
    script.gets("19 01 05 97 00000000 05000000");
    assert_eq!(script.client.waiting_for(), WaitingFor::Time);
    script.until(5000).sends_request(0);
    assert_eq!(script.client.waiting_for(), WaitingFor::Server);
    script.gets_block(2, 0, &file(|_| {})[..64]);
    assert_eq!(script.client.waiting_for(), WaitingFor::Time);
    let mut script = Script::ending(config());
    assert_eq!(script.client.waiting_for(), WaitingFor::Server);
    script.gets("19 03 07 5F11 0101 2C1A0000 00000000 58020000");
    assert_eq!(script.client.waiting_for(), WaitingFor::Time);
}

fn word(bytes: u8) -> NonZeroU8 {
    NonZeroU8::new(bytes).unwrap()
}

#[test]
fn storage_gets_whole_words_and_the_rest_is_asked_for_again() {
    let file = file(|_| {});
    // The answer has so many bytes, and so many of them are taken.
    let mut script = Script::downloading(ClientConfig { alignment: word(8), max_data: word(63), ..config() });
    let mut stored: Vec<u8> = Vec::new();
    for (sequence, size, taken) in [(1, 56, 56), (2, 19, 16), (3, 8, 8), (4, 15, 8), (5, 12, 12)] {
        let (_, request) = script.transmit().expect("a request");
        let most = (100 - stored.len()).min(56);
        assert_eq!((request[12], request[16]), (stored.len() as u8, most as u8), "offset, and whole words");
        let start = stored.len();
        let frame = block(sequence, OFFERED, start as u32, &file[start..start + size]);
        let ClientAction::Store(lent) =
            script.client.handle_frame(script.now, FrameMeta::unicast(SERVER), &frame)
        else {
            panic!("nothing to store of {size}");
        };
        assert_eq!((lent.offset as usize, lent.data.len()), (start, taken));
        stored.extend(lent.data);
        script.client.stored(script.now, lent.ticket, StoreResult::Ok).unwrap();
    }
    assert_eq!(stored, file);
    assert!(matches!(script.need(), Need::Verify(..)));
}

#[test]
fn blocks_shorter_than_a_word_are_errors() {
    let file = file(|_| {});
    let mut script = Script::downloading(ClientConfig { alignment: word(8), error_limit: 3, ..config() });
    for turn in 1..=3_u8 {
        script.sends_request(0);
        assert_eq!(script.gets_block(turn, 0, &file[..7]), Met::Done);
        // The same answer once more is not counted.
        if turn < 3 {
            assert_eq!(script.gets_block(turn, 0, &file[..7]), Met::Ignored(ClientIgnored::NotExpected));
        }
        script.until(1000 * u64::from(turn));
    }
    script.sends("01 04 06 95 5F11 0101 2C1A0000");
    script.gets("18 04 0B 06 00");
    assert_eq!(script.ended(), Outcome::ShortBlocks);
}

#[test]
fn an_answer_counts_whatever_its_number_and_however_late() {
    let file = file(|_| {});
    let mut script = Script::downloading(config());
    script.sends_request(0);
    // A server that counts for itself.
    assert_eq!(script.gets_block(0xee, 0, &file[..64]), Met::Done);
    script.sends_request(64);
    // Late: asked for again already. Both answers come.
    script.until(3000).sends_request(64);
    assert_eq!(script.gets_block(2, 64, &file[64..80]), Met::Done);
    script.sends_request(80).is_silent();
    assert_eq!(script.gets_block(3, 64, &file[64..80]), Met::Ignored(ClientIgnored::NotExpected));
    script.is_silent();
    assert_eq!(script.gets_block(4, 80, &file[80..]), Met::Done);
    assert!(matches!(script.need(), Need::Verify(..)));
}

/// Shows: CLI-063
#[test]
fn a_refusal_given_twice_counts_once() {
    let mut script = Script::downloading(config());
    for turn in 1..=2_u8 {
        script.sends_request(0);
        for (again, frame) in ["18 {} 0B 03 98", "18 {} 0B 03 98", "19 {} 05 98"].into_iter().enumerate() {
            let frame = frame.replace("{}", &std::format!("{turn:02x}"));
            assert_eq!(script.gets(&frame) == Met::Done, again == 0);
        }
        script.until(1000 * u64::from(turn));
    }
    script.sends_request(0);
    assert_eq!(script.gets_block(3, 0, &file(|_| {})[..64]), Met::Done);
}

#[test]
fn a_default_response_may_say_wait() {
    let mut script = Script::downloading(ClientConfig { error_limit: 2, ..config() });
    for turn in 1..=5_u8 {
        script.sends_request(0);
        assert_eq!(script.gets(&std::format!("18 {turn:02x} 0B 03 97")), Met::Done);
        script.until(1000 * u64::from(turn));
    }
    script.sends_request(0);
}

/// Shows: CLI-102
#[test]
fn the_header_must_be_that_of_the_offer_where_it_is_checked() {
    for (place, check) in [
        (0, HeaderChecks::READABLE),
        (5, HeaderChecks::READABLE),
        (10, HeaderChecks::IMAGE),
        (12, HeaderChecks::IMAGE),
        (14, HeaderChecks::VERSION),
        (52, HeaderChecks::SIZE),
    ] {
        let mut bad = file(|_| {});
        bad[place] ^= 0x01;
        for (header_checks, ends) in [(HeaderChecks::all(), true), (HeaderChecks::all() - check, false)] {
            let mut script = Script::downloading(ClientConfig { header_checks, ..config() });
            script.sends_request(0);
            script.gets_block(1, 0, &bad[..64]);
            if ends {
                script.sends("01 02 06 96 5F11 0101 2C1A0000");
            } else {
                script.sends_request(64);
            }
        }
    }
}

/// Shows: ESP-016, ESP-018, ESP-021
#[test]
fn espressifs_example_settings_work() {
    let current = ImageId::new(0x1001, 0x1011, 0x0101_0101);
    let identity = Identity { current, hardware: Some(HardwareVersion(0x0101)), node: None };
    let mut script = Script::new(ClientConfig { max_data: word(223), ..ClientConfig::new(identity, SERVER) });
    script.until(59_999).is_silent();
    script.until(60_000).sends("01 00 01 01 0110 1110 01010101 0101");
    let offered = ImageId::new(0x1001, 0x1011, 0x0101_0102);
    script.receives(FrameMeta::unicast(SERVER), &offer(0, 0x02, offered, 300));
    script.accept().prepare();
    let mut file = std::vec![0x11; 300];
    let header = FileHeader::new(offered);
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &[7; 300 - 62] }];
    FileWriter::new(header, &elements).unwrap().encode(&mut file).unwrap();
    script.sends("01 01 03 00 0110 1110 02010101 00000000 DF");
    let frame = block(1, offered, 0, &file[..223]);
    assert_eq!(frame.len(), 3 + 14 + 223);
    assert_eq!(script.receives(FrameMeta::unicast(SERVER), &frame), Met::Done);
    script.sends("01 02 03 00 0110 1110 02010101 DF000000 4D");
    assert_eq!(script.client.attributes().downloaded_version, Some(FileVersion::ANY));
}

/// Shows: ESP-022, ESP-023, ESP-024, CLI-039
#[test]
fn queries_can_be_set_and_stopped() {
    let minute = 60_000;
    let mut script = Script::new(config());
    script.until(10_000);
    script.client.set_query_interval(script.now, Some(Millis::secs(300)));
    script.until(10_000 + 5 * minute - 1).is_silent();
    script.until(10_000 + 5 * minute).sends("01 00 01 00 5F11 0101 2B1A0000");
    // Also for the one under way.
    script.client.set_query_interval(script.now, Some(Millis::secs(60)));
    script.gets("19 00 02 98");
    assert_eq!(script.client.poll_timeout(), Some(at(10_000 + 6 * minute)));

    script.client.stop_queries(script.now);
    assert_eq!(script.client.poll_timeout(), None);
    script.until(1000 * minute).is_silent();
    assert_eq!(script.gets("19 07 00 00 64"), Met::Done);
    script.sends("01 01 01 00 5F11 0101 2B1A0000");
    script.gets("19 01 02 98");
    assert_eq!(script.client.poll_timeout(), None);

    let mut script = Script::downloading(config());
    script.sends_request(0);
    script.client.stop_queries(script.now);
    script.gets_block(1, 0, &file(|_| {})[..64]);
    script.sends_request(64);
    script.gets("19 02 05 95");
    assert_eq!(script.client.poll_timeout(), None);
    // By default every device asks.
    assert_eq!(config().query_interval, Some(Millis::secs(24 * 60 * 60)));
}

#[test]
fn older_versions_are_taken_where_that_is_wanted() {
    for (versions, version, passed) in [
        (AcceptedVersions::Newer, "2A1A0000", Some(SkipReason::Older)),
        (AcceptedVersions::Newer, "2B1A0000", Some(SkipReason::SameVersion)),
        (AcceptedVersions::Newer, "2C1A0000", None),
        (AcceptedVersions::Different, "2A1A0000", None),
        (AcceptedVersions::Different, "2B1A0000", Some(SkipReason::SameVersion)),
        (AcceptedVersions::Any, "2A1A0000", None),
        (AcceptedVersions::Any, "2B1A0000", None),
    ] {
        let mut script = Script::querying(ClientConfig { versions, ..config() });
        script.gets(&std::format!("19 00 02 00 5F11 0101 {version} 64000000"));
        assert_eq!(script.client.poll_need().is_some(), passed.is_none());
        match passed {
            None => assert_eq!(script.client.poll_event(), None),
            Some(why) => {
                let event = script.client.poll_event();
                assert!(matches!(event, Some(ClientEvent::OfferSkipped(_, passed)) if passed == why));
            }
        }
    }
}

/// A device that takes one block after the other needs no islands, and does all the same.
#[test]
fn without_islands_a_device_is_upgraded_too() {
    struct Memory(Vec<u8>);
    impl Storage for Memory {
        fn prepare(&mut self, offer: &ImageOffer) -> PrepareResult {
            self.0.reserve(offer.size as usize);
            PrepareResult::Ready
        }

        fn write(&mut self, offset: u32, data: &[u8]) -> StoreResult {
            assert_eq!(offset as usize, self.0.len());
            self.0.extend(data);
            StoreResult::Ok
        }

        fn verify(&mut self, offer: &ImageOffer) -> VerifyResult {
            if self.0.len() == offer.size as usize { VerifyResult::Valid } else { VerifyResult::Invalid }
        }
    }

    let file = file(|_| {});
    let mut memory = Memory(Vec::new());
    let mut client = Client::<0>::with_ranges(config(), 1, at(0));
    let mut buf = [0; LONGEST_TO_SERVER];
    client.query(at(0)).unwrap();
    assert!(client.poll_transmit(at(0), &mut buf).is_some());
    let meta = FrameMeta::unicast(SERVER);
    let answer = offer(0, 0x02, OFFERED, 100);
    assert_eq!(client.handle_frame_with(at(0), meta, &answer, &mut memory), ClientAction::Done);
    let Some(Need::Decide(ticket, _)) = client.poll_need_with(at(0), &mut memory) else { panic!("no offer") };
    client.accept(ticket).unwrap();
    assert_eq!(client.poll_need_with(at(0), &mut memory), None);
    for (sequence, place) in [(1, 0..64), (2, 64..100)] {
        assert!(client.poll_transmit(at(0), &mut buf).is_some());
        let answer = block(sequence, OFFERED, place.start as u32, &file[place]);
        assert_eq!(client.handle_frame_with(at(0), meta, &answer, &mut memory), ClientAction::Done);
    }
    assert_eq!(client.poll_need_with(at(0), &mut memory), None);
    assert_eq!(memory.0, file);
    let end = client.poll_transmit(at(0), &mut buf).expect("the end");
    assert_eq!(buf[..end.len], hex("01 03 06 00 5F11 0101 2C1A0000"));
}

#[test]
fn no_block_is_asked_for_more_often_than_configured() {
    let mut script = Script::downloading(ClientConfig { block_attempts: 3, ..config() });
    for _ in 0..3 {
        script.sends_request(0);
        // An application that is late: it asks for the next frame before it tells the time.
        script.now = script.client.poll_timeout().unwrap();
    }
    assert!(script.transmit().is_none_or(|(_, bytes)| bytes[12..16] != [0; 4]));
    let now = script.now.as_millis();
    let (_, report) = script.until(now).transmit().expect("the report");
    assert_eq!(report[2..4], [0x06, 0x95]);
}

#[test]
fn a_server_that_does_not_know_the_request_now_may_later() {
    let mut script = Script::downloading(config());
    script.sends_request(0);
    assert_eq!(script.gets("18 01 0B 03 81"), Met::Done);
    script.is_silent().until(1000).sends_request(0);
}

#[test]
fn a_header_that_goes_on_after_the_file_is_unreadable() {
    let mut script = Script::querying(config());
    script.receives(FrameMeta::unicast(SERVER), &offer(0, 0x02, OFFERED, 60));
    script.accept().prepare();
    let (_, request) = script.transmit().expect("a request");
    assert_eq!(request[16], 60);
    let file = file(|header| header.destination = Some(Eui64(7)));
    script.gets_block(1, 0, &file[..60]);
    let (_, end) = script.transmit().expect("the report");
    assert_eq!(end[2..4], [0x06, 0x96], "INVALID_IMAGE");
    script.gets("18 02 0B 06 00");
    assert!(matches!(script.ended(), Outcome::HeaderUnreadable(error) if error.is_truncated()));
}

#[test]
fn what_was_asked_for_before_a_wait_does_not_count_in_how_long_an_answer_takes() {
    let mut script = Script::downloading(ClientConfig { max_timeout: Millis::secs(60), ..config() });
    script.sends_request(0);
    script.gets("19 01 05 97 00000000 05000000");
    script.until(5000).sends_request(0);
    script.until(8000).sends_request(0);
    // To the first of the two: it took 3100 ms. Four times half of that are granted above it.
    script.until(8100).gets_block(2, 0, &file(|_| {})[..64]);
    script.sends_request(64);
    assert_eq!(script.client.poll_timeout(), Some(at(8100 + 3100 + 6200)));
}

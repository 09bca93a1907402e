//! Tests of the check that compares a file header during the download with the offer and with the device.

use super::*;
use crate::types::HardwareRange;

/// Downloads `file` in blocks of `size` bytes, and returns the outcome of the upgrade.
fn outcome(config: ClientConfig, file: &[u8], size: usize) -> Outcome {
    let mut script = Script::downloading(config);
    for (turn, piece) in file.chunks(size).enumerate() {
        let Some((_, request)) = script.transmit() else { break };
        if request[2] != 0x03 {
            assert_eq!(request[2..4], [0x06, 0x96], "INVALID_IMAGE");
            script.receive(&std::format!("18 {:02x} 0B 06 00", request[1]));
            assert!(turn * size <= 69 + size, "the download continued after a bad header");
            return script.expect_end();
        }
        script.receive_block(request[1], (turn * size) as u32, piece);
    }
    let Some((_, end)) = script.transmit() else {
        assert!(matches!(script.client.poll_need(), Some(Need::Verify(..))));
        return Outcome::Refused;
    };
    assert_eq!(end[2..4], [0x06, 0x96]);
    script.receive(&std::format!("18 {:02x} 0B 06 00", end[1]));
    script.expect_end()
}

/// Value that the function `outcome` returns if the client accepted the file header and downloaded the complete file.
const DOWNLOADED: Outcome = Outcome::Refused;

/// Shows: CLI-103, CLI-106, CLI-107
#[test]
fn the_header_is_checked_before_the_rest_is_requested() {
    let fits = HardwareRange { min: HardwareVersion(1), max: HardwareVersion(2) };
    let range = Some(fits);
    let mut new = config();
    new.identity.hardware = Some(HardwareVersion(3));
    let mut old = config();
    old.identity.hardware = Some(HardwareVersion(2));
    let mut named = config();
    named.identity.node = Some(Eui64(7));
    for size in [1, 7, 30, 63, 64] {
        assert_eq!(outcome(config(), &file(|_| {}), size), DOWNLOADED);
        assert_eq!(outcome(old, &file(|header| header.hardware = range), size), DOWNLOADED);
        assert_eq!(outcome(new, &file(|_| {}), size), DOWNLOADED);
        assert_eq!(
            outcome(new, &file(|header| header.hardware = range), size),
            Outcome::NotForThisDevice(DeviceMismatch::Hardware(fits))
        );
        let for_seven = file(|header| header.destination = Some(Eui64(7)));
        assert_eq!(outcome(named, &for_seven, size), DOWNLOADED);
        assert_eq!(
            outcome(config(), &for_seven, size),
            Outcome::NotForThisDevice(DeviceMismatch::Destination(Eui64(7)))
        );
        let for_eight = file(|header| header.destination = Some(Eui64(8)));
        assert_eq!(
            outcome(named, &for_eight, size),
            Outcome::NotForThisDevice(DeviceMismatch::Destination(Eui64(8)))
        );
        // A later revision of the specification may add bytes after the known fields.
        assert_eq!(outcome(config(), &file(|header| header.extra = &[9; 30]), size), DOWNLOADED);
    }
}

/// Shows: FLD-012
#[test]
fn a_header_that_differs_from_the_offer_ends_the_download() {
    let mismatch =
        |field, offered, found| Some(Outcome::HeaderMismatch(HeaderMismatch { field, offered, found }));
    let good = file(|_| {});
    for (place, expected) in [
        (0, None),
        (5, None),
        (6, None),
        (10, mismatch(HeaderField::Manufacturer, 0x115f, 0x115e)),
        (12, mismatch(HeaderField::ImageType, 0x0101, 0x0100)),
        (14, mismatch(HeaderField::Version, 0x1a2c, 0x1a2d)),
        (52, mismatch(HeaderField::Size, 100, 101)),
    ] {
        for size in [8, 64] {
            let mut bad = good.clone();
            bad[place] ^= 0x01;
            if place == 6 {
                bad[place] = 55;
            }
            let outcome = outcome(config(), &bad, size);
            match expected {
                Some(expected) => assert_eq!(outcome, expected),
                None => assert!(matches!(outcome, Outcome::HeaderUnreadable(_)), "{place}: {outcome:?}"),
            }
        }
    }
    // The header claims one byte more than the file has.
    let mut long = good.clone();
    (long[6], long[7]) = (101, 0);
    assert!(matches!(outcome(config(), &long, 64), Outcome::HeaderUnreadable(_)));
}

/// Shows: CLI-102
#[test]
fn each_header_check_can_be_switched_off() {
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
        for (header_checks, ends) in [(HeaderChecks::ALL, true), (HeaderChecks::ALL.without(check), false)] {
            let mut script = Script::downloading(ClientConfig { header_checks, ..config() });
            script.assert_requests_block(0);
            script.receive_block(1, 0, &bad[..64]);
            if ends {
                script.assert_sends("01 02 06 96 5F11 0101 2C1A0000");
            } else {
                script.assert_requests_block(64);
            }
        }
    }
}

#[test]
fn a_header_longer_than_the_file_is_unreadable() {
    let mut script = Script::querying(config());
    script.receive_frame(FrameMeta::unicast(SERVER), &offer(0, 0x02, OFFERED, 60));
    script.accept().prepare();
    let (_, request) = script.transmit().expect("a request");
    assert_eq!(request[16], 60);
    let file = file(|header| header.destination = Some(Eui64(7)));
    script.receive_block(1, 0, &file[..60]);
    let (_, end) = script.transmit().expect("the Upgrade End Request");
    assert_eq!(end[2..4], [0x06, 0x96], "INVALID_IMAGE");
    script.receive("18 02 0B 06 00");
    assert!(matches!(script.expect_end(), Outcome::HeaderUnreadable(HeaderFault::Truncated)));
}

/// Shows: FLD-012
#[test]
fn a_difference_from_the_offer_prints_both_values() {
    for (field, offered, found, text) in [
        (
            HeaderField::Manufacturer,
            0x115f,
            0x1049,
            "the file's header has manufacturer code 0x1049, but the offer 0x115f",
        ),
        (HeaderField::ImageType, 1, 2, "the file's header has image type 0x0002, but the offer 0x0001"),
        (
            HeaderField::Version,
            5,
            6,
            "the file's header has file version 0x00000006, but the offer 0x00000005",
        ),
        (
            HeaderField::Size,
            5000,
            4096,
            "the file's header has a total image size of 4096 bytes, but the offer 5000",
        ),
    ] {
        let outcome = Outcome::HeaderMismatch(HeaderMismatch { field, offered, found });
        assert_eq!(std::string::ToString::to_string(&outcome), text);
    }
}

//! Link types and the headers of sniffers.

use crate::capture::Key;
use crate::encoder::{
    GATEWAY, LAMP, NETWORK_KEY, Order, PAN, ethernet, frame, ipv4, ipv6, pcap, timed, with_fcs, zep,
};
use crate::{all_frames, read};

/// Image Notify, a frame of the server.
const NOTIFY: &[u8] = &[0x09, 7, 0x00, 0x00, 0x64];

fn found(link_type: u32, packet: Vec<u8>) -> Vec<Vec<u8>> {
    all_frames(&[Key(NETWORK_KEY)], &pcap(Order::Little, false, link_type, &timed([packet])))
}

/// Shows: FLD-085
#[test]
fn the_frame_is_found_in_every_link_type() {
    let frame = frame(1, GATEWAY, LAMP, NOTIFY);
    let checked = with_fcs(&frame);
    // TI's sniffers write RSSI, "CRC ok" and correlation in place of the FCS.
    let ti_metadata = [&frame[..], &[0xd8, 0xeb]].concat();
    let len = u8::try_from(checked.len()).expect("short");
    let phy = [&[0, 0, 0, 0, 0xa7, len], &checked[..]].concat();
    let tap = |fields: &[u8], frame: &[u8]| {
        let len = u8::try_from(4 + fields.len()).expect("short");
        [&[0, 0, len, 0], fields, frame].concat()
    };
    let rss = [1, 0, 4, 0, 0, 0, 0x50, 0xc2];
    let channel = [3, 0, 3, 0, 15, 0, 0, 0];
    let no_fcs = [0, 0, 1, 0, 0, 0, 0, 0];
    let fcs_16 = [0, 0, 1, 0, 1, 0, 0, 0];
    let fcs_32 = [0, 0, 1, 0, 2, 0, 0, 0];
    let checked_32 = [&frame[..], &[1, 2, 3, 4]].concat();
    let ti = |status: u8, frame: &[u8]| {
        [&[0, 36, 0, 0, 1, 0, 2, 3, 0x7b, 9, 0, 0, 15, 0, 0xd8, status], frame].concat()
    };
    let cooked = |protocol: u16, packet: &[u8]| [&[0; 14][..], &protocol.to_be_bytes(), packet].concat();
    let cooked_2 = |protocol: u16, packet: &[u8]| [&protocol.to_be_bytes()[..], &[0; 18], packet].concat();
    let cases = [
        (195, checked.clone(), "FCS"),
        (195, ti_metadata.clone(), "TI's metadata"),
        (230, frame.clone(), "no FCS"),
        (215, phy, "PHY header"),
        (283, tap(&[], &frame), "TAP without fields"),
        (283, tap(&[rss, no_fcs, channel].concat(), &frame), "TAP without FCS"),
        (283, tap(&[rss, channel, fcs_16].concat(), &checked), "TAP with FCS"),
        (283, tap(&fcs_32, &checked_32), "TAP with an FCS of 32 bits"),
        (1, ethernet(17754, &zep(1, &checked)), "ZEP version 1"),
        (1, ethernet(17754, &zep(2, &checked)), "ZEP version 2"),
        (1, ethernet(17754, &zep(2, &ti_metadata)), "ZEP with TI's metadata"),
        (1, ethernet(17760, &ti(0x80, &checked)), "TI with FCS"),
        (1, ethernet(17760, &ti(0x80, &frame)), "TI without FCS"),
        (1, [&[2; 12][..], &[0x80, 0x9a], &checked].concat(), "EtherType"),
        (1, [&[2; 12][..], &[0x81, 0, 0, 5, 8, 0], &ipv4(17754, &zep(2, &checked))].concat(), "VLAN"),
        (101, ipv4(17754, &zep(2, &checked)), "IPv4"),
        (101, ipv6(17754, &zep(2, &checked)), "IPv6"),
        (113, cooked(0x0800, &ipv4(17754, &zep(2, &checked))), "Linux cooked"),
        (113, cooked(0x00f6, &frame), "a Linux interface"),
        (276, cooked_2(0x86dd, &ipv6(17754, &zep(1, &checked))), "Linux cooked 2"),
    ];
    for (link_type, packet, name) in cases {
        assert_eq!(found(link_type, packet), [NOTIFY], "{name}");
    }
    // Damaged on the way to the sniffer, or something else.
    for (link_type, packet) in [
        (1, ethernet(17760, &ti(0x00, &checked))),
        (1, ethernet(53, &zep(2, &checked))),
        (1, ethernet(17754, b"EX\x02\x02\x00\x00\x00\x01")),
        (101, vec![0x45]),
    ] {
        assert_eq!(found(link_type, packet), [] as [Vec<u8>; 0]);
    }
}

#[test]
fn sender_receiver_and_time_are_told() {
    let packets = timed([with_fcs(&frame(1, GATEWAY, LAMP, NOTIFY))]);
    let (frames, counts) = read(&[Key(NETWORK_KEY)], &pcap(Order::Big, true, 195, &packets));
    assert_eq!(counts.frames, 1);
    let [found] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!(
        (found.pan, found.from.to_string(), found.to.to_string()),
        (PAN, "0x0000/1".into(), "0x9a31/1".into())
    );
    assert_eq!(found.time.map(|time| time.as_secs()), Some(1_700_000_000));
}

#[test]
fn packets_of_an_unknown_link_type_are_counted() {
    let packets = timed([vec![1, 2, 3], vec![4]]);
    let (frames, counts) = read(&[], &pcap(Order::Little, false, 187, &packets));
    assert_eq!(frames, []);
    assert_eq!(counts.to_string(), "2 packets have the link type 187, which is not read");
}

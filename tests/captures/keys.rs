//! Keys: given, in the capture, and those of link security.

use crate::capture::Key;
use crate::encoder::{
    Aps, GATEWAY, LAMP, NETWORK_KEY, Network, Order, Packet, ROUTER, Security, WELL_KNOWN, aps_command,
    frame, mac, pcap, timed, transport_key, with_fcs,
};
use crate::{all_frames, read};

const NOTIFY: &[u8] = &[0x09, 7, 0x00, 0x00, 0x64];
const LINK_KEY: [u8; 16] = *b"link key 4567890";

fn file(packets: &[Packet]) -> Vec<u8> {
    pcap(Order::Little, false, 195, packets)
}

/// Frame of the gateway that no network key encrypts.
fn in_clear(number: u8, aps: &[u8]) -> Vec<u8> {
    with_fcs(&mac(number, GATEWAY, LAMP, &Network::new(GATEWAY, LAMP, number).encode(aps)))
}

fn encrypted(number: u8, aps: &[u8]) -> Vec<u8> {
    let network = Network::new(GATEWAY, LAMP, number).encrypted(number.into(), GATEWAY);
    with_fcs(&mac(number, GATEWAY, LAMP, &network.encode(aps)))
}

fn notify() -> Vec<u8> {
    with_fcs(&frame(100, GATEWAY, LAMP, NOTIFY))
}

#[test]
fn a_key_is_given_in_hexadecimal() {
    let key = "00:11:22:33:44:55:66:77:88:99:aa:BB:cc:dd:ee:ff";
    let bytes =
        [0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff];
    assert_eq!(key.parse(), Ok(Key(bytes)));
    assert_eq!(key.replace(':', "").parse(), Ok(Key(bytes)));
    for wrong in [
        "",
        "00",
        "zz112233445566778899aabbccddeeff",
        "00112233445566778899aabbccddeeff00",
        "0x11223344556677889900aabbccddeeff",
    ] {
        assert!(wrong.parse::<Key>().is_err(), "{wrong}");
    }
    assert_eq!(format!("{:?}", Key(bytes)), "Key");
}

/// Shows: FLD-085
#[test]
fn only_the_right_key_opens_a_frame() {
    let file = file(&timed([notify()]));
    let other = Key(*b"some other key !");
    assert_eq!(all_frames(&[other, Key(NETWORK_KEY), other], &file), [NOTIFY]);
    let (frames, counts) = read(&[other], &file);
    assert_eq!((frames.len(), counts.without_network_key), (0, 1));
    assert_eq!(counts.to_string(), "1 frames are encrypted by a network key that is not known (--key)");
}

/// Shows: FLD-085
#[test]
fn the_network_key_travels_under_the_well_known_key() {
    for identifier in [2, 3, 0] {
        let security = Security::link(WELL_KNOWN, identifier, 1, GATEWAY);
        let join = aps_command(1, Some(security), &transport_key(1, NETWORK_KEY));
        assert_eq!(all_frames(&[], &file(&timed([in_clear(1, &join), notify()]))), [NOTIFY]);
    }
    // To a router first, which passes it on.
    let security = Security::link(WELL_KNOWN, 2, 1, GATEWAY);
    let inner = aps_command(1, Some(security), &transport_key(1, NETWORK_KEY));
    let tunnel = [&[0x0e], &LAMP.ieee.to_le_bytes()[..], &inner].concat();
    let packets = timed([in_clear(1, &aps_command(2, None, &tunnel)), notify()]);
    assert_eq!(all_frames(&[], &file(&packets)), [NOTIFY]);
    // In the clear, as networks of the time before security by default did.
    let packets = timed([in_clear(1, &aps_command(2, None, &transport_key(1, NETWORK_KEY))), notify()]);
    assert_eq!(all_frames(&[], &file(&packets)), [NOTIFY]);
    // Under a link key that is given.
    let security = Security::link(LINK_KEY, 2, 1, GATEWAY);
    let join = aps_command(1, Some(security), &transport_key(1, NETWORK_KEY));
    let packets = timed([in_clear(1, &join), notify()]);
    assert_eq!(all_frames(&[Key(LINK_KEY)], &file(&packets)), [NOTIFY]);
    assert_eq!(read(&[], &file(&packets)).1.without_network_key, 1);
}

#[test]
fn link_keys_in_the_capture_open_aps_frames() {
    let transport = |key: [u8; 16]| {
        let security = Security::link(WELL_KNOWN, 3, 1, GATEWAY);
        encrypted(1, &aps_command(1, Some(security), &transport_key(4, key)))
    };
    let secured = |has_address: bool| Aps {
        security: Some(Security { has_address, ..Security::link(LINK_KEY, 0, 7, GATEWAY) }),
        ..Aps::new(9)
    };
    let keys = [Key(NETWORK_KEY)];
    let packets = timed([transport(LINK_KEY), encrypted(2, &secured(true).encode(NOTIFY))]);
    assert_eq!(all_frames(&keys, &file(&packets)), [NOTIFY]);
    // Without an address of its own, the frame's sender is the one whose address was seen in the network layer.
    let packets = timed([transport(LINK_KEY), encrypted(2, &secured(false).encode(NOTIFY))]);
    assert_eq!(all_frames(&keys, &file(&packets)), [NOTIFY]);
    let packets = timed([encrypted(2, &secured(true).encode(NOTIFY))]);
    let (frames, counts) = read(&keys, &file(&packets));
    assert_eq!((frames.len(), counts.without_link_key), (0, 1));
}

/// The address of a sender far away is known from its announcement, not from the hop.
#[test]
fn a_device_announcement_tells_the_address_of_a_sender() {
    let announce = [&[1][..], &LAMP.short.to_le_bytes(), &LAMP.ieee.to_le_bytes(), &[0x8e]].concat();
    let aps = Aps { cluster: 0x0013, profile: 0, endpoints: (0, 0), ..Aps::new(1) }.encode(&announce);
    let relayed = |number: u8, aps: &[u8]| {
        let network = Network::new(LAMP, GATEWAY, number).encrypted(number.into(), ROUTER);
        with_fcs(&mac(number, ROUTER, GATEWAY, &network.encode(aps)))
    };
    let security = Security { has_address: false, ..Security::link(LINK_KEY, 0, 7, LAMP) };
    let query = [0x01, 9, 0x01, 0, 1, 0x10, 0xab, 0, 1, 0, 0, 0];
    let secured = Aps { security: Some(security), ..Aps::new(2) }.encode(&query);
    let keys = [Key(NETWORK_KEY), Key(LINK_KEY)];
    let announced = timed([relayed(1, &aps), relayed(2, &secured)]);
    assert_eq!(all_frames(&keys, &file(&announced)), [query]);
    assert_eq!(read(&keys, &file(&announced[1..])).1.without_link_key, 1);
}

/// Keys of the capture never push out a key that was given.
#[test]
fn the_number_of_keys_is_bounded() {
    let mut packets: Vec<Vec<u8>> = (0..200)
        .map(|number| in_clear(number, &aps_command(number, None, &transport_key(1, [number; 16]))))
        .collect();
    packets.push(notify());
    assert_eq!(all_frames(&[Key(NETWORK_KEY)], &file(&timed(packets.clone()))), [NOTIFY]);
    // The latest keys are kept.
    packets.insert(199, in_clear(200, &aps_command(200, None, &transport_key(1, NETWORK_KEY))));
    assert_eq!(all_frames(&[], &file(&timed(packets))), [NOTIFY]);
}

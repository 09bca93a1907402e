//! Headers of the MAC, network and APS layer in all their forms.

use crate::all_frames;
use crate::capture::Key;
use crate::encoder::{
    Aps, GATEWAY, LAMP, NETWORK_KEY, Network, Node, Order, PAN, ROUTER, mac, pcap, timed, with_fcs,
};
use crate::read;

const NOTIFY: &[u8] = &[0x09, 7, 0x00, 0x00, 0x64];

/// Capture of one MAC frame.
fn capture(frame: &[u8]) -> Vec<u8> {
    pcap(Order::Little, false, 195, &timed([with_fcs(frame)]))
}

fn network() -> Network {
    Network::new(GATEWAY, LAMP, 5).encrypted(5, ROUTER)
}

#[test]
fn mac_headers_with_long_addresses_and_two_pans_are_read() {
    let payload = network().encode(&Aps::new(1).encode(NOTIFY));
    let (short, ieee) = (LAMP.short.to_le_bytes(), LAMP.ieee.to_le_bytes());
    let pan = PAN.to_le_bytes();
    let headers: [(&str, Vec<u8>); 5] = [
        ("two PANs", [&[0x21, 0x88, 1], &pan[..], &short, &pan, &short].concat()),
        ("long receiver", [&[0x61, 0x8c, 1], &pan[..], &ieee, &short].concat()),
        ("long sender", [&[0x61, 0xc8, 1], &pan[..], &short, &ieee].concat()),
        ("no receiver", [&[0x01, 0x80, 1], &pan[..], &short].concat()),
        ("version 2006", [&[0x61, 0x98, 1], &pan[..], &short, &short].concat()),
    ];
    for (name, header) in headers {
        let frame = [&header[..], &payload].concat();
        assert_eq!(all_frames(&[Key(NETWORK_KEY)], &capture(&frame)), [NOTIFY], "{name}");
    }
    // Beacons, acknowledgements, commands, secured frames, frames of IEEE 802.15.4-2015, and without an address.
    for control in [[0x00, 0x80], [0x02, 0x00], [0x63, 0x88], [0x69, 0x88], [0x61, 0xa8], [0x01, 0x00]] {
        let mut frame = mac(1, GATEWAY, LAMP, &payload);
        frame[..2].copy_from_slice(&control);
        assert_eq!(all_frames(&[Key(NETWORK_KEY)], &capture(&frame)), [] as [Vec<u8>; 0], "{control:?}");
    }
}

#[test]
fn network_headers_with_all_optional_fields_are_read() {
    let aps = Aps::new(1).encode(NOTIFY);
    let cases = [
        Network { ieee_addresses: (true, false), ..network() },
        Network { ieee_addresses: (false, true), ..network() },
        Network { is_multicast: true, ..network() },
        Network { relays: Some(vec![]), ..network() },
        Network {
            ieee_addresses: (true, true),
            is_multicast: true,
            relays: Some(vec![ROUTER.short, 0x1234]),
            ..network()
        },
        Network { security: None, ..network() },
    ];
    for network in cases {
        let frame = mac(1, ROUTER, LAMP, &network.encode(&aps));
        assert_eq!(all_frames(&[Key(NETWORK_KEY)], &capture(&frame)), [NOTIFY]);
    }
    // Network commands, frames between networks, and other versions.
    for control in [0x49, 0x4b, 0x44, 0x5c] {
        let mut frame = network().encode(&aps);
        frame[0] = control;
        let frame = mac(1, ROUTER, LAMP, &frame);
        assert_eq!(read(&[], &capture(&frame)).0, [], "{control:#x}");
    }
}

#[test]
fn aps_headers_name_group_endpoints_and_cluster() {
    let found = |aps: Aps, to: Node| {
        let network = Network { to, ..network() };
        let frame = mac(1, ROUTER, to, &network.encode(&aps.encode(NOTIFY)));
        let (frames, _) = read(&[Key(NETWORK_KEY)], &capture(&frame));
        frames.into_iter().map(|frame| (frame.from.endpoint, frame.to.endpoint)).collect::<Vec<_>>()
    };
    let everyone = Node { short: 0xfffd, ieee: 0 };
    assert_eq!(found(Aps { endpoints: (11, 242), ..Aps::new(1) }, LAMP), [(11, 242)]);
    assert_eq!(found(Aps { group: Some(0x0101), ..Aps::new(1) }, everyone), [(1, 255)]);
    assert_eq!(found(Aps { profile: 0xc05e, ..Aps::new(1) }, LAMP), [(1, 1)]);
    // Another cluster, and the management of the network.
    assert_eq!(found(Aps { cluster: 0x0006, ..Aps::new(1) }, LAMP), []);
    assert_eq!(found(Aps { profile: 0x0000, ..Aps::new(1) }, LAMP), []);
    // An extended header without a fragment.
    assert_eq!(found(Aps { cluster: 0x0019, extended: None, ..Aps::new(1) }, LAMP), [(1, 1)]);
}

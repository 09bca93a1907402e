//! Frames that a sniffer hears more than once.

use crate::all_frames;
use crate::capture::Key;
use crate::encoder::{
    Aps, GATEWAY, LAMP, NETWORK_KEY, Network, Node, Order, Packet, ROUTER, Security, mac, pcap, with_fcs,
};

/// Block request with a sequence number.
fn request(sequence: u8) -> Vec<u8> {
    vec![0x01, sequence, 0x03, 0, 1, 0x10, 0xab, 0, 2, 0, 0, 0, 0, 0, 0, 0, 50]
}

/// Frame of the lamp as a hop sends it.
fn sent(hop: Node, next: Node, radius: u8, sequence: u8, counter: u32, aps: &[u8]) -> Vec<u8> {
    let network = Network { radius, ..Network::new(LAMP, GATEWAY, sequence).encrypted(counter, hop) };
    with_fcs(&mac(sequence, hop, next, &network.encode(aps)))
}

fn found(packets: Vec<(u64, Vec<u8>)>) -> Vec<Vec<u8>> {
    let packets: Vec<Packet> = packets
        .into_iter()
        .map(|(ms, packet)| (1_700_000_000_000_000_000 + ms * 1_000_000, packet))
        .collect();
    all_frames(&[Key(NETWORK_KEY)], &pcap(Order::Little, false, 195, &packets))
}

/// Shows: FLD-085
#[test]
fn a_frame_is_given_once_for_all_hops_and_retries() {
    let aps = Aps::new(40).encode(&request(1));
    let first = sent(LAMP, ROUTER, 30, 1, 100, &aps);
    let packets = vec![
        (0, first.clone()),
        // The MAC layer repeats it, the router passes it on, and the APS layer repeats it as a new network frame.
        (5, first),
        (10, sent(ROUTER, GATEWAY, 29, 1, 900, &aps)),
        (1600, sent(LAMP, ROUTER, 30, 2, 101, &aps)),
        (1610, sent(ROUTER, GATEWAY, 29, 2, 901, &aps)),
    ];
    assert_eq!(found(packets), [request(1)]);
}

#[test]
fn what_an_application_sends_again_is_given_again() {
    let frame = |number: u8, aps_counter: u8, zcl: &[u8]| {
        sent(LAMP, GATEWAY, 30, number, number.into(), &Aps::new(aps_counter).encode(zcl))
    };
    let packets = vec![
        (0, frame(1, 40, &request(1))),
        // The same request in a new APS message, and with a new ZCL sequence number under the same APS counter.
        (500, frame(2, 41, &request(1))),
        (600, frame(3, 40, &request(2))),
        // The same bytes once more when the counters are around.
        (60_000, frame(4, 40, &request(1))),
    ];
    assert_eq!(found(packets), [request(1), request(1), request(2), request(1)]);
}

/// The APS layer encrypts a repeated frame anew.
#[test]
fn a_retry_with_another_frame_counter_is_the_same_frame() {
    let key = *b"link key 4567890";
    let frame = |number: u8| {
        let security = Some(Security::link(key, 0, 50 + u32::from(number), LAMP));
        sent(LAMP, GATEWAY, 30, number, number.into(), &Aps { security, ..Aps::new(40) }.encode(&request(1)))
    };
    let packets = [0, 1600].into_iter().zip([frame(1), frame(2)]);
    let packets: Vec<Packet> = packets.map(|(ms, packet)| (ms * 1_000_000, packet)).collect();
    let file = pcap(Order::Little, false, 195, &packets);
    assert_eq!(all_frames(&[Key(NETWORK_KEY), Key(key)], &file), [request(1)]);
}

//! Messages in several APS frames.

use crate::capture::{Counts, Key};
use crate::encoder::{
    Aps, GATEWAY, LAMP, NETWORK_KEY, Network, Order, Packet, Security, mac, pcap, with_fcs,
};
use crate::read;

/// Message of 180 bytes; `salt` changes its bytes.
fn message(salt: u8) -> Vec<u8> {
    (0..180).map(|byte: u8| byte.wrapping_mul(7) ^ salt).collect()
}

/// Frames with the fragments of a message under an APS counter. The network sequence numbers start at `number`.
fn fragments(number: u8, counter: u8, message: &[u8], security: Option<Security>) -> Vec<Vec<u8>> {
    let parts: Vec<&[u8]> = message.chunks(70).collect();
    let count = u8::try_from(parts.len()).expect("few");
    let frame = |(index, part): (u8, &&[u8])| {
        let extended = Some(if index == 0 { (1, count) } else { (2, index) });
        let aps = Aps { extended, security, ..Aps::new(counter) }.encode(part);
        let sequence = number.wrapping_add(index);
        let network = Network::new(GATEWAY, LAMP, sequence).encrypted(sequence.into(), GATEWAY);
        with_fcs(&mac(sequence, GATEWAY, LAMP, &network.encode(&aps)))
    };
    (0..count).zip(&parts).map(frame).collect()
}

fn found(packets: Vec<(u64, Vec<u8>)>) -> (Vec<Vec<u8>>, Counts) {
    let packets: Vec<Packet> = packets
        .into_iter()
        .map(|(ms, packet)| (1_700_000_000_000_000_000 + ms * 1_000_000, packet))
        .collect();
    let file = pcap(Order::Little, false, 195, &packets);
    let (frames, counts) = read(&[Key(NETWORK_KEY), Key(*b"link key 4567890")], &file);
    (frames.into_iter().map(|frame| frame.bytes).collect(), counts)
}

/// Shows: FLD-085
#[test]
fn fragments_are_joined_in_any_order_and_after_retries() {
    let [a, b, c] = &fragments(1, 5, &message(0), None)[..] else { panic!("three fragments") };
    // The sniffer may hear a fragment only when it is repeated, which is a new frame of the network layer.
    let [_, again, _] = &fragments(60, 5, &message(0), None)[..] else { panic!("three fragments") };
    for order in [[a, b, c], [c, b, a], [b, a, c]] {
        let once = (0..).zip(order.map(Clone::clone)).collect();
        assert_eq!(found(once), (vec![message(0)], Counts { frames: 1, ..Counts::default() }));
    }
    let packets = [(0, a), (1, c), (1600, a), (1601, again), (1602, c), (1603, again)];
    let packets = packets.into_iter().map(|(ms, packet)| (ms, packet.clone())).collect();
    assert_eq!(found(packets), (vec![message(0)], Counts { frames: 1, repeated: 3, ..Counts::default() }));
}

#[test]
fn fragments_of_several_messages_may_be_mixed() {
    let (one, two) = (fragments(1, 5, &message(1), None), fragments(11, 6, &message(2), None));
    let packets = (0..).zip(one.into_iter().zip(two).flat_map(|(one, two)| [one, two])).collect();
    assert_eq!(found(packets).0, [message(1), message(2)]);
}

#[test]
fn encrypted_fragments_are_joined() {
    let security = Some(Security::link(*b"link key 4567890", 0, 77, GATEWAY));
    let packets = (0..).zip(fragments(1, 5, &message(3), security)).collect();
    assert_eq!(found(packets).0, [message(3)]);
}

/// Fragments of a message whose other fragments were not heard never become part of the next message with that counter.
#[test]
fn a_message_never_has_fragments_of_another() {
    let (one, two) = (fragments(1, 5, &message(1), None), fragments(11, 5, &message(2), None));
    // Soon after, another fragment of the same index tells that it is another message.
    let packets =
        vec![(0, one[0].clone()), (1, one[1].clone()), (5000, two[1].clone()), (5001, two[2].clone())];
    let (frames, counts) = found(packets);
    assert_eq!((frames.len(), counts.incomplete), (0, 2));
    // Later, the time does.
    let packets = vec![(0, one[2].clone()), (40_000, two[0].clone()), (40_001, two[1].clone())];
    let (frames, counts) = found(packets);
    assert_eq!((frames.len(), counts.incomplete), (0, 2));
    assert_eq!(counts.to_string(), "2 messages miss APS fragments");
}

#[test]
fn the_memory_for_fragments_is_bounded() {
    // The first fragments of 100 messages: each takes the place of an older one.
    let packets =
        (0..100).map(|number| (u64::from(number), fragments(number, number, &message(0), None).remove(0)));
    assert_eq!(found(packets.collect()).1.incomplete, 100);
    // The last 32 are complete when their other fragments come, the latest first.
    let first = (0..100).map(|number| fragments(number, number, &message(0), None).remove(0));
    let rest =
        (0..100).rev().flat_map(|number| fragments(100 + number, number, &message(0), None).split_off(1));
    let packets = (0..).zip(first.chain(rest)).collect();
    assert_eq!(found(packets).0.len(), 32);
    // A message of 255 fragments is too long.
    let long: Vec<u8> = (0..255 * 70_u32).map(|byte| byte.to_le_bytes()[0]).collect();
    let (frames, counts) = found((0..).zip(fragments(0, 5, &long, None)).collect());
    assert_eq!(frames.len(), 0);
    assert!(counts.incomplete > 0);
}

//! Forms of capture files: pcap and pcapng in both byte orders.

use std::fs::File;

use crate::capture::{self, Decoder, Item, Key};
use crate::encoder::{
    GATEWAY, LAMP, NETWORK_KEY, Order, Packet, Security, aps_command, frame, mac, pcap, pcapng, timed,
    transport_key, with_fcs,
};
use crate::encoder::{Network, WELL_KNOWN};
use crate::read;

/// Packets with three queries.
fn queries() -> (Vec<Packet>, Vec<Vec<u8>>) {
    let queries: Vec<Vec<u8>> =
        (0..3).map(|number| vec![0x01, number, 0x01, 0, 1, 0x10, 0xab, 0, 1, 0, 0, 0]).collect();
    let packets = (0..).zip(&queries).map(|(number, query)| with_fcs(&frame(number, LAMP, GATEWAY, query)));
    (timed(packets), queries)
}

/// Shows: FLD-085
#[test]
fn both_forms_are_read_in_both_byte_orders() {
    let (packets, queries) = queries();
    for order in Order::BOTH {
        let files = [
            (pcap(order, false, 195, &packets), "pcap"),
            // A pcap header may tell the length of the FCS in its upper bits.
            (pcap(order, true, 195 | 0x2400_0000, &packets), "pcap with nanoseconds"),
            (pcapng(order, 6, 195, &packets), "pcapng"),
            (pcapng(order, 9, 195, &packets), "pcapng with nanoseconds"),
            (pcapng(order, 0x80 | 20, 195, &packets), "pcapng with binary fractions"),
            (
                [pcapng(order, 6, 195, &packets[..1]), pcapng(order, 9, 195, &packets[1..])].concat(),
                "sections",
            ),
        ];
        for (file, name) in files {
            let (frames, counts) = read(&[Key(NETWORK_KEY)], &file);
            assert_eq!(counts.to_string(), "", "{name}, {order:?}");
            let bytes: Vec<Vec<u8>> = frames.iter().map(|frame| frame.bytes.clone()).collect();
            assert_eq!(bytes, queries, "{name}, {order:?}");
            let times = frames.iter().map(|frame| frame.time.map(|time| (time.as_micros() + 5_000) / 10_000));
            let expected = (0..3).map(|number| Some(170_000_000_000 + number));
            assert!(times.eq(expected), "{name}, {order:?}: {frames:?}");
        }
    }
}

#[test]
fn a_file_that_is_cut_off_is_read_up_to_there() {
    let (packets, queries) = queries();
    for file in [pcap(Order::Little, false, 195, &packets), pcapng(Order::Big, 6, 195, &packets)] {
        let (frames, counts) = read(&[Key(NETWORK_KEY)], &file[..file.len() - 1]);
        assert_eq!(frames.len(), queries.len() - 1);
        assert!(counts.to_string().ends_with("is cut off"), "{counts}");
        let (frames, counts) = read(&[Key(NETWORK_KEY)], &file[..6]);
        assert_eq!(
            (frames.len(), counts.to_string().as_str()),
            (0, "the header of the capture is malformed")
        );
    }
}

#[test]
fn a_block_with_an_absurd_length_ends_the_file() {
    let (packets, queries) = queries();
    let mut file = pcap(Order::Little, false, 195, &packets);
    file.extend([0; 8]);
    file.extend([0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0]);
    file.resize(file.len() + (1 << 23), 0);
    let (frames, counts) = read(&[Key(NETWORK_KEY)], &file);
    assert_eq!(frames.len(), queries.len());
    assert!(counts.to_string().ends_with("is too long"), "{counts}");
}

#[test]
fn a_block_longer_than_the_buffer_is_passed() {
    let (mut packets, queries) = queries();
    packets.insert(1, (packets[0].0, vec![0x55; 300_000]));
    let (frames, counts) = read(&[Key(NETWORK_KEY)], &pcapng(Order::Little, 6, 195, &packets));
    assert_eq!((frames.len(), counts.to_string()), (queries.len(), String::new()));
}

/// A key that a joining device gets opens the frames that were sent before it joined.
#[test]
fn a_file_is_read_twice_for_its_keys() {
    let (mut packets, queries) = queries();
    let security = Security::link(WELL_KNOWN, 2, 9, GATEWAY);
    let join = aps_command(8, Some(security), &transport_key(1, NETWORK_KEY));
    let join = mac(9, GATEWAY, LAMP, &Network::new(GATEWAY, LAMP, 9).encode(&join));
    packets.push((packets[2].0, with_fcs(&join)));
    let file = pcap(Order::Little, false, 195, &packets);
    let (frames, counts) = read(&[], &file);
    assert_eq!((frames.len(), counts.without_network_key), (0, 3));

    let path = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(&path, file).expect("written");
    let mut decoder = Decoder::new(&[]);
    let mut found = Vec::new();
    let mut receiver = |item: Item<'_>| {
        if let Item::Frame(frame) = item {
            found.push(frame.bytes);
        }
        Ok(())
    };
    capture::read_twice(|| File::open(&path), &mut decoder, &mut receiver).expect("it is read");
    assert_eq!((found, decoder.counts().to_string()), (queries, String::new()));
}

//! Damaged frames, and captures of any bytes.

use proptest::prelude::*;

use crate::capture::{self, Decoder, Key};
use crate::encoder::{
    Aps, GATEWAY, LAMP, NETWORK_KEY, Network, Order, frame, mac, pcap, pcapng, timed, with_fcs,
};
use crate::{all_frames, read};

const NOTIFY: &[u8] = &[0x09, 7, 0x00, 0x00, 0x64];

fn file(packet: Vec<u8>) -> Vec<u8> {
    pcap(Order::Little, false, 195, &timed([packet]))
}

/// MAC frame that no key encrypts.
fn in_clear(number: u8) -> Vec<u8> {
    let network = Network::new(GATEWAY, LAMP, number).encode(&Aps::new(number).encode(NOTIFY));
    mac(number, GATEWAY, LAMP, &network)
}

/// A wrong FCS says little when the encryption proves the frame: some sniffers write zeros. Without encryption, it decides.
#[test]
fn frames_with_a_wrong_fcs_count_only_if_their_encryption_proves_them() {
    let encrypted = frame(1, GATEWAY, LAMP, NOTIFY);
    let in_clear = in_clear(1);
    let zeros = |frame: &[u8]| [frame, &[0, 0]].concat();
    let keys = [Key(NETWORK_KEY)];
    assert_eq!(all_frames(&keys, &file(zeros(&encrypted))), [NOTIFY]);
    assert_eq!(all_frames(&keys, &file(with_fcs(&in_clear))), [NOTIFY]);
    let (frames, counts) = read(&keys, &file(zeros(&in_clear)));
    assert_eq!((frames.len(), counts.to_string().as_str()), (0, "1 frames are damaged"));
    // Any changed bit of the encrypted frame, and any cut. MAC and network type bits may make it another frame, which is none of
    // this cluster.
    let sound = with_fcs(&encrypted);
    let changed = (0..8 * encrypted.len()).map(|bit| {
        let mut damaged = sound.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        damaged
    });
    let cut = (0..encrypted.len()).map(|len| sound[..len].to_vec());
    for damaged in changed.chain(cut) {
        let mut decoder = Decoder::new(&keys);
        let found = decoder.packet(195, None, &damaged);
        assert!(found.is_none_or(|frame| frame.bytes == NOTIFY), "{damaged:02x?}");
    }
}

/// Reads any bytes to the end.
fn survives(input: &[u8]) {
    let mut decoder = Decoder::new(&[Key(NETWORK_KEY)]);
    // A text may be refused, which is no panic.
    drop(capture::read(input, &mut decoder, &mut |_| Ok(())));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_packet_is_read_without_a_panic(
        link_type in prop::sample::select(vec![1_u32, 101, 113, 195, 215, 230, 276, 283]),
        packet in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut decoder = Decoder::new(&[Key(NETWORK_KEY)]);
        decoder.packet(link_type, None, &packet);
    }

    #[test]
    fn any_change_of_a_capture_is_read_without_a_panic(
        is_pcapng in any::<bool>(),
        order in prop::sample::select(Order::BOTH.to_vec()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let packets = timed((0..5).map(|number| with_fcs(&in_clear(number))));
        let mut file = if is_pcapng { pcapng(order, 6, 195, &packets) } else { pcap(order, true, 195, &packets) };
        for (place, byte) in changes {
            let len = file.len();
            file[place.index(len)] = byte;
        }
        survives(&file);
        survives(&file[..cut.index(file.len())]);
    }
}

//! Property of captures, for property tests and fuzz targets alike: any bytes are read without a panic, and a packet that is
//! heard twice gives no frame more.

use std::time::Duration;

use layers::{Decoder, Item, Key};

#[path = "../../../examples/common/capture/mod.rs"]
#[allow(dead_code, reason = "each program uses a part")]
mod layers;

/// Key of the captures among the seeds.
const NETWORK_KEY: Key = Key(*b"network key 0123");

/// Maximum length of a frame, which the memory for fragments limits.
const LONGEST: usize = 8192;

/// Link type of packets that are MAC frames without FCS.
const MAC_FRAME: u32 = 230;

const LINK_TYPES: [u32; 8] = [1, 101, 113, 195, 215, MAC_FRAME, 276, 283];

/// Reads `bytes` as an input of the form that they begin like, and as a packet of each link type.
pub fn any_input(bytes: &[u8]) {
    let mut frames = 0;
    let mut receiver = |item: Item<'_>| {
        if let Item::Frame(frame) = item {
            frames += 1;
            assert!(frame.bytes.len() <= LONGEST, "{} bytes in a frame", frame.bytes.len());
        }
        Ok(())
    };
    let mut decoder = Decoder::new(&[NETWORK_KEY]);
    // A compressed file and JSON with a packet that is too long are refused.
    drop(layers::read(bytes, &mut decoder, &mut receiver));
    assert_eq!(decoder.counts().frames, frames);
    for link_type in LINK_TYPES {
        Decoder::new(&[NETWORK_KEY]).packet(link_type, None, bytes);
    }
}

/// Reads MAC frames, each after a byte with its length and a byte with the time since the last one in seconds.
pub fn any_mac_frames(mut bytes: &[u8]) {
    let mut once = Decoder::new(&[NETWORK_KEY]);
    let mut twice = once.clone();
    let mut time = Duration::from_secs(1_700_000_000);
    while let [len, pause, rest @ ..] = bytes {
        let (packet, rest) = rest.split_at(rest.len().min(usize::from(*len)));
        bytes = rest;
        time += Duration::from_secs(u64::from(*pause));
        let frame = once.packet(MAC_FRAME, Some(time), packet);
        assert_eq!(twice.packet(MAC_FRAME, Some(time), packet), frame);
        assert_eq!(twice.packet(MAC_FRAME, Some(time), packet), None, "given twice");
    }
    assert_eq!(once.counts().frames, twice.counts().frames);
    assert_eq!(once.counts().incomplete, twice.counts().incomplete);
}

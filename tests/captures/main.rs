//! Captures: frames of the OTA Upgrade cluster that the module `capture` of the examples finds in files, which an encoder of these
//! tests writes.
//!
//! ```text
//! $ WRITE_CAPTURES=folder cargo test --test captures
//! ```
//!
//! writes captures of a download, to compare the number of blocks with the one of tshark:
//!
//! ```text
//! $ tshark -r folder/encrypted.pcap -o 'uat:zigbee_pc_keys:"KEY","Normal",""' -Y 'zbee_zcl_general.ota.cmd.srv_tx.id == 0x05' | wc -l
//! ```

#[path = "../../examples/common/capture/mod.rs"]
#[allow(dead_code, reason = "each program uses a part")]
mod capture;
mod damage;
mod encoder;
mod fragments;
mod hex_line_reader;
mod keys;
mod link_types;
mod mac_network_aps_headers;
mod pcap_file_forms;
mod repeated_frames;
mod tshark_json;
mod whole_download;

use capture::{CapturedFrame, Counts, Decoder, Item, Key};

/// Reads an input to its end; returns the frames, and what is missing.
fn read(keys: &[Key], input: &[u8]) -> (Vec<CapturedFrame>, Counts) {
    let mut decoder = Decoder::new(keys);
    let mut frames = Vec::new();
    let mut receiver = |item: Item<'_>| {
        if let Item::Frame(frame) = item {
            frames.push(frame);
        }
        Ok(())
    };
    capture::read(input, &mut decoder, &mut receiver).expect("it is read");
    (frames, decoder.counts())
}

/// ZCL frames of a capture in which nothing is missing.
fn all_frames(keys: &[Key], input: &[u8]) -> Vec<Vec<u8>> {
    let (frames, counts) = read(keys, input);
    assert_eq!(counts.to_string(), "");
    frames.into_iter().map(|frame| frame.bytes).collect()
}

//! Any message, written and read again. The input is what `arbitrary` makes the frame of.

#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use zigbee_ota_fuzz::laws::frame::{generated, round_trip};

fuzz_target!(|seed: &[u8]| -> Corpus {
    let Ok(frame) = generated(seed) else { return Corpus::Reject };
    round_trip(&frame);
    Corpus::Keep
});

//! Any header and elements, written and read again. The input is what `arbitrary` makes them of.

#![no_main]

use zigbee_ota_fuzz::laws::file::{generated, round_trip};

libfuzzer_sys::fuzz_target!(|seed: &[u8]| {
    let (header, elements) = generated(seed);
    round_trip(header, &elements);
});

//! Any header and elements, written and read again; any shape of file, by the letter or not, read as it was made,
//! whole and in pieces. The input is what `arbitrary` makes them of.

#![no_main]

use arbitrary::Unstructured;
use zigbee_ota_fuzz::laws::written::{any_sample, generated, round_trip};

libfuzzer_sys::fuzz_target!(|seed: &[u8]| {
    let (header, elements) = generated(seed);
    round_trip(header, &elements);
    if let Ok((sample, sizes)) = Unstructured::new(seed).arbitrary() {
        any_sample(&sample, sizes);
    }
});

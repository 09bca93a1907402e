//! Any bytes as a file in pieces: it reads as the whole one, however it is cut. The first byte of the input tells where.

#![no_main]

use zigbee_ota_fuzz::laws::stream::{any_split, sizes};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    if let Some((seed, file)) = input.split_first() {
        any_split(file, sizes(u64::from(*seed)));
        any_split(file, || 1);
    }
});

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| zigbee_ota_fuzz::properties::fuzz_targets::capture(input));

//! Any bytes as a payload, and as a file with payloads: recognised and judged alike, without a panic, and every damage at
//! a place that is there.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| zigbee_ota_fuzz::laws::payload::any_bytes(bytes));

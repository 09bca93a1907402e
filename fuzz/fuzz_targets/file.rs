//! Any bytes as a file: header, parts and image read or refused without a panic, elements that tile the body, and
//! the same bytes written again.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| zigbee_ota_fuzz::laws::file::any_bytes(bytes));

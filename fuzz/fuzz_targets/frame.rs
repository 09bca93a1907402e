//! Any bytes as a frame: read or refused without a panic, alike by strict and lenient readers where both can, and
//! written again without the loss of a bit.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| zigbee_ota_fuzz::laws::frame::any_bytes(bytes));

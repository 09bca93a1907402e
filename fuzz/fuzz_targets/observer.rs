//! An observer of any frames between a few clients and servers: what it says that a frame answers was asked, by that
//! client, and what was asked last is never missed.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| zigbee_ota_fuzz::laws::observer::any_steps(bytes));

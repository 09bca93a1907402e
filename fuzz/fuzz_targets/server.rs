//! A server under any frames from any addresses, deliveries, pauses and answers of its store, as the input says.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| zigbee_ota_fuzz::laws::server::any_steps(bytes));

//! Any bytes as a container: cut into the OTA file and what is around it, or refused, without a panic; and every
//! candidate a readable header.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| zigbee_ota_fuzz::laws::container::any_bytes(bytes));

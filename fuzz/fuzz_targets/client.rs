//! A client and whatever may happen to it, a byte or a few for each happening: the laws say what must hold after each.

#![no_main]

libfuzzer_sys::fuzz_target!(|happenings: &[u8]| {
    zigbee_ota_fuzz::laws::client::any_life(happenings);
});

//! A client against a server over a link whose every frame has the fate that a byte tells: it ends in the right image or
//! in an outcome with a reason.

#![no_main]

libfuzzer_sys::fuzz_target!(|script: &[u8]| {
    zigbee_ota_fuzz::laws::duel::duel(script);
});

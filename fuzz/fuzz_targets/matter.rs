//! Any bytes as Matter's: TLV, commands, an image header, an ImageURI, read or refused without a panic, and written
//! again; and messages that `arbitrary` makes of them, written and read again.

#![no_main]

use zigbee_ota_fuzz::laws::matter::{any_bytes, round_trip};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    any_bytes(bytes);
    // Too short a seed makes no message.
    round_trip(bytes).ok();
});

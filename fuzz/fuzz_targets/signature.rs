//! Any bytes as a file, and a signed file with any change: verified without a panic, in pieces as from memory, and
//! refused unless it is what was signed. The first bytes of the input tell the change.

#![no_main]

use zigbee_ota_fuzz::laws::signature::{any_bytes, any_change};
use zigbee_ota_fuzz::laws::stream::sizes;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    any_bytes(input, sizes(input.len() as u64));
    if let [choice, high, low, flip, ..] = *input {
        any_change(choice.into(), u16::from_be_bytes([high, low]).into(), flip);
    }
});

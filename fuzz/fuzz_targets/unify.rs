//! Any bytes as a name, topic, filter, moment or payload of Unify's, and as what happens to a consumer.

#![no_main]

use zigbee_ota_fuzz::laws::unify::{any_life, any_payload, any_text};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        any_text(text);
    }
    any_payload(bytes);
    any_life(bytes);
});

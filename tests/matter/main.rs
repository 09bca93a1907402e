//! Matter's OTA clusters: commands, ImageURIs, image headers and the bridge, against bytes written by hand. The crate in
//! `tests/crates/matter_oracle` compares the same encodings with another implementation.

mod bridge;
mod commands;
mod image_header;
mod image_uri;
mod response_rules_and_next_step;
mod serde_defmt_display;
mod unknown_tlv_elements;

/// Copy of a value with some fields changed. Update syntax does not work outside the crate for structs that may grow.
fn changed<T: Copy>(mut value: T, change: impl FnOnce(&mut T)) -> T {
    change(&mut value);
    value
}

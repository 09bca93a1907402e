//! Matter's OTA clusters: TLV, commands, ImageURIs, image headers and the bridge, against bytes written by hand. The same bytes
//! are shown to another implementation in `tests/crates/matter_oracle`.

mod bridge;
mod commands;
mod forms;
mod image;
mod rules;
mod tlv;
mod uri;

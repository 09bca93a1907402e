//! Tests of the example `ota` as a command line tool.

#[path = "../payload/bitwise_reference_checksums.rs"]
mod bitwise_reference_checksums;
#[path = "../captures/encoder.rs"]
#[allow(dead_code, reason = "the tests of captures use all of it")]
mod capture_encoder;
mod certify_and_sign;
mod check;
mod create;
mod escaped_output;
#[path = "../common/example_binaries.rs"]
mod example_binaries;
mod extract;
mod file_names;
mod header_candidates;
mod index;
mod info;
mod output_files;
mod payload_report;
#[cfg(feature = "openssl")]
#[path = "../common/published_test_keys.rs"]
mod published_test_keys;
mod reconstruct;
mod refused_files;
mod run_tool;
#[path = "../payload/sample_builders.rs"]
#[expect(dead_code, reason = "the tests of payloads use all of it")]
mod sample_builders;
mod sample_folder;
mod seal_and_sign;
#[path = "../../examples/common/terminal_escape.rs"]
mod terminal_escape;
#[path = "../../examples/common/unix_time_text.rs"]
mod unix_time_text;
#[path = "../common/vendor_corpus.rs"]
mod vendor_corpus;
mod vendor_files;
mod verify;

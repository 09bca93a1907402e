//! Pinned output of the example tools: JSON fields and words, option names and exit statuses that scripts depend on.
//! Renames inside the library must not change them.
//!
//! The folder `snapshots` holds the output. After an intended change,
//!
//! ```text
//! $ WRITE_OUTPUT=1 cargo test --test tool_output
//! ```
//!
//! writes it again, and a reviewer sees the change that scripts will see.

use bitwise_reference_checksums::crc32;

#[path = "../payload/bitwise_reference_checksums.rs"]
mod bitwise_reference_checksums;
#[path = "../../src/container/tests/sample_builders.rs"]
mod containers;
#[path = "../common/example_binaries.rs"]
mod example_binaries;
mod exit_statuses;
mod frames;
mod info;
mod input_files;
mod option_names;
#[path = "../../examples/common/outcome_words.rs"]
mod outcome_words;
mod run_example;
#[path = "../ota_tool/run_tool.rs"]
#[expect(dead_code, reason = "the tests of the tool use all of it")]
mod run_tool;
#[path = "../payload/sample_builders.rs"]
#[expect(dead_code, reason = "only the tests of payloads use the ranges that checksums cover")]
mod sample_builders;
mod snapshots;
#[path = "../common/tcp_server_process.rs"]
mod tcp_server_process;
mod tcp_tools;
mod upgrade;
mod upgrade_outcome_words;
mod verify;

//! What scripts depend on in the output of the examples: the fields and words of their JSON, the names of their options,
//! and their exit statuses. No change of a name inside the library may reach those.
//!
//! The files beside this one hold what is printed. After a change that is meant,
//!
//! ```text
//! $ WRITE_OUTPUT=1 cargo test --test tool_output
//! ```
//!
//! writes them anew, and who reviews the change sees what scripts will see.

use reference_checksums::crc32;

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
#[path = "../payload/reference_checksums.rs"]
mod reference_checksums;
mod run;
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
mod upgrade_outcomes;
mod verify;

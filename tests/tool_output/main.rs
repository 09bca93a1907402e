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

use sums::crc32;

#[path = "../common/built.rs"]
mod built;
#[path = "../../src/container/tests/made.rs"]
mod containers;
mod files;
mod frames;
mod info;
mod kept;
#[path = "../payload/made.rs"]
#[expect(dead_code, reason = "the tests of payloads look at what sums cover")]
mod made;
mod options;
#[path = "../../examples/common/outcome.rs"]
mod outcome;
mod outcomes;
mod run;
#[path = "../common/served.rs"]
mod served;
mod server;
mod statuses;
#[path = "../payload/sums.rs"]
mod sums;
#[path = "../ota_tool/tool.rs"]
#[expect(dead_code, reason = "the tests of the tool use all of it")]
mod tool;
mod upgrade;
mod verify;

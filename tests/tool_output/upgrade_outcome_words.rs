//! Outcomes of upgrades in one word.

use zigbee_ota::ImageId;
use zigbee_ota::client::Outcome;
use zigbee_ota::zcl::Status;

use crate::outcome_words;

/// Words that no tool prints quickly; `upgrade` and `tcp_client` print the result of this function.
#[test]
fn slow_outcomes_have_their_words() {
    for (end, word) in [
        (Outcome::Received(ImageId::new(0, 0, 0)), "received"),
        (Outcome::Refused, "refused"),
        (Outcome::Cancelled, "cancelled"),
        (Outcome::StorageFault, "storage_fault"),
        (Outcome::ServerErrors(Status::FAILURE), "server_errors"),
        (Outcome::EmptyBlocks, "empty_blocks"),
        (Outcome::ShortBlocks, "short_blocks"),
        (Outcome::SpecificFilesUnsupported, "specific_files_unsupported"),
        (Outcome::ServerSilent, "server_silent"),
        (Outcome::NoCredentials, "no_credentials"),
        (Outcome::ApplyFailed, "apply_failed"),
    ] {
        assert_eq!(outcome_words::word(end), word);
    }
}

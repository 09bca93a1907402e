//! How upgrades end, in one word.

use zigbee_ota::ImageId;
use zigbee_ota::client::Outcome;
use zigbee_ota::zcl::Status;

use crate::outcome_words;

/// The words of which tools show none in a moment: `upgrade` and `tcp_client` print what this function returns.
#[test]
fn ends_that_take_time_have_their_words() {
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

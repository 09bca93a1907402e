//! One word for each outcome of an upgrade, which scripts can read.

use zigbee_ota::client::Outcome;

/// Returns the word of an outcome.
pub fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Upgraded(_) => "upgraded",
        Outcome::Received(_) => "received",
        Outcome::Refused => "refused",
        Outcome::Cancelled => "cancelled",
        Outcome::StorageFault => "storage_fault",
        Outcome::ServerAborted => "server_aborted",
        Outcome::ImageGone => "image_gone",
        Outcome::ServerErrors(_) => "server_errors",
        Outcome::EmptyBlocks => "empty_blocks",
        Outcome::ShortBlocks => "short_blocks",
        Outcome::SpecificFilesUnsupported => "specific_files_unsupported",
        Outcome::ServerSilent => "server_silent",
        Outcome::UnusableAnswers(_) => "unusable_answers",
        Outcome::Replaced => "replaced",
        Outcome::HeaderUnreadable(_) => "header_unreadable",
        Outcome::HeaderMismatch(_) => "header_mismatch",
        Outcome::NotForThisDevice(_) => "not_for_this_device",
        Outcome::InvalidImage => "invalid_image",
        Outcome::NoCredentials => "no_credentials",
        Outcome::UpgradeRefused(_) => "not_ordered",
        Outcome::ApplyFailed => "apply_failed",
        _ => "failed",
    }
}

//! Outcome of an upgrade: success, or the reason for which the upgrade ended.

use core::fmt;

use super::{DeviceMismatch, HeaderFault, HeaderMismatch, UnusableAnswer};
use crate::types::ImageId;
use crate::zcl::Status;

/// Outcome of an upgrade, given by [`ClientEvent::Ended`](super::ClientEvent::Ended).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Outcome {
    /// The device runs the new image.
    Upgraded(ImageId),
    /// The device-specific file is downloaded and verified.
    Received(ImageId),
    /// The application refused the offer of the image.
    Refused,
    /// The application cancelled the upgrade.
    Cancelled,
    /// The storage of the device could not be prepared or is defective.
    StorageFault,
    /// The server answered a block request with ABORT.
    ServerAborted,
    /// The server withdrew the image: the server answered NO_IMAGE_AVAILABLE to three consecutive requests. The client
    /// then paused the download for [`max_pause`](crate::client::ClientConfig::max_pause), and the server did not offer
    /// the image again during the pause.
    ImageGone,
    /// The server answered too many consecutive requests with an error. The variant holds the status of the last error
    /// response.
    ServerErrors(Status),
    /// The server sent too many consecutive block responses without data.
    EmptyBlocks,
    /// The server sent too many consecutive blocks shorter than
    /// [`write_size`](crate::client::ClientConfig::write_size).
    ShortBlocks,
    /// The server does not support device-specific files.
    SpecificFilesUnsupported,
    /// The server stopped answering the requests of the client during the upgrade.
    ServerSilent,
    /// The server answered block requests only with answers that the client cannot use. The variant holds the fault of
    /// the last unusable answer.
    UnusableAnswers(UnusableAnswer),
    /// The application accepted another image before the device switched to the image of the upgrade, or the server
    /// offered another image while the download was paused and still did so when the pause had lasted for
    /// [`max_pause`](crate::client::ClientConfig::max_pause).
    Replaced,
    /// The header of the file cannot be decoded. The variant holds the fault of the header. To find the offset of the
    /// wrong byte, an application can call [`FileHeader::parse_known`](crate::file::FileHeader::parse_known) on the
    /// first bytes of the file.
    HeaderUnreadable(HeaderFault),
    /// The header of the file contradicts the offer. The variant holds a field whose value in the header differs from
    /// the value in the offer, and both values.
    HeaderMismatch(HeaderMismatch),
    /// The file is for other hardware or for another device; the variant holds the hardware range or device for which
    /// the file is.
    NotForThisDevice(DeviceMismatch),
    /// The application answered that the file is invalid.
    InvalidImage,
    /// The security credentials that the file requires cannot be obtained.
    NoCredentials,
    /// The server refused the upgrade after the download. The variant holds the status with which the server answered
    /// the Upgrade End Request.
    UpgradeRefused(Status),
    /// The device could not switch to the new image.
    ApplyFailed,
}

impl Outcome {
    /// Returns the image that was applied or the file that was received; `None` for a failure.
    #[must_use]
    pub const fn id(&self) -> Option<ImageId> {
        match self {
            Self::Upgraded(id) | Self::Received(id) => Some(*id),
            Self::Refused
            | Self::Cancelled
            | Self::StorageFault
            | Self::ServerAborted
            | Self::ImageGone
            | Self::ServerErrors(_)
            | Self::EmptyBlocks
            | Self::ShortBlocks
            | Self::SpecificFilesUnsupported
            | Self::ServerSilent
            | Self::UnusableAnswers(_)
            | Self::Replaced
            | Self::HeaderUnreadable(_)
            | Self::HeaderMismatch(_)
            | Self::NotForThisDevice(_)
            | Self::InvalidImage
            | Self::NoCredentials
            | Self::UpgradeRefused(_)
            | Self::ApplyFailed => None,
        }
    }
}

/// Writes the outcome of an upgrade as one line for a log.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Upgraded(id) => return write!(f, "the device runs {id}"),
            Self::Received(id) => return write!(f, "{id} is received and verified"),
            Self::ServerErrors(last) => {
                return write!(f, "the server answers with errors, the last one {last}");
            }
            Self::UnusableAnswers(answer) => return write!(f, "the server sends {answer}"),
            Self::Replaced => "another image replaces the image",
            Self::HeaderUnreadable(fault) => {
                return write!(f, "the file's header cannot be decoded: {fault}");
            }
            Self::HeaderMismatch(mismatch) => return mismatch.fmt(f),
            Self::NotForThisDevice(mismatch) => return mismatch.fmt(f),
            Self::UpgradeRefused(status) => return write!(f, "the server refuses the upgrade with {status}"),
            Self::Refused => "the application refuses the offer",
            Self::Cancelled => "the application cancels the upgrade",
            Self::StorageFault => "storage fails",
            Self::ServerAborted => "the server aborts the upgrade",
            Self::ImageGone => "the server no longer has the image",
            Self::EmptyBlocks => "the server sends blocks without data",
            Self::ShortBlocks => "the server sends blocks shorter than storage can write",
            Self::SpecificFilesUnsupported => "the server does not support device specific files",
            Self::ServerSilent => "the server does not answer",
            Self::InvalidImage => "the application finds the file invalid",
            Self::NoCredentials => "the security credentials for the file cannot be obtained",
            Self::ApplyFailed => "the device cannot switch to the image",
        };
        f.write_str(text)
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    const ID: ImageId = ImageId::new(0x115f, 0x0101, 0x1a2c);

    #[test]
    fn outcomes_print_as_lines_of_a_log() {
        let fault = HeaderFault::Truncated;
        for (outcome, text) in [
            (Outcome::Upgraded(ID), std::format!("the device runs {ID}")),
            (Outcome::Received(ID), std::format!("{ID} is received and verified")),
            (
                Outcome::ServerErrors(Status::INVALID_FIELD),
                std::format!("the server answers with errors, the last one {}", Status::INVALID_FIELD),
            ),
            (Outcome::HeaderUnreadable(fault), std::format!("the file's header cannot be decoded: {fault}")),
            (Outcome::ServerSilent, "the server does not answer".into()),
        ] {
            assert_eq!(outcome.to_string(), text);
        }
    }
}

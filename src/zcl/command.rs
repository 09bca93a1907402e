//! Commands of the cluster, in one enum for each direction. With one type for each direction, the code of a client
//! needs no branch for a request, and the code of a server needs no branch for a response. Tables refer to ZigBee
//! document 095264 (2011).
//!
//! ```text
//! CommandId <--> row of the table ToServer or ToClient <--> payload type, which parses, checks and writes itself
//! ```

use core::fmt;

use crate::codec::{Emit, Parsed, Sink};
use crate::open_enum::open_enum;
use crate::types::ImageId;

use super::decoder_quirks::Leniency;
use super::{
    FrameControl, ImageBlockRequest, ImageBlockResponse, ImageNotify, ImagePageRequest,
    QueryNextImageRequest, QueryResponse, QuerySpecificFileRequest, UpgradeEndRequest, UpgradeEndResponse,
    Violation,
};

open_enum! {
    /// Id of a command of the OTA Upgrade cluster (table 19).
    CommandId(u8) {
        /// Id of Image Notify, an optional command to the client.
        IMAGE_NOTIFY = 0x00 => "Image Notify",
        /// Id of Query Next Image Request, a mandatory command to the server.
        QUERY_NEXT_IMAGE_REQUEST = 0x01 => "Query Next Image Request",
        /// Id of Query Next Image Response, a mandatory command to the client.
        QUERY_NEXT_IMAGE_RESPONSE = 0x02 => "Query Next Image Response",
        /// Id of Image Block Request, a mandatory command to the server.
        IMAGE_BLOCK_REQUEST = 0x03 => "Image Block Request",
        /// Id of Image Page Request, an optional command to the server.
        IMAGE_PAGE_REQUEST = 0x04 => "Image Page Request",
        /// Id of Image Block Response, a mandatory command to the client.
        IMAGE_BLOCK_RESPONSE = 0x05 => "Image Block Response",
        /// Id of Upgrade End Request, a mandatory command to the server.
        UPGRADE_END_REQUEST = 0x06 => "Upgrade End Request",
        /// Id of Upgrade End Response, a mandatory command to the client.
        UPGRADE_END_RESPONSE = 0x07 => "Upgrade End Response",
        /// Id of Query Specific File Request, an optional command to the server.
        QUERY_SPECIFIC_FILE_REQUEST = 0x08 => "Query Specific File Request",
        /// Id of Query Specific File Response, an optional command to the client.
        QUERY_SPECIFIC_FILE_RESPONSE = 0x09 => "Query Specific File Response",
    }
}

impl CommandId {
    /// Returns the direction of the command, or `None` for a command id that the specification does not assign.
    #[must_use]
    pub const fn direction(self) -> Option<Direction> {
        if ToServer::has(self) {
            Some(Direction::ToServer)
        } else if ToClient::has(self) {
            Some(Direction::ToClient)
        } else {
            None
        }
    }

    /// Returns whether the specification requires every implementation to support the command. Returns `false` for a
    /// command id that the specification does not assign.
    #[must_use]
    pub const fn is_mandatory(self) -> bool {
        !matches!(
            self,
            Self::IMAGE_NOTIFY
                | Self::IMAGE_PAGE_REQUEST
                | Self::QUERY_SPECIFIC_FILE_REQUEST
                | Self::QUERY_SPECIFIC_FILE_RESPONSE
        ) && self.direction().is_some()
    }

    /// Returns the name of an assigned command for a [`DecodeError`](crate::DecodeError).
    const fn item(self) -> &'static str {
        match self.name() {
            Some(name) => name,
            None => "unassigned command",
        }
    }
}

/// Direction of a frame, named by the receiving side.
// Exhaustive: the frame control has one bit for the direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Direction {
    /// Frame from a client to a server: bit 3 of the frame control is clear.
    ToServer,
    /// Frame from a server to a client: bit 3 of the frame control is set.
    ToClient,
}

impl Direction {
    /// Returns bit 3 of the frame control, set or clear for this direction. In the returned frame control, only bit 3
    /// can be set.
    pub(super) const fn control(self) -> FrameControl {
        match self {
            Self::ToServer => FrameControl::EMPTY,
            Self::ToClient => FrameControl::TO_CLIENT,
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ToServer => "to server",
            Self::ToClient => "to client",
        })
    }
}

/// Decoder for the commands of one direction.
pub(super) trait DecodeCommand<'a>: Sized {
    /// Parses the payload of the command `id`, and returns the result with the name of the command for error messages.
    /// Returns `None` if this direction has no command with the id `id`.
    fn parse(
        id: CommandId,
        payload: &'a [u8],
        leniency: &mut Leniency<'a>,
    ) -> Option<(&'static str, Parsed<'a, Self>)>;
}

/// Declares the commands of one direction from a table with one row for each command: variant, payload type, command
/// id.
///
/// From the rows of the table, the macro generates the enum and the code that returns the command ids, decodes,
/// encodes, checks and prints the commands. A function cannot define variants, so a macro defines the enum. The
/// generated code matches on the command and does not use trait objects, because with trait objects the program of a
/// device that only encodes would still contain the log text of every command.
///
/// A new command needs an id in [`CommandId`], a payload type in a file of its own, and a row in the macro call for its
/// direction. After a row for a new command is added, the compiler reports each match of the crate that does not handle
/// the new command yet.
macro_rules! commands {
    (
        $input:lifetime;
        $(#[$meta:meta])*
        $name:ident $(<$generic:lifetime>)? {
            $($(#[$row:meta])* $variant:ident($payload:ty) = $id:ident,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[non_exhaustive]
        pub enum $name $(<$generic>)? {
            $($(#[$row])* $variant($payload),)*
        }

        impl<$input> DecodeCommand<$input> for $name $(<$generic>)? {
            // Inlining the function into its only caller saves 200 bytes of flash in a device.
            #[inline]
            fn parse(
                id: CommandId,
                payload: &$input [u8],
                leniency: &mut Leniency<$input>,
            ) -> Option<(&'static str, Parsed<$input, Self>)> {
                match id {
                    $(CommandId::$id => {
                        let parsed = <$payload>::parse(payload, leniency)
                            .map(|(rest, payload)| (rest, Self::$variant(payload)));
                        Some((const { CommandId::$id.item() }, parsed))
                    })*
                    _ => None,
                }
            }
        }

        impl $(<$generic>)? $name $(<$generic>)? {
            /// Returns the command id of this command.
            #[must_use]
            pub const fn command(&self) -> CommandId {
                match self {
                    $(Self::$variant(_) => CommandId::$id,)*
                }
            }

            /// Checks the field values of this command against the rules of the specification.
            ///
            /// # Errors
            /// The errors of the `check` method of the command's payload type.
            pub fn check(&self) -> Result<(), Violation> {
                match self {
                    $(Self::$variant(payload) => payload.check(),)*
                }
            }

            const fn has(id: CommandId) -> bool {
                matches!(id, $(CommandId::$id)|*)
            }
        }

        impl $(<$generic>)? Emit for $name $(<$generic>)? {
            fn len(&self) -> usize {
                match self {
                    $(Self::$variant(payload) => payload.len(),)*
                }
            }

            fn emit(&self, out: &mut Sink<'_>) {
                match self {
                    $(Self::$variant(payload) => payload.emit(out),)*
                }
            }
        }

        /// Writes the name of the command, then the fields of the command.
        impl $(<$generic>)? fmt::Display for $name $(<$generic>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}, ", self.command())?;
                match self {
                    $(Self::$variant(payload) => payload.fmt(f),)*
                }
            }
        }
    };
}

commands! {
    'a;
    /// Command of the cluster from a client to a server (table 19).
    ToServer {
        /// Query Next Image Request (command id 0x01, mandatory).
        QueryNextImage(QueryNextImageRequest) = QUERY_NEXT_IMAGE_REQUEST,
        /// Image Block Request (command id 0x03, mandatory).
        ImageBlock(ImageBlockRequest) = IMAGE_BLOCK_REQUEST,
        /// Image Page Request (command id 0x04, optional).
        ImagePage(ImagePageRequest) = IMAGE_PAGE_REQUEST,
        /// Upgrade End Request (command id 0x06, mandatory).
        UpgradeEnd(UpgradeEndRequest) = UPGRADE_END_REQUEST,
        /// Query Specific File Request (command id 0x08, optional).
        QuerySpecificFile(QuerySpecificFileRequest) = QUERY_SPECIFIC_FILE_REQUEST,
    }
}

impl ToServer {
    /// Returns the image that the request is about: the running image in a Query Next Image Request, the downloaded
    /// image in an Upgrade End Request, and the requested image in every other request.
    pub(crate) const fn image(&self) -> ImageId {
        match self {
            Self::QueryNextImage(request) => request.current,
            Self::ImageBlock(request) => request.id,
            Self::ImagePage(request) => request.id,
            Self::UpgradeEnd(request) => request.id,
            Self::QuerySpecificFile(request) => request.id,
        }
    }
}

commands! {
    'a;
    /// Command of the cluster from a server to a client (table 19).
    ToClient<'a> {
        /// Image Notify (command id 0x00, optional).
        ImageNotify(ImageNotify) = IMAGE_NOTIFY,
        /// Query Next Image Response (command id 0x02, mandatory).
        QueryNextImage(QueryResponse) = QUERY_NEXT_IMAGE_RESPONSE,
        /// Image Block Response (command id 0x05, mandatory).
        #[cfg_attr(feature = "serde", serde(borrow))]
        ImageBlock(ImageBlockResponse<'a>) = IMAGE_BLOCK_RESPONSE,
        /// Upgrade End Response (command id 0x07, mandatory).
        UpgradeEnd(UpgradeEndResponse) = UPGRADE_END_RESPONSE,
        /// Query Specific File Response (command id 0x09, optional).
        QuerySpecificFile(QueryResponse) = QUERY_SPECIFIC_FILE_RESPONSE,
    }
}

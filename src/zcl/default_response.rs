//! Default Response: the global ZCL command that carries only a status.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 1 | id of the answered command: a command of the cluster, or a global command |
//! | 1 | 1 | status |

use core::fmt;

use nom::Parser;
use nom::combinator::map;

use crate::codec::{Emit, Parsed, Sink, le_u8};

use super::decoder_quirks::Leniency;
use super::{CommandId, Status};

/// ZCL command id of a Default Response.
pub(super) const DEFAULT_RESPONSE: u8 = 0x0b;

/// Default Response: the answer to a command that has no response command of its own, or that the receiver of the
/// command could not process.
///
/// An unexpected Default Response must not end a download. Some lamps answer a correct Image Block Response by
/// MALFORMED_COMMAND, and nevertheless request the next block. A report of a lamp that answers MALFORMED_COMMAND and
/// continues the download: <https://github.com/Koenkk/zigbee2mqtt/issues/32168>
// Exhaustive: the ZCL has not changed this command since its first version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DefaultResponse {
    /// Id of the answered command. The frame does not say whether the id belongs to a command of the cluster or to a
    /// global command.
    pub command: CommandId,
    /// Status of the answered command: SUCCESS, or the reason of the failure.
    pub status: Status,
}

impl DefaultResponse {
    pub(super) fn parse<'a>(input: &'a [u8], leniency: &mut Leniency<'a>) -> Parsed<'a, Self> {
        let (rest, (command, status)) = (map(le_u8, CommandId), map(le_u8, Status)).parse(input)?;
        let (rest, ()) = leniency.ignore_trailing(rest)?;
        Ok((rest, Self { command, status }))
    }
}

impl Emit for DefaultResponse {
    fn len(&self) -> usize {
        2
    }

    fn emit(&self, out: &mut Sink<'_>) {
        let Self { command, status } = self;
        out.array(&[command.0, status.0]);
    }
}

/// Writes the id of the answered command as a number and not by name, because the id may belong to a cluster command or
/// to a global command.
impl fmt::Display for DefaultResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command: CommandId(command), status } = self;
        write!(f, "Default Response to command {command:#04x}: {status}")
    }
}

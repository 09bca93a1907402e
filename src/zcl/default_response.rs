//! Default Response, the ZCL's own command that answers all others.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 1 | command answered: of the cluster, or a global one |
//! | 1 | 1 | status |

use nom::Parser;
use nom::combinator::map;

use crate::codec::{Emit, Parsed, Sink, le_u8};

use super::quirks::Leniency;
use super::{CommandId, Status};

/// The answer to a command that has no answer of its own, or that could not be served.
///
/// Do not give up a download for one that nobody waits for: some lamps send MALFORMED_COMMAND for a good Image Block
/// Response and ask for the next block all the same.
/// Report: <https://github.com/Koenkk/zigbee2mqtt/issues/32168>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DefaultResponse {
    /// The command it answers, or a global command of that number: the frame does not say which.
    pub command: CommandId,
    /// What became of it.
    pub status: Status,
}

impl DefaultResponse {
    /// ZCL command id of a Default Response.
    pub const COMMAND: u8 = 0x0b;

    pub(super) fn parse<'a>(input: &'a [u8], leniency: &mut Leniency<'a>) -> Parsed<'a, Self> {
        let (rest, (command, status)) = (map(le_u8, CommandId), map(le_u8, Status)).parse(input)?;
        let (rest, ()) = leniency.open_end(rest)?;
        Ok((rest, Self { command, status }))
    }
}

impl Emit for DefaultResponse {
    fn len(&self) -> usize {
        2
    }

    fn emit(&self, out: &mut Sink<'_>) {
        out.array(&[self.command.0, self.status.0]);
    }
}

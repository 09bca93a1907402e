//! The ZCL's own commands that this cluster's nodes exchange.
//!
//! Default Response (ZCL command 0x0B): 0/1 command answered, 1/1 status.

use nom::Parser;
use nom::combinator::map;

use crate::codec::{Emit, Parsed, Sink, le_u8};

use super::quirks::Leniency;
use super::{CommandId, Status};

/// The answer to a command that has no answer of its own, or that could not be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct DefaultResponse {
    /// The command it answers.
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

//! Text of frames for a log, with one line for each frame.
//!
//! ```text
//! #7 to server: Upgrade End Request, 115F-0101-00001A2B: SUCCESS [deviations]
//! |  |          |                    |
//! |  direction  command              fields
//! sequence number
//! ```
//!
//! The code that writes the log text of a command is in the module of the command, next to its encoder. The module
//! `display` contains the parts of the log text that several commands share.

use core::fmt::{Display, Formatter, Result};

use crate::time::ServerTime;
use crate::types::{FileVersion, ImageFilter, ImageType, ManufacturerCode};

use super::{Deviations, Frame};

/// Writes sequence number, direction, command and fields of the frame, for instance `#7 to server: Upgrade End Request,
/// 115F-0101-00001A2B: SUCCESS`, then in brackets the deviations of the frame from the specification, if there are any.
impl Display for Frame<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { control: _, sequence, message, deviations } = self;
        write!(f, "#{sequence} {}: {message}", message.direction())?;
        if *deviations != Deviations::NONE {
            write!(f, " [{deviations}]")?;
        }
        Ok(())
    }
}

/// Image filter, written with a star for each wildcard, such as `115F-*-*`.
pub(super) struct Wildcards(pub(super) ImageFilter);

impl Display for Wildcards {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let ImageFilter { manufacturer, image_type, version } = self.0;
        match manufacturer {
            ManufacturerCode::ANY => f.write_str("*-")?,
            ManufacturerCode(code) => write!(f, "{code:04X}-")?,
        }
        match image_type {
            ImageType::ANY => f.write_str("*-")?,
            ImageType(number) => write!(f, "{number:04X}-")?,
        }
        match version {
            FileVersion::ANY => f.write_str("*"),
            FileVersion(number) => write!(f, "{number:08X}"),
        }
    }
}

/// Current time of the server, and upgrade time or request time, as text for a log: `at 900, now 300`, `in 600 s` if
/// the current time is 0, or `until further notice` if the upgrade time or request time is 0xFFFFFFFF. The text does
/// not take the clock of the client into account.
pub(super) struct WireTime(pub(super) ServerTime);

impl Display for WireTime {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.0 {
            ServerTime { current: _, then: u32::MAX } => f.write_str("until further notice"),
            ServerTime { current: 0, then } => write!(f, "in {then} s"),
            ServerTime { current, then } => write!(f, "at {then}, now {current}"),
        }
    }
}

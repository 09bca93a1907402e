//! Text input with one frame per line: the ZCL frame in hexadecimal. The direction and a blank may stand before the
//! frame: `c2s` (client to server) or `s2c` (server to client).

use std::io::{BufRead, Read};

use zigbee_ota::zcl::Direction;

use super::{Item, Receiver, Stop};

/// Maximum length of a line in bytes; the longest frame has a few hundred digits.
const LONGEST: u64 = 1 << 16;

/// Frame that a line contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Direction in the line. If the line has no direction, the direction bit of the frame is used.
    pub direction: Option<Direction>,
    pub frame: &'a [u8],
}

/// Error for a line that contains no frame, with the offset of the fault in bytes from the start of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}: {fault}")]
pub struct BadLine {
    pub offset: usize,
    pub fault: Fault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("no frame")]
    Empty,
    #[error("expected c2s or s2c")]
    MissingDirection,
    #[error("expected a hexadecimal digit")]
    NotHex,
    #[error("expected an even number of digits")]
    OddDigits,
    #[error("expected the end of the line")]
    TooLong,
}

/// Reads lines to the end of the input. The receiver gets an item for every line, even for an empty line.
pub fn read(mut input: impl BufRead, receiver: &mut Receiver<'_>) -> Result<(), Stop> {
    let (mut line, mut frame) = (Vec::new(), Vec::new());
    for number in 1_u64.. {
        line.clear();
        if input.by_ref().take(LONGEST).read_until(b'\n', &mut line).map_err(Stop::Input)? == 0 {
            break;
        }
        let parsed = if line.len() as u64 == LONGEST && line.last() != Some(&b'\n') {
            input.skip_until(b'\n').map_err(Stop::Input)?;
            Err(BadLine { offset: line.len(), fault: Fault::TooLong })
        } else {
            parse(&line, &mut frame).map(|direction| Line { direction, frame: &frame })
        };
        receiver(Item::Line(number, parsed)).map_err(Stop::Receiver)?;
    }
    Ok(())
}

/// Parses a line. Returns the direction in the line, if any, and replaces the contents of `frame` by the bytes in the
/// line.
fn parse(line: &[u8], frame: &mut Vec<u8>) -> Result<Option<Direction>, BadLine> {
    let bad = |offset, fault| Err(BadLine { offset, fault });
    let start = line.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let word = line[start..].split(|byte| byte.is_ascii_whitespace()).next().unwrap_or_default();
    let (direction, frame_start) = match word {
        b"c2s" => (Some(Direction::ToServer), start + word.len()),
        b"s2c" => (Some(Direction::ToClient), start + word.len()),
        b"" => return bad(0, Fault::Empty),
        // The word is the frame itself if it consists of pairs of hexadecimal digits. Any other word, such as `c2c`, is
        // a wrong direction.
        _ if word.len() % 2 == 0 && word.iter().all(u8::is_ascii_hexdigit) => (None, start),
        _ => return bad(start, Fault::MissingDirection),
    };
    frame.clear();
    let mut high = None;
    for (offset, &byte) in line.iter().enumerate().skip(frame_start) {
        let digit = match char::from(byte).to_digit(16) {
            Some(digit) => digit as u8,
            None if byte.is_ascii_whitespace() => continue,
            None => return bad(offset, Fault::NotHex),
        };
        match high.take() {
            None => high = Some(digit),
            Some(high) => frame.push(high << 4 | digit),
        }
    }
    match high {
        None => Ok(direction),
        Some(_) => bad(line.trim_ascii_end().len(), Fault::OddDigits),
    }
}

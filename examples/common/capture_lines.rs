//! Capture format: one frame per line as `c2s` (client to server) or `s2c`, a blank, and the ZCL frame in hexadecimal.

use zigbee_ota::zcl::Direction;

/// Error of a line, with its offset in bytes from the start of the line.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("byte {offset}: {fault}")]
pub struct BadLine {
    pub offset: usize,
    pub fault: Fault,
}

#[derive(Clone, Copy, Debug, thiserror::Error)]
pub enum Fault {
    #[error("no frame")]
    Empty,
    #[error("expected c2s or s2c")]
    MissingDirection,
    #[error("expected a hexadecimal digit")]
    NotHex,
    #[error("expected an even number of digits")]
    OddDigits,
}

/// Parses a line: returns its direction, and replaces the contents of `frame` by its bytes.
pub fn read_line(line: &[u8], frame: &mut Vec<u8>) -> Result<Direction, BadLine> {
    let bad = |offset, fault| Err(BadLine { offset, fault });
    let start = line.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let word = line[start..].split(|byte| byte.is_ascii_whitespace()).next().unwrap_or_default();
    let direction = match word {
        b"c2s" => Direction::ToServer,
        b"s2c" => Direction::ToClient,
        b"" => return bad(0, Fault::Empty),
        _ => return bad(start, Fault::MissingDirection),
    };
    frame.clear();
    let mut high = None;
    for (offset, &byte) in line.iter().enumerate().skip(start + word.len()) {
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

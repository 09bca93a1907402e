//! Line format of frames: the bytes of a frame as hexadecimal digits, then LF.

/// Parses the hexadecimal digits of a line without its line end. Returns `None` unless the line consists of pairs of
/// digits.
pub fn bytes(line: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = line.trim_ascii().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

/// Formats a frame as a line, including the line end.
pub fn line(frame: &[u8]) -> String {
    let digits = frame.iter().map(|byte| format!("{byte:02x}"));
    digits.chain(["\n".into()]).collect()
}

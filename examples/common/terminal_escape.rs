//! Foreign texts on a terminal: names of files, URLs, topics. Whoever named a file could otherwise forge lines of output,
//! such as a verdict on another file, or send control sequences to the terminal.

use std::path::Path;

/// Returns `text` with all characters escaped that a terminal would obey or that cannot be seen: control characters, line
/// and paragraph separators, changes of the direction of writing, and blanks without width. Quotes and backslashes stay.
pub fn text(text: &str) -> String {
    // `escape_debug` of a character escapes accents that stand alone too; that of a text escapes them at its start only.
    let pieces = text.split_inclusive(['\'', '"', '\\']);
    pieces
        .map(|piece| match piece.strip_suffix(['\'', '"', '\\']) {
            Some(before) => format!("{}{}", before.escape_debug(), &piece[before.len()..]),
            None => piece.escape_debug().to_string(),
        })
        .collect()
}

/// Returns the path for a terminal: as [`text`], with U+FFFD for what is no Unicode.
#[allow(dead_code, reason = "the tests of this file show texts only")]
pub fn path(path: &Path) -> String {
    text(&path.to_string_lossy())
}

/// Returns the same JSON, without characters that a terminal would obey. In JSON such characters stand inside of texts only,
/// where each has an escape.
#[allow(dead_code, reason = "not every program prints JSON")]
pub fn json(json: &str) -> String {
    let mut units = [0; 2];
    let mut printable = String::with_capacity(json.len());
    for character in json.chars() {
        // Nearly all characters of JSON are ASCII, so only others are worth the look.
        let is_plain = matches!(character, '\n' | ' '..='~');
        if is_plain || text(character.encode_utf8(&mut [0; 4])) == character.to_string() {
            printable.push(character);
        } else {
            let escapes = character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}"));
            printable.extend(escapes);
        }
    }
    printable
}

//! Escaping of untrusted texts for a terminal: file names, URLs, topics. Without escaping, a file name could forge
//! lines of output, such as a result for another file, or send control sequences to the terminal.

use std::path::Path;

/// Returns `text` with control characters and invisible characters escaped: control codes, line and paragraph
/// separators, changes of the writing direction, and zero-width spaces. Quotes and backslashes are not escaped.
pub fn text(text: &str) -> String {
    // `escape_debug` of a character also escapes combining accents; `escape_debug` of a text escapes such an accent
    // only at the start of the text.
    let pieces = text.split_inclusive(['\'', '"', '\\']);
    pieces
        .map(|piece| match piece.strip_suffix(['\'', '"', '\\']) {
            Some(before) => format!("{}{}", before.escape_debug(), &piece[before.len()..]),
            None => piece.escape_debug().to_string(),
        })
        .collect()
}

/// Returns the path escaped like [`text`], with U+FFFD for bytes that are not Unicode.
#[allow(dead_code, reason = "the tests of this file show texts only")]
pub fn path(path: &Path) -> String {
    text(&path.to_string_lossy())
}

/// Returns equivalent JSON without control characters or invisible characters. In JSON, these characters occur only
/// inside strings, where each can be escaped.
#[allow(dead_code, reason = "not every program prints JSON")]
pub fn json(json: &str) -> String {
    let mut units = [0; 2];
    let mut printable = String::with_capacity(json.len());
    for character in json.chars() {
        // Nearly all characters of JSON are printable ASCII characters, so the function examines only other characters.
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

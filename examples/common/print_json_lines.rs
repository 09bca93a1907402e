//! Events as JSON lines on standard output, with control characters escaped for terminals.

use serde::Serialize;

#[path = "output_lines.rs"]
mod output_lines;
#[path = "terminal_escape.rs"]
mod terminal_escape;

/// Prints an event as one line.
pub fn print(event: impl Serialize) {
    // All keys in the JSON of events are text, so the serialization cannot fail.
    output_lines::line(terminal_escape::json(&serde_json::to_string(&event).unwrap_or_default()));
}

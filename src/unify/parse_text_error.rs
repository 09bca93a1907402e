//! Error of all conversions from text to identifiers, topics, topic filters and date-times.

use alloc::string::String;

/// Error for text that is not a valid identifier, topic, topic filter or date-time. `Display` writes the reason for
/// which the text is not valid, and serde serializes the error as the text of `Display`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct TextError(pub(super) Reason);

impl serde::Serialize for TextError {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// Reasons for which a text is not valid. The type is private, because it contains an error type of the crate `time`: a
/// new release of `time` is then no breaking change of this crate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Reason {
    #[error("an empty name")]
    EmptyName,
    #[error("a name of {0} bytes, at most 32000 fit into a topic")]
    NameTooLong(usize),
    #[error(
        "character {found:?} at byte {offset} of a name: none of `/`, `+`, `#` and control characters can be in it"
    )]
    NameCharacter { found: char, offset: usize },
    #[error("`all` stands for every device and names none")]
    NameAll,
    #[error(
        "not a topic filter: 1 to 65535 bytes without control characters expected, `+` and `#` as whole levels alone and `#` as the last"
    )]
    TopicFilter,
    #[error("a date-time of {0} bytes, expected at most 64")]
    DateTimeTooLong(usize),
    #[error("not a date-time of RFC 3339: expected the form 2021-04-15T23:59:59+00:00, {0}")]
    DateTime(::time::error::Parse),
    /// A level of the topic is not the expected word or identifier. `level` counts the levels of the topic from 1, and
    /// `found` is empty if the topic ends before the expected level.
    #[error("level {level} of the topic is {found:?}, expected {expected}")]
    Topic { level: usize, found: String, expected: &'static str },
}

//! Date-time of RFC 3339, section 5.6: the form in which Unify writes the time of an activation.
//!
//! ```text
//! 2021-04-15T23:59:59+00:00
//! date       time     offset from UTC
//! ```

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use ::time::OffsetDateTime;
use ::time::format_description::well_known::Rfc3339;

use super::parse_text_error::{Reason, TextError};
use crate::time::UtcTime;

/// Maximum length of a date-time in bytes. RFC 3339 does not limit the number of digits in a fraction of a second. A
/// consumer keeps the text of a date-time, so the maximum length limits the memory that the consumer needs.
const MAX_LEN: usize = 64;

/// Date and time with an offset from UTC, such as `2021-04-15T23:59:59+00:00`.
///
/// The value keeps the original text, because a consumer copies the text from an announcement to an attribute. Two
/// values are equal if their texts are equal. The parser refuses a text of more than 64 bytes.
///
/// ```
/// use zigbee_ota::unify::DateTime;
///
/// let time: DateTime = "2021-04-15T23:59:59+00:00".parse()?;
/// assert_eq!(time.unix(), 1_618_531_199);
/// assert_eq!(time.unix(), "2021-04-16T01:59:59+02:00".parse::<DateTime>()?.unix());
/// assert!("2021-04-15".parse::<DateTime>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct DateTime(TextAndTime);

#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
struct TextAndTime {
    text: String,
    unix: i64,
}

impl DateTime {
    /// Returns the text of the date-time, as it was parsed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Returns the seconds since 1970-01-01T00:00:00Z. If the date-time has a fraction of a second, the method rounds
    /// up to the next second, so that no activation is early.
    #[must_use]
    pub const fn unix(&self) -> i64 {
        self.0.unix
    }

    /// Returns the seconds from `now` to the date-time, or 0 if the date-time has passed.
    #[must_use]
    pub fn seconds_from(&self, now: UtcTime) -> u64 {
        let now = u64::from(now.0).saturating_add(UtcTime::UNIX_START);
        u64::try_from(self.0.unix).unwrap_or(0).saturating_sub(now)
    }
}

impl TryFrom<String> for TextAndTime {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        if text.len() > MAX_LEN {
            return Err(TextError(Reason::DateTimeTooLong(text.len())));
        }
        let time = OffsetDateTime::parse(&text, &Rfc3339);
        let time = time.map_err(|reason| TextError(Reason::DateTime(reason)))?;
        let fraction = i64::from(time.nanosecond() > 0);
        Ok(Self { text, unix: time.unix_timestamp().saturating_add(fraction) })
    }
}

impl From<TextAndTime> for String {
    fn from(time: TextAndTime) -> Self {
        time.text
    }
}

impl FromStr for DateTime {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        text.to_owned().try_into().map(Self)
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

//! Moments as Unify writes them: the date-time of RFC 3339, section 5.6.
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

use crate::time::UtcTime;

/// A moment with its offset from UTC, as `2021-04-15T23:59:59+00:00`.
///
/// It keeps its text, as it is handed on from an info to an attribute: two are equal when they are written alike.
///
/// ```
/// use zigbee_ota::unify::Moment;
///
/// let moment: Moment = "2021-04-15T23:59:59+00:00".parse()?;
/// assert_eq!(moment.unix(), 1_618_531_199);
/// assert_eq!(moment.unix(), "2021-04-16T01:59:59+02:00".parse::<Moment>()?.unix());
/// assert!("2021-04-15".parse::<Moment>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Moment {
    text: String,
    unix: i64,
}

/// A text that is no date-time; it says what is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a date-time of RFC 3339: expected the form 2021-04-15T23:59:59+00:00, {reason}")]
pub struct MomentError {
    // Not public: another release of that crate is not to be another one of this.
    reason: ::time::error::Parse,
}

impl Moment {
    /// It as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Seconds since 1970, rounded up, so that nothing happens early.
    #[must_use]
    pub const fn unix(&self) -> i64 {
        self.unix
    }

    /// Seconds from `now` until it; 0 when it is past.
    #[must_use]
    pub fn seconds_from(&self, now: UtcTime) -> u64 {
        let now = u64::from(now.0).saturating_add(UtcTime::UNIX_START);
        u64::try_from(self.unix).unwrap_or(0).saturating_sub(now)
    }
}

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, MomentError> {
        let read = OffsetDateTime::parse(text, &Rfc3339).map_err(|reason| MomentError { reason })?;
        let part = i64::from(read.nanosecond() > 0);
        Ok(Self { text: text.to_owned(), unix: read.unix_timestamp().saturating_add(part) })
    }
}

impl TryFrom<String> for Moment {
    type Error = MomentError;

    fn try_from(text: String) -> Result<Self, MomentError> {
        text.parse()
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.text
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

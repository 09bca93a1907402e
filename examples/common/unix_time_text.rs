//! Conversion between Unix time in seconds and text such as `2026-11-28T13:05:00Z`, without leap seconds.

/// Formats a moment as `YYYY-MM-DDThh:mm:ssZ`.
pub fn text(unix: u64) -> String {
    let (days, second) = (unix / 86_400, unix % 86_400);
    let (year, month, day) = date(days);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// Parses a Unix time in seconds, a date such as `2026-11-28` (the first second of this day), or a moment such as
/// `2026-11-28T13:05:00Z`.
pub fn parse(text: &str) -> Result<u64, &'static str> {
    const EXPECTED: &str = "expected Unix seconds, or a moment in UTC as 2026-11-28 or 2026-11-28T13:05:00Z";
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !text.is_empty() && digits(text) {
        return text.parse().map_err(|_| EXPECTED);
    }
    let (date, time) = text.split_once(['T', 't', ' ']).unwrap_or((text, "00:00:00Z"));
    let numbers = |text: &str, separator, lengths: [usize; 3]| {
        let parts: Vec<&str> = text.split(separator).collect();
        let fits = parts.len() == 3
            && parts.iter().zip(lengths).all(|(part, length)| part.len() == length && digits(part));
        fits.then(|| [0, 1, 2].map(|at: usize| parts[at].parse::<u64>().unwrap_or_default()))
    };
    let [year, month, day] = numbers(date, '-', [4, 2, 2]).ok_or(EXPECTED)?;
    let time = time.strip_suffix(['Z', 'z']).or_else(|| time.strip_suffix("+00:00")).ok_or(EXPECTED)?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2]).ok_or(EXPECTED)?;
    // An invalid date, such as 30 February, becomes a different date when it is converted to days and back.
    let days = days(year, month, day).filter(|days| self::date(*days) == (year, month, day));
    let is_time = hour < 24 && minute < 60 && second < 60;
    days.filter(|_| is_time).map(|days| days * 86_400 + hour * 3600 + minute * 60 + second).ok_or(EXPECTED)
}

/// Returns the number of days from 1970-01-01 to a date of the Gregorian calendar. Returns `None` for an earlier date.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    // The computation uses years that begin in March, so that the leap day is the last day of a year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let day = (153 * month + 2) / 5 + day;
    (year * 365 + year / 4 - year / 100 + year / 400 + day).checked_sub(719_469)
}

/// Returns year, month and day in the Gregorian calendar of the date `days` days after 1970-01-01.
fn date(days: u64) -> (u64, u64, u64) {
    // The computation uses years that begin in March, so that the leap day is the last day of a year. The constant is
    // the number of days from 0000-03-01 to 1970-01-01.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

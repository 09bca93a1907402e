//! Waiting time of a client in one byte, so that a session has room for the time.

/// Seconds in one byte, as a number of 5 significant bits: times of up to 31 seconds are exact, and longer times are
/// rounded up by at most 6 %.
///
/// ```text
/// bits 4-7: exponent e   bits 0-3: m      e = 0: m seconds      e > 0: (16 + m) << (e - 1) seconds
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CoarseSeconds(u8);

impl CoarseSeconds {
    pub(super) const ZERO: Self = Self(0);

    pub(super) fn new(seconds: u32) -> Self {
        let exact = |code: &u8| Self(*code).get() >= seconds;
        // Codes ascend with their times, so the first code with a sufficient time has the shortest sufficient time.
        Self((0..u8::MAX).find(exact).unwrap_or(u8::MAX))
    }

    pub(super) const fn get(self) -> u32 {
        let [exponent, digits] =
            [u32::from_le_bytes([self.0 >> 4, 0, 0, 0]), u32::from_le_bytes([self.0 & 15, 0, 0, 0])];
        match exponent.checked_sub(1) {
            None => digits,
            Some(shift) => (16 | digits).wrapping_shl(shift),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_to_wait_are_never_shortened() {
        for seconds in (0..90_000).step_by(7).chain(0..100).chain([86_400, u32::MAX]) {
            let kept = CoarseSeconds::new(seconds).get();
            assert!(kept >= seconds.min(86_400), "{seconds}: {kept}");
            assert!(kept <= seconds.saturating_add(seconds / 16), "{seconds}: {kept}");
        }
    }
}

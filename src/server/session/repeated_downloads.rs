//! Count of repeated downloads of one image version, for a client that downloads an image again and again because the
//! client cannot install the image.
//!
//! ```text
//! blocks sent --> Upgrade End Request with INVALID_IMAGE, or the order to upgrade --> one more download
//! one day later --> one download less
//! another version offered, another version running, cancel, reset_repeats --> none
//! ```

use super::{Flags, Session, State, Taken};
use crate::time::Instant;
use crate::types::FileVersion;

/// Number of seconds after the upgrade time in which a client may still run its old version: the client first finishes
/// other work, or answers an Image Notify while it counts down to the upgrade.
const UPGRADE_MARGIN_SECONDS: u32 = 60;

/// Returns a digest of a file version. Versions that differ in one byte have different digests.
const fn digest(FileVersion(version): FileVersion) -> u8 {
    let [a, b, c, d] = version.to_le_bytes();
    a.wrapping_add(b.wrapping_mul(3)).wrapping_add(c.wrapping_mul(5)).wrapping_add(d.wrapping_mul(7))
}

impl Session {
    /// Counts the download as repeated if the server sent blocks in the download. `count_download` counts each download
    /// only once, even if it is called several times for one download.
    pub(super) fn count_download(&mut self, now: Instant) {
        if let State::Ended { taken: taken @ Taken::Blocks, .. } = &mut self.state {
            *taken = Taken::Counted;
            self.repeats = self.repeats.saturating_add(1);
            self.repeats_hour = wrapping_hours(now);
            self.flags.remove(Flags::REPEATS_TOLD);
        }
    }

    /// Returns whether the server has ordered an upgrade that the client may still be about to start.
    pub(super) fn is_upgrading(&self, now: Instant) -> bool {
        let State::Ended { upgrade_at: Some(at), .. } = self.state else { return false };
        let late = wrapping_seconds(now).wrapping_sub(at);
        // If the time lies in the future, the difference modulo 2³² is large.
        !(UPGRADE_MARGIN_SECONDS..=u32::MAX / 2).contains(&late)
    }

    /// Returns the number of downloads of the version `offered` after which the client still runs the version
    /// `running`, the version in its query. A download does not count while the client may still be about to install
    /// the image.
    pub(in crate::server) fn count_repeats(
        &mut self,
        now: Instant,
        running: FileVersion,
        offered: Option<FileVersion>,
    ) -> u8 {
        if offered != Some(self.version) || digest(running) != self.running {
            self.forget_repeats();
        }
        let days = wrapping_hours(now).wrapping_sub(self.repeats_hour) / 24;
        if days > 0 {
            self.repeats = self.repeats.saturating_sub(u8::try_from(days).unwrap_or(u8::MAX));
            self.repeats_hour = self.repeats_hour.wrapping_add(days.saturating_mul(24));
            self.flags.remove(Flags::REPEATS_TOLD);
        }
        let counted = matches!(self.state, State::Ended { taken: Taken::Counted, .. });
        self.repeats.saturating_sub((counted && self.is_upgrading(now)).into())
    }

    /// Records the running version that the client reported in its query.
    pub(in crate::server) const fn record_running(&mut self, running: FileVersion) {
        self.running = digest(running);
    }

    /// Resets the count of repeated downloads.
    pub(in crate::server) fn forget_repeats(&mut self) {
        self.repeats = 0;
        self.flags.remove(Flags::REPEATS_TOLD);
    }
}

/// Returns the seconds of `now` modulo 2³². The number of seconds wraps after 136 years.
pub(super) fn wrapping_seconds(now: Instant) -> u32 {
    let [a, b, c, d, ..] = (now.as_millis() / 1000).to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// Returns the hours of `now` modulo 2¹⁶. The number of hours wraps after seven years.
fn wrapping_hours(now: Instant) -> u16 {
    let [a, b, ..] = (now.as_millis() / 3_600_000).to_le_bytes();
    u16::from_le_bytes([a, b])
}

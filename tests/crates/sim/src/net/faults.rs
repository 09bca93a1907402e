//! Faults of frames in transit: loss, bursts, delay, duplicates, reordering and bit errors, at random or by script.

use crate::Micros;

/// Probabilities and scripts of frame faults, end to end.
#[derive(Clone, Debug, PartialEq)]
pub struct Faults {
    /// Share of the frames that are lost independently, 0 to 1.
    pub loss: f64,
    /// Burst losses.
    pub burst: Option<Burst>,
    /// Fixed latency in addition to that of the carrier.
    pub delay: Micros,
    /// Maximum of an additional random latency, drawn for each frame.
    pub jitter: Micros,
    /// Share of the frames that arrive twice, 0 to 1.
    pub copied: f64,
    /// Share of the frames that are overtaken, 0 to 1, and the maximum of their extra delay.
    pub late: (f64, Micros),
    /// Share of the frames with one inverted bit, 0 to 1.
    pub damaged: f64,
    /// Scripted faults in addition to the random ones, by frame number: application frames are counted from 0 in order
    /// of arrival; APS acknowledgements do not count.
    pub script: Vec<(u64, FrameFate)>,
    /// Time during which the path carries short frames only.
    pub narrow: Option<Narrow>,
}

/// Time during which the path carries short frames only, for instance because a new route has more relays or worse
/// radios.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Narrow {
    /// Maximum length of a ZCL frame that arrives, in bytes.
    pub longest: usize,
    /// Start of the time.
    pub from: Micros,
    /// End of the time.
    pub until: Micros,
}

impl Narrow {
    /// Whether a frame of `len` bytes is lost at `now`.
    pub(super) fn loses(self, now: Micros, len: usize) -> bool {
        len > self.longest && (self.from..self.until).contains(&now)
    }
}

impl Faults {
    /// No faults.
    pub const NONE: Self = Self {
        loss: 0.0,
        burst: None,
        delay: 0,
        jitter: 0,
        copied: 0.0,
        late: (0.0, 0),
        damaged: 0.0,
        script: Vec::new(),
        narrow: None,
    };

    /// Independent loss of a share `loss` of the frames, 0 to 1.
    #[must_use]
    pub fn losing(loss: f64) -> Self {
        Self { loss, ..Self::NONE }
    }
}

/// Burst losses by the Gilbert-Elliott model: the channel alternates between a good and a bad state, each of random
/// duration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burst {
    /// Mean duration of the good state.
    pub every: Micros,
    /// Mean duration of the bad state.
    pub lasts: Micros,
    /// Share of the frames lost in the bad state, 0 to 1.
    pub loss: f64,
}

impl Burst {
    /// Probability of the bad state at `later` after a moment whose state was `bad`.
    fn likely(self, bad: bool, later: Micros) -> f64 {
        let (every, lasts, later) = (self.every as f64, self.lasts as f64, later as f64);
        let share = lasts / (every + lasts);
        let memory = (-later / every - later / lasts).exp();
        share + (f64::from(u8::from(bad)) - share) * memory
    }
}

/// Scripted fault of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameFate {
    /// The frame is lost.
    Lost,
    /// The frame arrives twice, with this interval.
    Doubled(Micros),
    /// The frame is delayed by this time.
    Delayed(Micros),
    /// One bit is inverted; the index wraps around at the end of the frame.
    Damaged(usize),
}

/// Arrival time of one copy of a frame, and the bit of it to invert.
type Coming = Option<(Micros, Option<usize>)>;

/// Random state of the faults.
#[derive(Debug)]
pub(super) struct Weather {
    faults: Faults,
    random: fastrand::Rng,
    /// Whether the channel was bad at the last frame, and when that was.
    bad: bool,
    seen: Micros,
    count: u64,
}

impl Weather {
    pub(super) fn new(faults: Faults, seed: u64) -> Self {
        Self { faults, random: fastrand::Rng::with_seed(seed), bad: false, seen: 0, count: 0 }
    }

    /// Number of application frames so far.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    fn is(&mut self, likely: f64) -> bool {
        likely > 0.0 && self.random.f64() < likely
    }

    fn up_to(&mut self, most: Micros) -> Micros {
        if most == 0 { 0 } else { self.random.u64(0..=most) }
    }

    /// Draws the copies of the next frame that arrive. `counts` marks an application frame.
    pub(super) fn fates(&mut self, now: Micros, counts: bool) -> [Coming; 2] {
        let first = self.chance(now);
        let second = first.filter(|_| self.is(self.faults.copied)).map(|_| (self.time(), None));
        if !counts {
            return [first, second];
        }
        let count = self.count;
        self.count += 1;
        let scripted = self.faults.script.iter().find(|(frame, _)| *frame == count).map(|(_, fate)| *fate);
        match (scripted, first) {
            (None, _) => [first, second],
            (Some(FrameFate::Lost), _) | (_, None) => [None, None],
            (Some(FrameFate::Doubled(later)), Some((delay, damage))) => {
                [first, Some((delay + later, damage))]
            }
            (Some(FrameFate::Delayed(later)), Some((delay, damage))) => {
                [Some((delay + later, damage)), second]
            }
            (Some(FrameFate::Damaged(bit)), Some((delay, _))) => [Some((delay, Some(bit))), second],
        }
    }

    fn chance(&mut self, now: Micros) -> Coming {
        let mut lost = self.is(self.faults.loss);
        if let Some(burst) = self.faults.burst {
            let later = now - std::mem::replace(&mut self.seen, now);
            self.bad = self.is(burst.likely(self.bad, later));
            lost |= self.bad && self.is(burst.loss);
        }
        let damage = self.is(self.faults.damaged).then(|| self.random.usize(..1 << 16));
        let delay = self.time();
        (!lost).then_some((delay, damage))
    }

    fn time(&mut self) -> Micros {
        let (share, most) = self.faults.late;
        let late = if self.is(share) { self.up_to(most) } else { 0 };
        self.faults.delay + self.up_to(self.faults.jitter) + late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(faults: Faults, frames: u32) -> (f64, u32) {
        let mut weather = Weather::new(faults, 1);
        let (mut lost, mut runs, mut last) = (0, 0, false);
        for frame in 0..frames {
            let gone = weather.fates(u64::from(frame) * 1000, true) == [None, None];
            lost += u32::from(gone);
            runs += u32::from(gone && !last);
            last = gone;
        }
        (f64::from(lost) / f64::from(frames), lost / runs.max(1))
    }

    #[test]
    fn losses_come_alone_or_in_bursts_as_set() {
        let (share, run) = lost(Faults::losing(0.05), 100_000);
        assert!((0.048..0.052).contains(&share) && run == 1, "{share} {run}");
        // Bad for a tenth of the time, in bursts of twenty frames.
        let burst = Burst { every: 180_000, lasts: 20_000, loss: 1.0 };
        let (share, run) = lost(Faults { burst: Some(burst), ..Faults::NONE }, 100_000);
        assert!((0.09..0.11).contains(&share) && (17..24).contains(&run), "{share} {run}");
    }

    #[test]
    fn a_script_meets_the_frames_it_names() {
        let script = vec![
            (1, FrameFate::Lost),
            (2, FrameFate::Doubled(7)),
            (3, FrameFate::Delayed(9)),
            (5, FrameFate::Damaged(4)),
        ];
        let mut weather = Weather::new(Faults { delay: 100, script, ..Faults::NONE }, 1);
        let plain = [Some((100, None)), None];
        assert_eq!(weather.fates(0, true), plain);
        assert_eq!(weather.fates(0, false), plain, "no frame of an application's");
        assert_eq!(weather.fates(0, true), [None, None]);
        assert_eq!(weather.fates(0, true), [Some((100, None)), Some((107, None))]);
        assert_eq!(weather.fates(0, true), [Some((109, None)), None]);
        assert_eq!(weather.fates(0, true), plain);
        assert_eq!(weather.fates(0, true), [Some((100, Some(4))), None]);
        assert_eq!(weather.count(), 6);
    }
}

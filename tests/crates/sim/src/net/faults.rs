//! What goes wrong on the way, by chance or by a script.

use crate::Micros;

/// What goes wrong with frames, end to end.
#[derive(Clone, Debug, PartialEq)]
pub struct Hazards {
    /// Share of the frames that are lost, each by itself, 0 to 1.
    pub loss: f64,
    /// Losses that come together.
    pub burst: Option<Burst>,
    /// Time each frame takes besides the carrier's.
    pub delay: Micros,
    /// As much more at the most, each time anew.
    pub jitter: Micros,
    /// Share of the frames that come twice.
    pub copied: f64,
    /// Share of the frames that come later than those after them, and by how much at the most.
    pub late: (f64, Micros),
    /// Share of the frames of which one bit is turned over.
    pub damaged: f64,
    /// What happens to certain frames, counted from 0 in the order they arrive, besides all that. Acknowledgements of
    /// APS do not count.
    pub script: Vec<(u64, Fate)>,
}

impl Hazards {
    /// Nothing goes wrong.
    pub const NONE: Self = Self {
        loss: 0.0,
        burst: None,
        delay: 0,
        jitter: 0,
        copied: 0.0,
        late: (0.0, 0),
        damaged: 0.0,
        script: Vec::new(),
    };

    /// A share `loss` of the frames is lost.
    #[must_use]
    pub fn losing(loss: f64) -> Self {
        Self { loss, ..Self::NONE }
    }
}

/// Losses that come together (Gilbert and Elliott): the channel is good or bad, each for a random time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burst {
    /// How long it is good, on the average.
    pub every: Micros,
    /// How long it is bad.
    pub lasts: Micros,
    /// Share of the frames that a bad one loses.
    pub loss: f64,
}

impl Burst {
    /// How likely the channel is bad, so long after it was `bad` or not.
    fn likely(self, bad: bool, later: Micros) -> f64 {
        let (every, lasts, later) = (self.every as f64, self.lasts as f64, later as f64);
        let share = lasts / (every + lasts);
        let memory = (-later / every - later / lasts).exp();
        share + (f64::from(u8::from(bad)) - share) * memory
    }
}

/// What a script does to one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is lost.
    Lost,
    /// It comes again so much later.
    Doubled(Micros),
    /// It comes so much later.
    Delayed(Micros),
    /// This bit of it, counted on from its start where it is shorter, is turned over.
    Damaged(usize),
}

/// When a frame comes, and which bit of it is turned over.
type Coming = Option<(Micros, Option<usize>)>;

/// Hazards at work.
#[derive(Debug)]
pub(super) struct Weather {
    hazards: Hazards,
    random: fastrand::Rng,
    /// The channel was bad when it was looked at last.
    bad: bool,
    seen: Micros,
    count: u64,
}

impl Weather {
    pub(super) fn new(hazards: Hazards, seed: u64) -> Self {
        Self { hazards, random: fastrand::Rng::with_seed(seed), bad: false, seen: 0, count: 0 }
    }

    /// Frames of applications so far.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    fn is(&mut self, likely: f64) -> bool {
        likely > 0.0 && self.random.f64() < likely
    }

    fn up_to(&mut self, most: Micros) -> Micros {
        if most == 0 { 0 } else { self.random.u64(0..=most) }
    }

    /// What becomes of the next frame; `counts` when it is one of an application's.
    pub(super) fn fates(&mut self, now: Micros, counts: bool) -> [Coming; 2] {
        let first = self.chance(now);
        let second = first.filter(|_| self.is(self.hazards.copied)).map(|_| (self.time(), None));
        if !counts {
            return [first, second];
        }
        let count = self.count;
        self.count += 1;
        let scripted = self.hazards.script.iter().find(|(frame, _)| *frame == count).map(|(_, fate)| *fate);
        match (scripted, first) {
            (None, _) => [first, second],
            (Some(Fate::Lost), _) | (_, None) => [None, None],
            (Some(Fate::Doubled(later)), Some((delay, damage))) => [first, Some((delay + later, damage))],
            (Some(Fate::Delayed(later)), Some((delay, damage))) => [Some((delay + later, damage)), second],
            (Some(Fate::Damaged(bit)), Some((delay, _))) => [Some((delay, Some(bit))), second],
        }
    }

    fn chance(&mut self, now: Micros) -> Coming {
        let mut lost = self.is(self.hazards.loss);
        if let Some(burst) = self.hazards.burst {
            let later = now - std::mem::replace(&mut self.seen, now);
            self.bad = self.is(burst.likely(self.bad, later));
            lost |= self.bad && self.is(burst.loss);
        }
        let damage = self.is(self.hazards.damaged).then(|| self.random.usize(..1 << 16));
        let delay = self.time();
        (!lost).then_some((delay, damage))
    }

    fn time(&mut self) -> Micros {
        let (share, most) = self.hazards.late;
        let late = if self.is(share) { self.up_to(most) } else { 0 };
        self.hazards.delay + self.up_to(self.hazards.jitter) + late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(hazards: Hazards, frames: u32) -> (f64, u32) {
        let mut weather = Weather::new(hazards, 1);
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
        let (share, run) = lost(Hazards::losing(0.05), 100_000);
        assert!((0.048..0.052).contains(&share) && run == 1, "{share} {run}");
        // A tenth of the time bad, for twenty frames.
        let burst = Burst { every: 180_000, lasts: 20_000, loss: 1.0 };
        let (share, run) = lost(Hazards { burst: Some(burst), ..Hazards::NONE }, 100_000);
        assert!((0.09..0.11).contains(&share) && (17..24).contains(&run), "{share} {run}");
    }

    #[test]
    fn a_script_meets_the_frames_it_names() {
        let script =
            vec![(1, Fate::Lost), (2, Fate::Doubled(7)), (3, Fate::Delayed(9)), (5, Fate::Damaged(4))];
        let mut weather = Weather::new(Hazards { delay: 100, script, ..Hazards::NONE }, 1);
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

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

/// Losses that come together (Gilbert and Elliott): the channel is good or bad, and may change with each frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burst {
    /// How likely a good channel turns bad.
    pub begin: f64,
    /// How likely a bad one turns good: bad times last for 1 / `end` frames on the average.
    pub end: f64,
    /// Share of the frames that a bad one loses.
    pub loss: f64,
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
type Copy = Option<(Micros, Option<usize>)>;

/// Hazards at work.
#[derive(Debug)]
pub(super) struct Weather {
    hazards: Hazards,
    random: fastrand::Rng,
    bad: bool,
    count: u64,
}

impl Weather {
    pub(super) fn new(hazards: Hazards, seed: u64) -> Self {
        Self { hazards, random: fastrand::Rng::with_seed(seed), bad: false, count: 0 }
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
    pub(super) fn fates(&mut self, counts: bool) -> [Copy; 2] {
        let first = self.chance();
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

    fn chance(&mut self) -> Copy {
        let mut lost = self.is(self.hazards.loss);
        if let Some(Burst { begin, end, loss }) = self.hazards.burst {
            self.bad ^= self.is(if self.bad { end } else { begin });
            lost |= self.bad && self.is(loss);
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
        for _ in 0..frames {
            let gone = weather.fates(true) == [None, None];
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
        let burst = Burst { begin: 1.0 / 180.0, end: 1.0 / 20.0, loss: 1.0 };
        let (share, run) = lost(Hazards { burst: Some(burst), ..Hazards::NONE }, 100_000);
        assert!((0.09..0.11).contains(&share) && (17..24).contains(&run), "{share} {run}");
    }

    #[test]
    fn a_script_meets_the_frames_it_names() {
        let script =
            vec![(1, Fate::Lost), (2, Fate::Doubled(7)), (3, Fate::Delayed(9)), (5, Fate::Damaged(4))];
        let mut weather = Weather::new(Hazards { delay: 100, script, ..Hazards::NONE }, 1);
        let plain = [Some((100, None)), None];
        assert_eq!(weather.fates(true), plain);
        assert_eq!(weather.fates(false), plain, "no frame of an application's");
        assert_eq!(weather.fates(true), [None, None]);
        assert_eq!(weather.fates(true), [Some((100, None)), Some((107, None))]);
        assert_eq!(weather.fates(true), [Some((109, None)), None]);
        assert_eq!(weather.fates(true), plain);
        assert_eq!(weather.fates(true), [Some((100, Some(4))), None]);
        assert_eq!(weather.count(), 6);
    }
}

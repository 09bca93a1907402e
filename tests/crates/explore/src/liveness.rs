//! Liveness: from every state, how long it takes until the device runs the new image when all goes well from then on.
//!
//! ```text
//!   state --pause--> state --pause--> ... --> goal        a pause of LONG and more is a wait, put down to the last news
//!     ^                  |
//!     +------------------+                                a circle is a wait for ever
//! ```
//!
//! A pause lasts until a frame is sent. Deadlines without an effect, such as those of the server's sessions, do not end
//! a pause.

use std::collections::BTreeMap;

use crate::explore::{Exploration, NONE};

/// Milliseconds from which on a silence is a wait that must be listed.
pub const LONG: u64 = 30_000;

/// Length of a wait, in words that do not change by a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Length {
    Minutes,
    Hour,
    Hours,
    Day,
    Days,
    Ever,
}

impl Length {
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Minutes, "minutes"),
        (Self::Hour, "an hour"),
        (Self::Hours, "hours"),
        (Self::Day, "a day"),
        (Self::Days, "days"),
        (Self::Ever, "for ever"),
    ];

    fn of(millis: u64) -> Self {
        const MINUTE: u64 = 60_000;
        match millis {
            0..=900_000 => Self::Minutes,
            900_001..=3_660_000 => Self::Hour,
            ..72_000_000 => Self::Hours,
            // A day and its minutes of asking.
            ..=90_000_000 => Self::Day,
            _ if millis < 36_500 * 24 * 60 * MINUTE => Self::Days,
            _ => Self::Ever,
        }
    }

    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(length, _)| *length == self).map_or("", |(_, word)| word)
    }
}

/// The longest wait of one kind.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    pub length: Length,
    pub millis: u64,
    /// State with which it begins.
    pub node: u32,
}

pub struct Liveness {
    /// The longest wait for each news and number of faults.
    pub waits: BTreeMap<(u16, u8), Wait>,
    /// Milliseconds of the slowest path to the goal, without its waits, and the first state of this path.
    pub slowest: (u64, u32),
    /// The same from a download in progress.
    pub recovery: (u64, u32),
    /// Maximum number of requests of a download in progress, beyond the requests for missing bytes.
    pub surplus: (i64, u32),
    /// States whose path leaves the explored states.
    pub unknown: u64,
}

/// State of the path from one node on.
#[derive(Clone, Copy, Default)]
struct Way {
    /// Milliseconds to the goal without waits; `None` if it is never reached.
    short: Option<u64>,
    /// Milliseconds of the pause at the beginning.
    pause: u64,
    requests: u32,
    /// Whether there is a wait on it.
    has_wait: bool,
    is_known: bool,
}

pub fn examine(exploration: &Exploration) -> Liveness {
    let nodes = &exploration.nodes;
    let mut ways = vec![Way::default(); nodes.len()];
    let mut liveness = Liveness {
        waits: BTreeMap::new(),
        slowest: (0, 0),
        recovery: (0, 0),
        surplus: (i64::MIN, 0),
        unknown: 0,
    };
    let mut on_path = vec![false; nodes.len()];
    for start in 0..nodes.len() {
        let (mut path, mut at) = (Vec::new(), start);
        while !ways[at].is_known && !on_path[at] && !nodes[at].is_goal && nodes[at].next != NONE {
            on_path[at] = true;
            path.push(at);
            at = nodes[at].next as usize;
        }
        if !ways[at].is_known {
            let is_circle = on_path[at];
            ways[at].is_known = true;
            if nodes[at].is_goal {
                ways[at].short = Some(0);
            } else if is_circle {
                let round = path.iter().skip_while(|node| **node != at);
                let longest = round.max_by_key(|node| nodes[**node].pause).copied().unwrap_or(at);
                note(&mut liveness, nodes[longest].news, Length::Ever, u64::MAX, at as u32, nodes[at].used);
            } else {
                liveness.unknown += 1;
            }
        }
        for &node in path.iter().rev() {
            on_path[node] = false;
            if ways[node].is_known {
                continue;
            }
            let (step, next) = (&nodes[node], ways[nodes[node].next as usize]);
            let goes_on = step.is_silent && nodes[step.next as usize].news == step.news;
            let pause = if step.pause == 0 { 0 } else { step.pause + if goes_on { next.pause } else { 0 } };
            // A pause that turns out to be a wait was counted as short further on.
            let before = if goes_on && next.pause < LONG { next.pause } else { 0 };
            let short = |rest: u64| if pause >= LONG { rest - before } else { rest + step.pause };
            ways[node] = Way {
                short: next.short.map(short),
                pause,
                requests: next.requests + u32::from(step.requests),
                has_wait: pause >= LONG || next.has_wait,
                is_known: true,
            };
        }
    }
    for (at, way) in ways.iter().enumerate() {
        let node = &nodes[at];
        if way.pause >= LONG {
            note(&mut liveness, node.news, Length::of(way.pause), way.pause, at as u32, node.used);
        }
        let Some(short) = way.short else { continue };
        // The rest of a wait that began before is not counted.
        let rest = if way.pause < LONG && !node.is_downloading { way.pause } else { 0 };
        liveness.slowest = liveness.slowest.max((short - rest, at as u32));
        if node.is_downloading && !way.has_wait {
            liveness.recovery = liveness.recovery.max((short, at as u32));
            let surplus = i64::from(way.requests) - i64::from(node.missing);
            liveness.surplus = liveness.surplus.max((surplus, at as u32));
        }
    }
    liveness
}

fn note(liveness: &mut Liveness, news: u16, length: Length, millis: u64, node: u32, faults: u8) {
    let wait = liveness.waits.entry((news, faults)).or_insert(Wait { length, millis, node });
    if millis > wait.millis {
        *wait = Wait { length, millis, node };
    }
}

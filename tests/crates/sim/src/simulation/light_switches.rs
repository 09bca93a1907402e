//! Light switches: background traffic whose latency people notice.
//!
//! ```text
//! switch --1 to n hops--> client      one command in each interval, from a random distance to a random client
//! ```

use super::{Context, Settings, Wake};
use crate::Micros;

/// Number of clients and the distances, from which each command draws.
#[derive(Debug)]
pub(super) struct LightSwitches {
    interval: Micros,
    random: fastrand::Rng,
    clients: u16,
    hops: u16,
    /// Time at which each command was sent, and its latency.
    sent: Vec<(Micros, Option<Micros>)>,
}

impl LightSwitches {
    pub(super) fn new(interval: Micros, settings: &Settings) -> Self {
        let hops = settings.net.radio.map_or(1, |radio| radio.hops);
        let random = fastrand::Rng::with_seed(settings.seed ^ 0x5717c4);
        Self { interval, random, clients: settings.clients, hops, sent: Vec::new() }
    }

    /// Sends a command, and schedules the next one at a random moment of the next interval.
    pub(super) fn send(&mut self, context: &mut Context<'_>) {
        let number = u8::try_from(self.sent.len() % 256).expect("a remainder of 256");
        let (hops, to) = (self.random.u16(1..=self.hops), self.random.u16(1..=self.clients));
        // On/Off cluster, Toggle.
        context.net.send_command(context.now, hops, to, &[0x01, number, 0x02]);
        self.sent.push((context.now, None));
        let next = (self.sent.len() as Micros) * self.interval + self.random.u64(0..self.interval);
        context.queue.put(next, Wake::Command);
    }

    /// Records the arrival of a command at its client.
    pub(super) fn arrive(&mut self, now: Micros, command: &[u8]) {
        let number = command.get(1).copied().map(usize::from);
        let same = |place: &usize| Some(place % 256) == number;
        if let Some(place) = (0..self.sent.len()).rev().find(same) {
            let (sent, latency) = &mut self.sent[place];
            latency.get_or_insert(now - *sent);
        }
    }

    pub(super) fn into_latencies(self) -> Vec<Option<Micros>> {
        self.sent.into_iter().map(|(_, latency)| latency).collect()
    }
}

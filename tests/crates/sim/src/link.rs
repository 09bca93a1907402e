//! One direction of a link.

use std::collections::VecDeque;

use zigbee_ota::time::{Instant, Millis};

/// Carries frames with a constant delay and loses some.
#[derive(Debug)]
pub struct Link {
    latency: Millis,
    loss: f64,
    random: fastrand::Rng,
    under_way: VecDeque<(Instant, Vec<u8>)>,
    sent: u64,
}

impl Link {
    /// A link that takes `latency` and loses a share `loss` of the frames, 0 to 1, as `seed` has it.
    #[must_use]
    pub fn new(latency: Millis, loss: f64, seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self { latency, loss, random, under_way: VecDeque::new(), sent: 0 }
    }

    /// Takes a frame that its sender lets go at `now`, which must not go back.
    pub fn send(&mut self, now: Instant, frame: &[u8]) {
        self.sent += 1;
        if self.random.f64() >= self.loss {
            self.under_way.push_back((now.plus(self.latency), frame.to_vec()));
        }
    }

    /// When the next frame arrives.
    #[must_use]
    pub fn next_arrival(&self) -> Option<Instant> {
        self.under_way.front().map(|(arrival, _)| *arrival)
    }

    /// The next frame that has arrived.
    pub fn receive(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.next_arrival().filter(|arrival| *arrival <= now)?;
        self.under_way.pop_front().map(|(_, frame)| frame)
    }

    /// Frames sent, the lost ones included.
    #[must_use]
    pub const fn sent(&self) -> u64 {
        self.sent
    }
}

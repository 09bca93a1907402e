//! One direction of a point-to-point link with constant latency and random loss.

use std::collections::VecDeque;

use zigbee_ota::time::{Instant, Millis};

/// Simulated link with constant latency and random loss.
#[derive(Debug)]
pub struct Link {
    latency: Millis,
    loss: f64,
    random: fastrand::Rng,
    in_flight: VecDeque<(Instant, Vec<u8>)>,
    sent: u64,
}

impl Link {
    /// Creates a link with this `latency` that loses a share `loss` of the frames, 0 to 1, drawn from `seed`.
    #[must_use]
    pub fn new(latency: Millis, loss: f64, seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self { latency, loss, random, in_flight: VecDeque::new(), sent: 0 }
    }

    /// Sends a frame at `now`, which must not decrease between calls.
    pub fn send(&mut self, now: Instant, frame: &[u8]) {
        self.sent += 1;
        if self.random.f64() >= self.loss {
            self.in_flight.push_back((now.plus(self.latency), frame.to_vec()));
        }
    }

    /// Returns the arrival time of the next frame.
    #[must_use]
    pub fn next_arrival(&self) -> Option<Instant> {
        self.in_flight.front().map(|(arrival, _)| *arrival)
    }

    /// Returns the next frame that has arrived by `now`.
    pub fn receive(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.next_arrival().filter(|arrival| *arrival <= now)?;
        self.in_flight.pop_front().map(|(_, frame)| frame)
    }

    /// Number of frames sent, including lost ones.
    #[must_use]
    pub const fn sent(&self) -> u64 {
        self.sent
    }
}

//! Window of Image Block Requests in flight. The application gives the size of the window, or the client measures the
//! size.
//!
//! With several requests in flight, the channel is in use while the server prepares a response, but the channel itself
//! becomes no faster. If more requests are in flight than are needed to keep the channel in use, the additional
//! requests wait in a queue, and their frames compete for the channel. Some servers answer only one of several requests
//! that arrive together. The client therefore controls the size of the window in two ways, by backoff and by
//! measurement:
//!
//! - The client uses backoff for every window, whether the application gives the size of the window or the client
//!   measures the size. When more requests stay unanswered than frame loss on a bad link explains, the client reduces
//!   the window to one request for the time of a backoff. A burst of losses also leaves requests unanswered. In a burst,
//!   no response arrives for a time, and afterwards the server answers each request again; a server that answers only
//!   one of several requests still sends one response for each window. Of the timeouts between two responses, the
//!   client therefore counts only as many as a given window has requests; in a measured window, all timeouts count. Each
//!   backoff lasts for twice as many responses as the backoff before. Every server answers single requests, so that the
//!   number of unanswered requests during a backoff shows how many frames the link loses.
//! - With [`TransferMode::Auto`](crate::client::TransferMode::Auto), the client measures the size of the window. The
//!   client estimates how many of its requests wait in a queue on the way, and adjusts the size of the window to this
//!   estimate, as in TCP Vegas (Brakmo and Peterson, "TCP Vegas", 1995). If `n` requests are in flight with the round
//!   trip `t`, and a single request has the round trip `s`, then `n * (t - s) / t` of the `n` requests wait in a queue.
//!
//! ```text
//!   until the header          measured: doubles while the queue is below 3/8 of the window, up to the number of slots
//!        1  ----------------> 2 ----------> 4 ----------> 8 -- queue --> settled: 1 more after 128 responses with a short
//!        |                                                               queue, 1 less with a long one
//!        |                    given: the whole window at once
//!        +------------------> n
//!
//!   any --10 of 24 unanswered--> 1, backoff --128 responses, doubled each time--> given: n; measured: doubles on, or settled
//!         20 of 48 after a backoff with a lossy link, and in given windows above 4
//! ```
//!
//! The constants of the window in this module were tuned in the simulation `examples/goodput`, with 64-byte blocks, one
//! and three hops, and servers that take 0 to 50 ms for a response. With the constants of this module, a window that
//! the client measures reaches 95 % of the goodput of the best window that an application can give, as
//! `tests/goodput.rs` asserts.

use crate::client::rtt::RttEstimator;

/// Share of unanswered requests at which the client starts a backoff, in which the window is one request.
#[derive(Clone, Copy)]
struct UnansweredLimit {
    /// Number of consecutive block requests that form one sample. The client counts the unanswered requests of each
    /// sample.
    sample: u8,
    /// Number of unanswered requests in a sample at which the client starts a backoff.
    unanswered: u16,
}

/// Limit of unanswered requests for a window of up to [`LARGEST_USUAL_WINDOW`] requests on a link that the latest
/// backoff did not show to be lossy, or before the first backoff, and for a measured window of any size: the client
/// starts a backoff when 10 of the 24 requests of a sample stay unanswered.
///
/// A link that loses 5 % of the frames in each direction leaves 10 % of the requests unanswered. On a link with 5 %
/// loss, at least 10 requests of a sample of 24 requests stay unanswered in one of about 24,000 samples, which is one
/// sample in about 570,000 requests (binomial distribution). In the simulation at 5 % loss, a client that starts a
/// backoff at 7 instead of 10 unanswered requests of 24 loses up to 41 % of the goodput of a window of 8 requests. A
/// client that starts a backoff at 14 instead of 10 unanswered requests of 24 reaches no higher goodput.
const USUAL_LIMIT: UnansweredLimit = UnansweredLimit { sample: 24, unanswered: 10 };

/// Limit of unanswered requests on a link that the latest backoff showed to be lossy, and for a given window of more
/// than [`LARGEST_USUAL_WINDOW`] requests: the client starts a backoff when 20 of the 48 requests of a sample stay
/// unanswered.
///
/// A link that loses 10 % of the frames in each direction leaves 19 % of the requests unanswered. On a link with 10 %
/// loss, at least 10 requests of a sample of 24 requests stay unanswered in one of about 114 samples, which is one
/// sample in about 2,700 requests (binomial distribution). On a link with 10 % loss, at least 20 requests of a sample
/// of 48 requests stay unanswered in one of about 4,000 samples, which is one sample in about 190,000 requests. A
/// server that answers only one of several requests at a time leaves more than 45 % of the requests unanswered if the
/// window is 4 requests. If the client started a backoff only at 13 unanswered requests of 24, on every link, the
/// goodput would fall by 40 % in the simulation of a server that answers only one of several requests. A server that
/// answers only one of several requests leaves only 11 or 12 of 24 requests unanswered, so that a client that starts a
/// backoff at 13 unanswered requests starts none.
const LOSSY_LIMIT: UnansweredLimit = UnansweredLimit { sample: 48, unanswered: 20 };

/// Largest given window to which [`USUAL_LIMIT`] applies.
///
/// A burst of losses leaves all requests of a window unanswered. The 8 requests of a window of 8 and the 2 requests of
/// 24 that a link with 5 % loss leaves unanswered are the 10 requests at which [`USUAL_LIMIT`] starts a backoff. In the
/// simulation of bursts of 100 ms (one hop, 1 % loss), a window of 8 reaches 95 % of the goodput of the oracle with
/// [`LOSSY_LIMIT`], and 73 % with [`USUAL_LIMIT`]. In the simulation of a server that paces its blocks (5 % loss),
/// [`LOSSY_LIMIT`] instead of [`USUAL_LIMIT`] reduces the goodput of a window of 4 by a third, because the timeouts of
/// such a server double with each attempt.
const LARGEST_USUAL_WINDOW: u8 = 4;

/// Number of given windows of requests that time out without a response in between, after which a backoff starts at
/// once.
///
/// A server that cannot handle several requests in flight may answer none of them. Each attempt of a request doubles
/// its timeout, so that six attempts last for 63 times the first timeout. In the simulation of bursts of 1 s (one hop,
/// 1 % loss), a window of 2 reaches 92 % of the goodput of the oracle with 6 windows, and 86 % with 4 windows. With 8
/// instead of 6 windows, only a window of 2 without other loss gains, 5 %, and the backoff would start four times
/// later.
const SILENT_WINDOWS: u8 = 6;

/// A link counts as lossy if at least two requests stay unanswered for every 11 responses during a backoff. Two
/// unanswered requests are 15 % of 13 requests, of which 11 have a response. The threshold of 15 % lies between the 10
/// % of the requests that a link with 5 % loss leaves unanswered, and the 19 % that a link with 10 % loss leaves
/// unanswered.
const RESPONSES_OF_LOSSY_LINK: u16 = 11;

/// Length of the first backoff, in responses to single requests; each later backoff is twice as long.
///
/// In the simulation of a server that answers one request at a time (2,000 blocks), a first backoff of 64 responses
/// wastes up to twice as many requests as a first backoff of 128 responses. With a server that answers one request at a
/// time, the goodput differs by at most 4 % between first backoffs of 64 and of 512 responses. An oracle
/// is a simulated client that learns of each lost frame at once (guide, "Measurements"). At 10 % loss, the goodput of a
/// client with a window of 4 requests is lower by up to 6 % of the oracle's goodput if the first backoff is 256
/// responses long instead of 128.
const FIRST_BACKOFF: u16 = 128;

/// Number of responses after which a measured window that no longer doubles grows by one request, if few requests wait
/// in the queue.
///
/// In the simulation, a growth of the window after every 32 responses instead of 128 costs up to 9 % of the goodput (5
/// % loss, fast server), because the window grows beyond the best size too often. A growth of the window after every
/// 512 responses instead of 128 costs up to 6 % of the goodput, because a window that was too small at first grows too
/// late.
const GROW_AFTER: u16 = 128;

/// Window of block requests: the number of requests that may be in flight at present, and the counters by which the
/// client adjusts the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Upper limit of the window's size, in requests.
    max: u8,
    /// Present size of the window in requests, at least 1.
    current: u8,
    /// Number of requests of the present sample that the client has sent.
    sample_sent: u8,
    /// Whether the latest backoff showed that the link is lossy.
    is_link_lossy: bool,
    /// Number of timeouts in the present sample, minus the number of responses that arrived after their timeout. The
    /// requests of a backoff form one sample.
    sample_unanswered: u16,
    /// Number of timeouts since the latest response; always 0 for a measured window.
    silent: u8,
    /// Number of responses after which the present backoff ends; 0 outside of a backoff.
    backoff_left: u16,
    /// Length of the next backoff, in responses to single requests.
    next_backoff: u16,
    growth: Growth,
}

/// Origin of the size of a window: given by the application, or measured by the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Growth {
    /// The application gives the size of the window.
    Fixed,
    /// The client measures the size of the window.
    Measured {
        /// Round trip of a single block request, in eighths of a millisecond.
        single_rtt: u32,
        /// Number of responses since the last change of the window's size.
        responses: u16,
        /// `true` in the first phase of the measurement, in which the window doubles while few requests wait in the
        /// queue.
        is_doubling: bool,
    },
}

impl Window {
    /// Creates a window of 1 request that [`open`](Self::open) raises to `max` requests.
    pub(super) const fn fixed(max: u8) -> Self {
        Self {
            max,
            current: 1,
            sample_sent: 0,
            is_link_lossy: false,
            sample_unanswered: 0,
            silent: 0,
            backoff_left: 0,
            next_backoff: FIRST_BACKOFF,
            growth: Growth::Fixed,
        }
    }

    /// Creates a window of 1 request that the client measures and raises up to `max` requests.
    pub(super) const fn measured(max: u8) -> Self {
        let growth = Growth::Measured { single_rtt: 0, responses: 0, is_doubling: true };
        Self { growth, ..Self::fixed(max) }
    }

    /// Returns the largest number of requests that may be in flight at present.
    pub(super) fn size(&self) -> usize {
        self.current.into()
    }

    /// Returns the largest number of requests that may ever be in flight.
    pub(super) const fn max(&self) -> u8 {
        self.max
    }

    /// Ends the phase of single requests, in which the client has fetched the header of the file. A window whose size
    /// the application gives grows to this size; a window whose size the client measures takes the round trip of single
    /// requests from `rtt`.
    pub(super) fn open(&mut self, rtt: &mut RttEstimator) {
        match &mut self.growth {
            Growth::Fixed => self.resize(self.max, rtt),
            Growth::Measured { single_rtt, .. } => *single_rtt = rtt.smoothed_eighths().unwrap_or(0),
        }
    }

    /// Returns the round trip of a single block request in eighths of a millisecond; 0 if the application gives the
    /// size of the window, or before the header has arrived.
    pub(super) const fn single_rtt(&self) -> u32 {
        match self.growth {
            Growth::Fixed => 0,
            Growth::Measured { single_rtt, .. } => single_rtt,
        }
    }

    fn resize(&mut self, size: u8, rtt: &mut RttEstimator) {
        if size > self.current {
            // With more requests in flight, responses wait for each other. Without a longer timeout, the responses that
            // wait would count as lost.
            rtt.raise_deviation(size.checked_div(self.current).unwrap_or(1));
        }
        (self.current, self.sample_sent, self.sample_unanswered) = (size, 0, 0);
        if let Growth::Measured { responses, .. } = &mut self.growth {
            *responses = 0;
        }
    }

    /// Returns whether the application gives the size of the window.
    const fn is_given(&self) -> bool {
        matches!(self.growth, Growth::Fixed)
    }

    const fn limit(&self) -> UnansweredLimit {
        let is_large = self.is_given() && self.current > LARGEST_USUAL_WINDOW;
        if self.is_link_lossy || is_large { LOSSY_LIMIT } else { USUAL_LIMIT }
    }

    /// Counts a request that the client sends, and first starts a new sample if the present sample is full.
    pub(super) fn count_request(&mut self) {
        if self.backoff_left == 0 && self.sample_sent >= self.limit().sample {
            (self.sample_sent, self.sample_unanswered) = (0, 0);
        }
        self.sample_sent = self.sample_sent.saturating_add(1);
    }

    /// Counts the timeout of a request, and reduces the window to 1 request after too many timeouts in a sample.
    ///
    /// Of the timeouts between two responses, the client counts at most as many as a given window has requests, and
    /// takes the requests of the other timeouts off the sample: the retries that a burst of losses also leaves
    /// unanswered say nothing about the server. In the simulation of bursts of 100 ms (one hop, 1 % loss), the
    /// uncounted retries raise the goodput of a window of 4 from 85 to 98 % of the goodput of the oracle. If one
    /// timeout fewer counted, the goodput of a window of 4 would rise from 87 to 96 % at 5 % loss, but in the
    /// simulation of zigbee-herdsman, which paces its blocks and answers one request of a window, the goodput would
    /// fall by 8 % at 5 % loss.
    ///
    /// All timeouts of a measured window count. Uncounted retries change the goodput of `TransferMode::Auto` in bursts
    /// by at most 2 %, but reduce its goodput beside a fleet without background traffic by 11 %.
    pub(super) fn count_timeout(&mut self) {
        self.silent = self.silent.saturating_add(u8::from(self.is_given()));
        let is_long_silence = self.silent >= self.current.saturating_mul(SILENT_WINDOWS);
        if self.silent > self.current && self.backoff_left == 0 && !is_long_silence {
            self.sample_sent = self.sample_sent.saturating_sub(1);
            return;
        }
        self.sample_unanswered = self.sample_unanswered.saturating_add(1);
        if (is_long_silence || self.sample_unanswered >= self.limit().unanswered) && self.current > 1 {
            (self.current, self.sample_sent, self.sample_unanswered) = (1, 0, 0);
            (self.backoff_left, self.next_backoff) = (self.next_backoff, self.next_backoff.saturating_mul(2));
        }
    }

    /// Subtracts one timeout from the count of [`count_timeout`](Self::count_timeout), because the response to the
    /// request has arrived after the timeout.
    pub(super) fn count_late_response(&mut self) {
        self.sample_unanswered = self.sample_unanswered.saturating_sub(1);
    }

    /// Counts a response to a block request. During a backoff, the response counts towards the length of the backoff
    /// and ends the backoff if the length is reached. If the client measures the size of the window, the response may
    /// also change the size of the window.
    pub(super) fn count_response(&mut self, rtt: &mut RttEstimator) {
        self.silent = 0;
        if self.backoff_left > 0 {
            self.backoff_left = self.backoff_left.saturating_sub(1);
            if self.backoff_left > 0 {
                return;
            }
            // The backoff had half as many responses as the next one will have.
            let lossy = self.next_backoff.checked_div(RESPONSES_OF_LOSSY_LINK).unwrap_or(0);
            self.is_link_lossy = self.sample_unanswered >= lossy;
            (self.sample_sent, self.sample_unanswered) = (0, 0);
            if let Growth::Fixed = self.growth {
                self.resize(self.max, rtt);
            }
        }
        if let Some(size) = self.measured_size(rtt) {
            self.resize(size, rtt);
        }
    }

    /// Counts a response to a block request if the client measures the size of the window. Returns the new size of the
    /// window, or `None` to keep the present size.
    fn measured_size(&mut self, rtt: &RttEstimator) -> Option<u8> {
        let (current, max) = (self.current, self.max);
        let Growth::Measured { single_rtt, responses, is_doubling } = &mut self.growth else { return None };
        *responses = responses.saturating_add(1);
        // Responses to requests sent at the previous size say nothing about the present size, so the client first waits
        // for twice as many responses as the window has requests. The smoothed round trip then needs 8 samples to
        // follow, because RFC 6298 weighs each sample by 1/8. While the window doubles, one window and 4 samples
        // suffice, because the first step after the doubling corrects an overshoot.
        let enough = if *is_doubling {
            current.saturating_add(4)
        } else {
            current.saturating_mul(2).saturating_add(8)
        };
        if *responses < enough.into() {
            return None;
        }
        let time = rtt.smoothed_eighths().filter(|time| *time > 0)?;
        if current == 1 {
            *single_rtt = time;
        }
        let waited = time.saturating_sub(*single_rtt).saturating_mul(u32::from(current)).saturating_mul(8);
        // The estimated queue is in eighths of a request.
        let queue = u8::try_from(waited.checked_div(time)?).unwrap_or(u8::MAX);
        if *is_doubling {
            // The limit of the queue is 3/8 of the window, which is 3 eighths of a request for each request in flight.
            // Any limit from 1/8 to 6/8 gives the same goodput within 3 % in the simulation.
            if queue < current.saturating_mul(3) && current < max {
                return Some(current.saturating_mul(2).min(max));
            }
            *is_doubling = false;
            // The window shrinks by half of the queue at once, in whole requests. In later calls, the code below
            // removes the rest of the queue one request at a time.
            return Some(current.saturating_sub(queue >> 4).max(1)).filter(|size| *size != current);
        }
        // Limits of the queue, in eighths of a request. The window grows if the queue is below the first limit, and
        // shrinks if the queue is above the second limit.
        //
        // | window | grows below | shrinks above | origin |
        // |---|---|---|---|
        // | 1, 2 | 5/8 | 8/8 | a fast server: a second request only contends for the channel |
        // | 3, 4 | 8/8 | 14/8 | between the rows beside it, so that the limits do not jump |
        // | 5 and more | 8/8 | 24/8 | the 1 and 3 of TCP Vegas: a short queue keeps the channel busy |
        //
        // Simulated without loss, the limits of the first row for all windows cost up to 11 % of the goodput (one hop,
        // server of 20 ms). The reason is that the window for a slow server stays too small. The limits of the last row
        // for all windows cost up to 10 % (three hops, server of 0 ms), because a window of 2 is kept where 1 is best.
        let (grow_below, shrink_above) = match current {
            0..=2 => (5, 8),
            3 | 4 => (8, 14),
            _ => (8, 24),
        };
        if queue < grow_below && current < max && *responses >= GROW_AFTER {
            current.checked_add(1)
        } else if queue > shrink_above {
            current.checked_sub(1).filter(|size| *size > 0)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Millis;

    /// Returns the smallest and the largest size of a measured window after the window has stopped doubling. The
    /// simulated server answers a single request in `single` ms, and the channel carries one block every `pace` ms.
    fn settled_sizes(max: u8, single: u32, pace: u32) -> (u8, u8) {
        let mut rtt = RttEstimator::new();
        let mut window = Window::measured(max);
        rtt.update(Millis(single));
        window.open(&mut rtt);
        let (mut least, mut largest) = (u8::MAX, 0);
        for response in 0..4000 {
            window.count_request();
            rtt.update(Millis(single.max(u32::from(window.current) * pace)));
            window.count_response(&mut rtt);
            if response >= 1000 {
                (least, largest) = (least.min(window.current), largest.max(window.current));
            }
        }
        (least, largest)
    }

    #[test]
    fn a_measured_window_fills_the_idle_time_and_no_more() {
        for (max, single, pace, expected) in [
            (9, 12, 12, 1..=2),
            (9, 22, 11, 2..=3),
            (9, 33, 12, 2..=5),
            (9, 62, 12, 5..=8),
            (9, 500, 12, 9..=9),
            (4, 500, 12, 4..=4),
            (1, 500, 12, 1..=1),
        ] {
            let (least, largest) = settled_sizes(max, single, pace);
            assert!(
                expected.contains(&least) && expected.contains(&largest),
                "{single} ms alone, {pace} ms each: {least} to {largest}, not {expected:?}"
            );
        }
    }

    #[test]
    fn a_given_window_backs_off_when_most_requests_go_unanswered_and_for_twice_as_long_each_time() {
        let mut rtt = RttEstimator::new();
        rtt.update(Millis(20));
        let mut window = Window::fixed(8);
        assert_eq!(window.size(), 1, "until the header has arrived");
        window.open(&mut rtt);
        assert_eq!(window.size(), 8);
        for backoff in [128, 256, 512] {
            // One of eight requests gets a response.
            for _ in 0..LOSSY_LIMIT.unanswered {
                assert_eq!(window.size(), 8);
                if window.silent == 7 {
                    window.count_request();
                    window.count_response(&mut rtt);
                }
                window.count_request();
                window.count_timeout();
            }
            for _ in 0..backoff {
                assert_eq!(window.size(), 1);
                window.count_response(&mut rtt);
            }
        }
        assert_eq!(window.size(), 8);
    }

    /// Returns the sizes of a window of `size` requests after bursts of losses: `timeouts` timeouts without a response,
    /// then `responses` responses, `bursts` times.
    fn sizes_after_bursts(
        size: u8,
        timeouts: usize,
        responses: usize,
        bursts: usize,
    ) -> std::vec::Vec<usize> {
        let mut rtt = RttEstimator::new();
        rtt.update(Millis(20));
        let mut window = Window::fixed(size);
        window.open(&mut rtt);
        (0..bursts)
            .map(|_| {
                for _ in 0..timeouts {
                    window.count_request();
                    window.count_timeout();
                }
                for _ in 0..responses {
                    window.count_request();
                    window.count_response(&mut rtt);
                }
                window.size()
            })
            .collect()
    }

    #[test]
    fn a_silence_counts_for_one_window_and_a_long_silence_starts_a_backoff() {
        for size in [2, 4, 8] {
            let limit = usize::from(size * SILENT_WINDOWS);
            assert_eq!(sizes_after_bursts(size, limit - 1, 24, 50), [usize::from(size); 50]);
            assert_eq!(sizes_after_bursts(size, limit, 1, 1), [1], "a window of {size}");
        }
        // A server that answers one of four, and one of eight requests.
        assert_eq!(sizes_after_bursts(4, 3, 1, 4), [4, 4, 4, 1]);
        assert_eq!(sizes_after_bursts(8, 7, 1, 3), [8, 8, 1]);
        // Four timeouts of each silence count, and the sample has no request of the other four.
        assert_eq!(sizes_after_bursts(4, 8, 1, 3), [4, 4, 1]);
        assert_eq!(sizes_after_bursts(4, 8, 8, 9), [4; 9]);
    }

    /// Simulates a backoff of a window of 4 requests: until the backoff ends, `unanswered` of every 100 single requests
    /// stay unanswered. Returns the window after the backoff.
    fn after_a_backoff(unanswered: u32) -> Window {
        let mut rtt = RttEstimator::new();
        rtt.update(Millis(20));
        let mut window = Window::fixed(4);
        window.open(&mut rtt);
        (0..4 * SILENT_WINDOWS).for_each(|_| window.count_timeout());
        assert_eq!(window.size(), 1);
        let mut owed = 0;
        while window.size() == 1 {
            window.count_request();
            owed += unanswered;
            if owed >= 100 {
                owed -= 100;
                window.count_timeout();
            } else {
                window.count_response(&mut rtt);
            }
        }
        window
    }

    /// Simulates up to `most` requests, of which `unanswered` of every 100 stay unanswered. Returns the number of
    /// requests until the window starts a backoff; `None` without a backoff.
    fn requests_until_backoff(mut window: Window, unanswered: u32, most: u32) -> Option<u32> {
        let (mut rtt, mut owed) = (RttEstimator::new(), 0);
        (1..=most).find(|_| {
            window.count_request();
            owed += unanswered;
            if owed >= 100 {
                owed -= 100;
                window.count_timeout();
            } else {
                window.count_response(&mut rtt);
            }
            window.size() == 1
        })
    }

    #[test]
    fn after_a_backoff_with_a_lossy_link_a_longer_sample_decides() {
        // 45 % is more than the usual limit allows, and less than a server that answers one of several requests leaves.
        for (link, share, expected) in
            [(10, 35, None), (10, 45, Some(23)), (19, 35, None), (19, 45, Some(45)), (19, 75, Some(27))]
        {
            let window = after_a_backoff(link);
            assert_eq!(window.is_link_lossy, link == 19);
            assert_eq!(requests_until_backoff(window, share, 10_000), expected, "{link} %, then {share} %");
        }
    }

    #[test]
    fn a_bad_link_causes_no_backoff() {
        let mut rtt = RttEstimator::new();
        let mut window = Window::fixed(8);
        window.open(&mut rtt);
        // Of three requests one gets no response and one a late response, which does not count as unanswered.
        for turn in 0..1000 {
            window.count_request();
            if turn % 3 == 0 {
                window.count_timeout();
            } else if turn % 3 == 1 {
                window.count_timeout();
                window.count_late_response();
            } else {
                window.count_response(&mut rtt);
            }
            assert_eq!(window.size(), 8, "request {turn}");
        }
    }

    #[test]
    fn a_measured_window_grows_one_by_one_when_the_channel_becomes_faster() {
        let mut rtt = RttEstimator::new();
        let mut window = Window::measured(9);
        rtt.update(Millis(62));
        window.open(&mut rtt);
        let respond = |window: &mut Window, rtt: &mut RttEstimator, pace: u32| {
            window.count_request();
            rtt.update(Millis(62.max(u32::from(window.current) * pace)));
            window.count_response(rtt);
        };
        for _ in 0..1000 {
            respond(&mut window, &mut rtt, 40);
        }
        let smallest = window.current;
        assert!((2..=3).contains(&smallest), "{smallest}");
        let mut largest = smallest;
        for turn in 0..4000 {
            respond(&mut window, &mut rtt, 12);
            assert!(window.current <= largest + 1, "by more than one at response {turn}");
            largest = largest.max(window.current);
        }
        assert!((5..=8).contains(&largest), "{largest}");
    }

    #[test]
    fn opening_a_window_lengthens_the_timeout() {
        let timeout = |rtt: &RttEstimator| rtt.timeout(Millis(3000), Millis(10_000), 0).0;
        let mut rtt = RttEstimator::new();
        (0..50).for_each(|_| rtt.update(Millis(24)));
        let before = timeout(&rtt);
        Window::fixed(1).open(&mut rtt);
        assert_eq!(timeout(&rtt), before, "the window stays at 1");
        Window::fixed(8).open(&mut rtt);
        assert!(timeout(&rtt) >= 8 * 24, "{}", timeout(&rtt));
    }

    #[test]
    fn a_window_of_one_does_not_back_off() {
        let mut rtt = RttEstimator::new();
        let mut window = Window::fixed(8);
        window.open(&mut rtt);
        (0..8 * SILENT_WINDOWS).for_each(|_| window.count_timeout());
        assert_eq!(window.size(), 1);
        (0..2 * USUAL_LIMIT.unanswered).for_each(|_| window.count_timeout());
        (0..FIRST_BACKOFF).for_each(|_| window.count_response(&mut rtt));
        assert_eq!(window.size(), 8, "timeouts during a backoff do not count");
    }

    /// Returns the size of `window` after each of `responses` responses. The function `time` gives the round trip in ms
    /// for a window size.
    fn sizes(window: &mut Window, responses: usize, time: fn(u32) -> u32) -> std::vec::Vec<u8> {
        let mut rtt = RttEstimator::new();
        rtt.update(Millis(time(1)));
        if window.current == 1 {
            window.open(&mut rtt);
        }
        (0..responses)
            .map(|_| {
                // A new estimator holds the new round trip at once.
                rtt = RttEstimator::new();
                rtt.update(Millis(time(window.current.into())));
                window.count_response(&mut rtt);
                window.current
            })
            .collect()
    }

    #[test]
    fn a_window_doubles_until_there_is_a_queue_and_then_drops_half_of_the_queue() {
        let mut window = Window::measured(64);
        let sizes = sizes(&mut window, 80, |size| 60.max(size * 16));
        let runs: std::vec::Vec<_> = sizes.chunk_by(u8::eq).map(|run| (run[0], run.len())).collect();
        assert_eq!(runs[..4], [(1, 4), (2, 6), (4, 8), (8, 12)]);
        assert_eq!(runs[4].0, 6, "four of eight requests waited in the queue");
    }

    #[test]
    fn a_window_grows_again_when_the_queue_is_gone() {
        let mut window = Window::measured(9);
        assert_eq!(sizes(&mut window, 100, |size| 20 * size).last(), Some(&2), "a queue of one request");
        let sizes = sizes(&mut window, 300, |_| 20);
        let runs: std::vec::Vec<_> = sizes.chunk_by(u8::eq).map(|run| (run[0], run.len())).collect();
        assert_eq!(runs[1..3], [(3, 128), (4, 128)], "one more each time");
    }

    #[test]
    fn a_window_of_two_shrinks_to_one_where_requests_collide() {
        let mut window = Window::measured(9);
        let sizes = sizes(&mut window, 100, |size| if size == 1 { 25 } else { 60 });
        assert_eq!(sizes.last(), Some(&1));
    }

    #[test]
    fn a_window_at_its_limit_shrinks_when_there_is_a_queue() {
        let mut window = Window::measured(9);
        assert_eq!(sizes(&mut window, 100, |_| 60).last(), Some(&9));
        // More than three of nine requests wait in the queue.
        assert!(sizes(&mut window, 60, |_| 93).contains(&8));
    }
}

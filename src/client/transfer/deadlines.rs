//! Deadlines of a download: the time of the next request, the timeouts of responses, and the timeouts of the blocks of
//! a page.
//!
//! | deadline | time | origin |
//! |---|---|---|
//! | late response | smoothed round trip + 1 deviation after the request | chosen: most responses arrive earlier; one extra request may then be sent |
//! | timeout of a response | smoothed round trip + 4 deviations, doubled with each attempt from the second on; on a steady link, from the third on | RFC 6298, sections 2 and 5.5 |
//! | first block of a page | at least twice the timeout of a response | see `page_deadline` |
//! | next block of a page | timeout of one interval between blocks, and up to seven mean intervals | RFC 6298 for the interval; see [`Page::deadline`] |

use crate::aps::TransmitToken;
use crate::client::clock_ticks::Ticks;
use crate::client::config::ClientConfig;
use crate::client::request_retry::exponential_backoff;
use crate::client::rtt::RttEstimator;
use crate::time::Millis;

use super::Download;
use super::in_flight::{BlockRequest, Slot};
use super::page::{Page, PageStage, SILENT_PAGES_LIMIT, SLEEP_SPACING};

/// Number of attempts of a single block request with the same timeout on a steady link. The timeout of each later
/// attempt is twice the timeout of the attempt before.
///
/// RFC 6298, section 5.5, doubles the timeout from the second attempt on, because a lost segment is a sign of
/// congestion. A single lost frame of a radio is none, as long as round trips vary little. In the simulation
/// `examples/goodput` at 10 % loss, stop-and-wait reaches 87 % of the goodput of the oracle with two attempts of the
/// same timeout, and 83 % with one. If the round trips vary, as beside a fleet that upgrades, or if the client uses a
/// window, the timeout doubles from the second attempt on: two attempts with the same timeout would slow light switches
/// beside a fleet down by a fourth, and lower the goodput of windows in bursts of losses.
const UNDOUBLED_ATTEMPTS: u8 = 2;

impl<const RANGES: usize> Download<RANGES> {
    /// Returns the earliest deadline of the download; [`Ticks::NEVER`] while the download waits for the application
    /// or for a message of the server.
    pub(in crate::client) fn deadline(&self, config: &ClientConfig, rtt: &RttEstimator) -> Ticks {
        if let Some(page) = self.page() {
            return self.page_deadline(page, config, rtt);
        }
        if self.is_exhausted(config) {
            return Ticks::LONG_AGO;
        }
        if !Self::ANY_ORDER {
            return self.deadline_in_order(config, rtt);
        }
        self.deadline_in_any_order(config, rtt)
    }

    /// Returns the earliest deadline of the download of a client without out-of-order ranges. A client without
    /// out-of-order ranges has one slot (guide, "Fast paths").
    pub(super) fn deadline_in_order(&self, config: &ClientConfig, rtt: &RttEstimator) -> Ticks {
        match self.in_flight.first() {
            Slot::Requested(request) if request.is_waiting => {
                request_timeout(request, config, rtt, self.undoubled_attempts(rtt))
            }
            _ => self.next_request(config, false).map_or(Ticks::NEVER, |_| self.not_before),
        }
    }

    pub(super) fn deadline_in_any_order(&self, config: &ClientConfig, rtt: &RttEstimator) -> Ticks {
        let next_request = self.next_request_at(config, rtt);
        let waiting = self.in_flight.requests().filter(|request| request.is_waiting);
        let undoubled = self.undoubled_attempts(rtt);
        waiting.map(|request| request_timeout(request, config, rtt, undoubled)).fold(next_request, Ticks::min)
    }

    /// Returns the time of the next request; [`Ticks::NEVER`] if the client has to wait for a response, an answer of
    /// the application or a timeout before its next request.
    fn next_request_at(&self, config: &ClientConfig, rtt: &RttEstimator) -> Ticks {
        if self.next_request(config, false).is_some() {
            return self.not_before;
        }
        match self.late_at(rtt) {
            Ticks::NEVER => Ticks::NEVER,
            late => self.next_request(config, true).map_or(Ticks::NEVER, |_| self.not_before.max(late)),
        }
    }

    /// Returns the time at which the first of the awaited responses counts as late. A late response is probably lost,
    /// although its timeout has not passed yet. The result is [`Ticks::NEVER`] if the client awaits no response.
    ///
    /// Only the response to a request that the client has sent once can count as late. If the client has sent a request
    /// twice, the client has already sent an additional request when the response to the first attempt was late.
    pub(super) fn late_at(&self, rtt: &RttEstimator) -> Ticks {
        // With a window of 1, no extra request is sent.
        let has_extra = Self::ANY_ORDER && self.window.size() > 1;
        let Some(time) = rtt.late_after().filter(|_| has_extra) else { return Ticks::NEVER };
        let waiting = self.in_flight.requests().filter(|request| request.is_waiting && request.attempts == 1);
        waiting.map(|request| request.last_sent.plus(time)).fold(Ticks::NEVER, Ticks::min)
    }

    /// Ends the page in transfer if its deadline has passed, and marks each request whose timeout has passed as a
    /// request to resend.
    pub(in crate::client) fn expire_requests(
        &mut self,
        now: Ticks,
        config: &ClientConfig,
        rtt: &RttEstimator,
    ) {
        if let Some(page) = self.page().copied() {
            if self.page_deadline(&page, config, rtt) > now {
                return;
            }
            self.end_page(page.stage == PageStage::Receiving);
            if page.stage == PageStage::Requested && self.is_page_accompanied {
                self.dropped_pages = self.dropped_pages.saturating_add(1);
            }
        }
        if self.uses_pages && self.silent_pages >= SILENT_PAGES_LIMIT {
            (self.uses_pages, self.is_silent_about_pages) = (false, true);
        }
        let undoubled = self.undoubled_attempts(rtt);
        for request in self.in_flight.requests_mut() {
            if request.is_waiting && request_timeout(request, config, rtt, undoubled) <= now {
                request.is_waiting = false;
                if Self::ANY_ORDER {
                    self.window.count_timeout();
                }
            }
        }
    }

    /// Returns the time until which the client waits for the next block of `page`.
    ///
    /// For the first block of a page, the client waits twice the timeout of a response, because the server sends all
    /// blocks of the page twice if the client requests the page again too early. In the simulation `examples/goodput`
    /// (three hops, 5 % loss), a wait of one timeout instead of two for the first block of a page costs up to 8 % of
    /// the goodput, and a wait of three timeouts gains nothing. For each block request in flight, the client waits one
    /// mean round trip longer for the first block of a page, because the server answers block requests before the page
    /// request. The client also adds two intervals between blocks to the wait for the first block of a page, because
    /// the first two blocks of the page may be lost.
    fn page_deadline(&self, page: &Page, config: &ClientConfig, rtt: &RttEstimator) -> Ticks {
        let Millis(timeout) =
            rtt.timeout(config.initial_timeout, config.max_timeout, self.silent_pages.saturating_sub(1));
        let waiting = u32::try_from(self.in_flight.waiting_count()).unwrap_or(0);
        let queue = rtt.smoothed().map_or(0, |Millis(mean)| mean.saturating_mul(waiting));
        let interval = self.page_timing.interval.smoothed();
        let lost = interval.map_or(0, |Millis(mean)| mean.saturating_mul(2));
        let first = timeout.saturating_mul(2).saturating_add(queue).saturating_add(lost);
        let first_timeout = Millis(first).max(self.page_timing.shortest_first_wait(config.max_timeout));
        page.deadline(
            self.block_size.bytes(),
            first_timeout,
            &self.page_timing,
            self.page_spacing(config),
            config.max_timeout,
        )
    }

    /// Returns the number of attempts of a block request with the same timeout. Each later attempt has twice the
    /// timeout of the attempt before.
    fn undoubled_attempts(&self, rtt: &RttEstimator) -> u8 {
        let has_window = Self::ANY_ORDER && !self.uses_pages && self.window.max() > 1;
        if !has_window && rtt.is_steady() { UNDOUBLED_ATTEMPTS } else { 1 }
    }

    /// Returns `true` if a block request has no attempts left, so that the download pauses.
    pub(in crate::client) fn is_exhausted(&self, config: &ClientConfig) -> bool {
        let max = self.max_attempts(config);
        let has_no_attempts = |request: &BlockRequest| !request.is_waiting && request.attempts >= max;
        self.in_flight.requests().any(has_no_attempts)
    }

    /// Delays the next request to the time `at` or later. If the server demanded a wait without an end, the wait stays
    /// without an end.
    pub(super) fn delay_until(&mut self, at: Ticks) {
        self.not_before = self.not_before.max(at);
    }

    /// Drops the page in transfer, marks all block requests as requests to resend from `not_before` on, and sets the
    /// number of attempts of each request to 0. If `not_before` is [`Ticks::NEVER`], the download waits for a message
    /// of the server.
    pub(super) fn restart_at(&mut self, not_before: Ticks) {
        self.in_flight.reset_requests();
        self.discard_measured_page();
        (self.page, self.silent_pages, self.not_before) = (None, 0, not_before);
    }

    /// Marks all block requests as requests to resend, because the client looks up the address of the server again.
    pub(in crate::client) fn resend_all(&mut self, now: Ticks) {
        if self.is_waiting() {
            self.page = None;
            self.not_before = now;
            for request in self.in_flight.requests_mut() {
                request.is_waiting = false;
            }
        }
    }

    /// Counts an attempt of the next request that could not be sent because the client has found no server.
    pub(in crate::client) fn count_failed_send(&mut self, now: Ticks, config: &ClientConfig) {
        if let Some(next) = self.next_request(config, false) {
            self.record_request(now, next, 0, Millis(0));
            self.resend_all(now);
        }
    }

    /// Handles the radio stack's report that the request with `token` was not delivered.
    ///
    /// The client resends the request after `config.error_backoff`, which doubles with each attempt, or at the timeout
    /// of the request if the timeout is earlier. The client still accepts a response to the request that the radio
    /// stack reported as undelivered, because perhaps only the acknowledgement was lost.
    pub(in crate::client) fn handle_failed_delivery(
        &mut self,
        token: TransmitToken,
        now: Ticks,
        config: &ClientConfig,
        rtt: &RttEstimator,
    ) {
        let page = self.page().filter(|page| {
            page.stage == PageStage::Requested && TransmitToken::request(page.sequence) == token
        });
        let is_reported =
            |request: &&BlockRequest| request.is_waiting && TransmitToken::request(request.sequence) == token;
        let (timeout, attempts) = match (page, self.in_flight.requests().find(is_reported)) {
            (Some(page), _) => (self.page_deadline(page, config, rtt), self.silent_pages),
            (None, Some(request)) => {
                let timeout = request_timeout(request, config, rtt, self.undoubled_attempts(rtt));
                (timeout, request.attempts)
            }
            (None, None) => return,
        };
        let at = now.plus(exponential_backoff(config.error_backoff, attempts.saturating_sub(1)));
        if at >= timeout {
            return;
        }
        let is_page = page.is_some();
        self.delay_until(at);
        if is_page {
            self.page = None;
        }
        for request in self.in_flight.requests_mut() {
            request.is_waiting = request.is_waiting && TransmitToken::request(request.sequence) != token;
        }
    }

    /// Returns `true` if the client expects a message of the server soon, so that a sleepy device should poll its
    /// parent fast.
    pub(in crate::client) fn has_imminent_response(&self, config: &ClientConfig) -> bool {
        let is_receiving = self.page().is_some_and(|page| page.stage == PageStage::Receiving);
        self.is_waiting() && !(is_receiving && self.page_spacing(config) >= SLEEP_SPACING)
    }
}

/// Returns the time at which the latest attempt of `request` times out. The first `undoubled` attempts have the same
/// timeout.
fn request_timeout(
    request: &BlockRequest,
    config: &ClientConfig,
    rtt: &RttEstimator,
    undoubled: u8,
) -> Ticks {
    let doublings = request.attempts.saturating_sub(undoubled);
    request.last_sent.plus(rtt.timeout(config.initial_timeout, config.max_timeout, doublings))
}

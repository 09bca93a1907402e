//! The deadlines of a download: of the next request, of answers, of the blocks of a page.
//!
//! ```text
//! request --> round trip and one deviation --> late: of several, one more may be sent meanwhile
//!         --> round trip and four deviations, doubled with each try --> overdue
//! page    --> twice that at the least for its first block, then what the blocks that are left take, eight at the most --> over
//! ```

use crate::aps::TransmitToken;
use crate::client::Client;
use crate::client::config::ClientConfig;
use crate::client::output::Outcome;
use crate::client::pending::doubled;
use crate::client::rtt::RttEstimator;
use crate::client::state::State;
use crate::time::{Instant, Millis};
use crate::zcl::Status;

use super::Download;
use super::in_flight::Request;
use super::page::{LONG, MISSED_LIMIT, Page, PageStage};

/// The last cluster revision whose MinimumBlockPeriod counts seconds.
const LAST_IN_SECONDS: u16 = 2;

impl<const RANGES: usize> Download<RANGES> {
    /// When something is to be done without anybody's doing.
    pub(in crate::client) fn deadline(&self, config: &ClientConfig, link: &RttEstimator) -> Option<Instant> {
        if let Some(page) = self.page() {
            return Some(self.page_end(page, config, link));
        }
        if self.is_given_up(config) {
            return Some(self.latest);
        }
        let request = self.request_at(config, link);
        let waiting = self.slots.requests().filter(|request| request.waiting);
        waiting.map(|request| self.overdue_at(request, config, link)).chain(request).min()
    }

    /// When the next request may be sent, if there is one.
    fn request_at(&self, config: &ClientConfig, link: &RttEstimator) -> Option<Instant> {
        let ready = self.ready?;
        if self.wanted(config, false).is_some() {
            return Some(ready);
        }
        let late = self.late(link)?;
        self.wanted(config, true).map(|_| ready.max(late))
    }

    /// When the first answer is late: not overdue, but probably lost. One to a first try, that is.
    pub(super) fn late(&self, link: &RttEstimator) -> Option<Instant> {
        let time = link.late().filter(|_| Self::ANY_ORDER)?;
        let waiting = self.slots.requests().filter(|request| request.waiting && request.tries == 1);
        waiting.map(|request| request.last.before(self.latest).plus(time)).min()
    }

    /// Takes note of what was not answered in time.
    pub(super) fn settle(&mut self, now: Instant, config: &ClientConfig, link: &RttEstimator) {
        if let Some(page) = self.page().copied() {
            if self.page_end(&page, config, link) > now {
                return;
            }
            self.page = None;
        }
        self.pages = self.pages && self.missed < MISSED_LIMIT;
        let latest = self.latest;
        for request in self.slots.requests_mut() {
            if request.waiting && overdue_at(request, latest, config, link) <= now {
                request.waiting = false;
                if Self::ANY_ORDER {
                    self.window.unanswered();
                }
            }
        }
    }

    fn page_end(&self, page: &Page, config: &ClientConfig, link: &RttEstimator) -> Instant {
        let Millis(one) =
            link.timeout(config.first_timeout, config.max_timeout, self.missed.saturating_sub(1));
        // The blocks that were asked for with it come before its own, and of those the first two may be lost.
        let before = u32::try_from(self.slots.waiting()).unwrap_or(0);
        let queue = link.mean().map_or(0, |Millis(mean)| mean.saturating_mul(before));
        let lost = self.interval.mean().map_or(0, |Millis(mean)| mean.saturating_mul(2));
        // Who asks too early gets two pages at once.
        let first = Millis(one.saturating_mul(2).saturating_add(queue).saturating_add(lost));
        page.deadline(
            self.latest,
            self.stride.bytes(),
            first,
            &self.interval,
            self.spacing(config),
            config.max_timeout,
        )
    }

    fn overdue_at(&self, request: &Request, config: &ClientConfig, link: &RttEstimator) -> Instant {
        overdue_at(request, self.latest, config, link)
    }

    /// Whether a block was asked for often enough without an answer.
    pub(super) fn is_given_up(&self, config: &ClientConfig) -> bool {
        self.slots.requests().any(|request| !request.waiting && request.tries >= config.block_attempts)
    }

    /// Nothing is asked for before `at`.
    pub(super) fn pause_until(&mut self, at: Instant) {
        self.ready = self.ready.map(|ready| ready.max(at));
    }

    /// Nobody is waited for; all goes on at `ready`.
    pub(super) fn pause(&mut self, ready: Option<Instant>) {
        self.slots.renew();
        (self.page, self.missed, self.ready) = (None, 0, ready);
    }

    /// The server is looked up anew: what is under way is sent again after that.
    pub(in crate::client) fn recall(&mut self, now: Instant) {
        if self.is_waiting() {
            self.page = None;
            self.ready = Some(now);
            for request in self.slots.requests_mut() {
                request.waiting = false;
            }
        }
    }

    /// What is to be asked for next could not be sent, which counts as a try.
    pub(in crate::client) fn miss(&mut self, now: Instant, config: &ClientConfig) {
        if let Some(ask) = self.wanted(config, false) {
            self.sent(now, ask, 0, Millis(0));
            self.recall(now);
        }
    }

    /// The last try of a request did not arrive: the next one follows after `pause`, doubled with each try, if not earlier.
    /// The answer may come all the same, as the acknowledgement alone may be what was lost.
    pub(in crate::client) fn undelivered(
        &mut self,
        token: TransmitToken,
        now: Instant,
        config: &ClientConfig,
        link: &RttEstimator,
    ) {
        let page = self
            .page()
            .filter(|page| page.stage == PageStage::Asked && TransmitToken::request(page.sequence) == token);
        let waits = |request: &&Request| request.waiting && TransmitToken::request(request.sequence) == token;
        let (overdue, tries) = match (page, self.slots.requests().find(waits)) {
            (Some(page), _) => (self.page_end(page, config, link), self.missed),
            (None, Some(request)) => (self.overdue_at(request, config, link), request.tries),
            (None, None) => return,
        };
        let at = now.plus(doubled(config.error_pause, tries.saturating_sub(1)));
        if at >= overdue {
            return;
        }
        let is_page = page.is_some();
        self.pause_until(at);
        if is_page {
            self.page = None;
        }
        for request in self.slots.requests_mut() {
            request.waiting = request.waiting && TransmitToken::request(request.sequence) != token;
        }
    }

    /// Whether a device that sleeps should poll its parent often: an answer is to come, and soon.
    pub(in crate::client) fn is_near(&self, config: &ClientConfig) -> bool {
        let running = self.page().is_some_and(|page| page.stage == PageStage::Running);
        self.is_waiting() && !(running && self.spacing(config) >= LONG)
    }
}

fn overdue_at(request: &Request, latest: Instant, config: &ClientConfig, link: &RttEstimator) -> Instant {
    let unanswered = request.tries.saturating_sub(1);
    request.last.before(latest).plus(link.timeout(config.first_timeout, config.max_timeout, unanswered))
}

impl<const RANGES: usize> Client<RANGES> {
    /// What is overdue is asked for again, by the next [`poll_transmit`](Client::poll_transmit), or given up.
    pub(in crate::client) fn download_timeout(&mut self, now: Instant) {
        let Some(download) = self.state.download_mut() else { return };
        download.settle(now, &self.config, &self.round_trip);
        let id = download.offer.id;
        if download.is_given_up(&self.config) {
            self.enter(Self::reporting(now, id, Status::ABORT, Outcome::ServerSilent));
        }
    }

    /// The next request of a download could not be sent.
    pub(in crate::client) fn download_missed(&mut self, now: Instant) {
        if let State::Downloading(download) = &mut self.state {
            download.miss(now, &self.config);
        }
        self.download_timeout(now);
    }

    /// The least time between two requests: the device's own, or the server's where that is longer.
    pub(super) fn pause(&self) -> Millis {
        let period = u32::from(self.period);
        let period =
            if self.config.revision <= LAST_IN_SECONDS { Millis::secs(period) } else { Millis(period) };
        // Seconds can make a block a day; no server is waited for longer than when it names no end.
        period.min(self.config.max_wait.unwrap_or(period)).max(self.config.block_pause)
    }
}

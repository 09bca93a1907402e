//! Discovery of a server by Match Descriptor, network address, IEEE address and link key (section 6.4).
//!
//! The client returns needs for the missing addresses and the link key, and the application sends the ZDO requests.
//! During a search for a server the client sends no request, and queries and upgrades are suspended. After the search,
//! a download that was suspended because the server was lost continues at the first missing byte.
//!
//! ```text
//!   server unknown --> MatchDescriptor --address--> IeeeAddr --IEEE address--+
//!                        ^ |  ^ endpoint                                     v
//!                        | |  | unknown                                   LinkKey --> Done
//!   IEEE address known --|-|-- NwkAddr --network address-----------------> ^ |
//!                        | | no answer | no answer                           | no key
//!                        | v           v                                     |
//!                        Backoff <-------------------------------------------+
//! ```
//!
//! | from | on | to |
//! |---|---|---|
//! | start | both parts of the address are known | LinkKey, or Done if no key is required |
//! | start, Backoff after the interval or on a query | UpgradeServerID is known | NwkAddr |
//! | | UpgradeServerID is unknown | MatchDescriptor |
//! | MatchDescriptor | `server_found` with a server | IeeeAddr; LinkKey or Done if its IEEE address led to it |
//! | | `server_found` with `None` | Backoff |
//! | | `server_found` with a server that refused this device | Backoff, with the ticket still valid for other answers |
//! | NwkAddr | `network_address_resolved`, endpoint known | LinkKey or Done |
//! | | `network_address_resolved`, endpoint unknown | MatchDescriptor, by unicast to that node |
//! | | `network_address_resolved` with `None` | Backoff; after three failures MatchDescriptor, with `replace_lost_server` |
//! | IeeeAddr | `ieee_address_resolved` | LinkKey or Done |
//! | LinkKey | `link_key_established` | Done |
//! | | `link_key_established` without a key | Backoff |
//! | Done | server silent or refusing, `connection_lost` | NwkAddr or MatchDescriptor, with `discovery_interval` |
//! | any | `set_server` | LinkKey or Done; MatchDescriptor if the address is unknown |
//! | any | failed search during the pause of a download, with a known address | Done, and no search for an hour |
//!
//! Sections refer to ZigBee document 095264 (2011).

use crate::aps::Address;
use crate::time::{Instant, Millis};
use crate::types::Eui64;

use super::Client;
use super::actions_and_needs::{LinkKeyKind, Need, StaleTicket, Ticket};
use super::clock_ticks::Ticks;
use super::config::{DISCOVERY_INTERVAL, LinkKeyPolicy, NO_ADDRESS, Settings, is_known};
use super::event::ClientEvent;
use super::server_numbering::ServerNumbering;
use super::state::{DownloadStage, ImageStage, NoFile, State};

/// Number of consecutive network address requests without a result after which the client searches for any other
/// server.
const MAX_LOOKUPS: u8 = 3;

/// Shortest time between two searches for a server during the pause of a download, because a download can be paused for
/// weeks.
const PAUSED_SEARCH_INTERVAL: Millis = Millis::from_secs(60 * 60);

/// Bit that is set in the tickets of a search and clear in all other tickets, because a search and an upgrade can have
/// open needs at the same time.
const SEARCH_TICKET: u32 = 1 << 31;

/// State of the search for a server. The addresses of the server are not in this state but in the fields `server` and
/// `server_id` of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ServerSearch {
    pub(super) step: SearchStep,
    /// Time at which the pause after a failed search for a server ends.
    pub(super) until: Ticks,
    /// Number of times that the search for a server has entered another step. The ticket of a need contains the value
    /// of `generation` at the time at which the need arises.
    generation: u16,
    /// Whether `poll_need` has returned the need of the current step of the search.
    need_polled: bool,
    /// Network address of the server that refused this device; the unknown address if no server refused.
    refusing_server: u16,
    /// Number of consecutive network address requests that brought no network address of the server.
    failed_lookups: u8,
    /// Number of consecutive unanswered queries.
    unanswered_queries: u8,
    /// `true` if the network address of the server has changed since the last search.
    is_other_server: bool,
}

/// Step of the search for a server, named after the ZDO request that the step needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SearchStep {
    /// The address of the server is known, and requests can be sent.
    Done,
    /// The application sends a match descriptor request for the OTA Upgrade cluster: by unicast if only the endpoint is
    /// unknown, by broadcast if the network address is unknown.
    MatchDescriptor { unicast: bool },
    /// The application sends a network address request for the IEEE address in UpgradeServerID.
    NwkAddr,
    /// The application sends an IEEE address request to the server.
    IeeeAddr,
    /// The application establishes a link key with the server.
    LinkKey,
    /// The client pauses after a failed search.
    Backoff,
}

impl ServerSearch {
    /// Creates the state of a search for a server that begins with `step`.
    pub(super) const fn new(step: SearchStep) -> Self {
        Self {
            step,
            until: Ticks::LONG_AGO,
            generation: 0,
            need_polled: false,
            refusing_server: Address::UNKNOWN.network,
            failed_lookups: 0,
            unanswered_queries: 0,
            is_other_server: false,
        }
    }

    pub(super) const fn is_done(&self) -> bool {
        matches!(self.step, SearchStep::Done)
    }

    /// Returns whether the search waits for an answer of the application.
    pub(super) const fn waits_for_application(&self) -> bool {
        !matches!(self.step, SearchStep::Done | SearchStep::Backoff)
    }

    /// Returns the end of the pause after a failed search for a server; [`Ticks::NEVER`] without a pause.
    pub(super) const fn deadline(&self) -> Ticks {
        match self.step {
            SearchStep::Backoff => self.until,
            _ => Ticks::NEVER,
        }
    }

    fn enter(&mut self, step: SearchStep) {
        self.step = step;
        self.generation = self.generation.wrapping_add(1);
        self.need_polled = false;
    }

    fn ticket(&self) -> Ticket {
        Ticket(SEARCH_TICKET | u32::from(self.generation))
    }
}

/// Returns whether an IEEE address is set; the values 0 and all ones mean "not set".
const fn is_set(Eui64(address): Eui64) -> bool {
    address != 0 && address != u64::MAX
}

/// Returns the first step of a search for the server with the address `server` and the UpgradeServerID `id`.
pub(super) const fn first_step(server: Address, id: Eui64) -> SearchStep {
    if is_set(id) {
        SearchStep::NwkAddr
    } else {
        SearchStep::MatchDescriptor { unicast: server.network != Address::UNKNOWN.network }
    }
}

/// Returns the step of the search that follows when the network address and the endpoint of the server are known.
pub(super) const fn last_step(link_key: LinkKeyPolicy) -> SearchStep {
    match link_key {
        LinkKeyPolicy::NotRequired => SearchStep::Done,
        LinkKeyPolicy::SmartEnergy | LinkKeyPolicy::Global => SearchStep::LinkKey,
    }
}

impl<const RANGES: usize, S: Settings> Client<RANGES, S> {
    /// Answers [`Need::FindServer`] with the address of the first node that has the OTA Upgrade cluster, or `None` if
    /// no node answered. The ticket of `FindServer` becomes stale with the answer of the first node, so that the client
    /// ignores the answers of all other nodes (change request CCB 1314 to the ZCL). If the first node to answer is a
    /// server that has refused this device, the ticket stays valid for the answers of other nodes.
    ///
    /// # Errors
    /// The call fails if the client does not wait for an answer with `ticket`. A failed call changes nothing in the
    /// client.
    #[inline(never)]
    pub fn server_found(
        &mut self,
        now: Instant,
        ticket: Ticket,
        server: Option<Address>,
    ) -> Result<(), StaleTicket> {
        let now = self.ticks(now);
        let unicast = match self.search_step(ticket)? {
            SearchStep::MatchDescriptor { unicast } => unicast,
            // Only a server that refused this device has answered so far, and such an answer leaves the ticket valid.
            SearchStep::Backoff => false,
            _ => return Err(StaleTicket),
        };
        match server.filter(|server| is_known(*server)) {
            None => self.on_search_failed(now),
            Some(server) if server.network == self.search.refusing_server => {
                // Another server may still answer this search; otherwise the next search starts after the pause.
                self.search.until = self.next_search_at(now);
                self.search.step = SearchStep::Backoff;
            }
            Some(server) => {
                self.use_server(server);
                // The IEEE address is known if the node was found by the IEEE address.
                let has_ieee = unicast && is_set(self.server_id);
                let next =
                    if has_ieee { last_step(self.settings.config().link_key) } else { SearchStep::IeeeAddr };
                self.enter_search_step(next);
            }
        }
        Ok(())
    }

    /// Answers [`Need::NetworkAddress`] with the network address of the server, or `None` if the server did not answer.
    ///
    /// # Errors
    /// The call fails if the client does not wait for an answer with `ticket`. A failed call changes nothing in the
    /// client.
    #[doc(alias = "short address")]
    #[inline(never)]
    pub fn network_address_resolved(
        &mut self,
        now: Instant,
        ticket: Ticket,
        network: Option<u16>,
    ) -> Result<(), StaleTicket> {
        let now = self.ticks(now);
        let SearchStep::NwkAddr = self.search_step(ticket)? else { return Err(StaleTicket) };
        match network {
            Some(network) => {
                self.use_server(Address { network, ..self.server });
                let next = if is_known(self.server) {
                    last_step(self.settings.config().link_key)
                } else {
                    SearchStep::MatchDescriptor { unicast: true }
                };
                self.enter_search_step(next);
            }
            None => {
                self.search.failed_lookups = self.search.failed_lookups.saturating_add(1);
                if self.settings.config().replace_lost_server && self.search.failed_lookups >= MAX_LOOKUPS {
                    self.search.enter(SearchStep::MatchDescriptor { unicast: false });
                } else {
                    self.on_search_failed(now);
                }
            }
        }
        Ok(())
    }

    /// Answers [`Need::IeeeAddress`] with the IEEE address of the server. If the application passes `None`, because the
    /// server did not answer, the client continues without the IEEE address of the server.
    ///
    /// # Errors
    /// The call fails if the client does not wait for an answer with `ticket`. A failed call changes nothing in the
    /// client.
    #[inline(never)]
    pub fn ieee_address_resolved(&mut self, ticket: Ticket, id: Option<Eui64>) -> Result<(), StaleTicket> {
        let SearchStep::IeeeAddr = self.search_step(ticket)? else { return Err(StaleTicket) };
        self.server_id = id.unwrap_or(NO_ADDRESS);
        self.enter_search_step(last_step(self.settings.config().link_key));
        Ok(())
    }

    /// Answers [`Need::LinkKey`]; `established` is `true` if the device now has the link key.
    ///
    /// # Errors
    /// The call fails if the client does not wait for an answer with `ticket`. A failed call changes nothing in the
    /// client.
    #[inline(never)]
    pub fn link_key_established(
        &mut self,
        now: Instant,
        ticket: Ticket,
        established: bool,
    ) -> Result<(), StaleTicket> {
        let now = self.ticks(now);
        let SearchStep::LinkKey = self.search_step(ticket)? else { return Err(StaleTicket) };
        if established {
            self.enter_search_step(SearchStep::Done);
        } else {
            self.on_search_failed(now);
        }
        Ok(())
    }

    /// Tells the client that the device was reset, or that the device left the network and rejoined.
    ///
    /// If the server is unknown or [`discovery_interval`](super::ClientConfig::discovery_interval) is set, the client
    /// searches for the server before the client sends the next request (sections 6.7.1 and 6.12). After a call of
    /// `connection_lost`, a client that has an upgrade time, or waits for an upgrade time, sends the Upgrade End
    /// Request again. In every state except the countdown and the wait for an upgrade time, the client sends the
    /// requests in flight again, and the upgrade continues.
    #[doc(alias = "rejoin")]
    #[inline(never)]
    pub fn connection_lost(&mut self, now: Instant) {
        let now = self.ticks(now);
        match &mut self.state {
            State::Image(_, ImageStage::Waiting { .. } | ImageStage::CountingDown { .. }) => {
                self.ask_for_upgrade_end(now);
            }
            // The next Upgrade End Request is scheduled for the next hour; the client sends a request at once instead.
            State::Image(_, ImageStage::Ending { pending, .. }) if !pending.is_in_flight() => {
                self.ask_for_upgrade_end(now);
            }
            State::Download(download, DownloadStage::Downloading) => download.resend_all(now),
            State::Download(_, DownloadStage::Paused { .. }) => self.query_from_pause(),
            _ => {
                if let Some(pending) =
                    self.state.pending_request_mut().filter(|pending| pending.is_in_flight())
                {
                    pending.retry_at(now);
                }
            }
        }
        if !self.search_waits_for_application() {
            self.start_search();
        }
    }

    /// Tells the client to use another server, for example after a gateway was replaced. The client discards the IEEE
    /// address of the previous server. If the application passes [`Address::UNKNOWN`], the client searches for a
    /// server.
    ///
    /// A download continues with the new server after a check that the server has the same file. If the download is
    /// paused, the client sends a query to the new server at once. If the client has no download, the client sends its
    /// next request to the new server.
    #[doc(alias = "short address")]
    #[inline(never)]
    pub fn set_server(&mut self, now: Instant, server: Address) {
        let now = self.ticks(now);
        self.use_server(server);
        self.server_id = NO_ADDRESS;
        if let Some(pending) = self.state.pending_request_mut().filter(|pending| pending.is_in_flight()) {
            pending.retry_at(now);
        }
        let next = if is_known(server) || !S::ABILITIES.discovery {
            last_step(self.settings.config().link_key)
        } else {
            first_step(server, self.server_id)
        };
        self.enter_search_step(next);
    }

    /// Stores the address of the server. If the network address of the server has changed, the client forgets whether
    /// the previous server repeated the sequence numbers of requests in its answers.
    fn use_server(&mut self, server: Address) {
        if self.server.network != server.network {
            self.numbering = ServerNumbering::UNKNOWN;
            self.search.is_other_server = true;
        }
        self.server = server;
    }

    /// Enters the next step of a server search after an answer to the need of the previous step. When the search is
    /// done, a download continues with the server that was found.
    fn enter_search_step(&mut self, step: SearchStep) {
        self.search.enter(step);
        self.reset_search_counters();
        if !self.can_send() {
            return;
        }
        self.query_from_pause();
        let is_other = core::mem::replace(&mut self.search.is_other_server, false);
        let at = self.earliest_data_request();
        if let (true, Some(download)) = (is_other, self.state.downloading_mut()) {
            download.begin_check_of_another_server(at);
        }
    }

    /// Returns the address of the server. A network address of 0xFFFF or an endpoint of 0xFF stands for an unknown
    /// network address or endpoint.
    #[must_use]
    pub const fn server(&self) -> Address {
        self.server
    }

    /// Returns the current step of the search if `ticket` is the ticket of the need of this step.
    fn search_step(&self, ticket: Ticket) -> Result<SearchStep, StaleTicket> {
        if S::ABILITIES.discovery && ticket == self.search.ticket() {
            Ok(self.search.step)
        } else {
            Err(StaleTicket)
        }
    }

    /// Returns whether the server is known, so that requests can be sent.
    pub(super) const fn can_send(&self) -> bool {
        if S::ABILITIES.discovery { self.search.is_done() } else { is_known(self.server) }
    }

    pub(super) const fn search_waits_for_application(&self) -> bool {
        S::ABILITIES.discovery && self.search.waits_for_application()
    }

    pub(super) const fn search_deadline(&self) -> Ticks {
        if S::ABILITIES.discovery { self.search.deadline() } else { Ticks::NEVER }
    }

    pub(super) fn poll_search_need(&mut self) -> Option<Need> {
        if self.search.need_polled || !S::ABILITIES.discovery {
            return None;
        }
        let ticket = self.search.ticket();
        let network = self.server.network;
        let need = match self.search.step {
            SearchStep::Done | SearchStep::Backoff => return None,
            SearchStep::MatchDescriptor { unicast } => {
                Need::FindServer(ticket, Some(network).filter(|_| unicast))
            }
            SearchStep::NwkAddr => Need::NetworkAddress(ticket, self.server_id),
            SearchStep::IeeeAddr => Need::IeeeAddress(ticket, network),
            SearchStep::LinkKey => {
                // The trust center of most networks is the coordinator, which has the network address 0.
                let kind = match self.settings.config().link_key {
                    _ if network == 0 => LinkKeyKind::TrustCenter,
                    LinkKeyPolicy::SmartEnergy => LinkKeyKind::Partner,
                    LinkKeyPolicy::NotRequired | LinkKeyPolicy::Global => LinkKeyKind::Global,
                };
                Need::LinkKey(ticket, network, kind)
            }
        };
        self.search.need_polled = true;
        Some(need)
    }

    /// Starts a search if the server is unknown, or if `discovery_interval` allows a search for a lost server.
    pub(super) fn start_search(&mut self) {
        if self.settings.config().discovery_interval.is_some() || !is_known(self.server) {
            self.restart_search();
        }
    }

    /// If the client pauses after a failed search, starts the next search at once, because the client has a request to
    /// send.
    pub(super) fn search_now(&mut self) {
        if let SearchStep::Backoff = self.search.step {
            self.restart_search();
        }
    }

    pub(super) fn restart_search(&mut self) {
        if !S::ABILITIES.discovery {
            return;
        }
        // A lost server may have a new network address, so the search is a broadcast and not a unicast to the old
        // address.
        let place = if is_known(self.server) { Address::UNKNOWN } else { self.server };
        self.search.enter(first_step(place, self.server_id));
    }

    /// Counts an unanswered query, and starts a search for the server after too many consecutive unanswered queries.
    pub(super) fn count_unanswered_query(&mut self, now: Ticks) {
        self.search.unanswered_queries = self.search.unanswered_queries.saturating_add(1);
        // A search is a broadcast to the whole network. A paused download sends queries at short intervals. A client
        // with a paused download therefore starts a search only after `search.until`, the end of the pause after the
        // last search.
        let is_too_early = self.state.is_paused() && now < self.search.until;
        if self.search.unanswered_queries >= self.settings.config().max_unanswered_queries
            && self.can_send()
            && !is_too_early
        {
            self.start_search();
        }
    }

    /// Resets the counts of unanswered queries after an answer of the server.
    pub(super) fn reset_unanswered_queries(&mut self) {
        (self.search.unanswered_queries, self.query_failures) = (0, 0);
    }

    /// Starts a search for another server after the server in use has refused a query or a download, if the
    /// configuration allows the search. Returns whether the search was started.
    pub(super) fn replace_refusing_server(&mut self) -> bool {
        let replaces = S::ABILITIES.discovery && self.settings.config().replace_refusing_server;
        if replaces {
            self.search.refusing_server = self.server.network;
            self.use_server(Address::UNKNOWN);
            self.server_id = NO_ADDRESS;
            self.start_search();
        }
        replaces
    }

    /// Returns the time at which the next search for a server starts, after a search that failed at `now`.
    fn next_search_at(&self, now: Ticks) -> Ticks {
        let interval = self.settings.config().discovery_interval.unwrap_or(DISCOVERY_INTERVAL);
        match self.state.is_paused() {
            true => now.plus(interval.max(PAUSED_SEARCH_INTERVAL)),
            false => now.plus(interval),
        }
    }

    fn reset_search_counters(&mut self) {
        (self.search.failed_lookups, self.search.unanswered_queries) = (0, 0);
    }

    /// Starts the pause after a failed search for a server. The failed search counts as a failed attempt of the request
    /// that waited for the server.
    fn on_search_failed(&mut self, now: Ticks) {
        let until = self.next_search_at(now);
        self.search.until = until;
        self.search.enter(SearchStep::Backoff);
        self.push_event(ClientEvent::ServerNotFound(self.clock.instant(until)));
        if self.state.is_paused() && is_known(self.server) {
            // The server may return at its old address, where the queries of the paused download find the server. The
            // next search starts after further unanswered queries, but not before the pause after this search has
            // ended.
            self.search.enter(SearchStep::Done);
        } else if let State::NoFile(NoFile::Querying { next, .. }) = self.state {
            self.go_home(now, next);
        } else if let Some(pending) = self.state.pending_request_mut() {
            // A failed search does not count as an attempt of a request that is not due yet.
            if pending.is_due(now) {
                pending.count_failed_attempt();
                self.retry_or_give_up(now);
            }
        } else {
            self.count_failed_download_request(now);
        }
    }
}

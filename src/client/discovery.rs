//! Server discovery (section 6.4): Match Descriptor, network address, IEEE address, link key.
//!
//! The client states what it needs to know; the caller sends the ZDO requests. No request leaves during a search, and
//! everything else is suspended: a download that loses its server continues at the same byte.
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
//!
//! Sections refer to ZigBee document 095264 (2011).

use crate::aps::Address;
use crate::time::Instant;
use crate::types::Eui64;

use super::Client;
use super::config::{DISCOVERY_INTERVAL, LinkKeyPolicy, NO_ADDRESS, is_known};
use super::output::{ClientEvent, LinkKeyKind, Need, StaleTicket, Ticket};
use super::request_retry::PendingRequest;
use super::state::State;

/// Failed lookups of the server's network address in a row before any other server is searched for.
const MAX_LOOKUPS: u8 = 3;

/// Bit that marks tickets of searches: a search and an upgrade have needs at the same time.
const SEARCH_TICKET: u32 = 1 << 31;

/// State of the search for a server. The server's addresses themselves are in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ServerSearch {
    pub(super) step: SearchStep,
    /// End of the backoff. A field of `SearchStep::Backoff` would make the client eight bytes larger.
    until: Instant,
    /// Count of step changes; a ticket is the value at the time of the need.
    generation: u16,
    /// Whether `poll_need` has returned the need of this step.
    need_polled: bool,
    /// Network address of a server that refused this device; the unknown address for none.
    refusing_server: u16,
    /// Failed lookups of the network address in a row.
    failed_lookups: u8,
    /// Unanswered queries in a row.
    unanswered_queries: u8,
}

/// Step of the search, named after its ZDO request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SearchStep {
    /// The server's address is known: requests can be sent.
    Done,
    /// Match descriptor request for the cluster: by unicast if only the endpoint is unknown, otherwise by broadcast.
    MatchDescriptor { unicast: bool },
    /// Network address request for UpgradeServerID.
    NwkAddr,
    /// IEEE address request to the server.
    IeeeAddr,
    /// Link key with the server.
    LinkKey,
    /// Pause after a failed search.
    Backoff,
}

impl ServerSearch {
    /// Search that begins with `step`.
    pub(super) const fn new(step: SearchStep) -> Self {
        Self {
            step,
            until: Instant::ZERO,
            generation: 0,
            need_polled: false,
            refusing_server: Address::UNKNOWN.network,
            failed_lookups: 0,
            unanswered_queries: 0,
        }
    }

    pub(super) const fn is_done(&self) -> bool {
        matches!(self.step, SearchStep::Done)
    }

    /// Returns whether the search waits for an answer of the application.
    pub(super) const fn waits_for_application(&self) -> bool {
        !matches!(self.step, SearchStep::Done | SearchStep::Backoff)
    }

    pub(super) const fn deadline(&self) -> Option<Instant> {
        match self.step {
            SearchStep::Backoff => Some(self.until),
            _ => None,
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

/// Returns whether an IEEE address is neither 0 nor all ones: both mean "not set".
const fn is_set(Eui64(address): Eui64) -> bool {
    address != 0 && address != u64::MAX
}

/// First step of a search for the server with this address and UpgradeServerID.
pub(super) const fn first_step(server: Address, id: Eui64) -> SearchStep {
    if is_set(id) {
        SearchStep::NwkAddr
    } else {
        SearchStep::MatchDescriptor { unicast: server.network != Address::UNKNOWN.network }
    }
}

/// Step that follows once the network address and the endpoint are known.
pub(super) const fn last_step(link_key: LinkKeyPolicy) -> SearchStep {
    match link_key {
        LinkKeyPolicy::NotRequired => SearchStep::Done,
        LinkKeyPolicy::SmartEnergy | LinkKeyPolicy::Global => SearchStep::LinkKey,
    }
}

impl<const RANGES: usize> Client<RANGES> {
    /// Answers [`Need::FindServer`] with the address of the first node that has the cluster, or `None` if no node
    /// answered. Answers of further nodes are stale (CCB 1314). After the answer of a server that refused this device the
    /// ticket stays valid.
    ///
    /// # Errors
    /// The ticket is stale.
    pub fn server_found(
        &mut self,
        now: Instant,
        ticket: Ticket,
        server: Option<Address>,
    ) -> Result<(), StaleTicket> {
        let unicast = match self.search_step(ticket)? {
            SearchStep::MatchDescriptor { unicast } => unicast,
            // Only a server that refused this device has answered so far: its answer left the ticket valid.
            SearchStep::Backoff => false,
            _ => return Err(StaleTicket),
        };
        match server.filter(|server| is_known(*server)) {
            None => self.on_search_failed(now),
            Some(server) if server.network == self.search.refusing_server => {
                // Another server may answer this search; otherwise the next search starts after the backoff.
                self.search.until = self.next_search_at(now);
                self.search.step = SearchStep::Backoff;
            }
            Some(server) => {
                self.config.server = server;
                // The node was found by its IEEE address, which is therefore known.
                let has_ieee = unicast && is_set(self.config.server_id);
                let next = if has_ieee { last_step(self.config.link_key) } else { SearchStep::IeeeAddr };
                self.search.enter(next);
                self.reset_search_counters();
            }
        }
        Ok(())
    }

    /// Answers [`Need::NetworkAddress`] with the network address, or `None` if the node did not answer.
    ///
    /// # Errors
    /// The ticket is stale.
    #[doc(alias = "short address")]
    pub fn network_address_resolved(
        &mut self,
        now: Instant,
        ticket: Ticket,
        network: Option<u16>,
    ) -> Result<(), StaleTicket> {
        let SearchStep::NwkAddr = self.search_step(ticket)? else { return Err(StaleTicket) };
        match network {
            Some(network) => {
                self.config.server.network = network;
                let next = if is_known(self.config.server) {
                    last_step(self.config.link_key)
                } else {
                    SearchStep::MatchDescriptor { unicast: true }
                };
                self.search.enter(next);
                self.reset_search_counters();
            }
            None => {
                self.search.failed_lookups = self.search.failed_lookups.saturating_add(1);
                if self.config.replace_lost_server && self.search.failed_lookups >= MAX_LOOKUPS {
                    self.search.enter(SearchStep::MatchDescriptor { unicast: false });
                } else {
                    self.on_search_failed(now);
                }
            }
        }
        Ok(())
    }

    /// Answers [`Need::IeeeAddress`] with the IEEE address, or `None` if the node did not answer: the client continues
    /// without it.
    ///
    /// # Errors
    /// The ticket is stale.
    pub fn ieee_address_resolved(&mut self, ticket: Ticket, id: Option<Eui64>) -> Result<(), StaleTicket> {
        let SearchStep::IeeeAddr = self.search_step(ticket)? else { return Err(StaleTicket) };
        self.config.server_id = id.unwrap_or(NO_ADDRESS);
        self.search.enter(last_step(self.config.link_key));
        self.reset_search_counters();
        Ok(())
    }

    /// Answers [`Need::LinkKey`]: `established` is whether the device now has the key.
    ///
    /// # Errors
    /// The ticket is stale.
    pub fn link_key_established(
        &mut self,
        now: Instant,
        ticket: Ticket,
        established: bool,
    ) -> Result<(), StaleTicket> {
        let SearchStep::LinkKey = self.search_step(ticket)? else { return Err(StaleTicket) };
        if established {
            self.search.enter(SearchStep::Done);
            self.reset_search_counters();
        } else {
            self.on_search_failed(now);
        }
        Ok(())
    }

    /// Tells the client that the device was reset, or left its network and rejoined.
    ///
    /// The client looks its server up before it sends anything else to it (sections 6.7.1 and 6.12). A client that has an
    /// upgrade time, or waits for one, repeats its Upgrade End Request; everything else continues where it was.
    #[doc(alias = "rejoin")]
    pub fn connection_lost(&mut self, now: Instant) {
        match self.state {
            State::Waiting { image, .. } | State::CountingDown { image, .. } => {
                self.enter(State::Ending { image, pending: PendingRequest::due_at(now) });
            }
            State::Downloading(_) => {
                if let Some(download) = self.state.download_mut() {
                    download.resend_all(now);
                }
            }
            _ => {
                if let Some(pending) =
                    self.state.pending_request_mut().filter(|pending| pending.is_in_flight())
                {
                    pending.retry_at(now);
                }
            }
        }
        if !self.search.waits_for_application() {
            self.start_search();
        }
    }

    /// Returns the address of the server; 0xFFFF as the network address or 0xFF as the endpoint means unknown.
    #[must_use]
    pub const fn server(&self) -> Address {
        self.config.server
    }

    /// Returns the step whose need has this ticket.
    fn search_step(&self, ticket: Ticket) -> Result<SearchStep, StaleTicket> {
        if ticket == self.search.ticket() { Ok(self.search.step) } else { Err(StaleTicket) }
    }

    pub(super) fn poll_search_need(&mut self) -> Option<Need> {
        if self.search.need_polled {
            return None;
        }
        let ticket = self.search.ticket();
        let network = self.config.server.network;
        let need = match self.search.step {
            SearchStep::Done | SearchStep::Backoff => return None,
            SearchStep::MatchDescriptor { unicast } => {
                Need::FindServer(ticket, Some(network).filter(|_| unicast))
            }
            SearchStep::NwkAddr => Need::NetworkAddress(ticket, self.config.server_id),
            SearchStep::IeeeAddr => Need::IeeeAddress(ticket, network),
            SearchStep::LinkKey => {
                // The trust center of most networks is the coordinator, whose network address is 0.
                let kind = match self.config.link_key {
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

    /// Starts a search if the server is unknown or `discovery_interval` allows one.
    pub(super) fn start_search(&mut self) {
        if self.config.discovery_interval.is_some() || !is_known(self.config.server) {
            self.restart_search();
        }
    }

    /// Ends a backoff early because a request is to be sent.
    pub(super) fn search_now(&mut self) {
        if let SearchStep::Backoff = self.search.step {
            self.restart_search();
        }
    }

    pub(super) fn restart_search(&mut self) {
        // A lost server may have a new address, so the search is a broadcast and not a unicast to the old one.
        let place = if is_known(self.config.server) { Address::UNKNOWN } else { self.config.server };
        self.search.enter(first_step(place, self.config.server_id));
    }

    /// Counts an unanswered query, and searches for the server after too many.
    pub(super) fn count_unanswered_query(&mut self) {
        self.search.unanswered_queries = self.search.unanswered_queries.saturating_add(1);
        if self.search.unanswered_queries >= self.config.max_unanswered_queries && self.search.is_done() {
            self.start_search();
        }
    }

    /// Resets the count of unanswered queries after an answer.
    pub(super) fn reset_unanswered_queries(&mut self) {
        self.search.unanswered_queries = 0;
    }

    /// Searches for another server after a refusal, if the configuration says so; returns whether it does.
    pub(super) fn replace_refusing_server(&mut self) -> bool {
        let replaces = self.config.replace_refusing_server;
        if replaces {
            self.search.refusing_server = self.config.server.network;
            self.config.server = Address::UNKNOWN;
            self.config.server_id = NO_ADDRESS;
            self.start_search();
        }
        replaces
    }

    fn next_search_at(&self, now: Instant) -> Instant {
        now.plus(self.config.discovery_interval.unwrap_or(DISCOVERY_INTERVAL))
    }

    fn reset_search_counters(&mut self) {
        (self.search.failed_lookups, self.search.unanswered_queries) = (0, 0);
    }

    /// Backs off after a failed search. The request that waited for the server counts a failed attempt.
    fn on_search_failed(&mut self, now: Instant) {
        let until = self.next_search_at(now);
        self.search.until = until;
        self.search.enter(SearchStep::Backoff);
        self.events.push(ClientEvent::ServerNotFound(until));
        if let State::Querying { next, .. } = self.state {
            let state = self.return_to_idle(now, next);
            self.enter(state);
        } else if let Some(pending) = self.state.pending_request_mut() {
            pending.count_failed_attempt();
            self.retry_or_give_up(now);
        } else {
            self.count_failed_download_request(now);
        }
    }
}

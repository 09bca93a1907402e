//! Where the server is: found by its cluster or by its IEEE address, named, and given a link key (section 6.4).
//!
//! The client only says what it needs to know; the caller asks the network. While a search goes on no request leaves,
//! and whatever was under way waits where it stands: a download that loses its server goes on at the same byte.
//!
//! ```text
//!   no server is known --> Matching --address--> Naming --IEEE address--+
//!                           ^ |  ^ endpoint                             v
//!                           | |  | not known                          Keying --> Done
//!   its IEEE address is ----|-|-- Locating --network address----------> ^ |
//!                           | | nobody | nobody                           | no key
//!                           | v        v                                  |
//!                          Resting <--------------------------------------+
//! ```
//!
//! | from | on | to |
//! |---|---|---|
//! | start | both parts of the address are known | Keying, or Done where no key is needed |
//! | start, Resting after the interval or a query | UpgradeServerID is known | Locating |
//! | | it is not | Matching |
//! | Matching | `found` a server | Naming; Keying or Done where its IEEE address led to it |
//! | | `found` nobody | Resting |
//! | | `found` one that refused this device | Resting, with the ticket still good: others may answer yet |
//! | Locating | `located`, the endpoint is known | Keying or Done |
//! | | `located`, it is not | Matching of that node alone |
//! | | `located` nobody | Resting; after three times Matching of all, with `replace_server` |
//! | Naming | `named` | Keying or Done |
//! | Keying | `keyed` | Done |
//! | | no key | Resting |
//! | Done | the server is silent or refuses, `connection_lost` | Locating or Matching, where `discovery` is on |

use crate::aps::Address;
use crate::time::Instant;
use crate::types::Eui64;

use super::Client;
use super::config::{DISCOVERY, LinkKeyPolicy, NO_ADDRESS, is_known};
use super::output::{ClientEvent, LinkKeyKind, Need, StaleTicket, Ticket};
use super::pending::PendingRequest;
use super::state::State;

/// Lookups of a server's address that may fail before another server is searched.
const LOOKUPS: u8 = 3;

/// Marks tickets of searches: a search and an upgrade ask independently of each other.
const MARK: u32 = 1 << 31;

/// What is known of the server besides its addresses, which are settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Finder {
    pub(super) search: Search,
    /// When a search that rests goes on. Here and not in its variant, where it would take eight bytes more.
    until: Instant,
    /// Counts changes of the search; a ticket is its value when the question was asked.
    generation: u16,
    /// The need of this generation was handed out.
    announced: bool,
    /// Network address of a server that refused this device; the unknown one for none.
    avoided: u16,
    /// Lookups in a row that found nothing.
    lookups: u8,
    /// Queries in a row that were not answered.
    unheard: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Search {
    /// The server can be talked to.
    Done,
    /// Who has the cluster? One node alone is asked when only its endpoint is missing.
    Matching { alone: bool },
    /// What is the network address of UpgradeServerID?
    Locating,
    /// What is the IEEE address of the server?
    Naming,
    /// A link key with it.
    Keying,
    /// Nothing was found; the next search starts in a while.
    Resting,
}

impl Finder {
    /// With the search that `client`'s settings call for.
    pub(super) const fn new(search: Search) -> Self {
        Self {
            search,
            until: Instant::ZERO,
            generation: 0,
            announced: false,
            avoided: Address::UNKNOWN.network,
            lookups: 0,
            unheard: 0,
        }
    }

    pub(super) const fn is_done(&self) -> bool {
        matches!(self.search, Search::Done)
    }

    /// Whether the application is asked.
    pub(super) const fn asks(&self) -> bool {
        !matches!(self.search, Search::Done | Search::Resting)
    }

    pub(super) const fn deadline(&self) -> Option<Instant> {
        match self.search {
            Search::Resting => Some(self.until),
            _ => None,
        }
    }

    fn enter(&mut self, search: Search) {
        self.search = search;
        self.generation = self.generation.wrapping_add(1);
        self.announced = false;
    }

    fn ticket(&self) -> Ticket {
        Ticket(MARK | u32::from(self.generation))
    }
}

/// Whether an IEEE address is one (ATTR-019).
const fn is_set(Eui64(address): Eui64) -> bool {
    address != 0 && address != u64::MAX
}

/// Where a search begins.
pub(super) const fn first_step(server: Address, id: Eui64) -> Search {
    if is_set(id) {
        Search::Locating
    } else {
        Search::Matching { alone: server.network != Address::UNKNOWN.network }
    }
}

/// What is left to do when both addresses are known.
pub(super) const fn last_step(link_key: LinkKeyPolicy) -> Search {
    match link_key {
        LinkKeyPolicy::Unneeded => Search::Done,
        LinkKeyPolicy::SmartEnergy | LinkKeyPolicy::Global => Search::Keying,
    }
}

impl<const RANGES: usize> Client<RANGES> {
    /// Answers [`Need::FindServer`]: the first node that has the cluster, and its endpoint; `None` when no other answer
    /// is to come. Later answers are stale (CCB 1314). The ticket stays good after the answer of a server that refused
    /// this device.
    ///
    /// # Errors
    /// The client does not wait for this answer.
    pub fn server_found(
        &mut self,
        now: Instant,
        ticket: Ticket,
        server: Option<Address>,
    ) -> Result<(), StaleTicket> {
        let alone = match self.answered(ticket)? {
            Search::Matching { alone } => alone,
            // It rests with its ticket still good: only a server that refused this device has answered.
            Search::Resting => false,
            _ => return Err(StaleTicket),
        };
        match server.filter(|server| is_known(*server)) {
            None => self.nobody_found(now),
            Some(server) if server.network == self.finder.avoided => {
                // Others may answer yet; if none does, they are asked again in a while.
                self.finder.until = self.next_search(now);
                self.finder.search = Search::Resting;
            }
            Some(server) => {
                self.config.server = server;
                // Where the IEEE address led to the node, it is known.
                let named = alone && is_set(self.config.server_id);
                self.finder.enter(if named { last_step(self.config.link_key) } else { Search::Naming });
                self.search_advanced();
            }
        }
        Ok(())
    }

    /// Answers [`Need::NetworkAddress`]; `None` when the node does not answer.
    ///
    /// # Errors
    /// The client does not wait for this answer.
    pub fn network_address_resolved(
        &mut self,
        now: Instant,
        ticket: Ticket,
        network: Option<u16>,
    ) -> Result<(), StaleTicket> {
        let Search::Locating = self.answered(ticket)? else { return Err(StaleTicket) };
        match network {
            Some(network) => {
                self.config.server.network = network;
                let next = if is_known(self.config.server) {
                    last_step(self.config.link_key)
                } else {
                    Search::Matching { alone: true }
                };
                self.finder.enter(next);
                self.search_advanced();
            }
            None => {
                self.finder.lookups = self.finder.lookups.saturating_add(1);
                if self.config.replace_server && self.finder.lookups >= LOOKUPS {
                    self.finder.enter(Search::Matching { alone: false });
                } else {
                    self.nobody_found(now);
                }
            }
        }
        Ok(())
    }

    /// Answers [`Need::IeeeAddress`]; `None` when it cannot be had: the client goes on without.
    ///
    /// # Errors
    /// The client does not wait for this answer.
    pub fn ieee_address_resolved(&mut self, ticket: Ticket, id: Option<Eui64>) -> Result<(), StaleTicket> {
        let Search::Naming = self.answered(ticket)? else { return Err(StaleTicket) };
        self.config.server_id = id.unwrap_or(NO_ADDRESS);
        self.finder.enter(last_step(self.config.link_key));
        self.search_advanced();
        Ok(())
    }

    /// Answers [`Need::LinkKey`]: whether there is one now.
    ///
    /// # Errors
    /// The client does not wait for this answer.
    pub fn link_key_established(
        &mut self,
        now: Instant,
        ticket: Ticket,
        there: bool,
    ) -> Result<(), StaleTicket> {
        let Search::Keying = self.answered(ticket)? else { return Err(StaleTicket) };
        if there {
            self.finder.enter(Search::Done);
            self.search_advanced();
        } else {
            self.nobody_found(now);
        }
        Ok(())
    }

    /// The device was reset, or left the network and came back: the server is looked up again before anything else
    /// is sent to it (sections 6.7.1 and 6.12). An order to upgrade is asked for anew; the rest goes on where it stood.
    pub fn connection_lost(&mut self, now: Instant) {
        match self.state {
            State::Waiting { image, .. } | State::CountingDown { image, .. } => {
                self.enter(State::Ending { image, exchange: PendingRequest::due(now) });
            }
            State::Downloading(_) => {
                if let Some(download) = self.state.download_mut() {
                    download.resend_all(now);
                }
            }
            _ => {
                if let Some(exchange) = self.state.exchange_mut().filter(|exchange| exchange.is_waiting()) {
                    exchange.again(now);
                }
            }
        }
        if !self.finder.asks() {
            self.search();
        }
    }

    /// Where commands go; 0xFFFF or 0xFF in it while that is not known.
    #[must_use]
    pub const fn server(&self) -> Address {
        self.config.server
    }

    fn answered(&self, ticket: Ticket) -> Result<Search, StaleTicket> {
        if ticket == self.finder.ticket() { Ok(self.finder.search) } else { Err(StaleTicket) }
    }

    pub(super) fn poll_search(&mut self) -> Option<Need> {
        if self.finder.announced {
            return None;
        }
        let ticket = self.finder.ticket();
        let network = self.config.server.network;
        let need = match self.finder.search {
            Search::Done | Search::Resting => return None,
            Search::Matching { alone } => Need::FindServer(ticket, Some(network).filter(|_| alone)),
            Search::Locating => Need::NetworkAddress(ticket, self.config.server_id),
            Search::Naming => Need::IeeeAddress(ticket, network),
            Search::Keying => {
                // The trust center of most networks is the coordinator, and that is node 0.
                let kind = match self.config.link_key {
                    _ if network == 0 => LinkKeyKind::TrustCenter,
                    LinkKeyPolicy::SmartEnergy => LinkKeyKind::Partner,
                    LinkKeyPolicy::Unneeded | LinkKeyPolicy::Global => LinkKeyKind::Global,
                };
                Need::LinkKey(ticket, network, kind)
            }
        };
        self.finder.announced = true;
        Some(need)
    }

    /// Starts a search, where there is anything to search for.
    pub(super) fn search(&mut self) {
        if self.config.discovery.is_some() || !is_known(self.config.server) {
            // A lost server may have moved: all are asked, not the node at its old address.
            let place = if is_known(self.config.server) { Address::UNKNOWN } else { self.config.server };
            self.finder.enter(first_step(place, self.config.server_id));
        }
    }

    /// Somebody wants the server now: a search that rests goes on.
    pub(super) fn hurry_search(&mut self) {
        if let Search::Resting = self.finder.search {
            self.resume_search();
        }
    }

    pub(super) fn resume_search(&mut self) {
        let place = if is_known(self.config.server) { Address::UNKNOWN } else { self.config.server };
        self.finder.enter(first_step(place, self.config.server_id));
    }

    /// The server did not answer a query.
    pub(super) fn query_unheard(&mut self) {
        self.finder.unheard = self.finder.unheard.saturating_add(1);
        if self.finder.unheard >= self.config.lost_after && self.finder.is_done() {
            self.search();
        }
    }

    /// The server answered.
    pub(super) fn heard(&mut self) {
        self.finder.unheard = 0;
    }

    /// The server refused; another one is searched where that is wanted, and only there the answer is yes.
    pub(super) fn leave_server(&mut self) -> bool {
        let leaves = self.config.avoid_refusing;
        if leaves {
            self.finder.avoided = self.config.server.network;
            self.config.server = Address::UNKNOWN;
            self.config.server_id = NO_ADDRESS;
            self.search();
        }
        leaves
    }

    fn next_search(&self, now: Instant) -> Instant {
        now.plus(self.config.discovery.unwrap_or(DISCOVERY))
    }

    fn search_advanced(&mut self) {
        (self.finder.lookups, self.finder.unheard) = (0, 0);
    }

    /// The search found nothing: it rests, and what waited for the server counts that as a try.
    fn nobody_found(&mut self, now: Instant) {
        let until = self.next_search(now);
        self.finder.until = until;
        self.finder.enter(Search::Resting);
        self.events.push(ClientEvent::NoServer(until));
        if let State::Querying { next, .. } = self.state {
            let rest = self.settled(now, next);
            self.enter(rest);
        } else if let Some(exchange) = self.state.exchange_mut() {
            exchange.missed();
            self.try_again(now);
        } else {
            self.count_failed_download_request(now);
        }
    }
}

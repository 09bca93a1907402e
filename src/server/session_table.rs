//! Session table: a hash map from network addresses to session slots, orders of sessions by age for eviction, and a
//! timer heap.
//!
//! Sessions never move: a download keeps its slot until the table evicts or removes it. Slot indices in the
//! [`Links`](super::session::Links) of each session form the hash buckets, the orders by age, the list of free slots
//! and the timer heap:
//!
//! ```text
//! buckets   bucket_head --> bucket_next --> ...   slots whose network addresses have one hash; slot i holds the head of
//!                                                 bucket i
//! ages      oldest <-> ... <-> newest             slots in the order of their last frames: one order each for idle
//!                                                 sessions, downloads and pages
//! free      free --> older --> ...                slots that were in use
//! timers    binary heap by Session::timer_deadline: heap_slot of slot i is the slot at heap place i,
//!           heap_place of a slot is its place
//! ```
//!
//! All sessions of a node are in one bucket, because they have the same network address. A node has at most
//! [`MAX_SLOTS_OF_NODE`] sessions. The hash maps at most 65,536 / n network addresses to one bucket, where n is the
//! number of slots. The limit on the sessions of a node and the limit on the addresses of a bucket bound the length of
//! a bucket, whatever addresses a network has.
//!
//! | operation | steps, for n slots in use |
//! |---|---|
//! | find a session, insert one, with or without an eviction | 1 (at most 6 · 256, with addresses that share a bucket) |
//! | find a node by its IEEE address | n |
//! | set or clear a timer | log n |
//! | the next timer | 1 |

mod eviction_order;
mod timer_heap;

use super::session::{Flags, NO_SLOT};
use super::{Session, SessionSlots};
use crate::aps::Address;
use crate::time::Instant;
use crate::types::{Eui64, ImageId};
use eviction_order::{AgeClass, AgeOrder};

/// Maximum number of slots in use: the number of unicast addresses of one network, 0x0000 to 0xFFF7.
const MAX_SLOTS: u16 = 65_528;

/// Maximum number of sessions of one node: two processors with two image types each, and two device-specific files. If
/// a node needs more sessions, the table evicts sessions of this node, never sessions of other nodes.
pub(super) const MAX_SLOTS_OF_NODE: u8 = 6;

/// Index of a slot that is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(u16);

/// Page that ended because another download needed its session slot: client and image of the page.
pub(super) type DroppedPage = (Address, ImageId);

/// Table of the sessions in the memory `S` that the caller lent.
#[derive(Clone, Debug)]
pub(super) struct SessionTable<S> {
    slots: S,
    /// Hash seed that makes the positions of sessions in the table unpredictable for the nodes of the network.
    seed: u32,
    /// Number of slots that were ever in use, counted from slot 0.
    used: u16,
    /// First slot of the list of free slots, whose indices are below `used`.
    free: u16,
    idle_ages: AgeOrder,
    download_ages: AgeOrder,
    page_ages: AgeOrder,
    /// Slot that the last lookup of a session found. The table keeps the found slot, because the server looks up the
    /// same session several times for one frame.
    last_found: u16,
    /// Number of timers that are set, which is the size of the timer heap.
    timers: u16,
    /// Number of nodes that have a session with the flag DOWNLOAD.
    downloads: u16,
    /// Number of sessions with the flag PAGE.
    pages: u16,
    /// `true` if any session has ever had an IEEE address.
    has_ieee: bool,
}

impl<S: SessionSlots> SessionTable<S> {
    /// Makes an empty table from session slots with any content.
    pub(super) const fn new(slots: S, seed: u32) -> Self {
        Self {
            slots,
            seed,
            used: 0,
            free: NO_SLOT,
            idle_ages: AgeOrder::EMPTY,
            download_ages: AgeOrder::EMPTY,
            page_ages: AgeOrder::EMPTY,
            last_found: NO_SLOT,
            timers: 0,
            downloads: 0,
            pages: 0,
            has_ieee: false,
        }
    }

    /// Returns whether the caller lent at least one slot.
    pub(super) fn has_capacity(&self) -> bool {
        self.capacity() > 0
    }

    /// Returns the number of nodes with a download in progress.
    pub(super) const fn downloads(&self) -> u16 {
        self.downloads
    }

    /// Returns the number of pages that are being sent.
    pub(super) const fn pages(&self) -> u16 {
        self.pages
    }

    /// Returns the session in the slot `index`. Returns `None` for [`NO_SLOT`], however many slots the caller lent.
    fn session_in(&self, index: u16) -> Option<&Session> {
        if index < MAX_SLOTS { self.slots.as_ref().get(usize::from(index)) } else { None }
    }

    fn session_in_mut(&mut self, index: u16) -> Option<&mut Session> {
        if index < MAX_SLOTS { self.slots.as_mut().get_mut(usize::from(index)) } else { None }
    }

    pub(super) fn session_at(&self, slot: Slot) -> Option<&Session> {
        self.session_in(slot.0)
    }

    pub(super) fn session_at_mut(&mut self, slot: Slot) -> Option<&mut Session> {
        self.session_in_mut(slot.0)
    }

    /// Returns all sessions, in no particular order.
    pub(super) fn sessions_mut(&mut self) -> impl Iterator<Item = &mut Session> {
        let used = self.slots.as_mut().iter_mut().take(usize::from(self.used));
        used.filter(|session| session.flags.contains(Flags::IN_USE))
    }

    pub(super) fn sessions(&self) -> impl Iterator<Item = &Session> {
        let used = self.slots.as_ref().iter().take(usize::from(self.used));
        used.filter(|session| session.flags.contains(Flags::IN_USE))
    }

    /// Returns the slots of the sessions of a node. The slot of the session that was inserted last comes first.
    fn slots_of_node(&self, network: u16) -> impl Iterator<Item = (u16, &Session)> {
        // Before the first use, the slots may hold the links of another table.
        let bucket = if self.used == 0 { NO_SLOT } else { self.bucket(network) };
        let mut index = self.session_in(bucket).map_or(NO_SLOT, |session| session.links.bucket_head);
        let in_bucket = core::iter::from_fn(move || {
            let session = self.session_in(index)?;
            Some((core::mem::replace(&mut index, session.links.bucket_next), session))
        });
        in_bucket.filter(move |(_, session)| session.network() == network)
    }

    /// Returns the slot of one of the sessions of a node.
    fn first_of_node(&self, network: u16) -> Option<u16> {
        self.slots_of_node(network).map(|(index, _)| index).next()
    }

    /// Returns the sessions of a node.
    pub(super) fn sessions_of_node(&self, network: u16) -> impl Iterator<Item = &Session> {
        self.slots_of_node(network).map(|(_, session)| session)
    }

    /// Returns a session of `client` with a page that is being sent; `None` if no page is being sent to `client`.
    pub(super) fn page_of(&self, client: Address) -> Option<&Session> {
        self.sessions_of_node(client.network).find(|session| session.client() == client && session.has_page())
    }

    /// Finds the primary session of the node of `client`, which has the state of the client. Returns `None` if the node
    /// has no session.
    pub(super) fn find(&self, client: Address) -> Option<Slot> {
        let is_primary =
            |session: &Session| session.network() == client.network && session.flags.contains(Flags::PRIMARY);
        if self.session_in(self.last_found).is_some_and(is_primary) {
            return Some(Slot(self.last_found));
        }
        self.slots_of_node(client.network)
            .find(|(_, session)| is_primary(session))
            .map(|(index, _)| Slot(index))
    }

    /// Finds the primary session of the node of `client`; `None` if the node has no session.
    pub(super) fn session_of(&self, client: Address) -> Option<&Session> {
        self.session_at(self.find(client)?)
    }

    /// Finds the session of the download of `id`, in any version, by `client`.
    #[inline]
    pub(super) fn find_download(&self, client: Address, id: ImageId) -> Option<Slot> {
        if self.session_in(self.last_found).is_some_and(|session| session.is_of(client, id)) {
            return Some(Slot(self.last_found));
        }
        self.search_download(client, id)
    }

    #[inline(never)]
    fn search_download(&self, client: Address, id: ImageId) -> Option<Slot> {
        let mut slots = self.slots_of_node(client.network);
        slots.find(|(_, session)| session.is_of(client, id)).map(|(index, _)| Slot(index))
    }

    /// Finds the session of the download of `id` by `client`, for a frame about this download. The found session
    /// becomes the primary session of its node, and the next lookups find the session without a search of the hash
    /// bucket.
    pub(super) fn select(&mut self, client: Address, id: ImageId) -> Option<Slot> {
        // The session of the client's last frame is the primary one.
        let last = self.session_in(self.last_found);
        if last.is_some_and(|session| session.is_primary() && session.is_of(client, id)) {
            return Some(Slot(self.last_found));
        }
        let found = self.find_download(client, id);
        found.into_iter().for_each(|slot| self.make_primary(slot));
        found
    }

    /// Makes the session in a slot the primary session of its node.
    pub(super) fn make_primary(&mut self, slot: Slot) {
        let Some(session) = self.session_at(slot) else { return };
        let is_primary = session.flags.contains(Flags::PRIMARY);
        if !is_primary {
            let primary = self.find(session.client()).and_then(|Slot(index)| self.session_in_mut(index));
            let state = primary.map(|primary| {
                primary.flags.remove(Flags::PRIMARY);
                *primary
            });
            if let Some(session) = self.session_at_mut(slot) {
                state.inspect(|state| session.copy_client_state(state));
                session.flags.insert(Flags::PRIMARY);
            }
        }
        self.last_found = slot.0;
    }

    /// Finds the session of the download of `id` by `client`, or inserts a session in a free slot. Returns the slot of
    /// the session, and the page that ended because of the insertion. The returned slot is `None` only if the caller
    /// lent no slots to the table.
    ///
    /// If no slot is free, the table evicts a session of any node. If the node has the maximum number of sessions, the
    /// table evicts a session of this node. The evicted session is the oldest idle session, else the oldest download
    /// without a page, else the oldest download with a page.
    pub(super) fn find_or_insert(
        &mut self,
        now: Instant,
        client: Address,
        id: ImageId,
    ) -> (Option<Slot>, Option<DroppedPage>) {
        if let Some(slot) = self.select(client, id) {
            return (Some(slot), None);
        }
        let of_node = self.slots_of_node(client.network).count();
        let dropped = if of_node >= usize::from(MAX_SLOTS_OF_NODE) {
            self.oldest_of_node(client.network).and_then(|index| self.remove(index))
        } else if self.free == NO_SLOT && self.used >= self.capacity() {
            self.oldest().and_then(|index| self.remove(index))
        } else {
            None
        };
        (self.insert(now, client, id), dropped)
    }

    /// Inserts a session in a free slot. Returns `None` if no slot is free.
    fn insert(&mut self, now: Instant, client: Address, id: ImageId) -> Option<Slot> {
        let index = self.take_free_slot()?;
        let session = self.session_in_mut(index)?;
        *session = Session::new(now, client, id, session.links);
        self.link_into_bucket(index);
        self.append_newest(index);
        self.make_primary(Slot(index));
        Some(Slot(index))
    }

    /// Marks the session of a slot as the session with the newest frame.
    pub(super) fn touch(&mut self, Slot(index): Slot) {
        self.unlink_from_ages(index);
        self.append_newest(index);
    }

    /// Sets or clears a flag of a session, and updates the number of nodes with the flag DOWNLOAD and the number of
    /// sessions with the flag PAGE.
    pub(super) fn set_flag(&mut self, slot: Slot, flag: Flags, on: bool) {
        let Some(session) = self.session_at(slot) else { return };
        let (network, before) = (session.network(), session.flags);
        let mut after = before;
        after.set(flag, on);
        if before == after {
            return;
        }
        let is_moved = AgeClass::of(before) != AgeClass::of(after);
        if is_moved {
            self.unlink_from_ages(slot.0);
        }
        if let Some(session) = self.session_at_mut(slot) {
            session.flags = after;
        }
        if is_moved {
            self.append_newest(slot.0);
        }
        let is_other_download =
            |(index, session): (u16, &Session)| index != slot.0 && session.flags.contains(Flags::DOWNLOAD);
        let count = match flag {
            Flags::DOWNLOAD if self.slots_of_node(network).any(is_other_download) => return,
            Flags::DOWNLOAD => &mut self.downloads,
            Flags::PAGE => &mut self.pages,
            _ => return,
        };
        *count = if on { count.saturating_add(1) } else { count.saturating_sub(1) };
    }

    /// Returns whether the node of `client` has a download in progress.
    pub(super) fn has_download(&self, client: Address) -> bool {
        self.sessions_of_node(client.network).any(|session| session.flags.contains(Flags::DOWNLOAD))
    }

    /// Finds the node that has a session with the IEEE address `ieee`, and returns its network address.
    pub(super) fn find_ieee(&self, ieee: Eui64) -> Option<u16> {
        if !self.has_ieee {
            return None;
        }
        let is_primary = |session: &&Session| session.flags.contains(Flags::PRIMARY);
        self.sessions().filter(is_primary).find(|session| session.ieee() == Some(ieee)).map(Session::network)
    }

    /// Records the IEEE address of the client in its primary session.
    pub(super) fn set_ieee(&mut self, slot: Slot, ieee: Eui64) {
        self.has_ieee = true;
        if let Some(session) = self.session_at_mut(slot) {
            session.set_ieee(ieee);
        }
    }

    /// Removes all sessions of a node, and returns whether the node had a session.
    pub(super) fn remove_node(&mut self, network: u16) -> bool {
        let mut had_session = false;
        while let Some(index) = self.first_of_node(network) {
            self.remove(index);
            had_session = true;
        }
        had_session
    }

    /// Changes the network address of a node, and returns whether the node had a session. `move_node` removes the
    /// sessions of another node that had the network address `new` before.
    pub(super) fn move_node(&mut self, old: u16, new: u16) -> bool {
        let had_session = self.first_of_node(old).is_some();
        if old == new || !had_session {
            return had_session;
        }
        self.remove_node(new);
        while let Some(index) = self.first_of_node(old) {
            self.unlink_from_bucket(index);
            if let Some(session) = self.session_in_mut(index) {
                session.set_network(new);
            }
            self.link_into_bucket(index);
        }
        had_session
    }

    fn capacity(&self) -> u16 {
        u16::try_from(self.slots.as_ref().len()).unwrap_or(MAX_SLOTS).min(MAX_SLOTS)
    }

    /// Returns the hash bucket of a network address. The index of a bucket is also the index of a slot, which need not
    /// be in use.
    ///
    /// The hash is a permutation of the network addresses, so each bucket has a nearly equal number of addresses: at
    /// most 65,536 divided by the number of slots, rounded up.
    fn bucket(&self, network: u16) -> u16 {
        let [a, b, c, d] = self.seed.to_le_bytes();
        let (add, multiply) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        // An odd factor permutes the numbers of 16 bits. 0x9E37 is 2¹⁶ divided by the golden ratio.
        let mixed = (network ^ add).wrapping_mul((multiply ^ 0x9e37) | 1);
        let hash = (mixed ^ (mixed >> 8)).wrapping_mul(0x9e37);
        let scaled = u32::from(hash).wrapping_mul(self.capacity().into());
        let [_, _, a, b] = scaled.to_le_bytes();
        u16::from_le_bytes([a, b])
    }

    /// Takes a free slot and returns its index; `None` if no slot is free.
    fn take_free_slot(&mut self) -> Option<u16> {
        if self.used == 0 {
            // Before the first use, the slots may hold the links of another table.
            for slot in self.slots.as_mut() {
                *slot = Session::EMPTY;
            }
        }
        if let Some(session) = self.session_in(self.free) {
            let next = session.links.older;
            return Some(core::mem::replace(&mut self.free, next));
        }
        let index = self.used;
        self.used = index.checked_add(1).filter(|used| *used <= self.capacity())?;
        Some(index)
    }

    /// Removes the session in the slot `index`, and returns the page of the session if a page was being sent. If the
    /// removed session is the primary session of its node, the newest of the node's other sessions becomes primary and
    /// takes over the state of the client.
    fn remove(&mut self, index: u16) -> Option<DroppedPage> {
        let slot = Slot(index);
        let session = *self.session_in(index)?;
        if session.flags.contains(Flags::PRIMARY) {
            let others = self.slots_of_node(session.network()).filter(|(other, _)| *other != index);
            let newest = others.max_by_key(|(_, session)| session.last_heard()).map(|(other, _)| other);
            newest.into_iter().for_each(|other| self.make_primary(Slot(other)));
        }
        self.set_flag(slot, Flags::PAGE, false);
        self.set_flag(slot, Flags::DOWNLOAD, false);
        self.clear_timer(slot);
        self.unlink_from_ages(index);
        self.unlink_from_bucket(index);
        let free = core::mem::replace(&mut self.free, index);
        if let Some(session) = self.session_in_mut(index) {
            session.links.older = free;
            session.flags = Flags::empty();
        }
        if self.last_found == index {
            self.last_found = NO_SLOT;
        }
        session.has_page().then(|| (session.client(), session.id()))
    }

    /// Links a slot into the hash bucket of its network address.
    fn link_into_bucket(&mut self, index: u16) {
        let Some(bucket) = self.session_in(index).map(|session| self.bucket(session.network())) else {
            return;
        };
        let Some(head) = self.session_in_mut(bucket).map(|head| &mut head.links.bucket_head) else { return };
        let next = core::mem::replace(head, index);
        if let Some(session) = self.session_in_mut(index) {
            session.links.bucket_next = next;
        }
    }

    /// Unlinks a slot from the hash bucket of its network address.
    fn unlink_from_bucket(&mut self, index: u16) {
        let Some(session) = self.session_in(index) else { return };
        let (bucket, next) = (self.bucket(session.network()), session.links.bucket_next);
        let Some(head) = self.session_in_mut(bucket).map(|head| &mut head.links.bucket_head) else { return };
        if *head == index {
            *head = next;
            return;
        }
        let mut before = *head;
        while let Some(link) = self.session_in_mut(before).map(|session| &mut session.links.bucket_next) {
            if *link == index {
                *link = next;
                return;
            }
            before = *link;
        }
    }
}

#[cfg(test)]
mod tests;

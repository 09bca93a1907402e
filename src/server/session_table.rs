//! Session table: a hash map from clients to session slots, an order of clients by their last frames for eviction, and
//! a timer heap.
//!
//! Sessions never move: a client keeps its slot until the client is evicted. Slot indices in the [`Links`] of each
//! session link the three structures:
//!
//! ```text
//! buckets   bucket_head --> bucket_next --> ...   slots whose clients have one hash; slot i holds the head of bucket i
//! ages      oldest <-> ... <-> newest             slots in the order of the last frames of their clients
//! timers    binary heap by Session::timer_deadline: heap_slot of slot i is the slot at heap place i,
//!           heap_place of a slot is its place
//! ```
//!
//! | operation | steps, for n slots in use |
//! |---|---|
//! | find a client, insert one, with or without an eviction | 1 (n if all clients have one hash) |
//! | set or clear a timer | log n |
//! | the next timer | 1 |

use super::session::{Flags, Links, NO_SLOT};
use super::{Session, SessionSlots};
use crate::aps::Address;
use crate::time::Instant;

/// Maximum number of slots in use: the number of unicast addresses of one network, 0x0000 to 0xFFF7.
const MAX_SLOTS: u16 = 65_528;

/// Index of a slot that is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(u16);

/// Table of the sessions in the memory `S` that the caller lent.
#[derive(Clone, Debug)]
pub(super) struct SessionTable<S> {
    slots: S,
    /// Number of slots in use, counted from slot 0.
    used: u16,
    newest: u16,
    oldest: u16,
    /// Slot of the last lookup. The table keeps the slot, because one frame looks up its client several times.
    last_found: u16,
    /// Number of timers that are set, which is the size of the heap.
    timers: u16,
    /// Number of sessions with the flag DOWNLOAD.
    downloads: u16,
    /// Number of sessions with the flag PAGE.
    pages: u16,
}

impl<S: SessionSlots> SessionTable<S> {
    /// Makes an empty table from slots with any content.
    pub(super) const fn new(slots: S) -> Self {
        Self {
            slots,
            used: 0,
            newest: NO_SLOT,
            oldest: NO_SLOT,
            last_found: NO_SLOT,
            timers: 0,
            downloads: 0,
            pages: 0,
        }
    }

    /// Returns whether the caller lent at least one slot.
    pub(super) fn has_capacity(&self) -> bool {
        self.capacity() > 0
    }

    /// Returns the number of downloads in progress.
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
        self.slots.as_mut().iter_mut().take(usize::from(self.used))
    }

    pub(super) fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.slots.as_ref().iter().take(usize::from(self.used))
    }

    /// Finds the slot of `client`; `None` if the client has no session.
    pub(super) fn find(&self, client: Address) -> Option<Slot> {
        if self.used == 0 {
            return None;
        }
        if self.session_in(self.last_found).is_some_and(|session| session.client == client) {
            return Some(Slot(self.last_found));
        }
        let mut index = self.session_in(self.bucket(client))?.links.bucket_head;
        loop {
            let session = self.session_in(index)?;
            if session.client == client {
                return Some(Slot(index));
            }
            index = session.links.bucket_next;
        }
    }

    /// Looks up `client` and caches the slot of the client for the lookups that follow.
    pub(super) fn cache_slot_of(&mut self, client: Address) {
        self.last_found = self.find(client).map_or(NO_SLOT, |Slot(index)| index);
    }

    /// Finds the session of `client`; `None` if the client has no session.
    pub(super) fn session_of(&self, client: Address) -> Option<&Session> {
        self.session_at(self.find(client)?)
    }

    /// Finds the slot of `client`, or inserts the client in a free slot. Returns `None` only if the table has no slots.
    ///
    /// If all slots are in use, the table evicts the client with the oldest last frame.
    pub(super) fn find_or_insert(&mut self, client: Address) -> Option<Slot> {
        if let Some(slot) = self.find(client) {
            return Some(slot);
        }
        let index = if self.used < self.capacity() { self.take_free_slot() } else { self.evict_oldest()? };
        let bucket = self.bucket(client);
        let head =
            self.session_in_mut(bucket).map(|slot| core::mem::replace(&mut slot.links.bucket_head, index))?;
        let session = self.session_in_mut(index)?;
        let links =
            Links { bucket_next: head, newer: NO_SLOT, older: NO_SLOT, heap_place: NO_SLOT, ..session.links };
        *session = Session::new(client, links);
        self.append_newest(index);
        self.last_found = index;
        Some(Slot(index))
    }

    /// Marks the client of a slot as the client with the newest frame.
    pub(super) fn touch(&mut self, Slot(index): Slot) {
        if self.newest != index {
            self.unlink_from_ages(index);
            self.append_newest(index);
        }
    }

    /// Sets or clears a flag of a session, and keeps the counts of the sessions with the flags DOWNLOAD and PAGE.
    pub(super) fn set_flag(&mut self, slot: Slot, flag: Flags, on: bool) {
        let Some(session) = self.session_at_mut(slot) else { return };
        let before = session.flags.contains(flag);
        session.flags.set(flag, on);
        let count = match flag {
            Flags::DOWNLOAD => &mut self.downloads,
            Flags::PAGE => &mut self.pages,
            _ => return,
        };
        *count = match (before, on) {
            (false, true) => count.saturating_add(1),
            (true, false) => count.saturating_sub(1),
            _ => *count,
        };
    }

    fn capacity(&self) -> u16 {
        u16::try_from(self.slots.as_ref().len()).unwrap_or(MAX_SLOTS).min(MAX_SLOTS)
    }

    /// Returns the hash bucket of a client. A bucket is the index of a slot, whether in use or not.
    fn bucket(&self, client: Address) -> u16 {
        let [high, low] = client.network.to_be_bytes();
        // Fibonacci hashing multiplies by 2³² divided by the golden ratio, which spreads consecutive addresses.
        let hash = u32::from_be_bytes([0, client.endpoint, high, low]).wrapping_mul(0x9e37_79b1);
        let scaled = (hash >> 16).wrapping_mul(self.capacity().into());
        let [_, _, a, b] = scaled.to_le_bytes();
        u16::from_le_bytes([a, b])
    }

    /// Takes the next free slot and returns its index. The caller has checked that a slot is free.
    fn take_free_slot(&mut self) -> u16 {
        if self.used == 0 {
            // Before the first use, the slots may hold the links of another table.
            for slot in self.slots.as_mut() {
                slot.links = Links::NONE;
            }
        }
        let index = self.used;
        self.used = index.saturating_add(1);
        index
    }

    /// Removes the client with the oldest last frame and returns the slot of the client.
    fn evict_oldest(&mut self) -> Option<u16> {
        let index = self.oldest;
        let session = self.session_in(index)?;
        let (bucket, next) = (self.bucket(session.client), session.links.bucket_next);
        self.set_flag(Slot(index), Flags::DOWNLOAD, false);
        self.set_flag(Slot(index), Flags::PAGE, false);
        self.clear_timer(Slot(index));
        self.unlink_from_ages(index);
        let head = &mut self.session_in_mut(bucket)?.links.bucket_head;
        if *head == index {
            *head = next;
            return Some(index);
        }
        let mut before = *head;
        loop {
            let link = &mut self.session_in_mut(before)?.links.bucket_next;
            if *link == index {
                *link = next;
                return Some(index);
            }
            before = *link;
        }
    }

    /// Appends a slot to the order of age as the newest slot.
    fn append_newest(&mut self, index: u16) {
        let older = core::mem::replace(&mut self.newest, index);
        if let Some(session) = self.session_in_mut(index) {
            (session.links.older, session.links.newer) = (older, NO_SLOT);
        }
        match self.session_in_mut(older) {
            Some(session) => session.links.newer = index,
            None => self.oldest = index,
        }
    }

    /// Removes a slot from the order of age.
    fn unlink_from_ages(&mut self, index: u16) {
        let Some(Links { newer, older, .. }) = self.session_in(index).map(|session| session.links) else {
            return;
        };
        match self.session_in_mut(newer) {
            Some(session) => session.links.older = older,
            None => self.newest = older,
        }
        match self.session_in_mut(older) {
            Some(session) => session.links.newer = newer,
            None => self.oldest = newer,
        }
    }

    /// Returns the slot and the deadline of the earliest timer; `None` if no timer is set.
    pub(super) fn next_timer(&self) -> Option<(Slot, Instant)> {
        if self.timers == 0 {
            return None;
        }
        let index = self.session_in(0)?.links.heap_slot;
        Some((Slot(index), self.session_in(index)?.timer_deadline))
    }

    /// Sets the timer of a slot to `when`, unless the timer is set to an earlier deadline. Keeping the earlier deadline
    /// saves a heap operation for each frame that moves the deadline.
    pub(super) fn set_timer_no_later_than(&mut self, slot: Slot, when: Instant) {
        let set = self
            .session_at(slot)
            .is_some_and(|session| session.links.heap_place != NO_SLOT && session.timer_deadline <= when);
        if !set {
            self.set_timer(slot, when);
        }
    }

    /// Sets the timer of a slot to `when`.
    pub(super) fn set_timer(&mut self, slot: Slot, when: Instant) {
        let end = self.timers;
        let Some(session) = self.session_at_mut(slot) else { return };
        let place = match session.links.heap_place {
            NO_SLOT => end,
            place => place,
        };
        session.timer_deadline = when;
        if place == end {
            self.timers = end.saturating_add(1);
        }
        self.put_in_heap(place, slot.0);
        self.restore_heap(place);
    }

    /// Clears the timer of a slot.
    pub(super) fn clear_timer(&mut self, slot: Slot) {
        let Some(session) = self.session_at_mut(slot) else { return };
        let place = core::mem::replace(&mut session.links.heap_place, NO_SLOT);
        let last = self.timers.saturating_sub(1);
        if place == NO_SLOT {
            return;
        }
        let Some(moved) = self.session_in(last).map(|session| session.links.heap_slot) else { return };
        self.timers = last;
        if place != last {
            self.put_in_heap(place, moved);
            self.restore_heap(place);
        }
    }

    /// Links a heap place and a slot to each other.
    fn put_in_heap(&mut self, place: u16, index: u16) {
        if let Some(session) = self.session_in_mut(place) {
            session.links.heap_slot = index;
        }
        if let Some(session) = self.session_in_mut(index) {
            session.links.heap_place = place;
        }
    }

    /// Returns the slot and the deadline at a heap place; `None` beyond the end of the heap.
    fn heap_entry(&self, place: u16) -> Option<(u16, Instant)> {
        if place >= self.timers {
            return None;
        }
        let index = self.session_in(place)?.links.heap_slot;
        Some((index, self.session_in(index)?.timer_deadline))
    }

    /// Restores the heap order after a change at `place`. The method moves the entry at `place` up, then down.
    fn restore_heap(&mut self, mut place: u16) {
        let Some((index, when)) = self.heap_entry(place) else { return };
        while let Some(above) = place.checked_sub(1).map(|below| below / 2) {
            match self.heap_entry(above) {
                Some((other, later)) if later > when => self.put_in_heap(place, other),
                _ => break,
            }
            place = above;
        }
        // The children of a place beyond 32,767 have no index in 16 bits, and the heap has no such children.
        while let Some(left) = place.checked_mul(2).and_then(|place| place.checked_add(1)) {
            let right = left.saturating_add(1);
            let (below, key) = match (self.heap_entry(left), self.heap_entry(right)) {
                (Some(a), Some(b)) if b.1 < a.1 => (right, b),
                (Some(a), _) => (left, a),
                (None, _) => break,
            };
            if key.1 >= when {
                break;
            }
            self.put_in_heap(place, key.0);
            place = below;
        }
        self.put_in_heap(place, index);
    }
}

#[cfg(test)]
mod tests;

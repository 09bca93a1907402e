//! Whose slot is which, who was heard of longest ago, and whose timer rings next.
//!
//! Slots never move: a client keeps its place until it is given up for another. Three structures are laid through
//! them as numbers of slots, each in the fields that [`Links`] names:
//!
//! ```text
//! buckets   bucket --> next --> next        slots whose clients have the same hash; slot i holds the head of bucket i
//! ages      oldest <-> ... <-> newest       slots in the order in which their clients were heard of
//! timers    a binary heap by Session::timer: heap of slot i is the slot at place i, place says where a slot stands
//! ```
//!
//! | call | steps, n slots in use |
//! |---|---|
//! | find, or enter a client, new or in another's place | 1 (n, where all clients have one hash) |
//! | set or clear a timer | log n |
//! | the next timer | 1 |

use super::session::Flags;
use super::{Session, SessionSlots};
use crate::aps::Address;
use crate::time::Instant;

/// Unicast addresses of one network: 0x0000 to 0xFFF7. More slots are not used.
const MOST: u16 = 65_528;

/// No slot.
const NONE: u16 = u16::MAX;

/// Numbers of other slots.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links {
    /// Of the bucket with this slot's number: the first slot.
    bucket: u16,
    /// The next slot of the bucket that this slot is in.
    next: u16,
    newer: u16,
    older: u16,
    /// Of the place in the heap with this slot's number: the slot there.
    heap: u16,
    /// Where this slot stands in the heap.
    place: u16,
}

impl Links {
    pub(super) const NONE: Self =
        Self { bucket: NONE, next: NONE, newer: NONE, older: NONE, heap: NONE, place: NONE };
}

/// Names a slot in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(u16);

#[derive(Clone, Debug)]
pub(super) struct Table<S> {
    slots: S,
    /// Slots in use; they are the first ones.
    used: u16,
    newest: u16,
    oldest: u16,
    /// The slot found last: a frame looks for its client several times.
    last: u16,
    /// Timers that are set.
    timers: u16,
    /// Sessions with the flag ACTIVE.
    active: u16,
    /// Sessions with the flag PAGE.
    pages: u16,
}

impl<S: SessionSlots> Table<S> {
    /// Takes slots, whatever is in them.
    pub(super) const fn new(slots: S) -> Self {
        Self { slots, used: 0, newest: NONE, oldest: NONE, last: NONE, timers: 0, active: 0, pages: 0 }
    }

    /// Whether any slots were lent.
    pub(super) fn has_slots(&self) -> bool {
        self.capacity() > 0
    }

    /// Downloads under way.
    pub(super) const fn active(&self) -> u16 {
        self.active
    }

    /// Pages under way.
    pub(super) const fn pages(&self) -> u16 {
        self.pages
    }

    /// `NONE` is no slot, however many were lent.
    fn raw(&self, index: u16) -> Option<&Session> {
        if index < MOST { self.slots.as_ref().get(usize::from(index)) } else { None }
    }

    fn raw_mut(&mut self, index: u16) -> Option<&mut Session> {
        if index < MOST { self.slots.as_mut().get_mut(usize::from(index)) } else { None }
    }

    pub(super) fn at(&self, slot: Slot) -> Option<&Session> {
        self.raw(slot.0)
    }

    pub(super) fn at_mut(&mut self, slot: Slot) -> Option<&mut Session> {
        self.raw_mut(slot.0)
    }

    /// The sessions, in no order.
    pub(super) fn sessions_mut(&mut self) -> impl Iterator<Item = &mut Session> {
        self.slots.as_mut().iter_mut().take(usize::from(self.used))
    }

    pub(super) fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.slots.as_ref().iter().take(usize::from(self.used))
    }

    /// The slot of `client`.
    pub(super) fn find(&self, client: Address) -> Option<Slot> {
        if self.used == 0 {
            return None;
        }
        if self.raw(self.last).is_some_and(|session| session.client == client) {
            return Some(Slot(self.last));
        }
        let mut index = self.raw(self.bucket(client))?.links.bucket;
        loop {
            let session = self.raw(index)?;
            if session.client == client {
                return Some(Slot(index));
            }
            index = session.links.next;
        }
    }

    /// Looks for `client` once, so that it is found at once afterwards.
    pub(super) fn seek(&mut self, client: Address) {
        self.last = self.find(client).map_or(NONE, |Slot(index)| index);
    }

    /// The session of `client`.
    pub(super) fn get(&self, client: Address) -> Option<&Session> {
        self.at(self.find(client)?)
    }

    /// The slot of `client`, a new one where there is none; `None` only without any slot.
    ///
    /// With all slots in use, the client that was heard of longest ago is given up.
    pub(super) fn enter(&mut self, client: Address) -> Option<Slot> {
        if let Some(slot) = self.find(client) {
            return Some(slot);
        }
        let index = if self.used < self.capacity() { self.add() } else { self.give_up()? };
        let bucket = self.bucket(client);
        let head = self.raw_mut(bucket).map(|slot| core::mem::replace(&mut slot.links.bucket, index))?;
        let session = self.raw_mut(index)?;
        let links = Links { next: head, newer: NONE, older: NONE, place: NONE, ..session.links };
        *session = Session::of(client, links);
        self.link_newest(index);
        self.last = index;
        Some(Slot(index))
    }

    /// Its client was heard of just now.
    pub(super) fn touch(&mut self, Slot(index): Slot) {
        if self.newest != index {
            self.unlink_age(index);
            self.link_newest(index);
        }
    }

    /// Sets or clears a flag that is counted.
    pub(super) fn set(&mut self, slot: Slot, flag: Flags, on: bool) {
        let Some(session) = self.at_mut(slot) else { return };
        let before = session.flags.contains(flag);
        session.flags.set(flag, on);
        let count = match flag {
            Flags::ACTIVE => &mut self.active,
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
        u16::try_from(self.slots.as_ref().len()).unwrap_or(MOST).min(MOST)
    }

    /// The bucket of a client: a number of a slot, in use or not.
    fn bucket(&self, client: Address) -> u16 {
        let [high, low] = client.network.to_be_bytes();
        // By the golden ratio, so that addresses that follow each other are far apart.
        let hash = u32::from_be_bytes([0, client.endpoint, high, low]).wrapping_mul(0x9e37_79b1);
        let scaled = (hash >> 16).wrapping_mul(self.capacity().into());
        let [_, _, a, b] = scaled.to_le_bytes();
        u16::from_le_bytes([a, b])
    }

    /// Takes the next free slot; there is one.
    fn add(&mut self) -> u16 {
        if self.used == 0 {
            // Once: what is in the slots is not ours.
            for slot in self.slots.as_mut() {
                slot.links = Links::NONE;
            }
        }
        let index = self.used;
        self.used = index.saturating_add(1);
        index
    }

    /// Frees the slot of the client heard of longest ago.
    fn give_up(&mut self) -> Option<u16> {
        let index = self.oldest;
        let session = self.raw(index)?;
        let (bucket, next) = (self.bucket(session.client), session.links.next);
        self.set(Slot(index), Flags::ACTIVE, false);
        self.set(Slot(index), Flags::PAGE, false);
        self.clear_timer(Slot(index));
        self.unlink_age(index);
        let head = &mut self.raw_mut(bucket)?.links.bucket;
        if *head == index {
            *head = next;
            return Some(index);
        }
        let mut before = *head;
        loop {
            let link = &mut self.raw_mut(before)?.links.next;
            if *link == index {
                *link = next;
                return Some(index);
            }
            before = *link;
        }
    }

    fn link_newest(&mut self, index: u16) {
        let older = core::mem::replace(&mut self.newest, index);
        if let Some(session) = self.raw_mut(index) {
            (session.links.older, session.links.newer) = (older, NONE);
        }
        match self.raw_mut(older) {
            Some(session) => session.links.newer = index,
            None => self.oldest = index,
        }
    }

    fn unlink_age(&mut self, index: u16) {
        let Some(Links { newer, older, .. }) = self.raw(index).map(|session| session.links) else { return };
        match self.raw_mut(newer) {
            Some(session) => session.links.older = older,
            None => self.newest = older,
        }
        match self.raw_mut(older) {
            Some(session) => session.links.newer = newer,
            None => self.oldest = newer,
        }
    }

    /// The slot whose timer rings first, and when.
    pub(super) fn next_timer(&self) -> Option<(Slot, Instant)> {
        if self.timers == 0 {
            return None;
        }
        let index = self.raw(0)?.links.heap;
        Some((Slot(index), self.raw(index)?.timer))
    }

    /// Makes the timer of a slot ring at `when` at the latest. It may still ring earlier, at a time set before: that
    /// saves the work where the time moves on with every frame.
    pub(super) fn ring_by(&mut self, slot: Slot, when: Instant) {
        let set = self.at(slot).is_some_and(|session| session.links.place != NONE && session.timer <= when);
        if !set {
            self.ring_at(slot, when);
        }
    }

    /// Makes the timer of a slot ring at `when`.
    pub(super) fn ring_at(&mut self, slot: Slot, when: Instant) {
        let end = self.timers;
        let Some(session) = self.at_mut(slot) else { return };
        let place = match session.links.place {
            NONE => end,
            place => place,
        };
        session.timer = when;
        if place == end {
            self.timers = end.saturating_add(1);
        }
        self.put(place, slot.0);
        self.sift(place);
    }

    /// Sets no timer for a slot.
    pub(super) fn clear_timer(&mut self, slot: Slot) {
        let Some(session) = self.at_mut(slot) else { return };
        let place = core::mem::replace(&mut session.links.place, NONE);
        let last = self.timers.saturating_sub(1);
        if place == NONE {
            return;
        }
        let Some(moved) = self.raw(last).map(|session| session.links.heap) else { return };
        self.timers = last;
        if place != last {
            self.put(place, moved);
            self.sift(place);
        }
    }

    fn put(&mut self, place: u16, index: u16) {
        if let Some(session) = self.raw_mut(place) {
            session.links.heap = index;
        }
        if let Some(session) = self.raw_mut(index) {
            session.links.place = place;
        }
    }

    /// What stands at a place of the heap; beyond its end nothing.
    fn key(&self, place: u16) -> Option<(u16, Instant)> {
        if place >= self.timers {
            return None;
        }
        let index = self.raw(place)?.links.heap;
        Some((index, self.raw(index)?.timer))
    }

    /// Moves what stands at `place` up or down to where it belongs.
    fn sift(&mut self, mut place: u16) {
        let Some((index, when)) = self.key(place) else { return };
        while let Some(above) = place.checked_sub(1).map(|below| below / 2) {
            match self.key(above) {
                Some((other, later)) if later > when => self.put(place, other),
                _ => break,
            }
            place = above;
        }
        // Beyond 65,535 there are no places.
        while let Some(left) = place.checked_mul(2).and_then(|place| place.checked_add(1)) {
            let right = left.saturating_add(1);
            let (below, key) = match (self.key(left), self.key(right)) {
                (Some(a), Some(b)) if b.1 < a.1 => (right, b),
                (Some(a), _) => (left, a),
                (None, _) => break,
            };
            if key.1 >= when {
                break;
            }
            self.put(place, key.0);
            place = below;
        }
        self.put(place, index);
    }
}

#[cfg(test)]
mod tests;

//! Timer heap of a session table: a binary heap of the session slots whose timers are set, ordered by deadline.
//!
//! ```text
//! place 0 ---+--- place 1 ---+--- place 3     the session in the slot of a place has no later deadline than the sessions
//!            |               +--- place 4     in the slots of the places below
//!            +--- place 2 ---+--- ...
//! ```

use super::{SessionTable, Slot};
use crate::server::SessionSlots;
use crate::server::session::NO_SLOT;
use crate::time::Instant;

impl<S: SessionSlots> SessionTable<S> {
    /// Returns the slot and the deadline of the earliest timer; `None` if no timer is set.
    pub(in crate::server) fn next_timer(&self) -> Option<(Slot, Instant)> {
        if self.timers == 0 {
            return None;
        }
        let index = self.session_in(0)?.links.heap_slot;
        Some((Slot(index), self.session_in(index)?.timer_deadline))
    }

    /// Sets the timer of a slot to `when`, unless the timer is set to an earlier deadline. Keeping an earlier deadline
    /// saves a heap operation for each frame that moves the deadline to a later time.
    pub(in crate::server) fn set_timer_no_later_than(&mut self, slot: Slot, when: Instant) {
        if !self.session_at(slot).is_some_and(|session| session.has_timer_before(when)) {
            self.set_timer(slot, when);
        }
    }

    /// Sets the timer of a slot to `when`.
    pub(in crate::server) fn set_timer(&mut self, slot: Slot, when: Instant) {
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
    pub(in crate::server) fn clear_timer(&mut self, slot: Slot) {
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

    /// Links a place in the timer heap and a slot to each other.
    fn put_in_heap(&mut self, place: u16, index: u16) {
        if let Some(session) = self.session_in_mut(place) {
            session.links.heap_slot = index;
        }
        if let Some(session) = self.session_in_mut(index) {
            session.links.heap_place = place;
        }
    }

    /// Returns the slot and the deadline at a place in the timer heap; `None` beyond the end of the heap.
    fn heap_entry(&self, place: u16) -> Option<(u16, Instant)> {
        if place >= self.timers {
            return None;
        }
        let index = self.session_in(place)?.links.heap_slot;
        Some((index, self.session_in(index)?.timer_deadline))
    }

    /// Restores the order of the timer heap after a change of the entry at `place`. `restore_heap` moves the entry at
    /// `place` up in the heap, and then down, as far as the heap order requires.
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

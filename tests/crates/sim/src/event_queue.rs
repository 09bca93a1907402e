//! Queue of scheduled events, ordered by virtual time.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Moment or duration of virtual time, in microseconds.
pub type Micros = u64;

/// Priority queue of events with their due times. Events of the same moment leave in the order of their insertion.
#[derive(Clone, Debug)]
pub struct EventQueue<T> {
    heap: BinaryHeap<Entry<T>>,
    count: u64,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    at: Micros,
    order: u64,
    what: T,
}

impl<T> Default for EventQueue<T> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), count: 0 }
    }
}

impl<T> EventQueue<T> {
    /// Schedules `what` for the moment `at`.
    pub fn put(&mut self, at: Micros, what: T) {
        self.count += 1;
        self.heap.push(Entry { at, order: self.count, what });
    }

    /// Returns the due time of the earliest event.
    #[must_use]
    pub fn next(&self) -> Option<Micros> {
        self.heap.peek().map(|entry| entry.at)
    }

    /// Removes the earliest event that is due at `now`, and returns it with its due time.
    pub fn take(&mut self, now: Micros) -> Option<(Micros, T)> {
        self.next().filter(|at| *at <= now)?;
        self.heap.pop().map(|entry| (entry.at, entry.what))
    }
}

impl<T> Entry<T> {
    const fn key(&self) -> (Micros, u64) {
        (self.at, self.order)
    }
}

/// Reversed order, because `BinaryHeap` returns its greatest element first.
impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Entry<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_comes_first_and_of_one_moment_what_was_put_in_first() {
        let mut queue = EventQueue::default();
        for (at, what) in [(5, 'c'), (3, 'a'), (5, 'd'), (3, 'b')] {
            queue.put(at, what);
        }
        assert_eq!(queue.take(2), None);
        let order: Vec<_> = std::iter::from_fn(|| queue.take(5)).collect();
        assert_eq!(order, [(3, 'a'), (3, 'b'), (5, 'c'), (5, 'd')]);
    }
}

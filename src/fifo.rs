//! Fixed-capacity queue for the events that client and server produce between two polls.
//!
//! ```text
//! push -> | newest | ... | oldest | -> pop      slots of a ring
//! ```

/// First-in, first-out queue of at most `N` values. A push into a full queue drops the oldest value and counts the
/// dropped value. A caller that polls client or server after each call, as the documentation requires, loses no value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fifo<T, const N: usize> {
    slots: [Option<T>; N],
    /// Index of the oldest value.
    oldest: usize,
    /// Number of values that were dropped because the queue was full.
    dropped: u32,
}

impl<T: Copy, const N: usize> Fifo<T, N> {
    pub(crate) const fn new() -> Self {
        Self { slots: [None; N], oldest: 0, dropped: 0 }
    }

    pub(crate) fn push(&mut self, value: T) {
        let mut index = self.oldest;
        // The loop ends at the first free slot, or at the oldest value if the queue is full.
        while self.slots.get(index).is_some_and(Option::is_some) {
            index = Self::after(index);
            if index == self.oldest {
                self.oldest = Self::after(index);
                self.dropped = self.dropped.saturating_add(1);
                break;
            }
        }
        if let Some(slot) = self.slots.get_mut(index) {
            *slot = Some(value);
        }
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        let slot = self.slots.get_mut(self.oldest)?;
        // `take` would copy a whole value out of an empty slot, too, and most polls find the queue empty.
        let value = (*slot)?;
        *slot = None;
        self.oldest = Self::after(self.oldest);
        Some(value)
    }

    /// Returns the index of the slot after the slot `index`; after the last slot comes the first slot.
    const fn after(index: usize) -> usize {
        let next = index.saturating_add(1);
        if next < N { next } else { 0 }
    }

    /// Returns the number of values that were dropped because the queue was full.
    pub(crate) const fn dropped(&self) -> u32 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_value_is_popped_first_and_dropped_first() {
        let mut fifo = Fifo::<u8, 3>::new();
        assert_eq!(fifo.pop(), None);
        for value in 1..=4 {
            fifo.push(value);
        }
        assert_eq!([fifo.pop(), fifo.pop(), fifo.pop(), fifo.pop()], [Some(2), Some(3), Some(4), None]);
        fifo.push(9);
        assert_eq!(fifo.pop(), Some(9));
        assert_eq!(fifo.dropped(), 1);
    }
}

//! Fixed-capacity queue for the events that client and server produce between two polls.
//!
//! ```text
//! push -> | newest | ... | oldest | -> pop
//! ```

/// First-in, first-out queue of at most `N` values. A push into a full queue drops the oldest value and counts it. A
/// caller that polls client or server after each call, as the documentation requires, loses no value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fifo<T, const N: usize> {
    slots: [Option<T>; N],
    /// Number of dropped values.
    dropped: u32,
}

impl<T: Copy, const N: usize> Fifo<T, N> {
    pub(crate) const fn new() -> Self {
        Self { slots: [None; N], dropped: 0 }
    }

    pub(crate) fn push(&mut self, value: T) {
        if self.slots.iter().all(Option::is_some) {
            self.pop();
            self.dropped = self.dropped.saturating_add(1);
        }
        if let Some(free) = self.slots.iter_mut().find(|slot| slot.is_none()) {
            *free = Some(value);
        }
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        let oldest = self.slots.first().copied().flatten()?;
        let mut next = None;
        for slot in self.slots.iter_mut().rev() {
            core::mem::swap(slot, &mut next);
        }
        Some(oldest)
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

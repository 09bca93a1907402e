//! Whose slot is which.
//!
//! Slots never move: a client keeps its place until it is given up for another. They are found by an index laid
//! through them, the `order` of each: that of slot i says which slot holds the i-th smallest client.
//!
//! ```text
//! slot     0     1     2     3     4
//! client   0x30  0x10  0x20  -     -       used: 3
//! order    1     2     0     -     -       slots 1, 2, 0 are those of 0x10, 0x20, 0x30
//! ```
//!
//! | call | steps, n slots in use |
//! |---|---|
//! | find | log n |
//! | enter a new client | n at most, as order entries move by one |
//! | enter a new client when all slots are in use | n to find the one heard of longest ago, n at most to move |

use core::cmp::Ordering;
use core::mem::swap;

use super::{Session, Slots};
use crate::link::Address;

/// Unicast addresses of one network: 0x0000 to 0xFFF7. More slots are not used.
const MOST: usize = 65_528;

#[derive(Clone, Debug)]
pub(super) struct Table<S> {
    slots: S,
    /// Slots in use; they are the first ones.
    used: u16,
}

impl<S: Slots> Table<S> {
    /// Takes slots, whatever is in them.
    pub(super) const fn new(slots: S) -> Self {
        Self { slots, used: 0 }
    }

    /// The session of `client`.
    pub(super) fn get(&self, client: Address) -> Option<&Session> {
        let place = self.place(client).ok()?;
        self.slots.as_ref().get(usize::from(self.order(place)?))
    }

    /// The session of `client`, to write.
    pub(super) fn get_mut(&mut self, client: Address) -> Option<&mut Session> {
        let place = self.place(client).ok()?;
        let index = self.order(place)?;
        self.slots.as_mut().get_mut(usize::from(index))
    }

    /// The session of `client`, a new one where there is none; `None` only without any slot.
    ///
    /// With all slots in use, the client that was heard of longest ago is given up.
    pub(super) fn enter(&mut self, client: Address) -> Option<&mut Session> {
        let index = match self.place(client) {
            Ok(place) => self.order(place)?,
            Err(place) => {
                let index = match self.add(place) {
                    Some(index) => index,
                    None => self.replace(place)?,
                };
                let slot = self.slots.as_mut().get_mut(usize::from(index))?;
                *slot = Session::of(client, slot.order);
                index
            }
        };
        self.slots.as_mut().get_mut(usize::from(index))
    }

    /// Where `client` stands among the clients in ascending order, or where it would.
    fn place(&self, client: Address) -> Result<usize, usize> {
        let slots = self.slots.as_ref();
        let used = slots.get(..usize::from(self.used)).unwrap_or_default();
        used.binary_search_by(|at| match used.get(usize::from(at.order)) {
            Some(session) => session.client.cmp(&client),
            None => Ordering::Greater,
        })
    }

    fn order(&self, place: usize) -> Option<u16> {
        self.slots.as_ref().get(place).map(|slot| slot.order)
    }

    /// Takes the next free slot into the order at `place`, if there is one.
    fn add(&mut self, place: usize) -> Option<u16> {
        let index = self.used;
        let slots = self.slots.as_mut();
        let capacity = slots.len().min(MOST);
        let moving = slots.get_mut(..capacity)?.get_mut(place..=usize::from(index))?;
        shift_up(moving, index);
        self.used = index.saturating_add(1);
        Some(index)
    }

    /// Moves the slot of the client heard of longest ago to `place` of the order, where that client still counts.
    fn replace(&mut self, place: usize) -> Option<u16> {
        let slots = self.slots.as_ref();
        let oldest = slots.get(..usize::from(self.used))?.iter().min_by_key(|session| session.heard)?;
        let from = self.place(oldest.client).ok()?;
        let index = self.order(from)?;
        let slots = self.slots.as_mut();
        if from < place {
            shift_down(slots.get_mut(from..place)?, index);
        } else {
            shift_up(slots.get_mut(place..=from)?, index);
        }
        Some(index)
    }
}

/// Puts `index` first in the order of `slots`; the last entry drops out.
fn shift_up(slots: &mut [Session], mut index: u16) {
    for slot in slots {
        swap(&mut slot.order, &mut index);
    }
}

/// Puts `index` last in the order of `slots`; the first entry drops out.
fn shift_down(slots: &mut [Session], mut index: u16) {
    for slot in slots.iter_mut().rev() {
        swap(&mut slot.order, &mut index);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Instant;
    use std::collections::BTreeMap;
    use std::vec;

    /// A table beside what it ought to be: when each client was heard of.
    struct Pair {
        table: Table<vec::Vec<Session>>,
        model: BTreeMap<Address, u64>,
        clock: u64,
    }

    impl Pair {
        fn new(slots: usize) -> Self {
            let table = Table::new(vec![Session::EMPTY; slots]);
            Self { table, model: BTreeMap::new(), clock: 0 }
        }

        fn hear(&mut self, client: Address) {
            self.clock += 1;
            let known = self.model.contains_key(&client);
            let slots = self.table.slots.len();
            if !known && self.model.len() == slots.min(MOST) {
                let oldest = self.model.iter().min_by_key(|(_, heard)| **heard).map(|(client, _)| *client);
                oldest.map(|client| self.model.remove(&client));
            }
            let Some(session) = self.table.enter(client) else {
                return assert_eq!(slots, 0);
            };
            assert_eq!(session.client, client);
            assert_eq!(session.heard != Instant::ZERO, known, "a new session starts empty");
            session.heard = Instant::from_millis(self.clock);
            self.model.insert(client, self.clock);
        }

        fn agree(&mut self) {
            let used = usize::from(self.table.used);
            assert_eq!(used, self.model.len());
            let slots = &self.table.slots;
            let in_order = slots[..used].iter().map(|at| &slots[usize::from(at.order)]);
            assert!(
                in_order
                    .map(|session| (session.client, session.heard.as_millis()))
                    .eq(self.model.iter().map(|(client, heard)| (*client, *heard)))
            );
        }

        fn look_up(&mut self, client: Address) {
            let heard = self.model.get(&client).copied();
            assert_eq!(self.table.get(client).map(|session| session.heard.as_millis()), heard);
            assert_eq!(self.table.get_mut(client).map(|session| session.heard.as_millis()), heard);
        }
    }

    fn random(state: &mut u64) -> u64 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        *state >> 33
    }

    fn client(number: u64) -> Address {
        Address::new(u16::try_from(number / 3).unwrap(), u8::try_from(number % 3).unwrap())
    }

    #[test]
    fn few_slots_follow_the_model() {
        for slots in [0, 1, 2, 7, 30] {
            let mut pair = Pair::new(slots);
            let mut state = 42;
            for _ in 0..2000 {
                pair.hear(client(random(&mut state) % 24));
                pair.agree();
                pair.look_up(client(random(&mut state) % 24));
            }
        }
    }

    #[test]
    fn a_whole_network_follows_the_model() {
        let mut pair = Pair::new(MOST + 5);
        // Nearly in order, as filling in any order takes n² steps.
        for number in 0..65_528_u16 {
            pair.hear(Address::new(number ^ 3, 1));
        }
        pair.agree();
        assert_eq!(pair.table.used, 65_528);
        let mut state = 7;
        for _ in 0..100 {
            pair.hear(client(random(&mut state) % 0x2_fff0));
            pair.look_up(client(random(&mut state) % 0x2_fff0));
        }
        pair.agree();
    }

    #[test]
    fn slots_do_not_move() {
        let mut table = Table::new([Session::EMPTY; 3]);
        for network in [0x30, 0x10, 0x20] {
            table.enter(Address::new(network, 1));
        }
        assert_eq!(table.slots.map(|slot| slot.client.network), [0x30, 0x10, 0x20]);
        assert_eq!(table.slots.map(|slot| slot.order), [1, 2, 0]);
        for (slot, heard) in table.slots.iter_mut().zip([5, 4, 6]) {
            slot.heard = Instant::from_millis(heard);
        }
        table.enter(Address::new(0x40, 1));
        assert_eq!(table.slots.map(|slot| slot.client.network), [0x30, 0x40, 0x20]);
        assert_eq!(table.slots.map(|slot| slot.order), [2, 0, 1]);
    }
}

//! Tests of the session table against a model: a map from clients to the times of their last frames and their timers.

use super::*;
use crate::server::session::Links;

use std::collections::BTreeMap;
use std::vec::{self, Vec};

const IMAGE: ImageId = ImageId::new(0x1001, 0x00ab, 5);

/// Session table and model: the model stores for each client the time of its last frame and its timer.
struct Pair {
    table: SessionTable<vec::Vec<Session>>,
    model: BTreeMap<Address, (u64, Option<u64>)>,
    clock: u64,
}

impl Pair {
    fn new(slots: usize) -> Self {
        // Slots with the links of an earlier server.
        let mut session = Session::EMPTY;
        session.links =
            Links { bucket_head: 1, bucket_next: 1, newer: 0, older: 0, heap_slot: 0, heap_place: 0 };
        Self {
            table: SessionTable::new(std::vec![session; slots], 0x1234_5678),
            model: BTreeMap::new(),
            clock: 0,
        }
    }

    fn hear(&mut self, client: Address) {
        self.clock += 1;
        let known = self.model.get(&client).copied();
        let slots = self.table.slots.len();
        if known.is_none() && self.model.len() == slots.min(MAX_SLOTS.into()) {
            let oldest = self.model.iter().min_by_key(|(_, (heard, _))| *heard).map(|(client, _)| *client);
            oldest.map(|client| self.model.remove(&client));
        }
        let now = Instant::from_millis(self.clock);
        let (Some(slot), dropped) = self.table.find_or_insert(now, client, IMAGE) else {
            return assert_eq!(slots, 0);
        };
        assert_eq!(dropped, None);
        self.table.touch(slot);
        let session = self.table.session_at_mut(slot).unwrap();
        assert_eq!(session.client(), client);
        assert_eq!(session.last_heard() != now, known.is_some(), "a new session starts now");
        session.record_frame(now);
        self.model.insert(client, (self.clock, known.and_then(|(_, timer)| timer)));
    }

    fn ring(&mut self, client: Address, when: Option<u64>) {
        let (Some(slot), Some(entry)) =
            (self.table.find_download(client, IMAGE), self.model.get_mut(&client))
        else {
            return;
        };
        match when {
            Some(when) => self.table.set_timer(slot, Instant::from_millis(when)),
            None => self.table.clear_timer(slot),
        }
        entry.1 = when;
    }

    fn agree(&self) {
        assert_eq!(usize::from(self.table.used), self.model.len());
        for (client, (heard, _)) in &self.model {
            let slot = self.table.find_download(*client, IMAGE).unwrap();
            assert_eq!(self.table.session_at(slot).unwrap().last_heard().as_millis(), *heard);
            let mut of_node = self.table.sessions_of_node(client.network);
            assert_eq!(of_node.by_ref().filter(|session| session.is_primary()).count(), 1);
        }
        let mut by_age = Vec::new();
        let mut index = self.table.idle_ages.oldest;
        while let Some(session) = self.table.session_in(index) {
            by_age.push(session.last_heard().as_millis());
            index = session.links.newer;
        }
        assert!(by_age.is_sorted() && by_age.len() == self.model.len());
        let timers = self.model.values().filter_map(|(_, timer)| *timer);
        assert_eq!(usize::from(self.table.timers), timers.clone().count());
        assert_eq!(self.table.next_timer().map(|(_, when)| when.as_millis()), timers.min());
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
            let when = Some(random(&mut state) % 1000).filter(|when| *when < 700);
            pair.ring(client(random(&mut state) % 24), when);
            pair.agree();
            let stranger = client(random(&mut state) % 24);
            let found = pair.table.find_download(stranger, IMAGE);
            assert_eq!(found.is_some(), pair.model.contains_key(&stranger));
        }
    }
}

#[test]
fn a_whole_network_follows_the_model() {
    let mut pair = Pair::new(usize::from(MAX_SLOTS) + 20);
    let mut state = 7;
    for number in 0..65_528_u16 {
        let client = Address::new(number.wrapping_mul(25_173), 1);
        pair.hear(client);
        pair.ring(client, Some(random(&mut state)));
    }
    pair.agree();
    assert_eq!((pair.table.used, pair.table.timers), (65_528, 65_528));
    for _ in 0..30 {
        pair.hear(client(random(&mut state) % 0x2_fff0));
    }
    pair.agree();
    while let Some((slot, when)) = pair.table.next_timer() {
        pair.table.clear_timer(slot);
        assert!(pair.table.next_timer().is_none_or(|(_, next)| next >= when));
    }
}

#[test]
fn a_timer_that_rings_soon_enough_is_left_alone() {
    let mut table = SessionTable::new([Session::EMPTY; 2], 0);
    let slot = table.find_or_insert(Instant::ZERO, Address::new(1, 1), IMAGE).0.unwrap();
    let at = Instant::from_millis;
    for (by, rings) in [(50, 50), (70, 50), (40, 40)] {
        table.set_timer_no_later_than(slot, at(by));
        assert_eq!(table.next_timer(), Some((slot, at(rings))));
    }
    table.set_timer(slot, at(70));
    assert_eq!(table.next_timer(), Some((slot, at(70))));
}

#[test]
fn slots_given_up_are_not_counted() {
    let mut table = SessionTable::new([Session::EMPTY; 1], 0);
    let slot = table.find_or_insert(Instant::ZERO, Address::new(1, 1), IMAGE).0.unwrap();
    for _ in 0..2 {
        table.set_flag(slot, Flags::DOWNLOAD, true);
        table.set_flag(slot, Flags::PAGE, true);
        assert_eq!((table.downloads(), table.pages()), (1, 1));
    }
    let (slot, dropped) = table.find_or_insert(Instant::ZERO, Address::new(2, 1), IMAGE);
    assert!(slot.is_some());
    assert_eq!(dropped.map(|(client, _)| client), Some(Address::new(1, 1)));
    assert_eq!((table.downloads(), table.pages()), (0, 0));
}

/// Shows: FLD-050
#[test]
fn no_choice_of_addresses_makes_a_bucket_long() {
    let mut layouts = std::collections::BTreeSet::new();
    for seed in [0, 1, 0x1234_5678, u32::MAX] {
        for slots in [1, 7, 100, 256, 1000, 65_528] {
            let table = SessionTable::new(std::vec![Session::EMPTY; slots], seed);
            let mut sizes = std::vec![0_usize; slots];
            for network in 0..=u16::MAX {
                sizes[usize::from(table.bucket(network))] += 1;
            }
            let longest = *sizes.iter().max().unwrap();
            assert!(
                longest <= 65_536_usize.div_ceil(slots),
                "{longest} addresses share one of {slots} buckets"
            );
            if slots == 1000 {
                layouts.insert((0..100).map(|network| table.bucket(network)).collect::<Vec<_>>());
            }
        }
    }
    assert_eq!(layouts.len(), 4, "each seed has its own layout");
}

/// Random insertions, removals, moves and flags: the table finds every session, each session is in one bucket and one
/// order by age, and the counts are right.
#[test]
fn sessions_are_found_whatever_happens_to_them() {
    for slots in [1, 5, 40] {
        let mut table = SessionTable::new(std::vec![Session::EMPTY; slots], 99);
        let mut state = 3;
        for step in 0..4000_u64 {
            let client = client(random(&mut state) % 40);
            let id = ImageId::new(0x1001, u16::try_from(random(&mut state) % 3).unwrap(), 1);
            let now = Instant::from_millis(step);
            let slot = match random(&mut state) % 16 {
                0 => {
                    let had = table.sessions_of_node(client.network).count() > 0;
                    assert_eq!(table.remove_node(client.network), had);
                    assert_eq!(table.sessions_of_node(client.network).count(), 0);
                    None
                }
                1 => {
                    let new = u16::try_from(random(&mut state) % 13).unwrap();
                    let moved = table.sessions_of_node(client.network).count();
                    assert_eq!(table.move_node(client.network, new), moved > 0);
                    assert!(moved == 0 || table.sessions_of_node(new).count() == moved);
                    None
                }
                _ => table.find_or_insert(now, client, id).0,
            };
            if let Some(slot) = slot {
                let flag = if random(&mut state) & 1 == 0 { Flags::PAGE } else { Flags::DOWNLOAD };
                table.set_flag(slot, flag, random(&mut state) & 1 == 0);
                table.set_timer(slot, Instant::from_millis(random(&mut state) % 1000));
                table.touch(slot);
            }
            check(&table);
        }
    }
}

fn check(table: &SessionTable<Vec<Session>>) {
    let mut in_orders = 0;
    for order in [table.idle_ages, table.download_ages, table.page_ages] {
        let (mut index, mut before) = (order.oldest, NO_SLOT);
        while let Some(session) = table.session_in(index) {
            assert_eq!(session.links.older, before);
            (index, before, in_orders) = (session.links.newer, index, in_orders + 1);
        }
        assert_eq!(before, order.newest);
    }
    assert_eq!(table.sessions().count(), in_orders);
    let mut downloading = std::collections::BTreeSet::new();
    for session in table.sessions() {
        let slot = table.find_download(session.client(), session.id()).unwrap();
        assert!(core::ptr::eq(table.session_at(slot).unwrap(), session), "each download has one session");
        let of_node = || table.sessions_of_node(session.network());
        assert_eq!(of_node().filter(|session| session.is_primary()).count(), 1);
        assert!(of_node().count() <= MAX_SLOTS_OF_NODE.into());
        if session.flags.contains(Flags::DOWNLOAD) {
            downloading.insert(session.network());
        }
    }
    assert_eq!(usize::from(table.downloads()), downloading.len());
    assert_eq!(usize::from(table.pages()), table.sessions().filter(|session| session.has_page()).count());
    let timers = table.sessions().filter(|session| session.links.heap_place != NO_SLOT);
    let deadlines: Vec<_> = timers.map(|session| session.timer_deadline).collect();
    assert_eq!(usize::from(table.timers), deadlines.len());
    assert_eq!(table.next_timer().map(|(_, when)| when), deadlines.into_iter().min());
}

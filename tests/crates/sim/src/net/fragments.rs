//! APS fragmentation: frames too long for one MPDU, cut into fragments that are sent and acknowledged by windows (Zigbee
//! PRO, sections 2.2.8.4.5 and 2.2.9).
//!
//! ```text
//!   sender                                                       receiver
//!     fragments of a window, with a pause between them    -->
//!                                                         <--    ack after the last of the window, or the last missing one
//!     those that the ack names as missing, again          -->
//!     the next window                                     -->    the frame, once it is whole
//! ```
//!
//! A window whose acknowledgement does not come within apscAckWaitDuration is sent again, and so is a missing fragment, at
//! most apscMaxFrameRetries times. The acknowledgement of fragments is part of fragmentation, also where other frames have
//! none.

use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;

use zigbee_ota::aps::{DeliveryReport, TransmitToken};

use super::{Arrival, Datagram, Event, Kind, Net, RETRIES};
use crate::Micros;
use crate::radio::timing;

/// Settings of fragmentation, the same in all nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragmentation {
    /// Maximum number of bytes of the ZCL frame in one fragment, at least 1.
    pub data: usize,
    /// apscMaxWindowSize: fragments that are sent before an acknowledgement is awaited, 1 to 8.
    pub window: u8,
    /// apsInterframeDelay: time from one fragment of a frame to the next.
    pub pause: Micros,
}

impl Fragmentation {
    /// Fragments as long as an MPDU allows, in windows of three, without a pause.
    pub const FULL: Self = Self { data: timing::LONGEST_FRAGMENT, window: 3, pause: 0 };
}

/// Place of a fragment in its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    number: u8,
    count: u8,
}

impl Place {
    /// Returns the window that the fragment belongs to.
    fn window(self, size: u8) -> Range<u8> {
        let first = self.number / size * size;
        first..first.saturating_add(size).min(self.count)
    }
}

/// Frame that is sent in fragments.
#[derive(Debug)]
pub(super) struct Sending {
    /// Frame whose `bytes` and `kind` are those of the whole.
    frame: Datagram,
    token: TransmitToken,
    fragments: Vec<Rc<[u8]>>,
    /// Window that is being sent.
    window: Range<u8>,
    /// Fragments of the window that are acknowledged, one bit each.
    acknowledged: u8,
    /// Fragments of the window that are still to be sent in this round.
    due: VecDeque<u8>,
    /// Number of this round of sending, so that timers of earlier rounds are ignored.
    round: u32,
    attempt: u8,
    /// Time of the next fragment at the earliest.
    next: Micros,
}

/// Frame that arrives in fragments.
#[derive(Debug)]
pub(super) struct Receiving {
    counter: u32,
    fragments: Vec<Option<Rc<[u8]>>>,
    is_delivered: bool,
}

impl Net {
    /// Sends a frame in fragments.
    pub(super) fn send_fragments(
        &mut self,
        now: Micros,
        frame: Datagram,
        token: TransmitToken,
        settings: Fragmentation,
    ) {
        let fragments: Vec<Rc<[u8]>> = frame.bytes.chunks(settings.data).map(Rc::from).collect();
        let count = fragments.len() as u8;
        let counter = frame.counter;
        self.sending.push(Sending {
            frame,
            token,
            fragments,
            window: Place { number: 0, count }.window(settings.window),
            acknowledged: 0,
            due: VecDeque::new(),
            round: 0,
            attempt: 0,
            next: 0,
        });
        self.begin_round(now, counter);
    }

    fn find_sending(&mut self, counter: u32) -> Option<&mut Sending> {
        self.sending.iter_mut().find(|sending| sending.frame.counter == counter)
    }

    /// Sends all fragments of the window that are not acknowledged.
    fn begin_round(&mut self, now: Micros, counter: u32) {
        let Some(sending) = self.find_sending(counter) else { return };
        let Range { start, end } = sending.window;
        let acknowledged = sending.acknowledged;
        sending.due = (start..end).filter(|number| acknowledged >> (number - start) & 1 == 0).collect();
        sending.round += 1;
        let (at, round) = (sending.next.max(now), sending.round);
        if at > now {
            self.queue.put(at, Event::NextFragment(counter, round));
        } else {
            self.next_fragment(now, counter, round);
        }
    }

    /// Sends the next fragment of a round, and those after it if there is no pause between them.
    pub(super) fn next_fragment(&mut self, now: Micros, counter: u32, round: u32) {
        let Some(settings) = self.settings.fragments else { return };
        loop {
            let Some(sending) = self.find_sending(counter).filter(|sending| sending.round == round) else {
                return;
            };
            let Some(number) = sending.due.pop_front() else { return };
            let count = sending.fragments.len() as u8;
            let fragment = Datagram {
                kind: Kind::Fragment(Place { number, count }),
                attempt: sending.attempt,
                bytes: Rc::clone(&sending.fragments[usize::from(number)]),
                ..sending.frame.clone()
            };
            sending.next = now + settings.pause;
            let is_last = sending.due.is_empty();
            let overdue = now + self.ack_wait(&fragment);
            self.carry(now, fragment);
            if is_last {
                self.queue.put(overdue, Event::WindowOverdue(counter, round));
                return;
            }
            if settings.pause > 0 {
                self.queue.put(now + settings.pause, Event::NextFragment(counter, round));
                return;
            }
        }
    }

    /// Sends the window again, or gives the frame up.
    pub(super) fn window_overdue(&mut self, now: Micros, counter: u32, round: u32) {
        if self.find_sending(counter).is_some_and(|sending| sending.round == round) {
            self.repeat_round(now, counter);
        }
    }

    fn repeat_round(&mut self, now: Micros, counter: u32) {
        let Some(sending) = self.find_sending(counter) else { return };
        if sending.attempt >= RETRIES {
            return self.settle_fragments(counter, DeliveryReport::Failed);
        }
        sending.attempt += 1;
        self.begin_round(now, counter);
    }

    /// Takes the acknowledgement of the window that starts with the fragment `first`.
    pub(super) fn fragments_acknowledged(&mut self, now: Micros, counter: u32, first: u8, arrived: u8) {
        let Some(size) = self.settings.fragments.map(|settings| settings.window) else { return };
        let Some(sending) = self.find_sending(counter).filter(|sending| sending.window.start == first) else {
            return;
        };
        sending.acknowledged |= arrived;
        let Range { start, end } = sending.window;
        if sending.acknowledged.count_ones() < u32::from(end - start) {
            return self.repeat_round(now, counter);
        }
        let count = sending.fragments.len() as u8;
        if end == count {
            return self.settle_fragments(counter, DeliveryReport::Acknowledged);
        }
        sending.window = Place { number: end, count }.window(size);
        (sending.acknowledged, sending.attempt) = (0, 0);
        self.begin_round(now, counter);
    }

    fn settle_fragments(&mut self, counter: u32, delivery: DeliveryReport) {
        self.receiving.retain(|receiving| receiving.counter != counter);
        let place = self.sending.iter().position(|sending| sending.frame.counter == counter);
        let Some(Sending { frame, token, .. }) = place.map(|place| self.sending.swap_remove(place)) else {
            return;
        };
        self.report(frame.from, token, delivery);
    }

    /// Takes a fragment, acknowledges its window if it is the last one to come, and passes a whole frame to its receiver.
    pub(super) fn fragment_arrived(&mut self, now: Micros, fragment: Datagram, place: Place) {
        let Some(size) = self.settings.fragments.map(|settings| settings.window) else { return };
        let counter = fragment.counter;
        // Late copies of a frame that its sender has finished.
        if self.find_sending(counter).is_none() {
            return;
        }
        let known = self.receiving.iter().position(|receiving| receiving.counter == counter);
        let known = known.unwrap_or_else(|| {
            let fragments = vec![None; usize::from(place.count)];
            self.receiving.push(Receiving { counter, fragments, is_delivered: false });
            self.receiving.len() - 1
        });
        let receiving = &mut self.receiving[known];
        let slot = &mut receiving.fragments[usize::from(place.number)];
        let is_new = slot.is_none();
        slot.get_or_insert(Rc::clone(&fragment.bytes));
        let window = place.window(size);
        let (first, last) = (window.start, window.end - 1);
        let mut arrived = 0;
        for number in window.clone() {
            let is_here = receiving.fragments[usize::from(number)].is_some();
            arrived |= u8::from(is_here) << (number - first);
        }
        let is_whole_window = arrived.count_ones() == window.len() as u32;
        let whole: Option<Vec<u8>> = if receiving.is_delivered {
            None
        } else {
            receiving
                .fragments
                .iter()
                .map(Option::as_deref)
                .collect::<Option<Vec<_>>>()
                .map(|all| all.concat())
        };
        receiving.is_delivered |= whole.is_some();
        let Datagram { from, to, attempt, secured, .. } = fragment;
        if place.number == last || (is_new && is_whole_window) {
            let kind = Kind::FragmentAck { first, arrived };
            let bytes = [].into();
            self.carry(now, Datagram { from: to, to: from, kind, counter, attempt, secured: false, bytes });
        }
        if let Some(bytes) = whole {
            let bytes = bytes.into();
            self.arrivals.push_back(Arrival::Frame { from, to, broadcast: false, secured, bytes });
        }
    }

    /// Drops what a node without memory was sending in fragments.
    pub(super) fn forget_fragments(&mut self, node: crate::radio::Node) {
        self.sending.retain(|sending| sending.frame.from != node);
        let left: Vec<u32> = self.sending.iter().map(|sending| sending.frame.counter).collect();
        self.receiving.retain(|receiving| left.contains(&receiving.counter));
    }
}

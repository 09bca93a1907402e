//! What carries frames between nodes, end to end: a carrier, APS acknowledgements above it, and what goes wrong.
//!
//! ```text
//!   send --> APS: retry, report --> carrier: radio channel, or at once --> parent of a sleeper: holds
//!                                                                               |
//!   poll <-- APS: acknowledge <-- hazards: loss, bursts, delay, copies ... <----+
//! ```
//!
//! Hazards strike frames that have come to their receiver, the whole frame or nothing, acknowledgements of APS
//! included: that is loss end to end, after all of the MAC's own retries.

mod aps_retries;
mod faults;
mod sleepy_devices;

use std::collections::VecDeque;
use std::rc::Rc;

use zigbee_ota::aps::{DeliveryReport, TransmitToken};

use crate::radio::{Node, Radio, Topology, Traffic, timing};
use crate::{Agenda, Micros};
use aps_retries::Pending;
use faults::Weather;
pub use faults::{Burst, Fate, Hazards};
pub use sleepy_devices::HELD;

/// What lies between the nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The radio channel, its clients not counted yet; without it frames arrive at once, but for the hazards.
    pub radio: Option<Hops>,
    /// What goes wrong.
    pub hazards: Hazards,
    /// Which frames APS acknowledges.
    pub aps_acks: ApsAcks,
    /// Whether senders are told what became of acknowledged frames.
    pub reports: bool,
    /// Whether a frame that APS repeats is kept from a receiver that has it.
    pub suppress_copies: bool,
}

impl Default for Settings {
    /// At once, always, and without APS acknowledgements.
    fn default() -> Self {
        Self {
            radio: None,
            hazards: Hazards::NONE,
            aps_acks: ApsAcks::Off,
            reports: false,
            suppress_copies: true,
        }
    }
}

/// How far clients are from their server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hops {
    /// 1 without a relay.
    pub hops: u16,
    /// What each relay takes to pass a frame on.
    pub relay_delay: Micros,
}

/// Which frames APS acknowledges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApsAcks {
    /// None.
    Off,
    /// Those for which their sender asks.
    AsAsked,
}

/// A frame, end to end.
#[derive(Clone, Debug)]
pub struct Datagram {
    /// Who sent it.
    pub from: Node,
    /// Who gets it.
    pub to: Node,
    kind: Kind,
    /// APS counter; an acknowledgement repeats it.
    counter: u32,
    /// Which try it is.
    attempt: u8,
    /// Encrypted by APS.
    secured: bool,
    bytes: Rc<[u8]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Data {
        acknowledged: bool,
    },
    Broadcast,
    Ack,
    /// A sleeper asks its parent for frames.
    Poll,
}

impl Datagram {
    /// Bytes of its MPDU.
    #[must_use]
    pub fn mpdu(&self) -> usize {
        match self.kind {
            Kind::Data { .. } | Kind::Broadcast | Kind::Ack => {
                timing::HEADERS + self.bytes.len() + if self.secured { timing::APS_SECURITY } else { 0 }
            }
            Kind::Poll => timing::DATA_REQUEST,
        }
    }
}

/// What a node is told.
#[derive(Clone, Debug)]
pub enum Arrival {
    /// A frame came.
    Frame {
        /// From whom.
        from: Node,
        /// To whom.
        to: Node,
        /// Whether it went to all.
        broadcast: bool,
        /// Whether it came encrypted by APS.
        secured: bool,
        /// The ZCL frame.
        bytes: Rc<[u8]>,
    },
    /// What became of a frame.
    Report {
        /// Whose.
        sender: Node,
        /// Which.
        token: TransmitToken,
        /// How it went.
        delivery: DeliveryReport,
    },
}

/// A frame to send.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// From whom.
    pub from: Node,
    /// To whom.
    pub to: Node,
    /// The ZCL frame.
    pub bytes: &'a [u8],
    /// Whether its sender asks for an APS acknowledgement.
    pub ack: bool,
    /// Whether it asks for APS encryption.
    pub secured: bool,
    /// Names it in reports.
    pub token: TransmitToken,
}

/// Server and clients, and what is between them.
#[derive(Debug)]
pub struct Net {
    settings: Settings,
    radio: Option<Radio>,
    weather: Weather,
    agenda: Agenda<Event>,
    pending: Vec<Pending>,
    /// Frames for sleepers, which their parent has: until when, and for whom.
    held: Vec<(Micros, Datagram)>,
    sleepers: Vec<bool>,
    counter: u32,
    arrivals: VecDeque<Arrival>,
}

#[derive(Debug)]
enum Event {
    /// It is with its receiver.
    Deliver(Datagram),
    /// No acknowledgement came for the frame with this counter.
    Overdue(u32),
}

impl Net {
    /// A network of a server, node 0, and so many clients from 1 on.
    #[must_use]
    pub fn new(settings: Settings, clients: u16, seed: u64) -> Self {
        let topology = |Hops { hops, relay_delay }| Topology { clients, hops, relay_delay };
        Self {
            radio: settings.radio.map(|hops| Radio::new(topology(hops), seed)),
            weather: Weather::new(settings.hazards.clone(), seed ^ 0x5eed),
            settings,
            agenda: Agenda::default(),
            pending: Vec::new(),
            held: Vec::new(),
            sleepers: vec![false; usize::from(clients) + 1],
            counter: 0,
            arrivals: VecDeque::new(),
        }
    }

    /// What went over the radio channel.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.radio.as_ref().map(Radio::traffic).unwrap_or_default()
    }

    /// Frames, acknowledgements not counted, that came to their receiver before hazards struck.
    #[must_use]
    pub const fn carried(&self) -> u64 {
        self.weather.count()
    }

    /// Takes a frame.
    pub fn send(&mut self, now: Micros, frame: Outgoing<'_>) {
        let acknowledged = frame.ack && self.settings.aps_acks == ApsAcks::AsAsked;
        self.counter += 1;
        let datagram = Datagram {
            from: frame.from,
            to: frame.to,
            kind: Kind::Data { acknowledged },
            counter: self.counter,
            attempt: 0,
            secured: frame.secured,
            bytes: frame.bytes.into(),
        };
        if acknowledged {
            self.expect_ack(now, &datagram, frame.token);
        }
        self.carry(now, datagram);
    }

    /// Takes a frame of the server's for all clients that are awake. It takes no time on the channel, and is not repeated.
    pub fn broadcast(&mut self, now: Micros, bytes: &[u8]) {
        let bytes: Rc<[u8]> = bytes.into();
        for to in (1..).take(self.sleepers.len() - 1) {
            if !self.sleepers[usize::from(to)] {
                let bytes = Rc::clone(&bytes);
                self.strike(
                    now,
                    Datagram {
                        from: 0,
                        to,
                        kind: Kind::Broadcast,
                        counter: 0,
                        secured: false,
                        attempt: 0,
                        bytes,
                    },
                );
            }
        }
    }

    /// When something happens next.
    #[must_use]
    pub fn next(&self) -> Option<Micros> {
        let radio = self.radio.as_ref().and_then(Radio::next);
        [radio, self.agenda.next()].into_iter().flatten().min()
    }

    /// What a node is told by `now`. Call until it is `None`, before anything else is sent.
    pub fn poll(&mut self, now: Micros) -> Option<Arrival> {
        loop {
            if let Some(arrival) = self.arrivals.pop_front() {
                return Some(arrival);
            }
            if let Some((station, datagram)) = self.radio.as_mut().and_then(|radio| radio.poll(now)) {
                self.at_station(now, station, datagram);
                continue;
            }
            match self.agenda.take(now)? {
                (_, Event::Deliver(datagram)) => self.deliver(now, datagram),
                (_, Event::Overdue(counter)) => self.overdue(now, counter),
            }
        }
    }

    fn parent(&self) -> Node {
        self.radio.as_ref().map_or(0, Radio::parent)
    }

    fn carry(&mut self, now: Micros, datagram: Datagram) {
        let (from, parent) = (datagram.from, self.parent());
        match (&mut self.radio, self.sleepers[usize::from(datagram.to)]) {
            (_, true) if from == parent => self.hold(now, datagram),
            (Some(radio), true) => radio.carry(now, from, parent, datagram),
            (Some(radio), false) => radio.carry(now, from, datagram.to, datagram),
            (None, _) => self.at_station(now, datagram.to, datagram),
        }
    }

    /// It has come to the end of what the carrier was asked for.
    fn at_station(&mut self, now: Micros, station: Node, datagram: Datagram) {
        match datagram.kind {
            Kind::Poll => self.release(now, datagram.from),
            _ if station != datagram.to => self.hold(now, datagram),
            _ => self.strike(now, datagram),
        }
    }

    /// Lets the hazards have their way with it.
    fn strike(&mut self, now: Micros, datagram: Datagram) {
        let counts = matches!(datagram.kind, Kind::Data { .. } | Kind::Broadcast);
        for (delay, damage) in self.weather.fates(now, counts).into_iter().flatten() {
            let mut datagram = datagram.clone();
            if let Some(place) = damage {
                datagram.damage(place);
            }
            self.agenda.put(now + delay, Event::Deliver(datagram));
        }
    }
}

impl Datagram {
    /// Turns one bit over.
    fn damage(&mut self, place: usize) {
        let mut bytes = self.bytes.to_vec();
        let bits = bytes.len() * 8;
        if bits > 0 {
            let bit = place % bits;
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        self.bytes = bytes.into();
    }
}

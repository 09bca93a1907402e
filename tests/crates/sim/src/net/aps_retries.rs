//! APS acknowledgements: up to three retries after 1.6 s each, then a failed delivery report.

use zigbee_ota::aps::{DeliveryReport, TransmitToken};

use super::{Arrival, Datagram, Event, HELD, Kind, Net, RETRIES};
use crate::Micros;
use crate::radio::Node;

/// apscAckWaitDuration as common stacks set it.
const ACK_WAIT: Micros = 1_600_000;

/// Frame in flight that waits for its APS acknowledgement.
#[derive(Debug)]
pub(super) struct Pending {
    datagram: Datagram,
    token: TransmitToken,
    /// Attempt that reached the receiver first.
    delivered: Option<u8>,
}

impl Net {
    pub(super) fn expect_ack(&mut self, now: Micros, datagram: &Datagram, token: TransmitToken) {
        self.pending.push(Pending { datagram: datagram.clone(), token, delivered: None });
        self.queue.put(now + self.ack_wait(datagram), Event::Overdue(datagram.counter));
    }

    /// Expects the report of a frame that the carrier delivers or loses without retries of this layer.
    pub(super) fn expect_report(&mut self, datagram: &Datagram, token: TransmitToken) {
        self.pending.push(Pending { datagram: datagram.clone(), token, delivered: None });
    }

    pub(super) fn known(&mut self, counter: u32, delivery: DeliveryReport) {
        if let Some(place) = self.find(counter) {
            self.settle(place, delivery);
        }
    }

    /// Timeout of the acknowledgement, longer when one of both sides is a sleepy device.
    pub(super) fn ack_wait(&self, datagram: &Datagram) -> Micros {
        let sleeps = [datagram.from, datagram.to].iter().any(|node| self.sleepers[usize::from(*node)]);
        if sleeps { ACK_WAIT + HELD } else { ACK_WAIT }
    }

    fn find(&self, counter: u32) -> Option<usize> {
        self.pending.iter().position(|pending| pending.datagram.counter == counter)
    }

    pub(super) fn overdue(&mut self, now: Micros, counter: u32) {
        let Some(place) = self.find(counter) else { return };
        let pending = &mut self.pending[place];
        if pending.datagram.attempt >= RETRIES {
            return self.settle(place, DeliveryReport::Failed);
        }
        pending.datagram.attempt += 1;
        let datagram = pending.datagram.clone();
        self.queue.put(now + self.ack_wait(&datagram), Event::Overdue(counter));
        self.carry(now, datagram);
    }

    fn settle(&mut self, place: usize, delivery: DeliveryReport) {
        let Pending { datagram, token, .. } = self.pending.swap_remove(place);
        self.report(datagram.from, token, delivery);
    }

    /// Reports the delivery of a frame to its sender, if the sender receives reports.
    pub(super) fn report(&mut self, sender: Node, token: TransmitToken, delivery: DeliveryReport) {
        let told = self.settings.reports && (sender == 0 || self.settings.reports_to_clients);
        if told && token != TransmitToken::NONE {
            self.arrivals.push_back(Arrival::Report { sender, token, delivery });
        }
    }

    /// Passes the frame to its receiver.
    pub(super) fn deliver(&mut self, now: Micros, datagram: Datagram) {
        if let Kind::Fragment(place) = datagram.kind {
            return self.fragment_arrived(now, datagram, place);
        }
        let Datagram { from, to, kind, counter, attempt, secured, bytes } = datagram;
        match kind {
            Kind::Data { acknowledged } => {
                let pending = self.find(counter).map(|place| &mut self.pending[place]);
                let first = pending.is_none_or(|p| *p.delivered.get_or_insert(attempt) == attempt);
                // The acknowledgement is queued before the application can respond.
                if acknowledged {
                    let bytes = [].into();
                    let ack = Datagram {
                        from: to,
                        to: from,
                        kind: Kind::Ack,
                        counter,
                        attempt,
                        secured: false,
                        bytes,
                    };
                    self.carry(now, ack);
                }
                if first || !self.settings.suppress_copies {
                    self.arrivals.push_back(Arrival::Frame { from, to, broadcast: false, secured, bytes });
                }
            }
            Kind::Broadcast => {
                self.arrivals.push_back(Arrival::Frame { from, to, broadcast: true, secured, bytes })
            }
            Kind::Ack => {
                if let Some(place) = self.find(counter) {
                    self.settle(place, DeliveryReport::Acknowledged);
                }
            }
            Kind::FragmentAck { first, arrived } => self.fragments_acknowledged(now, counter, first, arrived),
            Kind::Fragment(_) | Kind::Poll => {}
        }
    }

    /// Drops all pending acknowledgements of a node that has lost its memory.
    pub fn forget(&mut self, node: Node) {
        self.pending.retain(|pending| pending.datagram.from != node);
        self.forget_fragments(node);
    }
}

//! Host of the server: files, policy and processing times; or a model of another stack.

use zigbee_ota::aps::{Address, DeliveryMode, DeliveryReport, FrameMeta, Transmit, TransmitToken};
use zigbee_ota::file::SplitFile;
use zigbee_ota::server::{Server, ServerAction, Session, SlotStore, StoreEntry};
use zigbee_ota::zcl::{ImageNotify, LONGEST_TO_CLIENT};
use zigbee_ota::{ImageId, time::Instant};

use super::Check;
use super::report::FromServer;
use super::settings::{Host as Settings, Incident, Notify};
use super::{Context, Wake, hex, instant, node_of};
use crate::Micros;
use crate::foreign::{ForeignServer, Sent};
use crate::net::Outgoing;
use crate::upgrade_countdown_policy::Countdown;

/// Response that is ready to be sent.
#[derive(Debug)]
pub(super) struct Answer {
    bytes: Vec<u8>,
    transmit: Transmit,
    /// Number of the server start that made the response.
    epoch: u32,
}

/// Server with its files.
pub(super) struct Host<'a> {
    settings: Settings,
    server: Server<Vec<Session>>,
    files: &'a [StoreEntry<'a>],
    shelf: SlotStore<[Option<StoreEntry<'a>>; 1]>,
    policy: Countdown,
    /// Additional verification of the whole file by clients.
    pub(super) check: Option<&'a Check<'a>>,
    epoch: u32,
    /// Time at which the current response is finished.
    free_at: Micros,
    pub(super) sent: FromServer,
    /// Stack of another maker, which serves instead of `server`.
    foreign: Option<ForeignServer>,
    /// End of an outage.
    off_until: Micros,
}

type Frame = [u8; LONGEST_TO_CLIENT];

impl<'a> Host<'a> {
    pub(super) fn new(settings: Settings, files: &'a [StoreEntry<'a>]) -> Self {
        Self {
            settings,
            server: server(&settings),
            files,
            shelf: SlotStore::new([files.first().copied()]),
            policy: Countdown(settings.countdown),
            check: None,
            epoch: 0,
            free_at: 0,
            sent: FromServer::default(),
            foreign: settings.model.map(|model| {
                let file = files.first().map(StoreEntry::file);
                ForeignServer::new(model, file).with_operator(settings.operator)
            }),
            off_until: 0,
        }
    }

    /// Sends Image Notify to clients.
    pub(super) fn notify(&mut self, context: &mut Context<'_>, clients: impl Iterator<Item = Address>) {
        if let Some(foreign) = &mut self.foreign {
            if self.settings.notify.is_some() {
                clients.for_each(|client| foreign.notify(context.now, node_of(client)));
            }
            return self.drain_outputs(context);
        }
        let mut out: Frame = [0; LONGEST_TO_CLIENT];
        let mut tell = |to, delivery, notify| {
            let transmit = self.server.notify(to, delivery, notify, &mut out).expect("a jitter of 1 to 100");
            self.sent.others += 1;
            send(context, &out[..transmit.len], transmit);
        };
        match self.settings.notify {
            Some(Notify::Unicast) => {
                clients.for_each(|client| tell(client, DeliveryMode::Unicast, ImageNotify::UNICAST));
            }
            Some(Notify::Broadcast(notify)) => tell(Address::ALL_AWAKE, DeliveryMode::Broadcast, notify),
            None => {}
        }
    }

    pub(super) fn next(&self) -> Option<Micros> {
        if let Some(foreign) = &self.foreign {
            return foreign.poll_timeout().map(|at| at.max(self.off_until));
        }
        self.server.poll_timeout().map(|at| at.as_millis() * 1000)
    }

    pub(super) fn receive(&mut self, context: &mut Context<'_>, meta: FrameMeta, frame: &[u8]) {
        if context.now < self.off_until || (self.settings.one_at_a_time && context.now < self.free_at) {
            return;
        }
        if let Some(foreign) = &mut self.foreign {
            foreign.handle_frame(context.now, node_of(meta.from), frame);
            return self.drain_outputs(context);
        }
        let (now, mut out): (Instant, Frame) = (instant(context.now), [0; LONGEST_TO_CLIENT]);
        let (shelf, policy) = (&mut self.shelf, &mut self.policy);
        let handled = self.server.handle_frame(now, meta, frame, shelf, policy, &mut out);
        if let ServerAction::Reply(transmit) = handled {
            self.work(context, &out, transmit);
        }
        self.drain_outputs(context);
    }

    pub(super) fn delivered(
        &mut self,
        context: &mut Context<'_>,
        token: TransmitToken,
        report: DeliveryReport,
    ) {
        self.server.handle_delivery(instant(context.now), token, report);
        self.drain_outputs(context);
    }

    /// Runs the timers of the server and drains its outputs.
    pub(super) fn drain_outputs(&mut self, context: &mut Context<'_>) {
        if self.foreign.is_some() {
            return self.drain_foreign(context);
        }
        let (now, mut out): (Instant, Frame) = (instant(context.now), [0; LONGEST_TO_CLIENT]);
        while let Some(transmit) = self.server.poll_transmit(now, &mut self.shelf, &mut out) {
            self.work(context, &out, transmit);
        }
        self.server.handle_timeout(now);
        while self.server.poll_event().is_some() {}
    }

    /// Sends all that a stack of another maker has to send now.
    fn drain_foreign(&mut self, context: &mut Context<'_>) {
        let Some(foreign) = self.foreign.as_mut().filter(|_| context.now >= self.off_until) else { return };
        foreign.handle_timeout(context.now);
        while let Some(Sent { to, frame, ack }) = foreign.poll_transmit(context.now) {
            self.sent.count(&frame);
            context.trace(0, || format!("sends {}", hex(&frame)));
            match to {
                Some(to) => {
                    let token = TransmitToken::NONE;
                    let bytes = &frame;
                    context
                        .net
                        .send(context.now, Outgoing { from: 0, to, bytes, ack, secured: false, token });
                }
                None => context.net.broadcast(context.now, &frame),
            }
        }
    }

    /// Schedules a response at the end of its processing time.
    fn work(&mut self, context: &mut Context<'_>, out: &Frame, transmit: Transmit) {
        let Settings { serial, delay, .. } = self.settings;
        let from = if serial { self.free_at.max(context.now) } else { context.now };
        self.free_at = from + delay;
        let bytes = out[..transmit.len].to_vec();
        context.queue.put(self.free_at, Wake::Answer(Answer { bytes, transmit, epoch: self.epoch }));
    }

    pub(super) fn send_response(&mut self, context: &mut Context<'_>, answer: &Answer) {
        if answer.epoch != self.epoch {
            return;
        }
        self.sent.count(&answer.bytes);
        context.trace(0, || format!("answers {}", hex(&answer.bytes)));
        send(context, &answer.bytes, answer.transmit);
    }

    pub(super) fn apply_incident(&mut self, context: &mut Context<'_>, incident: Incident) {
        context.trace(0, || format!("{incident:?}"));
        let (first, second) = (self.files.first(), self.files.get(1));
        match incident {
            Incident::Restart => self.restart(context, context.now),
            Incident::Outage(time) => {
                self.off_until = context.now + time;
                self.restart(context, self.off_until);
            }
            Incident::Lose => self.offer(None),
            Incident::Return => self.offer(first.copied()),
            Incident::Swap => self.offer(second.copied()),
            Incident::Slow(delay) => self.settings.delay = delay,
        }
    }

    /// Restarts the server, which keeps nothing but its files, at `back_at`.
    fn restart(&mut self, context: &mut Context<'_>, back_at: Micros) {
        self.server = server(&self.settings);
        if let Some(foreign) = &mut self.foreign {
            foreign.restart(back_at);
        }
        self.epoch += 1;
        self.free_at = 0;
        context.net.forget(0);
    }

    /// Replaces the file on offer.
    fn offer(&mut self, entry: Option<StoreEntry<'a>>) {
        self.shelf = SlotStore::new([entry]);
        if let Some(foreign) = &mut self.foreign {
            foreign.set_file(entry.as_ref().map(StoreEntry::file));
        }
    }

    /// Whether `contents` are a file of this image that was offered at any time.
    pub(super) fn has_file(&self, id: ImageId, contents: &[u8]) -> bool {
        self.files.iter().any(|entry| entry.info().id == id && entry.file() == contents)
    }

    /// Returns the files that were offered at any time.
    pub(super) fn files(&self) -> impl Iterator<Item = (ImageId, &'a [u8])> + use<'a, '_> {
        self.files.iter().map(|entry| (entry.info().id, entry.file()))
    }
}

fn server(settings: &Settings) -> Server<Vec<Session>> {
    Server::new(settings.config, vec![Session::EMPTY; usize::from(settings.slots)])
}

fn send(context: &mut Context<'_>, bytes: &[u8], transmit: Transmit) {
    let Transmit { to, delivery, aps_ack: ack, aps_security: secured, token, .. } = transmit;
    match delivery {
        DeliveryMode::Unicast => {
            context.net.send(context.now, Outgoing { from: 0, to: node_of(to), bytes, ack, secured, token });
        }
        DeliveryMode::Multicast | DeliveryMode::Broadcast => context.net.broadcast(context.now, bytes),
    }
}

/// Whether `bytes` are a complete, well-formed file of image `id`; damage that needs a digest is not detected.
pub(super) fn is_well_formed(bytes: &[u8], id: ImageId) -> bool {
    let parts =
        SplitFile::parse(bytes).ok().filter(|parts| parts.header.id == id && parts.trailing.is_empty());
    parts.is_some_and(|parts| parts.elements().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{self, Arrival, Hops, Net};
    use crate::{EventQueue, file_of};
    use zigbee_ota::Encode;
    use zigbee_ota::zcl::{Frame, ImagePageRequest, ToServer};

    /// Duration in milliseconds of a page of 4096 bytes over the radio channel, from the request to the last block.
    fn page(settings: Settings, spacing: u16) -> f64 {
        let file = file_of(5000, 0);
        let entries = [StoreEntry::parse(&file).unwrap()];
        let mut host = Host::new(settings, &entries);
        let radio = Some(Hops { hops: 1, relay_delay: 0 });
        let mut net = Net::new(net::Settings { radio, ..net::Settings::default() }, 1, 1);
        let mut queue = EventQueue::default();
        let (id, node) = (entries[0].info().id, None);
        let mut request = ImagePageRequest::new(id, 0, 64, 4096, spacing);
        request.node = node;
        let mut out = [0; 40];
        let len = Frame::to_server(7, ToServer::ImagePage(request)).encode(&mut out).unwrap();
        net.send(
            0,
            Outgoing {
                from: 1,
                to: 0,
                bytes: &out[..len],
                ack: false,
                secured: false,
                token: TransmitToken::NONE,
            },
        );
        let (mut blocks, mut now) = (0, 0);
        while blocks < 64 {
            now = [net.next(), queue.next(), host.next()].into_iter().flatten().min().unwrap().max(now);
            let context = &mut Context { now, net: &mut net, queue: &mut queue, trace: false };
            host.drain_outputs(context);
            while let Some((_, wake)) = context.queue.take(now) {
                let Wake::Answer(answer) = wake else { unreachable!("nothing else was put in") };
                host.send_response(context, &answer);
            }
            while let Some(Arrival::Frame { from, to, bytes, .. }) = context.net.poll(now) {
                match to {
                    0 => host.receive(context, FrameMeta::unicast(super::super::address_of(from)), &bytes),
                    _ => blocks += 1,
                }
            }
        }
        assert_eq!(host.sent.total(), 64);
        now as f64 / 1000.0
    }

    /// t = request + server delay + 63 · max(response + LIFS, spacing or serial delay) + response. The server keeps a
    /// spacing of at least 10 ms.
    #[test]
    fn a_page_takes_the_time_of_the_model() {
        let parallel = Settings { delay: 10_000, ..Settings::default() };
        let serial = Settings { serial: true, ..parallel };
        let table = [
            (parallel, 0, 4.288 + 10.0 + 63.0 * 10.0 + 6.208),
            (parallel, 20, 4.288 + 10.0 + 63.0 * 20.0 + 6.208),
            (serial, 0, 4.288 + 10.0 + 63.0 * 10.0 + 6.208),
        ];
        for (settings, spacing, model) in table {
            let measured = page(settings, spacing);
            assert!((measured / model - 1.0).abs() < 0.04, "{measured} instead of {model}");
        }
    }
}

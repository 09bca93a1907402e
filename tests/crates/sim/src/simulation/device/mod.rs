//! One client with what it runs on: flash that takes its time, an application that thinks, power that fails.

mod jobs;
mod power_cuts;

use std::collections::VecDeque;

use zigbee_ota::ImageId;
use zigbee_ota::aps::{DeliveryReport, FrameMeta, Transmit, TransmitToken};
use zigbee_ota::client::{self, Checkpoint, Client, ClientAction, ClientEvent, Outcome, WaitingFor};
use zigbee_ota::zcl::LONGEST_TO_SERVER;

use super::report::{Broken, End, Life};
use super::request_checker::Watch;
use super::server_host::Host;
use super::settings::{Cut, Device as Settings};
use super::{Context, Wake, hex, instant};
use crate::net::Outgoing;
use crate::radio::Node;
use crate::{Flash, Micros};
use jobs::Job;

/// Queries in a row without an image, after which nothing more is expected.
const QUERIES: u32 = 10;

/// Calls at one moment, or frames, after which a client will never rest.
const MOST_CALLS: u32 = 1000;

/// A client, what it stores to, and what is known of it.
pub(super) struct Device {
    node: Node,
    settings: Settings,
    config: client::ClientConfig,
    seed: u64,
    patience: Micros,
    client: Client,
    flash: Flash,
    /// The first one is under way.
    jobs: VecDeque<Job>,
    busy: bool,
    /// What it goes on from, while it is off.
    off: Option<Option<Checkpoint>>,
    /// Starts so far: what was put into the agenda before counts no more.
    starts: u32,
    /// When the world looks after it next.
    armed: Option<Micros>,
    cuts: Vec<Cut>,
    watch: Watch,
    verified: Option<ImageId>,
    /// Queries in a row without an image.
    queries: u32,
    progress: Micros,
    /// When the clock called it last, and how often at that moment.
    called: Micros,
    calls: u32,
    pub(super) life: Life,
    pub(super) broken: Vec<Broken>,
}

impl Device {
    pub(super) fn new(node: Node, settings: &super::Settings) -> Self {
        let (mut config, seed) = (settings.client, settings.seed ^ u64::from(node) << 32);
        // Devices are not switched on at the same moment.
        config.first_query_delay.0 += settings.stagger.0 * u32::from(node.saturating_sub(1));
        let cuts = settings.cuts.iter().filter(|(of, _)| *of == node).map(|(_, cut)| *cut).collect();
        Self {
            node,
            settings: settings.device,
            config,
            seed,
            patience: settings.patience,
            client: Client::new(config, seed, instant(0)),
            flash: Flash::new(0),
            jobs: VecDeque::new(),
            busy: false,
            off: None,
            starts: 0,
            armed: None,
            cuts,
            watch: Watch::new(config.min_block_period, config.cluster_revision, !settings.device.digest),
            verified: None,
            queries: 0,
            progress: 0,
            called: 0,
            calls: 0,
            life: Life::default(),
            broken: Vec::new(),
        }
    }

    /// When the power fails by the clock, and the first poll of a sleeper.
    pub(super) fn begin(&mut self, context: &mut Context<'_>, host: &Host<'_>) {
        for cut in &self.cuts {
            if let Cut::At(at) = cut {
                context.agenda.put(*at, Wake::Cut(self.node));
            }
        }
        if self.settings.sleep.is_some() {
            context.net.set_sleepy(self.node);
            self.poll_parent(context, 0);
        }
        self.settle(context, host);
    }

    pub(super) const fn is_done(&self) -> bool {
        self.life.end.is_some()
    }

    /// How long it has come to nothing new.
    pub(super) const fn idle(&self, now: Micros) -> Micros {
        now.saturating_sub(self.progress)
    }

    pub(super) fn finish(&mut self, now: Micros, end: End) {
        if self.is_done() {
            return;
        }
        if end == End::Stalled {
            self.broken.push(Broken::Stalled);
        }
        (self.life.end, self.life.ended) = (Some(end), now);
    }

    const fn hears(&self) -> bool {
        self.off.is_none() && !self.is_done()
    }

    pub(super) fn hear(&mut self, context: &mut Context<'_>, host: &Host<'_>, meta: FrameMeta, frame: &[u8]) {
        if !self.hears() {
            return;
        }
        context.tell(self.node, || format!("hears {}", hex(frame)));
        self.watch.hear(frame);
        match self.client.handle_frame(instant(context.now), meta, frame) {
            ClientAction::Store(block) => {
                let write = Job::Write(block.ticket, block.offset, block.data.to_vec());
                self.jobs.push_back(write);
            }
            // The simulated servers read no attributes.
            _ => {}
        }
        self.after_input(context, host);
    }

    pub(super) fn delivered(
        &mut self,
        context: &mut Context<'_>,
        host: &Host<'_>,
        token: TransmitToken,
        report: DeliveryReport,
    ) {
        if self.hears() {
            self.client.handle_delivery(instant(context.now), token, report);
            self.after_input(context, host);
        }
    }

    /// It may be time for something.
    pub(super) fn wake(&mut self, context: &mut Context<'_>, host: &Host<'_>, at: Micros) {
        if self.armed == Some(at) {
            self.armed = None;
        }
        if !self.hears() || self.is_restless(context.now) {
            return;
        }
        if self.client.poll_timeout().is_some_and(|due| due <= instant(context.now)) {
            self.client.handle_timeout(instant(context.now));
            self.after_input(context, host);
        } else {
            self.arm(context);
        }
    }

    /// Whether it wants to be called again and again at one moment.
    fn is_restless(&mut self, now: Micros) -> bool {
        self.calls = if self.called == now { self.calls + 1 } else { 0 };
        self.called = now;
        if self.calls > MOST_CALLS {
            self.broken.push(Broken::Restless);
            self.finish(now, End::Stalled);
        }
        self.calls > MOST_CALLS
    }

    /// A poll of a sleeper; the next one is put in.
    pub(super) fn poll_parent(&mut self, context: &mut Context<'_>, starts: u32) {
        let Some((often, seldom)) = self.settings.sleep.filter(|_| self.hears() && starts == self.starts)
        else {
            return;
        };
        context.net.poll_parent(context.now, self.node);
        let pause = if self.client.waiting_for() == WaitingFor::Server { often } else { seldom };
        context.agenda.put(context.now + pause, Wake::Poll(self.node, starts));
    }

    /// The job under way is done.
    pub(super) fn worked(&mut self, context: &mut Context<'_>, host: &Host<'_>, starts: u32) {
        if starts != self.starts || !self.hears() {
            return;
        }
        self.busy = false;
        if let Some(job) = self.jobs.pop_front() {
            self.done(context, host, job);
        }
        self.after_input(context, host);
    }

    fn after_input(&mut self, context: &mut Context<'_>, host: &Host<'_>) {
        self.life.inputs += 1;
        self.settle(context, host);
        if self.cuts.contains(&Cut::Input(self.life.inputs)) {
            self.cut(context);
        }
    }

    /// Takes all that the client has to say, and does what takes no time.
    fn settle(&mut self, context: &mut Context<'_>, host: &Host<'_>) {
        let now = instant(context.now);
        let mut out = [0; LONGEST_TO_SERVER];
        loop {
            while let Some(event) = self.client.poll_event() {
                context.tell(self.node, || format!("{event:?}"));
                self.learn(context.now, host, event);
            }
            while !self.is_done()
                && let Some(transmit) = self.client.poll_transmit(now, &mut out)
            {
                if self.is_restless(context.now) {
                    break;
                }
                let frame = &out[..transmit.len];
                context.tell(self.node, || format!("sends {}", hex(frame)));
                self.broken.extend(self.watch.see(context.now, frame, &mut self.life.sent));
                if self.life.sent.block_requests + self.life.sent.page_requests > 0 {
                    self.life.first_request.get_or_insert(context.now);
                }
                let Transmit { aps_ack: ack, aps_security: secured, token, .. } = transmit;
                context.net.send(
                    context.now,
                    Outgoing { from: self.node, to: 0, bytes: frame, ack, secured, token },
                );
            }
            while let Some(need) = self.client.poll_need() {
                self.progress = context.now;
                self.jobs.push_back(Job::Meet(need));
            }
            if !self.work(context, host) {
                break;
            }
        }
        self.arm(context);
    }

    fn learn(&mut self, now: Micros, host: &Host<'_>, event: ClientEvent) {
        self.progress = now;
        match event {
            ClientEvent::NoImage(status) => {
                self.queries += 1;
                if self.queries >= QUERIES {
                    self.finish(now, End::NoImage(status));
                }
            }
            ClientEvent::Paused(Some(at)) | ClientEvent::CountingDown(at)
                if at > instant(now + self.patience) =>
            {
                self.finish(now, End::OrderedFor(at));
            }
            ClientEvent::Started(offer) => {
                self.queries = 0;
                self.watch.begin(offer);
            }
            ClientEvent::Ended(outcome) => {
                if let Outcome::Upgraded(id) = outcome {
                    self.life.identical = host.file(id).is_some_and(|file| file == self.flash.contents());
                    let wrong = (!self.life.identical).then_some(Broken::WrongFile(id));
                    let unverified = (self.verified != Some(id)).then_some(Broken::Unverified(id));
                    self.broken.extend([wrong, unverified].into_iter().flatten());
                }
                self.finish(now, End::Client(outcome));
            }
            _ => {}
        }
    }

    fn arm(&mut self, context: &mut Context<'_>) {
        let due = self.client.poll_timeout().filter(|_| self.hears());
        let Some(due) = due.map(|due| (due.as_millis() * 1000).max(context.now)) else { return };
        if self.armed.is_none_or(|armed| due < armed) {
            self.armed = Some(due);
            context.agenda.put(due, Wake::Client(self.node));
        }
    }

    /// At the end of the world.
    pub(super) const fn sum_up(&mut self) {
        self.life.sent.repeats += self.client.retries();
    }
}

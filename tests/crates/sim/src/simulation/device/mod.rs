//! Simulated device: one client with slow flash, a slow application and unreliable power.

mod flash_and_decision_jobs;
mod power_cuts;

use std::collections::VecDeque;

use zigbee_ota::ImageId;
use zigbee_ota::aps::{DeliveryReport, FrameMeta, Transmit, TransmitToken};
use zigbee_ota::client::{self, Checkpoint, Client, ClientAction, ClientEvent, Outcome, WaitingFor};
use zigbee_ota::time::UtcTime;
use zigbee_ota::zcl::LONGEST_TO_SERVER;

use super::report::{ClientReport, End, Violation};
use super::request_checker::RequestChecker;
use super::server_host::Host;
use super::settings::{Device as Settings, PowerCut};
use super::{Context, Wake, hex, instant};
use crate::net::Outgoing;
use crate::radio::Node;
use crate::{Flash, Micros};
use flash_and_decision_jobs::Job;

/// Number of successive queries without an image after which the client has ended.
const QUERIES: u32 = 10;

/// Maximum number of calls at one moment, or of frames, before the client counts as looping.
const MOST_CALLS: u32 = 1000;

/// Client with its flash and its statistics.
pub(super) struct Device {
    node: Node,
    settings: Settings,
    config: client::ClientConfig,
    seed: u64,
    patience: Micros,
    /// `true` if the client continues after a failed upgrade.
    persistent: bool,
    /// UTC time at the start of the simulation.
    utc: Option<UtcTime>,
    client: Client,
    flash: Flash,
    /// Queued jobs; the first one is in progress.
    jobs: VecDeque<Job>,
    busy: bool,
    /// Checkpoint to resume from while the device is off.
    off: Option<Option<Checkpoint>>,
    /// Number of starts so far; events scheduled before the last start are ignored.
    starts: u32,
    /// Time of the next scheduled call.
    armed: Option<Micros>,
    cuts: Vec<PowerCut>,
    watch: RequestChecker,
    verified: Option<ImageId>,
    /// Number of successive queries without an image.
    queries: u32,
    progress: Micros,
    /// Time for which the radio had been on at the first block request.
    radio_on_before: Micros,
    /// Time of the last timer call, and number of calls at that moment.
    called: Micros,
    calls: u32,
    pub(super) life: ClientReport,
    pub(super) violations: Vec<Violation>,
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
            persistent: settings.persistent,
            utc: settings.utc,
            client: Client::new(config, seed, instant(0)),
            flash: Flash::new(0),
            jobs: VecDeque::new(),
            busy: false,
            off: None,
            starts: 0,
            armed: None,
            cuts,
            watch: RequestChecker::new(
                config.min_block_period,
                config.supports_block_period.then_some(config.cluster_revision),
                !settings.device.digest,
            ),
            verified: None,
            queries: 0,
            progress: 0,
            radio_on_before: 0,
            called: 0,
            calls: 0,
            life: ClientReport::default(),
            violations: Vec::new(),
        }
    }

    /// Schedules the power failures by time, and the first poll of a sleepy device.
    pub(super) fn begin(&mut self, context: &mut Context<'_>, host: &Host<'_>) {
        for cut in &self.cuts {
            if let PowerCut::At(at) = cut {
                context.queue.put(*at, Wake::PowerCut(self.node));
            }
        }
        self.client.set_utc(instant(0), self.utc);
        if self.settings.sleep.is_some() {
            context.net.set_sleepy(self.node);
            self.poll_parent(context, 0);
        }
        self.drain_outputs(context, host);
    }

    pub(super) const fn is_done(&self) -> bool {
        self.life.end.is_some()
    }

    /// Time since the last progress.
    pub(super) const fn idle(&self, now: Micros) -> Micros {
        now.saturating_sub(self.progress)
    }

    pub(super) fn finish(&mut self, now: Micros, end: End) {
        if self.is_done() {
            return;
        }
        if end == End::Stalled {
            self.violations.push(Violation::Stalled);
        }
        (self.life.end, self.life.ended) = (Some(end), now);
    }

    const fn hears(&self) -> bool {
        self.off.is_none() && !self.is_done()
    }

    pub(super) fn receive(
        &mut self,
        context: &mut Context<'_>,
        host: &Host<'_>,
        meta: FrameMeta,
        frame: &[u8],
    ) {
        if !self.hears() {
            return;
        }
        context.trace(self.node, || format!("hears {}", hex(frame)));
        self.watch.receive(frame);
        // The simulated servers read no attributes.
        if let ClientAction::Store(block) = self.client.handle_frame(instant(context.now), meta, frame) {
            self.jobs.push_back(Job::Write(block.ticket, block.offset, block.data.to_vec()));
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

    /// Calls the client at a scheduled time.
    pub(super) fn wake(&mut self, context: &mut Context<'_>, host: &Host<'_>, at: Micros) {
        if self.armed == Some(at) {
            self.armed = None;
        }
        if !self.hears() || self.is_looping(context.now) {
            return;
        }
        if self.client.poll_timeout().is_some_and(|due| due <= instant(context.now)) {
            self.client.handle_timeout(instant(context.now));
            self.after_input(context, host);
        } else {
            self.schedule_timer(context);
        }
    }

    /// Whether the client asks to be called endlessly at one moment.
    fn is_looping(&mut self, now: Micros) -> bool {
        self.calls = if self.called == now { self.calls + 1 } else { 0 };
        self.called = now;
        if self.calls > MOST_CALLS {
            self.violations.push(Violation::Restless);
            self.finish(now, End::Stalled);
        }
        self.calls > MOST_CALLS
    }

    /// Polls the parent, and schedules the next poll.
    pub(super) fn poll_parent(&mut self, context: &mut Context<'_>, starts: u32) {
        let Some((often, seldom)) = self.settings.sleep.filter(|_| self.hears() && starts == self.starts)
        else {
            return;
        };
        context.net.poll_parent(context.now, self.node);
        let pause = if self.client.waiting_for() == WaitingFor::Server { often } else { seldom };
        context.queue.put(context.now + pause, Wake::Poll(self.node, starts));
    }

    /// Completes the job in progress.
    pub(super) fn complete_job(&mut self, context: &mut Context<'_>, host: &Host<'_>, starts: u32) {
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
        self.drain_outputs(context, host);
        if self.cuts.contains(&PowerCut::Input(self.life.inputs)) {
            self.cut(context);
        }
    }

    /// Collects all outputs of the client, and handles those that take no time.
    fn drain_outputs(&mut self, context: &mut Context<'_>, host: &Host<'_>) {
        let now = instant(context.now);
        let mut out = [0; LONGEST_TO_SERVER];
        loop {
            while let Some(event) = self.client.poll_event() {
                context.trace(self.node, || format!("{event:?}"));
                self.handle_event(context.now, host, event);
            }
            while !self.is_done()
                && let Some(transmit) = self.client.poll_transmit(now, &mut out)
            {
                if self.is_looping(context.now) {
                    break;
                }
                let frame = &out[..transmit.len];
                context.trace(self.node, || format!("sends {}", hex(frame)));
                self.violations.extend(self.watch.see(context.now, frame, &mut self.life.sent));
                if self.life.sent.block_requests + self.life.sent.page_requests > 0 {
                    let was_on = self.radio_on(context);
                    let Device { life, radio_on_before, .. } = &mut *self;
                    life.first_request.get_or_insert_with(|| {
                        *radio_on_before = was_on;
                        context.now
                    });
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
        self.schedule_timer(context);
    }

    fn handle_event(&mut self, now: Micros, host: &Host<'_>, event: ClientEvent) {
        self.progress = now;
        match event {
            ClientEvent::NoImage(status) => {
                self.queries += 1;
                if self.queries >= QUERIES && !self.persistent {
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
            // The upgrade to the image that replaces the former one goes on.
            ClientEvent::Ended(Outcome::Replaced) => {}
            ClientEvent::Ended(outcome) => {
                if let Outcome::Upgraded(id) = outcome {
                    self.life.identical = host.has_file(id, self.flash.contents());
                    let wrong = (!self.life.identical).then_some(Violation::WrongFile(id));
                    let unverified = (self.verified != Some(id)).then_some(Violation::Unverified(id));
                    self.violations.extend([wrong, unverified].into_iter().flatten());
                } else if self.persistent {
                    return;
                }
                self.finish(now, End::Client(outcome));
            }
            _ => {}
        }
    }

    /// Time for which the radio has been on since the start of the simulation.
    pub(super) fn radio_on(&self, context: &Context<'_>) -> Micros {
        match self.settings.sleep {
            Some(_) => context.net.radio_on(self.node),
            None => context.now,
        }
    }

    fn schedule_timer(&mut self, context: &mut Context<'_>) {
        let due = self.client.poll_timeout().filter(|_| self.hears());
        let Some(due) = due.map(|due| (due.as_millis() * 1000).max(context.now)) else { return };
        if self.armed.is_none_or(|armed| due < armed) {
            self.armed = Some(due);
            context.queue.put(due, Wake::Client(self.node));
        }
    }

    /// Completes the statistics at the end of the simulation.
    pub(super) const fn complete_report(&mut self) {
        self.life.sent.repeats += self.client.retries();
    }
}

//! Simulated device that runs a client of another stack: flash and application take no time.

use zigbee_ota::client::Outcome;
use zigbee_ota::{FileVersion, ImageId};

use super::report::{ClientReport, End, Violation};
use super::server_host::Host;
use super::settings::PowerCut;
use super::{Context, Settings, Wake, hex};
use crate::Micros;
use crate::foreign::{ClientModel, ForeignClient, RawId};
use crate::net::Outgoing;
use crate::radio::Node;
use zigbee_ota::aps::TransmitToken;

/// Client of another stack with its statistics.
pub(super) struct ForeignDevice {
    node: Node,
    client: ForeignClient,
    /// Time from a restart to the first query.
    first_query: Micros,
    boot: Micros,
    is_off: bool,
    armed: Option<Micros>,
    cuts: Vec<PowerCut>,
    pub(super) life: ClientReport,
    pub(super) violations: Vec<Violation>,
}

impl ForeignDevice {
    pub(super) fn new(model: ClientModel, node: Node, settings: &Settings) -> Self {
        let stagger = Micros::from(settings.stagger.0 * u32::from(node.saturating_sub(1)));
        let first_query = (Micros::from(settings.client.first_query_delay.0) + stagger) * 1000;
        let ieee = (0x0015_8d00_0000_0000 | u64::from(node)).to_le_bytes();
        Self {
            node,
            client: ForeignClient::new(model, raw(settings.client.identity.current), ieee, first_query),
            first_query,
            boot: settings.device.boot,
            is_off: false,
            armed: None,
            cuts: settings.cuts.iter().filter(|(of, _)| *of == node).map(|(_, cut)| *cut).collect(),
            life: ClientReport::default(),
            violations: Vec::new(),
        }
    }

    pub(super) fn begin(&mut self, context: &mut Context<'_>, host: &Host<'_>) {
        for cut in &self.cuts {
            if let PowerCut::At(at) = cut {
                context.queue.put(*at, Wake::PowerCut(self.node));
            }
        }
        self.drain_outputs(context, host);
    }

    const fn hears(&self) -> bool {
        !self.is_off && self.life.end.is_none()
    }

    pub(super) fn receive(
        &mut self,
        context: &mut Context<'_>,
        host: &Host<'_>,
        unicast: bool,
        frame: &[u8],
    ) {
        if self.hears() {
            context.trace(self.node, || format!("hears {}", hex(frame)));
            self.client.handle_frame(context.now, unicast, frame);
            self.after_input(context, host);
        }
    }

    pub(super) fn wake(&mut self, context: &mut Context<'_>, host: &Host<'_>, at: Micros) {
        if self.armed == Some(at) {
            self.armed = None;
        }
        if self.hears() {
            self.client.handle_timeout(context.now);
            self.after_input(context, host);
        }
    }

    fn after_input(&mut self, context: &mut Context<'_>, host: &Host<'_>) {
        self.life.inputs += 1;
        self.drain_outputs(context, host);
        if self.cuts.contains(&PowerCut::Input(self.life.inputs)) {
            self.cut(context);
        }
    }

    fn drain_outputs(&mut self, context: &mut Context<'_>, host: &Host<'_>) {
        while let Some(frame) = self.client.poll_transmit() {
            context.trace(self.node, || format!("sends {}", hex(&frame)));
            self.life.sent.count(&frame);
            if self.life.sent.block_requests + self.life.sent.page_requests > 0 {
                self.life.first_request.get_or_insert(context.now);
            }
            let outgoing = Outgoing {
                from: self.node,
                to: 0,
                bytes: &frame,
                ack: true,
                secured: false,
                token: TransmitToken::NONE,
            };
            context.net.send(context.now, outgoing);
        }
        let received = self.client.received() as u64;
        if received > self.life.bytes {
            (self.life.bytes, self.life.last_stored) = (received, context.now);
            self.life.blocks += 1;
        }
        if self.client.is_upgraded() && self.life.end.is_none() {
            let id = id(self.client.image());
            self.life.identical = host.files().any(|(of, file)| of == id && self.client.has(file));
            if !self.life.identical {
                self.violations.push(Violation::WrongFile(id));
            }
            (self.life.end, self.life.ended) = (Some(End::Client(Outcome::Upgraded(id))), context.now);
        }
        let due = self.client.poll_timeout().filter(|_| self.hears());
        let Some(due) = due.map(|due| due.max(context.now)) else { return };
        if self.armed.is_none_or(|armed| due < armed) {
            self.armed = Some(due);
            context.queue.put(due, Wake::Client(self.node));
        }
    }

    /// Cuts the power: the client loses its download.
    pub(super) fn cut(&mut self, context: &mut Context<'_>) {
        if self.hears() {
            context.trace(self.node, || "the power fails".into());
            self.life.cuts += 1;
            (self.is_off, self.armed) = (true, None);
            context.net.forget(self.node);
            context.queue.put(context.now + self.boot, Wake::Boot(self.node));
        }
    }

    pub(super) fn boot(&mut self, context: &mut Context<'_>, host: &Host<'_>) {
        if std::mem::take(&mut self.is_off) {
            self.client.restart(context.now + self.first_query);
            self.drain_outputs(context, host);
        }
    }
}

/// Writes an image identity as encoded in frames.
fn raw(id: ImageId) -> RawId {
    let [m, n] = id.manufacturer.0.to_le_bytes();
    let [t, u] = id.image_type.0.to_le_bytes();
    let [a, b, c, d] = id.version.0.to_le_bytes();
    [m, n, t, u, a, b, c, d]
}

fn id(raw: RawId) -> ImageId {
    let [m, n, t, u, a, b, c, d] = raw;
    ImageId {
        manufacturer: zigbee_ota::ManufacturerCode(u16::from_le_bytes([m, n])),
        image_type: zigbee_ota::ImageType(u16::from_le_bytes([t, u])),
        version: FileVersion(u32::from_le_bytes([a, b, c, d])),
    }
}

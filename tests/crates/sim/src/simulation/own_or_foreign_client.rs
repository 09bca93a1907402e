//! Client of a simulation: the client of this crate on its device, or a model of another stack.

use zigbee_ota::aps::{DeliveryMode, DeliveryReport, FrameMeta, TransmitToken};

use super::device::Device;
use super::foreign_device::ForeignDevice;
use super::report::{ClientReport, End, Violation};
use super::server_host::Host;
use super::{Context, Settings};
use crate::Micros;
use crate::radio::Node;

/// Client of a simulation.
pub(super) enum ClientNode {
    Own(Box<Device>),
    Foreign(Box<ForeignDevice>),
}

impl ClientNode {
    pub(super) fn new(node: Node, settings: &Settings) -> Self {
        match settings.client_models.iter().find(|(of, _)| *of == node) {
            None => Self::Own(Box::new(Device::new(node, settings))),
            Some((_, model)) => Self::Foreign(Box::new(ForeignDevice::new(*model, node, settings))),
        }
    }

    pub(super) const fn life(&self) -> &ClientReport {
        match self {
            Self::Own(device) => &device.life,
            Self::Foreign(device) => &device.life,
        }
    }

    pub(super) fn violations(&self) -> &[Violation] {
        match self {
            Self::Own(device) => &device.violations,
            Self::Foreign(device) => &device.violations,
        }
    }

    pub(super) const fn is_done(&self) -> bool {
        self.life().end.is_some()
    }

    pub(super) fn begin(&mut self, context: &mut Context<'_>, host: &Host<'_>) {
        match self {
            Self::Own(device) => device.begin(context, host),
            Self::Foreign(device) => device.begin(context, host),
        }
    }

    /// Ends a client that has made no progress for longer than `patience`. A model is given all the time there is, for
    /// some query once a day.
    pub(super) fn end_if_idle(&mut self, now: Micros, patience: Micros) {
        if let Self::Own(device) = self
            && device.idle(now) > patience
        {
            device.finish(now, End::Stalled);
        }
    }

    /// Ends the client at the end of the simulation.
    pub(super) fn finish(&mut self, now: Micros) {
        match self {
            Self::Own(device) => {
                device.finish(now, End::Stalled);
                device.complete_report();
            }
            Self::Foreign(device) => {
                if device.life.end.is_none() {
                    (device.life.end, device.life.ended) = (Some(End::Stalled), now);
                }
            }
        }
    }

    pub(super) fn wake(&mut self, context: &mut Context<'_>, host: &Host<'_>, at: Micros) {
        match self {
            Self::Own(device) => device.wake(context, host, at),
            Self::Foreign(device) => device.wake(context, host, at),
        }
    }

    pub(super) fn complete_job(&mut self, context: &mut Context<'_>, host: &Host<'_>, starts: u32) {
        if let Self::Own(device) = self {
            device.complete_job(context, host, starts);
        }
    }

    pub(super) fn poll_parent(&mut self, context: &mut Context<'_>, starts: u32) {
        if let Self::Own(device) = self {
            device.poll_parent(context, starts);
        }
    }

    pub(super) fn cut(&mut self, context: &mut Context<'_>) {
        match self {
            Self::Own(device) => device.cut(context),
            Self::Foreign(device) => device.cut(context),
        }
    }

    pub(super) fn boot(&mut self, context: &mut Context<'_>, host: &Host<'_>) {
        match self {
            Self::Own(device) => device.boot(context, host),
            Self::Foreign(device) => device.boot(context, host),
        }
    }

    pub(super) fn receive(
        &mut self,
        context: &mut Context<'_>,
        host: &Host<'_>,
        meta: FrameMeta,
        frame: &[u8],
    ) {
        match self {
            Self::Own(device) => device.receive(context, host, meta, frame),
            Self::Foreign(device) => {
                device.receive(context, host, meta.delivery == DeliveryMode::Unicast, frame);
            }
        }
    }

    pub(super) fn delivered(
        &mut self,
        context: &mut Context<'_>,
        host: &Host<'_>,
        token: TransmitToken,
        report: DeliveryReport,
    ) {
        if let Self::Own(device) = self {
            device.delivered(context, host, token, report);
        }
    }
}

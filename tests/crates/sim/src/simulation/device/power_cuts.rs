//! Power failures and restarts of a device.

use zigbee_ota::client::{CheckpointStage, Client};

use super::flash_and_decision_jobs::{Job, place};
use super::{Device, RequestChecker};
use crate::simulation::report::Violation;
use crate::simulation::server_host::Host;
use crate::simulation::{Context, Wake, instant};

impl Device {
    /// Cuts the power. A write in progress takes effect by half; an erasure in progress has no reliable effect.
    pub(in crate::simulation) fn cut(&mut self, context: &mut Context<'_>) {
        if !self.hears() {
            return;
        }
        context.trace(self.node, || "the power fails".into());
        if let Some(Job::Write(_, offset, data)) = self.jobs.front().filter(|_| self.busy) {
            let word = usize::from(self.config.write_size.get());
            let half = data.len() / 2 / word * word;
            self.violations
                .extend(self.flash.write(place(*offset), &data[..half]).err().map(Violation::Flash));
        }
        self.life.cuts += 1;
        self.life.sent.repeats += self.client.retries();
        let checkpoint = self.client.checkpoint().map(|checkpoint| checkpoint.floor(self.settings.sector));
        self.config.identity = self.client.identity();
        (self.off, self.busy, self.armed) = (Some(checkpoint), false, None);
        self.jobs.clear();
        self.starts += 1;
        context.net.forget(self.node);
        context.queue.put(context.now + self.settings.boot, Wake::Boot(self.node));
    }

    /// Restores the power and restarts the client.
    pub(in crate::simulation) fn boot(&mut self, context: &mut Context<'_>, host: &Host<'_>) {
        let Some(checkpoint) = self.off.take() else { return };
        context.trace(self.node, || format!("starts with {checkpoint:?}"));
        let now = instant(context.now);
        self.client = Client::new(self.config, self.seed, now);
        self.client.set_utc(now, self.utc.map(|utc| utc.advance(instant(0), now)));
        self.watch = RequestChecker::new(
            self.config.min_block_period,
            self.config.supports_block_period.then_some(self.config.cluster_revision),
            !self.settings.digest,
        );
        if let Some(checkpoint) = checkpoint {
            if checkpoint.stage == CheckpointStage::Downloading && checkpoint.received < checkpoint.offer.size
            {
                self.jobs.push_back(Job::Erase(checkpoint.received));
            }
            self.client.resume(now, checkpoint).expect("a client that was just made does nothing yet");
        }
        self.poll_parent(context, self.starts);
        self.drain_outputs(context, host);
    }
}

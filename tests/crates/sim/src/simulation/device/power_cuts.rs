//! Power that fails and comes back.

use zigbee_ota::client::{CheckpointStage, Client};

use super::jobs::{Job, place};
use super::{Device, Watch};
use crate::simulation::report::Broken;
use crate::simulation::server_host::Host;
use crate::simulation::{Context, Wake, instant};

impl Device {
    /// The power fails. Of a write under way half is done, and of an erasure nothing that would hold.
    pub(in crate::simulation) fn cut(&mut self, context: &mut Context<'_>) {
        if !self.hears() {
            return;
        }
        context.tell(self.node, || "the power fails".into());
        if let Some(Job::Write(_, offset, data)) = self.jobs.front().filter(|_| self.busy) {
            let word = usize::from(self.config.write_size.get());
            let half = data.len() / 2 / word * word;
            self.broken.extend(self.flash.write(place(*offset), &data[..half]).err().map(Broken::Flash));
        }
        self.life.cuts += 1;
        self.life.sent.repeats += self.client.retries();
        let checkpoint = self.client.checkpoint().map(|checkpoint| checkpoint.floor(self.settings.sector));
        self.config.identity = *self.client.identity();
        (self.off, self.busy, self.armed) = (Some(checkpoint), false, None);
        self.jobs.clear();
        self.starts += 1;
        context.net.forget(self.node);
        context.agenda.put(context.now + self.settings.boot, Wake::Boot(self.node));
    }

    /// The power is back.
    pub(in crate::simulation) fn boot(&mut self, context: &mut Context<'_>, host: &Host<'_>) {
        let Some(checkpoint) = self.off.take() else { return };
        context.tell(self.node, || format!("starts with {checkpoint:?}"));
        let now = instant(context.now);
        self.client = Client::new(self.config, self.seed, now);
        self.watch =
            Watch::new(self.config.min_block_period, self.config.cluster_revision, !self.settings.digest);
        if let Some(checkpoint) = checkpoint {
            if checkpoint.stage == CheckpointStage::Downloading && checkpoint.received < checkpoint.offer.size
            {
                self.jobs.push_back(Job::Erase(checkpoint.received));
            }
            self.client.resume(now, checkpoint).expect("a client that was just made does nothing yet");
        }
        self.poll_parent(context, self.starts);
        self.settle(context, host);
    }
}

//! Jobs of a device that take time: flash operations and decisions of the application.

use zigbee_ota::client::{
    ApplyResult, CredentialResult, Need, PrepareResult, StoreResult, Ticket, VerifyResult,
};

use super::{Device, PowerCut};
use crate::simulation::report::Violation;
use crate::simulation::server_host::{Host, is_well_formed};
use crate::simulation::{Context, SERVER, Wake, instant};
use crate::{Flash, Micros};

/// Job of a device; jobs run one after the other.
#[derive(Debug)]
pub(super) enum Job {
    /// Erasure of everything from this offset on.
    Erase(u32),
    Write(Ticket, u32, Vec<u8>),
    Meet(Need),
}

impl Device {
    /// Starts or completes the first job; returns whether progress was made.
    pub(super) fn work(&mut self, context: &mut Context<'_>, host: &Host<'_>) -> bool {
        let Some(job) = self.jobs.front().filter(|_| !self.busy && self.hears()) else { return false };
        let time = self.time(job);
        if let Job::Write(..) = job {
            self.life.blocks += 1;
            if self.cuts.contains(&PowerCut::Block(self.life.blocks)) {
                context.queue.put(context.now + time / 2, Wake::PowerCut(self.node));
            }
        }
        if time > 0 {
            self.busy = true;
            context.queue.put(context.now + time, Wake::Worked(self.node, self.starts));
            return false;
        }
        if let Some(job) = self.jobs.pop_front() {
            self.done(context, host, job);
        }
        true
    }

    fn time(&self, job: &Job) -> Micros {
        let sectors = |bytes: u32| Micros::from(bytes.div_ceil(self.settings.sector.get()));
        match job {
            Job::Erase(from) => {
                let size = u32::try_from(self.flash.contents().len()).unwrap_or(u32::MAX);
                sectors(size.saturating_sub(*from)) * self.settings.erase
            }
            Job::Write(..) => self.settings.write,
            Job::Meet(Need::Prepare(_, offer)) => sectors(offer.size) * self.settings.erase,
            Job::Meet(_) => self.settings.think,
        }
    }

    pub(super) fn done(&mut self, context: &mut Context<'_>, host: &Host<'_>, job: Job) {
        let now = instant(context.now);
        match job {
            // Whole sectors are erased, including other contents of the first one.
            Job::Erase(from) => self.flash.erase_from(place(from - from % self.settings.sector.get())),
            Job::Write(ticket, offset, data) => {
                let result = match self.flash.write(place(offset), &data) {
                    Ok(()) => StoreResult::Ok,
                    Err(error) => {
                        self.violations.push(Violation::Flash(error));
                        StoreResult::Fault
                    }
                };
                self.life.bytes += data.len() as u64;
                self.life.radio_on = self.radio_on(context) - self.radio_on_before;
                (self.life.last_stored, self.progress, self.calls) = (context.now, context.now, 0);
                // A stale ticket is fine: the download may have been given up meanwhile.
                self.client.stored(now, ticket, result).unwrap_or_default();
            }
            Job::Meet(need) => self.answer_need(context.now, host, need),
        }
    }

    /// Schedules the job that answers a need of the client.
    fn answer_need(&mut self, at: Micros, host: &Host<'_>, need: Need) {
        let now = instant(at);
        match need {
            Need::Decide(ticket, _) => self.client.accept(ticket),
            Need::Prepare(ticket, offer) => {
                self.flash = Flash::with_words(place(offer.size), self.config.write_size.get().into());
                self.flash.erase();
                self.client.prepared(now, ticket, PrepareResult::Ready)
            }
            Need::Verify(ticket, offer) => {
                let contents = self.flash.contents();
                let good = match self.settings.digest {
                    true => host.has_file(offer.id, contents),
                    false => is_well_formed(contents, offer.id),
                };
                let good = good && host.check.is_none_or(|check| check(contents));
                self.verified = good.then_some(offer.id);
                self.client.verified(
                    now,
                    ticket,
                    if good { VerifyResult::Valid } else { VerifyResult::Invalid },
                )
            }
            Need::Apply(ticket, _) => self.client.applied(now, ticket, ApplyResult::Done),
            Need::FindServer(ticket, _) => self.client.server_found(now, ticket, Some(SERVER)),
            Need::NetworkAddress(ticket, _) => {
                self.client.network_address_resolved(now, ticket, Some(SERVER.network))
            }
            Need::IeeeAddress(ticket, _) => self.client.ieee_address_resolved(ticket, None),
            Need::LinkKey(ticket, ..) => self.client.link_key_established(now, ticket, true),
            Need::Credentials(ticket, _) => {
                self.client.credentials_obtained(now, ticket, CredentialResult::Ready)
            }
            need => self.client.decline(now, need),
        }
        .unwrap_or_default();
    }
}

/// Converts an offset to an index.
pub(super) fn place(offset: u32) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

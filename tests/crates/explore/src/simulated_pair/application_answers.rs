//! Answers of the application to the client of a simulation, and restarts of the device.

use super::*;

impl<const RANGES: usize> World<RANGES> {
    pub(super) fn answer(&mut self, index: usize, is_well: bool, way: u8) -> Checked {
        let pending = self.pending.remove(index);
        if self.pending.is_empty() {
            self.is_late = false;
        }
        let before = self.client.clone();
        let result = match pending {
            Pending::Store { ticket, image, offset, len, is_rebuilt } => {
                self.answer_store((ticket, image, offset, len, is_rebuilt), is_well, way)?
            }
            Pending::Need(need) if is_well => self.serve_need(need)?,
            Pending::Need(need) => self.answer_badly(need, way),
        };
        if result.is_err() {
            let is_same = text_without_origin(&self.client) == text_without_origin(&before);
            ensure!(is_same, "an answer that comes too late changes the client");
        }
        self.pump(false)
    }

    pub(super) fn answer_store(
        &mut self,
        (ticket, image, start, len, is_rebuilt): (Ticket, usize, u32, u32, bool),
        is_well: bool,
        way: u8,
    ) -> Result<Result<(), StaleTicket>, String> {
        let end = start + len;
        let result = match (is_well, way) {
            (true, _) => StoreResult::Ok,
            (false, 0) => StoreResult::Busy,
            (false, _) => StoreResult::Fault,
        };
        let answered = self.client.stored(self.now, ticket, result);
        if is_well {
            // Flash writes also what nobody waits for any more, before it is erased again.
            ensure!(answered.is_err() || !self.flash[image].has_any(start, end), "a byte is written twice");
            self.flash[image].write(start, end, |_| is_rebuilt);
        }
        Ok(answered)
    }

    /// Executes a need of the client.
    pub(super) fn serve_need(&mut self, need: Need) -> Result<Result<(), StaleTicket>, String> {
        let now = self.now;
        Ok(match need {
            Need::Decide(ticket, _) => self.client.accept(ticket),
            Need::Prepare(ticket, offer) => {
                let image = self.setup.image(offer.id).expect("a checked offer");
                let answered = self.client.prepared(now, ticket, PrepareResult::Ready);
                if answered.is_ok() {
                    self.flash[image] = Flash::erased(offer.id.version.0);
                }
                answered
            }
            Need::Verify(ticket, offer) => {
                let image = self.setup.image(offer.id).expect("a checked offer");
                let files = [0, 1].map(|build| self.setup.file(image, offer.id.version.0, build));
                let other = 1 - image;
                let result = if !self.flash[image].holds(offer.size, files) {
                    VerifyResult::Invalid
                } else if self.setup.images == 2 && self.client.pending_images() == 0 {
                    VerifyResult::NeedsMore(ImageId::new(MANUFACTURER, TYPES[other], self.runs[other]))
                } else {
                    VerifyResult::Valid
                };
                self.client.verified(now, ticket, result)
            }
            Need::Apply(ticket, id) => {
                let image = self.setup.image(id).expect("a checked image");
                let kept = self.client.pending_images();
                let answered = self.client.applied(now, ticket, ApplyResult::Done);
                if answered.is_ok() {
                    self.runs[image] = id.version.0;
                    if kept > 0 {
                        let other = 1 - image;
                        let flash = &self.flash[other];
                        ensure!(
                            flash.has_all(0, self.setup.size as u32),
                            "a kept image is applied, but not whole"
                        );
                        self.runs[other] = flash.version;
                    }
                    let told = self.client.identity().current.version.0;
                    ensure!(
                        told == self.runs[0],
                        "the client says that {told} runs, but {} does",
                        self.runs[0]
                    );
                }
                answered
            }
            Need::FindServer(ticket, _) => self.client.server_found(now, ticket, Some(SERVER)),
            Need::NetworkAddress(ticket, _) => {
                self.client.network_address_resolved(now, ticket, Some(SERVER.network))
            }
            Need::IeeeAddress(ticket, _) => self.client.ieee_address_resolved(ticket, Some(SERVER_IEEE)),
            Need::LinkKey(ticket, ..) => self.client.link_key_established(now, ticket, true),
            Need::Credentials(ticket, _) => {
                self.client.credentials_obtained(now, ticket, CredentialResult::Ready)
            }
            need => return Err(format!("a need that nobody serves: {need:?}")),
        })
    }

    pub(super) fn answer_badly(&mut self, need: Need, way: u8) -> Result<(), StaleTicket> {
        match need {
            Need::Verify(ticket, _) if way == 0 => {
                self.client.verified(self.now, ticket, VerifyResult::Invalid)
            }
            need => self.client.decline(self.now, need),
        }
    }

    pub(super) fn reboot(&mut self, checkpoint: Option<Checkpoint>) -> Checked {
        self.pending.clear();
        (self.is_late, self.is_open, self.awaits_activation) = (false, false, false);
        let config = client_config(self.setup, self.runs[0], self.client.failed_image());
        self.client = Client::with_ranges(config, 7, self.now);
        self.news = event_words::START;
        self.checkpoints = [None; 2];
        let Some(checkpoint) = checkpoint else { return self.pump(false) };
        let image = self.setup.image(checkpoint.offer.id).expect("a checked checkpoint");
        let flash = &mut self.flash[image];
        // A boot loader that runs the image, or flash that was erased for another one: nothing to go on with.
        let is_of_flash = flash.version == checkpoint.offer.id.version.0 && flash.version != self.runs[image];
        if checkpoint.stage == CheckpointStage::ImagesRetained || is_of_flash {
            self.checkpoints = [Some(checkpoint); 2];
            if is_of_flash {
                flash.keep_below(if checkpoint.header.is_some() { checkpoint.received } else { 0 });
            }
            self.client.resume(self.now, checkpoint).map_err(|error| format!("resume: {error}"))?;
        }
        self.pump(false)
    }
}

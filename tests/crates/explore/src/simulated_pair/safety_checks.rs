//! Properties of safety that each step of a simulation checks: requests, responses, needs, lent data and whole images.

use super::*;

impl<const RANGES: usize> World<RANGES> {
    /// Whether a block of `id` at `offset` is what some file of that identity has there; returns whether only build 1
    /// has it.
    pub(super) fn known_bytes(&self, id: ImageId, offset: u32, data: &[u8]) -> Option<bool> {
        let image = self.setup.image(id)?;
        let range = offset as usize..offset as usize + data.len();
        let has = |build| self.setup.file(image, id.version.0, build).get(range.clone()) == Some(data);
        if has(0) { Some(false) } else { has(1).then_some(true) }
    }

    /// Checks a frame that the client sends.
    pub(super) fn check_request(&mut self, frame: &[u8]) -> Checked {
        if !is_cluster_command(frame) {
            return Ok(());
        }
        self.requests += 1;
        if frame[2] == REQUEST_END && frame[3] == 0 {
            self.times_asked = ENOUGH_ASKED.min(self.times_asked + 1);
        }
        if frame[2] != REQUEST_BLOCK && frame[2] != REQUEST_PAGE {
            return Ok(());
        }
        let (id, offset, max) = (image_id(frame, 4), le32(frame, 12), u32::from(frame[16]));
        let image =
            self.setup.image(id).ok_or_else(|| format!("a request for {id}, which was never offered"))?;
        let size = self.setup.size as u32;
        let len = if frame[2] == REQUEST_BLOCK { max } else { u32::from(le16(frame, 17)) };
        ensure!(
            offset < size && len > 0 && max > 0 && offset + len <= size && max <= u32::from(BLOCK),
            "a request past the file or too large: offset {offset}, {len} bytes by {max}, of {size}"
        );
        let flash = &self.flash[image];
        ensure!(
            flash.version == id.version.0,
            "a request for {id}, but flash is erased for version {}",
            flash.version
        );
        // After a pause the client compares the header and the last stored block with what it remembers.
        let is_header = offset + len <= HEADER;
        let is_last_block = flash.has_all(0, offset + len) && !flash.has_any(offset + len, size);
        ensure!(
            !flash.has_any(offset, offset + len) || is_header || is_last_block,
            "a request for bytes that are stored: {offset} and {len} more"
        );
        Ok(())
    }

    /// Checks a frame that the server sends to the client.
    pub(super) fn check_response(&self, request: Option<&[u8]>, frame: &[u8]) -> Checked {
        ensure!(
            !(is_default_response(frame) && request.is_some_and(is_default_response)),
            "the server answers a Default Response: {}",
            hex(frame)
        );
        if !is_cluster_command(frame) || frame[2] != RESPONSE_BLOCK || frame[3] != 0 {
            return Ok(());
        }
        let (id, offset, len) = (image_id(frame, 4), le32(frame, 12), u32::from(frame[16]));
        let data = &frame[17..];
        ensure!(data.len() == len as usize && len > 0, "a block of {len} bytes with {}", data.len());
        ensure!(self.known_bytes(id, offset, data).is_some(), "a block that is of no file: {}", hex(frame));
        let (start, end, max) = match request {
            Some(request) if request[2] == REQUEST_BLOCK => {
                let start = le32(request, 12);
                (start, start + u32::from(request[16]), request[16])
            }
            Some(request) => {
                (le32(request, 12), le32(request, 12) + u32::from(le16(request, 17)), request[16])
            }
            None => self.page,
        };
        ensure!(
            offset >= start && offset + len <= end && len <= u32::from(max),
            "{len} bytes at {offset}, but {start} to {end} by {max} was asked for"
        );
        ensure!(
            request.is_none_or(|request| offset == le32(request, 12) && frame[1] == request[1]),
            "the answer has another offset or number than the request: {}",
            hex(frame)
        );
        Ok(())
    }

    pub(super) fn check_need(&self, need: Need) -> Checked {
        match need {
            Need::Decide(_, offer) | Need::Prepare(_, offer) | Need::Verify(_, offer) => {
                ensure!(
                    self.setup.image(offer.id).is_some() && offer.size as usize == self.setup.size,
                    "an offer that was never made: {offer:?}"
                );
                match need {
                    Need::Verify(..) => self.check_whole(offer.id),
                    _ => Ok(()),
                }
            }
            Need::Apply(_, id) => {
                ensure!(
                    self.is_ordered || self.times_asked >= ENOUGH_ASKED,
                    "the client upgrades without an order, after {} requests for one",
                    self.times_asked
                );
                self.check_whole(id)?;
                let image = self.setup.image(id).expect("an image that is whole");
                let files = [0, 1].map(|build| self.setup.file(image, id.version.0, build));
                ensure!(
                    self.flash[image].holds(self.setup.size as u32, files),
                    "a mixture of two files is applied"
                );
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn check_whole(&self, id: ImageId) -> Checked {
        let image = self.setup.image(id).ok_or_else(|| format!("{id} was never offered"))?;
        let flash = &self.flash[image];
        ensure!(
            flash.version == id.version.0 && flash.has_all(0, self.setup.size as u32),
            "verified or applied, but not whole: {id}"
        );
        Ok(())
    }

    /// Checks the properties that hold after all outputs are polled.
    pub(super) fn check_rest(&mut self) -> Checked {
        let checkpoint = self.client.checkpoint();
        let downloads = checkpoint.filter(|checkpoint| checkpoint.stage != CheckpointStage::ImagesRetained);
        if let Some(Checkpoint { offer, received, .. }) = downloads {
            let image = self.setup.image(offer.id).ok_or_else(|| format!("a checkpoint of {}", offer.id))?;
            let flash = &self.flash[image];
            ensure!(
                flash.version == offer.id.version.0 && flash.has_all(0, received),
                "a checkpoint of bytes that are not stored: {received} bytes of {}",
                offer.id
            );
        }
        if checkpoint != self.checkpoints[0] {
            self.checkpoints = [checkpoint, self.checkpoints[0]];
        }
        Ok(())
    }

    pub(super) fn check_lent(&mut self, ticket: Ticket, offset: u32, data: &[u8]) -> Checked {
        let id = self.client.progress().ok_or("a block is lent without a download")?.offer.id;
        let is_rebuilt = self.known_bytes(id, offset, data).ok_or("a block is lent that is of no file")?;
        let image = self.setup.image(id).expect("a known file");
        let (flash, len) = (&self.flash[image], data.len() as u32);
        ensure!(
            flash.version == id.version.0,
            "a block of {id} is lent, flash is erased for {}",
            flash.version
        );
        ensure!(!flash.has_any(offset, offset + len), "a byte is lent that is stored: {offset}, {len} bytes");
        for pending in &self.pending {
            if let Pending::Store { offset: other, len: others, .. } = *pending {
                ensure!(offset >= other + others || offset + len <= other, "a byte is lent twice at a time");
            }
        }
        self.say(|| format!("block of {len} bytes at {offset}"));
        self.pending.push(Pending::Store { ticket, image, offset, len, is_rebuilt });
        Ok(())
    }
}

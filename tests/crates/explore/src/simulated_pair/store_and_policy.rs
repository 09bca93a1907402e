//! Store and operator of the server of a simulation, during one call of the server.

use super::*;

/// The store during one call.
pub(super) struct Store {
    pub(super) setup: &'static Setup,
    pub(super) shelves: [Shelf; 2],
    pub(super) reads_later: bool,
}

impl Store {
    pub(super) fn entry(&self, id: ImageId) -> Option<ImageInfo> {
        let image = self.setup.image(id)?;
        let shelf = self.shelves[image];
        if shelf.version != id.version.0 || shelf.version == 0 {
            return None;
        }
        let file = self.setup.file(image, shelf.version, shelf.build);
        Some(ImageInfo::new(&FileHeader::parse(file).ok()?.0))
    }
}

impl ImageStore for Store {
    fn find(
        &mut self,
        manufacturer: ManufacturerCode,
        image_type: ImageType,
        is_eligible: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo> {
        let image = TYPES.iter().position(|known| *known == image_type.0)?;
        let version = FileVersion(self.shelves[image].version);
        self.entry(ImageId { manufacturer, image_type, version }).filter(|found| is_eligible(found))
    }

    fn info(
        &mut self,
        id: ImageId,
        _: Option<Eui64>,
        _: Option<HardwareVersion>,
        _: Option<Address>,
    ) -> FileLookup {
        self.entry(id).into()
    }

    fn read(&mut self, info: &ImageInfo, offset: u32, _: Option<Address>, out: &mut [u8]) -> ReadResult {
        if std::mem::take(&mut self.reads_later) {
            return ReadResult::Later;
        }
        let Some(image) = self.setup.image(info.id) else { return ReadResult::Gone };
        let file = self.setup.file(image, info.id.version.0, self.shelves[image].build);
        out.copy_from_slice(&file[offset as usize..][..out.len()]);
        ReadResult::Filled(out.len())
    }
}

/// The operator during one call: the decision about the upgrade, and the answer to the next block request.
pub(super) struct Gateway<'a> {
    pub(super) upgrade: Upgrade,
    pub(super) mood: &'a mut Mood,
}

impl ServerPolicy for Gateway<'_> {
    fn pace(&mut self, _: Address, _: &ImageBlockRequest, _: Option<&Session>) -> PaceDecision {
        let decision = match *self.mood {
            Mood::Wait => PaceDecision::Wait { seconds: 5 },
            Mood::WaitForEver => PaceDecision::Wait { seconds: u32::MAX },
            Mood::Abort => PaceDecision::Abort,
            Mood::Normal | Mood::Later => return PaceDecision::Send,
        };
        *self.mood = Mood::Normal;
        decision
    }

    fn upgrade(&mut self, _: Address, _: ImageId) -> UpgradeDecision {
        match self.upgrade {
            Upgrade::Now => UpgradeDecision::Now,
            Upgrade::Hold => UpgradeDecision::Hold,
            Upgrade::AfterSeconds(seconds) => UpgradeDecision::AfterSeconds(seconds),
        }
    }
}

//! Records that survive a power cut, in two flash pages; the record with the highest number is valid.
//!
//! ```text
//! word  0 number   1, 2 running image   3 flags   4, 5 image on offer   6 size   7 received   8 stack, credential   9 CRC-32
//! ```

use zigbee_ota::client::{Checkpoint, CheckpointStage, HeaderFacts};
use zigbee_ota::zcl::ImageOffer;
use zigbee_ota::{ImageId, SecurityCredentialVersion, StackVersion};

use crate::chip::{crc32, flash};

/// The contents of a record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The image to boot.
    pub running: ImageId,
    /// The download to resume.
    pub upgrade: Option<Checkpoint>,
}

const PAGES: [u32; 2] = [0x3_f800, 0x3_fc00];
const RECORD: usize = 40;

const HAS_UPGRADE: u32 = 1;
const HAS_HEADER: u32 = 1 << 1;
const HAS_CREDENTIAL: u32 = 1 << 2;
const IS_VERIFIED: u32 = 1 << 3;

/// The two pages, and the newest record in them.
#[derive(Default)]
pub struct Journal {
    number: u32,
    is_second: bool,
    /// Place of the next record; `None` when the other page is to be erased for it.
    next: Option<u32>,
    /// The valid record.
    pub newest: Option<Settings>,
    /// Records written since the start.
    pub saved: u32,
}

impl Journal {
    /// Finds the newest record.
    pub fn open() -> Self {
        let mut journal = Self::default();
        for page in PAGES {
            for place in (page..=page + flash::PAGE - RECORD as u32).step_by(RECORD) {
                if let Some((number, settings)) = decode(flash::bytes(place, RECORD))
                    && (journal.newest.is_none() || number > journal.number)
                {
                    journal.number = number;
                    journal.newest = Some(settings);
                    journal.is_second = page == PAGES[1];
                }
            }
        }
        journal
    }

    /// Writes a record; the page of the record before stays as it is, unless there is room behind it. `false` when flash fails.
    pub fn save(&mut self, settings: Settings) -> bool {
        self.number += 1;
        self.saved += 1;
        self.newest = Some(settings);
        let mut is_good = true;
        let place = match self.next {
            Some(place) => place,
            None => {
                self.is_second ^= true;
                let page = PAGES[usize::from(self.is_second)];
                is_good &= flash::erase(page);
                page
            }
        };
        let end = PAGES[usize::from(self.is_second)] + flash::PAGE;
        self.next = Some(place + RECORD as u32).filter(|next| next + RECORD as u32 <= end);
        is_good & flash::program(place, &encode(self.number, &settings))
    }
}

fn encode(number: u32, settings: &Settings) -> [u8; RECORD] {
    let mut words = [0u32; RECORD / 4];
    words[0] = number;
    [words[1], words[2]] = words_of(settings.running);
    if let Some(checkpoint) = settings.upgrade {
        words[3] = HAS_UPGRADE;
        if checkpoint.stage == CheckpointStage::Verified {
            words[3] |= IS_VERIFIED;
        }
        [words[4], words[5]] = words_of(checkpoint.offer.id);
        (words[6], words[7]) = (checkpoint.offer.size, checkpoint.received);
        if let Some(header) = checkpoint.header {
            words[3] |= HAS_HEADER;
            words[8] = u32::from(header.stack.0) << 16;
            if let Some(credential) = header.credential {
                words[3] |= HAS_CREDENTIAL;
                words[8] |= u32::from(credential.0);
            }
        }
    }
    let mut record = [0; RECORD];
    record.chunks_mut(4).zip(words).for_each(|(place, word)| place.copy_from_slice(&word.to_le_bytes()));
    // A start of its own: neither blank flash nor zeros are a record.
    let sum = crc32(&record[..RECORD - 4], 0x1234_5678);
    record[RECORD - 4..].copy_from_slice(&sum.to_le_bytes());
    record
}

fn decode(record: &[u8]) -> Option<(u32, Settings)> {
    let word = |n: usize| record.get(4 * n..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    if word(9)? != crc32(record.get(..RECORD - 4)?, 0x1234_5678) {
        return None;
    }
    let (flags, facts) = (word(3)?, word(8)?);
    let has = |flag: u32| flags & flag != 0;
    let mut checkpoint =
        Checkpoint::new(ImageOffer { id: id_of(word(4)?, word(5)?), size: word(6)? }, word(7)?);
    let credential = has(HAS_CREDENTIAL).then_some(SecurityCredentialVersion(facts as u8));
    checkpoint.header =
        has(HAS_HEADER).then_some(HeaderFacts::new(StackVersion((facts >> 16) as u16), credential));
    if has(IS_VERIFIED) {
        checkpoint.stage = CheckpointStage::Verified;
    }
    let running = id_of(word(1)?, word(2)?);
    Some((word(0)?, Settings { running, upgrade: has(HAS_UPGRADE).then_some(checkpoint) }))
}

fn words_of(id: ImageId) -> [u32; 2] {
    [u32::from(id.manufacturer.0) << 16 | u32::from(id.image_type.0), id.version.0]
}

fn id_of(kind: u32, version: u32) -> ImageId {
    ImageId::new((kind >> 16) as u16, kind as u16, version)
}

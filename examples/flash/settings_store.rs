//! Persistent settings of a device: records in two flash sectors, of which the newest complete one is valid.
//!
//! The power can also fail during the write of a record, so an old record is erased only after a newer one is complete:
//! when a sector is full, and after each restart, the other sector is erased and used. (A record that reads as erased
//! after a restart may be partly written, so its place is never used.)

use crc::{CRC_32_ISO_HDLC, Crc};
use zigbee_ota::client::{Checkpoint, CheckpointStage, FileSums, HeaderFacts, RangeSum};
use zigbee_ota::zcl::ImageOffer;
use zigbee_ota::{ImageId, SecurityCredentialVersion, StackVersion};

use crate::device::SECTOR;
use crate::slot_layout::Span;

/// Settings that survive a power failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Running image; saving another image here switches to the image in the slot.
    pub running: ImageId,
    /// Upgrade in progress.
    pub upgrade: Option<Upgrade>,
}

/// Progress of an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// Checkpoint to resume from.
    pub checkpoint: Checkpoint,
    /// Bytes of the file that are kept in the slot, once known.
    pub span: Option<Span>,
}

/// Size of a record in bytes.
pub const RECORD: usize = 64;

/// Record as four-byte numbers, which are whole words.
type Fields = [u32; RECORD / 4];

/// Size of both sectors in bytes.
pub const SETTINGS_SIZE: u32 = 2 * SECTOR.get();

/// Journal in the two sectors at the start of flash.
#[derive(Default)]
pub struct Journal {
    /// Newest record and its sequence number.
    newest: Option<(u32, Settings)>,
    /// Sector of the newest record.
    in_second: bool,
    /// Offset of the next record in the same sector; `None` if the other sector must be erased first.
    next: Option<u32>,
}

/// Operations that save a record.
pub struct Save {
    /// Sector to erase first.
    pub erase: Option<u32>,
    /// Offset to write the record to.
    pub place: u32,
    pub record: [u8; RECORD],
}

impl Journal {
    /// Returns the offsets of all records.
    pub fn places() -> impl Iterator<Item = u32> {
        let sector = 0..=SECTOR.get() - RECORD as u32;
        let places = sector.step_by(RECORD);
        places.clone().chain(places.map(|place| place + SECTOR.get()))
    }

    /// Reads the record at such an offset after a restart.
    pub fn see(&mut self, place: u32, record: &[u8; RECORD]) {
        let Some((number, settings)) = decode(record) else { return };
        if self.newest.is_none_or(|(newest, _)| newest < number) {
            self.newest = Some((number, settings));
            self.in_second = place >= SECTOR.get();
        }
    }

    /// Returns the newest settings.
    pub fn settings(&self) -> Option<Settings> {
        self.newest.map(|(_, settings)| settings)
    }

    /// Saves `settings` as the newest record. Returns the operations to execute.
    pub fn save(&mut self, settings: Settings) -> Save {
        let number = self.newest.map_or(0, |(newest, _)| newest + 1);
        self.newest = Some((number, settings));
        let erase = self.next.is_none();
        self.in_second ^= erase;
        let sector = if self.in_second { SECTOR.get() } else { 0 };
        let place = self.next.unwrap_or(sector);
        let next = place + RECORD as u32;
        self.next = Some(next).filter(|next| next + RECORD as u32 <= sector + SECTOR.get());
        Save { erase: erase.then_some(sector), place, record: encode(number, &settings) }
    }
}

/// Flags for the optional parts of a record.
const UPGRADE: u32 = 1 << 0;
const SPAN: u32 = 1 << 1;
const HEADER: u32 = 1 << 2;
const CREDENTIAL: u32 = 1 << 3;
const VERIFIED: u32 = 1 << 4;
const SUMS: u32 = 1 << 5;

/// Field of the checksum.
const CHECKSUM: usize = RECORD / 4 - 1;

fn encode(number: u32, settings: &Settings) -> [u8; RECORD] {
    let mut fields: Fields = [0; RECORD / 4];
    fields[0] = number;
    [fields[1], fields[2]] = numbers(settings.running);
    if let Some(Upgrade { checkpoint, span }) = settings.upgrade {
        // The device has one image: none is kept for another.
        let Checkpoint { offer, received, header, sums, stage, .. } = checkpoint;
        fields[3] |= UPGRADE;
        [fields[4], fields[5]] = numbers(offer.id);
        (fields[6], fields[7]) = (offer.size, received);
        if let Some(HeaderFacts { stack, credential, .. }) = header {
            fields[3] |= HEADER;
            fields[8] = u32::from(stack.0) << 16;
            if let Some(SecurityCredentialVersion(version)) = credential {
                fields[3] |= CREDENTIAL;
                fields[8] |= u32::from(version);
            }
        }
        if let Some(FileSums { header, last_block, .. }) = sums {
            fields[3] |= SUMS;
            // The header starts at offset 0.
            fields[11] = u32::from(header.size) << 8 | u32::from(last_block.size);
            (fields[12], fields[13], fields[14]) = (header.sum, last_block.start, last_block.sum);
        }
        if stage == CheckpointStage::Verified {
            fields[3] |= VERIFIED;
        }
        if let Some(Span { start, len }) = span {
            fields[3] |= SPAN;
            (fields[9], fields[10]) = (start, len);
        }
    }
    fields[CHECKSUM] = sum(&fields);
    let mut record = [0; RECORD];
    record.as_chunks_mut().0.iter_mut().zip(fields).for_each(|(word, field)| *word = field.to_le_bytes());
    record
}

/// Decodes a record into its sequence number and settings; `None` for an incomplete or erased record.
fn decode(record: &[u8; RECORD]) -> Option<(u32, Settings)> {
    let mut fields: Fields = [0; RECORD / 4];
    fields.iter_mut().zip(record.as_chunks().0).for_each(|(field, word)| *field = u32::from_le_bytes(*word));
    if fields[CHECKSUM] != sum(&fields) {
        return None;
    }
    let has = |part: u32| fields[3] & part != 0;
    let [.., credential] = fields[8].to_be_bytes();
    let credential = has(CREDENTIAL).then_some(SecurityCredentialVersion(credential));
    let header = HeaderFacts::new(StackVersion((fields[8] >> 16) as u16), credential);
    let offer = ImageOffer { id: image([fields[4], fields[5]]), size: fields[6] };
    let mut checkpoint = Checkpoint::new(offer, fields[7]);
    checkpoint.header = has(HEADER).then_some(header);
    if has(SUMS) {
        let [.., header_size, last_size] = fields[11].to_be_bytes();
        checkpoint.sums = Some(FileSums::new(
            RangeSum { start: 0, size: header_size, sum: fields[12] },
            RangeSum { start: fields[13], size: last_size, sum: fields[14] },
        ));
    }
    if has(VERIFIED) {
        checkpoint.stage = CheckpointStage::Verified;
    }
    let span = has(SPAN).then_some(Span { start: fields[9], len: fields[10] });
    let upgrade = has(UPGRADE).then_some(Upgrade { checkpoint, span });
    Some((fields[0], Settings { running: image([fields[1], fields[2]]), upgrade }))
}

/// Checksum over all fields but the last, which holds it.
fn sum(fields: &Fields) -> u32 {
    static CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
    let mut digest = CRC.digest();
    fields[..CHECKSUM].iter().for_each(|field| digest.update(&field.to_le_bytes()));
    digest.finalize()
}

fn numbers(id: ImageId) -> [u32; 2] {
    [u32::from(id.manufacturer.0) << 16 | u32::from(id.image_type.0), id.version.0]
}

fn image([kind, version]: [u32; 2]) -> ImageId {
    ImageId::new((kind >> 16) as u16, kind as u16, version)
}

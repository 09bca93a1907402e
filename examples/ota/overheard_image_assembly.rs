//! Reassembly of images from overheard frames: the program observes one frame after the other, and keeps the bytes of
//! the images in memory.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use zigbee_ota::ImageId;
use zigbee_ota::aps::Address;
use zigbee_ota::observer::{
    Assembly, AssemblyError, BlockStorage, Conversation, Download, DownloadSlot, HeardBytes, HeardRange,
    Meaning, Observer,
};
use zigbee_ota::time::Instant;
use zigbee_ota::zcl::Frame;

/// Memory of the observer and of the assembly: 4 MB, which is enough for an image of 8 MB of which only every second
/// block was overheard.
const CONVERSATIONS: usize = 256;
const DOWNLOADS: usize = 4096;
const RANGES: usize = 1 << 18;

/// Images with overheard blocks. All blocks with the same image identity belong to one image, whichever client
/// downloads the image.
pub struct Recovered {
    observer: Observer<Vec<Conversation>>,
    assembly: Assembly<Vec<DownloadSlot>, Vec<HeardRange>>,
    files: Files,
    /// Blocks in the order of the capture.
    pub blocks: Vec<HeardBlock>,
    /// Number of frames.
    frames: u64,
    /// Time of the first frame.
    start: Option<Duration>,
    /// Whether every frame of the capture has a time.
    pub is_timed: bool,
    /// First error of the assembly.
    pub error: Option<AssemblyError<Infallible>>,
}

/// Block with data in a capture.
#[derive(Clone, Copy)]
pub struct HeardBlock {
    pub at: Instant,
    pub client: Address,
    pub image: ImageId,
    pub offset: u32,
    pub bytes: HeardBytes,
}

/// Bytes of images, as pieces with their offsets. The pieces do not overlap, because the assembly writes each byte
/// once.
#[derive(Default)]
struct Files(BTreeMap<ImageId, BTreeMap<u32, Vec<u8>>>);

impl BlockStorage for Files {
    type Error = Infallible;

    fn write(&mut self, image: ImageId, offset: u32, data: &[u8]) -> Result<(), Infallible> {
        self.0.entry(image).or_default().insert(offset, data.to_vec());
        Ok(())
    }

    fn read(&mut self, image: ImageId, offset: u32, out: &mut [u8]) -> Result<bool, Infallible> {
        let Some(pieces) = self.0.get(&image) else { return Ok(true) };
        let first = pieces.range(..=offset).next_back().map_or(offset, |(at, _)| *at);
        let end = u64::from(offset) + out.len() as u64;
        for (&at, piece) in pieces.range(first..).take_while(|(at, _)| u64::from(**at) < end) {
            let (skipped, place) = (offset.saturating_sub(at) as usize, at.saturating_sub(offset) as usize);
            for (to, byte) in out[place..].iter_mut().zip(piece.iter().skip(skipped)) {
                *to = *byte;
            }
        }
        Ok(true)
    }
}

impl Recovered {
    pub fn new() -> Self {
        Self {
            observer: Observer::new(vec![Conversation::EMPTY; CONVERSATIONS]),
            assembly: Assembly::new(vec![DownloadSlot::EMPTY; DOWNLOADS], vec![HeardRange::EMPTY; RANGES]),
            files: Files::default(),
            blocks: Vec::new(),
            frames: 0,
            start: None,
            is_timed: true,
            error: None,
        }
    }

    /// Adds a frame. If the capture has no times, the number of a frame takes the place of its time.
    pub fn hear(&mut self, time: Option<Duration>, from: Address, to: Address, frame: &Frame<'_>) {
        self.is_timed &= time.is_some();
        let at = match time {
            Some(time) => Instant::from(time.saturating_sub(*self.start.get_or_insert(time))),
            None => Instant::from_millis(self.frames),
        };
        self.frames += 1;
        let seen = self.observer.observe(from, to, frame);
        match (self.assembly.take(at, &seen, &mut self.files), seen.meaning) {
            (Ok(bytes), Meaning::Block(block)) => {
                let client = seen.client;
                self.blocks.push(HeardBlock { at, client, image: block.id, offset: block.offset, bytes });
            }
            (Ok(_), _) => {}
            (Err(error), _) => self.error = Some(self.error.unwrap_or(error)),
        }
    }

    /// Returns the images of which a block was overheard, sorted by identity.
    pub fn images(&self) -> Vec<Download<'_>> {
        let mut images: Vec<_> = self.assembly.images().filter(|image| image.counts().blocks > 0).collect();
        images.sort_by_key(Download::image);
        images
    }

    /// Returns the downloads of which a request or a block was overheard, sorted by image and client.
    pub fn downloads(&self) -> Vec<Download<'_>> {
        let mut downloads: Vec<_> =
            self.assembly.downloads().filter(|download| download.first().is_some()).collect();
        downloads.sort_by_key(|download| (download.image(), download.client()));
        downloads
    }

    /// Returns an image with `filler` in its gaps; `None` if the image is larger than `most` bytes.
    pub fn filled(&self, image: &Download<'_>, filler: u8, most: u32) -> Option<Vec<u8>> {
        let size = image.size().unwrap_or(image.heard_end());
        let mut bytes = vec![filler; usize::try_from(size).ok().filter(|_| size <= most)?];
        for (at, piece) in
            self.files.0.get(&image.image()).into_iter().flat_map(|pieces| pieces.range(..size))
        {
            bytes[*at as usize..].iter_mut().zip(piece).for_each(|(to, byte)| *to = *byte);
        }
        Some(bytes)
    }
}

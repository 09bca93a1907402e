//! Reassembly of images from overheard blocks.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use zigbee_ota::ImageId;
use zigbee_ota::file::FileHeader;
use zigbee_ota::observer::{Meaning, Observation};
use zigbee_ota::zcl::Status;

/// Images with overheard blocks. The identity joins the blocks of all clients that download the same image.
#[derive(Default)]
pub struct Recovered {
    pub images: BTreeMap<ImageId, Download>,
}

/// Overheard blocks of one image.
#[derive(Default)]
pub struct Download {
    /// Sizes in the offers.
    pub offered: BTreeSet<u32>,
    /// Number of overheard blocks with data.
    pub blocks: u64,
    /// End of the last download.
    pub ended: Option<Status>,
    /// Ranges where blocks contradict each other; the first value of a byte is kept.
    pub contradictions: BTreeSet<u64>,
    /// Overheard ranges by offset; they neither overlap nor touch.
    runs: BTreeMap<u64, Vec<u8>>,
}

impl Recovered {
    /// Adds an observed frame. Images without an overheard block are ignored.
    pub fn take(&mut self, seen: &Observation<'_>) {
        match seen.meaning {
            Meaning::Offer(offer) => {
                self.images.entry(offer.id).or_default().offered.insert(offer.size);
            }
            Meaning::UpgradeEndRequest(end) => {
                self.images.entry(end.id).or_default().ended = Some(end.status)
            }
            Meaning::Block(block) => {
                let image = self.images.entry(block.id).or_default();
                image.put(u64::from(block.offset), block.data.get());
            }
            _ => {}
        }
    }
}

impl Download {
    /// Size of the image in bytes: the largest size in an offer, or else the size in its header.
    pub fn size(&self) -> Option<u64> {
        self.offered.last().copied().or_else(|| self.header_size()).map(u64::from)
    }

    /// Total image size in the header, if that was overheard.
    pub fn header_size(&self) -> Option<u32> {
        let start = self.runs.get(&0)?;
        FileHeader::parse_lenient(start).ok().map(|(header, _)| header.total_size)
    }

    /// Number of overheard bytes of the image, each counted once.
    pub fn heard(&self) -> u64 {
        self.runs.values().map(|run| run.len() as u64).sum()
    }

    /// Missing ranges in ascending order, and the offset of an open-ended gap if the size is unknown.
    pub fn gaps(&self) -> (Vec<Range<u64>>, Option<u64>) {
        let size = self.size();
        let end = size.unwrap_or(u64::MAX);
        let (mut gaps, mut place) = (Vec::new(), 0);
        for (at, run) in &self.runs {
            gaps.push(place..(*at).min(end));
            place = at + run.len() as u64;
        }
        gaps.push(place..size.unwrap_or(place));
        gaps.retain(|gap| gap.start < gap.end);
        (gaps, size.is_none().then_some(place))
    }

    /// Whether bytes are missing, or the end is not known.
    #[allow(dead_code, reason = "the tests of the observer print no report")]
    pub fn has_gaps(&self) -> bool {
        let (gaps, open) = self.gaps();
        !gaps.is_empty() || open.is_some()
    }

    /// Whether all bytes were overheard, and no block contradicts another.
    #[allow(dead_code, reason = "the tests of the observer print no report")]
    pub fn is_whole(&self) -> bool {
        !self.has_gaps() && self.contradictions.is_empty()
    }

    /// Number of overheard bytes beyond the end of the image.
    pub fn beyond(&self) -> u64 {
        let end = self.runs.last_key_value().map_or(0, |(at, run)| at + run.len() as u64);
        self.size().map_or(0, |size| end.saturating_sub(size))
    }

    /// Returns the image with `filler` in its gaps; `None` if the image is larger than `most` bytes.
    pub fn filled(&self, filler: u8, most: u64) -> Option<Vec<u8>> {
        let end = self.runs.last_key_value().map_or(0, |(at, run)| at + run.len() as u64);
        let size = self.size().unwrap_or(end);
        let mut bytes = vec![filler; usize::try_from(size).ok().filter(|_| size <= most)?];
        for (at, run) in self.runs.range(..size) {
            let room = &mut bytes[*at as usize..];
            let len = room.len().min(run.len());
            room[..len].copy_from_slice(&run[..len]);
        }
        Some(bytes)
    }

    /// Adds a block. Bytes that are already present are kept.
    fn put(&mut self, offset: u64, data: &[u8]) {
        self.blocks += 1;
        if data.is_empty() {
            return;
        }
        let before = self.runs.range(..=offset).next_back();
        let touched = before.filter(|(at, run)| *at + run.len() as u64 >= offset).map(|(at, _)| *at);
        let start = touched.unwrap_or(offset);
        let mut run = self.runs.remove(&start).unwrap_or_default();
        let place = (offset - start) as usize;
        let (there, new) = data.split_at(data.len().min(run.len() - place));
        self.compare(offset, &run[place..place + there.len()], there);
        run.extend(new);
        // Ranges that the block overlaps or touches.
        while let Some((&at, _)) = self.runs.range(start..=start + run.len() as u64).next() {
            let next = self.runs.remove(&at).unwrap_or_default();
            let place = (at - start) as usize;
            let common = next.len().min(run.len() - place);
            self.compare(at, &next[..common], &run[place..place + common]);
            run[place..place + common].copy_from_slice(&next[..common]);
            run.extend(&next[common..]);
        }
        self.runs.insert(start, run);
    }

    fn compare(&mut self, offset: u64, old: &[u8], new: &[u8]) {
        let differing = old.iter().zip(new).zip(offset..).filter(|((old, new), _)| old != new);
        self.contradictions.extend(differing.map(|(_, place)| place));
    }
}

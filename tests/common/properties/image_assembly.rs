//! Properties of the assembly of images, for property tests and fuzz targets alike: whatever is observed, the assembly tells
//! what a slow model tells that keeps every byte, and an assembly with little memory tells nothing that was not overheard.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use zigbee_ota::ImageId;
use zigbee_ota::aps::Address;
use zigbee_ota::observer::{
    Assembly, AssemblyError, BlockStorage, Download, DownloadEnd, DownloadSlot, HeardRange, Meaning,
    Observation,
};
use zigbee_ota::time::{Instant, Millis};

/// Bytes of images in memory. Each byte is written once, and read only after that.
#[derive(Default)]
pub struct Memory(pub BTreeMap<ImageId, BTreeMap<u32, u8>>);

impl BlockStorage for Memory {
    type Error = std::convert::Infallible;

    fn write(&mut self, image: ImageId, offset: u32, data: &[u8]) -> Result<(), Self::Error> {
        assert!(!data.is_empty());
        let bytes = self.0.entry(image).or_default();
        for (place, byte) in (offset..).zip(data) {
            assert_eq!(bytes.insert(place, *byte), None, "written twice: byte {place} of {image}");
        }
        Ok(())
    }

    fn read(&mut self, image: ImageId, offset: u32, out: &mut [u8]) -> Result<bool, Self::Error> {
        let bytes = &self.0[&image];
        (offset..).zip(out).for_each(|(place, byte)| *byte = bytes[&place]);
        Ok(true)
    }
}

/// Model of one download, or of an image of all clients.
#[derive(Default)]
struct Heard {
    bytes: BTreeMap<u32, u8>,
    contradicted: BTreeSet<u32>,
    offers: BTreeSet<u32>,
    requested_to: u32,
    requests: u32,
    repeated_requests: u32,
    blocks: u32,
    repeated_bytes: u32,
    waits: u32,
    times: Vec<u64>,
    end: Option<DownloadEnd>,
}

type Key = (Option<Address>, ImageId);

/// Assembly with much memory, assembly with little memory, and the model.
pub struct Compared {
    ample: Assembly<Vec<DownloadSlot>, Vec<HeardRange>>,
    memory: Memory,
    small: Assembly<[DownloadSlot; 3], [HeardRange; 4]>,
    small_memory: Memory,
    model: BTreeMap<Key, Heard>,
    now: u64,
    /// Whether the ample assembly ran out of memory, so that nothing more can be compared.
    full: bool,
}

/// Slots and ranges of the ample assembly.
const SLOTS: usize = 64;
const RANGES: usize = 1024;

impl Default for Compared {
    fn default() -> Self {
        Self {
            ample: Assembly::new(vec![DownloadSlot::EMPTY; SLOTS], vec![HeardRange::EMPTY; RANGES]),
            memory: Memory::default(),
            small: Assembly::new([DownloadSlot::EMPTY; 3], [HeardRange::EMPTY; 4]),
            small_memory: Memory::default(),
            model: BTreeMap::new(),
            now: 0,
            full: false,
        }
    }
}

impl Compared {
    /// Adds an observation, `millis` after the previous one.
    pub fn take(&mut self, millis: u32, seen: &Observation<'_>) {
        if self.full {
            return;
        }
        self.now += u64::from(millis);
        let now = Instant::from_millis(self.now);
        let count = |small: &Assembly<_, _>| small.images().count() + small.downloads().count();
        let before = count(&self.small);
        if self.small.take(now, seen, &mut self.small_memory) == Err(AssemblyError::NoSlot) {
            assert_eq!(count(&self.small), before, "{seen:?}");
        }
        let expected = self.take_by_model(seen);
        match self.ample.take(now, seen, &mut self.memory) {
            Ok(heard) => assert_eq!([heard.new, heard.repeated, heard.contradicting], expected, "{seen:?}"),
            Err(error) => {
                let ranges: usize = self.model.values().map(|heard| 1 + heard.runs()).sum();
                match error {
                    AssemblyError::NoSlot => assert!(self.model.len() > SLOTS, "{seen:?}"),
                    AssemblyError::NoRange => assert!(ranges > RANGES / 2, "{seen:?}"),
                    other => panic!("{other}"),
                }
                self.full = true;
            }
        }
    }

    /// Returns the numbers of new, repeated and contradicting bytes.
    fn take_by_model(&mut self, seen: &Observation<'_>) -> [u32; 3] {
        let (own, now) = (Some(seen.client), self.now);
        let mut counts = [0; 3];
        match seen.meaning {
            Meaning::Offer(offer) => {
                self.model.entry((own, offer.id)).or_default();
                self.model.entry((None, offer.id)).or_default().offers.insert(offer.size);
            }
            Meaning::BlockRequest(request) => {
                self.request(own, request.id, request.offset, request.offset.saturating_add(1));
            }
            Meaning::PageRequest(page) => {
                self.request(own, page.id, page.offset, page.offset.saturating_add(page.page_size.into()));
            }
            Meaning::Block(block) => {
                let bytes = (u64::from(block.offset)..).zip(block.data.get());
                // A file has at most `u32::MAX` bytes.
                let bytes = bytes.filter(|(place, _)| *place < u64::from(u32::MAX));
                let bytes: Vec<(u32, u8)> = bytes.map(|(place, byte)| (place as u32, *byte)).collect();
                let first = self.model.entry((None, block.id)).or_default();
                bytes.iter().for_each(|(place, byte)| _ = first.bytes.entry(*place).or_insert(*byte));
                let wrong: Vec<u32> =
                    bytes.iter().filter(|at| first.bytes[&at.0] != at.1).map(|at| at.0).collect();
                let download = self.model.entry((own, block.id)).or_default();
                for (place, byte) in &bytes {
                    counts[usize::from(download.bytes.insert(*place, *byte).is_some())] += 1;
                }
                counts[2] = wrong.len() as u32;
                for client in [None, own] {
                    let heard = self.model.entry((client, block.id)).or_default();
                    heard.contradicted.extend(&wrong);
                    heard.blocks += 1;
                    heard.repeated_bytes += counts[1];
                    heard.times.push(now);
                }
            }
            _ => {
                for client in [None, own] {
                    let key = seen.image().map(|image| (client, image));
                    let Some(heard) = key.and_then(|key| self.model.get_mut(&key)) else { continue };
                    match seen.meaning {
                        Meaning::Wait(_) => heard.waits += 1,
                        Meaning::Abort => heard.end = Some(DownloadEnd::Aborted),
                        Meaning::UpgradeEndRequest(end) => {
                            heard.end = Some(DownloadEnd::Reported(end.status))
                        }
                        _ => {}
                    }
                    if matches!(seen.meaning, Meaning::Wait(_) | Meaning::Abort | Meaning::BlockRefused(_)) {
                        heard.times.push(now);
                    }
                }
            }
        }
        counts
    }

    fn request(&mut self, own: Option<Address>, image: ImageId, start: u32, end: u32) {
        let download = self.model.entry((own, image)).or_default();
        let repeated = u32::from(start < download.requested_to);
        download.requested_to = download.requested_to.max(end);
        download.end = None;
        for client in [None, own] {
            let heard = self.model.entry((client, image)).or_default();
            heard.requests += 1;
            heard.repeated_requests += repeated;
            heard.times.push(self.now);
        }
    }

    /// Compares all that the assemblies tell with the model.
    pub fn check(&self) {
        for (image, bytes) in &self.small_memory.0 {
            let heard = &self.model[&(None, *image)].bytes;
            assert!(bytes.keys().all(|place| heard.contains_key(place)), "{image}: never overheard");
            let view = self.small.images().find(|view| view.image() == *image).expect("its image");
            let gaps: Vec<_> = view.gaps().collect();
            let end = view.size().unwrap_or(view.heard_end());
            for place in bytes.keys().filter(|place| **place < end) {
                assert!(
                    gaps.iter().all(|gap| !gap.contains(place)),
                    "{image}: byte {place} is stored and missing"
                );
            }
        }
        if self.full {
            return;
        }
        let views: Vec<Download<'_>> = self.ample.images().chain(self.ample.downloads()).collect();
        assert_eq!(views.len(), self.model.len());
        for view in views {
            let heard = &self.model[&(view.client(), view.image())];
            heard.check(&view, self.model[&(None, view.image())].size());
        }
        for (image, bytes) in &self.memory.0 {
            assert_eq!(bytes, &self.model[&(None, *image)].bytes);
        }
    }
}

impl Heard {
    /// Number of runs of bytes, overheard and contradicted.
    fn runs(&self) -> usize {
        runs(self.bytes.keys().copied()).len() + runs(self.contradicted.iter().copied()).len()
    }

    fn header_size(&self) -> Option<u32> {
        let field = |start: u32| -> Option<[u8; 4]> {
            let bytes: Option<Vec<u8>> =
                (start..start + 4).map(|place| self.bytes.get(&place).copied()).collect();
            bytes?.try_into().ok()
        };
        (field(0)? == [0x1e, 0xf1, 0xee, 0x0b]).then(|| field(52).map(u32::from_le_bytes))?
    }

    fn size(&self) -> Option<u32> {
        self.offers.last().copied().or_else(|| self.header_size())
    }

    fn check(&self, view: &Download<'_>, size: Option<u32>) {
        assert_eq!(view.size(), size);
        let end = size.unwrap_or_else(|| self.bytes.last_key_value().map_or(0, |(place, _)| place + 1));
        let within: Vec<u32> = self.bytes.keys().copied().filter(|place| *place < end).collect();
        assert_eq!(view.bytes() as usize, within.len());
        assert_eq!(view.heard_end(), self.bytes.last_key_value().map_or(0, |(place, _)| place + 1));
        let mut gaps = Vec::new();
        let mut place = 0;
        for run in runs(within.iter().copied()).into_iter().chain(std::iter::once(end..end)) {
            gaps.extend((place < run.start).then_some(place..run.start));
            place = run.end;
        }
        assert_eq!(view.gaps().collect::<Vec<_>>(), gaps);
        assert_eq!(view.is_complete(), size.is_some() && gaps.is_empty());
        let percent = size.map(|size| match size {
            0 => 100,
            size => (within.len() as u64 * 100 / u64::from(size)) as u8,
        });
        assert_eq!(view.percent(), percent);
        assert_eq!(
            view.contradictions().collect::<Vec<_>>(),
            runs(self.contradicted.iter().copied()),
            "{:?} of {}",
            view.client(),
            view.image()
        );
        let counts = view.counts();
        assert_eq!(
            [counts.requests, counts.repeated_requests, counts.blocks, counts.repeated_bytes, counts.waits],
            [self.requests, self.repeated_requests, self.blocks, self.repeated_bytes, self.waits]
        );
        let [first, last] =
            [self.times.first(), self.times.last()].map(|time| time.map(|time| Instant::from_millis(*time)));
        assert_eq!((view.first(), view.last()), (first, last));
        let silence = self.times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
        assert_eq!(view.longest_silence(), Millis(silence as u32));
        let millis = self.times.last().zip(self.times.first()).map_or(0, |(last, first)| last - first);
        assert_eq!(view.goodput(), (within.len() as u64 * 1000).checked_div(millis).map(|pace| pace as u32));
        assert_eq!(view.end(), self.end);
        if view.client().is_none() {
            let offers = self.offers.first().zip(self.offers.last());
            assert_eq!(view.offered_sizes(), offers.map(|(smallest, largest)| *smallest..=*largest));
            assert_eq!(view.header_size(), self.header_size());
        }
    }
}

/// Joins ascending places to ranges.
fn runs(places: impl Iterator<Item = u32>) -> Vec<Range<u32>> {
    let mut runs: Vec<Range<u32>> = Vec::new();
    for place in places {
        match runs.last_mut() {
            Some(run) if run.end == place => run.end += 1,
            _ => runs.push(place..place + 1),
        }
    }
    runs
}

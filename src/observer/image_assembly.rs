//! Assembly of images from overheard blocks. The caller provides the storage for the bytes of the images.
//!
//! ```text
//! Observation --> Assembly::take --> HeardBytes { new, repeated, contradicting }
//!                  |  slots    one for each image, and one for each client of an image
//!                  |  ranges   overheard and contradicted bytes of each slot
//!                  +-- write, read --> BlockStorage of the caller: the bytes of each image
//! ```

use core::convert::Infallible;

use crate::aps::Address;
use crate::ranges::Range;
use crate::time::Instant;
use crate::types::ImageId;
use crate::zcl::BlockData;

use super::download::{Download, DownloadEnd, DownloadSlot, DownloadSlots};
use super::range_pool::{HeardRange, PoolFull, RangePool, RangeSlots};
use super::{Meaning, Observation};

/// Storage of the caller for the bytes of overheard images. [`Assembly::take`] writes each byte of an image once, with
/// the first value that was overheard.
///
/// The implementation of `BlockStorage` for `()` keeps no bytes. With `()` as its storage, an assembly counts bytes and
/// gaps, but does not notice blocks that contradict each other.
pub trait BlockStorage {
    /// Error of writing to the storage or of reading from it.
    type Error;

    /// Stores `data` at `offset` of the image. `data` never overlaps bytes of the image that the storage has stored
    /// before.
    ///
    /// # Errors
    /// Fails if the bytes cannot be stored. If the storage fails, the assembly counts the bytes of `data` as missing.
    fn write(&mut self, image: ImageId, offset: u32, data: &[u8]) -> Result<(), Self::Error>;

    /// Fills `out` with the stored bytes of the image from `offset` on. Returns `false` if the storage keeps no bytes.
    ///
    /// # Errors
    /// Fails if the bytes cannot be read.
    fn read(&mut self, image: ImageId, offset: u32, out: &mut [u8]) -> Result<bool, Self::Error>;
}

impl BlockStorage for () {
    type Error = Infallible;

    fn write(&mut self, _: ImageId, _: u32, _: &[u8]) -> Result<(), Infallible> {
        Ok(())
    }

    fn read(&mut self, _: ImageId, _: u32, _: &mut [u8]) -> Result<bool, Infallible> {
        Ok(false)
    }
}

/// Numbers of new, repeated and contradicting bytes in one overheard block. For a frame without data, the numbers of
/// new, repeated and contradicting bytes are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct HeardBytes {
    /// Number of bytes of the block that were in no earlier overheard block to the same client.
    pub new: u32,
    /// Number of bytes of the block that were in an earlier overheard block to the same client.
    pub repeated: u32,
    /// Number of bytes of the block that differ from the bytes already stored for the image. A byte of a block can be
    /// both new and contradicting, because the stored byte may come from a block to another client.
    pub contradicting: u32,
}

/// Reason why [`Assembly::take`] could not record an observation completely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum AssemblyError<E> {
    /// All slots for downloads are in use. The assembly has recorded nothing about the frame.
    #[error("no free slot for another download")]
    NoSlot,
    /// All [`HeardRange`](super::HeardRange) entries are in use. Bytes of an overheard block that the assembly could
    /// not record count as missing.
    #[error("no memory for another range of overheard bytes")]
    NoRange,
    /// The [`BlockStorage`] of the caller failed. The variant holds the error of the storage. Bytes of an overheard
    /// block that the storage could not store count as missing.
    #[error("the storage of the images failed: {0}")]
    Storage(E),
}

impl<E> From<PoolFull> for AssemblyError<E> {
    fn from(PoolFull: PoolFull) -> Self {
        Self::NoRange
    }
}

/// Images assembled from overheard blocks. The assembly records which bytes were overheard of each image, and of each
/// download by a client. The [module documentation](super) has an example.
///
/// The assembly combines the blocks of an image to all clients, so a block to one client can fill a gap in the blocks
/// to another client. An assembly never frees a slot, so a program that runs for days has to create a new assembly from
/// time to time.
#[doc(alias("reassembly", "reconstruct"))]
#[derive(Clone, Debug)]
pub struct Assembly<D, R> {
    slots: D,
    ranges: RangePool<R>,
}

/// Indices of two slots: the slot of an image, and the slot of the download of this image by one client.
#[derive(Clone, Copy)]
struct Pair {
    image: usize,
    own: usize,
}

impl Pair {
    const fn both(self) -> [usize; 2] {
        [self.image, self.own]
    }
}

/// Returns the index of the set in the [`RangePool`] that holds the byte ranges overheard for `slot`.
fn heard(slot: usize) -> u32 {
    u32::try_from(slot).unwrap_or(u32::MAX).saturating_mul(2)
}

/// Returns the index of the set in the [`RangePool`] that holds the byte ranges of `slot` in which blocks contradicted
/// each other.
fn contradicted(slot: usize) -> u32 {
    heard(slot).saturating_add(1)
}

impl<D: DownloadSlots, R: RangeSlots> Assembly<D, R> {
    /// Creates an assembly without images, and clears the slots.
    #[must_use]
    pub fn new(mut slots: D, ranges: R) -> Self {
        slots.as_mut().fill(DownloadSlot::EMPTY);
        Self { slots, ranges: RangePool::new(ranges) }
    }

    /// Returns the overheard part of each image, combined from the blocks to all clients.
    pub fn images(&self) -> impl Iterator<Item = Download<'_>> {
        self.views().filter(|download| download.client().is_none())
    }

    /// Returns the overheard part of each download. A download is the transfer of one image to one client.
    pub fn downloads(&self) -> impl Iterator<Item = Download<'_>> {
        self.views().filter(|download| download.client().is_some())
    }

    fn views(&self) -> impl Iterator<Item = Download<'_>> {
        let slots = self.slots.as_ref();
        (0..slots.len()).filter_map(|place| {
            let download = self.view(place)?;
            let image = self.find(None, download.image()).and_then(|place| self.view(place))?;
            let offered = image.offered_sizes().map(|sizes| *sizes.end());
            Some(download.with_size(offered.or_else(|| image.header_size())))
        })
    }

    fn view(&self, place: usize) -> Option<Download<'_>> {
        let slot = self.slots.as_ref().get(place)?;
        Download::new(slot, self.ranges.set(heard(place)), self.ranges.set(contradicted(place)))
    }

    /// Records an observation of a frame that was overheard at the time `now`: the offer of an image, a request for
    /// blocks, a response, or the end of a download. The method stores the bytes of a block that were not overheard
    /// before, and compares all other bytes of the block with the stored bytes.
    ///
    /// # Errors
    /// [`AssemblyError`] if no slot or no entry for a range is free, or if the storage fails. The caller may ignore the
    /// error: bytes that were not recorded are gaps of the download.
    pub fn take<S: BlockStorage>(
        &mut self,
        now: Instant,
        seen: &Observation<'_>,
        storage: &mut S,
    ) -> Result<HeardBytes, AssemblyError<S::Error>> {
        let client = seen.client;
        match seen.meaning {
            Meaning::Offer(offer) => {
                let pair = self.open(client, offer.id)?;
                self.change([pair.image], |slot| slot.add_offer(offer.size));
            }
            Meaning::BlockRequest(request) => {
                // A server may send fewer bytes than a block request names, so only the first byte of the request
                // counts as requested.
                let end = request.offset.saturating_add(1);
                let pair = self.open(client, request.id)?;
                self.add_request(now, pair, Range { start: request.offset, end });
            }
            Meaning::PageRequest(page) => {
                let end = page.offset.saturating_add(page.page_size.into());
                let pair = self.open(client, page.id)?;
                self.add_request(now, pair, Range { start: page.offset, end });
            }
            Meaning::Block(block) => return self.add_block(now, client, &block, storage),
            Meaning::Wait(_) => self.change(self.known(seen), |slot| {
                slot.touch(now);
                slot.counts_mut().waits = slot.counts_mut().waits.saturating_add(1);
            }),
            Meaning::BlockRefused(_) => self.change(self.known(seen), |slot| slot.touch(now)),
            Meaning::Abort => self.change(self.known(seen), |slot| {
                slot.touch(now);
                slot.set_end(Some(DownloadEnd::Aborted));
            }),
            Meaning::UpgradeEndRequest(end) => {
                let reported = DownloadEnd::Reported(end.status);
                self.change(self.known(seen), |slot| slot.set_end(Some(reported)));
            }
            Meaning::ImageNotify(_)
            | Meaning::Query(_)
            | Meaning::SpecificFileQuery(_)
            | Meaning::NoOffer(_)
            | Meaning::UpgradeEndResponse(_)
            | Meaning::DefaultResponse(_)
            | Meaning::Other => {}
        }
        Ok(HeardBytes::default())
    }

    fn find(&self, client: Option<Address>, image: ImageId) -> Option<usize> {
        self.slots.as_ref().iter().position(|slot| slot.key() == Some((client, image)))
    }

    /// Returns the index of the slot for `client` and `image`. If no slot belongs to `client` and `image`, the method
    /// takes a free slot.
    fn find_or_take(&mut self, client: Option<Address>, image: ImageId) -> Option<usize> {
        if let Some(known) = self.find(client, image) {
            return Some(known);
        }
        let slots = self.slots.as_mut();
        let free = slots.iter().position(|slot| slot.key().is_none())?;
        *slots.get_mut(free)? = DownloadSlot::new(client, image);
        Some(free)
    }

    /// Returns the slots of the image and of its download by the client. For an image or a download without a slot, the
    /// method takes a free slot; if too few slots are free, it takes none.
    fn open<E>(&mut self, client: Address, image: ImageId) -> Result<Pair, AssemblyError<E>> {
        let free = self.slots.as_ref().iter().filter(|slot| slot.key().is_none()).take(2).count();
        let missing =
            [None, Some(client)].iter().filter(|client| self.find(**client, image).is_none()).count();
        if free < missing {
            return Err(AssemblyError::NoSlot);
        }
        let of_image = self.find_or_take(None, image).ok_or(AssemblyError::NoSlot)?;
        let own = self.find_or_take(Some(client), image).ok_or(AssemblyError::NoSlot)?;
        Ok(Pair { image: of_image, own })
    }

    /// Returns the existing slots for the image that the frame concerns: the slot of the image, and the slot of the
    /// client's download.
    fn known(&self, seen: &Observation<'_>) -> impl Iterator<Item = usize> + use<D, R> {
        let image = seen.image();
        let places = [None, Some(seen.client)].map(|client| self.find(client, image?));
        places.into_iter().flatten()
    }

    fn change(&mut self, places: impl IntoIterator<Item = usize>, change: impl Fn(&mut DownloadSlot)) {
        for place in places {
            if let Some(slot) = self.slots.as_mut().get_mut(place) {
                change(slot);
            }
        }
    }

    fn add_request(&mut self, now: Instant, pair: Pair, requested: Range) {
        let slots = self.slots.as_mut();
        let own = slots.get_mut(pair.own);
        let repeated = own.is_some_and(|slot| {
            slot.set_end(None);
            slot.is_repeated(requested)
        });
        self.change(pair.both(), |slot| {
            slot.touch(now);
            let counts = slot.counts_mut();
            counts.requests = counts.requests.saturating_add(1);
            counts.repeated_requests = counts.repeated_requests.saturating_add(repeated.into());
        });
    }

    fn add_block<S: BlockStorage>(
        &mut self,
        now: Instant,
        client: Address,
        block: &BlockData<'_>,
        storage: &mut S,
    ) -> Result<HeardBytes, AssemblyError<S::Error>> {
        let pair = self.open(client, block.id)?;
        self.change(pair.both(), |slot| {
            slot.touch(now);
            slot.counts_mut().blocks = slot.counts_mut().blocks.saturating_add(1);
        });
        let len = u32::try_from(block.data.get().len()).unwrap_or(u32::MAX);
        // A file has at most `u32::MAX` bytes, so it has no byte at the offset `u32::MAX`.
        let whole = Range { start: block.offset, end: block.offset.saturating_add(len) };

        let contradicting = self.store(pair, block, whole, storage)?;
        let mut new = 0_u32;
        let mut place = whole.start;
        while place < whole.end {
            let gap = self.ranges.gap_from(heard(pair.own), place, whole.end);
            new = new.saturating_add(gap.len());
            place = gap.end;
        }
        let repeated = whole.len().saturating_sub(new);
        self.ranges.insert(heard(pair.own), whole)?;
        self.change(pair.both(), |slot| {
            let counts = slot.counts_mut();
            counts.repeated_bytes = counts.repeated_bytes.saturating_add(repeated);
        });
        Ok(HeardBytes { new, repeated, contradicting })
    }

    /// Writes the bytes of a block that were not overheard yet, records their ranges for the image, and compares the
    /// other bytes with the stored bytes. Returns the number of bytes of the block that differ from the stored bytes.
    ///
    /// The method stores a byte only if it can also record the range of the byte: otherwise, the next block with the
    /// same byte would store the byte a second time.
    fn store<S: BlockStorage>(
        &mut self,
        pair: Pair,
        block: &BlockData<'_>,
        whole: Range,
        storage: &mut S,
    ) -> Result<u32, AssemblyError<S::Error>> {
        let mut contradicting = 0_u32;
        let mut place = whole.start;
        while place < whole.end {
            let gap = self.ranges.gap_from(heard(pair.image), place, whole.end);
            let known = Range { start: place, end: gap.start };
            contradicting = contradicting.saturating_add(self.compare(pair, block, known, storage)?);
            let new = part(block, gap);
            if !new.is_empty() {
                if !self.ranges.has_room(heard(pair.image), gap) {
                    return Err(AssemblyError::NoRange);
                }
                storage.write(block.id, gap.start, new).map_err(AssemblyError::Storage)?;
                self.ranges.insert(heard(pair.image), gap)?;
                self.change([pair.image], |slot| slot.keep_header(gap.start, new));
            }
            place = gap.end;
        }
        Ok(contradicting)
    }

    /// Compares a part of a block with the stored bytes, and records the ranges in which the bytes differ.
    fn compare<S: BlockStorage>(
        &mut self,
        pair: Pair,
        block: &BlockData<'_>,
        known: Range,
        storage: &mut S,
    ) -> Result<u32, AssemblyError<S::Error>> {
        let mut buffer = [0; 255];
        let data = part(block, known);
        let stored = buffer.get_mut(..data.len()).unwrap_or_default();
        if stored.is_empty()
            || !storage.read(block.id, known.start, stored).map_err(AssemblyError::Storage)?
        {
            return Ok(0);
        }
        let mut differing = 0_u32;
        for ((old, new), start) in stored.iter().zip(data).zip(known.start..known.end) {
            if old != new {
                differing = differing.saturating_add(1);
                for slot in pair.both() {
                    self.ranges.insert(contradicted(slot), Range { start, end: start.saturating_add(1) })?;
                }
            }
        }
        Ok(differing)
    }
}

/// Returns the bytes of a block that lie in the range `at` of the file.
fn part<'a>(block: &BlockData<'a>, at: Range) -> &'a [u8] {
    let index = |offset: u32| usize::try_from(offset.saturating_sub(block.offset)).unwrap_or(usize::MAX);
    block.data.get().get(index(at.start)..index(at.end)).unwrap_or_default()
}

const _: () = assert!(size_of::<DownloadSlot>() <= 112 && size_of::<HeardRange>() <= 12);

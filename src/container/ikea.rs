//! [`ContainerKind::IkeaNgis`]: ten words, a SHA-256 for each chunk, the OTA file, and a signature that is not looked at.
//!
//! ```text
//! 0  "NGIS"   4 12   8 2010   12 offset - 12   16 offset = 40 + 32 N   20 size   24 offset + size   28 11
//! 32 chunk size   36 N   40 N x SHA-256   offset: the OTA file   offset + size: not looked at
//! ```

use core::mem::size_of;
use core::num::NonZero;

use sha2::{Digest, Sha256};
use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::{Container, ContainerIntegrity, ContainerKind};
use crate::codec::fixed;

/// What stands before the sums.
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Raw {
    identifier: [u8; 4],
    twelve: U32,
    year: U32,
    offset_from_12: U32,
    offset: U32,
    size: U32,
    end: U32,
    eleven: U32,
    chunk_size: U32,
    chunks: U32,
}

const HEAD_LEN: u32 = 40;
const SUM_LEN: usize = 32;
const _: () = assert!(size_of::<Raw>() == 40);

impl Raw {
    /// Whether all words are as they must be, for chunks of this size.
    fn agrees(&self, chunk_size: NonZero<u32>) -> bool {
        let (offset, size) = (self.offset.get(), self.size.get());
        let chunks = size.div_ceil(chunk_size.get());
        self.identifier == *b"NGIS"
            && [self.twelve, self.year, self.eleven].map(U32::get) == [12, 2010, 11]
            && self.chunks == chunks
            && chunks.checked_mul(32).and_then(|sums| sums.checked_add(HEAD_LEN)) == Some(offset)
            && offset.checked_sub(12) == Some(self.offset_from_12.get())
            && offset.checked_add(size) == Some(self.end.get())
    }
}

pub(super) fn open(bytes: &[u8]) -> Option<Container<'_>> {
    let (_, raw) = fixed::<Raw>(bytes).ok()?;
    let chunk_size = NonZero::new(raw.chunk_size.get())?;
    if !raw.agrees(chunk_size) {
        return None;
    }
    let size = raw.size.get();
    let container =
        Container::cut(ContainerKind::IkeaNgis, bytes, usize::try_from(raw.offset.get()).ok()?, size)?;
    let chunk_size = usize::try_from(chunk_size.get()).ok()?;
    Some(Container { integrity: integrity(&container, chunk_size, container.is_whole(size)), ..container })
}

/// Compares the sums, of which there is one for each chunk that the OTA file has when it is whole.
fn integrity(container: &Container<'_>, chunk_size: usize, whole: bool) -> ContainerIntegrity {
    let (_, sums) = container.before.split_at_checked(size_of::<Raw>()).unwrap_or_default();
    let (sums, _) = sums.as_chunks::<SUM_LEN>();
    // `chunks` wants to be told that the size is not 0.
    let mut chunks = container.ota.chunks(chunk_size.max(1));
    let places = (size_of::<Raw>()..).step_by(SUM_LEN);
    ContainerIntegrity::of(places.zip(sums).map(|(offset, sum)| {
        // Only the last chunk of the whole file may be short; others are cut.
        let chunk = chunks.next().filter(|chunk| whole || chunk.len() == chunk_size);
        (offset, chunk.is_some_and(|chunk| Sha256::digest(chunk).as_slice() == sum))
    }))
}

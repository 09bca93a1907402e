//! [`ContainerKind::IkeaNgis`]: a container of ten words, a SHA-256 for each chunk, the OTA file, and perhaps a
//! signature. The signature is not verified.
//!
//! ```text
//! 0  "NGIS"   4 12   8 2010   12 offset - 12   16 offset = 40 + 32 N   20 size   24 offset + size   28 11
//! 32 chunk size   36 N   40 N x SHA-256   offset: the OTA file   offset + size: not checked
//! ```

use core::mem::size_of;
use core::num::NonZero;

use sha2::{Digest, Sha256};
use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::{Container, ContainerIntegrity, ContainerKind};
use crate::codec::fixed;

/// Fields of the container before the SHA-256 of each chunk.
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawHead {
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
const SHA_LEN: usize = 32;
const _: () = assert!(size_of::<RawHead>() == 40);

impl RawHead {
    /// Returns whether all words of the head are consistent for chunks of `chunk_size` bytes.
    fn is_consistent(&self, chunk_size: NonZero<u32>) -> bool {
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
    let (_, raw) = fixed::<RawHead>(bytes).ok()?;
    let chunk_size = NonZero::new(raw.chunk_size.get())?;
    if !raw.is_consistent(chunk_size) {
        return None;
    }
    let size = raw.size.get();
    let container =
        Container::split(ContainerKind::IkeaNgis, bytes, usize::try_from(raw.offset.get()).ok()?, size)?;
    let chunk_size = usize::try_from(chunk_size.get()).ok()?;
    Some(Container { integrity: integrity(&container, chunk_size, container.is_complete(size)), ..container })
}

/// Compares the SHA-256 of each chunk with the bytes of the OTA file. The head has one SHA-256 for each chunk of the
/// complete OTA file.
fn integrity(container: &Container<'_>, chunk_size: usize, complete: bool) -> ContainerIntegrity {
    let (_, sums) = container.before.split_at_checked(size_of::<RawHead>()).unwrap_or_default();
    let (sums, _) = sums.as_chunks::<SHA_LEN>();
    // `max` shows the compiler that the size is not 0, for which `chunks` would panic.
    let mut chunks = container.ota.chunks(chunk_size.max(1));
    let offsets = (size_of::<RawHead>()..).step_by(SHA_LEN);
    ContainerIntegrity::from_checksums(offsets.zip(sums).map(|(offset, sum)| {
        // Only the last chunk of a complete file may be short. In a truncated file, a short chunk lacks bytes.
        let chunk = chunks.next().filter(|chunk| complete || chunk.len() == chunk_size);
        (offset, chunk.is_some_and(|chunk| Sha256::digest(chunk).as_slice() == sum))
    }))
}

//! [`ContainerKind::IkeaNgis`]: a container of ten 32-bit words, a SHA-256 for each chunk of the OTA file, the OTA
//! file, and perhaps a signature. This crate does not verify the signature of an IKEA container.
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
use crate::file::FileHeader;

/// Ten 32-bit words at the start of an IKEA container, before the SHA-256 of each chunk.
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
    /// Returns whether the ten words of an IKEA container are consistent: the constant words have their values, and
    /// offset, size, end and number of chunks fit each other for chunks of `chunk_size` bytes.
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
    let head = Head::read(bytes)?;
    let container = Container::split(ContainerKind::IkeaNgis, bytes, head.offset, head.size)?;
    let complete = container.is_complete(head.size);
    Some(Container {
        integrity: integrity(container.before, container.ota, head.chunk_size, complete),
        ..container
    })
}

/// IKEA container whose ten words are consistent and whose checksums match, but whose OTA header has another total
/// image size than the ten words give for the OTA file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OtherTotal {
    /// Offset of the OTA header, in bytes from the first byte of the container.
    pub(crate) offset: usize,
    /// Total image size in the OTA header, in bytes.
    pub(crate) total_size: u32,
    /// Size in bytes that the ten words at the start of the container give for the OTA file.
    pub(crate) size: u32,
}

/// Recognises an IKEA container that [`Container::open`] refuses only because the total image size in the OTA header
/// differs from the size of the OTA file in the ten words of the container. Returns `None` unless all checksums of the
/// container match.
pub(crate) fn with_other_total(bytes: &[u8]) -> Option<OtherTotal> {
    let head = Head::read(bytes)?;
    let (before, rest) = bytes.split_at_checked(head.offset)?;
    let (header, _) = FileHeader::parse_lenient(rest).ok()?;
    let payload = rest.get(..usize::try_from(head.size).ok()?)?;
    let verified = integrity(before, payload, head.chunk_size, true) == ContainerIntegrity::Verified;
    let found = OtherTotal { offset: head.offset, total_size: header.total_size, size: head.size };
    (verified && header.total_size != head.size).then_some(found)
}

/// Values from the ten words at the start of an IKEA container.
struct Head {
    /// Offset of the OTA file, in bytes from the first byte of the container.
    offset: usize,
    /// Size of the OTA file, in bytes.
    size: u32,
    chunk_size: usize,
}

impl Head {
    /// Reads the ten words of an IKEA container at the start of `bytes`. Returns `None` if the ten words are
    /// inconsistent.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (_, raw) = fixed::<RawHead>(bytes).ok()?;
        let chunk_size = NonZero::new(raw.chunk_size.get())?;
        raw.is_consistent(chunk_size).then_some(())?;
        Some(Self {
            offset: usize::try_from(raw.offset.get()).ok()?,
            size: raw.size.get(),
            chunk_size: usize::try_from(chunk_size.get()).ok()?,
        })
    }
}

/// Compares each SHA-256 in an IKEA container with the SHA-256 of its chunk of the OTA file. An IKEA container has one
/// SHA-256 for each chunk of the complete OTA file.
fn integrity(before: &[u8], ota: &[u8], chunk_size: usize, complete: bool) -> ContainerIntegrity {
    let (_, sums) = before.split_at_checked(size_of::<RawHead>()).unwrap_or_default();
    let (sums, _) = sums.as_chunks::<SHA_LEN>();
    // `max` shows the compiler that the size is not 0, for which `chunks` would panic.
    let mut chunks = ota.chunks(chunk_size.max(1));
    let offsets = (size_of::<RawHead>()..).step_by(SHA_LEN);
    ContainerIntegrity::from_checksums(offsets.zip(sums).map(|(offset, sum)| {
        // Only the last chunk of a complete file may be short. In a truncated file, a short chunk lacks bytes.
        let chunk = chunks.next().filter(|chunk| complete || chunk.len() == chunk_size);
        (offset, chunk.is_some_and(|chunk| Sha256::digest(chunk).as_slice() == sum))
    }))
}

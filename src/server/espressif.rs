//! A table of images by index, as users of espressif's SDK know it: registered with their data source, upgrade time and
//! a flag to notify; a hook for queries; and the statuses of the server.
//!
//! ```text
//! ImageTable::new(jitter, current time)    N places
//!   register(index, Registration) -> Announcement?     what to hand to Server::notify
//!   policy(hook) -> TablePolicy                    an argument of Server::handle_frame, with the table as the store
//! ServerStatus::of(event)                          what the status callback would be told
//! ```

use super::{
    ImageInfo, ImageStore, QueryDecision, ReadResult, ServerEvent, ServerPolicy, StandardPolicy,
    UpgradeDecision,
};
use crate::aps::Address;
use crate::codec::Encode;
use crate::error::EncodeError;
use crate::file::{FileHeader, Tag};
use crate::time::{ServerTime, UtcTime};
use crate::types::{Eui64, ImageId, ImageType, ManufacturerCode};
use crate::zcl::{ImageNotify, NotifyScope, QueryNextImageRequest, Status, Violation};

use super::slot_store;

/// What a source is asked for: bytes of the complete file, header included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadRequest {
    /// Index in the table.
    pub index: usize,
    /// Which image.
    pub image: ImageInfo,
    /// Who asked for them.
    pub client: Address,
    /// The first one, from the start of the file. It is what the client asks for: it can come again, or go back.
    pub offset: u32,
}

/// Where the bytes of one image come from. A closure is one.
pub type Source<'a> = &'a mut dyn FnMut(ReadRequest, &mut [u8]) -> ReadResult;

/// One image of an [`ImageTable`].
pub struct Registration<'a> {
    /// The endpoint that serves it.
    pub endpoint: u8,
    /// What its header says.
    pub image: ImageInfo,
    /// Upgrade time of the Upgrade End Response, next to the table's current time: with 0 there, seconds from then.
    pub upgrade_time: u32,
    /// Where its bytes come from, asked when a client downloads it and not before.
    pub source: Source<'a>,
    /// Whether to tell clients of it.
    pub notify: bool,
}

/// An Image Notify to send: see [`Server::notify`](super::Server::notify).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announcement {
    /// By broadcast.
    All(ImageNotify),
    /// To the one device that the image is for; its network address is the caller's to look up.
    One(Eui64, ImageNotify),
}

/// An index that the table does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("index {index} of a table of {count}")]
pub struct NoSuchIndex {
    /// The index.
    pub index: usize,
    /// Places of the table; the last one is one less.
    pub count: usize,
}

/// Images by index, `N` at the most. It is the [`ImageStore`] of a server.
pub struct ImageTable<'a, const N: usize> {
    jitter: u8,
    current_time: u32,
    places: [Option<Registration<'a>>; N],
}

impl<'a, const N: usize> ImageTable<'a, N> {
    /// An empty table whose notifies have the query jitter `jitter`. With a `current_time` of 0, upgrade times are
    /// offsets in seconds; otherwise both are UTC.
    ///
    /// # Errors
    /// [`Violation::QueryJitter`] for a jitter outside 1 to 100.
    pub fn new(jitter: u8, current_time: u32) -> Result<Self, Violation> {
        ImageNotify { jitter, scope: NotifyScope::Everyone }.check()?;
        Ok(Self { jitter, current_time, places: [const { None }; N] })
    }

    /// Puts an image at `index`, in the place of what is there, and tells what to announce, if anything: by broadcast
    /// an Image Notify of type 3 with the image's numbers, so that other devices stay quiet; or, for an image that has
    /// a destination, one of type 0 to that device.
    ///
    /// # Errors
    /// [`NoSuchIndex`] from `N` on.
    pub fn register(
        &mut self,
        index: usize,
        registration: Registration<'a>,
    ) -> Result<Option<Announcement>, NoSuchIndex> {
        let place = self.places.get_mut(index).ok_or(NoSuchIndex { index, count: N })?;
        let (image, notify) = (registration.image, registration.notify);
        let scope = NotifyScope::NewVersion(image.id.into());
        *place = Some(registration);
        Ok(notify.then_some(match image.destination {
            None => Announcement::All(ImageNotify { jitter: self.jitter, scope }),
            Some(node) => Announcement::One(node, ImageNotify::UNICAST),
        }))
    }

    /// Takes the image at `index` away, and tells whether there was one. Clients that download it are told
    /// NO_IMAGE_AVAILABLE.
    pub fn remove(&mut self, index: usize) -> bool {
        self.places.get_mut(index).is_some_and(|place| place.take().is_some())
    }

    /// Places of the table, free or not; indices are below it.
    #[must_use]
    pub const fn count(&self) -> usize {
        N
    }

    /// What is at `index`.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Registration<'a>> {
        self.places.get(index)?.as_ref()
    }

    /// The policy of this table as it is now, with `hook` to approve of queries: make it anew for each frame.
    pub fn policy<H: FnMut(Query) -> QueryDecision>(&self, hook: H) -> TablePolicy<H, N> {
        let times = self.places.each_ref().map(|place| {
            place.as_ref().map(|registration| (registration.image.id, registration.upgrade_time))
        });
        TablePolicy { hook, times, current_time: self.current_time }
    }

    fn infos(&self) -> impl Iterator<Item = ImageInfo> + Clone {
        (0..).zip(&self.places).filter_map(|(key, place)| Some(ImageInfo { key, ..place.as_ref()?.image }))
    }
}

impl<const N: usize> ImageStore for ImageTable<'_, N> {
    fn find(
        &mut self,
        manufacturer: ManufacturerCode,
        image_type: ImageType,
        fits: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo> {
        slot_store::find(self.infos(), manufacturer, image_type, fits)
    }

    fn info(&mut self, id: ImageId, node: Option<Eui64>) -> Option<ImageInfo> {
        slot_store::info(self.infos(), id, node)
    }

    fn read(&mut self, image: &ImageInfo, offset: u32, out: &mut [u8]) -> ReadResult {
        self.read_for(Address::new(0, 0), image, offset, out)
    }

    fn read_for(&mut self, client: Address, image: &ImageInfo, offset: u32, out: &mut [u8]) -> ReadResult {
        let index = usize::try_from(image.key).unwrap_or(usize::MAX);
        match self.places.get_mut(index) {
            Some(Some(place)) if slot_store::same(&place.image, image) => {
                (place.source)(ReadRequest { index, image: *image, client, offset }, out)
            }
            _ => ReadResult::Gone,
        }
    }
}

/// A query as the hook sees it. One that cannot be read does not come this far: it is answered as malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query {
    /// Who asks.
    pub client: Address,
    /// What it runs.
    pub request: QueryNextImageRequest,
    /// Index of the image that fits, `None` where none does.
    pub index: Option<usize>,
}

/// The [`ServerPolicy`] of an [`ImageTable`].
pub struct TablePolicy<H, const N: usize> {
    hook: H,
    times: [Option<(ImageId, u32)>; N],
    current_time: u32,
}

impl<H: FnMut(Query) -> QueryDecision, const N: usize> ServerPolicy for TablePolicy<H, N> {
    fn fits(&mut self, _: Address, request: &QueryNextImageRequest, image: &ImageInfo) -> bool {
        StandardPolicy::default().suits(request, image)
    }

    fn offer(
        &mut self,
        client: Address,
        request: &QueryNextImageRequest,
        found: Option<&ImageInfo>,
    ) -> QueryDecision {
        let index = found.and_then(|image| usize::try_from(image.key).ok());
        (self.hook)(Query { client, request: *request, index })
    }

    fn apply(&mut self, _: Address, id: ImageId) -> UpgradeDecision {
        let time = self.times.iter().flatten().find(|(of, _)| *of == id);
        match (time, self.current_time) {
            (None, _) => UpgradeDecision::Now,
            (Some((_, u32::MAX)), _) => UpgradeDecision::Hold,
            (Some((_, time)), 0) => UpgradeDecision::AfterSeconds(*time),
            (Some((_, time)), _) => UpgradeDecision::At(UtcTime(*time)),
        }
    }
}

/// What the status callback of espressif's SDK is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerStatus {
    /// 0: the first block was sent.
    Started,
    /// 1: the client ended otherwise than by success.
    Aborted,
    /// 2: the client has the image and was told when to upgrade.
    End(ServerTime),
}

impl ServerStatus {
    /// The status that an event is, with its client and image; `None` for events that are none.
    #[must_use]
    pub fn of(event: &ServerEvent) -> Option<(Address, ImageId, Self)> {
        match *event {
            ServerEvent::Started { client, id } => Some((client, id, Self::Started)),
            ServerEvent::Ended { client, id, status } if status != Status::SUCCESS => {
                Some((client, id, Self::Aborted))
            }
            ServerEvent::Ordered { client, id, time } => Some((client, id, Self::End(time))),
            _ => None,
        }
    }
}

/// Bytes before the raw binary: the longest header without extra fields, and an element's.
const HEAD: usize = FileHeader::MAX_KNOWN_LEN + 6;

/// A raw binary as the source of a complete file: the header and one element around it are written here, once.
pub struct WrappedBinary<F> {
    head: [u8; HEAD],
    len: usize,
    image: ImageInfo,
    raw: F,
}

impl<F: FnMut(u32, &mut [u8]) -> ReadResult> WrappedBinary<F> {
    /// A file of `header`, whose total image size is set here, and one upgrade image of `size` bytes that `raw` reads
    /// from an offset of its own.
    ///
    /// # Errors
    /// The header has extra fields or a size beyond 32 bits: there is no room for it.
    pub fn new(header: FileHeader<'_>, size: u32, raw: F) -> Result<Self, EncodeError> {
        let mut head = [0; HEAD];
        let header_len = header.header_len();
        let len = header_len.saturating_add(6);
        let total_size = u32::try_from(len).ok().and_then(|len| len.checked_add(size));
        let no_room = EncodeError::NoRoom { needed: len, available: HEAD };
        let header = FileHeader { total_size: total_size.ok_or(no_room)?, ..header };
        header.encode(&mut head)?;
        let room = head.get_mut(header_len..).and_then(|rest| rest.split_first_chunk_mut());
        let (tag, rest) = room.ok_or(no_room)?;
        *tag = Tag::UPGRADE_IMAGE.0.to_le_bytes();
        *rest.first_chunk_mut().ok_or(no_room)? = size.to_le_bytes();
        Ok(Self { head, len, image: ImageInfo::from(&header), raw })
    }

    /// What to register.
    #[must_use]
    pub const fn image(&self) -> ImageInfo {
        self.image
    }

    /// Reads from the complete file, as a [`Source`].
    pub fn read(&mut self, wanted: ReadRequest, out: &mut [u8]) -> ReadResult {
        let head = self.head.get(..self.len).unwrap_or_default();
        let offset = usize::try_from(wanted.offset).unwrap_or(usize::MAX);
        match offset.checked_sub(head.len()).and_then(|offset| u32::try_from(offset).ok()) {
            Some(offset) => (self.raw)(offset, out),
            // The binary comes with the next block.
            None => slot_store::read(head, wanted.offset, out),
        }
    }
}

//! Store of files from an index (features `index` and `gateway`). The caller fetches a file when a device needs the
//! file.
//!
//! ```text
//! frame --> note_frame: query --> entry of the index for this device
//!                                    |  not fetched yet            poll_fetch -> FetchJob --> caller fetches the file
//!                                    v                             fetched(job, bytes) -----> clients to notify
//!           find: the file, or no image: the answer is NO_IMAGE_AVAILABLE
//! ```
//!
//! **The store offers a file only after the caller has fetched the file.** The specification has no query response by
//! which a server could ask a device to query again soon. A gateway that offers a file before the caller has fetched it
//! cannot send the file if the fetch fails. A device that queries before the caller has fetched the file gets
//! NO_IMAGE_AVAILABLE. As soon as the caller has fetched the file, the device gets an Image Notify, and queries again.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;

use crate::aps::{Address, FrameMeta};
use crate::index::{DeviceDescription, FileMismatch, Index, IndexEntry};
use crate::inspect::{Finding, Inspection};
use crate::server::image_lookup;
use crate::server::{FileLookup, ImageInfo, ImageStore, ReadResult, StoreEntry};
use crate::types::{Eui64, HardwareVersion, ImageId, ImageType, ManufacturerCode};
use crate::zcl::{Frame, Message, QueryNextImageRequest, Quirks, ToServer};

/// Maximum number of clients that get an Image Notify after the caller has fetched a file. A client beyond this maximum
/// gets no Image Notify, and is offered the file in answer to its next periodic query.
const MAX_WAITING: usize = 256;

/// Maximum number of selections that the store keeps. A selection is the index entry that the store chose for a client.
/// For a client with several image types, the store keeps one selection for each image type.
const MAX_SELECTIONS: usize = 1 << 16;

/// [`ImageStore`] of the files of an index of zigbee2mqtt or zigpy. The store selects an entry of the index for each
/// device that queries, and asks the caller to fetch the file of the entry.
///
/// The caller calls [`note_frame`](Self::note_frame) with each received frame, before the server handles the frame.
/// From a query, the store learns the device, its hardware version and its running version, so that the store obeys all
/// restrictions of the index. The policy decides about the version of the selected file: an entry with `force` needs a
/// policy that offers any version ([`OfferedVersions::Any`](crate::server::OfferedVersions::Any)).
///
/// The store keeps fetched files in memory, up to the maximum that [`set_max_bytes`](Self::set_max_bytes) sets. If the
/// fetched files together are larger than the maximum, the store drops the file that was fetched first, and asks the
/// caller to fetch the dropped file again when a device needs it.
#[derive(Clone, Debug)]
pub struct IndexStore {
    index: Index,
    files: VecDeque<IndexFile>,
    max_bytes: usize,
    devices: BTreeMap<u16, DeviceFacts>,
    /// Number of the index entry that the store selected most recently for each combination of client, manufacturer
    /// code and image type.
    selections: BTreeMap<(Address, ManufacturerCode, ImageType), usize>,
    /// Client and selected entry of the Query Next Image Request that the server handles now.
    query: Option<(Address, usize)>,
    /// Clients that wait for a file; the key is the number of the file's entry in the index.
    waiting: BTreeMap<usize, BTreeSet<Address>>,
    /// Numbers of the index entries whose files the caller is fetching.
    fetching: BTreeSet<usize>,
}

/// Model identifier and manufacturer name of a device, which the query of the device does not contain.
#[derive(Clone, Debug, Default)]
struct DeviceFacts {
    model: Option<String>,
    manufacturer_name: Option<String>,
}

/// Fetched file. The `key` in `info` is the number of the file's entry in the index.
#[derive(Clone, Debug)]
struct IndexFile {
    number: usize,
    info: ImageInfo,
    bytes: Vec<u8>,
}

/// File that the caller fetches for an [`IndexStore`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FetchJob {
    /// Number of the entry in the index, counted from 0.
    pub number: usize,
    /// Entry of the index, with the URL or the path of the file.
    pub entry: IndexEntry,
}

/// Reason why a fetched file was not added to an [`IndexStore`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum FetchError {
    /// The file differs from its entry in the index. The error contains the first mismatch between the file and its
    /// entry.
    #[error("{0}")]
    Mismatch(FileMismatch),
    /// The inspection found a fault in the file, so no device should get the file. The error contains the first finding
    /// of the inspection that has the severity `Wrong`.
    #[error("{0}")]
    Wrong(Finding),
    /// The index has no entry with the given number, or has more entries than the store can number.
    #[error("the index has no entry {0}")]
    NoEntry(usize),
}

impl IndexStore {
    /// Creates the store of an index, without any file and with a maximum of 64 MiB for all fetched files together.
    #[must_use]
    pub const fn new(index: Index) -> Self {
        Self {
            index,
            files: VecDeque::new(),
            max_bytes: 64 << 20,
            devices: BTreeMap::new(),
            selections: BTreeMap::new(),
            query: None,
            waiting: BTreeMap::new(),
            fetching: BTreeSet::new(),
        }
    }

    /// Sets the maximum number of bytes of the fetched files together. The store keeps a single file that is larger
    /// than `max_bytes` until another file is fetched.
    pub const fn set_max_bytes(&mut self, max_bytes: usize) {
        self.max_bytes = max_bytes;
    }

    /// Sets what the gateway has read from the Basic cluster of the node with the network address `network`: model
    /// identifier (attribute 0x0005) and manufacturer name (attribute 0x0004). Without model identifier and
    /// manufacturer name, the store selects for the node no entry that is restricted to models or manufacturers. The
    /// caller sets model identifier and manufacturer name again when the network address of the node changes.
    pub fn set_device(&mut self, network: u16, model: Option<String>, manufacturer_name: Option<String>) {
        self.devices.insert(network, DeviceFacts { model, manufacturer_name });
    }

    /// Removes everything that the store has recorded about the node with the network address `network`.
    pub fn forget(&mut self, network: u16) {
        self.devices.remove(&network);
        self.selections.retain(|(client, ..), _| client.network != network);
        for clients in self.waiting.values_mut() {
            clients.retain(|client| client.network != network);
        }
    }

    /// Selects an entry of the index for the sender of `frame` if `frame` is a Query Next Image Request. The caller
    /// calls `note_frame` before the server handles the frame. After a frame that is not a Query Next Image Request,
    /// the store finds no image for a query until `note_frame` gets the next Query Next Image Request.
    pub fn note_frame(&mut self, meta: &FrameMeta, frame: &[u8]) {
        self.query = None;
        let Ok(Frame { message: Message::ToServer(ToServer::QueryNextImage(request)), .. }) =
            Frame::decode(frame, Quirks::all())
        else {
            return;
        };
        let (client, current) = (meta.from, request.current);
        let Some(number) = self.select(client, &request) else { return };
        self.query = Some((client, number));
        let key = (client, current.manufacturer, current.image_type);
        if self.selections.len() < MAX_SELECTIONS || self.selections.contains_key(&key) {
            self.selections.insert(key, number);
        }
        if self.file(number).is_none() {
            let clients = self.waiting.entry(number).or_default();
            if clients.len() < MAX_WAITING {
                clients.insert(client);
            }
        }
    }

    /// Returns the number of the index entry that fits the device of `client` and its query; `None` if no entry fits.
    fn select(&self, client: Address, request: &QueryNextImageRequest) -> Option<usize> {
        let facts = self.devices.get(&client.network);
        let mut device = DeviceDescription::from(request);
        device.model = facts.and_then(|facts| facts.model.as_deref());
        device.manufacturer_name = facts.and_then(|facts| facts.manufacturer_name.as_deref());
        self.index.select(&device).number()
    }

    fn file(&self, number: usize) -> Option<&IndexFile> {
        self.files.iter().find(|file| file.number == number)
    }

    /// Returns a file that devices wait for and that the caller is not fetching yet. The caller fetches the file and
    /// calls [`fetched`](Self::fetched) or [`fetch_failed`](Self::fetch_failed).
    pub fn poll_fetch(&mut self) -> Option<FetchJob> {
        let number = *self.waiting.keys().find(|number| !self.fetching.contains(number))?;
        let entry = self.index.entries.get(number)?.clone();
        self.fetching.insert(number);
        Some(FetchJob { number, entry })
    }

    /// Adds the fetched file of the entry `number`, and returns the clients that asked for the file. The caller then
    /// sends an Image Notify to each client that asked for the file.
    ///
    /// # Errors
    /// Fails with [`FetchError::Mismatch`] if the file differs from its entry in the index, and with
    /// [`FetchError::Wrong`] if the file has a fault, so that no device should get the file. After either error, the
    /// store asks the caller again to fetch the file when a device next queries for an image, and the store selects the
    /// entry for the device.
    pub fn fetched(&mut self, number: usize, bytes: &[u8]) -> Result<Vec<Address>, FetchError> {
        self.fetching.remove(&number);
        let clients = self.waiting.remove(&number).unwrap_or_default();
        let entry = self.index.entries.get(number).ok_or(FetchError::NoEntry(number))?;
        let key = u32::try_from(number).map_err(|_| FetchError::NoEntry(number))?;
        if let Some(mismatch) = entry.check(bytes).into_iter().next() {
            return Err(FetchError::Mismatch(mismatch));
        }
        let inspection = Inspection::of(bytes);
        let (container, _) = inspection.usable().map_err(FetchError::Wrong)?;
        let stored = StoreEntry::parse(container.ota)
            .map_err(|error| FetchError::Mismatch(FileMismatch::NotOta(error)))?;
        let (info, file) = (ImageInfo { key, ..*stored.info() }, stored.file());
        self.files.retain(|other| other.number != number);
        let mut total: usize = self.files.iter().map(|other| other.bytes.len()).sum();
        while total.saturating_add(file.len()) > self.max_bytes
            && let Some(dropped) = self.files.pop_front()
        {
            total = total.saturating_sub(dropped.bytes.len());
        }
        self.files.push_back(IndexFile { number, info, bytes: file.to_vec() });
        Ok(clients.into_iter().collect())
    }

    /// Records that the caller cannot fetch the file of the entry `number` now. The store asks the caller again to
    /// fetch the file when a device next queries for an image, and the store selects the entry for the device.
    pub fn fetch_failed(&mut self, number: usize) {
        self.fetching.remove(&number);
        self.waiting.remove(&number);
    }

    /// Returns each fetched file: the number of its index entry, and its identity.
    pub fn files(&self) -> impl Iterator<Item = (usize, &ImageInfo)> {
        self.files.iter().map(|file| (file.number, &file.info))
    }
}

impl ImageStore for IndexStore {
    fn find(
        &mut self,
        manufacturer: ManufacturerCode,
        image_type: ImageType,
        is_eligible: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo> {
        let (_, number) = self.query?;
        image_lookup::find(
            self.file(number).map(|file| file.info).into_iter(),
            manufacturer,
            image_type,
            is_eligible,
        )
    }

    fn info(
        &mut self,
        id: ImageId,
        node: Option<Eui64>,
        hardware: Option<HardwareVersion>,
        client: Option<Address>,
    ) -> FileLookup {
        let selected =
            client.and_then(|client| self.selections.get(&(client, id.manufacturer, id.image_type)));
        let selected = selected.and_then(|number| self.file(*number)).filter(|file| file.info.id == id);
        if let Some(file) = selected {
            return if file.info.is_for(node) { FileLookup::Found(file.info) } else { FileLookup::NotFound };
        }
        // A client whose query the store has not seen gets only files from entries without restrictions to models or
        // manufacturers, because such files are for every client.
        let is_unrestricted = |file: &&IndexFile| {
            let entry = self.index.entries.get(file.number);
            entry.is_some_and(|entry| {
                entry.restrictions.models.is_none() && entry.restrictions.manufacturer_names.is_none()
            })
        };
        let files = self.files.iter().filter(is_unrestricted);
        image_lookup::info(files.map(|file| (file.info.key, &file.info)), id, node, hardware)
    }

    fn read(&mut self, image: &ImageInfo, offset: u32, _: Option<Address>, out: &mut [u8]) -> ReadResult {
        match self.files.iter().find(|file| file.info == *image) {
            Some(file) => image_lookup::read(&file.bytes, offset, out),
            None => ReadResult::Gone,
        }
    }
}

//! Passive observer of overheard frames, and assembly of the overheard images.
//!
//! The observer sends no frames. The caller decodes each frame, and passes the frame to the observer with the addresses
//! of its sender and receiver. The observer returns the [`Meaning`] of the frame for a download, the client whose
//! download the frame concerns, and the request that the frame answers.
//!
//! An [`Assembly`] collects the observations of each image and of each download by a client: bytes, gaps,
//! contradictions, repeated requests, times and the end. The assembly writes the bytes of the images to a
//! [`BlockStorage`] of the caller. The caller lends the memory for conversations, downloads and ranges, because only
//! the caller knows how much memory is available.
//!
//! ```text
//!   client --- frame ---> server        Query, SpecificFileQuery, BlockRequest, PageRequest, UpgradeEndRequest
//!          <-- frame ----               ImageNotify, Offer, NoOffer, Block, Wait, Abort, BlockRefused, UpgradeEndResponse
//!                 |
//!           Frame::decode --> Observer::observe --> Observation { client, server, sequence, meaning, answers }
//!                                  |
//!                        Conversation, one for each pair of client and server
//!                        | requests 12 x (sequence number, request), newest first |
//!                        | page      sequence number, Image Page Request          |
//!
//!   Observation --> Assembly::take --> BlockStorage     write, read: the bytes of each image
//!                         |
//!                   Download, one for each image, and one for each client of the image
//! ```
//!
//! Some responses name no file: a refusal, WAIT_FOR_DATA and ABORT (sections 6.10.5 and 6.10.8 of ZigBee document
//! 095264, 2011). The observer assigns a response that names no file to the request with the same sequence number.
//!
//! The observer assigns a block to the block request with the same sequence number, file and offset. If no block
//! request has the sequence number, file and offset of the block, the observer assigns the block to the newest page
//! request of the client if the page contains the first byte of the block, whatever the sequence number of the page
//! request. The responses to a page request may arrive in any order (section 6.10.7.4). The observer keeps a request
//! after its response has arrived, so it also finds the request that a repeated response answers.
//!
//! The observer accepts every frame, and returns an observation for every frame. If no slot is free, a new pair of
//! client and server replaces the pair that has been without a request for the longest time. An observer with an empty
//! list of slots also works, but never finds the request that a response answers. For each frame, the observer searches
//! the slots one after the other, so an observation takes longer with more slots. Each slot is a [`Conversation`] of at
//! most 768 bytes.
//!
//! ```
//! use zigbee_ota::aps::Address;
//! use zigbee_ota::observer::{Assembly, Conversation, DownloadSlot, HeardRange, Meaning, Observer};
//! use zigbee_ota::time::Instant;
//! use zigbee_ota::zcl::{Frame, Quirks};
//!
//! let (lamp, gateway) = (Address::new(0x1234, 1), Address::new(0x0000, 1));
//! let query = [0x01, 7, 0x01, 0x00, 0x01, 0x10, 0xab, 0x00, 1, 0, 0, 0];
//! let refusal = [0x19, 7, 0x02, 0x98];
//!
//! let mut observer = Observer::new([Conversation::EMPTY; 8]);
//! observer.observe(lamp, gateway, &Frame::decode(&query, Quirks::all())?);
//! let seen = observer.observe(gateway, lamp, &Frame::decode(&refusal, Quirks::all())?);
//! assert!(matches!(seen.meaning, Meaning::NoOffer(_)));
//! assert_eq!(seen.image().map(|id| id.image_type.0), Some(0x00ab));
//!
//! // What was overheard of each download, without the bytes: the storage is `()`.
//! let mut assembly = Assembly::new([DownloadSlot::EMPTY; 16], [HeardRange::EMPTY; 512]);
//! let request = [0x01, 8, 0x03, 0x00, 0x01, 0x10, 0xab, 0x00, 2, 0, 0, 0, 0, 0, 0, 0, 4];
//! let response = [0x19, 8, 0x05, 0x00, 0x01, 0x10, 0xab, 0x00, 2, 0, 0, 0, 0, 0, 0, 0, 4, 0x1e, 0xf1, 0xee, 0x0b];
//! for (millis, from, to, bytes) in [(0, lamp, gateway, &request[..]), (50, gateway, lamp, &response)] {
//!     let seen = observer.observe(from, to, &Frame::decode(bytes, Quirks::all())?);
//!     assembly.take(Instant::from_millis(millis), &seen, &mut ())?;
//! }
//! let download = assembly.downloads().next().expect("of the lamp");
//! assert_eq!((download.client(), download.bytes(), download.goodput()), (Some(lamp), 4, Some(80)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod conversation;
mod download;
mod image_assembly;
mod observation;
mod range_pool;

pub use conversation::Conversation;
pub use download::{Download, DownloadCounts, DownloadEnd, DownloadSlot, DownloadSlots};
pub use image_assembly::{Assembly, AssemblyError, BlockStorage, HeardBytes};
pub use observation::{Meaning, Observation};
pub use range_pool::{HeardRange, RangeSlots};

use crate::aps::Address;
use crate::zcl::{Direction, Frame, ToServer};

/// Memory for conversations, such as `[Conversation; N]`, `&mut [Conversation]` or `Vec<Conversation>`. Each pair of
/// client and server with a download in progress takes one slot.
pub trait ConversationSlots: AsRef<[Conversation]> + AsMut<[Conversation]> {}

impl<T: AsRef<[Conversation]> + AsMut<[Conversation]>> ConversationSlots for T {}

/// Passive observer of downloads. The [module documentation](self) describes how the observer finds the request that a
/// frame answers.
#[doc(alias = "sniffer")]
#[derive(Clone, Debug)]
pub struct Observer<S> {
    slots: S,
    /// Number of requests observed so far. The observer compares `requests` with the serial number of each pair's
    /// newest request, and so finds the pair that has sent no request for the longest time.
    requests: u32,
}

impl<S: ConversationSlots> Observer<S> {
    /// Creates an observer and clears the slots.
    #[must_use]
    pub fn new(mut slots: S) -> Self {
        slots.as_mut().fill(Conversation::EMPTY);
        Self { slots, requests: 0 }
    }

    /// Returns the observation of `frame`, which `from` sent to `to`. The direction bit of the frame tells whether the
    /// client is the sender or the receiver.
    ///
    /// Only a request takes a slot, so an unsolicited frame of a server never replaces the conversation of another pair
    /// of client and server.
    pub fn observe<'a>(&mut self, from: Address, to: Address, frame: &Frame<'a>) -> Observation<'a> {
        let direction = frame.message.direction();
        let (client, server) = match direction {
            Direction::ToServer => (from, to),
            Direction::ToClient => (to, from),
        };
        let meaning = Meaning::of(&frame.message);
        let mut answers = None;
        if let Some(request) = meaning.request() {
            self.remember(client, server, frame.sequence, request);
        } else if direction == Direction::ToClient {
            let pair = self.conversation(client, server);
            answers = pair.and_then(|pair| pair.request_for(frame.sequence, &meaning));
        }
        Observation { client, server, sequence: frame.sequence, meaning, answers }
    }

    fn conversation(&self, client: Address, server: Address) -> Option<&Conversation> {
        self.slots.as_ref().iter().find(|slot| slot.is_between(client, server))
    }

    fn remember(&mut self, client: Address, server: Address, sequence: u8, request: ToServer) {
        let now = self.requests.wrapping_add(1);
        self.requests = now;
        let slots = self.slots.as_mut();
        let known = slots.iter().position(|slot| slot.is_between(client, server));
        let place = known.or_else(|| {
            let ages = slots.iter().enumerate().map(|(place, slot)| (slot.age(now), place));
            ages.max_by_key(|(age, _)| *age).map(|(_, place)| place)
        });
        if let Some(slot) = place.and_then(|place| slots.get_mut(place)) {
            if known.is_none() {
                *slot = Conversation::between(client, server);
            }
            slot.add(now, sequence, request);
        }
    }
}

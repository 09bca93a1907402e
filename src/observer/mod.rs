//! A passive observer: what each frame that was overheard between clients and servers means for a download.
//!
//! It sends nothing and keeps no image. The caller decodes a frame, hands it over with who sent it to whom, and is told
//! what it [`Meaning`], for which client, and which request it answers. Storing data and knowing what is missing is the
//! caller's, for only the caller knows how much there is room for; [`Meaning::Block`] says of itself which file it
//! is of and where it stands.
//!
//! ```text
//!   client --- frame ---> server        Query, FileQuery, BlockRequest, PageRequest, End
//!          <-- frame ----               Notify, Offer, NoOffer, Block, Wait, Abort, Failed, Order
//!                 |
//!           Frame::decode --> Observer::observe --> Observation { client, server, means, answers }
//!                                  |
//!                        Conversation, one for each pair of client and server
//!                        | requests 12 x (sequence number, request), newest first |
//!                        | page      sequence number, Image Page Request          |
//! ```
//!
//! What has no identity of its own (a refusal, a wait, an abort; sections 6.10.5 and 6.10.8) belongs to the request
//! with its sequence number. Data belongs to a block request with its sequence number, file and offset, or to the last
//! page request of its file that it lies in, whatever its number: the responses to a page may come in any order
//! (section 6.10.7.4). Nothing is forgotten when an answer comes, so that a second one is known for what it is.
//!
//! No frame is an error and none is lost: with no slot left, the pair that was heard of longest ago is forgotten, and
//! with no slots at all, frames are told without the request they answer. A frame costs a walk over the slots;
//! an [`Conversation`] takes less than 800 bytes.
//!
//! ```
//! use zigbee_ota::aps::Address;
//! use zigbee_ota::observer::{Conversation, Meaning, Observer};
//! use zigbee_ota::zcl::{Frame, Quirks};
//!
//! let (lamp, gateway) = (Address::new(0x1234, 1), Address::new(0x0000, 1));
//! let query = [0x01, 7, 0x01, 0x00, 0x01, 0x10, 0xab, 0x00, 1, 0, 0, 0];
//! let refusal = [0x19, 7, 0x02, 0x98];
//!
//! let mut observer = Observer::new([Conversation::EMPTY; 8]);
//! observer.observe(lamp, gateway, &Frame::decode(&query, Quirks::all())?);
//! let seen = observer.observe(gateway, lamp, &Frame::decode(&refusal, Quirks::all())?);
//! assert!(matches!(seen.means, Meaning::NoOffer(_)));
//! assert_eq!(seen.image().map(|id| id.image_type.0), Some(0x00ab));
//! # Ok::<(), zigbee_ota::DecodeError>(())
//! ```

mod conversation;
mod observation;

pub use conversation::Conversation;
pub use observation::{Meaning, Observation};

use crate::aps::Address;
use crate::zcl::{Direction, Frame, ToServer};

/// What holds the exchanges: `[Conversation; N]`, `&mut [Conversation]` or a `Vec<Conversation>`, one for each pair of client and
/// server that talk at a time.
pub trait ConversationSlots: AsRef<[Conversation]> + AsMut<[Conversation]> {}

impl<T: AsRef<[Conversation]> + AsMut<[Conversation]>> ConversationSlots for T {}

/// An observer; its contract is that of the [module](self).
#[derive(Clone, Debug)]
pub struct Observer<S> {
    slots: S,
    /// Requests heard, to know which pair was silent longest.
    heard: u32,
}

impl<S: ConversationSlots> Observer<S> {
    /// An observer that has heard nothing, whatever is in the slots.
    #[must_use]
    pub fn new(mut slots: S) -> Self {
        slots.as_mut().fill(Conversation::EMPTY);
        Self { slots, heard: 0 }
    }

    /// What `frame`, sent by `from` to `to`, means. A frame's own direction says which of the two is the client.
    ///
    /// Only requests take a slot: whoever answers what nobody asked makes nothing forgotten.
    pub fn observe<'a>(&mut self, from: Address, to: Address, frame: &Frame<'a>) -> Observation<'a> {
        let direction = frame.message.direction();
        let (client, server) = match direction {
            Direction::ToServer => (from, to),
            Direction::ToClient => (to, from),
        };
        let means = Meaning::of(&frame.message);
        let mut answers = None;
        if let Some(request) = means.request() {
            self.remember(client, server, frame.sequence, request);
        } else if direction == Direction::ToClient {
            let pair = self.exchange(client, server);
            answers = pair.and_then(|pair| pair.answered(frame.sequence, &means));
        }
        Observation { client, server, sequence: frame.sequence, means, answers }
    }

    fn exchange(&self, client: Address, server: Address) -> Option<&Conversation> {
        self.slots.as_ref().iter().find(|exchange| exchange.is_of(client, server))
    }

    fn remember(&mut self, client: Address, server: Address, sequence: u8, request: ToServer) {
        let now = self.heard.wrapping_add(1);
        self.heard = now;
        let slots = self.slots.as_mut();
        let known = slots.iter().position(|exchange| exchange.is_of(client, server));
        let place = known.or_else(|| {
            let ages = slots.iter().enumerate().map(|(place, exchange)| (exchange.silence(now), place));
            ages.max_by_key(|(silence, _)| *silence).map(|(_, place)| place)
        });
        if let Some(exchange) = place.and_then(|place| slots.get_mut(place)) {
            if known.is_none() {
                *exchange = Conversation::between(client, server);
            }
            exchange.asked(now, sequence, request);
        }
    }
}

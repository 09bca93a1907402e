//! Blocking storage: a trait whose methods the client calls to prepare storage, to write blocks and to verify a file.
//!
//! ```text
//! handle_frame_with:  Store -> Storage::write -> stored
//! poll_need_with:     Prepare -> Storage::prepare -> prepared      Verify -> Storage::verify -> verified
//! ```

use crate::aps::FrameMeta;
use crate::time::Instant;
use crate::zcl::ImageOffer;

use super::Client;
use super::actions_and_needs::{ClientAction, Need, PrepareResult, StoreResult, VerifyResult};
use super::config::Settings;

/// Storage for one file, with methods that return only when their work is complete. A device implements this trait for
/// its flash, and calls [`handle_frame_with`](Client::handle_frame_with) and
/// [`poll_need_with`](Client::poll_need_with).
pub trait Storage {
    /// Prepares storage for the whole file, for example erases or unlocks flash.
    fn prepare(&mut self, offer: &ImageOffer) -> PrepareResult;

    /// Writes `data` to storage at `offset`, which counts from the start of the file.
    fn write(&mut self, offset: u32, data: &[u8]) -> StoreResult;

    /// Verifies the whole stored file.
    fn verify(&mut self, offer: &ImageOffer) -> VerifyResult;
}

impl<const RANGES: usize, S: Settings> Client<RANGES, S> {
    /// Handles an incoming frame as [`handle_frame`](Self::handle_frame) does, and writes the block in the frame to
    /// `storage`. `handle_frame_with` never returns [`ClientAction::Store`], because `handle_frame_with` itself stores
    /// the block.
    pub fn handle_frame_with<'f>(
        &mut self,
        now: Instant,
        meta: FrameMeta,
        frame: &'f [u8],
        storage: &mut impl Storage,
    ) -> ClientAction<'f> {
        match self.handle_frame(now, meta, frame) {
            ClientAction::Store(block) => {
                let result = storage.write(block.offset, block.data);
                // The client has just issued the ticket, so that the answer cannot be stale.
                self.stored(now, block.ticket, result).ok();
                ClientAction::Done
            }
            action => action,
        }
    }

    /// Returns a need as [`poll_need`](Self::poll_need) does, but answers [`Need::Prepare`] and [`Need::Verify`]
    /// itself, by calls of `storage`. `poll_need_with` returns `None` if the client has no other need at present.
    pub fn poll_need_with(&mut self, now: Instant, storage: &mut impl Storage) -> Option<Need> {
        // The answer to one need can lead to the next need at once: a verified file may require credentials.
        loop {
            match self.poll_need()? {
                Need::Prepare(ticket, offer) => {
                    let result = storage.prepare(&offer);
                    self.prepared(now, ticket, result).ok();
                }
                Need::Verify(ticket, offer) => {
                    let result = storage.verify(&offer);
                    self.verified(now, ticket, result).ok();
                }
                need => return Some(need),
            }
        }
    }
}

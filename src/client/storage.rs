//! Blocking storage: a trait with which the client prepares, writes and verifies within its own calls.
//!
//! ```text
//! handle_frame_with:  Store -> Storage::write -> stored
//! poll_need_with:     Prepare -> Storage::prepare -> prepared      Verify -> Storage::verify -> verified
//! ```

use crate::aps::FrameMeta;
use crate::time::Instant;
use crate::zcl::ImageOffer;

use super::Client;
use super::output::{ClientAction, Need, PrepareResult, StoreResult, VerifyResult};

/// Storage for one file whose methods block until they are complete. A device implements it for its flash, and calls
/// [`handle_frame_with`](Client::handle_frame_with) and [`poll_need_with`](Client::poll_need_with).
pub trait Storage {
    /// Prepares storage for the whole file: erases, unlocks.
    fn prepare(&mut self, offer: &ImageOffer) -> PrepareResult;

    /// Writes `data` at `offset` from the start of the file.
    fn write(&mut self, offset: u32, data: &[u8]) -> StoreResult;

    /// Verifies the whole file.
    fn verify(&mut self, offer: &ImageOffer) -> VerifyResult;
}

impl<const RANGES: usize> Client<RANGES> {
    /// Handles an incoming frame as [`handle_frame`](Self::handle_frame) does, and writes its block to `storage`. The result
    /// is never [`ClientAction::Store`].
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
                // The ticket is fresh, so that the answer cannot be stale.
                self.stored(now, block.ticket, result).ok();
                ClientAction::Done
            }
            action => action,
        }
    }

    /// Returns a need as [`poll_need`](Self::poll_need) does, except [`Need::Prepare`] and [`Need::Verify`], which `storage`
    /// serves within the call. The result is then `None` although another need may follow after the next
    /// [`poll_transmit`](Self::poll_transmit).
    pub fn poll_need_with(&mut self, now: Instant, storage: &mut impl Storage) -> Option<Need> {
        match self.poll_need()? {
            Need::Prepare(ticket, offer) => {
                let result = storage.prepare(&offer);
                self.prepared(now, ticket, result).ok();
                None
            }
            Need::Verify(ticket, offer) => {
                let result = storage.verify(&offer);
                self.verified(now, ticket, result).ok();
                None
            }
            need => Some(need),
        }
    }
}

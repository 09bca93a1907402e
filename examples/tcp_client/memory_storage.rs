//! Storage of an image in memory, and the verification of the stored image.

use std::time::Instant as Clock;

use zigbee_ota::client::{PrepareResult, Storage, StoreResult, VerifyResult};
use zigbee_ota::file::SplitFile;
use zigbee_ota::zcl::ImageOffer;

use crate::trust_args::Trust;
use crate::{complain, download_verification};

/// Storage that keeps the image in memory.
pub struct Flash {
    trust: Trust,
    bytes: Vec<u8>,
    verified: bool,
    pub blocks: u32,
    pub last: Option<Clock>,
}

impl Flash {
    pub const fn new(trust: Trust) -> Self {
        Self { trust, bytes: Vec::new(), verified: false, blocks: 0, last: None }
    }

    /// Verifies that the stored image is the offered image, is complete, and comes from an allowed signer.
    fn check(&self, offer: &ImageOffer) -> Result<(), String> {
        let parts = SplitFile::parse(&self.bytes).map_err(|error| error.to_string())?;
        if parts.header.id != offer.id {
            return Err(format!("it is {}, not what was offered", parts.header.id));
        }
        download_verification::check(&self.trust, &self.bytes)
    }

    /// Returns the image, or `None` as long as the image is not verified.
    pub fn image(&self) -> Option<&[u8]> {
        self.verified.then_some(&self.bytes)
    }
}

impl Storage for Flash {
    fn prepare(&mut self, offer: &ImageOffer) -> PrepareResult {
        *self = Self::new(std::mem::take(&mut self.trust));
        match usize::try_from(offer.size) {
            Ok(size) => {
                self.bytes = vec![0xff; size];
                PrepareResult::Ready
            }
            Err(_) => PrepareResult::Fault,
        }
    }

    fn write(&mut self, offset: u32, data: &[u8]) -> StoreResult {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        match self.bytes.get_mut(offset..).and_then(|room| room.get_mut(..data.len())) {
            Some(room) => {
                room.copy_from_slice(data);
                self.blocks += 1;
                self.last = Some(Clock::now());
                StoreResult::Ok
            }
            None => StoreResult::Fault,
        }
    }

    fn verify(&mut self, offer: &ImageOffer) -> VerifyResult {
        let checked = self.check(offer);
        self.verified = checked.is_ok();
        match checked {
            Ok(()) => VerifyResult::Valid,
            Err(reason) => {
                complain(&format!("the image is refused: {reason}"));
                VerifyResult::Invalid
            }
        }
    }
}

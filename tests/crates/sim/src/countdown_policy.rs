//! What servers here decide.

use zigbee_ota::ImageId;
use zigbee_ota::aps::Address;
use zigbee_ota::server::{ImageInfo, ServerPolicy, UpgradeDecision};
use zigbee_ota::zcl::QueryNextImageRequest;

/// Offers whatever is not what the device runs, and lets it count down.
pub(crate) struct Countdown(pub(crate) u32);

impl ServerPolicy for Countdown {
    fn is_eligible(&mut self, _: Address, request: &QueryNextImageRequest, image: &ImageInfo) -> bool {
        image.id.version != request.current.version
    }

    fn upgrade(&mut self, _: Address, _: ImageId) -> UpgradeDecision {
        UpgradeDecision::AfterSeconds(self.0)
    }
}

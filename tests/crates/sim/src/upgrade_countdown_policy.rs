//! Server policy of the simulations: every other version is offered, and the upgrade follows after a countdown.

use zigbee_ota::ImageId;
use zigbee_ota::aps::Address;
use zigbee_ota::server::{ImageInfo, ServerPolicy, UpgradeDecision};
use zigbee_ota::zcl::QueryNextImageRequest;

/// Offers every version that differs from the running one; the field is the countdown to the upgrade in seconds.
pub(crate) struct Countdown(pub(crate) u32);

impl ServerPolicy for Countdown {
    fn is_eligible(&mut self, _: Address, request: &QueryNextImageRequest, image: &ImageInfo) -> bool {
        image.id.version != request.current.version
    }

    fn upgrade(&mut self, _: Address, _: ImageId) -> UpgradeDecision {
        UpgradeDecision::AfterSeconds(self.0)
    }
}

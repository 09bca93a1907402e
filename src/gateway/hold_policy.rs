//! Policy of a gateway whose operator decides when devices upgrade.
//!
//! ```text
//! holds: true     Upgrade End Request -> hold        until the command release
//! holds: false    Upgrade End Request -> now         until the command hold
//! ```

use super::command::GatewayCommand;
use crate::aps::Address;
use crate::server::{ImageInfo, RefusalReason, ServerPolicy, StandardPolicy, UpgradeDecision};
use crate::types::ImageId;
use crate::zcl::QueryNextImageRequest;

/// Standard policy that makes devices hold before their upgrades while `holds` is `true`. The operator changes `holds`
/// by [`GatewayCommand::Hold`] and [`GatewayCommand::Release`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct HoldPolicy {
    /// Policy that makes all decisions except one: whether a device with a downloaded image waits for the operator
    /// before it upgrades.
    pub standard: StandardPolicy,
    /// Whether a device that has downloaded an image waits for the operator.
    pub holds: bool,
}

impl HoldPolicy {
    /// Creates the policy with the decisions of [`StandardPolicy::default`] about offers.
    #[must_use]
    pub fn new(holds: bool) -> Self {
        Self { standard: StandardPolicy::default(), holds }
    }

    /// Sets or clears `holds` after the driver has executed a command of the operator. [`GatewayCommand::Hold`] by
    /// broadcast sets `holds`, and [`GatewayCommand::Release`] by broadcast clears `holds`, so that a broadcast command
    /// also applies to later downloads. A gateway calls `note_command` in
    /// [`Gateway::on_command`](super::Gateway::on_command).
    pub const fn note_command(&mut self, command: &GatewayCommand) {
        match command {
            GatewayCommand::Hold { to: None, .. } => self.holds = true,
            GatewayCommand::Release { to: None, .. } => self.holds = false,
            _ => {}
        }
    }
}

impl ServerPolicy for HoldPolicy {
    fn is_eligible(&mut self, client: Address, request: &QueryNextImageRequest, image: &ImageInfo) -> bool {
        self.standard.is_eligible(client, request, image)
    }

    fn refusal_reason(
        &mut self,
        client: Address,
        request: &QueryNextImageRequest,
        image: &ImageInfo,
    ) -> RefusalReason {
        self.standard.refusal_reason(client, request, image)
    }

    fn upgrade(&mut self, client: Address, id: ImageId) -> UpgradeDecision {
        match self.standard.upgrade(client, id) {
            UpgradeDecision::Now if self.holds => UpgradeDecision::Hold,
            decision => decision,
        }
    }
}

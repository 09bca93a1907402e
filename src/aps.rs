//! Per-frame metadata between this crate and the application support (APS) layer of the Zigbee stack: addresses,
//! delivery modes and delivery reports. Sections refer to ZigBee document 095264 (2011).
//!
//! Client and server see no network or APS header. The caller passes each received ZCL frame with its [`FrameMeta`],
//! and gets a [`Transmit`] with each frame to send. In each [`Transmit`], client and server set the APS options that
//! section 6.10 of the OTA specification requires.
//!
//! ```text
//! stack -- FrameMeta { from, delivery, aps_security, relays, ieee }, bytes -------> client or server
//! stack <- Transmit { to, len, delivery, aps_ack, aps_security, token }, bytes ---- client or server
//! stack -- token, DeliveryReport (APS acknowledgement came, or sending failed) ---> client or server
//! ```
//!
//! **Relays.** A coordinator may send by source routing. Each source-routed frame lists the routers on its route. The
//! list of routers takes 2 bytes of a source-routed frame, and 2 more bytes for each router, so less data fits into the
//! frame. The server computes the length of the list of routers from [`FrameMeta::relays`], and subtracts this length
//! from the limit `ServerConfig::max_unfragmented_frame`.
//!
//! **Tokens.** The APS acknowledgement of a frame comes later than the call that sends the frame. The caller keeps the
//! [`TransmitToken`] of each frame, and later passes the token with the [`DeliveryReport`] of the frame to client or
//! server. Delivery reports are optional: without delivery reports, client and server notice a lost frame later, when
//! their own timeouts expire.

use core::fmt;

use crate::types::Eui64;

/// Network (short) address and endpoint of a peer. `Display` writes network address and endpoint, such as `0x1234/1`.
// Exhaustive: network address and endpoint address a ZCL frame completely.
#[doc(alias("short address", "network address", "node id", "endpoint"))]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Address {
    /// Network (short) address; 0xFFFC to 0xFFFF are broadcast addresses.
    pub network: u16,
    /// Endpoint, 1 to 254; 255 addresses every endpoint of the node.
    pub endpoint: u8,
}

impl Address {
    /// Broadcast to all endpoints of all routers and the coordinator.
    pub const ALL_ROUTERS: Self = Self { network: 0xfffc, endpoint: 0xff };
    /// Broadcast to all endpoints of all nodes whose receiver is on when idle.
    pub const ALL_AWAKE: Self = Self { network: 0xfffd, endpoint: 0xff };
    /// Sentinel for a peer whose address is not known yet.
    pub const UNKNOWN: Self = Self { network: 0xffff, endpoint: 0xff };

    /// Creates an address from network address and endpoint.
    #[must_use]
    pub const fn new(network: u16, endpoint: u8) -> Self {
        Self { network, endpoint }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#06x}/{}", self.network, self.endpoint)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Address {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Address({=u16:#06x}/{=u8})", self.network, self.endpoint);
    }
}

/// APS delivery mode of a frame.
// Exhaustive: for each frame, a caller must choose one of three send functions of its stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum DeliveryMode {
    /// Frame to one node.
    Unicast,
    /// Frame to a group of nodes; a receiver never answers the frame with a Default Response.
    Multicast,
    /// Frame to a broadcast address; a receiver never answers the frame with a Default Response.
    Broadcast,
}

/// Metadata of a received frame, filled in by the caller from the reports of its Zigbee stack.
#[doc(alias("EmberApsFrame", "afIncomingMSGPacket_t", "esp_zb_zcl_cmd_info_t"))]
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FrameMeta {
    /// Sender of the frame.
    pub from: Address,
    /// Delivery mode by which the frame was sent.
    pub delivery: DeliveryMode,
    /// Whether the frame had APS encryption with a link key, in addition to the network encryption.
    pub aps_security: bool,
    /// Number of relays on the source route to the sender; 0 without source routing. In a frame back to the sender,
    /// each relay on the source route takes 2 bytes, so less data fits into the frame.
    pub relays: u8,
    /// IEEE address of the sender that the stack *knows* from the network's management (ZDO), a link key or a neighbour
    /// table; `None` if the stack does not know the address. The caller must not take the IEEE address from the ZCL
    /// frame itself, because any node can write any address into a frame.
    ///
    /// The server serves device-specific files only to senders whose IEEE address is known, and recognises a device by
    /// its IEEE address after a change of the network address. Only a server uses the IEEE address of the sender; a
    /// client ignores this field.
    #[cfg_attr(feature = "serde", serde(default))]
    pub ieee: Option<Eui64>,
}

impl FrameMeta {
    /// Creates the metadata of a unicast from `from`, without APS security and without a source route.
    #[must_use]
    pub const fn unicast(from: Address) -> Self {
        Self::new(from, DeliveryMode::Unicast)
    }

    /// Creates the metadata of a frame from `from`, without APS security and without a source route.
    #[must_use]
    pub const fn new(from: Address, delivery: DeliveryMode) -> Self {
        Self { from, delivery, aps_security: false, relays: 0, ieee: None }
    }

    /// Sets whether the frame had APS encryption with a link key.
    #[must_use]
    pub const fn with_aps_security(self, aps_security: bool) -> Self {
        Self { aps_security, ..self }
    }

    /// Sets the number of relays on the source route to the sender.
    #[must_use]
    pub const fn with_relays(self, relays: u8) -> Self {
        Self { relays, ..self }
    }

    /// Sets the IEEE address of the sender that the stack knows; `None` if the stack does not know the address.
    #[must_use]
    pub const fn with_ieee(self, ieee: Option<Eui64>) -> Self {
        Self { ieee, ..self }
    }
}

/// Frame to send: the first [`len`](Self::len) bytes of the caller's buffer, with receiver and APS options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use = "the frame is in the buffer; it must be sent"]
#[non_exhaustive]
pub struct Transmit {
    /// Receiver of the frame.
    pub to: Address,
    /// Length of the frame in the caller's buffer, in bytes.
    pub len: usize,
    /// Delivery mode by which the caller sends the frame.
    pub delivery: DeliveryMode,
    /// Whether the caller requests APS acknowledgement and retries from its stack (section 6.10 requires both for each
    /// unicast except the blocks of a page).
    pub aps_ack: bool,
    /// Whether the caller requests APS encryption with the link key from its stack.
    pub aps_security: bool,
    /// Token that the caller passes back with the [`DeliveryReport`] of the frame.
    pub token: TransmitToken,
}

impl Transmit {
    /// Creates a transmission of `len` bytes without APS security and with [`TransmitToken::NONE`]. The transmission
    /// requests an APS acknowledgement if `delivery` is unicast.
    pub const fn new(to: Address, len: usize, delivery: DeliveryMode) -> Self {
        let aps_ack = matches!(delivery, DeliveryMode::Unicast);
        Self { to, len, delivery, aps_ack, aps_security: false, token: TransmitToken::NONE }
    }
}

/// Opaque identifier of a sent frame, with which the caller later passes the [`DeliveryReport`] of this frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TransmitToken(u32);

impl TransmitToken {
    /// Token for frames whose delivery reports the crate ignores.
    pub const NONE: Self = Self(0);

    /// Creates the token of a client's request with the ZCL sequence number `sequence`.
    pub(crate) fn request(sequence: u8) -> Self {
        Self(0x100 | u32::from(sequence))
    }

    /// Creates the token of a server frame to `to` that carries `len` bytes of image data.
    pub(crate) const fn data(to: Address, len: u8) -> Self {
        let [high, low] = to.network.to_be_bytes();
        Self(u32::from_be_bytes([high, low, to.endpoint, len]))
    }

    /// Returns the receiver of the server's frame that has this token, and the number of bytes of image data in this
    /// frame.
    pub(crate) const fn receiver(self) -> (Address, u8) {
        let [high, low, endpoint, len] = self.0.to_be_bytes();
        (Address::new(u16::from_be_bytes([high, low]), endpoint), len)
    }
}

/// Result of sending a frame, reported by the caller.
#[doc(alias("AF_DATA_CONFIRM_CMD", "emberAfMessageSentCallback"))]
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum DeliveryReport {
    /// The APS acknowledgement of the receiver arrived.
    Acknowledged,
    /// No APS acknowledgement arrived after all APS retries, or the stack could not send the frame.
    Failed,
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn an_address_shows_network_address_and_endpoint() {
        let lamp = Address::new(0x0a34, 7);
        assert_eq!(format!("{lamp} {lamp:?}"), "0x0a34/7 Address(0x0a34/7)");
    }

    #[test]
    fn each_with_method_sets_its_field() {
        let from = Address::new(0x1234, 1);
        let plain = FrameMeta::unicast(from);
        assert_eq!(
            plain,
            FrameMeta { from, delivery: DeliveryMode::Unicast, aps_security: false, relays: 0, ieee: None }
        );
        let ieee = Some(Eui64(0x0011_2233_4455_6677));
        let all = plain.with_aps_security(true).with_relays(3).with_ieee(ieee);
        assert_eq!(all, FrameMeta { aps_security: true, relays: 3, ieee, ..plain });
    }
}

//! What the machines and the radio stack say to each other about one frame, besides its bytes.
//!
//! The machines never see a network header: the caller hands each received frame over with a [`FrameMeta`] and is
//! told by a [`Transmit`] how to send one. Both carry the APS settings that section 6.10 asks for.
//!
//! ```text
//! radio -- FrameMeta { from, delivery, aps_security, relays }, bytes --> machine
//! radio <- Transmit { to, len, delivery, aps_ack, aps_security, token }, bytes -- machine
//! radio -- token, DeliveryReport -------------------------------------> machine
//! ```

use core::fmt;

/// Where a node's cluster stands: its network address and the endpoint.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Address {
    /// Network (short) address; 0xFFFC to 0xFFFF are the broadcast addresses.
    pub network: u16,
    /// Endpoint, 1 to 254; 255 is every endpoint of the node.
    pub endpoint: u8,
}

impl Address {
    /// Every router and coordinator, every endpoint.
    pub const ALL_ROUTERS: Self = Self { network: 0xfffc, endpoint: 0xff };
    /// Every device whose receiver is on while it is idle, every endpoint.
    pub const ALL_AWAKE: Self = Self { network: 0xfffd, endpoint: 0xff };
    /// No address: neither node nor endpoint is known.
    pub const UNKNOWN: Self = Self { network: 0xffff, endpoint: 0xff };

    /// An address of its two numbers.
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

/// How a frame travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum DeliveryMode {
    /// To one node.
    Unicast,
    /// To a group. Never answered by a Default Response.
    Multicast,
    /// To all. Never answered by a Default Response.
    Broadcast,
}

/// What the radio stack knows of a frame that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FrameMeta {
    /// Who sent it.
    pub from: Address,
    /// How it came.
    pub delivery: DeliveryMode,
    /// Whether it was encrypted for this node by APS, beyond the network's own security.
    pub aps_security: bool,
    /// Relays on the source route that frames to the sender take, each of which costs room in a frame; 0 without one.
    pub relays: u8,
}

impl FrameMeta {
    /// A frame that `from` sent to this node alone, without APS security, from nearby.
    #[must_use]
    pub const fn unicast(from: Address) -> Self {
        Self::new(from, DeliveryMode::Unicast)
    }

    /// A frame that `from` sent, without APS security, from nearby.
    #[must_use]
    pub const fn new(from: Address, delivery: DeliveryMode) -> Self {
        Self { from, delivery, aps_security: false, relays: 0 }
    }
}

/// One frame to send: its bytes are the first [`len`](Self::len) of the buffer that was passed along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use = "the frame is in the buffer; it must be sent"]
pub struct Transmit {
    /// Who gets it.
    pub to: Address,
    /// Bytes of the frame in the caller's buffer.
    pub len: usize,
    /// How it travels.
    pub delivery: DeliveryMode,
    /// Ask for APS acknowledgement and retry (section 6.10: every unicast command but the blocks of a page).
    pub aps_ack: bool,
    /// Ask for APS encryption.
    pub aps_security: bool,
    /// Names the frame to who sent it, when its delivery is reported.
    pub token: TransmitToken,
}

impl Transmit {
    /// A frame of `len` bytes: acknowledged when it goes to one node, without APS security, and with nothing that
    /// depends on its delivery.
    pub const fn new(to: Address, len: usize, delivery: DeliveryMode) -> Self {
        let aps_ack = matches!(delivery, DeliveryMode::Unicast);
        Self { to, len, delivery, aps_ack, aps_security: false, token: TransmitToken::NONE }
    }
}

/// Names one sent frame to the machine that sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TransmitToken(u32);

impl TransmitToken {
    /// Of frames whose delivery nothing depends on.
    pub const NONE: Self = Self(0);

    /// Of the request with this sequence number.
    pub(crate) fn request(sequence: u8) -> Self {
        Self(0x100 | u32::from(sequence))
    }

    /// Of the frame to `to` with so many bytes of data.
    pub(crate) const fn data(to: Address, len: u8) -> Self {
        let [high, low] = to.network.to_be_bytes();
        Self(u32::from_be_bytes([high, low, to.endpoint, len]))
    }

    /// Who the frame went to, and its bytes of data.
    pub(crate) const fn receiver(self) -> (Address, u8) {
        let [high, low, endpoint, len] = self.0.to_be_bytes();
        (Address::new(u16::from_be_bytes([high, low]), endpoint), len)
    }
}

/// What the radio stack knows of a frame that went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum DeliveryReport {
    /// The receiver's APS acknowledgement came.
    Acknowledged,
    /// It did not, after all of APS's own tries; or the frame could not be sent at all.
    Failed,
}

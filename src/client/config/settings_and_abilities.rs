//! Source of the settings of a client, and the optional functions of a client.

use super::ClientConfig;

/// Source of the settings of a client. A type with the trait `Settings` returns the same settings as long as the client
/// exists.
///
/// [`ClientConfig`] implements the trait `Settings`: a `Client<RANGES, ClientConfig>` contains its settings in its own
/// memory. A reference to a type with the trait `Settings` implements `Settings` as well, so that the settings of a
/// client can be in a `static` in flash. A type without fields that implements `Settings` can return constant settings.
/// Constant settings take no memory, and the compiler leaves out the code of the client that constant settings never
/// need:
///
/// ```
/// use zigbee_ota::ImageId;
/// use zigbee_ota::aps::Address;
/// use zigbee_ota::client::{Abilities, Client, ClientConfig, Identity, Settings};
/// use zigbee_ota::time::Instant;
///
/// #[derive(Clone, Debug)]
/// struct Lamp;
///
/// impl Settings for Lamp {
///     const ABILITIES: Abilities = Abilities::NONE;
///
///     fn config(&self) -> &ClientConfig {
///         const IDENTITY: Identity = Identity::new(ImageId::new(0x1001, 1, 7));
///         const CONFIG: ClientConfig = ClientConfig::new(IDENTITY, Address::new(0, 1));
///         &CONFIG
///     }
/// }
///
/// let client = Client::<0, Lamp>::with_ranges(Lamp, 1, Instant::ZERO);
/// assert_eq!(client.identity().current.version.0, 7);
/// ```
pub trait Settings {
    /// Optional functions that the client has on this device, such as the search for a server. The code of an optional
    /// function that the client does not have takes no flash.
    ///
    /// Default of `ABILITIES`: all optional functions.
    const ABILITIES: Abilities = Abilities::ALL;

    /// Returns the settings of the client, which are the same at every call.
    fn config(&self) -> &ClientConfig;
}

/// Optional functions of a client, which a device can leave out to save flash. The documentation of each field of
/// `Abilities` says what the client does without the optional function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Abilities {
    /// Whether the client can search for a server and ask for a link key. Without the ability `discovery`, the client
    /// sends requests only to the server that [`ClientConfig::server`] or
    /// [`set_server`](crate::client::Client::set_server) names, and sends no request while the server is unknown.
    pub discovery: bool,
    /// Whether the client can fetch device-specific files. Without the ability `specific_files`, a call of
    /// [`query_specific_file`](crate::client::Client::query_specific_file) fails.
    pub specific_files: bool,
    /// Whether the client can keep a verified image while it downloads another image that the device needs. Without the
    /// ability `several_images`, the answer [`VerifyResult::NeedsMore`](crate::client::VerifyResult::NeedsMore) counts
    /// as [`Abandon`](crate::client::VerifyResult::Abandon).
    pub several_images: bool,
    /// Whether the device has or can obtain security credentials. Without the ability `credentials`, an upgrade to a
    /// file that requires security credentials ends with
    /// [`Outcome::NoCredentials`](crate::client::Outcome::NoCredentials).
    pub credentials: bool,
    /// Whether the device has a UTC clock. Without the ability `utc_clock`, the method
    /// [`set_utc`](crate::client::Client::set_utc) has no effect, and the client waits for the difference between the
    /// current time and the upgrade time or request time in a response of the server.
    pub utc_clock: bool,
}

impl Abilities {
    /// All optional functions of a client.
    pub const ALL: Self = Self {
        discovery: true,
        specific_files: true,
        several_images: true,
        credentials: true,
        utc_clock: true,
    };

    /// None of the optional functions of a client, for a device that knows its server, runs a single image, and has
    /// neither a UTC clock nor security credentials.
    pub const NONE: Self = Self {
        discovery: false,
        specific_files: false,
        several_images: false,
        credentials: false,
        utc_clock: false,
    };
}

impl Settings for ClientConfig {
    fn config(&self) -> &ClientConfig {
        self
    }
}

impl<S: Settings> Settings for &S {
    const ABILITIES: Abilities = S::ABILITIES;

    fn config(&self) -> &ClientConfig {
        (**self).config()
    }
}

//! Test keys that the Smart Energy profile publishes, in hexadecimal digits; the private keys are public knowledge.

/// Certificate and private key of a signer, and its authority.
pub struct Published {
    pub certificate: &'static str,
    pub private: &'static str,
    /// Address and public key of the authority, separated by a colon.
    pub ca: &'static str,
}

/// Keys of suite 1 and of suite 2.
#[rustfmt::skip]
pub const PUBLISHED: [Published; 2] = [
    Published {
        certificate: "03045fdfc8d85ffb8b3993cb72ddcaa55f00b3e87d6d0000000000000001544553545345434101090006000000000000",
        private: "00b8a900fcadebabbfa383b540fce9ed438395eaa7",
        ca: "5445535453454341:0200fde8a7f3d1084224962a4e7c54e69ac3f04da6b8",
    },
    Published {
        certificate: "002622a505e8938f270d081112131415161718005292a35bffffffff0a0b0c0d0e0f1011880303b4e9dc543a64333c982308022b54e67e2f15f532551b0a11e2e2c1c1d3097a4324e7ed",
        private: "0151cd0dbcb80474bf7ac9feebe39c7a32a63518938fca9754aae132bc9c73be94a7e1be",
        ca: "1112131415161718:0207a445022d9f39f49bdc38380026a27a9e0a1799313ab28c5c1a1c6b605154db1dff6752",
    },
];

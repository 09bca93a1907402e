//! Verification policy of a device: the choices that the specification leaves to the application profile (section
//! 6.3.8). Section numbers refer to ZigBee document 095264 (2011).

use super::{PublicKey, Suite};
use crate::types::Eui64;

/// Whether files must be signed (section 6.3.8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SignatureRequirement {
    /// The device accepts only files with a valid signature.
    #[default]
    Required,
    /// The device does not check signatures.
    NotUsed {
        /// Whether the device refuses files with a signature. If `refuse_signed` is `false`, a device without keys
        /// accepts signed files without a check of the signature.
        refuse_signed: bool,
    },
    /// The device accepts files without a signature. The device accepts a file with a signature only if the signature
    /// is valid.
    ///
    /// `Optional` is not recommended, because an attacker who alters a file can remove its signature. A device should
    /// accept only signed files or only unsigned files (section 6.3.8).
    Optional,
}

/// Signers whose files the device accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum AllowedSigners<'a> {
    /// The policy allows only the signers whose IEEE addresses are in the list.
    Only(&'a [Eui64]),
    /// The policy allows every signer with a certificate of an authority in [`VerifyPolicy::authorities`].
    ///
    /// `Any` is not recommended: if an authority issues a certificate to every device, every device can sign files.
    Any,
}

/// Certificate authority of one suite: its address and its public key.
// Exhaustive: a certificate is checked against address and key of its authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Authority {
    /// IEEE address of the authority. The certificates of the authority contain this address as their issuer.
    pub issuer: Eui64,
    /// Public key of the authority; its length determines the suite.
    pub key: PublicKey,
}

/// Policy by which a [`Verifier`](super::Verifier) accepts or refuses files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct VerifyPolicy<'a> {
    /// Whether files must be signed.
    pub signatures: SignatureRequirement,
    /// Signers that the policy allows. The IEEE address of a signer belongs to no real device: it lies outside the
    /// range that the manufacturer assigns to its devices (section 6.3.8.1).
    pub signers: AllowedSigners<'a>,
    /// Trusted certificate authorities, whose keys the application provides. Several authorities may have the same
    /// issuer and suite, for example while an authority replaces its key: the verification tries each of their keys.
    pub authorities: &'a [Authority],
    /// Current Unix time in seconds, at which a certificate of suite 2 must be valid. A device without a clock sets
    /// `None`; with `None`, the verification does not check the validity times of certificates.
    pub now: Option<u64>,
}

impl<'a> VerifyPolicy<'a> {
    /// Creates a policy that accepts only files signed by `signers` with certificates of `authorities`.
    #[must_use]
    pub const fn required(signers: &'a [Eui64], authorities: &'a [Authority]) -> Self {
        Self {
            signatures: SignatureRequirement::Required,
            signers: AllowedSigners::Only(signers),
            authorities,
            now: None,
        }
    }

    /// Creates a policy that accepts every complete file and checks no signature.
    #[must_use]
    pub const fn not_used() -> Self {
        let signatures = SignatureRequirement::NotUsed { refuse_signed: false };
        Self { signatures, signers: AllowedSigners::Only(&[]), authorities: &[], now: None }
    }

    /// Sets whether files must be signed.
    #[must_use]
    pub const fn with_signatures(self, signatures: SignatureRequirement) -> Self {
        Self { signatures, ..self }
    }

    /// Sets the allowed signers.
    #[must_use]
    pub const fn with_signers(self, signers: AllowedSigners<'a>) -> Self {
        Self { signers, ..self }
    }

    /// Whether the policy allows `signer`.
    pub(super) fn allows(&self, signer: Eui64) -> bool {
        match self.signers {
            AllowedSigners::Only(signers) => signers.contains(&signer),
            AllowedSigners::Any => true,
        }
    }

    /// Returns the keys of the authority `issuer` for a suite, in the order in which the policy lists the authorities.
    pub(super) fn keys(&self, issuer: Eui64, suite: Suite) -> impl Iterator<Item = &'a PublicKey> {
        let known =
            move |authority: &&Authority| authority.issuer == issuer && authority.key.suite() == suite;
        self.authorities.iter().filter(known).map(|authority| &authority.key)
    }
}

//! What a device takes: one place for every choice that the specification leaves to it.

use super::{PublicKey, Suite};
use crate::types::Eui64;

/// Whether files must be signed; the choice of the application profile (section 6.3.8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signatures {
    /// Only files with a right signature are taken.
    #[default]
    Required,
    /// Signatures are not looked at.
    NotUsed {
        /// Whether a file that has one is refused all the same. When not, a device without keys can take it.
        refuse_signed: bool,
    },
    /// A file without a signature is taken, one with a signature only when that is right.
    ///
    /// Not recommended: who alters a file can leave its signature out. A device should take either only signed files or
    /// only unsigned ones (section 6.3.8).
    Either,
}

/// Whose signatures count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signers<'a> {
    /// Those of these addresses.
    Only(&'a [Eui64]),
    /// Those of all that have a certificate of a known authority. Not recommended: an authority that gives every device
    /// a certificate lets every device sign files.
    Any,
}

/// A certificate authority, of one suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Authority {
    /// Its name in the certificates it issues.
    pub issuer: Eui64,
    /// Its public key, which tells the suite.
    pub key: PublicKey,
}

/// What is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy<'a> {
    /// Whether files must be signed.
    pub signatures: Signatures,
    /// Who may sign them. An address belongs to a virtual device that does nothing else, outside the addresses that the
    /// maker gives its devices (section 6.3.8.1).
    pub signers: Signers<'a>,
    /// The authorities whose certificates are known; how they and their keys came here is the caller's matter.
    pub authorities: &'a [Authority],
    /// The time now, in Unix seconds: a certificate of suite 2 must be valid then. `None` on a device without a clock,
    /// where certificates do not expire.
    pub now: Option<u64>,
}

impl<'a> Policy<'a> {
    /// Only files signed by these signers, with certificates of these authorities.
    #[must_use]
    pub const fn required(signers: &'a [Eui64], authorities: &'a [Authority]) -> Self {
        Self { signatures: Signatures::Required, signers: Signers::Only(signers), authorities, now: None }
    }

    /// Signatures are not looked at.
    #[must_use]
    pub const fn not_used() -> Self {
        let signatures = Signatures::NotUsed { refuse_signed: false };
        Self { signatures, signers: Signers::Only(&[]), authorities: &[], now: None }
    }

    /// Whether this signer's signatures count.
    #[must_use]
    pub fn allows(&self, signer: Eui64) -> bool {
        match self.signers {
            Signers::Only(signers) => signers.contains(&signer),
            Signers::Any => true,
        }
    }

    /// The key of an authority for a suite, if it is known.
    #[must_use]
    pub fn key(&self, issuer: Eui64, suite: Suite) -> Option<&'a PublicKey> {
        let known = |authority: &&Authority| authority.issuer == issuer && authority.key.suite() == suite;
        self.authorities.iter().find(known).map(|authority| &authority.key)
    }
}

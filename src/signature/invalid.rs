//! Why a file is not taken: one reason for each check, in the order of the checks.
//!
//! ```text
//! file -> a signature, last, in range -> a signer allowed -> a certificate of the signer -> a known issuer -> valid -> right
//! ```

use crate::error::DecodeError;
use crate::file::BodyLayout;
use crate::mmo::TooLong;
use crate::types::Eui64;

/// Why a file is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Invalid {
    /// It is no OTA file, or not all of one.
    #[error(transparent)]
    File(#[from] DecodeError),
    /// It has no signature element, and the policy asks for one.
    #[error("no signature")]
    NoSignature,
    /// It has a signature element, and the policy refuses those that do.
    #[error("a signature where none is allowed")]
    Unwanted,
    /// It has signature elements of both suites.
    #[error("signatures of both suites")]
    BothSuites,
    /// Something follows the signature element, perhaps another one.
    #[error("the signature is not the last element")]
    NotLast,
    /// The elements of a signed file do not tile it.
    #[error("signed, but not laid out in elements alone ({})", .0.name())]
    Layout(BodyLayout),
    /// The signature element is not of its suite's length.
    #[error("not a suite 1 or 2 signature: element of {length} bytes")]
    SignatureLength {
        /// Bytes of its data.
        length: u32,
    },
    /// r or s is not below the order of the group: not what the suite's ECDSA makes.
    #[error("not a suite 1 or 2 signature: r or s is not below the order of the group")]
    SignatureRange,
    /// The signer is none of those allowed.
    #[error("signer {0} is not allowed")]
    UnknownSigner(Eui64),
    /// There is no certificate of the signature's suite.
    #[error("no certificate")]
    NoCertificate,
    /// The certificate element is not of its suite's length.
    #[error("certificate of {length} bytes")]
    CertificateLength {
        /// Bytes of its data.
        length: u32,
    },
    /// The certificate is of someone else than the signer.
    #[error("the certificate is of {0}, not of the signer")]
    SubjectDiffers(Eui64),
    /// No key of the certificate's issuer is known, for this suite.
    #[error("issuer {0} is not known")]
    UnknownIssuer(Eui64),
    /// The type, the curve or the hash in the certificate is none of its suite.
    #[error("certificate of another type, curve or hash")]
    BadCertificate,
    /// The certificate's key is not for signatures.
    #[error("the certificate's key is not for signatures")]
    KeyUsage,
    /// The certificate is not valid yet.
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// The certificate is not valid any more.
    #[error("the certificate has expired")]
    Expired,
    /// Too long for a digest.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// The signature was looked at, and is not right.
    #[error(transparent)]
    Signature(#[from] BadSignature),
}

/// What a [`VerifySignature`](super::VerifySignature) says against a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// The certificate's point or the authority's key is no point of the group.
    #[error("a key is no point of the curve")]
    Point,
    /// It is not one of this digest by this signer: altered, or made by someone else.
    #[error("the signature is wrong")]
    Wrong,
    /// The suite is not supported, so nothing is known.
    #[error("the suite is not supported")]
    Unsupported,
    /// The verification did not work, so nothing is known.
    #[error("the verification failed")]
    Failed,
}

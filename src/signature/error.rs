//! Errors of verification: one variant for each check, in the order of the checks.
//!
//! ```text
//! file -> signature: last, in range -> signer allowed -> certificate of the signer -> issuer known -> valid now -> ECDSA
//! ```

use crate::error::DecodeError;
use crate::file::BodyLayout;
use crate::mmo::MessageTooLong;
use crate::types::Eui64;

/// Reason why a file is refused. The bytes of a refused file must not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum VerifyError {
    /// The bytes are no OTA file, or are an incomplete OTA file.
    #[error(transparent)]
    File(#[from] DecodeError),
    /// The file has no signature element, and the policy requires one.
    #[error("no signature")]
    NoSignature,
    /// The file has a signature element, and the policy refuses signed files.
    #[error("a signature where none is allowed")]
    UnexpectedSignature,
    /// The file has signature elements of suite 1 and of suite 2.
    #[error("signatures of both suites")]
    BothSuites,
    /// Another element follows the signature element.
    #[error("the signature is not the last element")]
    SignatureNotLast,
    /// The file is signed, but has bytes that belong to no element.
    #[error("signed, but not laid out in elements alone ({})", .0.name())]
    Layout(BodyLayout),
    /// The length of the signature element differs from the length that its suite requires.
    #[error("not a suite 1 or 2 signature: element of {length} bytes")]
    SignatureLength {
        /// Length in bytes of the data of the signature element.
        length: u32,
    },
    /// One of the numbers r and s is 0, or is not below the order of the group. A pair in which r or s is outside the
    /// range from 1 to the order of the group minus 1 is no ECDSA signature.
    #[error("not a suite 1 or 2 signature: r or s is 0, or not below the order of the group")]
    SignatureRange,
    /// The policy does not allow the signer of the file.
    #[error("signer {0} is not allowed")]
    SignerNotAllowed(Eui64),
    /// The file has no certificate element of the signature's suite.
    #[error("no certificate")]
    NoCertificate,
    /// The length of the certificate element differs from the length that its suite requires.
    #[error("certificate of {length} bytes")]
    CertificateLength {
        /// Length in bytes of the data of the certificate element.
        length: u32,
    },
    /// The subject of the certificate is not the signer.
    #[error("the certificate is of {0}, not of the signer")]
    SubjectMismatch(Eui64),
    /// The policy holds no key of the certificate's issuer for the suite of the certificate.
    #[error("issuer {0} is not known")]
    UnknownIssuer(Eui64),
    /// Type, curve or hash in the certificate differ from the values that its suite defines.
    #[error("certificate of another type, curve or hash")]
    UnsupportedCertificate,
    /// The key usage of the certificate does not include signatures.
    #[error("the certificate's key is not for signatures")]
    KeyUsage,
    /// The certificate is not valid yet: its validity begins after [`VerifyPolicy::now`](super::VerifyPolicy::now).
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// The validity of the certificate ended at or before [`VerifyPolicy::now`](super::VerifyPolicy::now).
    #[error("the certificate has expired")]
    Expired,
    /// The file is too long for an AES-MMO digest.
    #[error(transparent)]
    TooLong(#[from] MessageTooLong),
    /// The ECDSA verification failed.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

/// Error of a [`VerifySignature`](super::VerifySignature): the signature does not match, or could not be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SignatureError {
    /// The reconstruction point of the certificate, or the key of the authority, is not a point of the group.
    #[error("a key is no point of the curve")]
    InvalidKey,
    /// The signature does not match the digest of the file and the key of the signer: the file was altered, or was
    /// signed with another key.
    #[error("the signature is wrong")]
    Mismatch,
    /// The ECDSA implementation does not support the suite; the signature was not checked.
    #[error("the suite is not supported")]
    UnsupportedSuite,
    /// The ECDSA implementation failed; the signature was not checked.
    #[error("the verification failed")]
    Backend,
}

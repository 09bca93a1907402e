//! Whether a file is what its maker made (sections 6.3.5, 6.3.6 and 6.3.8): integrity codes, certificates and
//! signatures, over the hash of [`mmo`](crate::mmo).
//!
//! A signed file ends in two elements:
//!
//! | element | suite 1 | suite 2 | hashed |
//! |---|---|---|---|
//! | header and other elements | any | any | yes |
//! | certificate: tag, length, certificate | `02 00`, 48 | `06 00`, 74 | yes |
//! | signature: tag, length, signer (8, little endian) | `01 00`, 50 | `05 00`, 80 | yes |
//! | rest of it: r, then s, big endian | 21 + 21 | 36 + 36 | no |
//!
//! The 16 bytes of the digest, as a big-endian number, are what ECDSA signs. The certificate is implicit: it holds no
//! signature of its own, and the signer's key follows from it and from the key of the authority that issued it
//! ([`Certificate::signer_key`]). So only the check of the file's signature tells whether the certificate is right.
//!
//! # What it is worth
//!
//! Suite 1 stands on the curve sect163k1, which is worth 80 bits; suite 2 on sect283k1. Both sign a digest of 128 bits,
//! for which two files of the same digest can be found in some 2^64 steps: who may prepare the file that a maker signs
//! can prepare another one with it. An [integrity code](integrity) proves nothing about who made a file.
//!
//! The rules of suite 1 are proven by a file that a vendor's tool signed. No file signed by suite 2 is public: that its
//! digest is the same hash follows from vendors' headers, and that r and s are big endian is by analogy with suite 1.
//!
//! The arithmetic here takes a time that depends on its input. It is for verification, where all input is public;
//! never sign with it. A signer stands outside: [`seal`] gives out the digest and takes back r and s.

pub mod integrity;
mod longer;

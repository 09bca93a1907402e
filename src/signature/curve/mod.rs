//! Koblitz curves sect163k1 and sect283k1 (SEC 2; NIST K-163 and K-283): `y^2 + x y = x^3 + a x^2 + 1` over a binary
//! field.
//!
//! The module `curve` is only for the verification of signatures, where all input is public. The running time of the
//! arithmetic in `curve` depends on the input, so a private key must never be used with this arithmetic.
//!
//! | curve | field | a | order of the group | cofactor |
//! |---|---|---|---|---|
//! | sect163k1 | 2^163 | 1 | about 2^162 | 2 |
//! | sect283k1 | 2^283 | 0 | about 2^281 | 4 |
//!
//! | file | content |
//! |---|---|
//! | `field` | arithmetic of the binary field |
//! | `scalar` | integers modulo the order of the group |
//! | `point` | points: compressed form, addition, multiplication |
//! | `tau_adic` | digits of a factor, for the multiplication of points |
//!
//! Points are read and written in the compressed form of SEC 1: the byte 02 or 03, which selects one of two values of
//! `y`, then `x`, big endian, in 21 or 36 bytes.

mod field;
mod point;
mod scalar;
mod tau_adic;
#[cfg(test)]
mod tests;

pub(super) use field::Field;
use field::Limbs;
use point::Projective;
pub(super) use point::{Affine, Curve};

use crate::mmo::Digest;

/// Curve sect163k1.
pub(super) struct K163;

impl Field<3> for K163 {
    const M: usize = 163;
    const TAPS: [usize; 3] = [7, 6, 3];
    const TRACE: usize = 157;
}

impl Curve<3> for K163 {
    const A: bool = true;
    const ORDER: Limbs<3> = [0xa2e0_cc0d_99f8_a5ef, 0x0000_0000_0002_0108, 0x0000_0004_0000_0000];
    const BASE: Affine<3> = Affine {
        x: [0xde4e_6d5e_5c94_eee8, 0x7bbc_11ac_aa07_d793, 0x0000_0002_fe13_c053],
        y: [0x0536_d538_ccda_a3d9, 0x5d38_ff58_321f_2e80, 0x0000_0002_8907_0fb0],
    };
}

/// Curve sect283k1.
pub(super) struct K283;

impl Field<5> for K283 {
    const M: usize = 283;
    const TAPS: [usize; 3] = [12, 7, 5];
    const TRACE: usize = 271;
}

impl Curve<5> for K283 {
    const A: bool = false;
    #[rustfmt::skip]
    const ORDER: Limbs<5> = [
        0x9445_1e06_1e16_3c61, 0x2ed0_7577_265d_ff7f, 0xffff_ffff_ffff_e9ae, 0xffff_ffff_ffff_ffff,
        0x0000_0000_01ff_ffff,
    ];
    #[rustfmt::skip]
    const BASE: Affine<5> = Affine {
        x: [
            0xb0c2_ac24_5849_2836, 0x23c1_567a_1687_6913, 0x62f1_88e5_53cd_265f, 0x78ca_4488_3f1a_3b81,
            0x0000_0000_0503_213f,
        ],
        y: [
            0x4e34_1161_77dd_2259, 0xe818_4698_e459_6236, 0x07e5_426f_e87e_45c0, 0x0f1c_9e31_8d90_f95d,
            0x0000_0000_01cc_da38,
        ],
    };
}

/// Computes the public key of an implicit certificate: `digest * point + authority`.
///
/// Returns `None` if `point` or `authority` is not a point of the group, or if the sum is the point at infinity.
#[inline(never)] // Two steps that are inlined into one function would add their stack.
pub(super) fn implicit<C: Curve<N>, const N: usize>(
    digest: &Digest,
    point: &[u8],
    authority: &[u8],
) -> Option<Affine<N>> {
    let mut sum = C::multiply([(&field::from_bytes(digest), &C::point(point)?)]);
    add_point::<C, N>(&mut sum, authority)?;
    C::affine(&sum)
}

/// Adds the point with the compressed form `bytes` to `sum`. Returns `None` if the bytes are not a point of the group.
#[inline(never)] // As `implicit`.
fn add_point<C: Curve<N>, const N: usize>(sum: &mut Projective<N>, bytes: &[u8]) -> Option<()> {
    C::add_to(sum, &C::point(bytes)?, false);
    Some(())
}

/// Whether both halves of `signature`, r and s, are from 1 to the order of the group minus 1 (SEC 1, 4.1.4).
#[inline(never)] // As `implicit`.
pub(super) fn in_range<C: Curve<N>, const N: usize>(signature: &[u8]) -> bool {
    halves::<N>(signature).iter().all(|half| !field::is_zero(half) && scalar::is_below(half, &C::ORDER))
}

/// Whether `signature` (r, then s, in equal lengths) is a valid ECDSA signature of `digest` by `key` (SEC 1, 4.1.4).
#[inline(never)] // As `implicit`.
pub(super) fn verify<C: Curve<N>, const N: usize>(
    key: &Affine<N>,
    digest: &Digest,
    signature: &[u8],
) -> bool {
    if !in_range::<C, N>(signature) {
        return false;
    }
    let [first, second] = factors::<C, N>(digest, signature);
    let sum = C::multiply([(&first, &C::BASE), (&second, key)]);
    has_x::<C, N>(&sum, signature)
}

/// Whether the x coordinate of `sum` modulo the order of the group is r, the first half of `signature`.
#[inline(never)] // As `implicit`.
fn has_x<C: Curve<N>, const N: usize>(sum: &Projective<N>, signature: &[u8]) -> bool {
    let [r, _] = halves(signature);
    C::x(sum).is_some_and(|x| scalar::modulo(&x, &C::ORDER) == r)
}

/// Returns the two factors by which the verification multiplies the generator and the public key (SEC 1, 4.1.4). If the
/// signature is valid, the sum of the generator times the first factor and the public key times the second factor has
/// the x coordinate r.
#[inline(never)] // As `implicit`.
fn factors<C: Curve<N>, const N: usize>(digest: &Digest, signature: &[u8]) -> [Limbs<N>; 2] {
    let [r, s] = halves(signature);
    let inverse = scalar::inverse(&s, &C::ORDER);
    // A digest of 128 bits is below the order of the group, so ECDSA does not truncate the digest.
    [field::from_bytes(digest), r].map(|factor| scalar::multiply(&factor, &inverse, &C::ORDER))
}

/// Splits a signature into r and s.
fn halves<const N: usize>(signature: &[u8]) -> [Limbs<N>; 2] {
    let (r, s) = signature.split_at_checked(signature.len() / 2).unwrap_or_default();
    [r, s].map(field::from_bytes)
}

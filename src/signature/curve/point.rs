//! Points of a curve: coordinate forms, addition and multiplication.
//!
//! ```text
//! compressed   02 or 03, x          Affine   x, y          Projective   X, Y, Z; infinity when Z is 0
//! ```

use super::field::{Field, Limbs, bit, from_bytes, is_zero, one, to_bytes, xor};
use super::tau_adic::Digits;

/// Point in affine coordinates; never the point at infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::signature) struct Affine<const N: usize> {
    pub(super) x: Limbs<N>,
    pub(super) y: Limbs<N>,
}

/// Point in López-Dahab coordinates: `x = X / Z`, `y = Y / Z^2`; the point at infinity if Z is 0.
#[derive(Clone, Copy, Debug)]
pub(in crate::signature) struct Projective<const N: usize> {
    x: Limbs<N>,
    y: Limbs<N>,
    z: Limbs<N>,
}

impl<const N: usize> Affine<N> {
    fn negative(&self) -> Self {
        Self { x: self.x, y: xor(&self.x, &self.y) }
    }
}

/// Koblitz curve `y^2 + x y = x^3 + a x^2 + 1`; the cofactor is 2 for a = 1, and 4 for a = 0.
pub(in crate::signature) trait Curve<const N: usize>: Field<N> {
    /// Whether the coefficient a is 1; otherwise a is 0.
    const A: bool;
    /// Order of the group, a prime.
    const ORDER: Limbs<N>;
    /// Generator of the group.
    const BASE: Affine<N>;

    /// Reads a point of the group from its compressed form. Returns `None` if the bytes are no point of the group.
    fn point(bytes: &[u8]) -> Option<Affine<N>> {
        let (tag, x) = bytes.split_first()?;
        let odd = match tag {
            2 => false,
            3 => true,
            _ => return None,
        };
        let x = from_bytes(x);
        // The point with x = 0 has order 2, so it is not in the group.
        if !Self::contains(&x) || is_zero(&x) {
            return None;
        }
        // Solve `z^2 + z = x + a + 1 / x^2` for z; then y = x z.
        let sum = xor(&Self::plus_a(&x), &Self::square(&Self::inverse(&x)));
        let z = Self::half_trace(&sum);
        if xor(&Self::square(&z), &z) != sum {
            return None;
        }
        let z = if bit(&z, 0) == odd { z } else { xor(&z, &one()) };
        let point = Affine { x, y: Self::mul(&x, &z) };
        Self::is_of_group(&point).then_some(point)
    }

    /// Writes the compressed form of a point to `bytes`.
    fn compressed(point: &Affine<N>, bytes: &mut [u8]) {
        let z = Self::mul(&point.y, &Self::inverse(&point.x));
        if let Some((tag, x)) = bytes.split_first_mut() {
            *tag = if bit(&z, 0) { 3 } else { 2 };
            to_bytes(&point.x, x);
        }
    }

    /// Whether a point of the curve lies in the group of prime order.
    ///
    /// The point lies in the group if it can be halved once for each factor 2 of the cofactor. A point is the double of
    /// another point if the trace of `x + a` is 0.
    fn is_of_group(point: &Affine<N>) -> bool {
        let sum = Self::plus_a(&point.x);
        if Self::trace(&sum) {
            return false;
        }
        if Self::A {
            return true;
        }
        let slope = xor(&Self::half_trace(&sum), &one());
        !Self::trace(&xor(&point.y, &Self::mul(&slope, &point.x)))
    }

    /// Returns `x + a`.
    fn plus_a(x: &Limbs<N>) -> Limbs<N> {
        if Self::A { xor(x, &one()) } else { *x }
    }

    /// Point at infinity, the neutral element.
    const INFINITY: Projective<N> = Projective { x: [0; N], y: [0; N], z: [0; N] };

    /// Returns the sum of the products `factor * point` over all terms. Each factor is below `2^M`.
    fn multiply<const K: usize>(terms: [(&Limbs<N>, &Affine<N>); K]) -> Projective<N> {
        // The constant mu of the curve is 1 for a = 1, and -1 for a = 0.
        let terms =
            terms.map(|(factor, point)| (Digits::new(factor, Self::M, Self::A), point, point.negative()));
        Digits::places(Self::M).fold(Self::INFINITY, |sum, place| {
            let sum = Self::tau(&sum);
            terms.iter().fold(sum, |sum, (digits, point, negative)| match digits.at(place) {
                1 => Self::add(&sum, point),
                -1 => Self::add(&sum, negative),
                _ => sum,
            })
        })
    }

    /// Applies the Frobenius map: squares the coordinates.
    fn tau(point: &Projective<N>) -> Projective<N> {
        let Projective { x, y, z } = point;
        Projective { x: Self::square(x), y: Self::square(y), z: Self::square(z) }
    }

    /// Adds two points, by the mixed formulas of López and Dahab (`other` has `Z = 1`).
    fn add(some: &Projective<N>, other: &Affine<N>) -> Projective<N> {
        if is_zero(&some.z) {
            return Projective { x: other.x, y: other.y, z: one() };
        }
        let z_squared = Self::square(&some.z);
        let a = xor(&some.y, &Self::mul(&z_squared, &other.y));
        let b = xor(&some.x, &Self::mul(&some.z, &other.x));
        if is_zero(&b) {
            // Both points have the same x: `other` equals `some` or its negative.
            return if is_zero(&a) { Self::double(other) } else { Self::INFINITY };
        }
        let c = Self::mul(&some.z, &b);
        let z = Self::square(&c);
        let e = Self::mul(&a, &c);
        let d = if Self::A { xor(&c, &z_squared) } else { c };
        let d = Self::mul(&Self::square(&b), &d);
        let x = xor(&xor(&Self::square(&a), &d), &e);
        let f = xor(&x, &Self::mul(&other.x, &z));
        let g = Self::mul(&xor(&other.x, &other.y), &Self::square(&z));
        let y = xor(&Self::mul(&xor(&e, &z), &f), &g);
        Projective { x, y, z }
    }

    /// Doubles a point.
    fn double(point: &Affine<N>) -> Projective<N> {
        let z = Self::square(&point.x);
        let x = xor(&Self::square(&z), &one());
        let sum = xor(&Self::square(&point.y), &one());
        let sum = if Self::A { xor(&sum, &z) } else { sum };
        let y = xor(&z, &Self::mul(&x, &sum));
        Projective { x, y, z }
    }

    /// Converts a point to affine coordinates. Returns `None` for the point at infinity.
    fn affine(point: &Projective<N>) -> Option<Affine<N>> {
        if is_zero(&point.z) {
            return None;
        }
        let inverse = Self::inverse(&point.z);
        let y = Self::mul(&point.y, &Self::square(&inverse));
        Some(Affine { x: Self::mul(&point.x, &inverse), y })
    }
}

//! Points of a curve: coordinate forms, addition and multiplication.
//!
//! ```text
//! compressed   02 or 03, x          Affine   x, y          Projective   X, Y, Z; infinity when Z is 0
//! ```

use super::field::{Field, Limbs, bit, from_bytes, is_zero, one, to_bytes, xor, xor_to};
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

/// Koblitz curve `y^2 + x y = x^3 + a x^2 + 1`; the cofactor is 2 for a = 1, and 4 for a = 0.
pub(in crate::signature) trait Curve<const N: usize>: Field<N> {
    /// Whether the coefficient a of the curve is 1; if not, a is 0.
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
    #[inline(never)] // The digits of the factors leave the stack before the result is used.
    fn multiply<const K: usize>(terms: [(&Limbs<N>, &Affine<N>); K]) -> Projective<N> {
        // The constant mu of the curve is 1 for a = 1, and -1 for a = 0.
        let mut digits = [Digits::ZERO; K];
        for (digits, (factor, _)) in digits.iter_mut().zip(terms) {
            digits.set_to(factor, Self::M, Self::A);
        }
        let mut sum = Self::INFINITY;
        for place in Digits::places(Self::M) {
            // The Frobenius map squares the coordinates.
            for coordinate in [&mut sum.x, &mut sum.y, &mut sum.z] {
                *coordinate = Self::square(coordinate);
            }
            for (digits, (_, point)) in digits.iter().zip(terms) {
                match digits.at(place) {
                    0 => {}
                    digit => Self::add_to(&mut sum, point, digit < 0),
                }
            }
        }
        sum
    }

    /// Adds `other`, or its negative `(x, x + y)`, to `sum`.
    fn add_to(sum: &mut Projective<N>, other: &Affine<N>, is_negative: bool) {
        if Self::add_unequal_to(sum, other, is_negative) {
            Self::set_double(sum, other);
            if is_negative {
                // The negative of the projective point (X, Y, Z) is (X, X Z + Y, Z).
                let product = Self::mul(&sum.x, &sum.z);
                xor_to(&mut sum.y, &product);
            }
        }
    }

    /// Adds `other`, or its negative, to `sum` by the mixed formulas of López and Dahab, in which `other` has `Z = 1`.
    /// The mixed formulas do not hold for two equal points. Returns whether `sum` and the added point are equal. If
    /// `sum` and the added point are equal, the value in `sum` is meaningless after the call.
    ///
    /// A microcontroller has little stack, so each of five variables holds several values of the formulas in
    /// succession:
    ///
    /// | variable | values |
    /// |---|---|
    /// | `a` | A, A^2, then the new X |
    /// | `b` | B, B^2, F, Z^2, then G |
    /// | `c` | C, then the new Z |
    /// | `d` | old Z^2, D, then the new Y |
    /// | `e` | E, E + Z, then x + `y` |
    #[inline(never)] // Its variables leave the stack before a point is doubled.
    fn add_unequal_to(sum: &mut Projective<N>, other: &Affine<N>, is_negative: bool) -> bool {
        let mut y = other.y;
        if is_negative {
            xor_to(&mut y, &other.x);
        }
        if is_zero(&sum.z) {
            *sum = Projective { x: other.x, y, z: one() };
            return false;
        }
        let mut d = Self::square(&sum.z);
        let mut a = Self::mul(&d, &y);
        xor_to(&mut a, &sum.y);
        let mut b = Self::mul(&sum.z, &other.x);
        xor_to(&mut b, &sum.x);
        if is_zero(&b) {
            // Both points have the same x: they are equal, or one is the negative of the other.
            *sum = Self::INFINITY;
            return is_zero(&a);
        }
        let mut c = Self::mul(&sum.z, &b);
        if Self::A {
            xor_to(&mut d, &c);
        } else {
            d = c;
        }
        b = Self::square(&b);
        d = Self::mul(&b, &d);
        let mut e = Self::mul(&a, &c);
        c = Self::square(&c);
        a = Self::square(&a);
        xor_to(&mut a, &d);
        xor_to(&mut a, &e);
        b = Self::mul(&other.x, &c);
        xor_to(&mut b, &a);
        xor_to(&mut e, &c);
        d = Self::mul(&e, &b);
        b = Self::square(&c);
        e = other.x;
        xor_to(&mut e, &y);
        b = Self::mul(&e, &b);
        xor_to(&mut d, &b);
        *sum = Projective { x: a, y: d, z: c };
        false
    }

    /// Sets `sum` to twice `point`.
    fn set_double(sum: &mut Projective<N>, point: &Affine<N>) {
        sum.z = Self::square(&point.x);
        sum.x = Self::square(&sum.z);
        xor_to(&mut sum.x, &one());
        sum.y = Self::square(&point.y);
        xor_to(&mut sum.y, &one());
        if Self::A {
            xor_to(&mut sum.y, &sum.z);
        }
        sum.y = Self::mul(&sum.x, &sum.y);
        xor_to(&mut sum.y, &sum.z);
    }

    /// Returns the affine coordinate x, or `None` for the point at infinity.
    fn x(point: &Projective<N>) -> Option<Limbs<N>> {
        (!is_zero(&point.z)).then(|| Self::mul(&point.x, &Self::inverse(&point.z)))
    }

    /// Converts a point to affine coordinates. Returns `None` for the point at infinity.
    #[inline(never)] // The inverse leaves the stack before the point is used.
    fn affine(point: &Projective<N>) -> Option<Affine<N>> {
        if is_zero(&point.z) {
            return None;
        }
        let inverse = Self::inverse(&point.z);
        let y = Self::mul(&point.y, &Self::square(&inverse));
        Some(Affine { x: Self::mul(&point.x, &inverse), y })
    }
}

//! Tau-adic non-adjacent form of a factor: digits -1, 0 and 1 as coefficients of powers of tau, where tau is the
//! Frobenius map `(x, y) -> (x^2, y^2)` of Koblitz curves.
//!
//! Tau satisfies `tau^2 + 2 = mu * tau`, so integers `a + b * tau` can be divided by tau as ordinary integers are
//! divided by 2. The multiplication of a point by a tau-adic factor applies tau (three squarings) where the binary
//! method doubles the point. Over a field of `2^M` elements `tau^M` is the identity.

use super::field::{Limbs, bit, one};
use super::scalar::{add, half, subtract};

/// Integer `a + b * tau`; negative values of `a` and `b` are in two's complement.
#[derive(Clone, Copy)]
struct Number<const N: usize> {
    a: Limbs<N>,
    b: Limbs<N>,
}

/// Digits of a factor, lowest first; of two neighbouring digits, at least one is 0.
pub(super) struct Digits([i8; Digits::MOST]);

impl Digits {
    /// Maximum number of digits: more than [`Self::EXTRA`] plus 283, the larger degree of the two fields.
    const MOST: usize = 300;

    /// Number of digits above `tau^M`.
    ///
    /// An integer `a + b * tau` with norm `a^2 + mu * a * b + 2 * b^2` at most `2^k` takes at most k + 4 digits. The
    /// norm after the first round is at most `6 * 2^M`.
    const EXTRA: usize = 16;

    /// Computes the digits of `factor`, for a curve over `2^m` elements whose `mu` is 1 or -1.
    pub(super) fn new<const N: usize>(factor: &Limbs<N>, m: usize, mu_is_one: bool) -> Self {
        let mut number = Number { a: *factor, b: [0; N] };
        let mut digits = Self([0; Self::MOST]);
        for room in digits.0.iter_mut().take(m) {
            *room = number.next(mu_is_one);
        }
        // The remaining quotient is a multiple of tau^m, which is 1. Adding the quotient to the value of the digits
        // halves the number of digits.
        let below = digits.0.iter().take(m).rev().fold(Number { a: [0; N], b: [0; N] }, |sum, digit| {
            let Number { a, b } = sum.times_tau(mu_is_one);
            Number { a: with_digit(&a, *digit), b }
        });
        let mut number = Number { a: add(&number.a, &below.a), b: add(&number.b, &below.b) };
        for room in digits.0.iter_mut().take(m.wrapping_add(Self::EXTRA)) {
            *room = number.next(mu_is_one);
        }
        digits
    }

    /// Iterates over the exponents of tau for which `at` has a digit, zeros included, highest first.
    pub(super) fn places(m: usize) -> impl Iterator<Item = usize> {
        (0..m.wrapping_add(Self::EXTRA)).rev()
    }

    /// Returns the digit that is the coefficient of `tau^place`.
    pub(super) fn at(&self, place: usize) -> i8 {
        self.0.get(place).copied().unwrap_or_default()
    }
}

impl<const N: usize> Number<N> {
    /// Removes the lowest digit and divides by tau. For an odd number, the chosen digit makes the next digit 0.
    fn next(&mut self, mu_is_one: bool) -> i8 {
        let digit: i8 = match (bit(&self.a, 0), bit(&self.a, 1) == bit(&self.b, 0)) {
            (false, _) => 0,
            (true, true) => 1,
            (true, false) => -1,
        };
        let even = with_digit(&self.a, digit.wrapping_neg());
        let half = half(&even, is_negative(&even));
        self.a = if mu_is_one { add(&self.b, &half) } else { subtract(&self.b, &half) };
        self.b = subtract(&[0; N], &half);
        digit
    }

    fn times_tau(&self, mu_is_one: bool) -> Self {
        let a = subtract(&[0; N], &add(&self.b, &self.b));
        let b = if mu_is_one { add(&self.a, &self.b) } else { subtract(&self.a, &self.b) };
        Self { a, b }
    }
}

fn is_negative<const N: usize>(a: &Limbs<N>) -> bool {
    a.last().is_some_and(|last| last >> 63 == 1)
}

fn with_digit<const N: usize>(a: &Limbs<N>, digit: i8) -> Limbs<N> {
    match digit {
        1 => add(a, &one()),
        -1 => subtract(a, &one()),
        _ => *a,
    }
}

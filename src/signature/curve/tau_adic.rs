//! Tau-adic non-adjacent form of a factor: digits -1, 0 and 1 as coefficients of powers of tau, where tau is the
//! Frobenius map `(x, y) -> (x^2, y^2)` of Koblitz curves.
//!
//! Tau satisfies `tau^2 + 2 = mu * tau`, where `mu` is 1 for curves with a = 1, and -1 for curves with a = 0. A number
//! `a + b * tau` with an even `a` is divisible by tau, as an even integer is divisible by 2. The multiplication of a
//! point by a binary factor doubles the point for each bit. With a tau-adic factor, the multiplication of a point
//! applies tau (three squarings) for each digit, and doubles no point. Over a field of `2^M` elements `tau^M` is the
//! identity.

use super::field::{Limbs, bit, one};
use super::scalar::{add, half, subtract};

/// Integer `a + b * tau`; negative values of `a` and `b` are in two's complement.
#[derive(Clone, Copy)]
struct Number<const N: usize> {
    a: Limbs<N>,
    b: Limbs<N>,
}

/// Digits of a factor, lowest first; of two neighbouring digits, at least one is 0.
///
/// Two bits for each digit: the lower bit says that the digit is not 0, and the higher bit that it is -1. With a byte
/// for each digit, two factors would take 600 bytes of the stack of a microcontroller.
pub(super) struct Digits([u8; Digits::MOST / 4]);

impl Digits {
    /// Maximum number of digits: more than [`Self::EXTRA`] plus 283, the larger degree of the two fields.
    const MOST: usize = 300;

    /// Maximum number of digits for powers of tau from `tau^M` on.
    ///
    /// An integer `a + b * tau` with norm `a^2 + mu * a * b + 2 * b^2` at most `2^k` takes at most k + 4 digits. The
    /// second loop over the digits in [`set_to`](Self::set_to) starts with an integer whose norm is at most `6 * 2^M`.
    const EXTRA: usize = 16;

    /// Tau-adic form of the factor 0: all digits are 0.
    pub(super) const ZERO: Self = Self([0; Self::MOST / 4]);

    /// Sets the digits to the tau-adic form of `factor`, for a curve over a field of `2^m` elements. `mu` of the curve
    /// is 1 if `mu_is_one` is `true`, and -1 if it is `false`.
    #[inline(never)] // Its integers leave the stack before the multiplication.
    pub(super) fn set_to<const N: usize>(&mut self, factor: &Limbs<N>, m: usize, mu_is_one: bool) {
        let mut number = Number { a: *factor, b: [0; N] };
        for place in 0..m {
            self.set(place, number.next(mu_is_one));
        }
        // The value of the factor is now that of the m digits, plus `number` times tau^m. Since tau^m is 1, the sum of
        // `number` and the value of the digits has half as many digits, and multiplies a point by the same factor.
        let below = (0..m).rev().fold(Number { a: [0; N], b: [0; N] }, |sum, place| {
            let Number { a, b } = sum.times_tau(mu_is_one);
            Number { a: with_digit(&a, self.at(place)), b }
        });
        let mut number = Number { a: add(&number.a, &below.a), b: add(&number.b, &below.b) };
        for place in 0..m.wrapping_add(Self::EXTRA) {
            self.set(place, number.next(mu_is_one));
        }
    }

    /// Iterates over the exponents of tau of all digits, with the highest exponent first; digits with the value 0 are
    /// included.
    pub(super) fn places(m: usize) -> impl Iterator<Item = usize> {
        (0..m.wrapping_add(Self::EXTRA)).rev()
    }

    /// Returns the digit that is the coefficient of `tau^place`.
    pub(super) fn at(&self, place: usize) -> i8 {
        let four = self.0.get(place / 4).copied().unwrap_or_default();
        match four.wrapping_shr(bits_before(place)) & 3 {
            1 => 1,
            3 => -1,
            _ => 0,
        }
    }

    fn set(&mut self, place: usize, digit: i8) {
        if let Some(four) = self.0.get_mut(place / 4) {
            let bits = match digit {
                1 => 1_u8,
                -1 => 3,
                _ => 0,
            };
            let before = bits_before(place);
            *four = *four & !3_u8.wrapping_shl(before) | bits.wrapping_shl(before);
        }
    }
}

/// Number of bits below the digit at `place` in the byte that holds the digit.
fn bits_before(place: usize) -> u32 {
    u32::try_from(place % 4).unwrap_or_default().wrapping_mul(2)
}

impl<const N: usize> Number<N> {
    /// Subtracts the lowest digit from the number, divides the difference by tau, and returns the digit. If `a` is odd,
    /// the lowest digit is 1 or -1, chosen such that the next digit is 0.
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

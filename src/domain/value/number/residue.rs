//! Python's hash of numbers: the number modulo a prime, so that equal numbers of all classes have
//! the same.

use num_bigint::{BigInt, BigUint, Sign};

/// A prime, so that division has a meaning.
const MODULUS: u64 = (1 << 61) - 1;

pub(super) fn of_complex(real: f64, imaginary: f64) -> u64 {
    // Adding zero makes one of the two zeros, nan is one for all.
    let bits = |part: f64| {
        if part.is_nan() {
            1
        } else {
            (part + 0.0).to_bits()
        }
    };
    bits(real) ^ bits(imaginary).rotate_left(32)
}

pub(super) fn of_decimal(negative: bool, digits: &[u8], exponent: i64) -> u64 {
    let digits = digits.iter().fold(0, |sum, digit| {
        (multiply(sum, 10) + u64::from(*digit)) % MODULUS
    });
    let ten = if exponent < 0 { invert(10) } else { 10 };
    let magnitude = multiply(digits, power(ten, exponent.unsigned_abs()));
    signed(negative, magnitude)
}

pub(super) fn of_ratio((numerator, denominator): &(BigInt, BigInt)) -> u64 {
    let residue = |number: &BigInt| {
        let residue = number.magnitude() % BigUint::from(MODULUS);
        residue.iter_u64_digits().next().unwrap_or(0)
    };
    let magnitude = multiply(residue(numerator), invert(residue(denominator)));
    signed(numerator.sign() == Sign::Minus, magnitude)
}

fn multiply(a: u64, b: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(MODULUS)) as u64
}

fn power(mut base: u64, mut exponent: u64) -> u64 {
    let mut product = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            product = multiply(product, base);
        }
        base = multiply(base, base);
        exponent >>= 1;
    }
    product
}

/// By Fermat; 0 for 0, which no other number's inverse is.
fn invert(number: u64) -> u64 {
    power(number, MODULUS - 2)
}

fn signed(negative: bool, magnitude: u64) -> u64 {
    if negative {
        (MODULUS - magnitude) % MODULUS
    } else {
        magnitude
    }
}

//! Floats and decimals as ratios, without any power of ten that is not needed.

use super::TooMuchWork;
use num_bigint::{BigInt, BigUint};

/// Digits that may be turned from decimal to binary for one comparison: the work is quadratic,
/// and this many take about ten milliseconds.
const MOST_DIGITS: usize = 100_000;

/// Numerator and denominator of a finite float, in lowest terms.
pub(super) fn ratio_of_float(float: f64) -> (BigInt, BigInt) {
    let bits = float.to_bits();
    let (exponent, fraction) = ((bits >> 52 & 0x7FF) as i64, bits & ((1 << 52) - 1));
    let (mantissa, exponent) = match exponent {
        0 => (fraction, -1074),
        _ => (fraction | 1 << 52, exponent - 1075),
    };
    if mantissa == 0 {
        return (0.into(), 1.into());
    }
    let twos = mantissa.trailing_zeros();
    let (mantissa, exponent) = (mantissa >> twos, exponent + i64::from(twos));
    let magnitude = BigInt::from(mantissa);
    let numerator = if float < 0.0 { -magnitude } else { magnitude };
    if exponent >= 0 {
        (numerator << exponent.unsigned_abs(), 1.into())
    } else {
        (numerator, BigInt::from(1) << exponent.unsigned_abs())
    }
}

/// Whether digits · 10^exponent is numerator / denominator.
pub(super) fn decimal_equals(
    digits: &[u8],
    exponent: i64,
    numerator: &BigUint,
    denominator: &BigUint,
) -> Result<bool, TooMuchWork> {
    // 10^exponent is only ever made where the other side is of its size: 3 bits to the digit.
    let ten_bits = exponent.unsigned_abs().saturating_mul(3);
    let digit_bits = digits.len() as u64 * 4;
    let most_bits = if exponent >= 0 {
        numerator.bits()
    } else {
        digit_bits + denominator.bits()
    };
    if ten_bits > most_bits {
        return Ok(false);
    }
    if digits.len() > MOST_DIGITS || ten_bits > MOST_DIGITS as u64 * 4 {
        return Err(TooMuchWork);
    }
    let digits = BigUint::from_radix_be(digits, 10).unwrap_or_default();
    let ten = BigUint::from(10u32).pow(exponent.unsigned_abs() as u32);
    Ok(if exponent >= 0 {
        digits * denominator * ten == *numerator
    } else {
        digits * denominator == numerator * ten
    })
}

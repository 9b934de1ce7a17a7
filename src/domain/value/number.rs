//! When numbers of different classes are equal: exactly, as in Python, never by rounding.

mod exact;
mod residue;

use super::steps::TooMuchWork;
use super::{Decimal, Node};
use num_bigint::{BigInt, Sign};

/// The number that a node is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number<'a> {
    Nan,
    Infinite {
        negative: bool,
    },
    Int(i64),
    BigInt(&'a BigInt),
    Float(f64),
    Fraction(&'a BigInt, &'a BigInt),
    Decimal {
        negative: bool,
        digits: &'a [u8],
        exponent: i64,
    },
    Complex(f64, f64),
}

impl<'a> Number<'a> {
    pub(super) fn of(node: &'a Node) -> Option<Number<'a>> {
        Some(match node {
            Node::Bool(truth) => Number::Int(i64::from(*truth)),
            Node::Int(number) => Number::Int(*number),
            Node::BigInt(number) => Number::BigInt(number),
            Node::Float(float) => Number::float(float.0),
            // As in Python, a complex number without an imaginary part is a real one.
            Node::Complex(real, imaginary) if imaginary.0 == 0.0 => Number::float(real.0),
            Node::Complex(real, imaginary) => Number::Complex(real.0, imaginary.0),
            Node::Fraction(parts) => Number::Fraction(&parts.0, &parts.1),
            Node::Decimal(decimal) => Number::decimal(decimal),
            _ => return None,
        })
    }

    fn float(float: f64) -> Number<'a> {
        if float.is_nan() {
            Number::Nan
        } else if float.is_infinite() {
            Number::Infinite {
                negative: float < 0.0,
            }
        } else {
            Number::Float(float)
        }
    }

    fn decimal(decimal: &'a Decimal) -> Number<'a> {
        match decimal {
            Decimal::Nan => Number::Nan,
            Decimal::Infinite { negative } => Number::Infinite {
                negative: *negative,
            },
            Decimal::Finite { digits, .. } if digits.is_empty() => Number::Int(0),
            Decimal::Finite {
                negative,
                digits,
                exponent,
            } => Number::Decimal {
                negative: *negative,
                digits,
                exponent: *exponent,
            },
        }
    }

    /// How much of it there is to compare.
    pub(super) fn size_bytes(self) -> usize {
        match self {
            Number::BigInt(number) => number.bits() as usize / 8,
            Number::Fraction(a, b) => (a.bits() + b.bits()) as usize / 8,
            Number::Decimal { digits, .. } => digits.len(),
            _ => 8,
        }
    }

    pub(super) fn is_zero(self) -> bool {
        self.as_small() == Some(0)
    }

    /// The number as an `i64`, of whatever class it is, if it is one. The least `i64` is left
    /// out: its magnitude is none.
    pub(super) fn as_small(self) -> Option<i64> {
        let small = match self {
            Number::Int(number) => Some(number),
            Number::Float(float) => small_of_float(float),
            Number::Fraction(numerator, denominator) if *denominator == BigInt::from(1) => {
                i64::try_from(numerator).ok()
            }
            Number::Decimal {
                negative,
                digits,
                exponent,
            } => {
                let zeros = u32::try_from(exponent).ok().filter(|zeros| *zeros < 19)?;
                let magnitude = small_of_digits(digits)?.checked_mul(10i64.pow(zeros))?;
                Some(if negative { -magnitude } else { magnitude })
            }
            Number::BigInt(number) => i64::try_from(number).ok(),
            _ => None,
        };
        small.filter(|small| *small != i64::MIN)
    }

    /// Python's `==`; nan is equal to nan, for the reason that [`super::equal`] gives.
    pub(super) fn equals(self, other: Number<'_>) -> Result<bool, TooMuchWork> {
        use Number::{BigInt, Complex, Float, Infinite, Int, Nan};
        Ok(match (self, other) {
            (Nan, Nan) => true,
            (Infinite { negative: a }, Infinite { negative: b }) => a == b,
            (Nan | Infinite { .. }, _) | (_, Nan | Infinite { .. }) => false,
            (Complex(a, b), Complex(c, d)) => same(a, c) && same(b, d),
            (Complex(..), _) | (_, Complex(..)) => false,
            (Int(a), Int(b)) => a == b,
            (Float(a), Float(b)) => a == b,
            (Int(a), Float(b)) | (Float(b), Int(a)) => small_of_float(b) == Some(a),
            (BigInt(a), BigInt(b)) => a == b,
            // Equal numbers have equal hashes, which are far less work than the numbers.
            (a, b) => a.hash() == b.hash() && a.equals_exactly(b)?,
        })
    }

    fn equals_exactly(self, other: Number<'_>) -> Result<bool, TooMuchWork> {
        match (self, other) {
            (
                Number::Decimal {
                    negative,
                    digits,
                    exponent,
                },
                other,
            ) => other.equals_decimal(negative, digits, exponent),
            (
                other,
                Number::Decimal {
                    negative,
                    digits,
                    exponent,
                },
            ) => other.equals_decimal(negative, digits, exponent),
            (a, b) => Ok(a.ratio() == b.ratio()),
        }
    }

    /// Whether it is ±digits · 10^exponent.
    fn equals_decimal(
        self,
        negative: bool,
        digits: &[u8],
        exponent: i64,
    ) -> Result<bool, TooMuchWork> {
        if let Number::Decimal {
            negative: other_negative,
            digits: other_digits,
            exponent: other_exponent,
        } = self
        {
            // Both are in the one form that a number has.
            return Ok(
                (negative, digits, exponent) == (other_negative, other_digits, other_exponent)
            );
        }
        let (numerator, denominator) = self.ratio();
        if negative != (numerator.sign() == Sign::Minus) {
            return Ok(false);
        }
        exact::decimal_equals(
            digits,
            exponent,
            numerator.magnitude(),
            denominator.magnitude(),
        )
    }

    /// Numerator and denominator, in lowest terms where Python keeps them so. Of no number that
    /// is not a ratio, and of no decimal, whose powers of ten could be of any size.
    fn ratio(self) -> (BigInt, BigInt) {
        match self {
            Number::Int(number) => (number.into(), 1.into()),
            Number::BigInt(number) => (number.clone(), 1.into()),
            Number::Fraction(numerator, denominator) => (numerator.clone(), denominator.clone()),
            Number::Float(float) => exact::ratio_of_float(float),
            Number::Decimal { .. }
            | Number::Complex(..)
            | Number::Nan
            | Number::Infinite { .. } => {
                unreachable!("told apart by the callers")
            }
        }
    }

    /// The number modulo a prime, as in Python: equal for equal numbers of all classes.
    pub(super) fn hash(self) -> u64 {
        match self {
            Number::Nan => 1,
            Number::Infinite { negative } => 314_159 + u64::from(negative),
            Number::Complex(real, imaginary) => residue::of_complex(real, imaginary),
            Number::Decimal {
                negative,
                digits,
                exponent,
            } => residue::of_decimal(negative, digits, exponent),
            other => residue::of_ratio(&other.ratio()),
        }
    }
}

/// Floats that are both nan or equal.
fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}

fn small_of_float(float: f64) -> Option<i64> {
    // 2^63 is a float; the largest i64 is not.
    let fits = float.fract() == 0.0 && (-(2f64.powi(63))..2f64.powi(63)).contains(&float);
    fits.then_some(float as i64)
}

fn small_of_digits(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0i64, |sum, digit| {
        sum.checked_mul(10)?.checked_add(i64::from(*digit))
    })
}

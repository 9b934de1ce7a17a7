//! Ranges by what is in them: `range(0)` is `range(5, 5)`, `range(0, 3, 2)` is `range(0, 4, 2)`.

use num_bigint::{BigInt, Sign};

/// The elements of a range, without listing them; equal ranges have equal elements.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Elements {
    count: BigInt,
    first: Option<BigInt>,
    step: Option<BigInt>,
}

impl Elements {
    /// The elements of start, stop, step.
    pub(super) fn of([start, stop, step]: &[BigInt; 3]) -> Elements {
        let zero = BigInt::ZERO;
        let (span, stride) = match step.sign() {
            Sign::Plus => (stop - start, step.clone()),
            Sign::Minus => (start - stop, -step),
            // Python refuses a step of zero.
            Sign::NoSign => (zero.clone(), BigInt::from(1)),
        };
        let count = if span > zero {
            (span + &stride - 1) / stride
        } else {
            zero.clone()
        };
        Elements {
            first: (count > zero).then(|| start.clone()),
            step: (count > BigInt::from(1)).then(|| step.clone()),
            count,
        }
    }
}

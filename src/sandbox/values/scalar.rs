//! Nodes that have no other nodes as parts.

use super::DecodeError;
use super::reader::{Reader, small};
use crate::domain::value::{Decimal, Float, Moment, Node, Opaque};
use num_bigint::{BigInt, Sign};

const DAY: i64 = 86_400_000_000;

/// The node that this tag begins.
pub(super) fn read(tag: u8, reader: &mut Reader<'_>) -> Result<Node, DecodeError> {
    Ok(match tag {
        0x80.. => Node::Int(i64::from(tag & 0x7F)),
        b'N' => Node::None,
        b'T' => Node::Bool(true),
        b'F' => Node::Bool(false),
        b'.' => Node::Ellipsis,
        b'~' => Node::NotImplemented,
        b'i' => integer(reader.integer()?),
        b'f' => Node::Float(Float(reader.f64()?)),
        b'c' => Node::Complex(Float(reader.f64()?), Float(reader.f64()?)),
        b's' => Node::Str(reader.block()?.into()),
        b'b' | b'B' => Node::Bytes(reader.block()?.into()),
        b'm' => Node::Decimal(Box::new(decimal(reader)?)),
        b'Q' => fraction(reader)?,
        b'r' => range(reader)?,
        b'a' => Node::Date(days(reader)? as i32),
        b'h' => Node::Time(moment(reader, 0)?),
        b'w' => {
            let days = days(reader)?;
            Node::DateTime(moment(reader, days)?)
        }
        b'e' => Node::TimeDelta {
            days: i32::from_le_bytes(reader.array()?),
            microseconds: reader.i64()?,
        },
        b'z' => Node::TimeZone(reader.i64()?),
        b'O' => Node::Opaque(Box::new(Opaque {
            class: String::from_utf8_lossy(reader.block()?).into_owned(),
        })),
        _ => return Err(DecodeError::Tag),
    })
}

/// In the one form that an integer has: small where it fits.
fn integer(bytes: &[u8]) -> Node {
    if let Some(small) = small(bytes) {
        return Node::Int(small);
    }
    let number = BigInt::from_signed_bytes_le(bytes);
    match i64::try_from(&number) {
        Ok(small) => Node::Int(small),
        Err(_) => Node::BigInt(Box::new(number)),
    }
}

fn decimal(reader: &mut Reader<'_>) -> Result<Decimal, DecodeError> {
    let flags = reader.byte()?;
    let negative = flags & 1 == 1;
    match flags >> 1 {
        0 => {
            let digits = reader.block()?;
            if digits.iter().any(|digit| *digit > 9) {
                return Err(DecodeError::Malformed);
            }
            Ok(Decimal::finite(negative, digits, reader.small_integer()?))
        }
        1 => Ok(Decimal::Infinite { negative }),
        2 => Ok(Decimal::Nan),
        _ => Err(DecodeError::Malformed),
    }
}

fn fraction(reader: &mut Reader<'_>) -> Result<Node, DecodeError> {
    let parts = (reader.big_integer()?, reader.big_integer()?);
    if parts.1.sign() != Sign::Plus {
        return Err(DecodeError::Malformed);
    }
    Ok(Node::Fraction(Box::new(parts)))
}

fn range(reader: &mut Reader<'_>) -> Result<Node, DecodeError> {
    let parts = [
        reader.big_integer()?,
        reader.big_integer()?,
        reader.big_integer()?,
    ];
    if parts[2].sign() == Sign::NoSign {
        return Err(DecodeError::Malformed);
    }
    Ok(Node::Range(Box::new(parts)))
}

/// The days from a fixed one to a date of the Gregorian calendar.
fn days(reader: &mut Reader<'_>) -> Result<i64, DecodeError> {
    let year = i64::from(u16::from_le_bytes(reader.array()?));
    let [month, day] = reader.array::<2>()?;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return Err(DecodeError::Malformed);
    }
    // Years that begin in March put the day that some have more at their end.
    let (year, month) = match i64::from(month) {
        month @ ..=2 => (year - 1, month + 9),
        month => (year, month - 3),
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Ok(year * 365 + leap_days + (month * 153 + 2) / 5 + i64::from(day))
}

fn moment(reader: &mut Reader<'_>, days: i64) -> Result<Moment, DecodeError> {
    let [hour, minute, second] = reader.array::<3>()?.map(i64::from);
    let microsecond = i64::from(u32::from_le_bytes(reader.array()?));
    let offset = match reader.byte()? {
        0 => None,
        1 => Some(reader.i64()?),
        _ => return Err(DecodeError::Malformed),
    };
    let seconds = (hour * 60 + minute) * 60 + second;
    Ok(Moment {
        microseconds: days * DAY + seconds * 1_000_000 + microsecond,
        offset,
    })
}

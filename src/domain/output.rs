//! Whether a program printed what it should have.

use super::value::floats_are_close;
use super::{Compare, Whitespace};

/// Whether the outputs are equal, as far as the comparison counts white space and digits.
///
/// A tolerance applies to words that are both numbers, one of them at least written as a float
/// (`1.0`, `1e3`): two integers are equal or not, and 1000001 is not nearly 1000000. Under
/// [`Whitespace::Exact`] every byte counts, and a tolerance has no say.
pub fn outputs_equal(expected: &[u8], actual: &[u8], compare: &Compare) -> bool {
    match compare.whitespace {
        Whitespace::Exact => expected == actual,
        Whitespace::Trailing => {
            let (expected, actual) = (lines(expected), lines(actual));
            let mut pairs = expected.iter().zip(&actual);
            expected.len() == actual.len()
                && pairs.all(|(a, b)| lines_equal(a, b, compare.float_tolerance))
        }
        Whitespace::Tokens => words_equal(expected, actual, compare.float_tolerance),
    }
}

/// The lines without trailing blanks, and without the empty ones at the end.
fn lines(output: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<_> = output
        .split(|byte| *byte == b'\n')
        .map(|line| line.trim_ascii_end())
        .collect();
    while lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    lines
}

fn lines_equal(expected: &[u8], actual: &[u8], tolerance: f64) -> bool {
    expected == actual || (tolerance > 0.0 && words_equal(expected, actual, tolerance))
}

fn words_equal(expected: &[u8], actual: &[u8], tolerance: f64) -> bool {
    let (mut expected, mut actual) = (words(expected), words(actual));
    loop {
        match (expected.next(), actual.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a == b || numbers_close(a, b, tolerance) => {}
            _ => return false,
        }
    }
}

fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
}

fn numbers_close(expected: &[u8], actual: &[u8], tolerance: f64) -> bool {
    let number = |word: &[u8]| std::str::from_utf8(word).ok()?.parse::<f64>().ok();
    let integer = |word: &[u8]| word.iter().all(|byte| !matches!(byte, b'.' | b'e' | b'E'));
    if tolerance <= 0.0 || (integer(expected) && integer(actual)) {
        return false;
    }
    match (number(expected), number(actual)) {
        (Some(expected), Some(actual)) => floats_are_close(expected, actual, tolerance),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(whitespace: Whitespace, float_tolerance: f64, a: &str, b: &str, equal: bool) {
        let compare = Compare {
            float_tolerance,
            whitespace,
        };
        assert_eq!(
            outputs_equal(a.as_bytes(), b.as_bytes(), &compare),
            equal,
            "{a:?} {b:?}"
        );
    }

    #[test]
    fn every_byte_counts_in_exact() {
        check(Whitespace::Exact, 0.0, "1\n", "1\n", true);
        check(Whitespace::Exact, 0.0, "1\n", "1", false);
        check(Whitespace::Exact, 0.5, "1.0\n", "1.1\n", false);
    }

    #[test]
    fn blanks_at_ends_do_not_count_in_trailing() {
        check(Whitespace::Trailing, 0.0, "1  \r\n2\n\n \n", "1\n2", true);
        check(Whitespace::Trailing, 0.0, "", "\n \n", true);
        check(Whitespace::Trailing, 0.0, " 1", "1", false);
        check(Whitespace::Trailing, 0.0, "1\n\n2", "1\n2", false);
        check(Whitespace::Trailing, 0.0, "1\n2\n", "1\n", false);
        check(Whitespace::Trailing, 0.0, "1  2", "1 2", false);
    }

    #[test]
    fn a_tolerance_is_for_floats_in_their_lines() {
        check(
            Whitespace::Trailing,
            1e-6,
            "x 0.3\n",
            "x 0.30000001\n",
            true,
        );
        check(Whitespace::Trailing, 1e-6, "0.3\n1\n", "0.3 1\n", false);
        check(Whitespace::Trailing, 0.1, "1000000", "1000001", false);
        check(Whitespace::Trailing, 0.1, "1", "1.05", true);
        check(Whitespace::Trailing, 0.0, "0.3", "0.30", false);
    }

    #[test]
    fn only_words_count_in_tokens() {
        check(Whitespace::Tokens, 0.0, "1 2\n3", "\n1\n2 3 ", true);
        check(Whitespace::Tokens, 0.0, "12", "1 2", false);
        check(Whitespace::Tokens, 0.0, "1 2 3", "1 2", false);
        check(
            Whitespace::Tokens,
            1e-9,
            "inf 1e3",
            "inf 1000.0000001",
            true,
        );
        check(Whitespace::Tokens, 1e-9, "inf", "1e308", false);
        check(Whitespace::Tokens, 1e-9, "nan", "0.0", false);
    }
}

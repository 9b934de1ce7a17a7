//! Bytes that no encoder made.

use super::values_of;
use proptest::prelude::*;
use touchstone::domain::value::{Comparison, Difference, equal};
use touchstone::sandbox::values::{DecodeError, decode};

/// Decodes what may be anything, and takes what comes through every comparison.
fn survives(bytes: &[u8]) {
    if let Ok(value) = decode(bytes) {
        let _ = equal(&value, &value, 0.0);
        assert!(value.size_bytes() <= 64 * bytes.len() + 256);
    }
}

#[track_caller]
fn check(bytes: &[u8], expect: DecodeError) {
    assert_eq!(decode(bytes).expect_err("damaged bytes"), expect);
}

#[test]
fn each_flaw_is_named() {
    check(b"", DecodeError::CutOff);
    check(b"\x02N", DecodeError::Version);
    check(b"\x01", DecodeError::CutOff);
    check(b"\x01NN", DecodeError::Trailing);
    check(b"\x01?", DecodeError::Tag);
    check(b"\x01R\x00", DecodeError::Reference);
    check(b"\x01l\x01R\x01", DecodeError::Reference);
    check(b"\x01l\xff\xff\xff\xff\x7f", DecodeError::CutOff);
    check(b"\x01s\xff\xff\xff\xff\x7f", DecodeError::CutOff);
    check(
        b"\x01p\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        DecodeError::CutOff,
    );
    check(
        b"\x01d\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        DecodeError::CutOff,
    );
    check(
        b"\x01A\x02\xff\xff\xff\xff\x7f\xff\xff\xff\xff\x7f",
        DecodeError::CutOff,
    );
    check(b"\x01r\x00\x00\x00", DecodeError::Malformed);
    check(b"\x01Q\x01\x01\x00", DecodeError::Malformed);
    check(b"\x01m\x00\x01\x0a\x01\x00", DecodeError::Malformed);
    check(
        b"\x01i\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00",
        DecodeError::Malformed,
    );
}

#[test]
fn counts_that_add_up_to_more_than_there_is_are_refused() {
    // Each list may claim what is left, all of them together may not.
    let mut bytes = vec![1];
    for _ in 0..100_000 {
        bytes.extend(b"l\xff\xff\x03");
    }
    check(&bytes, DecodeError::CutOff);
}

#[test]
fn keys_that_contain_themselves_are_unequal() {
    survives(b"\x01S\x01t\x01R\x01");
    survives(b"\x01Z\x02R\x00t\x02R\x00R\x02");
    survives(b"\x01d\x01R\x00R\x00");
}

#[test]
fn a_key_that_is_there_twice_stands_for_no_other() {
    for (forged, honest) in [
        // {1, 1} and {1, 2}
        (&b"\x01S\x02\x81\x81"[..], &b"\x01S\x02\x81\x82"[..]),
        (b"\x01Z\x02\x81\x81", b"\x01S\x02\x81\x82"),
        // {1: 3, 1: 3} and {1: 3, 2: 4}
        (b"\x01d\x02\x81\x83\x81\x83", b"\x01d\x02\x81\x83\x82\x84"),
        (b"\x01o\x02\x81\x83\x81\x83", b"\x01d\x02\x81\x83\x82\x84"),
        // {1: 5, 1: 3} and {1: 3}
        (b"\x01C\x02\x81\x85\x81\x83", b"\x01C\x01\x81\x83"),
    ] {
        let (forged, honest) = (decode(forged), decode(honest));
        let (forged, honest) = (forged.expect("a value"), honest.expect("a value"));
        let differ = Comparison::Unequal(Difference::Values);
        assert_eq!(equal(&honest, &forged, 0.0), differ, "{forged:?}");
        assert_eq!(equal(&forged, &honest, 0.0), differ, "{forged:?}");
    }
}

fn valid() -> Vec<u8> {
    let hex = super::python(&[
        "-c",
        "import values\nfrom decimal import Decimal\nfrom fractions import Fraction\n\
         from collections import *\nfrom datetime import *\nx = [1, 'a', 2.5, {'k': (1, {2, 3})}]\n\
         x += [x, Decimal('1.5E+3'), Fraction(1, 3), range(9), slice(1), deque([1]), Counter('ab'),\n\
         frozenset({(1, 2), 10**30}), datetime(2024, 1, 1, tzinfo=timezone.utc), [1.5] * 9, [300] * 9]\n\
         print(values.encode(x).hex())",
    ]);
    let hex = hex.trim();
    (0..hex.len())
        .step_by(2)
        .map(|start| u8::from_str_radix(&hex[start..start + 2], 16).expect("hexadecimal"))
        .collect()
}

#[test]
fn valid_bytes_survive_every_cut_and_change() {
    let bytes = valid();
    survives(&bytes);
    for cut in 0..bytes.len() {
        assert!(decode(&bytes[..cut]).is_err());
    }
    for position in 0..bytes.len() {
        for byte in 0..=255 {
            let mut changed = bytes.clone();
            changed[position] = byte;
            survives(&changed);
        }
    }
}

#[test]
fn values_of_all_classes_are_sized() {
    let values = values_of("", &["[0] * 1000", "'x' * 1000"]);
    assert!(values.iter().all(|value| value.size_bytes() >= 1000));
}

proptest! {
    #[test]
    fn any_bytes_survive(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        survives(&bytes);
        bytes.insert(0, 1);
        survives(&bytes);
    }

    #[test]
    fn bytes_of_tags_survive(tags in proptest::collection::vec(
        proptest::sample::select(b"\x00\x01\x02\x03\x80\x81NTFifcsbBmQrahwezOltqSZdoCDxApPR".to_vec()), 0..60,
    )) {
        survives(&[&[1][..], &tags].concat());
    }
}

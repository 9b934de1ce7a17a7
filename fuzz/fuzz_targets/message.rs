//! Messages from a candidate to its judge, as they are checked before marshal reads them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use touchstone::sandbox::message::check;

fuzz_target!(|bytes: &[u8]| {
    if check(bytes).is_err() {
        return;
    }
    // A message is one value: none is the beginning of another.
    let (_, cut) = bytes.split_last().expect("a value has a byte");
    assert!(check(cut).is_err());
    assert!(check(&[bytes, b"N"].concat()).is_err());
});

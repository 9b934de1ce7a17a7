//! A value as a guest sends it, from bytes to nodes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use touchstone::domain::value::equal;
use touchstone::sandbox::values::decode;

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = decode(bytes) else {
        return;
    };
    // Memory in proportion to the bytes.
    assert!(value.size_bytes() <= 64 * bytes.len() + 256);
    // No value is the beginning of another.
    let (_, cut) = bytes.split_last().expect("a value has a byte");
    assert!(decode(cut).is_err());
    let longer = [bytes, b"N"].concat();
    assert!(decode(&longer).is_err());
    // Decoding gives the same again, and what it gives can be compared.
    assert_eq!(decode(bytes).as_ref(), Ok(&value));
    let _ = equal(&value, &value, 0.0);
});

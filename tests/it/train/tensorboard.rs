//! Event files, read back by a small reader of their format.

use prost::Message;
use std::path::{Path, PathBuf};
use touchstone::train::tensorboard::{Event, EventFile, Value, What};

/// The files of a folder in the order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files
}

/// CRC32C bit by bit, masked: not the implementation that wrote the file.
fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = !0_u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg());
        }
    }
    (!crc).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// All events of a file; panics where a checksum or a length is wrong.
fn events(path: &Path) -> Vec<Event> {
    let bytes = std::fs::read(path).expect("a file");
    let mut rest = &bytes[..];
    let mut take = |count: usize| {
        let (taken, left) = rest.split_at_checked(count)?;
        rest = left;
        Some(taken)
    };
    let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().expect("four bytes"));
    let mut events = Vec::new();
    while let Some(length) = take(8) {
        assert_eq!(number(take(4).expect("a checksum")), checksum(length));
        let length = u64::from_le_bytes(length.try_into().expect("eight bytes"));
        let message = take(length as usize).expect("a message");
        assert_eq!(number(take(4).expect("a checksum")), checksum(message));
        events.push(Event::decode(message).expect("an event"));
    }
    events
}

/// Step, wall time and values of a summary.
type Scalars = (i64, f64, Vec<(String, f32)>);

/// All summaries.
fn scalars(events: &[Event]) -> Vec<Scalars> {
    let of = |event: &Event| {
        let Some(What::Summary(summary)) = &event.what else {
            return None;
        };
        let value = |value: &Value| (value.tag.clone(), value.simple_value.expect("a number"));
        let values = summary.value.iter().map(value).collect();
        Some((event.step, event.wall_time, values))
    };
    events.iter().filter_map(of).collect()
}

#[test]
fn the_checksum_is_that_of_the_standard() {
    // RFC 3720 gives CRC32C of 32 zero bytes as 8a9136aa; the mask is TensorFlow's.
    let mask = |crc: u32| crc.rotate_right(15).wrapping_add(0xa282_ead8);
    assert_eq!(checksum(&[0; 32]), mask(0x8a91_36aa));
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("run/tensorboard");
    let mut file = EventFile::create(&place, "touchstone").expect("a file");
    let written = [("pass_at_1", 0.5), ("generator/loss", -1.25)];
    file.scalars(0, 1000.5, &written).expect("written");
    file.scalars(7, 1001.5, &[("pass_at_1", 0.75)])
        .expect("written");

    // While the file is still open: every call leaves its values in the file.
    let [path] = &files(&place)[..] else {
        panic!("one file");
    };
    let events = events(path);
    assert_eq!(
        events[0].what,
        Some(What::FileVersion("brain.Event:2".to_owned()))
    );
    assert_eq!(events[0].wall_time, 1000.5);
    let values = vec![
        ("pass_at_1".to_owned(), 0.5),
        ("generator/loss".to_owned(), -1.25),
    ];
    assert_eq!(
        scalars(&events),
        [
            (0, 1000.5, values),
            (7, 1001.5, vec![("pass_at_1".to_owned(), 0.75)]),
        ]
    );
}

#[test]
fn a_resumed_run_begins_a_file_that_is_read_later() {
    let folder = tempfile::tempdir().expect("a folder");
    for step in [3, 2] {
        let mut file = EventFile::create(folder.path(), "touchstone").expect("a file");
        file.scalars(step, 1.0, &[("loss", 1.0)]).expect("written");
    }
    let files = files(folder.path());
    let steps = |path: &PathBuf| scalars(&events(path))[0].0;
    assert_eq!(files.iter().map(steps).collect::<Vec<_>>(), [3, 2]);
    // TensorBoard forgets what older files say of step 2 and later ones.
    let second = events(&files[1]);
    assert!(matches!(&second[1].what, Some(What::SessionLog(log)) if log.status == 1));
    assert_eq!(second[1].step, 2);
}

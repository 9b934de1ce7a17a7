//! Event files of TensorBoard, as far as a training run needs them: scalars over steps.
//!
//! A file is a row of records, each framed by its length and two checksums (the TFRecord format),
//! and each record is one `Event` message. A run that is resumed begins a new file in the same
//! folder; TensorBoard reads the files in the order of their names and puts them together.

use prost::{Message, Oneof};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// The version of the format that TensorBoard expects at the start of each file.
const FILE_VERSION: &str = "brain.Event:2";

/// `SessionLog.START`: what older files say of this step and later ones holds no more.
const SESSION_START: i32 = 1;

/// Something that happened in a run.
#[derive(Clone, PartialEq, Message)]
pub struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    pub wall_time: f64,
    /// The step of training.
    #[prost(int64, tag = "2")]
    pub step: i64,
    /// What it was.
    #[prost(oneof = "What", tags = "3, 5, 7")]
    pub what: Option<What>,
}

/// What an event tells.
#[derive(Clone, PartialEq, Oneof)]
pub enum What {
    /// The version of the format, in the first event of a file.
    #[prost(string, tag = "3")]
    FileVersion(String),
    /// Values of the step.
    #[prost(message, tag = "5")]
    Summary(Summary),
    /// That the program began, or began again, at the step.
    #[prost(message, tag = "7")]
    SessionLog(SessionLog),
}

/// Values of one step.
#[derive(Clone, PartialEq, Message)]
pub struct Summary {
    /// The values.
    #[prost(message, repeated, tag = "1")]
    pub value: Vec<Value>,
}

/// A number with its name.
#[derive(Clone, PartialEq, Message)]
pub struct Value {
    /// The name; what stands before a slash groups charts.
    #[prost(string, tag = "1")]
    pub tag: String,
    /// The number.
    #[prost(float, optional, tag = "2")]
    pub simple_value: Option<f32>,
}

/// The beginning of a program's work.
#[derive(Clone, PartialEq, Message)]
pub struct SessionLog {
    /// 1 for a start; nothing else is written here.
    #[prost(int32, tag = "1")]
    pub status: i32,
}

/// An event file that is being written.
pub struct EventFile {
    file: File,
    /// Whether the events that stand before all others were written. They carry the time and the
    /// step of the first values, so that this module needs no clock.
    begun: bool,
}

impl EventFile {
    /// Begins a new file in a folder, which is made where it is missing.
    ///
    /// Names are numbered, so that a later file comes later in their order.
    pub fn create(folder: &Path, name_suffix: &str) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut number = count_of_event_files(folder)? + 1;
        loop {
            let name = format!("events.out.tfevents.{number:010}.{name_suffix}");
            let mut options = OpenOptions::new();
            match options.write(true).create_new(true).open(folder.join(name)) {
                // Somebody took the number between the count and now, or a file was removed.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                other => return other.map(|file| EventFile { file, begun: false }),
            }
        }
    }

    /// Writes values of a step; they are in the file when this returns.
    ///
    /// `wall_time_seconds` counts from 1970.
    pub fn scalars(
        &mut self,
        step: u64,
        wall_time_seconds: f64,
        values: &[(&str, f64)],
    ) -> io::Result<()> {
        let event = |what| Event {
            wall_time: wall_time_seconds,
            step: step as i64,
            what: Some(what),
        };
        let mut bytes = Vec::new();
        if !self.begun {
            let version = What::FileVersion(FILE_VERSION.to_owned());
            let start = What::SessionLog(SessionLog {
                status: SESSION_START,
            });
            append_record(
                &mut bytes,
                &Event {
                    step: 0,
                    ..event(version)
                },
            );
            append_record(&mut bytes, &event(start));
        }
        append_record(&mut bytes, &event(What::Summary(summary(values))));
        // One call for all of it: a program that is killed leaves whole records, or a cut last one,
        // at which readers stop.
        self.file.write_all(&bytes)?;
        self.file.flush()?;
        self.begun = true;
        Ok(())
    }
}

/// How many event files a folder has.
fn count_of_event_files(folder: &Path) -> io::Result<usize> {
    let mut count = 0;
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        count += usize::from(name.to_string_lossy().contains("tfevents"));
    }
    Ok(count)
}

fn summary(values: &[(&str, f64)]) -> Summary {
    let value = |(name, number): &(&str, f64)| Value {
        tag: (*name).to_owned(),
        simple_value: Some(*number as f32),
    };
    Summary {
        value: values.iter().map(value).collect(),
    }
}

/// Length, checksum of the length, message, checksum of the message.
fn append_record(bytes: &mut Vec<u8>, event: &Event) {
    let message = event.encode_to_vec();
    let length = (message.len() as u64).to_le_bytes();
    bytes.extend(length);
    bytes.extend(masked_checksum(&length).to_le_bytes());
    bytes.extend(&message);
    bytes.extend(masked_checksum(&message).to_le_bytes());
}

/// CRC32C, rotated and shifted as the format asks: the checksum of bytes that contain their own
/// checksum would otherwise be a weak one.
fn masked_checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

//! Somebody whom the service speaks to of its own accord: takes requests down, and answers each as a
//! test wants.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver as Channel, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// `METHOD /path`.
    pub line: String,
    /// The head after that, in lower case.
    pub head: String,
    pub body: Vec<u8>,
}

/// What comes back to a request by its number, from 0: a status and further lines of the head. Status
/// 0 is none at all.
type Answer = dyn Fn(usize) -> (u16, String) + Send + Sync;

pub struct Receiver {
    address: SocketAddr,
    received: Channel<Received>,
}

impl Receiver {
    pub fn start(answer: impl Fn(usize) -> (u16, String) + Send + Sync + 'static) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, received) = channel();
        let count = Arc::new(Mutex::new(0));
        let answer: Arc<Answer> = Arc::new(answer);
        // It goes with the process.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (sender, count) = (sender.clone(), Arc::clone(&count));
                let answer = Arc::clone(&answer);
                thread::spawn(move || serve(stream, &sender, &count, &*answer));
            }
        });
        Receiver { address, received }
    }

    /// Takes everything.
    pub fn content() -> Receiver {
        Receiver::start(|_| (200, String::new()))
    }

    /// `HOST:PORT`.
    pub fn place(&self) -> String {
        self.address.to_string()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Waits for the next request.
    pub fn next(&self) -> Received {
        self.received.recv().expect("it goes on")
    }

    /// Those that came by now and were not looked at.
    pub fn rest(&self) -> Vec<Received> {
        self.received.try_iter().collect()
    }
}

fn serve(stream: TcpStream, sender: &Sender<Received>, count: &Mutex<usize>, answer: &Answer) {
    let mut stream = BufReader::new(stream);
    while let Some(received) = read(&mut stream) {
        let number = {
            let mut count = count.lock().expect("no panic");
            *count += 1;
            *count - 1
        };
        // A test that has seen enough has gone.
        let _ = sender.send(received);
        let (status, head) = answer(number);
        if status == 0 {
            return;
        }
        let text = format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\n{head}\r\n");
        if stream.get_mut().write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(stream: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut head = String::new();
    loop {
        let start = head.len();
        stream.read_line(&mut head).ok().filter(|read| *read > 0)?;
        if head[start..].trim_end().is_empty() {
            break;
        }
    }
    let head = head.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .map_or(0, |length| length.trim().parse().expect("a number"));
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    Some(Received { line, head, body })
}

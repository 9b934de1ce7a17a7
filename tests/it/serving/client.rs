//! As much of an HTTP client as the tests need: one request a connection.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// A connection on which a request was sent.
pub struct Connection {
    stream: BufReader<TcpStream>,
    head: Option<(u16, Vec<(String, String)>)>,
    body: Vec<u8>,
}

/// An answer, read to its end.
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let header = headers.iter().find(|(header, _)| header == name);
    header.map(|(_, value)| value.as_str())
}

impl Connection {
    pub fn open(address: SocketAddr) -> Connection {
        let stream = TcpStream::connect(address).expect("the server listens");
        Connection {
            stream: BufReader::new(stream),
            head: None,
            body: Vec::new(),
        }
    }

    /// Sends `METHOD /path` with further headers and a body.
    pub fn send(mut self, request: &str, headers: &str, body: &str) -> Connection {
        let length = body.len();
        let head = format!(
            "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
        );
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes()).expect("it is read");
        stream.write_all(body.as_bytes()).expect("it is read");
        self
    }

    fn text_line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    fn read_head(&mut self) {
        if self.head.is_some() {
            return;
        }
        let status = self.text_line();
        let status = status
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let mut headers = Vec::new();
        loop {
            let line = self.text_line();
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        self.head = Some((status.expect("a status"), headers));
    }

    /// Reads one chunk; false after the last.
    fn chunk(&mut self) -> bool {
        let length = self.text_line();
        let length = usize::from_str_radix(&length, 16).expect("the length of a chunk");
        let start = self.body.len();
        self.body.resize(start + length, 0);
        self.stream
            .read_exact(&mut self.body[start..])
            .expect("a whole chunk");
        self.text_line();
        length > 0
    }

    /// Waits for the first line of a streamed body; the answer has it too.
    pub fn line(&mut self) -> String {
        self.read_head();
        while !self.body.contains(&b'\n') {
            assert!(self.chunk(), "the body ended before its first line");
        }
        let line = self
            .body
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        String::from_utf8_lossy(line).into_owned()
    }

    /// Waits for the whole answer.
    pub fn answer(mut self) -> Answer {
        self.read_head();
        let (status, headers) = self.head.clone().expect("it was read");
        if find(&headers, "transfer-encoding") == Some("chunked") {
            while self.chunk() {}
        } else {
            self.stream.read_to_end(&mut self.body).expect("a body");
        }
        Answer {
            status,
            headers,
            body: self.body,
        }
    }
}

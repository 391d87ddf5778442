//! A minivault client over HTTP. One file, std only: copy it into your project (Rust 1.63 or later).
//!
//! ```text
//! let vault = MiniVault::new("http://localhost:8080", Some("optional-auth-key"));
//! vault.set("user:123", &Json::parse(r#"{"name":"alice","age":30}"#)?)?;
//! let user: Option<Json> = vault.get("user:123")?;
//! ```
//!
//! Threads may share one client: each call takes one connection of a bounded pool, or waits for one. The
//! authentication key goes with each request. std has no TLS: for https, put a proxy between.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

const KEY_BYTES_MAX: usize = 65_535;
const VALUE_BYTES_MAX: usize = 100 * 1024 * 1024;
const HEADER_BYTES_MAX: u64 = 64 * 1024;
const JSON_TYPE: &str = "application/json";
const BYTES_TYPE: &str = "application/octet-stream";

/// Why a call failed. With the first four, nothing was sent. After the last three there is no answer, or none
/// that can be read: a write may or may not have been done.
#[derive(Debug)]
pub enum Error {
    /// A key has 1 to 65,535 bytes.
    KeyLength,
    /// A value has at most 100 MiB.
    ValueTooLarge,
    /// Too many calls wait for a connection.
    PoolFull,
    /// The text, of a value read or given, is not JSON.
    NotJson,
    /// The node's own words: an HTTP status, a code (UNAUTHORIZED, RATE_LIMITED, DISK_FULL …), a message.
    Refused {
        status: u16,
        code: String,
        message: String,
    },
    Timeout,
    Connection(io::Error),
    /// The answer is no HTTP.
    Protocol,
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "minivault: {:?}", self)
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Error::Timeout,
            io::ErrorKind::InvalidData => Error::Protocol,
            _ => Error::Connection(error),
        }
    }
}

/// The bounds of a client.
#[derive(Clone, Debug)]
pub struct Options {
    /// At most; 8.
    pub connections: usize,
    /// Calls that may wait for a connection; more fail with `PoolFull`; 1,024.
    pub waiting: usize,
    /// For a connection to be made; 5 s.
    pub connect_timeout: Duration,
    /// For a whole call: waiting, connecting, sending, receiving; 30 s.
    pub timeout: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            connections: 8,
            waiting: 1024,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
        }
    }
}

/// A pool of connections to one node. It ends when it is dropped.
pub struct MiniVault {
    host: String,
    prefix: String,
    key: Option<String>,
    options: Options,
    pool: Mutex<Pool>,
    returned: Condvar,
}

#[derive(Default)]
struct Pool {
    idle: Vec<TcpStream>,
    busy: usize,
    waiting: usize,
}

impl MiniVault {
    /// A client of the node at `url`, such as `http://localhost:8080`; a path in it goes before each key.
    pub fn new(url: &str, key: Option<&str>) -> MiniVault {
        MiniVault::with_options(url, key, Options::default())
    }

    pub fn with_options(url: &str, key: Option<&str>, options: Options) -> MiniVault {
        let address = url
            .strip_prefix("http://")
            .unwrap_or(url)
            .trim_end_matches('/');
        let (host, prefix) = address.split_at(address.find('/').unwrap_or(address.len()));
        MiniVault {
            host: host.to_string(),
            prefix: prefix.to_string(),
            key: key.map(str::to_string),
            options,
            pool: Mutex::default(),
            returned: Condvar::new(),
        }
    }

    /// Stores a value under a key of 1 to 65,535 bytes of any kind.
    pub fn set(&self, key: impl AsRef<[u8]>, value: &Json) -> Result<(), Error> {
        self.set_json_text(key, &value.to_string())
    }

    /// The value, `None` where there is none. What was stored as bytes comes as the JSON it is, else as a
    /// string if it is UTF-8, else as a string in base64.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Json>, Error> {
        match self.read(key.as_ref(), JSON_TYPE)? {
            Some(body) => Ok(Json::from_bytes(&body)?.get("data").cloned()),
            None => Ok(None),
        }
    }

    /// Also succeeds where nothing was there.
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result<(), Error> {
        self.call("DELETE", &path(key.as_ref())?, "Accept", JSON_TYPE, &[])
            .map(drop)
    }

    /// Stores a JSON text as it is.
    pub fn set_json_text(&self, key: impl AsRef<[u8]>, text: &str) -> Result<(), Error> {
        let body = format!("{{\"value\":{}}}", text);
        self.write(key.as_ref(), JSON_TYPE, body.as_bytes(), text.len())
    }

    pub fn get_json_text(&self, key: impl AsRef<[u8]>) -> Result<Option<String>, Error> {
        let value = self.get_bytes(key)?;
        value
            .map(|bytes| String::from_utf8(bytes).map_err(|_| Error::NotJson))
            .transpose()
    }

    /// Stores up to 100 MiB as they are.
    pub fn set_bytes(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Error> {
        let value = value.as_ref();
        self.write(key.as_ref(), BYTES_TYPE, value, value.len())
    }

    /// The value as bytes; of what was set as JSON, its text. `None` where there is none.
    pub fn get_bytes(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        self.read(key.as_ref(), BYTES_TYPE)
    }

    /// What the node says about itself: status, uptime_seconds, cache_items, cache_size_mb, storage_size_mb,
    /// memory_mb (MiB) and more. Needs no authentication key.
    pub fn health(&self) -> Result<Json, Error> {
        Json::from_bytes(&self.call("GET", "/health", "Accept", JSON_TYPE, &[])?)
    }

    fn read(&self, key: &[u8], kind: &str) -> Result<Option<Vec<u8>>, Error> {
        match self.call("GET", &path(key)?, "Accept", kind, &[]) {
            Err(Error::Refused { status: 404, .. }) => Ok(None),
            result => result.map(Some),
        }
    }

    fn write(&self, key: &[u8], kind: &str, body: &[u8], value_bytes: usize) -> Result<(), Error> {
        if value_bytes > VALUE_BYTES_MAX {
            return Err(Error::ValueTooLarge);
        }
        self.call("PUT", &path(key)?, "Content-Type", kind, body)
            .map(drop)
    }

    /// The body of a good answer; anything else is an error. `header` and `kind` are one header more.
    fn call(
        &self,
        method: &str,
        path: &str,
        header: &str,
        kind: &str,
        body: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let authorization = self
            .key
            .as_ref()
            .map(|key| format!("Authorization: Bearer {}\r\n", key));
        let head = format!(
            "{} {}{} HTTP/1.1\r\nHost: {}\r\n{}: {}\r\nContent-Length: {}\r\n{}\r\n",
            method,
            self.prefix,
            path,
            self.host,
            header,
            kind,
            body.len(),
            authorization.unwrap_or_default()
        );
        let deadline = Instant::now() + self.options.timeout;
        let resting = self.take_turn(deadline)?;
        let result = self.call_on(resting, head.as_bytes(), body, method == "GET", deadline);
        let mut pool = self.lock();
        pool.busy -= 1;
        self.returned.notify_one();
        let (connection, answer) = result?;
        pool.idle.extend(connection);
        drop(pool);
        answer.into_result()
    }

    fn call_on(
        &self,
        resting: Option<TcpStream>,
        head: &[u8],
        body: &[u8],
        changes_nothing: bool,
        deadline: Instant,
    ) -> Result<(Option<TcpStream>, Answer), Error> {
        if let Some(connection) = resting.filter(is_alive) {
            match exchange(connection, head, body, deadline) {
                // It died at this moment, most likely with all others. Only what changes nothing is sent
                // again: a repeated write could undo what somebody else wrote in between.
                Err(Error::Connection(_)) if changes_nothing => self.lock().idle.clear(),
                result => return result,
            }
        }
        exchange(self.connect(deadline)?, head, body, deadline)
    }

    /// Waits until fewer than all connections are busy; gives one that rests, if there is one.
    fn take_turn(&self, deadline: Instant) -> Result<Option<TcpStream>, Error> {
        let mut pool = self.lock();
        if pool.busy >= self.options.connections && pool.waiting >= self.options.waiting {
            return Err(Error::PoolFull);
        }
        pool.waiting += 1;
        let mut left = deadline.saturating_duration_since(Instant::now());
        while pool.busy >= self.options.connections && !left.is_zero() {
            pool = self
                .returned
                .wait_timeout(pool, left)
                .unwrap_or_else(|held| held.into_inner())
                .0;
            left = deadline.saturating_duration_since(Instant::now());
        }
        pool.waiting -= 1;
        if pool.busy >= self.options.connections {
            return Err(Error::Timeout);
        }
        pool.busy += 1;
        Ok(pool.idle.pop())
    }

    fn lock(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(|held| held.into_inner())
    }

    fn connect(&self, deadline: Instant) -> Result<TcpStream, Error> {
        let deadline = deadline.min(Instant::now() + self.options.connect_timeout);
        let has_port = self
            .host
            .rsplit(':')
            .next()
            .map_or(false, |port| port.parse::<u16>().is_ok());
        let address = if has_port {
            self.host.clone()
        } else {
            format!("{}:80", self.host)
        };
        let mut result = Err(Error::Connection(io::ErrorKind::AddrNotAvailable.into()));
        for address in address.to_socket_addrs()? {
            result = TcpStream::connect_timeout(&address, left(deadline)?).map_err(Error::from);
            if result.is_ok() {
                break;
            }
        }
        let connection = result?;
        connection.set_nodelay(true)?;
        Ok(connection)
    }
}

struct Answer {
    status: u16,
    body: Vec<u8>,
}

impl Answer {
    fn into_result(self) -> Result<Vec<u8>, Error> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        let refusal = Json::from_bytes(&self.body).unwrap_or(Json::Null);
        let member = |name| match refusal.get(name) {
            Some(Json::String(text)) => text.clone(),
            _ => format!("status {}", self.status),
        };
        Err(Error::Refused {
            status: self.status,
            code: member("code"),
            message: member("error"),
        })
    }
}

/// Reads and writes until a deadline.
struct Timed<'a> {
    connection: &'a TcpStream,
    deadline: Instant,
}

impl Read for Timed<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.connection
            .set_read_timeout(Some(left(self.deadline)?))?;
        self.connection.read(into)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.connection
            .set_write_timeout(Some(left(self.deadline)?))?;
        self.connection.write(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sends a request and receives its answer. Gives the connection back if more can be sent on it.
fn exchange(
    connection: TcpStream,
    head: &[u8],
    body: &[u8],
    deadline: Instant,
) -> Result<(Option<TcpStream>, Answer), Error> {
    let mut wire = Timed {
        connection: &connection,
        deadline,
    };
    let sent = wire
        .write_all(head)
        .and_then(|()| wire.write_all(body))
        .is_ok();
    left(deadline)?; // without time; else an answer may be there though not all was sent: a refusal
    let mut reader = BufReader::new(wire);
    let mut header = read_header(&mut reader)?;
    while header.status / 100 == 1 {
        header = read_header(&mut reader)?;
    }
    let mut body = Vec::new();
    match header.length {
        _ if header.chunked => read_chunks(&mut reader, &mut body)?,
        Some(length) => take_exactly(&mut reader, length, &mut body)?,
        None => drop(reader.read_to_end(&mut body)?),
    }
    let keep = sent && !header.close && (header.chunked || header.length.is_some());
    let answer = Answer {
        status: header.status,
        body,
    };
    Ok((if keep { Some(connection) } else { None }, answer))
}

#[derive(Default)]
struct Header {
    status: u16,
    length: Option<u64>,
    chunked: bool,
    close: bool,
}

fn read_header(reader: &mut impl BufRead) -> Result<Header, Error> {
    let mut lines = reader.take(HEADER_BYTES_MAX);
    let status_line = read_line(&mut lines)?;
    let status = status_line
        .split(' ')
        .nth(1)
        .and_then(|text| text.parse().ok());
    let mut header = Header {
        status: status.ok_or(Error::Protocol)?,
        ..Header::default()
    };
    loop {
        let line = read_line(&mut lines)?.to_ascii_lowercase();
        match line
            .split_once(':')
            .map(|(name, value)| (name, value.trim()))
        {
            None => return Ok(header),
            Some(("content-length", value)) => {
                header.length = Some(value.parse().map_err(|_| Error::Protocol)?)
            }
            Some(("transfer-encoding", _)) => header.chunked = true,
            Some(("connection", value)) => header.close = value == "close",
            Some(_) => {}
        }
    }
}

fn read_line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    if line.ends_with('\n') {
        Ok(line.trim_end().to_string())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

fn read_chunks(reader: &mut impl BufRead, body: &mut Vec<u8>) -> Result<(), Error> {
    loop {
        let line = read_line(&mut reader.take(HEADER_BYTES_MAX))?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let length = u64::from_str_radix(size, 16).map_err(|_| Error::Protocol)?;
        take_exactly(reader, length, body)?;
        while !read_line(&mut reader.take(HEADER_BYTES_MAX))?.is_empty() {} // the chunk's end, or trailers
        if length == 0 {
            return Ok(());
        }
    }
}

/// Grows with what arrives, not by what is announced.
fn take_exactly(reader: &mut impl Read, length: u64, body: &mut Vec<u8>) -> io::Result<()> {
    let taken = reader.take(length).read_to_end(body)?;
    if taken as u64 == length {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// Every byte that is not a letter, a digit or one of `-_.~` is percent-encoded, so any key fits a path.
fn path(key: &[u8]) -> Result<String, Error> {
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Err(Error::KeyLength);
    }
    if key == b"health" {
        return Ok("/%68ealth".to_string()); // /health is the node's own
    }
    let mut path = String::from("/");
    for &byte in key {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                path.push(byte as char)
            }
            _ => path.push_str(&format!("%{:02X}", byte)),
        }
    }
    Ok(path)
}

/// A resting connection has nothing to read, unless it has ended.
fn is_alive(connection: &TcpStream) -> bool {
    let looked = connection
        .set_nonblocking(true)
        .and_then(|()| connection.peek(&mut [0]));
    let waits = matches!(looked, Err(error) if error.kind() == io::ErrorKind::WouldBlock);
    waits && connection.set_nonblocking(false).is_ok()
}

/// The time there is still; none is an error.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        Err(io::ErrorKind::TimedOut.into())
    } else {
        Ok(left)
    }
}

/// A JSON value. A number is the text it is, so that none loses a digit. `to_string` gives its JSON text.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(String),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    pub fn parse(text: &str) -> Result<Json, Error> {
        let mut rest = text;
        let value = parse_value(&mut rest, 0)?;
        if skip_space(&mut rest).is_empty() {
            Ok(value)
        } else {
            Err(Error::NotJson)
        }
    }

    fn from_bytes(text: &[u8]) -> Result<Json, Error> {
        std::str::from_utf8(text)
            .map_err(|_| Error::NotJson)
            .and_then(Json::parse)
    }

    /// A member of an object.
    pub fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Json::Object(members) => members
                .iter()
                .rev()
                .find(|member| member.0 == name)
                .map(|member| &member.1),
            _ => None,
        }
    }
}

impl fmt::Display for Json {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Json::Null => out.write_str("null"),
            Json::Bool(value) => write!(out, "{}", value),
            Json::Number(text) => out.write_str(text),
            Json::String(text) => write_string(out, text),
            Json::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    write!(out, "{}{}", if index == 0 { '[' } else { ',' }, item)?;
                }
                out.write_str(if items.is_empty() { "[]" } else { "]" })
            }
            Json::Object(members) => {
                for (index, (name, value)) in members.iter().enumerate() {
                    out.write_str(if index == 0 { "{" } else { "," })?;
                    write_string(out, name)?;
                    write!(out, ":{}", value)?;
                }
                out.write_str(if members.is_empty() { "{}" } else { "}" })
            }
        }
    }
}

fn write_string(out: &mut fmt::Formatter, text: &str) -> fmt::Result {
    out.write_str("\"")?;
    for character in text.chars() {
        match character {
            '"' | '\\' => write!(out, "\\{}", character)?,
            '\0'..='\x1f' => write!(out, "\\u{:04x}", character as u32)?,
            _ => write!(out, "{}", character)?,
        }
    }
    out.write_str("\"")
}

const JSON_DEPTH_MAX: usize = 128;

fn skip_space<'a>(rest: &mut &'a str) -> &'a str {
    *rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
    rest
}

fn take(rest: &mut &str, word: &str) -> bool {
    let found = skip_space(rest).strip_prefix(word);
    *rest = found.unwrap_or(rest);
    found.is_some()
}

fn need(rest: &mut &str, word: &str) -> Result<(), Error> {
    if take(rest, word) {
        Ok(())
    } else {
        Err(Error::NotJson)
    }
}

fn parse_value(rest: &mut &str, depth: usize) -> Result<Json, Error> {
    if depth > JSON_DEPTH_MAX {
        return Err(Error::NotJson);
    }
    for (word, value) in [
        ("null", Json::Null),
        ("true", Json::Bool(true)),
        ("false", Json::Bool(false)),
    ] {
        if take(rest, word) {
            return Ok(value);
        }
    }
    if take(rest, "\"") {
        return parse_string(rest).map(Json::String);
    }
    if take(rest, "[") {
        let mut items = Vec::new();
        while !take(rest, "]") {
            if !items.is_empty() {
                need(rest, ",")?;
            }
            items.push(parse_value(rest, depth + 1)?);
        }
        return Ok(Json::Array(items));
    }
    if take(rest, "{") {
        let mut members = Vec::new();
        while !take(rest, "}") {
            if !members.is_empty() {
                need(rest, ",")?;
            }
            need(rest, "\"")?;
            let name = parse_string(rest)?;
            need(rest, ":")?;
            members.push((name, parse_value(rest, depth + 1)?));
        }
        return Ok(Json::Object(members));
    }
    let is_part = |character: char| character.is_ascii_digit() || "+-.eE".contains(character);
    let end = rest
        .find(|character| !is_part(character))
        .unwrap_or(rest.len());
    let (number, after) = rest.split_at(end);
    number.parse::<f64>().map_err(|_| Error::NotJson)?;
    *rest = after;
    Ok(Json::Number(number.to_string()))
}

/// What follows the opening quote, up to and with the closing one.
fn parse_string(rest: &mut &str) -> Result<String, Error> {
    let mut text = String::new();
    loop {
        let end = rest.find(['"', '\\']).ok_or(Error::NotJson)?;
        text.push_str(&rest[..end]);
        let closed = rest[end..].starts_with('"');
        *rest = &rest[end + 1..];
        if closed {
            return Ok(text);
        }
        let escape = rest.chars().next().ok_or(Error::NotJson)?;
        *rest = &rest[escape.len_utf8()..];
        text.push(match escape {
            '"' | '\\' | '/' => escape,
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let mut code = parse_hex(rest)?;
                if (0xd800..0xdc00).contains(&code) && rest.starts_with("\\u") {
                    *rest = &rest[2..];
                    code = 0x10000
                        + ((code - 0xd800) << 10)
                        + (parse_hex(rest)?.wrapping_sub(0xdc00) & 0x3ff);
                }
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return Err(Error::NotJson),
        });
    }
}

fn parse_hex(rest: &mut &str) -> Result<u32, Error> {
    let digits = rest.get(..4).ok_or(Error::NotJson)?;
    *rest = &rest[4..];
    u32::from_str_radix(digits, 16).map_err(|_| Error::NotJson)
}

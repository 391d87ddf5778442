//! A minivault client over the binary protocol. One file, std only: copy it into your project (Rust 1.63 or
//! later).
//!
//! ```text
//! let vault = MiniVaultBinary::new("localhost:3000", Some("optional-auth-key"));
//! vault.set("user:123", b"any bytes")?;
//! let value: Option<Vec<u8>> = vault.get("user:123")?;
//! ```
//!
//! Threads may share one client: each call takes one connection of a bounded pool, or waits for one. A new
//! connection authenticates itself first.
//!
//! The protocol has one error reply and no reason in it. So `None` from `get` means absent, or that the node
//! refused to read: no key where it asks for one, rate limit. Where the difference matters, use HTTP.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

const GET: u8 = 0x01;
const SET: u8 = 0x02;
const DELETE: u8 = 0x03;
const HEALTH: u8 = 0x05;
const AUTH: u8 = 0x06;
const KEY_BYTES_MAX: usize = 65_535;
const VALUE_BYTES_MAX: usize = 100 * 1024 * 1024;

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
    /// The node does not know the authentication key.
    Unauthorized,
    /// The node refused without a reason: no key where it needs one, rate limit, full disk.
    Refused,
    Timeout,
    Connection(io::Error),
    /// The answer is none of this protocol.
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
        let (connect_timeout, timeout) = (Duration::from_secs(5), Duration::from_secs(30));
        Options {
            connections: 8,
            waiting: 1024,
            connect_timeout,
            timeout,
        }
    }
}

/// A pool of connections to one node. It ends when it is dropped.
pub struct MiniVaultBinary {
    address: String,
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

impl MiniVaultBinary {
    /// A client of the node at `address` (`host:port`).
    pub fn new(address: &str, key: Option<&str>) -> MiniVaultBinary {
        MiniVaultBinary::with_options(address, key, Options::default())
    }

    pub fn with_options(address: &str, key: Option<&str>, options: Options) -> MiniVaultBinary {
        let (address, key) = (address.to_string(), key.map(str::to_string));
        MiniVaultBinary {
            address,
            key,
            options,
            pool: Mutex::default(),
            returned: Condvar::new(),
        }
    }

    /// Stores up to 100 MiB under a key of 1 to 65,535 bytes of any kind.
    pub fn set(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Error> {
        let value = value.as_ref();
        if value.len() > VALUE_BYTES_MAX {
            return Err(Error::ValueTooLarge);
        }
        let mut head = request(SET, key.as_ref())?;
        head.extend_from_slice(&(value.len() as u32).to_le_bytes());
        head.push(0); // not compressed
        self.call(&head, value, false)?
            .map(drop)
            .ok_or(Error::Refused)
    }

    /// The value, or `None`: see the top of this file for what that means.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        self.call(&request(GET, key.as_ref())?, &[], true)
    }

    /// Also succeeds where nothing was there.
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result<(), Error> {
        self.call(&request(DELETE, key.as_ref())?, &[], false)?
            .map(drop)
            .ok_or(Error::Refused)
    }

    /// Stores the text of a value.
    pub fn set_json(&self, key: impl AsRef<[u8]>, value: &Json) -> Result<(), Error> {
        self.set(key, value.to_string())
    }

    /// The value read as JSON, `None` as in `get`.
    pub fn get_json(&self, key: impl AsRef<[u8]>) -> Result<Option<Json>, Error> {
        self.get(key)?
            .map(|value| Json::from_bytes(&value))
            .transpose()
    }

    /// What the node says about itself: status, uptime_seconds, cache_items, cache_size_mb, storage_size_mb,
    /// memory_mb (MiB) and more. Needs no authentication key, unless a wrong one was given.
    pub fn health(&self) -> Result<Json, Error> {
        let text = self
            .call(&request(HEALTH, b"health")?, &[], true)?
            .ok_or(Error::Refused)?;
        Json::from_bytes(&text)
    }

    /// The reply's data; `None` where the node refused.
    fn call(
        &self,
        head: &[u8],
        value: &[u8],
        changes_nothing: bool,
    ) -> Result<Option<Vec<u8>>, Error> {
        let deadline = Instant::now() + self.options.timeout;
        let resting = self.take_turn(deadline)?;
        let result = self.call_on(resting, head, value, changes_nothing, deadline);
        let mut pool = self.lock();
        pool.busy -= 1;
        self.returned.notify_one();
        let (connection, reply) = result?;
        pool.idle.push(connection);
        Ok(reply)
    }

    fn call_on(
        &self,
        resting: Option<TcpStream>,
        head: &[u8],
        value: &[u8],
        changes_nothing: bool,
        deadline: Instant,
    ) -> Result<(TcpStream, Option<Vec<u8>>), Error> {
        if let Some(connection) = resting.filter(is_alive) {
            match exchange(connection, head, value, deadline) {
                // It died at this moment, most likely with all others. Only what changes nothing is sent
                // again: a repeated write could undo what somebody else wrote in between.
                Err(Error::Connection(_)) if changes_nothing => self.lock().idle.clear(),
                result => return result,
            }
        }
        exchange(self.connect(deadline)?, head, value, deadline)
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
        let mut result = Err(Error::Connection(io::ErrorKind::AddrNotAvailable.into()));
        for address in self.address.to_socket_addrs()? {
            result = TcpStream::connect_timeout(&address, left(deadline)?).map_err(Error::from);
            if result.is_ok() {
                break;
            }
        }
        let connection = result?;
        connection.set_nodelay(true)?;
        match &self.key {
            None => Ok(connection),
            Some(key) => {
                match exchange(connection, &request(AUTH, key.as_bytes())?, &[], deadline)? {
                    (connection, Some(_)) => Ok(connection),
                    (_, None) => Err(Error::Unauthorized),
                }
            }
        }
    }
}

/// Opcode u8, key length u16, key. SET has the value behind it.
fn request(opcode: u8, key: &[u8]) -> Result<Vec<u8>, Error> {
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Err(Error::KeyLength);
    }
    let length = (key.len() as u16).to_le_bytes();
    Ok([&[opcode, length[0], length[1]], key].concat())
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

/// Sends a request and receives its reply: status u8, length u32, data. Gives the connection back.
fn exchange(
    connection: TcpStream,
    head: &[u8],
    value: &[u8],
    deadline: Instant,
) -> Result<(TcpStream, Option<Vec<u8>>), Error> {
    let mut wire = Timed {
        connection: &connection,
        deadline,
    };
    wire.write_all(head)?;
    wire.write_all(value)?;
    let mut header = [0; 5];
    wire.read_exact(&mut header)?;
    let length = u32::from_le_bytes([header[1], header[2], header[3], header[4]]) as usize;
    if length > VALUE_BYTES_MAX {
        return Err(Error::Protocol);
    }
    let mut data = Vec::new(); // grows with what arrives, not by what is announced
    if wire.take(length as u64).read_to_end(&mut data)? < length {
        return Err(Error::Connection(io::ErrorKind::UnexpectedEof.into()));
    }
    let reply = if header[0] == 0 { Some(data) } else { None };
    Ok((connection, reply))
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

//! Drives the Rust clients for the conformance list: a command a line on stdin, its result a line on stdout.
//! See src/driver.ts for the commands.

#[allow(dead_code)]
mod binary;
#[allow(dead_code)]
mod http;

use binary::{Json, MiniVaultBinary};
use http::MiniVault;
use std::io::BufRead;
use std::thread;
use std::time::Duration;

/// A result's member, or that nothing was there.
type Found = Result<Option<Json>, String>;

enum Door {
    Binary(MiniVaultBinary),
    Http(MiniVault),
}

fn code_of_binary(error: binary::Error) -> String {
    code(&format!("{:?}", error))
}

fn code_of_http(error: http::Error) -> String {
    match error {
        http::Error::Refused { code, .. } => code,
        other => code(&format!("{:?}", other)),
    }
}

/// `KeyLength` is KEY_LENGTH; what stands in brackets is left out.
fn code(variant: &str) -> String {
    let mut code = String::new();
    for character in variant.chars().take_while(char::is_ascii_alphanumeric) {
        if character.is_ascii_uppercase() && !code.is_empty() {
            code.push('_');
        }
        code.push(character.to_ascii_uppercase());
    }
    code
}

/// Each file has a value type of its own.
fn to_http(json: &Json) -> http::Json {
    http::Json::parse(&json.to_string()).unwrap()
}

fn utf8(bytes: Vec<u8>) -> Json {
    Json::String(String::from_utf8(bytes).unwrap())
}

impl Door {
    fn open(command: &Json) -> Door {
        let options = (number(command, "connections"), number(command, "waiting"));
        let timeout = Duration::from_millis(number(command, "timeoutMs") as u64);
        let (connections, waiting) = options;
        let address = text(command, "address");
        let key = Some(text(command, "authKey")).filter(|key| !key.is_empty());
        if text(command, "door") == "binary" {
            let options = binary::Options { connections, waiting, timeout, ..Default::default() };
            Door::Binary(MiniVaultBinary::with_options(&address, key.as_deref(), options))
        } else {
            let options = http::Options { connections, waiting, timeout, ..Default::default() };
            Door::Http(MiniVault::with_options(&format!("http://{}", address), key.as_deref(), options))
        }
    }

    fn set(&self, key: &[u8], value: &str) -> Result<(), String> {
        match self {
            Door::Binary(vault) => vault.set(key, value).map_err(code_of_binary),
            Door::Http(vault) => vault.set(key, &http::Json::String(value.to_string())).map_err(code_of_http),
        }
    }

    fn get(&self, key: &[u8]) -> Found {
        match self {
            Door::Binary(vault) => Ok(vault.get(key).map_err(code_of_binary)?.map(utf8)),
            Door::Http(_) => self.get_json(key),
        }
    }

    fn set_json(&self, key: &[u8], value: &Json) -> Result<(), String> {
        match self {
            Door::Binary(vault) => vault.set_json(key, value).map_err(code_of_binary),
            Door::Http(vault) => vault.set(key, &to_http(value)).map_err(code_of_http),
        }
    }

    fn get_json(&self, key: &[u8]) -> Found {
        match self {
            Door::Binary(vault) => vault.get_json(key).map_err(code_of_binary),
            Door::Http(vault) => {
                let value = vault.get(key).map_err(code_of_http)?;
                Ok(value.map(|json| Json::parse(&json.to_string()).unwrap()))
            }
        }
    }

    fn set_text(&self, key: &[u8], value: &str) -> Result<(), String> {
        match self {
            Door::Binary(vault) => vault.set(key, value).map_err(code_of_binary),
            Door::Http(vault) => vault.set_json_text(key, value).map_err(code_of_http),
        }
    }

    fn get_text(&self, key: &[u8]) -> Found {
        match self {
            Door::Binary(_) => self.get(key),
            Door::Http(vault) => Ok(vault.get_json_text(key).map_err(code_of_http)?.map(Json::String)),
        }
    }

    fn set_bytes(&self, key: &[u8], value: &[u8]) -> Result<(), String> {
        match self {
            Door::Binary(vault) => vault.set(key, value).map_err(code_of_binary),
            Door::Http(vault) => vault.set_bytes(key, value).map_err(code_of_http),
        }
    }

    fn get_bytes(&self, key: &[u8]) -> Found {
        let value = match self {
            Door::Binary(vault) => vault.get(key).map_err(code_of_binary)?,
            Door::Http(vault) => vault.get_bytes(key).map_err(code_of_http)?,
        };
        let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{:02x}", byte)).collect();
        Ok(value.map(|bytes| Json::String(hex(bytes))))
    }

    fn delete(&self, key: &[u8]) -> Result<(), String> {
        match self {
            Door::Binary(vault) => vault.delete(key).map_err(code_of_binary),
            Door::Http(vault) => vault.delete(key).map_err(code_of_http),
        }
    }

    fn health(&self) -> Found {
        let text = match self {
            Door::Binary(vault) => vault.health().map_err(code_of_binary)?.to_string(),
            Door::Http(vault) => vault.health().map_err(code_of_http)?.to_string(),
        };
        Ok(Some(Json::parse(&text).unwrap()))
    }
}

fn text(command: &Json, name: &str) -> String {
    match command.get(name) {
        Some(Json::String(text)) => text.clone(),
        _ => String::new(),
    }
}

fn number(command: &Json, name: &str) -> usize {
    match command.get(name) {
        Some(Json::Number(text)) => text.parse().unwrap(),
        _ => 0,
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digits).collect()
}

fn run(vault: &Door, command: &Json) -> Result<Json, String> {
    let key = unhex(&text(command, "key"));
    let done = |()| Json::Object(vec![]);
    match text(command, "do").as_str() {
        "set" => vault.set(&key, &text(command, "text")).map(done),
        "get" => found("text", vault.get(&key)),
        "setJson" => vault.set_json(&key, command.get("json").unwrap()).map(done),
        "getJson" => found("json", vault.get_json(&key)),
        "setText" => vault.set_text(&key, &text(command, "text")).map(done),
        "getText" => found("text", vault.get_text(&key)),
        "setBytes" => vault.set_bytes(&key, &unhex(&text(command, "hex"))).map(done),
        "getBytes" => found("hex", vault.get_bytes(&key)),
        "fill" => vault.set(&key, &"x".repeat(number(command, "size"))).map(done),
        "length" => found("size", vault.get(&key).map(|value| value.map(length))),
        "delete" => vault.delete(&key).map(done),
        "health" => found("json", vault.health()),
        "together" => Ok(member("good", together(vault, number(command, "callers")))),
        "crowd" => Ok(member("codes", crowd(vault, number(command, "callers")))),
        other => Err(format!("no such command: {}", other)),
    }
}

fn member(name: &str, value: Json) -> Json {
    Json::Object(vec![(name.to_string(), value)])
}

fn found(name: &str, value: Found) -> Result<Json, String> {
    Ok(value?.map_or(member("missing", Json::Bool(true)), |value| member(name, value)))
}

fn length(value: Json) -> Json {
    match value {
        Json::String(text) => Json::Number(text.len().to_string()),
        other => other,
    }
}

/// How many callers, all at once, read back what they have set.
fn together(vault: &Door, callers: usize) -> Json {
    let call = |caller: usize| {
        let (key, value) = (format!("caller-{}", caller), format!("value-{}", caller));
        let set = vault.set(key.as_bytes(), &value);
        set.is_ok() && vault.get(key.as_bytes()) == Ok(Some(Json::String(value)))
    };
    let good = at_once(callers, call).into_iter().filter(|good| *good).count();
    Json::Number(good.to_string())
}

/// What becomes of so many calls at once.
fn crowd(vault: &Door, callers: usize) -> Json {
    let call = |_| vault.get(b"crowd").map_or_else(|code| code, |_| "OK".to_string());
    let mut codes = at_once(callers, call);
    codes.sort();
    Json::Array(codes.into_iter().map(Json::String).collect())
}

fn at_once<T: Send>(callers: usize, call: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let call = &call;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..callers).map(|caller| scope.spawn(move || call(caller))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn main() {
    let mut vault = None;
    for line in std::io::stdin().lock().lines() {
        let command = Json::parse(&line.unwrap()).unwrap();
        let result = match text(&command, "do").as_str() {
            "open" => {
                vault = Some(Door::open(&command));
                Json::Object(vec![])
            }
            "close" => {
                vault = None;
                Json::Object(vec![])
            }
            _ => match &vault {
                Some(door) => run(door, &command).unwrap_or_else(|code| member("error", Json::String(code))),
                None => member("error", Json::String("CLOSED".to_string())),
            },
        };
        println!("{}", result);
    }
}

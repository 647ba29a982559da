//! What JavaScript gave, as typed values. `lib/encode.js` has refused what JSON cannot hold; serde refuses the rest.

use bytes::Bytes;
use email_base::{Code, Failure, blob};
use napi::bindgen_prelude::Uint8Array;
use serde::de::DeserializeOwned;

use crate::strict::Strict;

/// Bytes up to this size are copied before the call returns, so that the caller may reuse the array at once. Larger ones
/// are shared (a copy would stall the event loop): the caller leaves them alone until the call settles.
const MAX_COPIED_BYTES: usize = 64 * 1024;

/// Arguments on their way to a Rust thread, where [`Args::parse`] reads them.
pub struct Args {
    json: String,
    blobs: Vec<Bytes>,
}

impl Args {
    /// Without bytes.
    pub fn new(json: String) -> Self {
        Self { json, blobs: Vec::new() }
    }

    /// With the byte arrays that the JSON refers to by index.
    pub fn with_blobs(json: String, blobs: Vec<Uint8Array>) -> Self {
        Self { json, blobs: blobs.into_iter().map(bytes_of).collect() }
    }

    /// A typed value, or `INVALID_ARGUMENT` with the path of what does not fit.
    pub fn parse<T: DeserializeOwned>(self) -> Result<T, Failure> {
        self.read()
    }

    /// One of several typed views on the same object: each takes the fields it knows, and keeps the paths of the others
    /// (a flattened struct would lose them).
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        blob::provide(self.blobs.clone(), || {
            let mut deserializer = serde_json::Deserializer::from_str(&self.json);
            serde_path_to_error::deserialize(Strict(&mut deserializer))
        })
        .map_err(|error| {
            let path = error.path().to_string();
            Failure::new(Code::InvalidArgument, None, describe(&path, &error.into_inner().to_string()))
        })
    }
}

/// What serde says with the value in it.
const QUOTING: [&str; 3] = ["invalid value", "invalid length", "unknown variant"];

/// Values never stand in the message: they may be secrets. serde quotes them for wrong strings and numbers.
fn describe(path: &str, problem: &str) -> String {
    let problem = problem.split(" at line ").next().unwrap_or(problem);
    let problem = match (problem, problem.split_once(", expected ")) {
        (said, Some((_, expected))) if said.starts_with("invalid type") => {
            format!("wrong type, expected {}", in_javascript(expected))
        }
        (said, Some((_, expected))) if QUOTING.iter().any(|kind| said.starts_with(kind)) => {
            format!("unusable value, expected {}", in_javascript(expected))
        }
        _ => problem.to_owned(),
    };
    if path == "." { problem } else { format!("{path}: {problem}") }
}

/// What serde and Rust have other names for.
fn in_javascript(expected: &str) -> &str {
    match expected {
        "a map" => "an object",
        "a sequence" => "an array",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number, 0 or above",
        "i64" => "a whole number",
        "f64" => "a number",
        _ if expected.starts_with("struct ") => "an object",
        _ if expected.starts_with("a tuple ") => "an array",
        _ => expected,
    }
}

fn bytes_of(array: Uint8Array) -> Bytes {
    if array.len() <= MAX_COPIED_BYTES { Bytes::copy_from_slice(&array) } else { Bytes::from_owner(Shared(array)) }
}

/// Keeps the JavaScript array alive while Rust reads it.
struct Shared(Uint8Array);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_value_is_never_quoted() {
        let error = Args::new(r#"["hunter2"]"#.to_owned()).parse::<Vec<u32>>().unwrap_err();
        assert_eq!(error.message, "[0]: wrong type, expected a whole number from 0 to 4294967295");
    }

    #[test]
    fn an_array_fills_no_object_and_an_object_no_choice() {
        #[derive(Debug, Default, serde::Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Query {
            inner: Option<Box<Query>>,
            all: Vec<Query>,
            order: Option<Order>,
        }
        #[derive(Debug, serde::Deserialize)]
        #[serde(rename_all = "kebab-case")]
        enum Order {
            NewestFirst,
        }
        let read = |json: &str| Args::new(json.to_owned()).parse::<(Query,)>();
        let fine = read(r#"[{"inner":{"all":[{}]},"order":"newest-first"}]"#).unwrap();
        assert_eq!((fine.0.inner.unwrap().all.len(), fine.0.order.is_some()), (1, true));
        for (json, message) in [
            ("[[]]", "[0]: wrong type, expected an object"),
            ("[1]", "[0]: wrong type, expected an object"),
            (r#"[{"inner":[]}]"#, "[0].inner: wrong type, expected an object"),
            (r#"[{"all":[{"inner":{}},[]]}]"#, "[0].all[1]: wrong type, expected an object"),
            (r#"[{"all":{}}]"#, "[0].all: wrong type, expected an array"),
            (r#"[{"order":{"newest-first":null}}]"#, "[0].order: wrong type, expected a string"),
            (r#"[{"order":5}]"#, "[0].order: wrong type, expected a string"),
            (r#"[{"order":"x"}]"#, "[0].order: unusable value, expected `newest-first`"),
        ] {
            assert_eq!(read(json).unwrap_err().message, message, "{json}");
        }
    }
}

//! Every message of `fixtures/mime`, with each kind of line end, against what a person wrote beside it.
//!
//! The `.json` holds the fields that matter to the case; objects of lists are compared by the fields they name.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

use std::fs;
use std::path::PathBuf;

use email_mime::{ParseOptions, parse};
use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/mime")
}

/// Whether `actual` holds what `expected` names.
fn holds(actual: &Value, expected: &Value) -> bool {
    match (actual, expected) {
        (Value::Object(a), Value::Object(e)) => {
            e.iter().all(|(key, value)| a.get(key).is_some_and(|v| holds(v, value)))
        }
        (Value::Array(a), Value::Array(e)) => a.len() == e.len() && a.iter().zip(e).all(|(a, e)| holds(a, e)),
        _ => actual == expected,
    }
}

fn with_line_ends(source: &[u8], ending: &[u8]) -> Vec<u8> {
    source.split(|b| *b == b'\n').collect::<Vec<_>>().join(ending)
}

#[test]
fn every_message_reads_as_written_beside_it() {
    let mut names: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "eml"))
        .collect();
    names.sort();
    assert!(names.len() >= 120, "{}", names.len());
    let mut bad = Vec::new();
    for path in names {
        let source = fs::read(&path).unwrap();
        let expected: Value = serde_json::from_slice(&fs::read(path.with_extension("json")).unwrap()).unwrap();
        for (kind, ending) in [("LF", &b"\n"[..]), ("CRLF", b"\r\n"), ("CR", b"\r")] {
            let actual =
                serde_json::to_value(parse(&with_line_ends(&source, ending), &ParseOptions::default())).unwrap();
            for (key, value) in expected.as_object().unwrap() {
                if !holds(&actual[key], value) {
                    bad.push(format!(
                        "{} ({kind}) {key}:\n  expected {value}\n  got      {}",
                        path.file_name().unwrap().display(),
                        actual[key]
                    ));
                }
            }
        }
    }
    assert!(bad.is_empty(), "{}\n{}", bad.len(), bad.join("\n"));
}

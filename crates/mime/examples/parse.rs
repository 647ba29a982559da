//! Reads messages from files and prints each as one line of JSON: `cargo run -p email-mime --example parse -- *.eml`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line")]

use std::process::ExitCode;

use email_mime::{ParseOptions, SanitizeHtml, parse};

fn main() -> ExitCode {
    let options = ParseOptions { sanitize_html: SanitizeHtml::Switch(true), ..ParseOptions::default() };
    for path in std::env::args().skip(1) {
        match std::fs::read(&path).map(|source| serde_json::to_string(&parse(&source, &options))) {
            Ok(Ok(json)) => println!("{json}"),
            Ok(Err(error)) => eprintln!("{path}: {error}"),
            Err(error) => {
                eprintln!("{path}: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

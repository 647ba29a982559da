//! Parses files again and again and says nothing: for profilers.
//! `cargo run --release -p email-mime --example read -- TIMES SAFE *.eml` (SAFE: 0, or 1 for safe HTML, too).

use email_mime::{ParseOptions, SanitizeHtml, parse};

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let times: usize = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(1);
    let safe = arguments.next().is_some_and(|s| s == "1");
    let options = ParseOptions { sanitize_html: SanitizeHtml::Switch(safe), ..ParseOptions::default() };
    for path in arguments {
        let source = std::fs::read(path)?;
        for _ in 0..times {
            std::hint::black_box(parse(&source, &options));
        }
    }
    Ok(())
}

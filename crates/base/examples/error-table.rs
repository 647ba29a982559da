//! Prints the error table as JSON lines for `scripts/generate.mjs`.

#![allow(clippy::print_stdout, reason = "printing is its job")]

use email_base::Code;

fn main() {
    for code in Code::ALL {
        let e = code.entry();
        println!(
            "{}",
            [
                code.as_str(),
                e.category.as_str(),
                e.action.as_str(),
                if e.retryable { "yes" } else { "no" },
                e.meaning,
                e.remedy
            ]
            .join("\t")
        );
    }
}

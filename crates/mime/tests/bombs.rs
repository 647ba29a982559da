//! Messages made to exhaust the parser: no crash on a small stack, time that grows no faster than the message.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "helpers of tests")]

use std::time::Duration;

use email_mime::{AttachmentDetail, ParseOptions, ParsedMessage, SanitizeHtml, parse};

/// What a worker thread of some runtime may have.
const STACK: usize = 512 * 1024;

type Bomb = (&'static str, fn(usize) -> String);

fn html(body: String) -> String {
    format!("Content-Type: text/html\n\n{body}")
}

fn mixed(parts: String) -> String {
    format!("Content-Type: multipart/mixed; boundary=b\n\n{parts}")
}

fn each(n: usize, one: impl Fn(usize) -> String) -> String {
    (0..n).map(one).collect()
}

/// Each makes a message of about `n` of something.
const BOMBS: &[Bomb] = &[
    ("nested multiparts", |n| each(n, |i| format!("Content-Type: multipart/mixed; boundary=b{i}\n\n--b{i}\n"))),
    ("nested multiparts of one boundary", |n| "Content-Type: multipart/mixed; boundary=b\n\n--b\n".repeat(n)),
    ("nested messages", |n| "Content-Type: message/rfc822\n\n".repeat(n)),
    ("nested messages in multiparts", |n| {
        each(n, |i| format!("Content-Type: multipart/mixed; boundary=b{i}\n\n--b{i}\nContent-Type: message/rfc822\n\n"))
    }),
    ("sibling parts", |n| mixed("--b\n\n".repeat(n))),
    ("sibling multiparts without end", |n| {
        mixed(each(n, |i| format!("--b\nContent-Type: multipart/mixed; boundary=c{i}\n\n")))
    }),
    ("sibling messages", |n| mixed("--b\nContent-Type: message/rfc822\n\nSubject: x\n\ny\n".repeat(n))),
    ("sibling html parts", |n| mixed("--b\nContent-Type: text/html\n\n<p>x\n".repeat(n))),
    ("lines that look like boundaries", |n| mixed(format!("--b\n\n{}", "--c\n".repeat(n)))),
    ("one long line of hyphens", |n| mixed(format!("--b\n\n{}", "-".repeat(n * 4)))),
    ("boundaries that begin each other", |n| {
        let depth = 50;
        let open = each(depth, |i| {
            format!("Content-Type: multipart/mixed; boundary={}\n\n--{}\n", "x".repeat(i + 1), "x".repeat(i + 1))
        });
        format!("{open}\n\n{}", format!("--{}y\n", "x".repeat(depth)).repeat(n / 10))
    }),
    ("header fields", |n| format!("{}\n\nbody", "X: y\n".repeat(n))),
    ("header fields of many names", |n| format!("{}\n\nbody", each(n, |i| format!("X{i}: y\n")))),
    ("one long header", |n| format!("Subject: {}\n\nbody", "word ".repeat(n))),
    ("one folded header", |n| format!("Subject: x{}\n\nbody", "\n y".repeat(n))),
    ("encoded words", |n| format!("Subject: {}\n\nbody", "=?utf-8?Q?a?= ".repeat(n))),
    ("encoded words without end", |n| format!("Subject: {}\n\nbody", "=?utf-8?Q?a ".repeat(n))),
    ("encoded words without shape", |n| format!("Subject: {}\n\nbody", "=?".repeat(n))),
    ("raw octets and escapes", |n| format!("Subject: {}\n\nbody", "\u{1b}$Bä".repeat(n))),
    ("parameter continuations", |n| {
        format!("Content-Type: text/plain{}\n\nbody", each(n, |i| format!("; name*{i}=x")))
    }),
    ("parameter quotes", |n| format!("Content-Type: text/plain; name={}\n\nbody", "\"\" ".repeat(n))),
    ("parameter comments", |n| format!("Content-Type: text/plain{}\n\nbody", "(".repeat(n))),
    ("parameters", |n| format!("Content-Type: text/plain{}\n\nbody", "; a=b".repeat(n))),
    ("address comments", |n| format!("From: {}\n\nbody", "(".repeat(n))),
    ("address groups", |n| format!("From: {}\n\nbody", "a:".repeat(n))),
    ("address quotes", |n| format!("From: {}\n\nbody", "\"<".repeat(n))),
    ("address words", |n| format!("From: {}\n\nbody", "a@b ".repeat(n))),
    ("addresses", |n| format!("From: {}\n\nbody", "a,".repeat(n))),
    ("references", |n| format!("References: {}\n\nbody", each(n, |i| format!("<{i}>")))),
    ("angle brackets", |n| format!("References: {}\n\nbody", "<".repeat(n))),
    ("subject prefixes", |n| format!("Subject: {}\n\nbody", "Re: ".repeat(n))),
    ("subject tags", |n| format!("Subject: {}\n\nbody", "[x] ".repeat(n))),
    ("quoted-printable", |n| format!("Content-Transfer-Encoding: quoted-printable\n\n{}", "=\n=".repeat(n))),
    ("base64 of padding", |n| format!("Content-Transfer-Encoding: base64\n\n{}", "=".repeat(n))),
    ("base64 of rubbish", |n| format!("Content-Transfer-Encoding: base64\n\n{}", "a!".repeat(n))),
    ("uuencoded files", |n| format!("\n{}", "begin 644 x\n#0V%T\n`\nend\n".repeat(n / 4))),
    ("uuencode without data", |n| format!("\n{}", "begin 644 x\n".repeat(n))),
    ("flowed text", |n| format!("Content-Type: text/plain; format=flowed\n\n{}", "> a \n>> b \n".repeat(n))),
    ("deep quotation", |n| format!("\n{}", ">".repeat(n))),
    ("calendar components", |n| {
        format!("Content-Type: text/calendar\n\nBEGIN:VCALENDAR\n{}", "BEGIN:VEVENT\n".repeat(n))
    }),
    ("calendar zones", |n| {
        let zone = |i| {
            format!(
                "BEGIN:VTIMEZONE\nTZID:z{i}\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\n"
            )
        };
        let start = |i| format!("DTSTART;TZID=z{i}:20260101T000000\n");
        format!(
            "Content-Type: text/calendar\n\nBEGIN:VCALENDAR\n{}BEGIN:VEVENT\n{}",
            each(n / 10, zone),
            each(n / 10, start)
        )
    }),
    ("calendar parameters", |n| {
        format!(
            "Content-Type: text/calendar\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART{}:20260101\n",
            ";a=\"b\"".repeat(n)
        )
    }),
    ("bounce recipients", |n| {
        let groups = "\nFinal-Recipient: rfc822;a@b.c\nAction: failed\n".repeat(n / 4);
        format!("Content-Type: message/delivery-status\n\nReporting-MTA: x\n{groups}")
    }),
    ("bounce in prose", |n| format!("From: mailer-daemon@x.y\nSubject: failure notice\n\n{}", "a@b.c ".repeat(n))),
    ("html elements", |n| html("<div>".repeat(n))),
    ("html elements that end", |n| html(format!("{}{}", "<div>".repeat(n), "</div>".repeat(n)))),
    ("html tables", |n| html("<table><tr><td>".repeat(n / 4))),
    ("html formatting", |n| html("<b>".repeat(n))),
    ("html formatting in paragraphs", |n| html(each(n / 4, |i| format!("<p><font size={i}>x")))),
    ("html formatting across blocks", |n| html(each(n / 4, |i| format!("<b id={i}><div>x</b>")))),
    ("html links in links", |n| html("<a href=x><p>".repeat(n / 2))),
    ("html attributes", |n| html(format!("<p {}>", each(n, |i| format!("a{i}=b "))))),
    ("html entities", |n| html("&amp".repeat(n))),
    ("html ampersands", |n| html("&".repeat(n))),
    ("html open tags", |n| html("<a ".repeat(n))),
    ("html open comments", |n| html("<!--".repeat(n))),
    ("html open quotes", |n| html("<a b=\"".repeat(n))),
    ("html end tags", |n| html("</p>".repeat(n))),
    ("html lists", |n| html("<ul><li>".repeat(n / 2))),
    ("html quotations", |n| html("<blockquote>x<br>".repeat(n / 2))),
    ("html svg and math", |n| html("<svg><math><mtext>".repeat(n / 4))),
    ("html templates", |n| html("<template>".repeat(n))),
    ("html selects", |n| html("<select><option>".repeat(n / 2))),
    ("html raw text", |n| html("<style></".repeat(n / 2))),
    ("css blocks", |n| html(format!("<style>{}</style>", "a{".repeat(n)))),
    ("css comments", |n| html(format!("<p style=\"{}\">", "/*".repeat(n)))),
    ("css urls", |n| html(format!("<p style=\"background:{}\">", "url(".repeat(n)))),
    ("cid references", |n| html("<img src=cid:x>".repeat(n / 4))),
    ("preview fillers", |n| format!("\n{}", "\u{200c}\u{a0}".repeat(n))),
];

fn options() -> ParseOptions {
    ParseOptions {
        attachments: AttachmentDetail::Content,
        sanitize_html: SanitizeHtml::Switch(true),
        ..ParseOptions::default()
    }
}

/// Runs on a small stack: an overflow would end the whole process.
fn small_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(STACK).spawn(work).unwrap().join().unwrap()
}

/// Time that this thread has computed, where the system tells; other work on the machine does not count.
fn computed() -> Duration {
    static START: std::sync::LazyLock<email_base::clock::Instant> = std::sync::LazyLock::new(email_base::clock::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|t| t.split_whitespace().next()?.parse().ok());
    nanos.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// Long enough for the system's count, which moves in ticks.
const MEASURED: Duration = Duration::from_millis(40);

/// Time to parse `source`, the mean of as many runs as it takes to measure it.
fn cost(source: &str) -> Duration {
    let start = computed();
    let mut runs = 0;
    loop {
        std::hint::black_box(parse(source.as_bytes(), &options()));
        runs += 1;
        let spent = computed() - start;
        if spent >= MEASURED {
            return spent / runs;
        }
    }
}

/// Eight times the message may take eight times as long and half as much again, for caches: 2.3 times per doubling.
/// Quadratic work takes 64 times.
const LINEAR: f64 = 2.3 * 2.3 * 2.3;

const TRIES: usize = 5;

/// How many times longer `make` takes for eight times the size.
fn growth(make: fn(usize) -> String) -> f64 {
    cost(&make(12_000)).as_secs_f64() / cost(&make(1_500)).as_secs_f64()
}

#[test]
fn no_bomb_overflows_a_small_stack() {
    for (name, make) in BOMBS {
        println!("{name}");
        let source = make(20_000);
        let parsed: ParsedMessage = small_stack(move || parse(source.as_bytes(), &options()));
        assert_eq!(parsed.thread_key.len(), 32, "{name}");
    }
}

#[test]
fn a_million_nested_messages() {
    let source = "Content-Type: message/rfc822\n\n".repeat(1_000_000);
    let parsed = small_stack(move || parse(source.as_bytes(), &options()));
    assert_eq!(parsed.attachments.len(), 1);
}

#[test]
fn a_header_of_fifty_megabytes() {
    let source = format!("X: {}\nSubject: late\n\nbody", "y".repeat(50 << 20));
    let parsed = small_stack(move || parse(source.as_bytes(), &options()));
    assert_eq!(parsed.text.as_deref(), Some("body"));
    assert!(parsed.defects[0].contains("header is longer"));
}

#[test]
fn time_grows_with_the_message_only() {
    let mut bad = Vec::new();
    for (name, make) in BOMBS {
        // One slow run may be chance, five are not.
        let ratios: Vec<f64> = (0..TRIES).map(|_| growth(*make)).take_while(|r| *r > LINEAR).collect();
        if ratios.len() == TRIES {
            bad.push(format!("{name}: {ratios:.0?}"));
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

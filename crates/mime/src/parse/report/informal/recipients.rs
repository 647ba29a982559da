//! The recipients that a notice in prose names, each with what is said of it.

use std::collections::{HashMap, HashSet};

use super::super::{one_line, status_in};
use crate::parse::address;
use crate::parse::charset::Hint;
use crate::parse::header::Fields;

/// One cause, one recipient, as a rule; a notice that names dozens lists them first.
const MAX_NAMED: usize = 50;

/// Longest address (RFC 5321 §4.5.3.1.3 has 256 with brackets).
const MAX_ADDRESS: usize = 254;

/// An address where it stands in the notice.
struct Mention<'a> {
    at: usize,
    address: &'a str,
}

impl Mention<'_> {
    fn end(&self) -> usize {
        self.at + self.address.len()
    }
}

/// A recipient and the reply that its own text holds.
pub(super) struct Failed {
    pub(super) address: String,
    pub(super) diagnostic: Option<String>,
}

/// Addresses that the notice names, without the one it is written to, its author's, and those it tells to write to.
pub(super) fn named(notice: &str, fields: &Fields<'_>) -> Vec<String> {
    let own: HashSet<String> = ["to", "from", "delivered-to", "return-path"]
        .iter()
        .flat_map(|name| fields.all(name))
        .flat_map(|raw| address::list(raw, Hint::default()))
        .map(|a| a.address.to_lowercase())
        .collect();
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for mention in mentions(notice) {
        let key = mention.address.to_lowercase();
        if own.contains(&key) || seen.contains(&key) || is_contact(notice, &mention) {
            continue;
        }
        found.push(mention.address.to_owned());
        seen.insert(key);
        if found.len() >= MAX_NAMED {
            break;
        }
    }
    found
}

/// What the notice says of each: the text from its address to the next one's.
pub(super) fn explained(notice: &str, addresses: Vec<String>) -> Vec<Failed> {
    let index: HashMap<String, usize> = addresses.iter().enumerate().map(|(at, a)| (a.to_lowercase(), at)).collect();
    let stretches = stretches(notice, &index);
    let mut all: Vec<Failed> = addresses.into_iter().map(|address| Failed { address, diagnostic: None }).collect();
    // From the end, because addresses of a list share what stands below the last of them.
    let mut below = None;
    for stretch in stretches.iter().rev() {
        let text = notice.get(stretch.from..stretch.until).unwrap_or_default();
        let reply = diagnostic(text).or_else(|| below.take().filter(|_| is_gap(text)));
        below.clone_from(&reply);
        // The first of several that holds a reply.
        if let Some(failed) = all.get_mut(stretch.recipient).filter(|_| reply.is_some()) {
            failed.diagnostic = reply;
        }
    }
    all
}

/// The reply that holds for everybody who has none of their own: above the first recipient, or the only one there is.
pub(super) fn shared_diagnostic(notice: &str, all: &[Failed]) -> Option<String> {
    if all.len() < 2 {
        return diagnostic(notice);
    }
    let index = all.iter().map(|f| (f.address.to_lowercase(), 0)).collect();
    let end = stretches(notice, &index).first().map_or(notice.len(), |first| first.from);
    diagnostic(notice.get(..end).unwrap_or_default())
}

/// Text about one recipient.
struct Stretch {
    recipient: usize,
    from: usize,
    until: usize,
}

fn stretches(notice: &str, index: &HashMap<String, usize>) -> Vec<Stretch> {
    let mut all: Vec<Stretch> = Vec::new();
    let (mut last_end, mut line, mut seen) = (0, 0, 0);
    for mention in mentions(notice) {
        let Some(&recipient) = index.get(&mention.address.to_lowercase()) else { continue };
        if let Some(end) = notice.get(seen..mention.at).and_then(|between| between.rfind('\n')) {
            line = seen + end + 1;
        }
        seen = mention.at;
        // `550 5.1.1 <ada@example.com>... User unknown`: the reply stands before its recipient.
        let leads = last_end <= line && notice.get(line..mention.at).is_some_and(has_reply);
        let (start, from) = if leads { (line, line) } else { (mention.at, mention.end()) };
        last_end = mention.end();
        match all.last_mut() {
            Some(last) if last.recipient == recipient => {}
            last => {
                if let Some(last) = last {
                    last.until = start;
                }
                all.push(Stretch { recipient, from, until: notice.len() });
            }
        }
    }
    all
}

/// Nothing is said between two addresses of a list, but perhaps `Recipient:` or `and`.
fn is_gap(text: &str) -> bool {
    text.split_whitespace().filter(|word| word.contains(char::is_alphabetic)).count() < 2
}

/// The first line with a reply.
fn diagnostic(text: &str) -> Option<String> {
    let line = text.lines().find(|line| has_reply(line))?;
    one_line(line.trim_start_matches(|c: char| c.is_whitespace() || ":>)]）》】,;|".contains(c)))
}

/// A reply code (RFC 5321 §4.2) or an enhanced one (RFC 3463 §2). "Call 555 1234" holds none.
fn has_reply(line: &str) -> bool {
    let is_enhanced = |word: &str| {
        status_in(word).is_some_and(|s| s.split('.').nth(1).is_some_and(|subject| subject.len() == 1 && subject < "8"))
    };
    let mut words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).map(|w| w.trim_matches('.'));
    let mut next = words.next();
    while let Some(word) = next {
        next = words.next();
        let follows = next.unwrap_or_default();
        let is_plain = matches!(word.as_bytes(), [b'4' | b'5', b'0'..=b'5' | b'7', b'0'..=b'9'])
            && (is_enhanced(follows) || !follows.starts_with(|c: char| c.is_ascii_digit()));
        if is_plain || (word.bytes().all(|b| b.is_ascii_digit() || b == b'.') && is_enhanced(word)) {
            return true;
        }
    }
    false
}

/// Every address in `text`. Chinese and Japanese write them without a space before and after.
fn mentions(text: &str) -> impl Iterator<Item = Mention<'_>> {
    text.match_indices('@').filter_map(|(at, _)| {
        let (before, after) = (text.get(..at)?, text.get(at + 1..)?);
        let is_local = |c: char| c.is_ascii_alphanumeric() || "!#$%&*+-/=?^_`{}~.".contains(c);
        let is_wide = before.chars().next_back().is_some_and(|c| !c.is_ascii());
        let local = before
            .char_indices()
            .rev()
            .take(MAX_ADDRESS)
            .take_while(|(_, c)| is_local(*c) || (is_wide && c.is_alphanumeric()))
            .last()
            .and_then(|(start, _)| before.get(start..))?;
        let length = after.bytes().take(MAX_ADDRESS).take_while(|b| b.is_ascii_alphanumeric() || b"-.".contains(b));
        let domain = after.get(..length.count())?.trim_end_matches(['.', '-']);
        let follows = after.get(domain.len()..)?;
        let is_address = domain.contains('.')
            && !domain.starts_with(['.', '-'])
            && !follows.starts_with('@')
            && !local.contains("//")
            && local.len() + 1 + domain.len() <= MAX_ADDRESS;
        let start = at - local.len();
        let address = text.get(start..=at + domain.len())?;
        is_address.then_some(Mention { at: start, address })
    })
}

/// Whether the address is one to write to: "in case of questions contact help@example.com".
fn is_contact(notice: &str, mention: &Mention<'_>) -> bool {
    const BEFORE: &[&str] = &[
        "contact",
        "write to",
        "mail us",
        "mail me",
        "reach us",
        "reach me",
        "questions",
        "get in touch",
        "send mail to",
        "send an email to",
        "send an e-mail to",
        "for help",
        "assistance",
        "kontakt",
        "wenden",
        "联系",
        "聯繫",
        "聯絡",
        "咨询",
        "諮詢",
        "客服",
        "反馈",
        "疑问",
        "問い合わせ",
        "連絡",
        "문의",
        "обратитесь",
        "свяжитесь",
    ];
    const AFTER: &[&str] = &[
        "联系",
        "聯繫",
        "聯絡",
        "咨询",
        "进行咨询",
        "諮詢",
        "反馈",
        "まで",
        "へご連絡",
        "にご連絡",
        "へお問い合わせ",
        "にお問い合わせ",
        "로 문의",
        "for help",
        "for assistance",
        "with questions",
        "with any questions",
        "if you have",
    ];
    let before = clause_before(notice.get(..mention.at).unwrap_or_default()).to_lowercase();
    // What a mail system failed to reach is none to ask.
    let before = before.replace("not contact", "").replace("n't contact", "").replace("unable to contact", "");
    let rest = notice.get(mention.end()..).unwrap_or_default();
    let after: String = rest.trim_start_matches([' ', '>', '"']).chars().take(20).collect();
    let after = after.to_lowercase();
    BEFORE.iter().any(|w| before.contains(w)) || AFTER.iter().any(|w| after.starts_with(w))
}

/// The sentence so far: over a line's end only if that line is so long that it was wrapped.
fn clause_before(text: &str) -> &str {
    const WRAPPED: usize = 50;
    const MAX_CLAUSE: usize = 300;
    let mut start = text.len();
    let mut previous = None;
    let mut line_end = text.len();
    for (at, c) in text.char_indices().rev().take(MAX_CLAUSE) {
        let ends_sentence = match c {
            '。' | '！' | '？' | '；' => true,
            '.' | '!' | '?' | ';' => previous.is_none_or(char::is_whitespace),
            '\n' => {
                let line = text.get(..at).unwrap_or_default();
                let begin = line.rfind('\n').map_or(0, |b| b + 1);
                let is_list = text.get(at + 1..line_end).is_some_and(|own| own.trim() == "<");
                line_end = at;
                at - begin < WRAPPED || is_list || line.ends_with([':', '：'])
            }
            _ => false,
        };
        if ends_sentence {
            break;
        }
        previous = Some(c);
        start = at;
    }
    text.get(start..).unwrap_or_default()
}

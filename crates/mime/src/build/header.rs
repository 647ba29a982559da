//! The message's own fields (RFC 5322 §3.6): everything checked before anything is written.

use email_base::Timestamp;

use super::Envelope;
use super::field::FieldWriter;
use super::identifier;
use super::recipient::{self, Recipient};
use crate::error::{Error, quote};
use crate::init::{MessageInit, Priority};
use crate::parse::civil_from_days;

/// Further fields of one message; stops a caller's loop from building a header no server takes.
const MAX_EXTRA_FIELDS: usize = 500;

/// References kept: the first and the newest (RFC 5537 §3.4.4 cuts the same way).
const MAX_REFERENCES: usize = 30;

/// The mailboxes of a message, checked.
#[derive(Debug)]
pub(crate) struct People {
    pub(crate) from: Recipient,
    sender: Option<Recipient>,
    reply_to: Vec<Recipient>,
    to: Vec<Recipient>,
    cc: Vec<Recipient>,
    bcc: Vec<Recipient>,
    read_receipt_to: Vec<Recipient>,
    /// Whether `bcc` is written, too.
    keep_bcc: bool,
}

impl People {
    pub(crate) fn read(init: &MessageInit, keep_bcc: bool) -> Result<Self, Error> {
        Ok(Self {
            from: recipient::one(&init.from, "from")?,
            sender: init.sender.as_ref().map(|s| recipient::one(s, "sender")).transpose()?,
            reply_to: recipient::many(init.reply_to.as_ref(), "replyTo")?,
            to: recipient::many(init.to.as_ref(), "to")?,
            cc: recipient::many(init.cc.as_ref(), "cc")?,
            bcc: recipient::many(init.bcc.as_ref(), "bcc")?,
            read_receipt_to: init
                .read_receipt_to
                .as_deref()
                .map_or(Ok(Vec::new()), |r| recipient::list(r, "readReceiptTo"))?,
            keep_bcc,
        })
    }

    pub(crate) fn envelope(&self) -> Envelope {
        let mut seen = std::collections::HashSet::new();
        let all = self.to.iter().chain(&self.cc).chain(&self.bcc);
        let once = all.filter(|r| seen.insert(same_mailbox_key(&r.address)));
        Envelope { from: self.from.address.clone(), to: once.map(|r| r.address.clone()).collect() }
    }

    pub(crate) fn needs_smtputf8(&self) -> bool {
        let one = std::iter::once(&self.from).chain(&self.sender);
        let many = [&self.reply_to, &self.to, &self.cc, &self.bcc, &self.read_receipt_to];
        one.chain(many.into_iter().flatten()).any(Recipient::needs_smtputf8)
    }
}

/// Domains are compared without case, local parts as they are (RFC 5321 §2.4).
fn same_mailbox_key(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.to_ascii_lowercase()),
        None => address.to_owned(),
    }
}

/// Writes the fields up to, and without, MIME's own.
pub(crate) fn write(init: &MessageInit, people: &People, message_id: &str, out: &mut String) -> Result<(), Error> {
    let date = init.date.unwrap_or_else(|| Timestamp(email_base::clock::unix_ms()));
    line(out, "Date", &format_date(date)?);
    addresses(out, "From", std::slice::from_ref(&people.from));
    addresses(out, "Sender", people.sender.as_slice());
    addresses(out, "Reply-To", &people.reply_to);
    addresses(out, "To", &people.to);
    addresses(out, "Cc", &people.cc);
    if people.keep_bcc {
        addresses(out, "Bcc", &people.bcc);
    }
    line(out, "Message-ID", message_id);
    threading(init, out)?;
    if let Some(subject) = &init.subject {
        refuse_line_breaks(subject, "subject")?;
        text(out, "Subject", subject);
    }
    priority(init.priority, out);
    addresses(out, "Disposition-Notification-To", &people.read_receipt_to);
    extra(init, out)
}

fn threading(init: &MessageInit, out: &mut String) -> Result<(), Error> {
    if let Some(id) = &init.in_reply_to {
        line(out, "In-Reply-To", &identifier::check(id, "inReplyTo")?);
    }
    let references = init.references.as_deref().unwrap_or_default();
    let mut ids = references.iter().map(|id| identifier::check(id, "references")).collect::<Result<Vec<_>, _>>()?;
    if ids.len() > MAX_REFERENCES {
        ids.drain(1..ids.len() - MAX_REFERENCES + 1);
    }
    if !ids.is_empty() {
        let mut field = FieldWriter::new(out, "References");
        ids.iter().for_each(|id| field.word(id));
        field.end();
    }
    Ok(())
}

fn priority(priority: Option<Priority>, out: &mut String) {
    let (number, word) = match priority {
        None => return,
        Some(Priority::High) => ("1 (Highest)", "high"),
        Some(Priority::Normal) => ("3 (Normal)", "normal"),
        Some(Priority::Low) => ("5 (Lowest)", "low"),
    };
    line(out, "X-Priority", number);
    line(out, "Importance", word);
}

fn extra(init: &MessageInit, out: &mut String) -> Result<(), Error> {
    let mut count = 0;
    for (name, values) in &init.headers.0 {
        check_name(name)?;
        for value in values {
            count += 1;
            refuse_line_breaks(value, &format!("headers.{name}"))?;
            text(out, name, value);
        }
    }
    if count > MAX_EXTRA_FIELDS {
        return Err(Error::argument("headers", format!("has more than {MAX_EXTRA_FIELDS} fields")));
    }
    Ok(())
}

/// Fields that have their own argument, or that decide how the message is read or delivered.
const RESERVED: &[&str] = &[
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "bcc",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "return-path",
    "received",
    "resent-bcc",
];

/// `ftext` (RFC 5322 §3.6.8), and none of the fields that are written here.
fn check_name(name: &str) -> Result<(), Error> {
    let is_token = !name.is_empty() && name.len() <= 70 && name.bytes().all(|b| b.is_ascii_graphic() && b != b':');
    if !is_token {
        return Err(Error::argument("headers", format!("{} is not a field name", quote(name))));
    }
    let lower = name.to_ascii_lowercase();
    if RESERVED.contains(&lower.as_str()) || lower.starts_with("content-") {
        return Err(Error::argument(
            "headers",
            format!("{name} has an argument of its own or belongs to the structure"),
        ));
    }
    Ok(())
}

pub(super) fn refuse_line_breaks(value: &str, field: &str) -> Result<(), Error> {
    if value.contains(['\r', '\n', '\0']) {
        return Err(Error::argument(field, "holds CR, LF or NUL"));
    }
    Ok(())
}

fn line(out: &mut String, name: &str, value: &str) {
    let mut field = FieldWriter::new(out, name);
    field.word(value);
    field.end();
}

fn text(out: &mut String, name: &str, value: &str) {
    let mut field = FieldWriter::new(out, name);
    field.text(value);
    field.end();
}

fn addresses(out: &mut String, name: &str, all: &[Recipient]) {
    if !all.is_empty() {
        let mut field = FieldWriter::new(out, name);
        field.addresses(all);
        field.end();
    }
}

/// `Sat, 31 Jan 2026 12:00:00 +0000`.
pub(crate) fn format_date(date: Timestamp) -> Result<String, Error> {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let seconds = date.0.div_euclid(1000);
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Beyond the year 9999 nothing else of the date would be right either.
    let (year, month, day) = civil_from_days(days.clamp(-1_000_000, 3_000_000));
    if !(1900..=9999).contains(&year) {
        return Err(Error::argument("date", "is not a date of RFC 5322"));
    }
    let weekday = DAYS.get(usize::try_from(days.rem_euclid(7)).unwrap_or(0)).copied().unwrap_or_default();
    let month_name = MONTHS.get(month as usize - 1).copied().unwrap_or_default();
    Ok(format!(
        "{weekday}, {day:02} {month_name} {year} {:02}:{:02}:{:02} +0000",
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_there_and_back() {
        for (ms, expected) in [
            (0, "Thu, 01 Jan 1970 00:00:00 +0000"),
            (1_769_860_800_000, "Sat, 31 Jan 2026 12:00:00 +0000"),
            (1_709_164_800_999, "Thu, 29 Feb 2024 00:00:00 +0000"),
            (1_735_689_599_000, "Tue, 31 Dec 2024 23:59:59 +0000"),
            (-86_400_000, "Wed, 31 Dec 1969 00:00:00 +0000"),
            (253_402_300_799_000, "Fri, 31 Dec 9999 23:59:59 +0000"),
        ] {
            assert_eq!(format_date(Timestamp(ms)).unwrap(), expected);
        }
        assert!(format_date(Timestamp(i64::MAX)).is_err());
        assert!(format_date(Timestamp(i64::MIN)).is_err());
        assert!(format_date(Timestamp(253_402_300_800_000)).is_err());
    }
}

//! Reports as the RFCs define them.
//!
//! ```text
//! delivery-status-content = per-message-fields 1*( CRLF per-recipient-fields )     (RFC 3464 §2.1)
//! ```

use super::{MAX_RECIPIENTS, octets_of, one_line, returned_message_id, status_in, text, without_type};
use crate::message::{Report, ReportKind, ReportedRecipient};
use crate::parse::header::{self, Fields};
use crate::parse::ids;
use crate::parse::structure::{Part, Tree};

pub(super) fn read(tree: &Tree<'_>) -> Option<Report> {
    tree.parts.iter().find_map(|part| match part.content_type.value.as_str() {
        "message/delivery-status" | "message/global-delivery-status" => Some(delivery_status(tree, part)),
        "message/disposition-notification" | "message/global-disposition-notification" => {
            Some(notification(tree, part))
        }
        "message/feedback-report" => Some(feedback(tree, part)),
        _ => None,
    })
}

fn delivery_status(tree: &Tree<'_>, part: &Part<'_>) -> Report {
    let octets = octets_of(part);
    let groups = groups(&octets);
    let recipients = groups.iter().filter_map(recipient).take(MAX_RECIPIENTS).collect();
    let named = groups
        .iter()
        .find_map(|g| g.first("original-message-id").or_else(|| g.first("x-original-message-id")).and_then(ids::one));
    Report { kind: ReportKind::DeliveryStatus, recipients, original_message_id: returned_message_id(tree).or(named) }
}

/// Blocks of fields, parted by empty lines.
fn groups(octets: &[u8]) -> Vec<Fields<'_>> {
    let mut all = Vec::new();
    let mut at = 0;
    while at < octets.len() && all.len() <= MAX_RECIPIENTS {
        let block = header::read(octets, at, octets.len(), |_| false);
        if !block.fields.0.is_empty() {
            all.push(block.fields);
        }
        // A line that is no field ends a block without being part of it.
        let next = if block.unterminated { after_line(octets, block.body) } else { block.body };
        if next <= at {
            break;
        }
        at = next;
    }
    all
}

fn after_line(octets: &[u8], at: usize) -> usize {
    octets.get(at..).and_then(|rest| memchr::memchr(b'\n', rest)).map_or(octets.len(), |end| at + end + 1)
}

fn recipient(group: &Fields<'_>) -> Option<ReportedRecipient> {
    let by = |name: &str| text(group, name);
    let named = by("final-recipient").or_else(|| by("original-recipient")).or_else(|| by("x-actual-recipient"))?;
    let mut address = without_type(&named).to_owned();
    if !address.contains('@')
        && let Some(original) = by("original-recipient")
    {
        without_type(&original).clone_into(&mut address);
    }
    let diagnostic = by("diagnostic-code").or_else(|| by("x-display-diagnostic"));
    let status = by("status").as_deref().and_then(status_in).or_else(|| diagnostic.as_deref().and_then(status_in));
    let action = by("action")
        .and_then(|a| a.split([' ', '(', ';']).next().map(str::to_ascii_lowercase))
        .filter(|a| !a.is_empty());
    let action = action.unwrap_or_else(|| action_of(status.as_deref()).to_owned());
    Some(ReportedRecipient {
        address,
        action,
        status,
        diagnostic: diagnostic.as_deref().map(diagnostic_text).and_then(one_line),
    })
}

/// `smtp; 550 no such user` → `550 no such user`; a semicolon of the text itself stays.
fn diagnostic_text(value: &str) -> &str {
    match value.split_once(';') {
        Some((kind, rest)) if kind.trim().len() < 20 && !kind.trim().contains(' ') => rest.trim(),
        _ => value,
    }
}

/// What a status without an action means.
pub(super) fn action_of(status: Option<&str>) -> &'static str {
    match status.and_then(|s| s.chars().next()) {
        Some('2') => "delivered",
        Some('4') => "delayed",
        _ => "failed",
    }
}

/// `Disposition: manual-action/MDN-sent-manually; displayed/…` (RFC 8098 §3.2.6).
fn notification(tree: &Tree<'_>, part: &Part<'_>) -> Report {
    let octets = octets_of(part);
    let block = header::read(&octets, 0, octets.len(), |_| false);
    let disposition = text(&block.fields, "disposition").unwrap_or_default();
    let kind = disposition
        .rsplit(';')
        .next()
        .unwrap_or_default()
        .split('/')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let address = text(&block.fields, "final-recipient").or_else(|| text(&block.fields, "original-recipient"));
    let recipients = address.map(|a| ReportedRecipient {
        address: without_type(&a).to_owned(),
        action: if kind.is_empty() { "displayed".to_owned() } else { kind },
        status: None,
        diagnostic: text(&block.fields, "error").or_else(|| text(&block.fields, "failure")),
    });
    let named = block.fields.first("original-message-id").and_then(ids::one);
    Report {
        kind: ReportKind::DispositionNotification,
        recipients: recipients.into_iter().collect(),
        original_message_id: named.or_else(|| returned_message_id(tree)),
    }
}

/// A complaint (RFC 5965 §3): who complained is the recipient, about what the action.
fn feedback(tree: &Tree<'_>, part: &Part<'_>) -> Report {
    let octets = octets_of(part);
    let block = header::read(&octets, 0, octets.len(), |_| false);
    let kind = text(&block.fields, "feedback-type").unwrap_or_else(|| "abuse".to_owned()).to_ascii_lowercase();
    let named = block.fields.all("original-rcpt-to").chain(block.fields.all("removal-recipient"));
    let recipients = named.take(MAX_RECIPIENTS).map(|raw| ReportedRecipient {
        address: without_type(&crate::decode_header_text(raw)).to_owned(),
        action: kind.clone(),
        status: None,
        diagnostic: None,
    });
    Report {
        kind: ReportKind::Feedback,
        recipients: recipients.collect(),
        original_message_id: returned_message_id(tree),
    }
}

#[cfg(test)]
mod tests {
    use crate::{ParseOptions, ReportKind, parse};

    #[test]
    fn a_bounce_by_the_book() {
        let source = "Content-Type: multipart/report; report-type=delivery-status; boundary=b\nSubject: Undelivered\n\n--b\n\nSorry.\n--b\n\
            Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.com\n\nOriginal-Recipient: rfc822;a@x.example\n\
            Final-Recipient: rfc822; <b@x.example>\nAction: failed\nStatus: 5.1.1 (bad mailbox)\n\
            Diagnostic-Code: smtp; 550 5.1.1 no; such\n  user\n\nFinal-Recipient: rfc822;c@x.example\nAction: Delayed\nStatus: 4.4.7\n\n\
            --b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <orig@example.com>\nSubject: x\n--b--\n";
        for source in [source.to_owned(), source.replace('\n', "\r\n")] {
            let parsed = parse(source.as_bytes(), &ParseOptions::default());
            let report = parsed.report.unwrap();
            assert_eq!(report.kind, ReportKind::DeliveryStatus);
            assert_eq!(report.original_message_id.as_deref(), Some("<orig@example.com>"));
            let first = &report.recipients[0];
            assert_eq!(
                (first.address.as_str(), first.action.as_str(), first.status.as_deref()),
                ("b@x.example", "failed", Some("5.1.1"))
            );
            assert_eq!(first.diagnostic.as_deref(), Some("550 5.1.1 no; such user"));
            let second = &report.recipients[1];
            assert_eq!(
                (second.address.as_str(), second.action.as_str(), second.diagnostic.as_deref()),
                ("c@x.example", "delayed", None)
            );
            assert_eq!(parsed.text.as_deref(), Some("Sorry."));
        }
    }

    #[test]
    fn receipts_and_complaints() {
        let mdn = "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n--b\n\nRead.\n--b\n\
            Content-Type: message/disposition-notification\n\nFinal-Recipient: rfc822;ada@example.com\nOriginal-Message-ID: <m@x>\n\
            Disposition: manual-action/MDN-sent-manually; displayed\n\n--b--";
        let report = parse(mdn.as_bytes(), &ParseOptions::default()).report.unwrap();
        assert_eq!(
            (report.kind, report.original_message_id.as_deref()),
            (ReportKind::DispositionNotification, Some("<m@x>"))
        );
        assert_eq!(report.recipients[0].action, "displayed");
        let arf = "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\nSpam.\n--b\n\
            Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nOriginal-Rcpt-To: <ada@example.com>\n\n--b\n\
            Content-Type: message/rfc822\n\nMessage-ID: <spam@x>\n\nbuy\n--b--";
        let report = parse(arf.as_bytes(), &ParseOptions::default()).report.unwrap();
        assert_eq!((report.kind, report.original_message_id.as_deref()), (ReportKind::Feedback, Some("<spam@x>")));
        assert_eq!(
            (report.recipients[0].address.as_str(), report.recipients[0].action.as_str()),
            ("ada@example.com", "abuse")
        );
    }
}

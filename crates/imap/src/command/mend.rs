//! What a server tells wrongly of a message is read from the message itself: envelopes from the header, structures from
//! the parts. The message stays `degraded`, but nothing is missing.
//!
//! Exchange sends structures outside the grammar for some messages (MailKit#919, #1446), others leave envelopes out.
//! Both happen to few messages: these cost a round trip or two more, one by one and bounded.

use email_mime::{OutlinePart, outline};

use super::MAX_SET_BYTES;
use super::fetch::Gathered;
use super::fetch_items::{self, Items};
use super::line::Line;
use crate::connection::Link;
use crate::error::{Error, Result};
use crate::grammar::{Content, Defect, FetchRow};
use crate::types::BodyPart;
use crate::uid_set::UidRanges;

/// Broken envelopes mended in one go: their headers come in one command.
const MAX_ENVELOPES: usize = 250;
/// Broken structures mended in one go: each is a command of its own.
const MAX_STRUCTURES: usize = 50;
/// As much of a message is read for its structure. Of a larger one the parts that begin later are missing.
const MAX_OCTETS: u64 = 8 << 20;

/// Completes `rows`, which have their UIDs. No other command may be under way.
///
/// A server that refuses leaves them as they are; a connection that ends is an error, and so is a pause that is asked for.
pub(super) async fn mend(link: &mut Link, items: &Items, rows: &mut [FetchRow]) -> Result<()> {
    let mended = async {
        envelopes(link, items, rows).await?;
        structures(link, items, rows).await
    };
    match mended.await {
        Err(error @ Error::Refused { .. }) if !error.asks_for_pause() => {
            tracing::debug!(target: "imap", %error, "a broken row could not be mended");
            Ok(())
        }
        other => other,
    }
}

async fn envelopes(link: &mut Link, items: &Items, rows: &mut [FetchRow]) -> Result<()> {
    let broken = rows.iter().filter(|row| items.lacks_envelope(row)).filter_map(|row| row.uid);
    let broken = UidRanges::from_uids(broken.take(MAX_ENVELOPES));
    let mut headers = Gathered::new(broken.count());
    for piece in broken.lines(MAX_SET_BYTES) {
        let line = Line::new("UID FETCH").arg(piece).arg("(UID BODY.PEEK[HEADER])");
        headers.gather(link, &line, |uid| broken.contains(uid)).await?;
    }
    for row in rows {
        if let Some(header) = row.uid.and_then(|uid| headers.by_uid.remove(&uid)) {
            row.sections.extend(header.sections);
        }
    }
    Ok(())
}

async fn structures(link: &mut Link, items: &Items, rows: &mut [FetchRow]) -> Result<()> {
    for row in rows.iter_mut().filter(|row| items.lacks_structure(row)).take(MAX_STRUCTURES) {
        let Some(uid) = row.uid else { continue };
        let line = Line::new("UID FETCH").arg(uid.to_string()).arg(format!("(UID BODY.PEEK[]<0.{MAX_OCTETS}>)"));
        let mut found = Gathered::new(1);
        found.gather(link, &line, |other| other == uid).await?;
        let source = found.by_uid.remove(&uid).and_then(|mut whole| whole.take_section(""));
        if let Some(Content::Inline(source)) = source {
            // Taking 8 MB apart takes some ten milliseconds: not on a thread that serves others.
            let read = tokio::task::spawn_blocking(move || structure(&source)).await;
            put(row, read.map_err(|_| Error::Internal("a message could not be taken apart"))?);
        }
    }
    Ok(())
}

/// From a row that has the whole message, or its beginning.
pub(crate) fn structure_from_source(row: &mut FetchRow) {
    if let Some(Content::Inline(source)) = fetch_items::source(row) {
        let found = structure(source);
        put(row, found);
    }
}

/// What was told stays where nothing was found. A structure that was left out is a defect, too, though it is there now.
fn put(row: &mut FetchRow, found: Option<BodyPart>) {
    row.body_structure = found.or(row.body_structure.take());
    if !row.defects.iter().any(|defect| defect.attribute == "BODYSTRUCTURE") {
        row.defects.push(Defect { attribute: "BODYSTRUCTURE", reason: "it was left out, and read from the message" });
    }
}

/// The tree of a message's parts; `None` for no message at all.
fn structure(source: &[u8]) -> Option<BodyPart> {
    let mut parts: Vec<(BodyPart, Option<usize>)> = outline(source).into_iter().map(body_part).collect();
    // Parents stand before their children, so from the end each one is complete.
    while let Some((mut part, parent)) = parts.pop() {
        part.children.reverse();
        match parent {
            None => return Some(part),
            Some(parent) => parts.get_mut(parent)?.0.children.push(part),
        }
    }
    None
}

fn body_part(told: OutlinePart) -> (BodyPart, Option<usize>) {
    let part = BodyPart {
        part: told.part.into(),
        media_type: told.media_type.into(),
        parameters: told.parameters.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
        encoding: told.encoding.into(),
        size: told.size,
        disposition: told.disposition.map(Into::into),
        filename: told.filename.map(Into::into),
        content_id: told.content_id.map(Into::into),
        children: Vec::new(),
    };
    (part, told.parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_as_the_server_should_have_told_it() {
        let source = b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\nhi\r\n--a\r\n\
            Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nbody\r\n--a--\r\n";
        let root = structure(source).unwrap();
        let shown = |part: &BodyPart| format!("{} {} {}", part.part, part.media_type, part.size);
        assert_eq!(shown(&root), "TEXT multipart/mixed 0");
        assert_eq!(root.children.iter().map(shown).collect::<Vec<_>>(), ["1 text/plain 2", "2 message/rfc822 19"]);
        assert_eq!(root.children[1].children.iter().map(shown).collect::<Vec<_>>(), ["2.1 text/plain 4"]);
    }
}

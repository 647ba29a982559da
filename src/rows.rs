//! Messages on their way to JavaScript: values in a fixed order, without their names.
//!
//! Most of a page of JSON objects is the names of their fields, and reading those is most of what a message costs the
//! JavaScript thread. So the names stay at home: `lib/decode.js` puts them back. The two change together. Values that are
//! [words](crate::words) of every second message stay, too.

use email_base::text;
use email_imap::sync::{FlagsChanged, SyncBatch};
use email_imap::types::{BodyPart, Envelope, FetchedMessage, Flag};
use email_mime::{Address, Attachment, HeaderMap, Invite, ParsedMessage};
use serde::ser::SerializeSeq as _;
use serde::{Serialize, Serializer};

use crate::words::Word;

/// A page of `fetch`.
pub fn page(messages: &[FetchedMessage]) -> impl Serialize + '_ {
    Each(messages, fetched)
}

/// A batch of `sync`.
pub fn batch(batch: &SyncBatch) -> impl Serialize + '_ {
    (
        batch.reset,
        Each(&batch.added, fetched),
        Each(&batch.flags, changed),
        &batch.vanished,
        Beside(&batch.cursor),
        &batch.progress,
    )
}

/// One row of `fetch`.
pub fn fetched(message: &FetchedMessage) -> impl Serialize + '_ {
    (
        message.uid,
        message.flags.as_deref().map(flags),
        message.internal_date,
        message.size,
        message.mod_seq,
        &message.email_id,
        &message.thread_id,
        &message.labels,
        message.envelope.as_ref().map(envelope),
        message.body_structure.as_ref().map(Part),
        message.headers.as_ref().map(Headers),
        &message.source,
        message.message.as_deref().map(parsed),
        &message.degraded,
    )
}

/// A parsed message.
pub fn parsed(message: &ParsedMessage) -> impl Serialize + '_ {
    (
        (&message.message_id, &message.in_reply_to, &message.references, &message.thread_key),
        (message.date, &message.subject, &message.base_subject),
        people(&message.from, [&message.sender, &message.reply_to, &message.to, &message.cc, &message.bcc]),
        Headers(&message.headers),
        (beside(&message.text), beside(&message.html), beside(&message.safe_html), message.tracking_pixels),
        &message.preview,
        Each(&message.attachments, attachment),
        Each(&message.invites, invite),
        &message.report,
        message.security,
        &message.defects,
    )
}

fn changed(changed: &FlagsChanged) -> impl Serialize + '_ {
    (changed.uid, flags(&changed.flags), changed.mod_seq)
}

fn flags(flags: &[Flag]) -> impl Serialize + '_ {
    Each(flags, flag)
}

fn flag(flag: &Flag) -> Word<'_> {
    Word(flag)
}

fn envelope(envelope: &Envelope) -> impl Serialize + '_ {
    (
        envelope.date,
        &envelope.subject,
        &envelope.message_id,
        &envelope.in_reply_to,
        people(&envelope.from, [&envelope.sender, &envelope.reply_to, &envelope.to, &envelope.cc, &envelope.bcc]),
    )
}

fn attachment(attachment: &Attachment) -> impl Serialize + '_ {
    (
        Word(&attachment.part),
        &attachment.filename,
        Word(&attachment.content_type),
        attachment.size,
        &attachment.content_id,
        attachment.inline,
        &attachment.content,
    )
}

fn invite(invite: &Invite) -> impl Serialize + '_ {
    let Invite { method, uid, summary, start, end, organizer, raw } = invite;
    (method, uid, summary, start, end, organizer, Beside(raw))
}

/// The lists of addresses: most are those of `from`, or empty.
fn people<'a>(from: &'a [Address], others: [&'a [Address]; 5]) -> impl Serialize + 'a {
    (People { list: from, like: None }, others.map(|list| People { list, like: Some(from) }))
}

/// Name, address and group of each, one behind the other; 0 for the same as in another list.
struct People<'a> {
    list: &'a [Address],
    like: Option<&'a [Address]>,
}

impl Serialize for People<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.like == Some(self.list) {
            return serializer.serialize_u8(0);
        }
        let mut values = serializer.serialize_seq(Some(self.list.len().saturating_mul(3)))?;
        for Address { name, address, group } in self.list {
            values.serialize_element(name)?;
            values.serialize_element(address)?;
            values.serialize_element(group)?;
        }
        values.end()
    }
}

/// Names and values, one behind the other; a name's only value stands for the list.
struct Headers<'a>(&'a HeaderMap);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_seq(Some(self.0.len().saturating_mul(2)))?;
        for (name, values) in self.0 {
            fields.serialize_element(&Word(name))?;
            match values.as_slice() {
                [value] => fields.serialize_element(value)?,
                values => fields.serialize_element(values)?,
            }
        }
        fields.end()
    }
}

/// A part and those in it: as deep as [`BodyPart`] is, which is bounded.
struct Part<'a>(&'a BodyPart);

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let part = self.0;
        (
            Word(&part.part),
            Word(&part.media_type),
            Parameters(&part.parameters),
            Word(&part.encoding),
            part.size,
            part.disposition.as_deref().map(Word),
            &part.filename,
            &part.content_id,
            Each(&part.children, Part),
        )
            .serialize(serializer)
    }
}

/// Names and values, one behind the other.
struct Parameters<'a>(&'a [(String, String)]);

impl Serialize for Parameters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().flat_map(|(name, value)| [Word(name), Word(value)]))
    }
}

/// A list, each member as `F` has it.
struct Each<'a, T, F>(&'a [T], F);

impl<'a, T, R: Serialize, F: Fn(&'a T) -> R> Serialize for Each<'a, T, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(&self.1))
    }
}

/// A long text goes beside the JSON: see [`text`].
struct Beside<'a>(&'a str);

fn beside(text: &Option<String>) -> Option<Beside<'_>> {
    text.as_deref().map(Beside)
}

impl Serialize for Beside<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        text::one_beside(self.0, serializer)
    }
}

//! Messages on their way to JavaScript: one flat list of values in a fixed order, without names and brackets.
//!
//! Most of a page of JSON objects is the names of their fields and the lists in which they stand, and reading those is most
//! of what a message costs the JavaScript thread. So the names stay at home, and lists come behind their length:
//! `lib/decode.js` puts them back. The two change together. Values that are [words](crate::words) of every second
//! message stay, too.

use email_base::text;
use email_imap::sync::{FlagsChanged, SyncBatch};
use email_imap::types::{BodyPart, Envelope, FetchedMessage, Flag};
use email_mime::{Address, Attachment, Invite, ParsedMessage};
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};
use smol_str::SmolStr;

use crate::words::Word;

/// Stands for the length of a list of addresses that is the same as `from`.
const LIKE_FROM: i8 = -1;

/// A page of `fetch`, a row of it, a batch of `sync` or a parsed message, as one list.
pub struct Flat<'a, T: ?Sized>(pub &'a T);

impl<T: Row + ?Sized> Serialize for Flat<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut values = serializer.serialize_seq(None)?;
        self.0.write(&mut values)?;
        values.end()
    }
}

/// Adds its values to the list.
pub trait Row {
    fn write<S: SerializeSeq>(&self, out: &mut S) -> Result<(), S::Error>;
}

impl<T: Row> Row for [T] {
    fn write<S: SerializeSeq>(&self, out: &mut S) -> Result<(), S::Error> {
        out.serialize_element(&self.len())?;
        self.iter().try_for_each(|member| member.write(out))
    }
}

impl<T: Row> Row for Vec<T> {
    fn write<S: SerializeSeq>(&self, out: &mut S) -> Result<(), S::Error> {
        self.as_slice().write(out)
    }
}

/// 0, or 1 and the value. A list needs no more than its length: see [`list`].
impl<T: Row> Row for Option<T> {
    fn write<S: SerializeSeq>(&self, out: &mut S) -> Result<(), S::Error> {
        out.serialize_element(&u8::from(self.is_some()))?;
        self.as_ref().map_or(Ok(()), |value| value.write(out))
    }
}

impl<T: Row> Row for Box<T> {
    fn write<S: SerializeSeq>(&self, out: &mut S) -> Result<(), S::Error> {
        self.as_ref().write(out)
    }
}

/// `null` in place of the length where there is no list.
fn list<T: Row, S: SerializeSeq>(list: Option<&Vec<T>>, out: &mut S) -> Result<(), S::Error> {
    match list {
        None => out.serialize_element(&()),
        Some(list) => list.write(out),
    }
}

impl Row for FetchedMessage {
    fn write<S: SerializeSeq>(&self, out: &mut S) -> Result<(), S::Error> {
        out.serialize_element(&self.uid)?;
        list(self.flags.as_ref(), out)?;
        out.serialize_element(&self.internal_date)?;
        out.serialize_element(&self.size)?;
        out.serialize_element(&self.mod_seq)?;
        out.serialize_element(&self.email_id)?;
        out.serialize_element(&self.thread_id)?;
        out.serialize_element(&self.labels)?;
        self.envelope.write(out)?;
        self.body_structure.write(out)?;
        list(self.headers.as_ref(), out)?;
        out.serialize_element(&self.source)?;
        self.message.write(out)?;
        out.serialize_element(&self.degraded)
    }
}

impl Row for ParsedMessage {
    fn write<S: SerializeSeq>(&self, out: &mut S) -> Result<(), S::Error> {
        out.serialize_element(&self.message_id)?;
        out.serialize_element(&self.in_reply_to)?;
        out.serialize_element(&self.references)?;
        out.serialize_element(&self.thread_key)?;
        out.serialize_element(&self.date)?;
        out.serialize_element(&self.subject.as_deref().map(Beside))?;
        out.serialize_element(&self.base_subject.as_deref().map(Beside))?;
        people(&self.from, [&self.sender, &self.reply_to, &self.to, &self.cc, &self.bcc], out)?;
        self.headers.write(out)?;
        for text in [&self.text, &self.html, &self.safe_html] {
            out.serialize_element(&text.as_deref().map(Beside))?;
        }
        out.serialize_element(&self.preview)?;
        self.attachments.write(out)?;
        self.invites.write(out)?;
        out.serialize_element(&self.report)?;
        out.serialize_element(&self.security)?;
        out.serialize_element(&self.defects)?;
        out.serialize_element(&self.tracking_pixels)
    }
}

impl Row for SyncBatch {
    fn write<S: SerializeSeq>(&self, out: &mut S) -> Result<(), S::Error> {
        out.serialize_element(&self.reset)?;
        self.added.write(out)?;
        self.flags.write(out)?;
        out.serialize_element(&self.vanished)?;
        out.serialize_element(&Beside(&self.cursor))?;
        out.serialize_element(&self.progress)
    }
}

impl Row for FlagsChanged {
    fn write<S: SerializeSeq>(&self, out: &mut S) -> Result<(), S::Error> {
        out.serialize_element(&self.uid)?;
        self.flags.write(out)?;
        out.serialize_element(&self.mod_seq)
    }
}

impl Row for Flag {
    fn write<S: SerializeSeq>(&self, out: &mut S) -> Result<(), S::Error> {
        out.serialize_element(&Word(self))
    }
}

impl Row for Envelope {
    fn write<S: SerializeSeq>(&self, out: &mut S) -> Result<(), S::Error> {
        out.serialize_element(&self.date)?;
        out.serialize_element(&self.subject.as_deref().map(Beside))?;
        out.serialize_element(&self.message_id)?;
        out.serialize_element(&self.in_reply_to)?;
        people(&self.from, [&self.sender, &self.reply_to, &self.to, &self.cc, &self.bcc], out)
    }
}

/// The lists of addresses: most are those of `from`, or empty.
fn people<S: SerializeSeq>(from: &Vec<Address>, others: [&Vec<Address>; 5], out: &mut S) -> Result<(), S::Error> {
    from.write(out)?;
    for list in others {
        if list == from && !list.is_empty() {
            out.serialize_element(&LIKE_FROM)?;
        } else {
            list.write(out)?;
        }
    }
    Ok(())
}

impl Row for Address {
    fn write<S: SerializeSeq>(&self, out: &mut S) -> Result<(), S::Error> {
        out.serialize_element(&self.name)?;
        out.serialize_element(&self.address)?;
        out.serialize_element(&self.group)
    }
}

/// A part and those in it: as deep as [`BodyPart`] is, which is bounded.
impl Row for BodyPart {
    fn write<S: SerializeSeq>(&self, out: &mut S) -> Result<(), S::Error> {
        out.serialize_element(&Word(&self.part))?;
        out.serialize_element(&Word(&self.media_type))?;
        self.parameters.write(out)?;
        out.serialize_element(&Word(&self.encoding))?;
        out.serialize_element(&self.size)?;
        out.serialize_element(&self.disposition.as_deref().map(Word))?;
        out.serialize_element(&self.filename)?;
        out.serialize_element(&self.content_id)?;
        self.children.write(out)
    }
}

/// A parameter.
impl Row for (SmolStr, SmolStr) {
    fn write<S: SerializeSeq>(&self, out: &mut S) -> Result<(), S::Error> {
        out.serialize_element(&Word(&self.0))?;
        out.serialize_element(&Word(&self.1))
    }
}

/// A header field; a name's only value stands for the list.
impl Row for (String, Vec<String>) {
    fn write<S: SerializeSeq>(&self, out: &mut S) -> Result<(), S::Error> {
        out.serialize_element(&Word(&self.0))?;
        match self.1.as_slice() {
            [value] => out.serialize_element(&Beside(value)),
            values => out.serialize_element(&values.iter().map(|value| Beside(value)).collect::<Vec<_>>()),
        }
    }
}

impl Row for Attachment {
    fn write<S: SerializeSeq>(&self, out: &mut S) -> Result<(), S::Error> {
        out.serialize_element(&Word(&self.part))?;
        out.serialize_element(&self.filename)?;
        out.serialize_element(&Word(&self.content_type))?;
        out.serialize_element(&self.size)?;
        out.serialize_element(&self.content_id)?;
        out.serialize_element(&self.inline)?;
        out.serialize_element(&self.content)
    }
}

impl Row for Invite {
    fn write<S: SerializeSeq>(&self, out: &mut S) -> Result<(), S::Error> {
        out.serialize_element(&self.method)?;
        out.serialize_element(&self.uid)?;
        out.serialize_element(&self.summary)?;
        out.serialize_element(&self.start)?;
        out.serialize_element(&self.end)?;
        out.serialize_element(&self.organizer)?;
        out.serialize_element(&Beside(&self.raw))
    }
}

/// A long text goes beside the JSON: see [`text`].
struct Beside<'a>(&'a str);

impl Serialize for Beside<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        text::one_beside(self.0, serializer)
    }
}

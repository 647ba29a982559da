//! imap-codec as an oracle: thousands of responses of its making, which both grammars must understand alike.
//!
//! Where they differ, and why that is meant:
//! * Words that have no case (flags, capabilities, media types, encodings) are compared without it.
//! * Text for people (subjects, names) is decoded by ours; it is compared elsewhere.
//! * Media types of anything but token characters become what RFC 2045 §5.2 says of types that cannot be read; sizes and
//!   structure are compared all the same.
//! * The years 0 to 9999 are dates in both, but ours has none that a clock cannot tell.
//! * A row that names an attribute twice is read by ours as one attribute: those are passed over.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that meets anything unexpected must fail its test"
)]

use std::collections::{BTreeMap, BTreeSet};

use arbitrary::{Arbitrary, Unstructured};
use email_imap::Limits;
use email_imap::grammar::{
    CompletionStatus, ConditionKind, Content, Event, FetchRow, ListKind, ListRow, ResponseCode, Untagged, response,
};
use email_imap::tap::frames_of;
use email_imap::types::BodyPart;
use imap_codec::ResponseCodec;
use imap_codec::encode::Encoder;
use imap_codec::imap_types::body::{BodyStructure, SpecificFields};
use imap_codec::imap_types::core::{IString, NString};
use imap_codec::imap_types::fetch::MessageDataItem as Item;
use imap_codec::imap_types::flag::FlagFetch;
use imap_codec::imap_types::mailbox::Mailbox;
use imap_codec::imap_types::response::{Code, Data, Response, Status, StatusKind};
use imap_codec::imap_types::status::StatusDataItem;

/// Responses drawn; of each kind there are to be hundreds.
const DRAWS: u64 = 40_000;

#[test]
fn both_grammars_understand_the_same() {
    let mut kinds = BTreeMap::<&str, usize>::new();
    for seed in 0..DRAWS {
        let octets = drawn(seed);
        let Ok(theirs) = Response::arbitrary(&mut Unstructured::new(&octets)) else { continue };
        let sent = ResponseCodec::default().encode(&theirs).dump();
        let frames = match frames_of(&sent, Limits::default()) {
            Ok(frames) => frames,
            Err(end) => panic!("seed {seed}: {end}\n{}", sent.escape_ascii()),
        };
        assert_eq!(frames.len(), 1, "seed {seed}: one response\n{}", sent.escape_ascii());
        let ours = response(&frames[0]);
        match agree(&theirs, &ours) {
            Ok(kind) => *kinds.entry(kind).or_default() += 1,
            Err(difference) => {
                panic!("seed {seed}: {difference}\n{}\ntheirs {theirs:?}\nours   {ours:?}", sent.escape_ascii())
            }
        }
    }
    for kind in ["completion", "condition", "continuation", "fetch", "list", "status", "search", "flags", "capability"]
    {
        assert!(kinds.get(kind).is_some_and(|count| *count > 20), "{kind}: {kinds:?}");
    }
}

/// Octets for one response.
fn drawn(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let length = 64 + next() % 4000;
    (0..length).map(|_| (next() >> 32) as u8).collect()
}

type Agreed = Result<&'static str, String>;

fn same<T: PartialEq + std::fmt::Debug>(what: &str, theirs: T, ours: T) -> Result<(), String> {
    if theirs == ours { Ok(()) } else { Err(format!("{what}: {theirs:?} is not {ours:?}")) }
}

fn agree(theirs: &Response<'_>, ours: &Event) -> Agreed {
    match (theirs, ours) {
        (Response::CommandContinuationRequest(_), Event::Continuation(_)) => Ok("continuation"),
        (Response::Status(status), ours) => agree_status(status, ours),
        (Response::Data(data), Event::Untagged(ours)) => agree_data(data, ours),
        _ => Err("another kind of response".to_owned()),
    }
}

fn agree_status(theirs: &Status<'_>, ours: &Event) -> Agreed {
    let status = |kind: StatusKind| format!("{kind:?}").to_uppercase();
    match (theirs, ours) {
        (Status::Tagged(tagged), Event::Completion(done)) => {
            same("tag", tagged.tag.inner(), &done.tag)?;
            let shown = match done.status {
                CompletionStatus::Ok => "OK",
                CompletionStatus::No => "NO",
                CompletionStatus::Bad => "BAD",
            };
            same("status", status(tagged.body.kind).as_str(), shown)?;
            agree_code(tagged.body.code.as_ref(), done.code.as_ref())?;
            Ok("completion")
        }
        (Status::Untagged(body), Event::Untagged(Untagged::Condition(condition))) => {
            same("status", status(body.kind).as_str(), condition.kind.as_str())?;
            agree_code(body.code.as_ref(), condition.code.as_ref())?;
            Ok("condition")
        }
        (Status::Bye(bye), Event::Untagged(Untagged::Condition(condition))) => {
            same("bye", true, condition.kind == ConditionKind::Bye)?;
            agree_code(bye.code.as_ref(), condition.code.as_ref())?;
            Ok("bye")
        }
        _ => Err("another kind of status".to_owned()),
    }
}

fn agree_code(theirs: Option<&Code<'_>>, ours: Option<&ResponseCode>) -> Result<(), String> {
    let Some(theirs) = theirs else { return Ok(()) };
    let Some(ours) = ours else { return Err("the response code is lost".to_owned()) };
    match (theirs, ours) {
        (Code::UidNext(n), ResponseCode::UidNext(m))
        | (Code::UidValidity(n), ResponseCode::UidValidity(m))
        | (Code::Unseen(n), ResponseCode::Unseen(m)) => same("number", n.get(), *m),
        (Code::AppendUid { uid_validity, uid }, ResponseCode::AppendUid { uid_validity: validity, uids }) => {
            same("validity", uid_validity.get(), *validity)?;
            same("uid", vec![uid.get()], uids.iter().collect())
        }
        (Code::CopyUid { uid_validity, .. }, ResponseCode::CopyUid { uid_validity: validity, from, to }) => {
            same("validity", uid_validity.get(), *validity)?;
            same("sides", false, from.is_empty() || to.is_empty())
        }
        // Sides of different length say nothing.
        (Code::CopyUid { .. }, ResponseCode::Word { name, .. }) => same("name", "COPYUID", name),
        (Code::Capability(theirs), ResponseCode::Capability(ours)) => {
            same("words", words(theirs.as_ref().iter()), words(ours.iter()))
        }
        (Code::PermanentFlags(theirs), ResponseCode::PermanentFlags(ours)) => {
            same("flags", theirs.is_empty(), ours.is_empty())
        }
        (Code::BadCharset { .. }, ours) => same("name", "BADCHARSET", ours.name()),
        (Code::Other(_), _) => Ok(()),
        (simple, ours) => {
            let name: String = format!("{simple:?}").chars().take_while(char::is_ascii_alphanumeric).collect();
            same("name", name.to_uppercase(), ours.name().replace('-', "").to_uppercase())
        }
    }
}

fn agree_data(theirs: &Data<'_>, ours: &Untagged) -> Agreed {
    match (theirs, ours) {
        (Data::Capability(theirs), Untagged::Capability(ours)) => {
            same("words", words(theirs.as_ref().iter()), words(ours.iter()))?;
            Ok("capability")
        }
        (Data::Enabled { capabilities }, Untagged::Enabled(ours)) => {
            same("words", words(capabilities.iter()), words(ours.iter()))?;
            Ok("enabled")
        }
        (Data::List { items, delimiter, mailbox }, Untagged::List(row)) if row.kind == ListKind::List => {
            agree_list(&words(items.iter()), delimiter.map(|c| c.inner()), mailbox, row)?;
            Ok("list")
        }
        (Data::Lsub { items, delimiter, mailbox }, Untagged::List(row)) if row.kind == ListKind::Lsub => {
            agree_list(&words(items.iter()), delimiter.map(|c| c.inner()), mailbox, row)?;
            Ok("lsub")
        }
        (Data::Status { mailbox, items }, Untagged::Status(row)) => {
            same("name", name(mailbox), row.name.0.to_vec())?;
            for item in items.iter() {
                let (theirs, ours) = match item {
                    StatusDataItem::Messages(n) => (u64::from(*n), row.messages.map(u64::from)),
                    StatusDataItem::Unseen(n) => (u64::from(*n), row.unseen.map(u64::from)),
                    StatusDataItem::Deleted(n) => (u64::from(*n), row.deleted.map(u64::from)),
                    StatusDataItem::UidNext(n) => (u64::from(n.get()), row.uid_next.map(u64::from)),
                    StatusDataItem::UidValidity(n) => (u64::from(n.get()), row.uid_validity.map(u64::from)),
                    _ => continue,
                };
                if unique(items.iter().map(std::mem::discriminant), &std::mem::discriminant(item)) {
                    same("counter", Some(theirs), ours)?;
                }
            }
            Ok("status")
        }
        (Data::Search(ids, ..), Untagged::Search(row)) => {
            same("ids", ids.iter().map(|id| id.get()).collect(), row.ids.clone())?;
            Ok("search")
        }
        (Data::Flags(theirs), Untagged::Flags(ours)) => {
            same("flags", words(theirs.iter()), words(ours.iter()))?;
            Ok("flags")
        }
        (Data::Exists(n), Untagged::Exists(m)) | (Data::Recent(n), Untagged::Recent(m)) => {
            same("number", n, m)?;
            Ok("number")
        }
        (Data::Expunge(n), Untagged::Expunge(m)) => {
            same("number", n.get(), *m)?;
            Ok("expunge")
        }
        (Data::Fetch { seq, items }, Untagged::Fetch(row)) => {
            same("sequence number", seq.get(), row.seq)?;
            agree_row(items.as_ref(), row)?;
            Ok("fetch")
        }
        (Data::Quota { .. }, Untagged::Quota(_)) => Ok("quota"),
        (Data::QuotaRoot { .. }, Untagged::QuotaRoot(_)) => Ok("quota root"),
        // Nobody asks for them.
        (Data::Sort(..) | Data::Thread(_), Untagged::Unknown { .. }) => Ok("unknown"),
        _ => Err("other data".to_owned()),
    }
}

fn agree_list(
    attributes: &BTreeSet<String>,
    delimiter: Option<char>,
    mailbox: &Mailbox<'_>,
    row: &ListRow,
) -> Result<(), String> {
    same("attributes", attributes, &words(row.attributes.iter()))?;
    same("delimiter", delimiter, row.delimiter)?;
    same("name", name(mailbox), row.name.0.to_vec())
}

fn agree_row(items: &[Item<'_>], row: &FetchRow) -> Result<(), String> {
    let mut contents = Vec::new();
    for item in items {
        match item {
            Item::BodyExt { data, .. } | Item::Rfc822(data) | Item::Rfc822Header(data) | Item::Rfc822Text(data) => {
                contents.push(octets(data));
            }
            _ => {}
        }
        if !unique(items.iter().map(std::mem::discriminant), &std::mem::discriminant(item)) {
            continue;
        }
        match item {
            Item::Uid(uid) => same("uid", Some(uid.get()), row.uid)?,
            Item::Rfc822Size(size) => same("size", Some(u64::from(*size)), row.size)?,
            Item::Flags(flags) => {
                let flag = |flag: &FlagFetch<'_>| match flag {
                    FlagFetch::Flag(flag) => flag.to_string(),
                    FlagFetch::Recent => "\\Recent".to_owned(),
                };
                let ours = row.flags.as_ref().ok_or("the flags are lost")?;
                same("flags", words(flags.iter().map(flag)), words(ours.iter()))?;
            }
            Item::Envelope(theirs) => {
                let ours = row.envelope.as_ref().ok_or("the envelope is lost")?;
                if theirs.subject.0.is_none() {
                    same("subject", None, ours.subject.as_deref())?;
                }
                if theirs.from.is_empty() {
                    same("from", true, ours.from.is_empty())?;
                }
            }
            Item::BodyStructure(theirs) if !items.iter().any(|item| matches!(item, Item::Body(_))) => {
                let ours = row.body_structure.as_ref().ok_or_else(|| format!("no structure: {:?}", row.defects))?;
                agree_structure(theirs, ours)?;
            }
            _ => {}
        }
    }
    let ours: Vec<_> = row.sections.iter().filter(|section| !section.binary).map(|s| content(&s.content)).collect();
    same("contents", contents, ours)
}

fn agree_structure(theirs: &BodyStructure<'_>, ours: &BodyPart) -> Result<(), String> {
    match theirs {
        BodyStructure::Single { body, .. } => {
            same("octets", u64::from(body.basic.size), ours.size)?;
            let (kind, subtype) = match &body.specific {
                SpecificFields::Basic { r#type, subtype } => (r#type.as_ref(), subtype.as_ref()),
                SpecificFields::Text { subtype, .. } => (&b"text"[..], subtype.as_ref()),
                SpecificFields::Message { body_structure, .. } => {
                    same("message", "message/rfc822", ours.media_type.as_str())?;
                    let inner = ours.children.first().ok_or("the message's content is lost")?;
                    return agree_structure(body_structure, inner);
                }
            };
            if let (Some(kind), Some(subtype)) = (token(kind), token(subtype)) {
                same("type", format!("{kind}/{subtype}"), ours.media_type.to_string())?;
            }
            same("children", 0, if ours.media_type.starts_with("message/") { 0 } else { ours.children.len() })
        }
        BodyStructure::Multi { bodies, subtype, .. } => {
            if let Some(subtype) = token(subtype.as_ref()) {
                same("type", format!("multipart/{subtype}"), ours.media_type.to_string())?;
            }
            same("children", bodies.as_ref().len(), ours.children.len())?;
            bodies.as_ref().iter().zip(&ours.children).try_for_each(|(theirs, ours)| agree_structure(theirs, ours))
        }
    }
}

/// A word that a media type can be made of.
fn token(octets: &[u8]) -> Option<String> {
    let legal = !octets.is_empty() && octets.iter().all(|b| b.is_ascii_alphanumeric());
    legal.then(|| String::from_utf8_lossy(octets).to_lowercase())
}

/// A set without case.
fn words<T: ToString>(items: impl Iterator<Item = T>) -> BTreeSet<String> {
    items.map(|item| item.to_string().to_uppercase()).collect()
}

fn unique<T: PartialEq>(all: impl Iterator<Item = T>, one: &T) -> bool {
    all.filter(|other| other == one).count() == 1
}

fn name(mailbox: &Mailbox<'_>) -> Vec<u8> {
    match mailbox {
        Mailbox::Inbox => b"INBOX".to_vec(),
        Mailbox::Other(other) => other.as_ref().to_vec(),
    }
}

fn octets(string: &NString<'_>) -> Option<Vec<u8>> {
    string.0.as_ref().map(|string: &IString<'_>| string.as_ref().to_vec())
}

fn content(content: &Content) -> Option<Vec<u8>> {
    match content {
        Content::Nil => None,
        Content::Inline(bytes) => Some(bytes.to_vec()),
        Content::Streamed { .. } => panic!("nobody asked for a stream"),
    }
}

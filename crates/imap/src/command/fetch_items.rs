//! Which data items a query needs (RFC 9051 §6.4.5), and whether a row brought them.

use bytes::Bytes;

use super::argument;
use crate::connection::Link;
use crate::error::Result;
use crate::grammar::{Content, FetchRow, Section};
use crate::types::{FetchQuery, HeaderFields};

/// Names of header fields in one command, in octets: [`MAX_SET_BYTES`](super::MAX_SET_BYTES) leaves room for no more. Beyond, the whole header is read.
const MAX_NAMES_BYTES: usize = 2000;

/// The items of one query on one server.
#[derive(Debug, Clone)]
pub(crate) struct Items {
    query: Wanted,
    fields: String,
    /// The same but for the whole message: for one that is too large.
    without_source: Option<Box<Self>>,
}

/// What a row has to bring.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one per item of the query")]
struct Wanted {
    flags: bool,
    internal_date: bool,
    size: bool,
    envelope: bool,
    body_structure: bool,
    header: bool,
    source: bool,
}

impl Items {
    /// Checks the header names.
    pub(crate) fn new(query: &FetchQuery) -> Result<Self> {
        let source = query.needs_source();
        let without_source = if source { Some(Box::new(Self::build(query, false)?)) } else { None };
        Ok(Self { without_source, ..Self::build(query, source)? })
    }

    fn build(query: &FetchQuery, source: bool) -> Result<Self> {
        let fields = match &query.headers {
            // With the whole message at hand its header need not come twice.
            HeaderFields::Named(names) if !source => {
                for name in names {
                    argument::header_name("headers", name)?;
                }
                let names = names.join(" ");
                if names.len() > MAX_NAMES_BYTES { "HEADER".to_owned() } else { format!("HEADER.FIELDS ({names})") }
            }
            HeaderFields::All if !source => "HEADER".to_owned(),
            _ => String::new(),
        };
        let query = Wanted {
            flags: query.flags,
            internal_date: query.internal_date,
            size: query.size,
            envelope: query.envelope,
            body_structure: query.body_structure,
            header: !fields.is_empty(),
            source,
        };
        Ok(Self { query, fields, without_source: None })
    }

    /// Whether whole messages come.
    pub(crate) fn has_source(&self) -> bool {
        self.query.source
    }

    /// What remains for a message whose content cannot be taken.
    pub(crate) fn without_source(&self) -> &Self {
        self.without_source.as_deref().unwrap_or(self)
    }

    /// Whether a row is more than some numbers and words.
    pub(crate) fn is_bulky(&self) -> bool {
        self.query.header || self.query.body_structure
    }

    /// Whether the row's envelope was asked for and is not to be had from the row itself.
    pub(crate) fn lacks_envelope(&self, row: &FetchRow) -> bool {
        let broken = row.defects.iter().any(|defect| defect.attribute == "ENVELOPE");
        self.query.envelope && (broken || row.envelope.is_none()) && whole_header(row).is_none()
    }

    /// Whether the row's structure was asked for and is not to be had from the row itself.
    pub(crate) fn lacks_structure(&self, row: &FetchRow) -> bool {
        self.query.body_structure && (row.body_structure.is_none() || row.lacks_parts()) && source(row).is_none()
    }

    /// Whether something has to be read from the message instead.
    pub(crate) fn needs_mending(&self, row: &FetchRow) -> bool {
        self.lacks_envelope(row) || self.lacks_structure(row)
    }

    /// In parentheses, as `link`'s server understands them. Never one that sets `\Seen`.
    pub(crate) fn text(&self, link: &Link) -> String {
        let mut items = vec!["UID"];
        for (wanted, item) in [
            (self.query.flags, "FLAGS"),
            (self.query.flags && (link.has("CONDSTORE") || link.has("QRESYNC")), "MODSEQ"),
            (self.query.internal_date, "INTERNALDATE"),
            (self.query.size, "RFC822.SIZE"),
            (self.query.envelope, "ENVELOPE"),
            (self.query.body_structure, "BODYSTRUCTURE"),
            (link.has("OBJECTID"), "EMAILID THREADID"),
            (link.has("X-GM-EXT-1"), "X-GM-MSGID X-GM-THRID X-GM-LABELS"),
            (self.query.source, "BODY.PEEK[]"),
        ] {
            if wanted {
                items.push(item);
            }
        }
        let header = format!("BODY.PEEK[{}]", self.fields);
        if self.query.header {
            items.push(&header);
        }
        format!("({})", items.join(" "))
    }

    /// Whether nothing that was asked for is missing, and the row is whole. A NIL is an answer, if a bad one.
    pub(crate) fn are_in(&self, row: &FetchRow) -> bool {
        !row.has_no_end() && self.missing(row).is_none()
    }

    /// The first item that a row lacks.
    pub(crate) fn missing(&self, row: &FetchRow) -> Option<&'static str> {
        let broken = |attribute| row.defects.iter().any(|defect| defect.attribute == attribute);
        [
            (self.query.flags && row.flags.is_none(), "FLAGS"),
            (self.query.internal_date && row.internal_date.is_none(), "INTERNALDATE"),
            (self.query.size && row.size.is_none(), "RFC822.SIZE"),
            (self.query.envelope && row.envelope.is_none(), "ENVELOPE"),
            (self.query.body_structure && row.body_structure.is_none(), "BODYSTRUCTURE"),
            (self.query.header && header(row).is_none(), "HEADER"),
            (self.query.source && !row.sections.iter().any(|section| section.section.is_empty()), "BODY[]"),
        ]
        .into_iter()
        .find_map(|(missing, item)| (missing && !broken(item)).then_some(item))
    }
}

/// The header of a row, whole or some fields of it. Servers repeat the fields' names in their own spelling.
pub(crate) fn header(row: &FetchRow) -> Option<&Section> {
    row.sections.iter().find(|section| section.section.to_ascii_uppercase().starts_with("HEADER"))
}

/// The bytes that the whole header is at the start of, if the row has them.
pub(crate) fn whole_header(row: &FetchRow) -> Option<&Bytes> {
    row.sections.iter().find_map(|section| match &section.content {
        Content::Inline(bytes) if !bytes.is_empty() => {
            (section.section.is_empty() || section.section.eq_ignore_ascii_case("HEADER")).then_some(bytes)
        }
        _ => None,
    })
}

/// The whole message of a row.
pub(crate) fn source(row: &FetchRow) -> Option<&Content> {
    row.sections.iter().find(|section| section.section.is_empty()).map(|section| &section.content)
}

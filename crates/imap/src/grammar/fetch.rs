//! FETCH (RFC 9051 §7.5.2 and extensions): attributes in any order.

use super::body_structure::Told;
use super::flags::{self, MAX_WORDS};
use super::rows::{Content, Defect, FetchRow, Section};
use super::tree::{Item, Items};
use super::{body_structure, date, envelope};
use crate::types::ModSeq;
use crate::utf7;

/// The row of message number `seq`. What cannot be read is among its defects; what is unknown is passed over.
///
/// Of a row without end, what stands last is not to be believed: a literal whose connection is about to be lost has
/// swallowed what the server said at its end. It counts when the server goes on, as one does that announces a literal too short.
pub(super) fn read(seq: u32, list: Items<'_>) -> FetchRow {
    let mut row = FetchRow { seq, ..FetchRow::default() };
    if list.are_cut() {
        row.defects.push(Defect { attribute: Defect::OF_THE_ROW, reason: NO_END });
    }
    let mut items = list;
    while let Some(key) = items.next() {
        let Some(name) = key.atom() else { continue };
        let attribute = Attribute::of(name);
        // An unknown word without a value does not eat the next attribute.
        let next = items.peek().filter(|value| attribute != Attribute::Unknown || !is_known(*value));
        let Some(value) = next else { continue };
        items.next();
        let is_cut = list.are_cut() && items.peek().is_none();
        match attribute {
            Attribute::Section => store(&mut row, attribute, name, value),
            Attribute::Envelope if is_cut => row.defects.push(Defect { attribute: "ENVELOPE", reason: NO_END }),
            Attribute::BodyStructure if is_cut => {
                row.defects.push(Defect { attribute: "BODYSTRUCTURE", reason: NO_END });
            }
            _ if is_cut => {}
            _ => store(&mut row, attribute, name, value),
        }
    }
    row
}

const NO_END: &str = "the response has no end";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attribute {
    Uid,
    Flags,
    InternalDate,
    Size,
    ModSeq,
    Envelope,
    BodyStructure,
    Section,
    BinarySize,
    EmailId,
    ThreadId,
    GmailMessageId,
    GmailThreadId,
    GmailLabels,
    Unknown,
}

const ATTRIBUTES: [(&str, Attribute); 17] = [
    ("UID", Attribute::Uid),
    ("FLAGS", Attribute::Flags),
    ("INTERNALDATE", Attribute::InternalDate),
    ("RFC822.SIZE", Attribute::Size),
    ("MODSEQ", Attribute::ModSeq),
    ("ENVELOPE", Attribute::Envelope),
    ("BODYSTRUCTURE", Attribute::BodyStructure),
    ("BODY", Attribute::BodyStructure),
    ("RFC822", Attribute::Section),
    ("RFC822.HEADER", Attribute::Section),
    ("RFC822.TEXT", Attribute::Section),
    ("EMAILID", Attribute::EmailId),
    ("THREADID", Attribute::ThreadId),
    ("X-GM-MSGID", Attribute::GmailMessageId),
    ("X-GM-THRID", Attribute::GmailThreadId),
    ("X-GM-LABELS", Attribute::GmailLabels),
    ("X-GUID", Attribute::Unknown),
];

impl Attribute {
    fn of(name: &[u8]) -> Self {
        if let Some((_, attribute)) = ATTRIBUTES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes())) {
            return *attribute;
        }
        match SectionName::of(name) {
            Some(SectionName { base: Base::BinarySize, .. }) => Self::BinarySize,
            Some(_) => Self::Section,
            None => Self::Unknown,
        }
    }
}

fn is_known(value: Item<'_>) -> bool {
    value.atom().is_some_and(|atom| Attribute::of(atom) != Attribute::Unknown)
}

/// Sections of one row; nobody asks for more than three at once.
const MAX_SECTIONS: usize = 100;

fn store(row: &mut FetchRow, attribute: Attribute, name: &[u8], value: Item<'_>) {
    match attribute {
        Attribute::Uid => row.uid = value.number32().filter(|uid| *uid > 0),
        Attribute::Flags => row.flags = Some(flags::read(value.members())),
        Attribute::InternalDate => {
            row.internal_date = value.nstring().and_then(|text| date::parse(&text));
            if row.internal_date.is_none() && !value.is_nil() {
                row.defects.push(Defect { attribute: "INTERNALDATE", reason: "INTERNALDATE is no date" });
            }
        }
        Attribute::Size => row.size = value.number().filter(|n| *n <= body_structure::MAX_SIZE),
        Attribute::ModSeq => row.mod_seq = value.members().next().unwrap_or(value).number().map(ModSeq),
        Attribute::Envelope => match envelope::read(value) {
            Ok(envelope) => row.envelope = Some(envelope),
            Err(reason) => row.defects.push(Defect { attribute: "ENVELOPE", reason }),
        },
        Attribute::BodyStructure => match body_structure::read(value) {
            Ok(Told { tree, lacks_parts }) => {
                row.body_structure = Some(tree);
                if lacks_parts {
                    row.defects.push(Defect { attribute: "BODYSTRUCTURE", reason: Defect::NO_PARTS });
                }
            }
            Err(reason) => row.defects.push(Defect { attribute: "BODYSTRUCTURE", reason }),
        },
        Attribute::Section => {
            if let Some(name) = SectionName::of(name)
                && row.sections.len() < MAX_SECTIONS
            {
                row.sections.push(name.section(content(value)));
            }
        }
        Attribute::BinarySize => {
            if let (Some(name), Some(size)) = (SectionName::of(name), value.number()) {
                row.binary_sizes.push((name.text(), size));
            }
        }
        // RFC 8474 §5: `(M123)`; NIL for a message without a thread.
        Attribute::EmailId => row.email_id = object_id(value).or(row.email_id.take()),
        Attribute::ThreadId => row.thread_id = object_id(value).or(row.thread_id.take()),
        Attribute::GmailMessageId => row.email_id = row.email_id.take().or_else(|| gmail_id(value)),
        Attribute::GmailThreadId => row.thread_id = row.thread_id.take().or_else(|| gmail_id(value)),
        Attribute::GmailLabels => {
            let labels = value.members().filter_map(Item::nstring).take(MAX_WORDS);
            row.labels = Some(labels.map(|label| utf7::decode(&label)).collect());
        }
        Attribute::Unknown => {}
    }
}

fn object_id(value: Item<'_>) -> Option<String> {
    value.members().next().unwrap_or(value).string().filter(|id| !id.is_empty())
}

fn gmail_id(value: Item<'_>) -> Option<String> {
    value.number().map(|id| id.to_string())
}

fn content(value: Item<'_>) -> Content {
    match (value.streamed(), value.bytes()) {
        (Some(bytes), _) => Content::Streamed { bytes },
        (None, Some(bytes)) => Content::Inline(bytes),
        (None, None) => Content::Nil,
    }
}

/// `BODY[1.2.HEADER.FIELDS (Subject)]<0>`, `BINARY[1]`, `RFC822.TEXT`.
pub(crate) struct SectionName<'a> {
    base: Base,
    section: &'a [u8],
    /// Where a partial starts.
    pub(crate) origin: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Base {
    Body,
    Binary,
    BinarySize,
}

impl<'a> SectionName<'a> {
    /// `None` for what names no piece of a message.
    pub(crate) fn of(name: &'a [u8]) -> Option<Self> {
        let old = |section: &'static str| Some(Self { base: Base::Body, section: section.as_bytes(), origin: None });
        let Some(open) = name.iter().position(|b| *b == b'[') else {
            return match () {
                () if name.eq_ignore_ascii_case(b"RFC822") => old(""),
                () if name.eq_ignore_ascii_case(b"RFC822.HEADER") => old("HEADER"),
                () if name.eq_ignore_ascii_case(b"RFC822.TEXT") => old("TEXT"),
                () => None,
            };
        };
        let close = name.iter().rposition(|b| *b == b']').filter(|close| *close > open)?;
        let base = match name.get(..open)? {
            word if word.eq_ignore_ascii_case(b"BODY") || word.eq_ignore_ascii_case(b"BODY.PEEK") => Base::Body,
            word if word.eq_ignore_ascii_case(b"BINARY") || word.eq_ignore_ascii_case(b"BINARY.PEEK") => Base::Binary,
            word if word.eq_ignore_ascii_case(b"BINARY.SIZE") => Base::BinarySize,
            _ => return None,
        };
        let section = name.get(open.saturating_add(1)..close)?;
        let origin = name.get(close.saturating_add(1)..).and_then(origin);
        Some(Self { base, section, origin })
    }

    /// What stood in the brackets, upper case but for the field names.
    pub(crate) fn text(&self) -> String {
        let text = String::from_utf8_lossy(self.section).into_owned();
        match text.split_once('(') {
            Some((head, fields)) => format!("{}({fields}", head.to_ascii_uppercase()),
            None => text.to_ascii_uppercase(),
        }
    }

    /// Whether the server has decoded it.
    pub(crate) fn is_binary(&self) -> bool {
        self.base == Base::Binary
    }

    fn section(&self, content: Content) -> Section {
        Section { section: self.text(), binary: self.is_binary(), origin: self.origin, content }
    }
}

/// `<0>`; some servers repeat the length: `<0.1000>`.
fn origin(rest: &[u8]) -> Option<u64> {
    let inside = rest.strip_prefix(b"<")?.strip_suffix(b">")?;
    super::tree::number(inside.split(|b| *b == b'.').next()?)
}

#[cfg(test)]
mod tests {
    use email_base::Timestamp;

    use super::*;
    use crate::grammar::testing::event;
    use crate::grammar::{Event, Untagged};

    fn row(attributes: &str) -> FetchRow {
        match event(&format!("* 7 FETCH {attributes}\r\n")) {
            Event::Untagged(Untagged::Fetch(row)) => *row,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn attributes_in_any_order_with_extra_spaces() {
        let row = row(concat!(
            r#"(  MODSEQ (12345678901)  FLAGS (\seen  $Work ) RFC822.SIZE 44 X-UNKNOWN (a (b)) UID 9 "#,
            r#"INTERNALDATE " 1-Jan-2024 00:00:00 +0000" EMAILID (M6d) THREADID NIL BODY[] "ab" )"#
        ));
        assert_eq!((row.seq, row.uid, row.size, row.mod_seq), (7, Some(9), Some(44), Some(ModSeq(12_345_678_901))));
        assert_eq!(row.flags.unwrap(), ["\\Seen", "$Work"]);
        assert_eq!(row.internal_date, Some(Timestamp(1_704_067_200_000)));
        assert_eq!((row.email_id.as_deref(), row.thread_id), (Some("M6d"), None));
        assert_eq!(row.sections.len(), 1);
        assert_eq!(row.defects, []);
    }

    #[test]
    fn sections_of_every_kind() {
        let row = row(concat!(
            "(BODY[HEADER.FIELDS (Subject \"X-A\")] {3}\r\na\r\n body[1.mime]<5.10> \"x\\\"y\" BINARY[2]<0> ~{2}\r\n\0b ",
            "BODY[3] NIL RFC822.TEXT {0}\r\n BINARY.SIZE[2] 17 UID 3)"
        ));
        let shown: Vec<_> = row.sections.iter().map(|s| (s.section.as_str(), s.binary, s.origin, &s.content)).collect();
        let inline = |bytes: &'static [u8]| Content::Inline(bytes.into());
        assert_eq!(
            shown,
            [
                ("HEADER.FIELDS (Subject \"X-A\")", false, None, &inline(b"a\r\n")),
                ("1.MIME", false, Some(5), &inline(b"x\"y")),
                ("2", true, Some(0), &inline(b"\0b")),
                ("3", false, None, &Content::Nil),
                ("TEXT", false, None, &inline(b"")),
            ]
        );
        assert_eq!((row.binary_sizes, row.uid), (vec![("2".into(), 17)], Some(3)));
    }

    #[test]
    fn numbers_that_lie() {
        for (size, read) in
            [("-1", None), ("99999999999999999999", None), ("9007199254740993", None), ("NIL", None), ("0", Some(0))]
        {
            let row = row(&format!("(RFC822.SIZE {size} UID 4294967296 MODSEQ (x) INTERNALDATE NIL FLAGS NIL)"));
            assert_eq!((row.size, row.uid, row.mod_seq, row.internal_date), (read, None, None, None), "{size}");
            assert_eq!((row.flags, row.defects), (Some(vec![]), vec![]));
        }
    }

    #[test]
    fn a_broken_structure_costs_only_itself() {
        let row = row("(ENVELOPE oops BODYSTRUCTURE () UID 5 INTERNALDATE \"soon\" FLAGS (\\Seen))");
        let broken: Vec<_> = row.defects.iter().map(|d| d.attribute).collect();
        assert_eq!(broken, ["ENVELOPE", "BODYSTRUCTURE", "INTERNALDATE"]);
        assert_eq!((row.uid, row.flags.map(|f| f.len())), (Some(5), Some(1)));
    }

    #[test]
    fn a_multipart_without_parts_is_kept_and_known_as_broken() {
        const TEXT: &str = r#"("text" "plain" NIL NIL NIL "7bit" 5 1)"#;
        for (structure, broken) in [
            (r#"("MIXED" ("boundary" "B"))"#.to_owned(), true),
            (r#"("mixed" ("boundary" "B") NIL NIL)"#.to_owned(), true),
            (r#"(() "related")"#.to_owned(), true),
            (format!(r#"({TEXT}("alternative" ("boundary" "B") NIL NIL) "mixed")"#), true),
            (format!(r#"({TEXT} "mixed" ("boundary" "B") NIL NIL)"#), false),
            (TEXT.to_owned(), false),
        ] {
            let row = row(&format!("(UID 5 BODYSTRUCTURE {structure})"));
            assert!(row.body_structure.is_some(), "{structure}");
            assert_eq!((row.lacks_parts(), row.defects.len()), (broken, usize::from(broken)), "{structure}");
        }
    }

    #[test]
    fn gmail() {
        let row = row(
            r#"(X-GM-THRID 1278455344230334865 X-GM-MSGID 1278455344230334866 X-GM-LABELS ("\\Inbox" \Sent foo "&BB4-" R&D))"#,
        );
        assert_eq!(row.thread_id.as_deref(), Some("1278455344230334865"));
        assert_eq!(row.email_id.as_deref(), Some("1278455344230334866"));
        assert_eq!(row.labels.unwrap(), ["\\Inbox", "\\Sent", "foo", "О", "R&D"]);
    }

    #[test]
    fn an_empty_or_cut_row_is_still_a_row() {
        assert_eq!(row("()"), FetchRow { seq: 7, ..FetchRow::default() });
        assert_eq!(row("(UID 3 BODY[").uid, Some(3));
        assert_eq!(row("(NEWTHING UID 3)").uid, Some(3));
        assert_eq!(row("(UID 3 FLAGS").uid, Some(3));
        for (swallowed, defects) in [
            ("(UID 3 BODY[] {18}\r\nab* BYE connectiontoo late", 1),
            ("(UID 3 BODY[] {22}\r\nx)\r\nA6 OK FETCH completed.", 1),
            ("(UID 3 ENVELOPE (NIL \"cut", 2),
            ("(UID 3 BODYSTRUCTURE (\"TEXT\" \"PLAIN\"", 2),
            ("(UID 3 FLAGS (\\Se", 1),
        ] {
            let row = row(swallowed);
            assert!(row.flags.is_none() && row.envelope.is_none() && row.body_structure.is_none(), "{swallowed}");
            assert!(row.has_no_end(), "{swallowed}");
            assert_eq!((row.uid, row.defects.len()), (Some(3), defects), "{swallowed}");
        }
    }
}

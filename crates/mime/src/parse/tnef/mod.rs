//! `winmail.dat` (MS-OXTNEF): what Outlook sends when it does not know its reader.
//!
//! ```text
//! TNEFStream = signature key *( level id length data checksum )
//! ```
//!
//! Read: attachments with their right names, the body (text, HTML, compressed RTF), meeting requests.

mod lzfu;
mod mapi;
mod meeting;
mod rtf;

use encoding_rs::Encoding;

pub(crate) use meeting::invite;

/// First octets of every stream.
const SIGNATURE: u32 = 0x223E_9F78;

/// Attributes of one stream; stops a stream of a million empty ones.
const MAX_ATTRIBUTES: usize = 20_000;

/// Attachments of one stream.
const MAX_ATTACHMENTS: usize = 500;

/// What a stream holds.
#[derive(Debug, Default)]
pub(crate) struct Tnef {
    pub(crate) text: Option<String>,
    pub(crate) html: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) attachments: Vec<TnefFile>,
    message_class: String,
    properties: mapi::Properties,
}

/// A file inside.
#[derive(Debug, Default)]
pub(crate) struct TnefFile {
    pub(crate) name: String,
    pub(crate) media_type: Option<String>,
    pub(crate) content_id: Option<String>,
    pub(crate) octets: Vec<u8>,
}

/// Little-endian reading that stops at the end instead of failing.
#[derive(Clone)]
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }
}

/// Reads a stream; `None` when it is none. Whatever comes before an error is kept.
pub(crate) fn read(octets: &[u8]) -> Option<Tnef> {
    let mut cursor = Cursor(octets);
    if cursor.u32()? != SIGNATURE {
        return None;
    }
    cursor.u16()?;
    let mut reader = Reader { code_page: encoding_rs::WINDOWS_1252, ..Reader::default() };
    for _ in 0..MAX_ATTRIBUTES {
        let Some(attribute) = attribute(&mut cursor) else { break };
        reader.attribute(attribute.0, attribute.1);
    }
    Some(reader.finish())
}

/// Identifier and data of the next attribute.
fn attribute<'a>(cursor: &mut Cursor<'a>) -> Option<(u32, &'a [u8])> {
    cursor.u8()?;
    let id = cursor.u32()?;
    let length = usize::try_from(cursor.u32()?).ok()?;
    let data = cursor.take(length)?;
    // A wrong checksum changes nothing: the length was right.
    cursor.u16();
    Some((id, data))
}

/// For [`crate::fuzzing`].
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn probe_rtf(octets: &[u8]) {
    rtf::read(octets);
}

/// For [`crate::fuzzing`].
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn probe_compressed_rtf(octets: &[u8]) {
    let raw = lzfu::decompress(octets).unwrap_or_default();
    assert!(raw.len() <= octets.len().saturating_mul(9), "an octet became more than nine");
    rtf::read(&raw);
}

struct Reader {
    code_page: &'static Encoding,
    out: Tnef,
    file: Option<TnefFile>,
}

impl Default for Reader {
    fn default() -> Self {
        Self { code_page: encoding_rs::WINDOWS_1252, out: Tnef::default(), file: None }
    }
}

impl Reader {
    fn attribute(&mut self, id: u32, data: &[u8]) {
        match id {
            // attOemCodepage
            0x0006_9007 => self.code_page = Cursor(data).u32().and_then(encoding_of).unwrap_or(self.code_page),
            // attMessageClass
            0x0007_8008 => self.out.message_class = self.string(data),
            // attSubject
            0x0001_8004 => self.out.subject = Some(self.string(data)),
            // attBody
            0x0002_800C => self.out.text = Some(self.string(data).replace("\r\n", "\n")).filter(|t| !t.is_empty()),
            // attMsgProps
            0x0006_9003 => self.out.properties = mapi::Properties::read(data, self.code_page),
            // attAttachRenddata: a new attachment begins
            0x0006_9002 => {
                self.end_file();
                self.file = Some(TnefFile::default());
            }
            // attAttachTitle
            0x0001_8010 => self.with_file(|file, title| file.name = title, data),
            // attAttachData
            0x0006_800F => {
                if let Some(file) = &mut self.file {
                    file.octets = data.to_vec();
                }
            }
            // attAttachment
            0x0006_9005 => self.file_properties(data),
            _ => {}
        }
    }

    fn with_file(&mut self, set: impl FnOnce(&mut TnefFile, String), data: &[u8]) {
        let text = self.string(data);
        if let Some(file) = &mut self.file {
            set(file, text);
        }
    }

    fn string(&self, data: &[u8]) -> String {
        let end = memchr::memchr(0, data).unwrap_or(data.len());
        let text = data.get(..end).unwrap_or_default();
        self.code_page.decode_without_bom_handling(text).0.into_owned()
    }

    fn file_properties(&mut self, data: &[u8]) {
        let properties = mapi::Properties::read(data, self.code_page);
        let Some(file) = &mut self.file else { return };
        if let Some(name) = properties.text(mapi::ATTACH_LONG_FILENAME).or_else(|| properties.text(mapi::DISPLAY_NAME))
        {
            file.name = name;
        }
        file.media_type = properties.text(mapi::ATTACH_MIME_TAG).or(file.media_type.take());
        file.content_id = properties.text(mapi::ATTACH_CONTENT_ID).or(file.content_id.take());
        if file.octets.is_empty()
            && let Some(object) = properties.binary(mapi::ATTACH_DATA)
        {
            file.octets = object.to_vec();
        }
    }

    fn end_file(&mut self) {
        if let Some(file) = self.file.take()
            && self.out.attachments.len() < MAX_ATTACHMENTS
            && !(file.name.is_empty() && file.octets.is_empty())
        {
            self.out.attachments.push(file);
        }
    }

    fn finish(mut self) -> Tnef {
        self.end_file();
        let mut out = self.out;
        let properties = &out.properties;
        out.html = properties
            .binary(mapi::HTML)
            .map(|octets| html_text(octets, properties))
            .or_else(|| properties.text(mapi::HTML));
        if let Some(rtf) = properties.binary(mapi::RTF_COMPRESSED).and_then(lzfu::decompress) {
            let body = rtf::read(&rtf);
            out.html = out.html.or(body.html);
            out.text = out.text.or(body.text);
        }
        out.text = properties.text(mapi::BODY).or(out.text);
        out.subject = properties.text(mapi::SUBJECT).or(out.subject);
        out
    }
}

/// PR_HTML is octets in the message's code page.
fn html_text(octets: &[u8], properties: &mapi::Properties) -> String {
    let page = properties.number(mapi::INTERNET_CODE_PAGE).and_then(encoding_of);
    let encoding = page.unwrap_or(encoding_rs::UTF_8);
    encoding.decode(octets).0.replace('\0', "").replace("\r\n", "\n")
}

/// Code pages of Windows.
fn encoding_of(page: u32) -> Option<&'static Encoding> {
    let label = match page {
        932 => "shift_jis".to_owned(),
        936 | 54936 => "gb18030".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        20127 => "windows-1252".to_owned(),
        20866 => "koi8-r".to_owned(),
        28591..=28606 => format!("iso-8859-{}", page - 28590),
        50220..=50222 => "iso-2022-jp".to_owned(),
        51932 => "euc-jp".to_owned(),
        65001 => "utf-8".to_owned(),
        1250..=1258 | 874 => format!("windows-{page}"),
        _ => return None,
    };
    Encoding::for_label(label.as_bytes())
}

/// Streams for tests.
#[cfg(test)]
pub(super) mod make {
    use super::mapi;

    pub(crate) fn stream(attributes: &[(u8, u32, Vec<u8>)]) -> Vec<u8> {
        let mut out = super::SIGNATURE.to_le_bytes().to_vec();
        out.extend(1u16.to_le_bytes());
        for (level, id, data) in attributes {
            out.push(*level);
            out.extend(id.to_le_bytes());
            out.extend((data.len() as u32).to_le_bytes());
            out.extend(data);
            out.extend(data.iter().fold(0u16, |sum, o| sum.wrapping_add(u16::from(*o))).to_le_bytes());
        }
        out
    }

    pub(crate) fn unicode(id: u16, text: &str) -> Vec<u8> {
        let mut octets: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        octets.extend([0, 0]);
        variable(0x001F, id, &octets)
    }

    pub(crate) fn binary(id: u16, octets: &[u8]) -> Vec<u8> {
        variable(0x0102, id, octets)
    }

    fn variable(kind: u16, id: u16, octets: &[u8]) -> Vec<u8> {
        let mut out = [kind.to_le_bytes(), id.to_le_bytes()].concat();
        out.extend(1u32.to_le_bytes());
        out.extend((octets.len() as u32).to_le_bytes());
        out.extend(octets);
        out.resize(out.len().next_multiple_of(4), 0);
        out
    }

    pub(crate) fn time(id: u16, filetime: u64) -> Vec<u8> {
        [&0x0040u16.to_le_bytes()[..], &id.to_le_bytes(), &filetime.to_le_bytes()].concat()
    }

    pub(crate) fn properties(all: &[Vec<u8>]) -> Vec<u8> {
        [(all.len() as u32).to_le_bytes().to_vec(), all.concat()].concat()
    }

    /// A message with a body, a Chinese file name and an embedded picture.
    pub(crate) fn message() -> Vec<u8> {
        let file = properties(&[
            unicode(mapi::ATTACH_LONG_FILENAME, "合同.pdf"),
            unicode(mapi::ATTACH_MIME_TAG, "application/pdf"),
        ]);
        stream(&[
            (1, 0x0006_9007, 936u32.to_le_bytes().to_vec()),
            (1, 0x0007_8008, b"IPM.Note\0".to_vec()),
            (1, 0x0006_9003, properties(&[unicode(mapi::BODY, "你好\r\n"), unicode(mapi::SUBJECT, "计划")])),
            (2, 0x0006_9002, vec![0; 14]),
            (2, 0x0001_8010, b"\xba\xcf\xcd\xac.pdf\0".to_vec()),
            (2, 0x0006_800F, b"%PDF".to_vec()),
            (2, 0x0006_9005, file),
            (2, 0x0006_9002, vec![0; 14]),
            (2, 0x0001_8010, b"\xd5\xd5\xc6\xac.png\0".to_vec()),
            (2, 0x0006_800F, b"\x89PNG".to_vec()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_bodies_and_types() {
        let tnef = read(&make::message()).unwrap();
        assert_eq!(tnef.text.as_deref(), Some("你好\n"));
        assert_eq!(tnef.subject.as_deref(), Some("计划"));
        let files: Vec<_> =
            tnef.attachments.iter().map(|f| (f.name.as_str(), f.octets.as_slice(), f.media_type.as_deref())).collect();
        assert_eq!(files, [("合同.pdf", &b"%PDF"[..], Some("application/pdf")), ("照片.png", &b"\x89PNG"[..], None)]);
    }

    #[test]
    fn winmail_dat_is_replaced_by_what_it_holds() {
        use base64::Engine as _;
        let octets = base64::engine::general_purpose::STANDARD.encode(make::message());
        let source = format!(
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n\n--b\nContent-Type: application/ms-tnef; name=winmail.dat\n\
             Content-Transfer-Encoding: base64\n\n{octets}\n--b--"
        );
        let options = crate::ParseOptions { attachments: crate::AttachmentDetail::Content, ..Default::default() };
        let parsed = crate::parse(source.as_bytes(), &options);
        assert_eq!(parsed.text.as_deref(), Some("你好\n"));
        let files: Vec<_> = parsed.attachments.iter().map(|a| (a.part.as_str(), a.filename.as_str(), a.size)).collect();
        assert_eq!(files, [("2", "合同.pdf", 4), ("2", "照片.png", 4)]);
        assert_eq!(parsed.attachments[1].content_type, "image/png");
    }

    #[test]
    fn line_ends_of_both_bodies_are_the_same() {
        let old = read(&make::stream(&[(1, 0x0002_800C, b"one\r\ntwo\r\n\0".to_vec())])).unwrap();
        let new = make::properties(&[make::unicode(mapi::BODY, "one\r\ntwo\r\n")]);
        let new = read(&make::stream(&[(1, 0x0006_9003, new)])).unwrap();
        assert_eq!((old.text.as_deref(), &old.text), (Some("one\ntwo\n"), &new.text));
    }

    #[test]
    fn rtf_bodies_are_read() {
        let rtf = lzfu::tests::stored("{\\rtf1\\ansi\\fromhtml1{\\*\\htmltag <p>}Hi{\\*\\htmltag </p>}}");
        let properties = make::properties(&[make::binary(mapi::RTF_COMPRESSED, &rtf)]);
        let tnef = read(&make::stream(&[(1, 0x0006_9003, properties)])).unwrap();
        assert_eq!(tnef.html.as_deref(), Some("<p>Hi</p>"));
    }

    #[test]
    fn a_cut_stream_gives_what_was_whole() {
        let whole = make::message();
        for end in 0..whole.len() {
            read(&whole[..end]);
        }
        assert!(read(b"PK\x03\x04").is_none());
        assert!(read(b"").is_none());
        let lying = make::stream(&[(
            1,
            0x0006_9003,
            [u32::MAX.to_le_bytes(), [0x1F, 0, 0, 0x10], u32::MAX.to_le_bytes()].concat(),
        )]);
        assert!(read(&lying).unwrap().text.is_none());
    }
}

//! Opaque-signed messages (RFC 8551 §3.5.2): the content inside, for reading. Nothing is verified.
//!
//! ```text
//! ContentInfo ::= SEQUENCE { OID, [0] SEQUENCE { version, digestAlgorithms SET, SEQUENCE { OID, [0] OCTET STRING } … } }
//! ```
//!
//! BER, not only DER (RFC 5652 §2): lengths may be indefinite and strings in pieces. No recursion.

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const OID: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
const OCTET_STRING_IN_PIECES: u8 = 0x24;
const EXPLICIT_0: u8 = 0xA0;

/// The signed content, `None` when the object is none or holds none.
pub(super) fn signed_content(octets: &[u8]) -> Option<Vec<u8>> {
    let mut ber = Ber(octets);
    let mut info = ber.enter(SEQUENCE)?;
    info.skip(OID)?;
    let mut explicit = info.enter(EXPLICIT_0)?;
    let mut signed = explicit.enter(SEQUENCE)?;
    signed.skip(INTEGER)?;
    signed.skip(SET)?;
    let mut encapsulated = signed.enter(SEQUENCE)?;
    encapsulated.skip(OID)?;
    let mut content = encapsulated.enter(EXPLICIT_0)?;
    content.octet_string()
}

struct Ber<'a>(&'a [u8]);

/// A tag and how long its content is; `None` for indefinite.
struct Header {
    tag: u8,
    length: Option<usize>,
}

impl<'a> Ber<'a> {
    fn header(&mut self) -> Option<Header> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let length = match first {
            0x80 => None,
            0..=0x7F => Some(usize::from(first)),
            _ => {
                let count = usize::from(first & 0x7F);
                let (digits, tail) = rest.split_at_checked(count).filter(|_| count <= 8)?;
                rest = tail;
                Some(digits.iter().try_fold(0usize, |n, d| n.checked_mul(256)?.checked_add(usize::from(*d)))?)
            }
        };
        self.0 = rest;
        Some(Header { tag, length })
    }

    /// The content of the next element, which must have that tag. A cut message gives what is left of it.
    fn enter(&mut self, tag: u8) -> Option<Self> {
        let header = self.header().filter(|h| h.tag == tag)?;
        let length = header.length.unwrap_or(self.0.len()).min(self.0.len());
        let (content, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(Self(content))
    }

    /// Passes over the next element, which must have that tag, with all that is in it.
    fn skip(&mut self, tag: u8) -> Option<()> {
        let mut open = 0usize;
        let mut first = true;
        loop {
            let header = self.header()?;
            if first && header.tag != tag {
                return None;
            }
            first = false;
            match (header.tag, header.length) {
                // The end of an indefinite length.
                (0, Some(0)) if open > 0 => open -= 1,
                (_, Some(length)) => self.0 = self.0.get(length..)?,
                (_, None) => open += 1,
            }
            if open == 0 {
                return Some(());
            }
        }
    }

    fn octet_string(&mut self) -> Option<Vec<u8>> {
        let header = self.header()?;
        let length = header.length.unwrap_or(self.0.len()).min(self.0.len());
        match header.tag {
            OCTET_STRING => self.0.get(..length).map(<[u8]>::to_vec),
            OCTET_STRING_IN_PIECES => Some(pieces(Ber(self.0.get(..length)?))),
            _ => None,
        }
    }
}

/// Pieces one after another, nested ones as they come, up to where they end.
fn pieces(mut ber: Ber<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(ber.0.len());
    while let Some(header) = ber.header() {
        match (header.tag, header.length) {
            (OCTET_STRING, Some(length)) => {
                let (piece, rest) = ber.0.split_at(length.min(ber.0.len()));
                out.extend_from_slice(piece);
                ber.0 = rest;
            }
            (OCTET_STRING_IN_PIECES, _) => {}
            _ => break,
        }
    }
    out
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len();
        let head =
            if length < 128 { vec![tag, length as u8] } else { vec![tag, 0x82, (length >> 8) as u8, length as u8] };
        [head, content.to_vec()].concat()
    }

    fn indefinite(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, 0x80], content, &[0, 0]].concat()
    }

    pub(crate) fn sign(content: &[u8]) -> Vec<u8> {
        let data = tlv(OID, b"\x2A\x86\x48\x86\xF7\x0D\x01\x07\x01");
        let encapsulated = tlv(SEQUENCE, &[data, tlv(EXPLICIT_0, &tlv(OCTET_STRING, content))].concat());
        let signed = tlv(SEQUENCE, &[tlv(INTEGER, &[1]), tlv(SET, &[]), encapsulated, tlv(SET, &[])].concat());
        tlv(SEQUENCE, &[tlv(OID, b"\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02"), tlv(EXPLICIT_0, &signed)].concat())
    }

    #[test]
    fn definite_and_indefinite() {
        assert_eq!(signed_content(&sign(b"hello")).unwrap(), b"hello");
        let string =
            indefinite(OCTET_STRING_IN_PIECES, &[tlv(OCTET_STRING, b"hel"), tlv(OCTET_STRING, b"lo")].concat());
        let encapsulated = indefinite(SEQUENCE, &[tlv(OID, b"\x2A"), indefinite(EXPLICIT_0, &string)].concat());
        let algorithms = indefinite(SET, &indefinite(SEQUENCE, &tlv(OID, b"\x2A")));
        let signed = indefinite(SEQUENCE, &[tlv(INTEGER, &[1]), algorithms, encapsulated].concat());
        let info = indefinite(SEQUENCE, &[tlv(OID, b"\x2A"), indefinite(EXPLICIT_0, &signed)].concat());
        assert_eq!(signed_content(&info).unwrap(), b"hello");
    }

    #[test]
    fn rubbish_and_bombs() {
        let whole = sign(&[7; 300]);
        for end in 0..whole.len() {
            signed_content(&whole[..end]);
        }
        assert_eq!(signed_content(b""), None);
        assert_eq!(signed_content(&[0x30, 0x80].repeat(200_000)), None);
        assert_eq!(signed_content(&[0x30, 0x88, 255, 255, 255, 255, 255, 255, 255, 255]), None);
    }
}

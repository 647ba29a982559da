//! Signed or encrypted, by structure alone (RFC 1847, RFC 8551, RFC 3156, RFC 9580 §7); nothing is verified.

use super::charset::Hint;
use super::structure::{Part, Tree};
use super::transfer;
use super::{attachment, cms};
use crate::message::Security;

/// What the parts say; a text may still say more ([`inline_pgp`]).
pub(crate) fn of(tree: &Tree<'_>) -> Security {
    tree.parts.iter().find_map(|part| of_part(tree, part)).unwrap_or(Security::None)
}

/// What an opaque-signed message holds: a MIME entity of its own.
pub(crate) fn open_signed(tree: &Tree<'_>) -> Option<Vec<u8>> {
    let part = tree.parts.first().filter(|p| is_pkcs7(p) && kind_of_pkcs7(p) == Pkcs7::Signed)?;
    cms::signed_content(&transfer::decode(part.body, part.encoding).0)
}

fn is_pkcs7(part: &Part<'_>) -> bool {
    match part.content_type.value.as_str() {
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => true,
        "application/octet-stream" => suffix_of_pkcs7(part).is_some(),
        _ => false,
    }
}

/// What a sender or server that knows no better calls the object (RFC 8551 §3.10).
fn suffix_of_pkcs7(part: &Part<'_>) -> Option<&'static str> {
    let name = attachment::given_name(part, Hint::default())?.to_ascii_lowercase();
    let (stem, suffix) = name.rsplit_once('.')?;
    // A signed document among other files (`contract.pdf.p7m`) says nothing of the message.
    if part.parent.is_some() && stem != "smime" {
        return None;
    }
    ["p7m", "p7s", "p7z"].into_iter().find(|s| *s == suffix)
}

fn of_part(tree: &Tree<'_>, part: &Part<'_>) -> Option<Security> {
    match part.content_type.value.as_str() {
        "multipart/signed" if protocol(tree, part).contains("pgp") => Some(Security::PgpSigned),
        "multipart/signed" => Some(Security::SmimeSigned),
        "multipart/encrypted" => Some(Security::PgpEncrypted),
        "multipart/mixed" if was_encrypted(tree, part) => Some(Security::PgpEncrypted),
        _ if is_pkcs7(part) => Some(of_pkcs7(part)),
        _ => None,
    }
}

/// Exchange makes a `multipart/mixed` of a `multipart/encrypted` (RFC 3156 §4) and puts an empty text before it.
fn was_encrypted(tree: &Tree<'_>, part: &Part<'_>) -> bool {
    let kinds: Vec<_> =
        part.children.iter().filter_map(|at| tree.parts.get(*at)).map(|p| &p.content_type.value).collect();
    kinds.windows(2).any(|pair| matches!(pair, [version, data] if *version == "application/pgp-encrypted" && *data == "application/octet-stream"))
}

/// The `protocol`, else what it repeats (RFC 1847 §2.1): the type of the signature, the second of two parts.
fn protocol(tree: &Tree<'_>, part: &Part<'_>) -> String {
    let named = part.content_type.get("protocol").filter(|name| !name.is_empty());
    let signature = || part.children.get(1).and_then(|at| tree.parts.get(*at)).map(|p| p.content_type.value.as_str());
    named.or_else(signature).unwrap_or_default().to_ascii_lowercase()
}

/// The `smime-type`, else the object identifier near the start of the octets, else what is most likely.
fn of_pkcs7(part: &Part<'_>) -> Security {
    match kind_of_pkcs7(part) {
        Pkcs7::Signed => Security::SmimeSigned,
        Pkcs7::Enveloped => Security::SmimeEncrypted,
    }
}

/// What a PKCS #7 object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pkcs7 {
    Signed,
    Enveloped,
}

fn kind_of_pkcs7(part: &Part<'_>) -> Pkcs7 {
    /// 1.2.840.113549.1.7.2, DER.
    const SIGNED_DATA: &[u8] = &[0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02];
    match part.content_type.get("smime-type").map(str::to_ascii_lowercase).as_deref() {
        Some("signed-data" | "certs-only" | "signed-receipt") => return Pkcs7::Signed,
        Some(_) => return Pkcs7::Enveloped,
        None => {}
    }
    let start = part.body.get(..200).unwrap_or(part.body);
    let (octets, _) = transfer::decode(start, part.encoding);
    let is_signed = memchr::memmem::find(octets.get(..40).unwrap_or(&octets), SIGNED_DATA).is_some()
        || suffix_of_pkcs7(part) == Some("p7s");
    if is_signed { Pkcs7::Signed } else { Pkcs7::Enveloped }
}

/// A text that is armoured itself.
pub(crate) fn inline_pgp(text: &str) -> Security {
    let text = text.trim_start();
    if text.starts_with("-----BEGIN PGP MESSAGE-----") {
        Security::PgpEncrypted
    } else if text.starts_with("-----BEGIN PGP SIGNED MESSAGE-----") {
        Security::PgpSigned
    } else {
        Security::None
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use crate::{ParseOptions, Security, parse};

    fn security(head: &str, body: &str) -> Security {
        parse(format!("{head}\n\n{body}").as_bytes(), &ParseOptions::default()).security
    }

    #[test]
    fn signed_and_encrypted_by_structure() {
        let multipart =
            |kind: &str, protocol: &str| format!("Content-Type: multipart/{kind}; protocol=\"{protocol}\"; boundary=b");
        let body = "--b\n\nx\n--b\n\ny\n--b--";
        assert_eq!(security(&multipart("signed", "application/pkcs7-signature"), body), Security::SmimeSigned);
        assert_eq!(security(&multipart("signed", "application/pgp-signature"), body), Security::PgpSigned);
        assert_eq!(security(&multipart("encrypted", "application/pgp-encrypted"), body), Security::PgpEncrypted);
        assert_eq!(
            security("Content-Type: application/pkcs7-mime; smime-type=enveloped-data", ""),
            Security::SmimeEncrypted
        );
        assert_eq!(security("Subject: x", "-----BEGIN PGP MESSAGE-----\n"), Security::PgpEncrypted);
        assert_eq!(security("Subject: x", "-----BEGIN PGP SIGNED MESSAGE-----\n"), Security::PgpSigned);
        assert_eq!(security("Subject: x", "hello"), Security::None);
    }

    #[test]
    fn a_signature_whose_protocol_is_not_named_is_of_its_own_kind() {
        let of = |kind: &str| {
            let body = format!("--b\n\nx\n--b\nContent-Type: {kind}\n\ny\n--b--");
            security("Content-Type: multipart/signed; boundary=b", &body)
        };
        assert_eq!(of("application/pgp-signature; name=signature.asc"), Security::PgpSigned);
        assert_eq!(of("application/pkcs7-signature"), Security::SmimeSigned);
        assert_eq!(of("text/plain"), Security::SmimeSigned);
    }

    #[test]
    fn opaque_signed_content_is_opened_for_reading() {
        let inside = b"Content-Type: multipart/mixed; boundary=i\n\n--i\n\nsigned words\n--i\nContent-Type: application/pdf; name=a.pdf\n\n%PDF\n--i--\n";
        let octets = base64::engine::general_purpose::STANDARD.encode(super::cms::tests::sign(inside));
        for kind in [
            "application/pkcs7-mime; smime-type=signed-data; name=smime.p7m",
            "application/x-pkcs7-mime; name=smime.p7m",
        ] {
            let source =
                format!("Subject: outside\nContent-Type: {kind}\nContent-Transfer-Encoding: base64\n\n{octets}\n");
            let parsed = parse(source.as_bytes(), &ParseOptions::default());
            assert_eq!(parsed.security, Security::SmimeSigned);
            assert_eq!((parsed.subject.as_deref(), parsed.text.as_deref()), (Some("outside"), Some("signed words")));
            assert_eq!((parsed.attachments[0].filename.as_str(), parsed.attachments[0].part.as_str()), ("a.pdf", "1"));
            assert!(parsed.defects[0].contains("not verified"));
        }
    }

    #[test]
    fn objects_of_no_type_are_known_by_their_file_name() {
        let inside = b"Content-Type: text/plain\n\nsigned words\n";
        let encode = |octets: &[u8]| base64::engine::general_purpose::STANDARD.encode(octets);
        let signed = encode(&super::cms::tests::sign(inside));
        let read = |head: &str, octets: &str| {
            let source = format!("Subject: outside\n{head}\nContent-Transfer-Encoding: base64\n\n{octets}\n");
            let parsed = parse(source.as_bytes(), &ParseOptions::default());
            (parsed.security, parsed.text.map(|t| t.trim().to_owned()))
        };
        let opened = (Security::SmimeSigned, Some("signed words".to_owned()));
        let by_type = "Content-Type: application/octet-stream; name=\"smime.p7m\"";
        let by_disposition =
            "Content-Type: application/octet-stream\nContent-Disposition: attachment; filename=Letter.P7M";
        assert_eq!(read(by_type, &signed), opened);
        assert_eq!(read(by_disposition, &signed), opened);
        // Object identifier 1.2.840.113549.1.7.3.
        let enveloped = "MIIBCQYJKoZIhvcNAQcDoIH7MIH4AgEAMYHA";
        assert_eq!(read(by_type, enveloped), (Security::SmimeEncrypted, None));
        assert_eq!(read(by_disposition, enveloped), (Security::SmimeEncrypted, None));
        assert_eq!(read("Content-Type: application/octet-stream; name=smime.p7s", "MAAA").0, Security::SmimeSigned);
        assert_eq!(read("Content-Type: application/octet-stream; name=smime.p7z", "MAAA").0, Security::SmimeEncrypted);
        assert_eq!(read("Content-Type: application/octet-stream; name=smime.zip", &signed).0, Security::None);
    }

    #[test]
    fn a_signed_document_among_others_does_not_sign_the_message() {
        let with = |name: &str| {
            let body =
                format!("--b\n\nsee below\n--b\nContent-Type: application/octet-stream; name={name}\n\nx\n--b--");
            security("Content-Type: multipart/mixed; boundary=b", &body)
        };
        assert_eq!(with("contract.pdf.p7m"), Security::None);
        assert_eq!(with("smime.p7m"), Security::SmimeEncrypted);
    }

    #[test]
    fn an_encrypted_message_whose_multipart_a_server_renamed() {
        let with = |second: &str, third: &str| {
            let body = format!(
                "--b\nContent-Type: text/plain\n\n\n--b\n{second}\n\nVersion: 1\n--b\n{third}\n\n-----BEGIN PGP MESSAGE-----\n--b--"
            );
            security("Content-Type: multipart/mixed; boundary=b", &body)
        };
        let version = "Content-Type: application/pgp-encrypted; name=\"PGPMIME version identification\"";
        let data = "Content-Type: application/octet-stream; name=encrypted.asc";
        assert_eq!(with(version, data), Security::PgpEncrypted);
        assert_eq!(with(version, "Content-Type: application/pdf"), Security::None);
        assert_eq!(with("Content-Type: text/plain", data), Security::None);
    }
}

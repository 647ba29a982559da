//! Signed or encrypted, by structure alone (RFC 1847, RFC 8551, RFC 3156, RFC 9580 §7); nothing is verified.

use super::structure::{Part, Tree};
use crate::message::Security;

/// What the message says of itself.
pub(crate) fn of(tree: &Tree<'_>, text: Option<&str>) -> Security {
    let by_structure = tree.parts.iter().find_map(of_part);
    by_structure.unwrap_or_else(|| text.map_or(Security::None, inline_pgp))
}

fn of_part(part: &Part<'_>) -> Option<Security> {
    let kind = &part.content_type;
    let protocol = kind.get("protocol").unwrap_or_default().to_ascii_lowercase();
    match kind.value.as_str() {
        "multipart/signed" if protocol.contains("pgp") => Some(Security::PgpSigned),
        "multipart/signed" => Some(Security::SmimeSigned),
        "multipart/encrypted" => Some(Security::PgpEncrypted),
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => Some(of_pkcs7(part)),
        _ => None,
    }
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
pub(crate) enum Pkcs7 {
    Signed,
    Enveloped,
}

pub(crate) fn kind_of_pkcs7(part: &Part<'_>) -> Pkcs7 {
    /// 1.2.840.113549.1.7.2, DER.
    const SIGNED_DATA: &[u8] = &[0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02];
    match part.content_type.get("smime-type").map(str::to_ascii_lowercase).as_deref() {
        Some("signed-data" | "certs-only" | "signed-receipt") => return Pkcs7::Signed,
        Some(_) => return Pkcs7::Enveloped,
        None => {}
    }
    let start = part.body.get(..200).unwrap_or(part.body);
    let (octets, _) = super::transfer::decode(start, part.encoding);
    let is_signed = memchr::memmem::find(octets.get(..40).unwrap_or(&octets), SIGNED_DATA).is_some();
    if is_signed { Pkcs7::Signed } else { Pkcs7::Enveloped }
}

fn inline_pgp(text: &str) -> Security {
    let text = text.trim_start();
    if text.starts_with("-----BEGIN PGP MESSAGE-----") {
        Security::PgpEncrypted
    } else if text.starts_with("-----BEGIN PGP SIGNED MESSAGE-----") {
        Security::PgpSigned
    } else {
        Security::None
    }
}

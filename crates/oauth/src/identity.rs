//! Who signed in: a key that is never reused, and what to show.

use serde::Serialize;
use serde_json::Value;

use crate::id_token::{Claims, IdTokenFault};
use crate::provider::{CONSUMERS_TENANT, Dialect, is_guid, is_tenant_id};

/// RFC 5321 §4.5.3.1.3.
const MAX_ADDRESS: usize = 254;
/// Enough for any name; it is shown on pages.
const MAX_NAME: usize = 256;
/// An `oid` is a GUID.
const MAX_OBJECT_ID: usize = 64;

/// The contract's `Identity`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// Stable, never reused: Microsoft `tid:oid`, else `iss#sub`. The only field to key an account on.
    pub key: String,
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// Microsoft's `tid`.
    pub tenant_id: Option<String>,
    /// For display and for the XOAUTH2 `user`; never for authorization: its owner can change it.
    pub email: Option<String>,
    /// Whether the provider vouches for `email`. Microsoft does only where it sends `xms_edov`.
    pub email_verified: bool,
    /// For display.
    pub name: Option<String>,
}

impl Identity {
    /// From claims that have been checked.
    pub(crate) fn from_claims(claims: Claims, dialect: &Dialect) -> Result<Self, IdTokenFault> {
        let microsoft = match dialect {
            Dialect::Microsoft(tenancy) => Some(tenancy),
            Dialect::Google | Dialect::Generic => None,
        };
        // Google's two spellings are one issuer: a key must not depend on which was sent.
        let issuer = match claims.iss.as_str() {
            "accounts.google.com" => "https://accounts.google.com".to_owned(),
            _ => claims.iss,
        };
        let key = match microsoft {
            None => format!("{issuer}#{}", claims.sub),
            Some(tenancy) => {
                let tid = claims.tid.as_deref().filter(|tid| is_tenant_id(tid)).ok_or(IdTokenFault::Subject)?;
                let oid = claims.oid.as_deref().filter(|oid| is_object_id(oid)).ok_or(IdTokenFault::Subject)?;
                if tenancy.tenant == "organizations" && tid.eq_ignore_ascii_case(CONSUMERS_TENANT) {
                    return Err(IdTokenFault::Tenant);
                }
                format!("{}:{}", keyed(tid), keyed(oid))
            }
        };
        let claimed = claims.email.filter(|email| is_address(email));
        let vouched = if microsoft.is_some() { is_true(&claims.xms_edov) } else { is_true(&claims.email_verified) };
        Ok(Self {
            key,
            issuer,
            subject: claims.sub,
            tenant_id: claims.tid.filter(|_| microsoft.is_some()),
            email_verified: claimed.is_some() && vouched,
            email: claimed.or(claims.preferred_username.filter(|name| is_address(name))),
            name: claims.name.map(|name| shown(&name)).filter(|name| !name.is_empty()),
        })
    }
}

/// One `@`, something on both sides, nothing that could break a header or a SASL line.
pub(crate) fn is_address(text: &str) -> bool {
    let sides = text.split_once('@');
    sides.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
        && text.len() <= MAX_ADDRESS
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | ','))
}

/// On one line and of bounded length.
pub(crate) fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect::<String>().trim().to_owned()
}

fn is_object_id(oid: &str) -> bool {
    (1..=MAX_OBJECT_ID).contains(&oid.len())
        && oid.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// A GUID is a number, whose hex digits mean the same in either case; any other id is told apart by its case.
fn keyed(id: &str) -> String {
    if is_guid(id) { id.to_ascii_lowercase() } else { id.to_owned() }
}

/// `true`, and the spellings of it that have been seen.
fn is_true(claim: &Option<Value>) -> bool {
    match claim {
        Some(Value::Bool(value)) => *value,
        Some(Value::String(text)) => matches!(text.as_str(), "true" | "1"),
        Some(Value::Number(number)) => number.as_u64() == Some(1),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::Provider;

    fn identity(microsoft: bool, more: Value) -> Result<Identity, IdTokenFault> {
        let mut claims = json!({
            "iss": "https://login.example/T-1/v2.0", "sub": "s", "aud": "id", "exp": 1, "iat": 0,
            "tid": "T-1", "oid": "O-1", "email": "ada@example.com", "name": "Ada",
        });
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let provider = if microsoft {
            Provider::microsoft(serde_json::from_value(json!({"clientId": "id", "tenant": "organizations"})).unwrap())
        } else {
            Provider::google(serde_json::from_value(json!({"clientId": "id", "clientSecret": "s"})).unwrap())
        };
        Identity::from_claims(serde_json::from_value(claims).unwrap(), &provider.unwrap().0.dialect)
    }

    #[test]
    fn guids_are_one_in_either_case_and_nothing_else_is() {
        let (upper, lower) = ("5F1C2A4E-86E1-4D0C-8A4F-1B9D3F7C2A00", "5f1c2a4e-86e1-4d0c-8a4f-1b9d3f7c2a00");
        for (tid, oid, key) in [
            (upper, upper, format!("{lower}:{lower}")),
            (lower, lower, format!("{lower}:{lower}")),
            (upper, "O-1", format!("{lower}:O-1")),
            ("T-1", upper, format!("T-1:{lower}")),
            ("T-1", "AbC_1", "T-1:AbC_1".to_owned()),
        ] {
            assert_eq!(identity(true, json!({"tid": tid, "oid": oid})).unwrap().key, key);
        }
        // `sub` is compared octet by octet (OIDC Core §2), also where it looks like a GUID.
        let google = identity(false, json!({"iss": "accounts.google.com", "sub": upper})).unwrap();
        assert_eq!(google.key, format!("https://accounts.google.com#{upper}"));
    }

    #[test]
    fn keys_never_hold_the_email() {
        assert_eq!(identity(true, json!({})).unwrap().key, "T-1:O-1");
        let google = identity(false, json!({"iss": "accounts.google.com"})).unwrap();
        assert_eq!((google.key.as_str(), google.tenant_id), ("https://accounts.google.com#s", None));
    }

    #[test]
    fn a_microsoft_account_without_tid_or_oid_has_no_key() {
        for claims in [
            json!({"oid": null}),
            json!({"tid": null}),
            json!({"oid": ""}),
            json!({"oid": "a:b"}),
            json!({"oid": "x".repeat(65)}),
            json!({"tid": "a:b"}),
        ] {
            assert_eq!(identity(true, claims.clone()).unwrap_err(), IdTokenFault::Subject, "{claims}");
        }
    }

    #[test]
    fn a_personal_account_is_not_of_an_organization() {
        assert_eq!(identity(true, json!({"tid": CONSUMERS_TENANT})).unwrap_err(), IdTokenFault::Tenant);
    }

    #[test]
    fn emails_are_vouched_for_or_not() {
        for (microsoft, claims, email, verified) in [
            (true, json!({"email_verified": true}), Some("ada@example.com"), false),
            (true, json!({"xms_edov": true}), Some("ada@example.com"), true),
            (true, json!({"xms_edov": "1"}), Some("ada@example.com"), true),
            (true, json!({"xms_edov": true, "email": null, "preferred_username": "a@b"}), Some("a@b"), false),
            (true, json!({"email": null, "preferred_username": "ada"}), None, false),
            (false, json!({"email_verified": true}), Some("ada@example.com"), true),
            (false, json!({"email_verified": "true"}), Some("ada@example.com"), true),
            (false, json!({"email_verified": "yes"}), Some("ada@example.com"), false),
            (false, json!({"xms_edov": true}), Some("ada@example.com"), false),
            (false, json!({"email": "a@b\r\nx", "email_verified": true}), None, false),
            (false, json!({"email": "a@b@c", "email_verified": true}), None, false),
        ] {
            let identity = identity(microsoft, claims.clone()).unwrap();
            assert_eq!((identity.email.as_deref(), identity.email_verified), (email, verified), "{claims}");
        }
    }

    #[test]
    fn names_stay_on_one_line() {
        assert_eq!(identity(true, json!({"name": " A\r\nda\u{1b} "})).unwrap().name.as_deref(), Some("Ada"));
        assert_eq!(identity(true, json!({"name": "\n"})).unwrap().name, None);
        assert_eq!(identity(true, json!({"name": "é".repeat(999)})).unwrap().name.unwrap().chars().count(), MAX_NAME);
    }
}

//! The issuer (OIDC Core §2), which Microsoft's common metadata gives as a template over the tenant.

use crate::error::Error;

const TENANT: &str = "{tenantid}";

/// A tenant id in a token is put into a URL and into account keys: nothing but the characters of ids.
const MAX_TENANT: usize = 64;

/// Who must have issued a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Issuer(String);

impl Issuer {
    /// Checks that it is an https URL, with at most one `{tenantid}`.
    pub(crate) fn new(name: &str, value: &str) -> Result<Self, Error> {
        if value.matches(TENANT).count() > 1 {
            return Err(Error::argument(format!("{name} holds {TENANT} more than once")));
        }
        super::check::endpoint(name, &value.replace(TENANT, "tenant"))?;
        Ok(Self(value.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `issued_by`, of a token of tenant `tid`, is this issuer.
    pub(crate) fn is(&self, issued_by: &str, tid: Option<&str>) -> bool {
        if !self.0.contains(TENANT) {
            // Google's older spelling, documented beside the other.
            return issued_by == self.0
                || (self.0 == "https://accounts.google.com" && issued_by == "accounts.google.com");
        }
        tid.is_some_and(|tid| is_tenant_id(tid) && issued_by == self.0.replace(TENANT, tid))
    }

    /// Whether `issued_by` could be this issuer, whichever the tenant: a callback's `iss` comes before the token.
    pub(crate) fn may_be(&self, issued_by: &str) -> bool {
        match self.0.split_once(TENANT) {
            None => self.is(issued_by, None),
            Some((before, after)) => {
                issued_by.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).is_some_and(is_tenant_id)
            }
        }
    }
}

/// A GUID, or what a test world calls one.
pub(crate) fn is_tenant_id(tid: &str) -> bool {
    (1..=MAX_TENANT).contains(&tid.len()) && tid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_by_the_tokens_tenant_only() {
        let issuer = Issuer::new("issuer", "https://login.example/{tenantid}/v2.0").unwrap();
        assert!(issuer.is("https://login.example/t-1/v2.0", Some("t-1")));
        for (issued_by, tid) in [
            ("https://login.example/t-1/v2.0", Some("t-2")),
            ("https://login.example/t-1/v2.0", None),
            ("https://login.example/{tenantid}/v2.0", Some("{tenantid}")),
            ("https://login.example/a/b/v2.0", Some("a/b")),
            ("https://login.example//v2.0", Some("")),
            ("https://login.example/t-1/v2.0/", Some("t-1")),
            ("https://login.example.evil/t-1/v2.0", Some("t-1")),
        ] {
            assert!(!issuer.is(issued_by, tid), "{issued_by} {tid:?}");
        }
        assert!(issuer.may_be("https://login.example/t-1/v2.0"));
        assert!(!issuer.may_be("https://login.example/t/1/v2.0") && !issuer.may_be("https://evil.example/t-1/v2.0"));
    }

    #[test]
    fn an_exact_issuer_is_compared_whole() {
        let issuer = Issuer::new("issuer", "https://id.example").unwrap();
        assert!(issuer.is("https://id.example", Some("any")));
        assert!(!issuer.is("https://id.example/", None) && !issuer.is("id.example", None));
        let google = Issuer::new("issuer", "https://accounts.google.com").unwrap();
        assert!(google.is("accounts.google.com", None) && !google.is("http://accounts.google.com", None));
    }
}

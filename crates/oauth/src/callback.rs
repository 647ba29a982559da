//! The callback (RFC 6749 §4.1.2, RFC 9207): does it belong to this authorization, and what does it say?

use email_base::{Scrub, Secret};
use url::Url;

use crate::authorize::PendingAuthorization;
use crate::error::Error;
use crate::provider::Inner;
use crate::refusal::Refusal;
use crate::same::same;

/// A code has some 2 KB at most; a longer callback is not from a provider.
const MAX_CALLBACK: usize = 32 * 1024;
/// And it has a handful of parameters.
const MAX_PARAMETERS: usize = 64;

/// Those that must not stand twice (RFC 6749 §3.1): of two, one would be somebody else's.
const ONCE: &[&str] = &["code", "state", "iss", "error", "error_description", "error_subcode"];

/// The code of a callback that belongs to `pending`.
pub(crate) fn code_of(
    callback_url: &str,
    pending: &PendingAuthorization,
    provider: &Inner,
    scrub: &Scrub,
) -> Result<Secret, Error> {
    let query = Query::parse(callback_url, &pending.redirect_uri)?;
    // First of all: whatever else it says, it says it to this session only (RFC 9700 §4.7).
    match query.one("state") {
        None => return Err(Error::Mismatch("it has no state")),
        Some(state) if pending.state.expose().is_empty() || !same(state, pending.state.expose()) => {
            return Err(Error::Mismatch("its state is another"));
        }
        Some(_) => {}
    }
    check_issuer(query.one("iss"), provider)?;
    let code = query.one("code").filter(|code| !code.is_empty());
    let scrub = scrub.clone().and(&Scrub::new(code));
    if let Some(refusal) = Refusal::from_callback(|name| query.one(name), &scrub) {
        return Err(refusal.into());
    }
    match code {
        Some(code) if code.bytes().all(|b| (0x20..0x7F).contains(&b)) => Ok(Secret::from(code)),
        Some(_) => Err(Error::Mismatch("its code holds characters that no code has (RFC 6749 A.11)")),
        None => Err(Error::Mismatch("it has neither a code nor an error")),
    }
}

/// RFC 9207 §2.4: another issuer's callback must not be answered by sending its code to this one.
fn check_issuer(iss: Option<&str>, provider: &Inner) -> Result<(), Error> {
    match (iss, &provider.issuer) {
        (Some(iss), Some(issuer)) if !issuer.may_be(iss) => Err(Error::Mismatch("another issuer sent it (iss)")),
        (None, _) if provider.sends_iss => Err(Error::Mismatch("it has no iss, which this provider always sends")),
        _ => Ok(()),
    }
}

/// The parameters of a URL whose origin and path are the redirect URI's.
struct Query(Vec<(String, String)>);

impl Query {
    fn parse(callback_url: &str, redirect_uri: &str) -> Result<Self, Error> {
        if callback_url.len() > MAX_CALLBACK {
            return Err(Error::argument(format!("callbackUrl is longer than {MAX_CALLBACK} bytes")));
        }
        let url = Url::parse(callback_url).map_err(|_| {
            Error::argument("callbackUrl is not an absolute URL: pass the whole address that the browser was sent to")
        })?;
        let expected =
            Url::parse(redirect_uri).map_err(|_| Error::argument("pending.redirectUri is not an absolute URL"))?;
        if url.origin() != expected.origin()
            || url.path() != expected.path()
            || !url.username().is_empty()
            || url.password().is_some()
        {
            return Err(Error::Mismatch("its address is not the redirect URI's"));
        }
        let pairs: Vec<_> = url
            .query_pairs()
            .take(MAX_PARAMETERS + 1)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        if pairs.len() > MAX_PARAMETERS {
            return Err(Error::Mismatch("it has far too many parameters"));
        }
        if ONCE.iter().any(|once| pairs.iter().filter(|(name, _)| name == once).count() > 1) {
            return Err(Error::Mismatch("it has a parameter twice"));
        }
        Ok(Self(pairs))
    }

    fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REDIRECT: &str = "https://crm.example/cb?tenant=1";

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,200}", query in "[?&#=%a-z0-9]{0,80}") {
            prop_assert!(Query::parse(&text, REDIRECT).is_err());
            if let Ok(query) = Query::parse(&format!("https://crm.example/cb?{query}"), REDIRECT) {
                prop_assert!(ONCE.iter().all(|name| query.0.iter().filter(|(known, _)| known == name).count() <= 1));
            }
        }
    }

    #[test]
    fn the_redirect_uris_own_parameters_are_no_obstacle() {
        let query = Query::parse("https://crm.example:443/cb?tenant=1&code=a%2Bb&state=s#_=_", REDIRECT).unwrap();
        assert_eq!((query.one("code"), query.one("state"), query.one("error")), (Some("a+b"), Some("s"), None));
    }
}

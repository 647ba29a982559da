//! Scopes (RFC 6749 §3.3), and Microsoft's rule of one resource a token.
//!
//! ```text
//! scope       = scope-token *( SP scope-token )
//! scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
//! ```

use crate::error::Error;

/// Those of OpenID Connect belong to no resource.
const OIDC: &[&str] = &["openid", "profile", "email", "offline_access", "address", "phone"];

/// More scopes than any mail client has a use for; a URL has its limits.
const MAX_SCOPES: usize = 64;

/// Refuses what cannot be a list of scopes.
pub(crate) fn check(scopes: &[String]) -> Result<(), Error> {
    if scopes.is_empty() {
        return Err(Error::argument("scopes is empty: leave it out for the default"));
    }
    if scopes.len() > MAX_SCOPES {
        return Err(Error::argument(format!("scopes has more than {MAX_SCOPES} entries")));
    }
    let token = |b: u8| b == 0x21 || (0x23..=0x5B).contains(&b) || (0x5D..=0x7E).contains(&b);
    match scopes.iter().find(|scope| scope.is_empty() || !scope.bytes().all(token)) {
        Some(_) => Err(Error::argument(
            "an entry of scopes is empty or holds a space, a quote or another character that no scope has (RFC 6749 §3.3): give each scope its own entry",
        )),
        None => Ok(()),
    }
}

/// Whether it is one of OpenID Connect's.
pub(crate) fn is_oidc(scope: &str) -> bool {
    OIDC.contains(&scope)
}

/// The OpenID Connect scopes among `scopes`.
pub(crate) fn oidc_of(scopes: &[String]) -> impl Iterator<Item = &String> {
    scopes.iter().filter(|scope| is_oidc(scope))
}

/// The resource of a Microsoft scope: `https://outlook.office.com` of `https://outlook.office.com/SMTP.Send`; `None` for
/// a bare name, which means Microsoft Graph, and for those of OpenID Connect.
pub(crate) fn resource_of(scope: &str) -> Option<&str> {
    let (resource, name) = scope.rsplit_once('/')?;
    // `https://x/` + `/.default` is how a resource that ends in a slash is spelt.
    (!name.is_empty() && resource.contains("://")).then(|| resource.trim_end_matches('/'))
}

/// Of `scopes` those of one resource, that of mail if any is, with the ones of OpenID Connect: what a token request of
/// Microsoft may ask (more is AADSTS28000).
pub(crate) fn of_one_resource(scopes: &[String], mail_resource: &str) -> Vec<String> {
    let of_resources = || scopes.iter().filter(|scope| !is_oidc(scope));
    let mail = of_resources().any(|scope| resource_of(scope) == Some(mail_resource));
    let wanted = if mail { Some(mail_resource) } else { of_resources().next().and_then(|scope| resource_of(scope)) };
    scopes.iter().filter(|scope| is_oidc(scope) || resource_of(scope) == wanted).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &str = "https://outlook.office.com";

    fn list(scopes: &[&str]) -> Vec<String> {
        scopes.iter().map(|scope| (*scope).to_owned()).collect()
    }

    #[test]
    fn one_resource_a_token() {
        let cases: &[(&[&str], &[&str])] = &[
            (
                &["openid", "https://graph.microsoft.com/User.Read", "https://outlook.office.com/SMTP.Send"],
                &["openid", "https://outlook.office.com/SMTP.Send"],
            ),
            (&["User.Read", "openid"], &["User.Read", "openid"]),
            (&["https://graph.microsoft.com/User.Read", "Mail.Read"], &["https://graph.microsoft.com/User.Read"]),
            (&["openid", "offline_access"], &["openid", "offline_access"]),
            (&["https://outlook.office.com/.default"], &["https://outlook.office.com/.default"]),
            (&["api://x/read", "https://outlook.office.com//.default"], &["https://outlook.office.com//.default"]),
        ];
        for (all, one) in cases {
            assert_eq!(of_one_resource(&list(all), MAIL), *one);
        }
    }

    #[test]
    fn injected_and_joined_scopes_are_refused() {
        for scopes in [&["a b"][..], &[""], &["a\"b"], &["a\\b"], &["a\r\nb"], &["é"], &[]] {
            assert!(check(&list(scopes)).is_err(), "{scopes:?}");
        }
        assert!(check(&vec!["s".to_owned(); MAX_SCOPES + 1]).is_err());
        assert!(check(&list(&["https://mail.google.com/", "openid"])).is_ok());
    }
}

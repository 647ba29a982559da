//! What the settings page may have got wrong: refused here, before a byte is sent.

use email_base::Secret;
use email_net::Endpoint as ServerAddress;
use url::Url;

use crate::error::Error;

/// No id, secret or URL of a settings page is longer; a pasted file is.
const MAX_VALUE: usize = 8 * 1024;

/// A client id: something, without spaces or control characters.
pub(crate) fn client_id(value: &str) -> Result<String, Error> {
    word("clientId", value).map(str::to_owned)
}

/// A client secret: likewise. The value is never repeated in the error.
pub(crate) fn client_secret(value: Secret) -> Result<Secret, Error> {
    word("clientSecret", value.expose())?;
    Ok(value)
}

/// An endpoint: `https:` and a host, no credentials, no fragment (RFC 6749 §3.1, §3.2).
pub(crate) fn endpoint(name: &str, value: &str) -> Result<Url, Error> {
    word(name, value)?;
    let url = Url::parse(value).map_err(|_| Error::argument(format!("{name} is not an absolute URL")))?;
    if url.scheme() != "https" {
        return Err(Error::argument(format!("{name} must begin with https://")));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::argument(format!("{name} must not hold a user or password")));
    }
    if url.fragment().is_some() {
        return Err(Error::argument(format!("{name} must not hold a #fragment")));
    }
    Ok(url)
}

/// The override if there is one, else the default.
pub(crate) fn endpoint_or(name: &str, given: Option<&String>, default: &str) -> Result<Url, Error> {
    endpoint(name, given.map_or(default, String::as_str))
}

/// The override if there is one.
pub(crate) fn endpoint_option(name: &str, given: Option<&String>) -> Result<Option<Url>, Error> {
    given.map(|value| endpoint(name, value)).transpose()
}

/// A server that is given: one that can be connected to, as far as its form tells.
pub(crate) fn server(name: &str, given: Option<ServerAddress>) -> Result<Option<ServerAddress>, Error> {
    if let Some(server) = &given {
        server.check().map_err(|error| Error::argument(format!("{name}.{error}")))?;
    }
    Ok(given)
}

fn word<'a>(name: &str, value: &'a str) -> Result<&'a str, Error> {
    let why = if value.is_empty() {
        "is empty"
    } else if value.len() > MAX_VALUE {
        "is far too long"
    } else if value.trim() != value {
        "begins or ends with white space: paste it again without"
    } else if value.chars().any(|c| c.is_whitespace() || c.is_control()) {
        "holds white space or control characters"
    } else {
        return Ok(value);
    };
    Err(Error::argument(format!("{name} {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasted_white_space_and_injection_are_refused() {
        for value in ["", " ", " id", "id\n", "i d", "id\r\nx", "id\0", "i\u{7F}d", "i\u{2028}d", "i\u{A0}d"] {
            assert!(client_id(value).is_err(), "{value:?}");
            let error = client_secret(Secret::new(format!("canary{value} "))).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
        assert!(client_id(&"x".repeat(MAX_VALUE + 1)).is_err());
    }

    #[test]
    fn https_without_exception() {
        for value in [
            "http://login.example/token",
            "http://localhost/token",
            "ftp://login.example/",
            "javascript:alert(1)",
            "//login.example/token",
            "login.example/token",
            "https://",
            "https://user:pass@login.example/",
            "https://login.example/#x",
            "https://login.example/a b",
            "https://login.example/\n",
        ] {
            assert!(endpoint("tokenEndpoint", value).is_err(), "{value}");
        }
        assert!(endpoint("tokenEndpoint", "https://127.0.0.1:8443/token?p=1").is_ok());
    }
}

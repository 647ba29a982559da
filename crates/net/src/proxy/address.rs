//! A proxy's URL: `http://user:password@host:port`.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use email_base::Secret;
use url::Url;
use zeroize::Zeroize;

use crate::Error;
use crate::target::Target;

/// RFC 1929 §2: both are counted by one octet.
const MAX_SOCKS_CREDENTIAL: usize = 255;

/// How to speak to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// CONNECT.
    Http,
    /// CONNECT, with TLS to the proxy.
    Https,
    /// SOCKS5; names are always resolved by the proxy, as behind a firewall they must be.
    Socks5,
}

/// Where the proxy is, and who we are to it. `Display` and `Debug` never show the credentials.
#[derive(Clone)]
pub(crate) struct ProxyAddress {
    pub(crate) scheme: Scheme,
    pub(crate) target: Target,
    pub(crate) login: Option<Login>,
}

/// Decoded, free of control characters.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) user: Secret,
    pub(crate) password: Secret,
}

impl ProxyAddress {
    /// `what` names the value in messages: `proxy`, or the environment's variable. The value itself is never shown.
    pub(crate) fn parse(what: &str, url: &str) -> Result<Self, Error> {
        let refuse = |why: &str| Error::argument(format!("{what}: {why}"));
        // `url` would drop these silently.
        if url.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(refuse("holds a space or a control character"));
        }
        let parsed = Url::parse(url).map_err(|_| refuse("is not a URL such as http://user:password@host:port"))?;
        let (scheme, default_port) = match parsed.scheme() {
            "http" => (Scheme::Http, 80),
            "https" => (Scheme::Https, 443),
            "socks5" | "socks5h" => (Scheme::Socks5, 1080),
            _ => return Err(refuse("must begin with http://, https:// or socks5://")),
        };
        if !matches!(parsed.path(), "" | "/") || parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(refuse("has something after host and port"));
        }
        let host = parsed.host_str().ok_or_else(|| refuse("has no host"))?;
        let target = Target::parse(host, parsed.port().unwrap_or(default_port))
            .map_err(|error| refuse(&format!("has no usable host and port ({error})")))?;
        let login = login(&parsed, scheme).map_err(refuse)?;
        Ok(Self { scheme, target, login })
    }

    /// Whether the proxy itself wants TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.scheme == Scheme::Https
    }

    /// The value of `Proxy-Authorization` (RFC 7617).
    pub(crate) fn basic(&self) -> Option<Secret> {
        self.login.as_ref().map(|login| {
            let mut pair = format!("{}:{}", login.user.expose(), login.password.expose());
            let value = Secret::new(format!("Basic {}", BASE64_STANDARD.encode(&pair)));
            pair.zeroize();
            value
        })
    }
}

impl fmt::Display for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy {}", self.target)
    }
}

impl fmt::Debug for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ProxyAddress").field(&self.scheme).field(&self.target).finish()
    }
}

fn login(url: &Url, scheme: Scheme) -> Result<Option<Login>, &'static str> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let user = decoded(url.username())?;
    let password = decoded(url.password().unwrap_or_default())?;
    if user.expose().is_empty() {
        return Err("has a password but no user");
    }
    match scheme {
        Scheme::Http | Scheme::Https if user.expose().contains(':') => Err("has a user name with a colon"),
        Scheme::Socks5 if user.expose().len().max(password.expose().len()) > MAX_SOCKS_CREDENTIAL => {
            Err("has credentials longer than the 255 bytes that SOCKS5 allows")
        }
        Scheme::Socks5 if password.expose().is_empty() => Err("has a user but no password, which SOCKS5 wants"),
        _ => Ok(Some(Login { user, password })),
    }
}

/// Percent-decodes; a CR or LF in it would be a header of its own.
fn decoded(part: &str) -> Result<Secret, &'static str> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match (digit(rest.next()), digit(rest.next())) {
            (Some(high), Some(low)) => bytes.push(u8::try_from(high * 16 + low).unwrap_or_default()),
            _ => return Err("has credentials with a % that is no %XX; write % as %25"),
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| "has credentials that are not UTF-8")?;
    if text.chars().any(char::is_control) {
        return Err("has a control character in its credentials");
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read() {
        for (url, scheme, target) in [
            ("http://proxy.corp:3128", Scheme::Http, "proxy.corp:3128"),
            ("http://proxy.corp/", Scheme::Http, "proxy.corp:80"),
            ("https://proxy.corp", Scheme::Https, "proxy.corp:443"),
            ("socks5://[::1]", Scheme::Socks5, "[::1]:1080"),
            ("socks5h://10.0.0.1:9", Scheme::Socks5, "10.0.0.1:9"),
        ] {
            let read = ProxyAddress::parse("proxy", url).unwrap();
            assert_eq!((read.scheme, read.target.to_string().as_str()), (scheme, target), "{url}");
        }
    }

    #[test]
    fn credentials_are_decoded_and_never_shown() {
        let read = ProxyAddress::parse("proxy", "http://ada:p%40ss%3Aw%C3%B6rd@proxy:1").unwrap();
        let login = read.login.as_ref().unwrap();
        assert_eq!((login.user.expose().as_str(), login.password.expose().as_str()), ("ada", "p@ss:wörd"));
        assert_eq!(read.basic().unwrap().expose(), "Basic YWRhOnBAc3M6d8O2cmQ=");
        assert_eq!(format!("{read} {read:?} {:?}", read.login).matches("p@ss").count(), 0);
    }

    #[test]
    fn crlf_in_proxy_credentials() {
        for bad in [
            "http://ada:x%0d%0aX-Evil:%20y@proxy:1",
            "http://a%00b:x@proxy:1",
            "http://ada:x\r\n@proxy:1",
            "http://a%3Ab:x@proxy:1",
            "http://:secret@proxy:1",
            "socks5://ada@proxy:1",
            "http://a:%zz@proxy:1",
            "http://a:%ff@proxy:1",
        ] {
            let error = ProxyAddress::parse("proxy", bad).unwrap_err();
            assert!(matches!(error, Error::InvalidArgument(_)), "{bad}");
            assert!(!error.to_string().contains("Evil") && !error.to_string().contains("secret"), "{error}");
        }
        let long = format!("socks5://{}:x@proxy:1", "u".repeat(256));
        assert!(ProxyAddress::parse("proxy", &long).is_err());
    }

    #[test]
    fn garbage_is_refused() {
        for bad in [
            "",
            "proxy",
            "proxy:3128",
            "http://",
            "://",
            "ftp://proxy",
            "socks4://proxy",
            "http://proxy:0",
            "http://proxy:99999",
            "http://proxy/path",
            "http://proxy?x",
            "http://proxy#x",
            "http://pro xy:1",
            "http://a b@proxy",
            "file:///x",
        ] {
            assert!(matches!(ProxyAddress::parse("proxy", bad), Err(Error::InvalidArgument(_))), "{bad:?}");
        }
    }
}

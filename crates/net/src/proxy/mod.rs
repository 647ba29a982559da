//! Ways through a company's firewall: HTTP CONNECT (RFC 9110 §9.3.6) and SOCKS5 (RFC 1928, RFC 1929).
//!
//! The handshakes are written here and not taken from hyper-util, because its tunnels discard what arrives in the same
//! packet as the proxy's last reply. Behind HTTP nothing does; an IMAP or SMTP greeting may.

mod address;
mod connect;
mod exceptions;
mod route;
mod socks5;

use bytes::Bytes;
use email_base::{Scrub, redact};

use crate::Error;
use crate::stream::Stream;
use crate::target::Target;

pub(crate) use address::{ProxyAddress, Scheme};
pub(crate) use route::Route;

/// Has the proxy at the other end of `stream` connect to `target`. The target's name is looked up by the proxy.
pub(crate) async fn open_tunnel(mut stream: Stream, proxy: &ProxyAddress, target: &Target) -> Result<Stream, Error> {
    let ahead = match proxy.scheme {
        Scheme::Http | Scheme::Https => connect::handshake(&mut stream, proxy, target).await?,
        Scheme::Socks5 => {
            socks5::handshake(&mut stream, proxy, target).await?;
            Bytes::new()
        }
    };
    Ok(stream.tunnelled(&ahead))
}

/// The end of a tunnel that never was.
fn refusal(proxy: &ProxyAddress, target: &Target, status: &str, text: &str, transient: bool) -> Error {
    let scrub = proxy.login.as_ref().map(|login| Scrub::of_login(login.user.expose(), &login.password));
    let text = scrub.unwrap_or_default().clean(text);
    Error::ProxyFailed {
        proxy: proxy.to_string(),
        peer: target.to_string(),
        status: status.to_owned(),
        text: redact::text(&text, 200),
        transient,
    }
}

/// What is not the protocol of a proxy is not transient: somebody gave the wrong port.
fn nonsense(proxy: &ProxyAddress, target: &Target, what: &str) -> Error {
    refusal(proxy, target, "-", what, false)
}

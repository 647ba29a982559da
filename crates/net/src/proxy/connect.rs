//! HTTP CONNECT, RFC 9110 §9.3.6.
//!
//! ```text
//! CONNECT mail.example:993 HTTP/1.1      HTTP/1.1 200 Connection established
//! Host: mail.example:993                 (headers, ignored)
//!                                        (from here on the server's bytes)
//! ```

use bytes::{Bytes, BytesMut};
use email_base::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{ProxyAddress, nonsense, refusal};
use crate::Error;
use crate::stream::Stream;
use crate::target::Target;

/// A proxy whose headers never end must not fill the memory.
const MAX_REPLY: usize = 16 * 1024;

/// Gives what came after the reply: the server's first bytes.
pub(super) async fn handshake(stream: &mut Stream, proxy: &ProxyAddress, target: &Target) -> Result<Bytes, Error> {
    let request = request(proxy, target);
    stream.write_all(request.expose().as_bytes()).await?;
    stream.flush().await?;

    let mut reply = BytesMut::new();
    let head = loop {
        if let Some(end) = end_of_head(&reply) {
            break reply.split_to(end);
        }
        if reply.len() > MAX_REPLY {
            return Err(nonsense(proxy, target, "its reply has headers without end"));
        }
        if stream.take((MAX_REPLY + 1 - reply.len()) as u64).read_buf(&mut reply).await? == 0 {
            return Err(nonsense(proxy, target, "it closed the connection instead of answering"));
        }
    };
    let head = String::from_utf8_lossy(&head);
    let (status, reason) =
        status_line(&head).ok_or_else(|| nonsense(proxy, target, "its reply is not HTTP: is this an HTTP proxy?"))?;
    match status.as_bytes() {
        [b'2', ..] => Ok(reply.freeze()),
        // It is there and would, but what lies behind it fails now.
        [b'5', ..] | b"429" | b"408" => Err(refusal(proxy, target, status, reason, true)),
        _ => Err(refusal(proxy, target, status, reason, false)),
    }
}

/// Nothing in it can hold CR or LF: the target is parsed, the credentials are base64.
fn request(proxy: &ProxyAddress, target: &Target) -> Secret {
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    if let Some(basic) = proxy.basic() {
        request.reserve_exact(basic.expose().len() + 32);
        request.extend(["Proxy-Authorization: ", basic.expose(), "\r\n"]);
    }
    request.push_str("\r\n");
    Secret::new(request)
}

fn end_of_head(reply: &[u8]) -> Option<usize> {
    reply.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

/// `HTTP/1.1 200 Connection established` → `("200", "Connection established")`.
fn status_line(head: &str) -> Option<(&str, &str)> {
    let line = head.split("\r\n").next()?;
    let rest = line.strip_prefix("HTTP/1.")?.get(1..)?.strip_prefix(' ')?;
    let (status, reason) = rest.split_once(' ').unwrap_or((rest, ""));
    (status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit())).then_some((status, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_lines() {
        assert_eq!(status_line("HTTP/1.1 200 Connection established\r\n\r\n"), Some(("200", "Connection established")));
        assert_eq!(status_line("HTTP/1.0 407\r\n\r\n"), Some(("407", "")));
        for bad in
            ["", "HTTP/1.1", "HTTP/1.1 2000 OK", "HTTP/1.1 2x0 OK", "HTTP/1.é 200 OK", "220 smtp ready", "SSH-2.0"]
        {
            assert_eq!(status_line(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_request_is_one_header_block() {
        let proxy = ProxyAddress::parse("proxy", "http://ada:pw@proxy:1").unwrap();
        let target = Target::parse("::1", 993).unwrap();
        assert_eq!(
            request(&proxy, &target).expose(),
            "CONNECT [::1]:993 HTTP/1.1\r\nHost: [::1]:993\r\nProxy-Authorization: Basic YWRhOnB3\r\n\r\n"
        );
    }
}

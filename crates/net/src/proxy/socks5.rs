//! SOCKS5: RFC 1928, with user and password by RFC 1929. Every reply has a length that is known, so exactly it is read.
//!
//! ```text
//! 05 02 00 02 ──>                     methods: none, password        (05 01 00 without credentials)
//!             <── 05 02               the proxy chooses
//! 01 len user len password ──>        only then
//!             <── 01 00
//! 05 01 00 atyp address port ──>      CONNECT
//!             <── 05 rep 00 atyp bound-address bound-port
//! ```

use std::net::IpAddr;

use email_base::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::address::Login;
use super::{ProxyAddress, nonsense, refusal};
use crate::Error;
use crate::stream::Stream;
use crate::target::{Host, Target};

const VERSION: u8 = 5;
const METHOD_NONE: u8 = 0;
const METHOD_PASSWORD: u8 = 2;
const METHOD_REFUSED: u8 = 0xFF;

pub(super) async fn handshake(stream: &mut Stream, proxy: &ProxyAddress, target: &Target) -> Result<(), Error> {
    let offer: &[u8] = match proxy.login {
        Some(_) => &[VERSION, 2, METHOD_NONE, METHOD_PASSWORD],
        None => &[VERSION, 1, METHOD_NONE],
    };
    send(stream, offer).await?;
    match (read::<2>(stream, proxy, target).await?, &proxy.login) {
        ([VERSION, METHOD_NONE], _) => {}
        ([VERSION, METHOD_PASSWORD], Some(login)) => authenticate(stream, proxy, target, login).await?,
        ([VERSION, METHOD_REFUSED], Some(_)) => {
            return Err(refusal(proxy, target, "255", "it accepts neither no login nor user and password", false));
        }
        ([VERSION, _], None) => return Err(refusal(proxy, target, "255", "it wants a login", false)),
        _ => return Err(nonsense(proxy, target, "its reply is not SOCKS5: is this a SOCKS5 proxy?")),
    }
    send(stream, &request(target)?).await?;
    let [version, reply, _, kind] = read::<4>(stream, proxy, target).await?;
    if version != VERSION {
        return Err(nonsense(proxy, target, "its reply is not SOCKS5"));
    }
    if reply != 0 {
        return Err(refused(proxy, target, reply));
    }
    skip_bound_address(stream, proxy, target, kind).await
}

/// RFC 1929 §2.
async fn authenticate(stream: &mut Stream, proxy: &ProxyAddress, target: &Target, login: &Login) -> Result<(), Error> {
    let mut message: Vec<u8> = Vec::with_capacity(3 + 2 * 255);
    message.push(1);
    for part in [&login.user, &login.password] {
        let length =
            u8::try_from(part.expose().len()).map_err(|_| Error::argument("proxy: credentials are too long"))?;
        message.push(length);
        message.extend_from_slice(part.expose().as_bytes());
    }
    let message = Secret::new(message);
    send(stream, message.expose()).await?;
    match read::<2>(stream, proxy, target).await? {
        [_, 0] => Ok(()),
        [_, status] => Err(refusal(proxy, target, &status.to_string(), "it refused user and password", false)),
    }
}

/// RFC 1928 §4. Names go as names.
fn request(target: &Target) -> Result<Vec<u8>, Error> {
    let mut message = vec![VERSION, 1, 0];
    match &target.host {
        Host::Ip(IpAddr::V4(ip)) => {
            message.push(1);
            message.extend_from_slice(&ip.octets());
        }
        Host::Ip(IpAddr::V6(ip)) => {
            message.push(4);
            message.extend_from_slice(&ip.octets());
        }
        Host::Name(name) => {
            let length = u8::try_from(name.len()).map_err(|_| Error::argument("host: is too long for SOCKS5"))?;
            message.extend_from_slice(&[3, length]);
            message.extend_from_slice(name.as_bytes());
        }
    }
    message.extend_from_slice(&target.port.to_be_bytes());
    Ok(message)
}

/// RFC 1928 §6. "Unreachable", "refused" and "TTL expired" are about the way behind the proxy, now.
fn refused(proxy: &ProxyAddress, target: &Target, reply: u8) -> Error {
    let (text, transient) = match reply {
        1 => ("general failure", true),
        2 => ("its rules forbid it", false),
        3 => ("network unreachable", true),
        4 => ("host unreachable", true),
        5 => ("connection refused", true),
        6 => ("TTL expired", true),
        7 => ("it does not know CONNECT", false),
        8 => ("it does not know this kind of address", false),
        _ => ("unknown reply", false),
    };
    refusal(proxy, target, &reply.to_string(), text, transient)
}

/// Read and forgotten: at most 257 bytes.
async fn skip_bound_address(stream: &mut Stream, proxy: &ProxyAddress, target: &Target, kind: u8) -> Result<(), Error> {
    const PORT: usize = 2;
    let length = match kind {
        1 => 4,
        4 => 16,
        3 => {
            let [length] = read::<1>(stream, proxy, target).await?;
            usize::from(length)
        }
        _ => return Err(nonsense(proxy, target, "its reply has an address of an unknown kind")),
    };
    for _ in 0..length + PORT {
        read::<1>(stream, proxy, target).await?;
    }
    Ok(())
}

async fn send(stream: &mut Stream, message: &[u8]) -> Result<(), Error> {
    stream.write_all(message).await?;
    Ok(stream.flush().await?)
}

async fn read<const N: usize>(stream: &mut Stream, proxy: &ProxyAddress, target: &Target) -> Result<[u8; N], Error> {
    let mut message = [0; N];
    match stream.read_exact(&mut message).await {
        Ok(_) => Ok(message),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err(nonsense(proxy, target, "it closed the connection instead of answering"))
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_name_the_target_as_it_was_given() {
        let message = |host| request(&Target::parse(host, 993).unwrap()).unwrap();
        assert_eq!(message("a.example"), [&[5, 1, 0, 3, 9], &b"a.example"[..], &[3, 0xE1]].concat());
        assert_eq!(message("127.0.0.1"), [5, 1, 0, 1, 127, 0, 0, 1, 3, 0xE1]);
        assert_eq!(message("::1")[..5], [5, 1, 0, 4, 0]);
    }
}

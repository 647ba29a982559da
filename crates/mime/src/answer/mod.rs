//! Answering and forwarding: from a message that was read to one that can be sent.

mod forward;
mod quote;
mod reply;

pub use forward::{ForwardOptions, forward};
pub use reply::{ReplyOptions, reply_to};

use crate::build::{check_address, check_content_id, check_identifier, check_media_type};
use crate::init::{AttachmentInit, Content};
use crate::message::{Address, Attachment, ParsedMessage};

/// Mailboxes that can be written to, each once, without `except` (lower-case addresses).
fn usable(addresses: &[Address], except: &mut Vec<String>) -> Vec<Address> {
    let mut all = Vec::new();
    for Address { name, address, .. } in addresses {
        let key = address.to_lowercase();
        if let Some(address) = writable(address)
            && !except.contains(&key)
        {
            except.push(key);
            let name = name.as_deref().map(one_line).filter(|n| !n.is_empty()).map(Into::into);
            all.push(Address { name, address: address.into(), group: None });
        }
    }
    all
}

/// An address that was read, as one writes it. Japanese carriers gave out such as `a..b.@…`, which is one in quotes only
/// (RFC 5321 §4.1.2).
fn writable(address: &str) -> Option<String> {
    let quoted = || address.rsplit_once('@').map(|(local, domain)| format!("\"{local}\"@{domain}"));
    let dots = || address.contains("..") || address.contains(".@") || address.starts_with('.');
    if check_address(address) {
        return Some(address.to_owned());
    }
    quoted().filter(|quoted| dots() && check_address(quoted))
}

/// The conversation up to and with `original` (RFC 5322 §3.6.4), oldest first.
fn references(original: &ParsedMessage) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let before: Vec<&String> = if original.references.is_empty() {
        original.in_reply_to.iter().collect()
    } else {
        original.references.iter().collect()
    };
    for id in before.into_iter().chain(&original.message_id) {
        if let Some(id) = check_identifier(id)
            && !all.contains(&id)
        {
            all.push(id);
        }
    }
    all
}

/// An attachment to send on; `None` when its bytes are not there.
fn carried(attachment: &Attachment) -> Option<AttachmentInit> {
    let content = Content::Bytes(attachment.content.clone()?);
    // What was read may be named and typed in ways that nobody should send on.
    let content_type = Some(attachment.content_type.clone()).filter(|t| check_media_type(t));
    let filename = Some(one_line(&attachment.filename)).filter(|n| !n.is_empty());
    let content_id = attachment.content_id.clone().filter(|id| attachment.inline && check_content_id(id));
    Some(AttachmentInit { filename, content_type, content: Some(content), path: None, content_id })
}

/// Values that came back from the caller must not break a field.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c == '\0').filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
}

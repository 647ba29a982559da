//! What may be sent, and its bytes as the SMTP crate reads them.

use std::io;

use bytes::Bytes;
use email_base::{Blob, Code, Failure, Protocol};
use email_mime::{Body, Built, MessageInit};
use email_smtp::{Envelope, MessageBody, RawMessage};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::args::Args;
use crate::reply::failure;

/// `MessageInit | { envelope, raw }`: `raw` tells them apart.
pub enum Message {
    Raw(Raw),
    Init(Box<MessageInit>),
}

#[derive(Deserialize)]
pub struct Raw {
    envelope: Envelope,
    raw: Blob,
}

/// Tells which of the two it is, without keeping anything of it.
#[derive(Deserialize)]
#[serde(expecting = "a message")]
struct Kind {
    #[serde(default)]
    raw: Option<IgnoredAny>,
}

impl Message {
    /// The first of two arguments, and the second.
    pub fn read<O: DeserializeOwned>(args: &Args) -> Result<(Self, O), Failure> {
        let (kind, IgnoredAny): (Kind, _) = args.read()?;
        if kind.raw.is_some() {
            let (raw, options): (Raw, O) = args.read()?;
            if raw.raw.0.is_empty() {
                return Err(Failure::new(Code::InvalidArgument, Some(Protocol::Smtp), "message.raw: is empty"));
            }
            Ok((Self::Raw(raw), options))
        } else {
            args.read().map(|(init, options)| (Self::Init(init), options))
        }
    }

    /// Header and structure; on a thread that may block if there are attachments to be looked up on disk. `binary`: with
    /// attachments as they are.
    pub async fn build(self, binary: bool) -> Result<(Envelope, MessageBytes), Failure> {
        let init = match self {
            Self::Raw(Raw { envelope, raw }) => return Ok((envelope, MessageBytes::Raw(RawMessage::new(raw.0)))),
            Self::Init(init) => *init,
        };
        let reads_files = init.reads_files();
        let build = if binary { email_mime::build_binary } else { email_mime::build };
        let built = if reads_files {
            tokio::task::spawn_blocking(move || build(init)).await.map_err(|_| panicked())?
        } else {
            build(init)
        };
        Ok(laid_out(built.map_err(failure)?, reads_files))
    }
}

fn laid_out(built: Built, reads_files: bool) -> (Envelope, MessageBytes) {
    let envelope = Envelope { from: built.envelope.from.clone(), to: built.envelope.to.clone() };
    let (message_id, needs_smtputf8, binary) = (built.message_id.clone(), built.needs_smtputf8, built.binary);
    let body = built.into_body();
    (envelope, MessageBytes::Built(BuiltBytes { body, message_id, needs_smtputf8, binary, reads_files }))
}

/// A defect that was met while the message was built.
pub fn panicked() -> Failure {
    Failure::new(Code::Internal, None, "the addon panicked on this message")
}

/// Either of the two, chunk by chunk.
pub enum MessageBytes {
    Raw(RawMessage),
    Built(BuiltBytes),
}

/// What the MIME crate writes.
pub struct BuiltBytes {
    body: Body,
    message_id: String,
    needs_smtputf8: bool,
    binary: bool,
    reads_files: bool,
}

impl MessageBody for MessageBytes {
    fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        match self {
            Self::Raw(raw) => raw.next_chunk(),
            Self::Built(built) => {
                built.body.next_chunk().map_err(|error| io::Error::other(crate::mime::unreadable(error)))
            }
        }
    }

    fn rewind(&mut self) -> io::Result<bool> {
        match self {
            Self::Raw(raw) => raw.rewind(),
            Self::Built(built) => built.body.rewind().map(|()| true),
        }
    }

    fn size_hint(&self) -> Option<u64> {
        match self {
            Self::Raw(raw) => raw.size_hint(),
            Self::Built(built) => Some(built.body.size_hint()),
        }
    }

    fn needs_smtputf8(&self) -> bool {
        match self {
            Self::Raw(raw) => raw.needs_smtputf8(),
            Self::Built(built) => built.needs_smtputf8,
        }
    }

    fn needs_8bit(&self) -> bool {
        match self {
            Self::Raw(raw) => raw.needs_8bit(),
            Self::Built(_) => false,
        }
    }

    fn is_binary(&self) -> bool {
        matches!(self, Self::Built(BuiltBytes { binary: true, .. }))
    }

    fn message_id(&self) -> &str {
        match self {
            Self::Raw(raw) => raw.message_id(),
            Self::Built(built) => &built.message_id,
        }
    }

    fn may_block(&self) -> bool {
        match self {
            Self::Raw(raw) => raw.may_block(),
            Self::Built(built) => built.reads_files,
        }
    }
}

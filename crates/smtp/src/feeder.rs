//! Reads a message ahead of the network: one batch is on its way while the next is read and encoded elsewhere.
//!
//! No thread waits for a slow network: each batch is a task of its own on the blocking pool. Two batches and the body's
//! own chunk are all that a message of any size holds in memory.

use std::io;

use email_base::{Code, Failure, Protocol};
use tokio::task::JoinHandle;

use crate::body::MessageBody;
use crate::transparency::{Encoder, Form};

/// Encoded bytes per batch, about: few enough hops between threads, little enough memory for a hundred messages at once.
const BATCH: usize = 128 * 1024;

/// A piece of a message, ready for the wire.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) bytes: Vec<u8>,
    /// The message ends here; the final dot is not in it.
    pub(crate) last: bool,
    /// Of the message so far (RFC 1870).
    pub(crate) size: u64,
}

/// Gives a body's batches in order.
pub(crate) struct Feeder<B> {
    source: Source<B>,
    /// Read already, not given out.
    ahead: Option<Batch>,
    begun: bool,
    form: Form,
}

enum Source<B> {
    Here(Open<B>),
    /// On the blocking pool, filling a batch.
    Away(JoinHandle<(Open<B>, io::Result<Batch>)>),
    /// Reading it panicked.
    Broken,
}

type Open<B> = Box<(B, Encoder)>;

impl<B: MessageBody> Feeder<B> {
    pub(crate) fn new(body: B, form: Form) -> Self {
        Self { source: Source::Here(Box::new((body, Encoder::new(form)))), ahead: None, begun: false, form }
    }

    /// Reads the first batch, so that an unreadable file is found before anything is said to the server.
    pub(crate) async fn prime(&mut self) -> io::Result<()> {
        if self.ahead.is_none() && !self.begun {
            self.ahead = Some(self.read().await?);
        }
        Ok(())
    }

    /// The next batch. Not to be called after the last. May be dropped and called again.
    pub(crate) async fn next(&mut self) -> io::Result<Batch> {
        let batch = match self.ahead.take() {
            Some(batch) => batch,
            None => self.read().await?,
        };
        self.begun = true;
        if !batch.last {
            self.read_ahead();
        }
        Ok(batch)
    }

    /// Whether a batch was given out: then a new start needs [`Feeder::rewind`].
    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Back to the first byte; `false` if the body cannot.
    pub(crate) async fn rewind(&mut self) -> io::Result<bool> {
        if !self.begun {
            return Ok(true);
        }
        self.start_over(self.form).await
    }

    /// The message in another form, unless something of it was given out already; `false` if the body cannot.
    pub(crate) async fn reshape(&mut self, form: Form) -> io::Result<bool> {
        if self.form == form {
            return Ok(true);
        }
        Ok(!self.begun && self.start_over(form).await?)
    }

    pub(crate) fn form(&self) -> Form {
        self.form
    }

    async fn start_over(&mut self, form: Form) -> io::Result<bool> {
        let (source, _) = self.settle().await?;
        let mut body = source.0;
        let again = move || body.rewind().map(|rewound| (rewound, body));
        let (rewound, body) = tokio::task::spawn_blocking(again).await.map_err(|_| broken())??;
        *self = Self::new(body, form);
        Ok(rewound)
    }

    async fn read(&mut self) -> io::Result<Batch> {
        self.read_ahead();
        let (source, batch) = self.settle().await?;
        let (source, batch) = match batch {
            Some(batch) => (source, batch),
            None => fill(source),
        };
        self.source = Source::Here(source);
        batch
    }

    /// Begins to fill a batch, if that may block; what is in memory is encoded where it is asked for.
    fn read_ahead(&mut self) {
        self.source = match std::mem::replace(&mut self.source, Source::Broken) {
            Source::Here(source) if source.0.may_block() => {
                Source::Away(tokio::task::spawn_blocking(move || fill(source)))
            }
            other => other,
        };
    }

    /// Takes the body back, with the batch that was being filled.
    async fn settle(&mut self) -> io::Result<(Open<B>, Option<io::Result<Batch>>)> {
        if let Source::Away(task) = &mut self.source {
            let filled = task.await.map_err(|_| broken());
            self.source = Source::Broken;
            return filled.map(|(source, batch)| (source, Some(batch)));
        }
        match std::mem::replace(&mut self.source, Source::Broken) {
            Source::Here(source) => Ok((source, None)),
            _ => Err(broken()),
        }
    }
}

fn fill<B: MessageBody>(mut source: Open<B>) -> (Open<B>, io::Result<Batch>) {
    let (body, encoder) = &mut *source;
    let mut bytes = Vec::with_capacity(BATCH / 2);
    let batch = loop {
        match body.next_chunk() {
            Ok(Some(chunk)) => encoder.push(&chunk, &mut bytes),
            Ok(None) => {
                encoder.finish(&mut bytes);
                break Ok(Batch { bytes, last: true, size: encoder.size() });
            }
            Err(error) => break Err(error),
        }
        if bytes.len() >= BATCH {
            break Ok(Batch { bytes, last: false, size: encoder.size() });
        }
    };
    (source, batch)
}

fn broken() -> io::Error {
    io::Error::other(Failure::new(Code::Internal, Some(Protocol::Smtp), "the source of the message failed"))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::body::RawMessage;

    /// Blocks, and fails after so many chunks.
    struct Failing(usize);

    impl MessageBody for Failing {
        fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
            match self.0.checked_sub(1) {
                None => Err(io::ErrorKind::NotFound.into()),
                Some(rest) => {
                    self.0 = rest;
                    Ok(Some(Bytes::from(vec![b'x'; BATCH])))
                }
            }
        }
        fn rewind(&mut self) -> io::Result<bool> {
            Ok(false)
        }
        fn size_hint(&self) -> Option<u64> {
            None
        }
        fn needs_smtputf8(&self) -> bool {
            false
        }
        fn needs_8bit(&self) -> bool {
            panic!("a body's own defect")
        }
        fn message_id(&self) -> &str {
            ""
        }
    }

    async fn all(feeder: &mut Feeder<RawMessage>) -> (Vec<u8>, u64) {
        let mut out = Vec::new();
        loop {
            let batch = feeder.next().await.unwrap();
            out.extend_from_slice(&batch.bytes);
            if batch.last {
                return (out, batch.size);
            }
        }
    }

    #[tokio::test]
    async fn a_message_comes_whole_in_bounded_batches_and_twice_if_need_be() {
        let text = "line\r\n".repeat(200_000);
        let mut feeder = Feeder::new(RawMessage::new(Bytes::from(text.clone())), Form::Dotted);
        feeder.prime().await.unwrap();
        let first = feeder.next().await.unwrap();
        assert!(!first.last && first.bytes.len() < 2 * BATCH);
        assert!(feeder.rewind().await.unwrap());
        assert_eq!(all(&mut feeder).await, (text.clone().into_bytes(), text.len() as u64));
        assert!(feeder.rewind().await.unwrap());
        assert_eq!(all(&mut feeder).await.1, text.len() as u64);
    }

    #[tokio::test]
    async fn another_form_starts_over_only_before_anything_was_given_out() {
        let text = ".line\n";
        let mut feeder = Feeder::new(RawMessage::new(Bytes::from_static(text.as_bytes())), Form::Dotted);
        feeder.prime().await.unwrap();
        assert!(feeder.reshape(Form::Chunked).await.unwrap());
        assert_eq!(all(&mut feeder).await.0, b".line\r\n");
        assert!(!feeder.reshape(Form::Dotted).await.unwrap());
        assert!(feeder.rewind().await.unwrap() && feeder.form() == Form::Chunked);
    }

    #[tokio::test]
    async fn an_unreadable_file_is_found_at_once_or_in_the_middle() {
        assert_eq!(Feeder::new(Failing(0), Form::Dotted).prime().await.unwrap_err().kind(), io::ErrorKind::NotFound);
        let mut feeder = Feeder::new(Failing(1), Form::Dotted);
        feeder.prime().await.unwrap();
        assert!(feeder.rewind().await.unwrap(), "nothing was given out yet");
        assert!(!feeder.next().await.unwrap().last);
        assert_eq!(feeder.next().await.unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(!feeder.rewind().await.unwrap());
    }
}

//! IDLE (RFC 2177, RFC 9051 §6.3.13): `+` begins it, DONE ends it, and so may the server by completing it.

use async_imap::imap_proto::RequestId;
use futures_util::FutureExt as _;

use super::link::{GoAhead, Link};
use crate::command::line::Line;
use crate::error::Result;

impl Link {
    /// Writes it and waits for the server's `+`. `None` when it was refused.
    pub(crate) async fn begin_idle(&mut self, line: &Line) -> Result<Option<RequestId>> {
        let tag = self.send(line).await?;
        self.idling = Some(tag.clone());
        match self.go_ahead(&tag, line).await? {
            GoAhead::Given => Ok(Some(tag)),
            GoAhead::Refused => self.answer_or_refusal(&tag, line, &mut |_| {}).await.map(|_| None),
        }
    }

    /// Whether the server is in IDLE, as far as it has said.
    pub(crate) fn is_idling(&self) -> bool {
        self.idling.is_some()
    }

    /// Ends it, unless the server has done so, and waits until the server is back.
    pub(crate) async fn end_idle(&mut self, tag: &RequestId, line: &Line) -> Result<()> {
        self.write_done().await?;
        self.completion(tag, line, &mut |_| {}).await.map(|_| ())
    }

    /// DONE, if there is an IDLE to end: outside of one it is no command.
    pub(super) async fn write_done(&mut self) -> Result<()> {
        // The server may have ended it just now.
        while self.is_idling()
            && let Some(heard) = self.listen().now_or_never()
        {
            heard?;
        }
        if self.is_idling() {
            self.write_untagged("DONE", "IDLE").await?;
            self.idling = None;
        }
        Ok(())
    }
}

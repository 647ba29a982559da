//! Who signs in, and what must never be shown of it, whatever the server says.

use email_base::{Scrub, Secret};

use crate::refusal::Who;

/// Of one session.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) who: Who,
    pub(crate) scrub: Scrub,
}

impl Identity {
    /// No sign-in.
    pub(crate) fn nobody() -> Self {
        Self { who: Who::Nobody, scrub: Scrub::default() }
    }

    pub(crate) fn of_password(user: &str, password: &Secret) -> Self {
        Self { who: Who::Password, scrub: Scrub::of_login(user, password) }
    }

    pub(crate) fn of_token(user: &str, token: &Secret) -> Self {
        Self { who: Who::Token, scrub: Scrub::of_login(user, token) }
    }

    /// With another token, after the one before was refused. That is as secret as ever.
    pub(crate) fn renewed(&self, user: &str, token: &Secret) -> Self {
        Self { who: self.who, scrub: Scrub::of_login(user, token).and(&self.scrub) }
    }
}

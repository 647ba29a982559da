//! HTML bodies: read as text, shortened to a preview, made safe to show.

pub(crate) mod entity;
pub(crate) mod prepare;
pub(crate) mod reference;
pub(crate) mod sanitize;
pub(crate) mod style;
pub(crate) mod text;
pub(crate) mod token;

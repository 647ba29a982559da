//! HTML bodies: read as text, made of text, shortened to a preview, made safe to show.

pub(crate) mod entity;
pub(crate) mod from_text;
pub(crate) mod prepare;
pub(crate) mod reference;
pub(crate) mod sanitize;
pub(crate) mod style;
pub(crate) mod text;
pub(crate) mod token;
pub(crate) mod tracking;

//! What a caller may ask of [`crate::parse()`].

use email_base::SwitchOr;
use serde::Deserialize;

use crate::limits;

/// The `ParseOptions` of the public API.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ParseOptions {
    /// Whether attachments carry their decoded bytes.
    pub attachments: AttachmentDetail,
    /// Whether, and how, to make `safeHtml`.
    pub sanitize_html: SanitizeHtml,
    /// What an honest message never reaches.
    pub limits: ParseLimits,
}

/// How much of an attachment is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttachmentDetail {
    /// Name, type, size.
    #[default]
    Metadata,
    /// The decoded bytes, too.
    Content,
}

/// `false`, `true` or a policy.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "SwitchOr<HtmlPolicy>")]
pub enum SanitizeHtml {
    /// No, or yes with the default policy.
    Switch(bool),
    /// Yes, in this way.
    Policy(HtmlPolicy),
}

impl From<SwitchOr<HtmlPolicy>> for SanitizeHtml {
    fn from(given: SwitchOr<HtmlPolicy>) -> Self {
        match given {
            SwitchOr::Switch(on) => Self::Switch(on),
            SwitchOr::Object(policy) => Self::Policy(policy),
        }
    }
}

impl Default for SanitizeHtml {
    fn default() -> Self {
        Self::Switch(false)
    }
}

impl SanitizeHtml {
    /// The policy to apply, `None` when no safe HTML is wanted.
    pub fn policy(&self) -> Option<HtmlPolicy> {
        match self {
            Self::Switch(false) => None,
            Self::Switch(true) => Some(HtmlPolicy::default()),
            Self::Policy(policy) => Some(*policy),
        }
    }
}

/// What safe HTML may still refer to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct HtmlPolicy {
    /// Images on other hosts.
    pub remote_images: RemoteImages,
    /// Images of the message itself.
    pub cid: CidImages,
}

/// What becomes of `<img src="https://…">`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RemoteImages {
    /// The reference is taken out: opening the message tells nobody.
    #[default]
    Block,
    /// Stays.
    Keep,
}

/// What becomes of `<img src="cid:…">`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CidImages {
    /// Stays, spelt as in the attachment's `contentId`.
    #[default]
    Keep,
    /// Becomes a `data:` URI with the part's bytes.
    DataUri,
}

/// Caller's limits; what is missing is the default of [`crate::limits`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ParseLimits {
    /// See [`limits::MAX_DEPTH`].
    pub max_depth: Option<u32>,
    /// See [`limits::MAX_PARTS`].
    pub max_parts: Option<u32>,
    /// See [`limits::MAX_HEADER_BYTES`].
    pub max_header_bytes: Option<u32>,
}

impl ParseLimits {
    /// Levels of nesting followed, never above [`limits::DEPTH_CEILING`].
    pub fn depth(&self) -> usize {
        limit(self.max_depth, limits::MAX_DEPTH).min(limits::DEPTH_CEILING)
    }

    /// Parts looked at.
    pub fn parts(&self) -> usize {
        limit(self.max_parts, limits::MAX_PARTS)
    }

    /// Octets of one header block looked at.
    pub fn header_bytes(&self) -> usize {
        limit(self.max_header_bytes, limits::MAX_HEADER_BYTES)
    }
}

fn limit(given: Option<u32>, default: usize) -> usize {
    given.map_or(default, |n| usize::try_from(n).unwrap_or(usize::MAX))
}

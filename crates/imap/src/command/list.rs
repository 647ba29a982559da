//! LIST (RFC 9051 §6.3.9, RFC 5258, RFC 5819, RFC 6154), with LSUB, XLIST and STATUS where the server is older.
//!
//! | server has | commands |
//! |---|---|
//! | LIST-EXTENDED | `LIST [(SUBSCRIBED)] "" pattern RETURN (SUBSCRIBED CHILDREN …)` |
//! | nothing | `LIST "" pattern` (or XLIST) and `LSUB "" pattern`, on the way together |
//! | NAMESPACE | the same once, on the way with the first LIST |
//! | LIST-STATUS | counters in the same command; else one STATUS per mailbox, many on the way together |

use std::collections::{HashMap, HashSet};

use super::line::Line;
use super::status;
use crate::command::argument::{self, Mailbox};
use crate::connection::{Command, Link};
use crate::error::{Error, Result};
use crate::grammar::{ListKind, ListRow, Namespace, Untagged, WireName};
use crate::options::ListQuery;
use crate::types::{MailboxInfo, MailboxStatus, SpecialUse};

/// STATUS commands under way at once: their lines and answers fit into any server's buffers.
const STATUS_AT_ONCE: usize = 40;
/// More mailboxes than this are a flood, not an account.
const MAX_MAILBOXES: usize = 100_000;
/// What their rows may take together: a hundred thousand honest ones take 15 MB.
const MAX_BYTES: usize = 32 << 20;

/// The mailboxes.
pub(crate) struct List {
    pattern: String,
    subscribed: bool,
    status: bool,
}

/// What the server said, before it is put together: the inbox spelt in one way, whatever LIST, LSUB and STATUS call it.
#[derive(Default)]
struct Rows {
    mailboxes: Vec<ListRow>,
    subscribed: HashSet<WireName>,
    only_subscribed: Vec<ListRow>,
    counters: HashMap<WireName, MailboxStatus>,
    /// Of all rows, those as well that were not kept.
    bytes: usize,
}

impl List {
    /// Checks the pattern, as a mailbox name.
    pub(crate) fn new(query: ListQuery) -> Result<Self> {
        let pattern = query.pattern.unwrap_or_else(|| "*".to_owned());
        Mailbox::new(&pattern)?;
        Ok(Self { pattern, subscribed: query.subscribed.unwrap_or(false), status: query.status.unwrap_or(false) })
    }
}

impl Command for List {
    type Output = Vec<MailboxInfo>;
    const IDEMPOTENT: bool = true;

    fn is_plain(&self) -> bool {
        argument::is_plain(&self.pattern)
    }

    async fn run(&self, link: &mut Link) -> Result<Vec<MailboxInfo>> {
        let mut rows = Rows::default();
        link.cork();
        let namespace = Line::new("NAMESPACE");
        let asks = link.has_or_rev2("NAMESPACE") && link.view.namespaces.is_none();
        let asked = if asks { Some(link.send(&namespace).await?) } else { None };
        if link.has_or_rev2("LIST-EXTENDED") {
            self.extended(link, &mut rows).await?;
        } else {
            self.basic(link, &mut rows).await?;
        }
        if let Some(tag) = asked {
            // A server that refuses it has one namespace, and nobody else's in it.
            link.answer_or_refusal(&tag, &namespace, &mut |_| {}).await?;
            link.view.namespaces.get_or_insert_default();
        }
        rows.check()?;
        if self.status && !link.has_or_rev2("LIST-STATUS") {
            count_each(link, &mut rows).await?;
            rows.check()?;
        }
        Ok(self.put_together(link, rows))
    }
}

impl List {
    fn pattern(&self, link: &Link) -> WireName {
        WireName::from_path(&self.pattern, link.encoding)
    }

    async fn extended(&self, link: &mut Link, rows: &mut Rows) -> Result<()> {
        let mut returns = "SUBSCRIBED CHILDREN".to_owned();
        if link.has_or_rev2("SPECIAL-USE") {
            returns.push_str(" SPECIAL-USE");
        }
        if self.status && link.has_or_rev2("LIST-STATUS") {
            returns.push_str(&format!(" STATUS ({})", status::attributes(link)));
        }
        let selection = if self.subscribed { " (SUBSCRIBED)" } else { "" };
        let line = Line::new("LIST").text(selection).arg("\"\"").mailbox_arg(&self.pattern(link));
        let line = line.arg(format!("RETURN ({returns})"));
        let tag = link.send(&line).await?;
        link.uncork("LIST").await?;
        link.answer(&tag, &line, &mut |data| rows.take(data)).await?;
        for row in &rows.mailboxes {
            if has(row, "\\Subscribed") || (self.subscribed && row.child_info.is_empty()) {
                rows.subscribed.insert(row.name.clone());
            }
        }
        Ok(())
    }

    async fn basic(&self, link: &mut Link, rows: &mut Rows) -> Result<()> {
        let verb = if link.has("XLIST") && !link.has("SPECIAL-USE") { "XLIST" } else { "LIST" };
        let list = Line::new(verb).arg("\"\"").mailbox_arg(&self.pattern(link));
        let lsub = Line::new("LSUB").arg("\"\"").mailbox_arg(&self.pattern(link));
        let first = link.send(&list).await?;
        let second = link.send(&lsub).await?;
        link.uncork(verb).await?;
        link.answer(&first, &list, &mut |data| rows.take(data)).await?;
        // A server that has no subscriptions is no reason to have no mailboxes.
        let subscriptions = link.answer_or_refusal(&second, &lsub, &mut |data| rows.take(data)).await?;
        if subscriptions.is_none() {
            tracing::debug!(target: "imap", "the server refused LSUB");
        }
        Ok(())
    }

    fn put_together(&self, link: &Link, mut rows: Rows) -> Vec<MailboxInfo> {
        let mut seen = HashSet::new();
        if self.subscribed {
            let listed: HashSet<_> = rows.mailboxes.iter().map(|row| row.name.clone()).collect();
            rows.mailboxes.extend(rows.only_subscribed.drain(..).filter(|row| !listed.contains(&row.name)));
            rows.mailboxes.retain(|row| rows.subscribed.contains(&row.name));
        }
        let mut infos: Vec<MailboxInfo> = rows
            .mailboxes
            .iter()
            .filter(|row| seen.insert(row.name.clone()))
            .map(|row| MailboxInfo {
                subscribed: rows.subscribed.contains(&row.name),
                status: rows.counters.get(&row.name).cloned(),
                ..info(row, link.names.learn(&row.name, link.encoding))
            })
            .collect();
        let prefixes = Prefixes::new(link);
        for info in infos.iter_mut().filter(|info| prefixes.is_foreign(&info.path)) {
            info.special_use = None;
        }
        name_uses(&mut infos, &prefixes);
        infos
    }
}

impl Rows {
    fn take(&mut self, data: Untagged) {
        self.bytes = self.bytes.saturating_add(weight(&data));
        match data {
            _ if self.bytes > MAX_BYTES => {}
            // `\Noselect` in LSUB: not itself subscribed, but something below it (RFC 3501 §6.3.9).
            Untagged::List(row) if row.kind == ListKind::Lsub && has(&row, "\\Noselect") => {}
            Untagged::List(mut row) if row.kind == ListKind::Lsub && self.subscribed.len() <= MAX_MAILBOXES => {
                row.name = row.name.folded();
                self.subscribed.insert(row.name.clone());
                self.only_subscribed.push(*row);
            }
            Untagged::List(mut row) if row.kind != ListKind::Lsub && self.mailboxes.len() <= MAX_MAILBOXES => {
                row.name = row.name.folded();
                self.mailboxes.push(*row)
            }
            Untagged::Status(row) if self.counters.len() <= MAX_MAILBOXES => {
                self.counters.insert(row.name.folded(), status::counters(&row));
            }
            _ => {}
        }
    }

    fn check(&self) -> Result<()> {
        let limit = |limit: usize, name| Err(Error::LimitExceeded { what: "LIST", limit: limit as u64, name });
        match () {
            () if self.bytes > MAX_BYTES => limit(MAX_BYTES, "MAX_BYTES"),
            () if self.mailboxes.len() > MAX_MAILBOXES => limit(MAX_MAILBOXES, "MAX_MAILBOXES"),
            () => Ok(()),
        }
    }
}

/// What a row takes in memory, about.
fn weight(data: &Untagged) -> usize {
    match data {
        Untagged::List(row) => {
            let words = row.attributes.iter().map(|word| word.len()).chain(row.child_info.iter().map(String::len));
            let words = words.map(|length| length.saturating_add(size_of::<String>())).fold(0, usize::saturating_add);
            let old = row.old_name.as_ref().map_or(0, |name| name.0.len());
            row.name.0.len().saturating_add(old).saturating_add(words)
        }
        Untagged::Status(row) => row.name.0.len(),
        _ => 0,
    }
}

/// One STATUS per mailbox that can be opened. One that is refused leaves its mailbox without counters.
async fn count_each(link: &mut Link, rows: &mut Rows) -> Result<()> {
    let names: Vec<WireName> = rows.mailboxes.iter().filter(|row| is_selectable(row)).map(|r| r.name.clone()).collect();
    for some in names.chunks(STATUS_AT_ONCE) {
        let mut under_way = Vec::with_capacity(some.len());
        link.cork();
        for name in some {
            let line = status::line(link, name);
            under_way.push((link.send(&line).await?, line));
        }
        link.uncork("STATUS").await?;
        for (tag, line) in under_way {
            link.answer_or_refusal(&tag, &line, &mut |data| rows.take(data)).await?;
        }
    }
    Ok(())
}

fn info(row: &ListRow, path: String) -> MailboxInfo {
    let delimiter = row.delimiter.map(String::from);
    let split = delimiter.as_deref().and_then(|delimiter| path.rsplit_once(delimiter));
    let (parent, name) = match split {
        Some((parent, name)) if !name.is_empty() => (Some(parent.to_owned()), name.to_owned()),
        _ => (None, path.clone()),
    };
    let special_use = if row.name.is_inbox() { Some(SpecialUse::Inbox) } else { None };
    MailboxInfo {
        name,
        delimiter,
        parent,
        special_use: special_use.or_else(|| SpecialUse::from_attributes(&row.attributes)),
        selectable: is_selectable(row),
        subscribed: false,
        status: None,
        attributes: row.attributes.iter().map(|attribute| attribute.clone().into_owned()).collect(),
        path,
    }
}

/// Where the user's own mailboxes are, and where others' (RFC 2342).
struct Prefixes {
    /// Without their trailing delimiters.
    own: Vec<String>,
    /// With them. Another user's sent mail is not this one's.
    foreign: Vec<String>,
}

impl Prefixes {
    fn new(link: &Link) -> Self {
        let Some(known) = &link.view.namespaces else { return Self { own: Vec::new(), foreign: Vec::new() } };
        let path = |namespace: &Namespace| namespace.prefix.path(link.encoding);
        let trimmed = |namespace: &Namespace| {
            let path = path(namespace);
            namespace.delimiter.and_then(|end| path.strip_suffix(end).map(str::to_owned)).unwrap_or(path)
        };
        let foreign = known.other_users.iter().map(path).filter(|prefix| !prefix.is_empty());
        Self { own: known.personal.iter().map(trimmed).collect(), foreign: foreign.collect() }
    }

    fn is_foreign(&self, path: &str) -> bool {
        self.foreign.iter().any(|prefix| path.starts_with(prefix))
    }

    /// Whether mailboxes directly below it are as good as at the top.
    fn is_root(&self, parent: &str) -> bool {
        matches!(parent, "INBOX" | "[Gmail]" | "[Google Mail]") || self.own.iter().any(|own| own == parent)
    }
}

/// Where no attribute says which mailbox is for what, a well-known name does: at the top or directly below the inbox or
/// a provider's own root, and one mailbox for each use.
fn name_uses(infos: &mut [MailboxInfo], prefixes: &Prefixes) {
    let mut taken: HashSet<SpecialUse> = infos.iter().filter_map(|info| info.special_use).collect();
    for depth in [None, Some(())] {
        for info in infos.iter_mut() {
            let near = match &info.parent {
                None => depth.is_none(),
                Some(parent) => depth.is_some() && prefixes.is_root(parent),
            };
            if near
                && !prefixes.is_foreign(&info.path)
                && info.selectable
                && info.special_use.is_none()
                && let Some(of) = SpecialUse::from_name(&info.name)
                && taken.insert(of)
            {
                info.special_use = Some(of);
            }
        }
    }
}

fn is_selectable(row: &ListRow) -> bool {
    !has(row, "\\Noselect") && !has(row, "\\NonExistent")
}

fn has(row: &ListRow, attribute: &str) -> bool {
    row.attributes.iter().any(|own| own.eq_ignore_ascii_case(attribute))
}

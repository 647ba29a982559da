//! `setLogger`: log lines of this workspace's crates, and of no other, as JSON to one function per environment.
//!
//! Dependencies' lines are never passed on: some of them print AUTH lines and bodies.

use std::fmt::Write as _;
use std::sync::{Arc, PoisonError, RwLock};

use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Result, Status};
use napi_derive::napi;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

/// Lines that wait for a busy JS thread; more are dropped, for a log must not hold the memory of a server.
const MAX_QUEUED_LINES: usize = 1024;

/// The targets of this workspace.
const TARGETS: &[&str] = &["binding", "net", "oauth", "imap", "mime", "smtp"];

/// Never keeps the process alive.
type Sink = ThreadsafeFunction<String, (), String, Status, false, true, MAX_QUEUED_LINES>;

/// One logger per environment (main thread, worker), keyed by its address.
static SINKS: RwLock<Vec<(usize, Arc<Sink>)>> = RwLock::new(Vec::new());

/// Sets or removes this environment's logger.
#[napi]
pub fn set_logger(env: Env, logger: Option<Function<String, ()>>) -> Result<()> {
    let key = env.raw().addr();
    let sink = logger
        .map(|logger| {
            logger
                .build_threadsafe_function::<String>()
                .weak::<true>()
                .callee_handled::<false>()
                .max_queue_size::<MAX_QUEUED_LINES>()
                .build()
        })
        .transpose()?;
    let mut sinks = SINKS.write().unwrap_or_else(PoisonError::into_inner);
    let known = sinks.iter().any(|(owner, _)| *owner == key);
    sinks.retain(|(owner, _)| *owner != key);
    if let Some(sink) = sink {
        sinks.push((key, Arc::new(sink)));
        if !known {
            env.add_env_cleanup_hook(key, forget)?;
        }
    }
    Ok(())
}

/// Makes this workspace's events reach the sinks.
pub fn install() {
    // Fails only where a subscriber is set already, which nobody but us can do inside this binary.
    let _ = tracing::subscriber::set_global_default(Lines);
}

fn forget(key: usize) {
    SINKS.write().unwrap_or_else(PoisonError::into_inner).retain(|(owner, _)| *owner != key);
}

/// Events only; spans are not used.
struct Lines;

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && TARGETS.contains(&metadata.target()) && *metadata.level() <= Level::DEBUG
    }

    fn event(&self, event: &Event<'_>) {
        let sinks = SINKS.read().unwrap_or_else(PoisonError::into_inner);
        if sinks.is_empty() {
            return;
        }
        let line = line(event);
        for (_, sink) in sinks.iter() {
            sink.call(line.clone(), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

fn line(event: &Event<'_>) -> String {
    let mut entry = Entry::default();
    event.record(&mut entry);
    serde_json::json!({
        "level": event.metadata().level().as_str().to_ascii_lowercase(),
        "target": event.metadata().target(),
        "message": entry.message,
        "fields": entry.fields,
    })
    .to_string()
}

#[derive(Default)]
struct Entry {
    message: String,
    fields: serde_json::Map<String, serde_json::Value>,
}

impl Visit for Entry {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let mut text = String::new();
        let _ = write!(text, "{value:?}");
        let text = email_base::redact::text(&text, email_base::ServerReply::MAX_TEXT);
        if field.name() == "message" {
            self.message = text;
        } else {
            self.fields.insert(field.name().to_owned(), text.into());
        }
    }
}

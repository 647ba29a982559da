//! One HTTPS exchange: status, Retry-After and a capped body, before anything is believed of it.

use std::time::Duration;

use email_base::{Scrub, Secret, clock};
use reqwest::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, Request, Response};
use serde_json::{Map, Value};
use url::Url;

use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::iso;
use crate::refusal::Refusal;

/// An answer that never ends would fill the memory; the largest honest one, a JWKS with certificates, has some 20 KB.
/// Counted after decompression, so that a gzip bomb is cut off as well.
pub(crate) const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// A server that asks to wait longer than a day is not believed.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);

/// What a media type in a message may be long.
const MAX_MEDIA_TYPE: usize = 60;

/// The addon's HTTPS client, with its limits.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    endpoint: Endpoint,
    pub(crate) status: u16,
    retry_after: Option<Duration>,
    media_type: String,
    body: Secret<Vec<u8>>,
}

impl Http {
    pub(crate) fn new(client: reqwest::Client) -> Self {
        Self { client }
    }

    /// Gets `url`, with `bearer` if it wants one.
    pub(crate) async fn get(&self, endpoint: Endpoint, url: &Url, bearer: Option<&Secret>) -> Result<Answer, Error> {
        let mut request = self.client.request(Method::GET, url.clone()).header(ACCEPT, "application/json");
        if let Some(token) = bearer {
            request = request.bearer_auth(token.expose());
        }
        let request = request.build().map_err(|error| unreachable_at(endpoint, &error))?;
        self.send(endpoint, request).await
    }

    /// Sends `request` and reads the answer to its end or to the cap.
    pub(crate) async fn send(&self, endpoint: Endpoint, request: Request) -> Result<Answer, Error> {
        let response = self.client.execute(request).await.map_err(|error| unreachable_at(endpoint, &error))?;
        let status = response.status().as_u16();
        let retry_after = retry_after(&response);
        let media_type = media_type(&response);
        let body = body(endpoint, status, response).await?;
        tracing::debug!(target: "oauth", %endpoint, status, bytes = body.expose().len(), "answer");
        Ok(Answer { endpoint, status, retry_after, media_type, body })
    }
}

impl Answer {
    /// The members of a JSON object that came with 200 and without `error`; anything else as the error that it is.
    pub(crate) fn object(&self, scrub: &Scrub) -> Result<Map<String, Value>, Error> {
        let object = match serde_json::from_slice(self.body.expose()) {
            Ok(Value::Object(object)) => Some(object),
            _ => None,
        };
        let refusal = object.as_ref().and_then(|object| self.refusal(object, scrub));
        match (self.status, object, refusal) {
            (_, _, Some(refusal)) => Err(refusal.into()),
            (200, Some(object), None) => Ok(object),
            _ => Err(self.unexpected()),
        }
    }

    /// As they came.
    pub(crate) fn body(&self) -> &[u8] {
        self.body.expose()
    }

    fn refusal(&self, object: &Map<String, Value>, scrub: &Scrub) -> Option<Refusal> {
        let refusal = match self.endpoint {
            Endpoint::Profile => Refusal::from_graph(self.status, object, scrub),
            _ => None,
        };
        refusal
            .or_else(|| Refusal::from_json(self.endpoint, self.status, object, scrub))
            .map(|refusal| refusal.retry_after_of(self.retry_after))
    }

    /// What an answer without an OAuth error means, by its status.
    pub(crate) fn unexpected(&self) -> Error {
        let Self { endpoint, status, retry_after, .. } = *self;
        match status {
            429 => Error::RateLimited { endpoint, retry_after },
            500..=599 => Error::Unavailable { endpoint, status, retry_after },
            300..=399 => broken(endpoint, status, "redirects are not followed: check the endpoint and the proxy"),
            _ if self.media_type == "application/json" => broken(endpoint, status, "not the JSON of its protocol"),
            _ if self.body.expose().is_empty() => broken(endpoint, status, "nothing else"),
            _ => broken(endpoint, status, format!("a document of type {} instead of JSON", self.media_type)),
        }
    }
}

/// An answer that is none of its protocol's.
pub(crate) fn broken(endpoint: Endpoint, status: u16, what: impl Into<String>) -> Error {
    Error::UnexpectedResponse { endpoint, status, what: what.into() }
}

fn unreachable_at(endpoint: Endpoint, error: &reqwest::Error) -> Error {
    Error::Net { endpoint, source: email_net::Error::from_http(error) }
}

async fn body(endpoint: Endpoint, status: u16, mut response: Response) -> Result<Secret<Vec<u8>>, Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| cut_off(endpoint, status, &error))? {
        if bytes.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(broken(endpoint, status, format!("its body is longer than {MAX_ANSWER_BYTES} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Secret::new(bytes))
}

/// A body that cannot be decoded is the server's fault, a connection that ends the network's.
fn cut_off(endpoint: Endpoint, status: u16, error: &reqwest::Error) -> Error {
    if error.is_decode() && !error.is_timeout() {
        return broken(endpoint, status, "its body cannot be decoded or ends too early");
    }
    unreachable_at(endpoint, error)
}

/// Seconds or an HTTP date (RFC 9110 §10.2.3).
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    let wait = match text.trim().parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let ms = iso::http_date_ms(text)?.saturating_sub(clock::unix_ms());
            Duration::from_millis(u64::try_from(ms).unwrap_or(0))
        }
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

/// `text/html`: the type alone, nothing that does not belong to one.
fn media_type(response: &Response) -> String {
    let header = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("unknown");
    let essence = header.split(';').next().unwrap_or_default().trim();
    essence
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '+' | '-' | '.'))
        .take(MAX_MEDIA_TYPE)
        .collect::<String>()
        .to_ascii_lowercase()
}

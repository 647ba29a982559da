//! The device flow (RFC 8628): the user signs in on another screen, by a short code.

use std::fmt;
use std::time::Duration;

use email_base::{Call, Classify, Code, Secret, clock};
use oauth2::{DeviceAuthorizationResponse, EmptyExtraDeviceAuthorizationFields, HttpRequest, Scope, http};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::client::{Client, flow_error};
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::granted::Granted;
use crate::http::broken;
use crate::iso::IsoTime;
use crate::provider::Proof;
use crate::redeem::Redeemed;
use crate::refresh::check_token;
use crate::tokens::TokenSet;

/// RFC 8628 §3.5: `slow_down` adds this much.
const SLOW_DOWN: Duration = Duration::from_secs(5);
/// An interval of nothing would be a storm …
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);
/// … and one of hours a flow that never ends.
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);
/// Entra's codes live 15 minutes; a day is more than anybody needs.
const LONGEST_LIFE_SECONDS: i64 = 24 * 3600;

/// The contract's `DeviceAuthorization`: show `user_code` and `verification_uri`, keep the rest.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceAuthorization {
    /// This side's secret.
    #[serde(serialize_with = "clear_text")]
    pub device_code: Secret,
    /// What the user types.
    pub user_code: String,
    /// Where.
    pub verification_uri: String,
    /// With the code in it, for a QR picture; Entra gives none.
    #[serde(default)]
    pub verification_uri_complete: Option<String>,
    /// When both codes end.
    pub expires_at: IsoTime,
    /// How long to wait between two polls.
    pub interval_ms: u64,
}

impl fmt::Debug for DeviceAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceAuthorization").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl Client {
    /// Asks for a code (RFC 8628 §3.1).
    pub async fn start_device_authorization(&self, call: &Call) -> Result<DeviceAuthorization, Error> {
        let scrub = self.scrub([]);
        let http = self.web(Endpoint::DeviceAuthorization, scrub);
        let request = self
            .flows()
            .exchange_device_code()
            .map_err(|_| Error::Unsupported(format!("{} has no device flow", self.provider().name())))?;
        let request = request.add_scopes(self.provider().0.scopes.iter().map(|scope| Scope::new(scope.clone())));
        self.within(call, async {
            let details: DeviceAuthorizationResponse<EmptyExtraDeviceAuthorizationFields> =
                request.request_async(&http).await.map_err(|error| flow_error(Endpoint::DeviceAuthorization, error))?;
            let life = i64::try_from(details.expires_in().as_secs()).unwrap_or(i64::MAX);
            Ok(DeviceAuthorization {
                device_code: Secret::from(details.device_code().secret().as_str()),
                user_code: details.user_code().secret().clone(),
                verification_uri: page(details.verification_uri().as_str())?,
                verification_uri_complete: details
                    .verification_uri_complete()
                    .map(|uri| page(uri.secret()))
                    .transpose()?,
                expires_at: IsoTime::now().plus_seconds(life.clamp(0, LONGEST_LIFE_SECONDS)),
                interval_ms: milliseconds(details.interval().clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL)),
            })
        })
        .await
    }

    /// Asks until the user has finished, declined, or let the code end (RFC 8628 §3.4, §3.5).
    ///
    /// When the call's deadline comes before the next poll is due it fails at once with `AUTHORIZATION_PENDING`, whose
    /// `retry_after` is how long to wait: a caller that cannot hold a call for a quarter of an hour gives short
    /// deadlines and polls again.
    pub async fn poll_device_authorization(
        &self,
        device: &DeviceAuthorization,
        call: &Call,
    ) -> Result<Redeemed, Error> {
        check_token("device.deviceCode", &device.device_code)?;
        self.within(call, async {
            self.warm_keys().await?;
            let tokens = self.polled(device, call).await?;
            let identity = self.identity(&tokens, None).await?;
            Ok(Redeemed { tokens, identity })
        })
        .await
    }

    async fn polled(&self, device: &DeviceAuthorization, call: &Call) -> Result<TokenSet, Error> {
        let mut pace = Pace::of(device);
        loop {
            if IsoTime::now() >= device.expires_at {
                return Err(Error::DeviceCodeExpired);
            }
            let error = match self.poll(device).await {
                Ok(tokens) => return Ok(tokens),
                Err(error) => error,
            };
            let Some(wait) = pace.after(&error) else { return Err(error) };
            if call.remaining().is_some_and(|left| left <= wait) {
                return Err(error.waiting(wait));
            }
            clock::sleep(wait).await;
        }
    }

    async fn poll(&self, device: &DeviceAuthorization) -> Result<TokenSet, Error> {
        let scrub = self.scrub([device.device_code.expose().as_str(), device.user_code.as_str()]);
        let request = self.poll_request(&device.device_code)?;
        let answer = self.exchange(Endpoint::Token, request, &scrub).await?;
        let granted: Granted = serde_json::from_slice(answer.body())
            .map_err(|_| broken(Endpoint::Token, 200, "it is not a token response"))?;
        self.tokens(Ok(granted), &self.provider().0.scopes)
    }

    /// One poll: `oauth2` knows only the whole loop, to the end, and asks the time itself.
    fn poll_request(&self, device_code: &Secret) -> Result<HttpRequest, Error> {
        let provider = &self.provider().0;
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "urn:ietf:params:oauth:grant-type:device_code")
            .append_pair("device_code", device_code.expose());
        let mut request = http::Request::post(provider.token_endpoint.as_str())
            .header(http::header::ACCEPT, "application/json")
            .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        match &provider.proof {
            Proof::SecretInHeader(secret) => {
                request = request.header(http::header::AUTHORIZATION, basic(&provider.client_id, secret));
            }
            Proof::SecretInBody(secret) => {
                form.append_pair("client_id", &provider.client_id).append_pair("client_secret", secret.expose());
            }
            Proof::Nothing | Proof::Certificate(_) => {
                form.append_pair("client_id", &provider.client_id);
            }
        }
        request.body(form.finish().into_bytes()).map_err(|_| Error::Internal("a poll that is no HTTP request"))
    }
}

/// RFC 6749 §2.3.1: both are form-encoded before they are joined.
fn basic(client_id: &str, secret: &Secret) -> String {
    use base64::Engine as _;
    let encode = |text: &str| -> String { url::form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    let pair = format!("{}:{}", encode(client_id), encode(secret.expose()));
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

/// How long to wait between two polls.
struct Pace {
    interval: Duration,
    /// After failures that may pass: doubled each time (RFC 8628 §3.5).
    troubled: Duration,
}

impl Pace {
    fn of(device: &DeviceAuthorization) -> Self {
        let interval = Duration::from_millis(device.interval_ms).clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL);
        Self { interval, troubled: interval }
    }

    /// The wait after `error`; `None` when asking again is of no use.
    fn after(&mut self, error: &Error) -> Option<Duration> {
        let wait = match error {
            Error::Refused(refusal) if refusal.code() == Code::AuthorizationPending => {
                if refusal.error() == "slow_down" {
                    self.interval += SLOW_DOWN;
                }
                self.interval
            }
            error if error.retryable() => {
                self.troubled = (self.troubled * 2).min(LONGEST_INTERVAL);
                self.troubled
            }
            _ => return None,
        };
        Some(error.retry_after().map_or(wait, |asked| asked.max(wait)))
    }
}

/// A page to send a person to: nothing but https.
fn page(uri: &str) -> Result<String, Error> {
    match Url::parse(uri) {
        Ok(url) if url.scheme() == "https" => Ok(uri.to_owned()),
        _ => Err(broken(Endpoint::DeviceAuthorization, 200, "its verification_uri does not begin with https://")),
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn clear_text<S: serde::Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

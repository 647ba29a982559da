//! A provider and a way to reach it: what every flow stands on.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use email_base::{Call, Code, Scrub, Secret, clock};
use email_net::Connector;
use oauth2::basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse};
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, ClientId, ClientSecret, DeviceAuthorizationUrl, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, RequestTokenError, RevocationUrl, StandardRevocableToken,
    TokenUrl,
};
use reqwest::Request;

use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::granted::Granted;
use crate::http::{Http, broken};
use crate::iso::IsoTime;
use crate::jwks::Jwks;
use crate::patience::Patience;
use crate::provider::{Dialect, Proof, Provider};
use crate::table::{self, Verdict};
use crate::tokens::TokenSet;

/// `oauth2`'s client with our token response and the endpoints that a provider may lack.
pub(crate) type Flows = oauth2::Client<
    BasicErrorResponse,
    Granted,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointMaybeSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointSet,
>;

/// What the flows of `oauth2` fail with, over our HTTP.
pub(crate) type FlowError = RequestTokenError<Error, BasicErrorResponse>;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The flows of one provider. Cheap to clone; clones share connections and keys.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    provider: Provider,
    http: Http,
    flows: Flows,
    jwks: Jwks,
    scrub: Scrub,
}

impl Client {
    /// A client of `provider` over `connector`'s trust and proxy.
    pub fn new(provider: Provider, connector: &Connector) -> Result<Self, Error> {
        let http = Http::new(connector.https()?);
        let flows = flows(&provider);
        let scrub = Scrub::new(provider.0.proof.secret().map(|secret| secret.expose().as_str()));
        Ok(Self { inner: Arc::new(Inner { provider, http, flows, jwks: Jwks::default(), scrub }) })
    }

    /// Whose client it is.
    pub fn provider(&self) -> &Provider {
        &self.inner.provider
    }

    pub(crate) fn http(&self) -> &Http {
        &self.inner.http
    }

    pub(crate) fn flows(&self) -> &Flows {
        &self.inner.flows
    }

    pub(crate) fn jwks(&self) -> &Jwks {
        &self.inner.jwks
    }

    /// The app's secret and those of one request.
    pub(crate) fn scrub<'a>(&self, secrets: impl IntoIterator<Item = &'a str>) -> Scrub {
        Scrub::new(secrets).and(&self.inner.scrub)
    }

    /// Runs one flow within its call.
    pub(crate) async fn within<T>(
        &self,
        call: &Call,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        call.check()?;
        call.run(work).await?
    }

    /// HTTP for one flow over `oauth2`, whose secrets are `scrub`'s.
    pub(crate) fn web(&self, endpoint: Endpoint, scrub: Scrub) -> Web {
        Web { client: self.clone(), endpoint, scrub, patience: Patience::None }
    }

    /// The HTTP of `oauth2`'s flows: whatever is not a success never gets back to it, so nothing of it is lost.
    pub(crate) async fn exchange(
        &self,
        endpoint: Endpoint,
        request: HttpRequest,
        scrub: &Scrub,
    ) -> Result<HttpResponse, Error> {
        let request = Request::try_from(self.proven(request)?)
            .map_err(|error| Error::Net { endpoint, source: email_net::Error::from_http(&error) })?;
        let answer = self.http().send(endpoint, request).await?;
        if endpoint == Endpoint::Revocation && answer.status == 200 {
            // RFC 7009 §2.2: the body means nothing.
            return Ok(HttpResponse::new(Vec::new()));
        }
        answer.object(scrub).map_err(|error| self.judge(error))?;
        Ok(HttpResponse::new(answer.body().to_vec()))
    }

    /// The token set of a flow's outcome; `asked` are its scopes.
    pub(crate) fn tokens(&self, outcome: Result<Granted, FlowError>, asked: &[String]) -> Result<TokenSet, Error> {
        let granted = outcome.map_err(|error| flow_error(Endpoint::Token, error))?;
        granted.into_set(asked, IsoTime::now()).map_err(|what| broken(Endpoint::Token, 200, what))
    }

    /// Adds the client assertion where the app proves itself by a certificate.
    fn proven(&self, mut request: HttpRequest) -> Result<HttpRequest, Error> {
        if let Some(assertion) = self.assertion()? {
            let form = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("client_assertion_type", ASSERTION_TYPE)
                .append_pair("client_assertion", assertion.expose())
                .finish();
            let body = request.body_mut();
            body.push(b'&');
            body.extend_from_slice(form.as_bytes());
        }
        Ok(request)
    }

    fn assertion(&self) -> Result<Option<Secret>, Error> {
        let provider = &self.provider().0;
        match &provider.proof {
            Proof::Certificate(signer) => {
                signer.assertion(&provider.client_id, provider.token_endpoint.as_str()).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// What only the asker can know: that the rejected secret is a secret's id, and whose words they are.
    pub(crate) fn judge(&self, error: Error) -> Error {
        let Error::Refused(refusal) = error else { return error };
        let provider = &self.provider().0;
        let looks_like_an_id =
            || provider.proof.secret().is_some_and(|secret| crate::provider::is_guid(secret.expose()));
        let advice = match &provider.dialect {
            Dialect::Microsoft(_) if refusal.code() == Code::ClientRejected && looks_like_an_id() => {
                Some(table::SECRET_ID)
            }
            Dialect::Google if refusal.advice().is_none() => table::google_advice(refusal.error()),
            _ => None,
        };
        match advice {
            Some(_) => {
                let code = refusal.code();
                (*refusal).judged(Verdict { code, advice }).into()
            }
            None => Error::Refused(refusal),
        }
    }
}

/// What is left of `oauth2`'s error once the HTTP below it has said its part.
pub(crate) fn flow_error<T: oauth2::ErrorResponse + 'static>(
    endpoint: Endpoint,
    error: RequestTokenError<Error, T>,
) -> Error {
    match error {
        RequestTokenError::Request(error) => error,
        // Only the path: the parser's own words quote the value, which may be a token.
        RequestTokenError::Parse(error, _) => match error.path().to_string().as_str() {
            "." => broken(endpoint, 200, "a required member is missing or there twice"),
            path => broken(endpoint, 200, format!("its member `{path}` has the wrong type")),
        },
        RequestTokenError::ServerResponse(_) | RequestTokenError::Other(_) => {
            broken(endpoint, 200, "it is not the answer of its protocol")
        }
    }
}

/// `oauth2`'s HTTP client: one endpoint of ours, for one flow.
pub(crate) struct Web {
    client: Client,
    endpoint: Endpoint,
    scrub: Scrub,
    patience: Patience,
}

impl Web {
    /// Waits out a short pause that the endpoint asks for; for requests that may be sent again once they were turned away.
    pub(crate) fn patient(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, Error> {
        let send = |request| self.client.exchange(self.endpoint, request, &self.scrub);
        let error = match send(request.clone()).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let Some(pause) = self.patience.pause(&error) else { return Err(error) };
        tracing::debug!(target: "oauth", endpoint = %self.endpoint, ?pause, "turned away, once more");
        clock::sleep(pause).await;
        send(request).await
    }
}

impl<'c> AsyncHttpClient<'c> for Web {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.exchange(request))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("provider", self.provider()).finish_non_exhaustive()
    }
}

fn flows(provider: &Provider) -> Flows {
    let provider = &provider.0;
    let flows = oauth2::Client::new(ClientId::new(provider.client_id.clone()))
        .set_auth_uri(AuthUrl::from_url(provider.authorization_endpoint.clone()))
        .set_token_uri(TokenUrl::from_url(provider.token_endpoint.clone()))
        .set_device_authorization_url_option(
            provider.device_authorization_endpoint.clone().map(DeviceAuthorizationUrl::from_url),
        )
        .set_revocation_url_option(provider.revocation_endpoint.clone().map(RevocationUrl::from_url));
    let flows = match &provider.proof {
        Proof::SecretInHeader(_) => flows.set_auth_type(AuthType::BasicAuth),
        _ => flows.set_auth_type(AuthType::RequestBody),
    };
    match provider.proof.secret() {
        Some(secret) => flows.set_client_secret(ClientSecret::new(secret.expose().clone())),
        None => flows,
    }
}

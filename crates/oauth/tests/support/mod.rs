//! A tiny HTTPS server on loopback, and an OpenID provider made of it whose every answer a test can replace.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]

pub mod row;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use email_base::{Call, Classify, Failure, Secret, clock};
use email_net::{ConnectOptions, Connector, Proxy};
use email_oauth::{AuthorizationOptions, Client, IsoTime, PendingAuthorization, Provider, TokenSet, TokenType};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{ServerConfig, crypto, pki_types};
use tokio_util::sync::CancellationToken;

pub const TENANT: &str = "5f1c2a4e-86e1-4d0c-8a4f-1b9d3f7c2a00";
pub const CLIENT_ID: &str = "0d1a5d0b-6c7d-4b58-9e50-7f6d5f5f2b11";
pub const REDIRECT: &str = "https://crm.example/admin/settings/mail/oauth2";

/// Every secret of these tests; none may ever be seen in an error.
pub const CANARIES: &[&str] = &["canary-secret", "canary-code", "canary-refresh", "canary-access", "canary-device"];

/// In a reply: every value of the request's form, as it was sent.
pub const ECHO: &str = "{echo}";

#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Request {
    pub fn form(&self) -> HashMap<String, String> {
        url::form_urlencoded::parse(self.body.as_bytes()).into_owned().collect()
    }
}

#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Never answers.
    pub silent: bool,
    /// Sends the body again and again.
    pub endless: bool,
    /// Promises more than it sends.
    pub cut: bool,
}

impl Reply {
    pub fn new(status: u16, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), media_type.to_owned())];
        Self { status, headers, body: body.into(), silent: false, endless: false, cut: false }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json; charset=utf-8", body.to_string())
    }

    pub fn error(status: u16, error: &str, number: u32) -> Self {
        Self::json(
            status,
            &json!({"error": error, "error_description": format!("AADSTS{number}: said"), "error_codes": [number]}),
        )
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn echoing(mut self, request: &Request) -> Self {
        if let Ok(text) = std::str::from_utf8(&self.body)
            && text.contains(ECHO)
        {
            let said: Vec<String> = request.form().into_values().collect();
            self.body = text.replace(ECHO, &said.join(" ")).into();
        }
        self
    }
}

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

pub struct Server {
    pub base: String,
    pub ca: String,
    pub log: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub async fn start(handler: Arc<Handler>) -> Self {
        let (config, ca) = tls();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let log: Arc<Mutex<Vec<Request>>> = Arc::default();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let seen = Arc::clone(&log);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, handler, seen) = (acceptor.clone(), Arc::clone(&handler), Arc::clone(&seen));
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(socket).await {
                        serve(stream, &*handler, &seen).await;
                    }
                });
            }
        });
        Self { base, ca, log }
    }

    pub fn connector(&self) -> Connector {
        let options = ConnectOptions { ca: vec![self.ca.clone()], proxy: Proxy::Direct, connect_timeout: None };
        Connector::new(&options).unwrap()
    }

    /// Requests to `path` so far.
    pub fn requests(&self, path: &str) -> Vec<Request> {
        self.log.lock().unwrap().iter().filter(|request| request.path == path).cloned().collect()
    }
}

async fn serve<S: AsyncReadExt + AsyncWriteExt + Unpin>(mut stream: S, handler: &Handler, log: &Mutex<Vec<Request>>) {
    let mut buffer = Vec::new();
    loop {
        let Some(request) = read(&mut stream, &mut buffer).await else { return };
        log.lock().unwrap().push(request.clone());
        let reply = handler(&request);
        if reply.silent {
            std::future::pending::<()>().await;
        }
        let length = if reply.cut { reply.body.len() + 1000 } else { reply.body.len() };
        let mut head = format!("HTTP/1.1 {} X\r\n", reply.status);
        if reply.endless {
            head.push_str("transfer-encoding: chunked\r\n");
        } else {
            head.push_str(&format!("content-length: {length}\r\n"));
        }
        for (name, value) in &reply.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        if stream.write_all(head.as_bytes()).await.is_err() {
            return;
        }
        if reply.endless {
            let chunk = [format!("{:x}\r\n", reply.body.len()).as_bytes(), &reply.body, b"\r\n"].concat();
            while stream.write_all(&chunk).await.is_ok() {}
            return;
        }
        if stream.write_all(&reply.body).await.is_err() || stream.flush().await.is_err() || reply.cut {
            let _ = stream.shutdown().await;
            return;
        }
    }
}

async fn read<S: AsyncReadExt + Unpin>(stream: &mut S, buffer: &mut Vec<u8>) -> Option<Request> {
    let mut chunk = [0; 4096];
    let head_end = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(n) => buffer.extend_from_slice(&chunk[..n]),
        }
    };
    let head = String::from_utf8(buffer[..head_end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: HashMap<String, String> =
        lines.filter_map(|line| line.split_once(": ")).map(|(n, v)| (n.to_lowercase(), v.to_owned())).collect();
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    while buffer.len() < head_end + 4 + length {
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(n) => buffer.extend_from_slice(&chunk[..n]),
        }
    }
    let body = String::from_utf8(buffer[head_end + 4..head_end + 4 + length].to_vec()).unwrap();
    buffer.drain(..head_end + 4 + length);
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Some(Request { method, path: path.to_owned(), query: query.to_owned(), headers, body })
}

fn tls() -> (ServerConfig, String) {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca_params = CertificateParams::new(Vec::new()).unwrap();
    ca_params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca_params.distinguished_name.push(rcgen::DnType::CommonName, "test CA");
    let ca = ca_params.self_signed(&ca_key).unwrap();
    let issuer = Issuer::new(ca_params, ca_key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    (config, ca.pem())
}

/// A key pair whose public half a provider may publish.
#[derive(Clone)]
pub struct Key {
    pub algorithm: Algorithm,
    pub kid: &'static str,
    pub private: EncodingKey,
}

impl Key {
    pub fn ec(kid: &'static str) -> Self {
        let pem = include_str!("../keys/ec.pem");
        Self { algorithm: Algorithm::ES256, kid, private: EncodingKey::from_ec_pem(pem.as_bytes()).unwrap() }
    }

    pub fn other_ec(kid: &'static str) -> Self {
        let pem = KeyPair::generate().unwrap().serialize_pem();
        Self { algorithm: Algorithm::ES256, kid, private: EncodingKey::from_ec_pem(pem.as_bytes()).unwrap() }
    }

    pub fn rsa(kid: &'static str, algorithm: Algorithm) -> Self {
        let pem = include_str!("../keys/rsa.pem");
        Self { algorithm, kid, private: EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap() }
    }

    pub fn public(&self) -> Value {
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&self.private, self.algorithm).unwrap()).unwrap();
        jwk["kid"] = self.kid.into();
        jwk["use"] = "sig".into();
        jwk.as_object_mut().unwrap().remove("alg");
        jwk
    }

    pub fn sign(&self, claims: &Value) -> String {
        self.sign_with(&json!({"alg": format!("{:?}", self.algorithm), "typ": "JWT", "kid": self.kid}), claims)
    }

    /// With any header; signed by this key's own algorithm whatever the header says.
    pub fn sign_with(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(header, &claims.to_string())
    }

    pub fn sign_text(&self, header: &Value, claims: &str) -> String {
        let message = format!("{}.{}", encode(&header.to_string()), encode(claims));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.private, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }
}

pub fn encode(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}

/// The answers of one provider; the token endpoint gives those in the queue first, then a grant.
pub struct Answers {
    pub queue: VecDeque<Reply>,
    pub jwks: Vec<Value>,
    pub id_token: Option<String>,
    pub rotates: bool,
    /// Refresh tokens `{chain}-{n}` work once, as those of strict generic providers: chain → the n that works.
    pub strict: HashMap<String, u32>,
    pub counter: u32,
    pub expires_in: i64,
    pub at: HashMap<String, Reply>,
}

/// An Entra-shaped provider.
pub struct World {
    pub server: Server,
    pub answers: Arc<Mutex<Answers>>,
    pub key: Key,
}

impl World {
    pub async fn start() -> Self {
        let key = Key::ec("k1");
        let answers = Arc::new(Mutex::new(Answers {
            queue: VecDeque::new(),
            jwks: vec![key.public()],
            id_token: None,
            rotates: true,
            strict: HashMap::new(),
            counter: 0,
            expires_in: 3600,
            at: HashMap::new(),
        }));
        let state = Arc::clone(&answers);
        let server = Server::start(Arc::new(move |request: &Request| answer(&state, request))).await;
        Self { server, answers, key }
    }

    pub fn endpoints(&self) -> Value {
        let base = &self.server.base;
        json!({
            "authorizationEndpoint": format!("{base}/common/oauth2/v2.0/authorize"),
            "tokenEndpoint": format!("{base}/token"),
            "deviceAuthorizationEndpoint": format!("{base}/devicecode"),
            "revocationEndpoint": format!("{base}/revoke"),
            "jwksUri": format!("{base}/keys"),
            "issuer": format!("{base}/{{tenantid}}/v2.0"),
            "profileEndpoint": format!("{base}/me"),
        })
    }

    pub fn microsoft(&self) -> Client {
        self.microsoft_with(json!({}))
    }

    pub fn microsoft_with(&self, more: Value) -> Client {
        let mut options =
            json!({"clientId": CLIENT_ID, "clientSecret": "canary-secret", "endpoints": self.endpoints()});
        for (name, value) in more.as_object().unwrap() {
            if value.is_null() {
                options.as_object_mut().unwrap().remove(name);
            } else {
                options[name] = value.clone();
            }
        }
        let provider = Provider::microsoft(serde_json::from_value(options).unwrap()).unwrap();
        Client::new(provider, &self.server.connector()).unwrap()
    }

    pub fn google(&self) -> Client {
        let mut endpoints = self.endpoints();
        endpoints["issuer"] = self.server.base.clone().into();
        let options = json!({"clientId": CLIENT_ID, "clientSecret": "canary-secret", "endpoints": endpoints});
        let provider = Provider::google(serde_json::from_value(options).unwrap()).unwrap();
        Client::new(provider, &self.server.connector()).unwrap()
    }

    /// What an honest Entra puts into an id_token of `pending`.
    pub fn claims(&self, pending: &PendingAuthorization) -> Value {
        let now = clock::unix_seconds();
        json!({
            "iss": format!("{}/{TENANT}/v2.0", self.server.base), "sub": "subject", "aud": CLIENT_ID,
            "iat": now, "nbf": now, "exp": now + 3600, "nonce": pending.nonce.expose(),
            "tid": TENANT, "oid": "00000000-0000-0000-0000-0000000000a1",
            "preferred_username": "ada@contoso.example", "email": "ada@contoso.example", "name": "Ada Lovelace",
        })
    }

    pub fn give_id_token(&self, token: impl Into<String>) {
        self.answers.lock().unwrap().id_token = Some(token.into());
    }

    pub fn next(&self, reply: Reply) {
        self.answers.lock().unwrap().queue.push_back(reply);
    }

    pub fn at(&self, path: &str, reply: Reply) {
        self.answers.lock().unwrap().at.insert(path.to_owned(), reply);
    }

    pub fn token_requests(&self) -> Vec<HashMap<String, String>> {
        self.server.requests("/token").iter().map(Request::form).collect()
    }
}

fn answer(state: &Mutex<Answers>, request: &Request) -> Reply {
    let mut state = state.lock().unwrap();
    if let Some(reply) = state.at.get(&request.path) {
        return reply.clone().echoing(request);
    }
    match request.path.as_str() {
        "/token" => {
            if let Some(reply) = state.queue.pop_front() {
                return reply;
            }
            if let Some((chain, n)) = chain_of(request)
                && let Some(valid) = state.strict.get_mut(&chain)
            {
                if *valid != n {
                    return Reply::json(400, &json!({"error": "invalid_grant", "error_description": "used before"}));
                }
                *valid += 1;
                let (access, refresh) = (format!("{chain}-access-{n}"), format!("{chain}-{}", n + 1));
                let body = json!({"access_token": access, "token_type": "Bearer", "expires_in": 3600, "refresh_token": refresh});
                return Reply::json(200, &body);
            }
            state.counter += 1;
            let n = state.counter;
            let mut body = json!({
                "access_token": format!("canary-access-{n}"), "token_type": "Bearer", "expires_in": state.expires_in,
            });
            if let Some(scope) = request.form().get("scope") {
                body["scope"] = scope.as_str().into();
            }
            if state.rotates {
                body["refresh_token"] = format!("canary-refresh-{n}").into();
            }
            if let Some(token) = &state.id_token {
                body["id_token"] = token.as_str().into();
            }
            Reply::json(200, &body)
        }
        "/keys" => Reply::json(200, &json!({"keys": state.jwks})),
        _ => Reply::new(404, "text/html", "<h1>nothing here</h1>"),
    }
}

fn chain_of(request: &Request) -> Option<(String, u32)> {
    let form = request.form();
    let (chain, n) = form.get("refresh_token")?.rsplit_once('-')?;
    Some((chain.to_owned(), n.parse().ok()?))
}

pub fn call() -> Call {
    Call::new(Duration::from_secs(20), CancellationToken::new())
}

pub fn pending(client: &Client) -> PendingAuthorization {
    let options: AuthorizationOptions = serde_json::from_value(json!({"redirectUri": REDIRECT})).unwrap();
    client.authorization_url(&options).unwrap()
}

pub fn callback(pending: &PendingAuthorization) -> String {
    format!("{REDIRECT}?code=canary-code&state={}&session_state=x", pending.state.expose())
}

/// A set whose access token ends in `life` seconds from now, of an hour.
pub fn token_set(life: i64) -> TokenSet {
    let now = clock::unix_ms();
    TokenSet {
        access_token: Secret::from("canary-access-0"),
        refresh_token: Some(Secret::from("canary-refresh-0")),
        id_token: None,
        token_type: TokenType::Bearer,
        scopes: vec!["https://outlook.office.com/IMAP.AccessAsUser.All".to_owned()],
        expires_at: IsoTime::from_unix_ms(now + life * 1000),
        obtained_at: IsoTime::from_unix_ms(now + life * 1000 - 3_600_000),
    }
}

/// Everything of an error that anybody can see, free of canaries.
pub fn clean(error: &(dyn Classify + 'static), more: &[&str]) -> String {
    let failure = Failure::from(error as &dyn Classify);
    let mut seen = format!("{error} | {error:?} | {failure:?}");
    let mut source = error.source();
    while let Some(inner) = source {
        seen.push_str(&format!(" | {inner} {inner:?}"));
        source = inner.source();
    }
    for canary in CANARIES.iter().chain(more).filter(|canary| !canary.is_empty()) {
        assert!(!seen.contains(canary), "{canary} in {seen}");
    }
    seen
}

//! Endpoints that answer something else than their protocol, or no: pages, floods, redirects, wrong types, echoes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use email_base::{Action, Call, Category, Classify, Code, Secret};
use email_oauth::{Client, Error, PendingAuthorization};
use serde_json::{Value, json};
use support::{Reply, World, call, callback, clean, pending};
use tokio_util::sync::CancellationToken;

/// Every way to speak to the token endpoint.
async fn each_flow(world: &World, client: &Client, pending: &PendingAuthorization) -> Vec<(&'static str, Error)> {
    let held = Secret::from("canary-refresh-held");
    let device = json!({
        "deviceCode": "canary-device", "userCode": "ABCD", "verificationUri": "https://x/", "intervalMs": 5000,
        "expiresAt": "2030-01-01T00:00:00Z",
    });
    let device = serde_json::from_value(device).unwrap();
    // Shorter than the interval: one poll.
    let short = Call::new(std::time::Duration::from_secs(4), CancellationToken::new());
    let app = world.microsoft_with(json!({"tenant": support::TENANT}));
    vec![
        ("redeem", client.redeem(&callback(pending), pending, &call()).await.unwrap_err()),
        ("refresh", client.refresh(&held, None, &call()).await.unwrap_err()),
        ("profile", client.profile(&held, &call()).await.unwrap_err()),
        ("device", client.poll_device_authorization(&device, &short).await.unwrap_err()),
        ("credentials", app.client_credentials(None, &call()).await.unwrap_err()),
    ]
}

#[tokio::test]
async fn broken_token_endpoints() {
    let world = World::start().await;
    let client = world.microsoft();
    let secrets = support::ECHO;
    let token = |body: Value| Reply::json(200, &body);
    let cases = [
        ("a page", Reply::new(200, "text/html", format!("<h1>{secrets}</h1>")), Code::UnexpectedResponse),
        (
            "a page that says JSON",
            Reply::new(200, "application/json", format!("<h1>{secrets}</h1>")),
            Code::UnexpectedResponse,
        ),
        ("nothing", Reply::new(200, "application/json", ""), Code::UnexpectedResponse),
        ("a list", Reply::new(200, "application/json", format!("[\"{secrets}\"]")), Code::UnexpectedResponse),
        ("nested without end", Reply::new(200, "application/json", "[".repeat(200_000)), Code::UnexpectedResponse),
        (
            "not UTF-8",
            Reply::new(200, "application/json", [&b"{\"access_token\":\"canary-access-"[..], b"\xff\xfe\"}"].concat()),
            Code::UnexpectedResponse,
        ),
        (
            "no access token",
            token(json!({"token_type": "Bearer", "refresh_token": "canary-refresh-x"})),
            Code::UnexpectedResponse,
        ),
        (
            "access token of another type",
            token(json!({"access_token": ["canary-access-x"], "token_type": "Bearer"})),
            Code::UnexpectedResponse,
        ),
        ("no token type", token(json!({"access_token": "canary-access-x"})), Code::UnexpectedResponse),
        (
            "another token type",
            token(json!({"access_token": "canary-access-x", "token_type": "DPoP"})),
            Code::UnexpectedResponse,
        ),
        (
            "a life that is no number",
            token(json!({"access_token": "canary-access-x", "token_type": "Bearer", "expires_in": "canary-access-y"})),
            Code::UnexpectedResponse,
        ),
        (
            "a token that would inject",
            token(json!({"access_token": "canary-access-x\u{1}auth=", "token_type": "Bearer"})),
            Code::UnexpectedResponse,
        ),
        (
            "a token twice",
            Reply::new(
                200,
                "application/json",
                r#"{"access_token":"canary-access-x","access_token":"canary-access-y","token_type":"Bearer"}"#,
            ),
            Code::UnexpectedResponse,
        ),
        (
            "201",
            Reply::json(201, &json!({"access_token": "canary-access-x", "token_type": "Bearer"})),
            Code::UnexpectedResponse,
        ),
        (
            "a redirect",
            Reply::new(302, "text/html", "").header("location", "https://evil.example/?canary-code"),
            Code::UnexpectedResponse,
        ),
        (
            "a redirect that keeps the body",
            Reply::new(307, "text/html", "").header("location", "/token2"),
            Code::UnexpectedResponse,
        ),
        ("404", Reply::new(404, "text/html", secrets), Code::UnexpectedResponse),
        ("401 without a word", Reply::new(401, "text/plain", secrets), Code::UnexpectedResponse),
        ("error of another type", Reply::json(400, &json!({"error": {"message": secrets}})), Code::UnexpectedResponse),
        (
            "error in a success",
            token(json!({"error": "invalid_grant", "error_description": secrets})),
            Code::InvalidGrant,
        ),
        (
            "an error that echoes",
            Reply::json(
                400,
                &json!({"error": "invalid_client", "error_description": secrets, "suberror": secrets, "claims": secrets, "trace_id": secrets}),
            ),
            Code::ClientRejected,
        ),
        ("an error word that echoes", Reply::json(400, &json!({"error": secrets})), Code::CommandRejected),
        ("a gateway's page", Reply::new(502, "text/html", secrets), Code::ServerUnavailable),
        ("a busy server", Reply::new(503, "text/plain", secrets).header("retry-after", "120"), Code::ServerUnavailable),
        ("too fast, in HTML", Reply::new(429, "text/html", secrets).header("retry-after", "120"), Code::RateLimited),
        (
            "too fast, in JSON",
            Reply::json(429, &json!({"error": "invalid_grant", "error_description": secrets}))
                .header("retry-after", "120"),
            Code::RateLimited,
        ),
        (
            "a body that is longer than the cap",
            Reply::new(200, "application/json", vec![b' '; 300 * 1024]),
            Code::UnexpectedResponse,
        ),
        (
            "a body without end",
            Reply { endless: true, ..Reply::new(200, "application/json", vec![b' '; 8192]) },
            Code::UnexpectedResponse,
        ),
        (
            "a body that is not gzip",
            Reply::new(200, "application/json", secrets).header("content-encoding", "gzip"),
            Code::UnexpectedResponse,
        ),
    ];
    for (name, reply, code) in cases {
        world.at("/token", reply.clone());
        let pending = pending(&client);
        for (flow, error) in each_flow(&world, &client, &pending).await {
            let seen = clean(&error, &[pending.code_verifier.expose(), pending.state.expose(), pending.nonce.expose()]);
            assert_eq!(error.code(), code, "{name}, {flow}: {seen}");
            assert_eq!(
                seen.contains("longer than 262144 bytes"),
                name.starts_with("a body that is longer") || reply.endless,
                "{name}"
            );
            assert_eq!(error.protocol().map(|protocol| protocol.as_str()), Some("oauth"), "{name}, {flow}");
            let asked = reply.headers.iter().find(|(name, _)| name == "retry-after").map(|_| 120);
            assert_eq!(error.retry_after().map(|wait| wait.as_secs()), asked, "{name}, {flow}");
        }
    }
    assert!(world.server.requests("/token2").is_empty(), "a redirect was followed");
}

#[tokio::test]
async fn a_connection_that_ends_early_is_the_networks_fault() {
    let world = World::start().await;
    world.at("/token", Reply { cut: true, ..Reply::json(200, &json!({"access_token": "canary-access-x"})) });
    let error = world.microsoft().refresh(&Secret::from("canary-refresh"), None, &call()).await.unwrap_err();
    clean(&error, &[]);
    assert!(error.retryable(), "{error}");
}

#[tokio::test]
async fn broken_key_sets() {
    let world = World::start().await;
    for reply in [
        Reply::new(200, "text/html", "<h1>"),
        Reply::json(200, &json!({"keys": "k"})),
        Reply::json(200, &json!({})),
        Reply::json(200, &json!([])),
        Reply::new(302, "text/html", "").header("location", "/elsewhere"),
        Reply::new(200, "application/json", vec![b' '; 300 * 1024]),
    ] {
        world.at("/keys", reply.clone());
        let client = world.microsoft();
        let pending = pending(&client);
        let error = client.redeem(&callback(&pending), &pending, &call()).await.unwrap_err();
        assert_eq!(error.code(), Code::UnexpectedResponse, "{reply:?}");
    }
    // Keys of unknown or broken kinds are passed over, never trusted.
    world.at(
        "/keys",
        Reply::json(
            200,
            &json!({"keys": [{"kty": "EC"}, 5, null, {"kty": "oct", "k": "AAAA", "kid": "k1"}, {"kid": "k1"}]}),
        ),
    );
    let client = world.microsoft();
    let pending = pending(&client);
    world.give_id_token(world.key.sign(&world.claims(&pending)));
    assert_eq!(client.redeem(&callback(&pending), &pending, &call()).await.unwrap_err().code(), Code::IdTokenInvalid);
}

#[tokio::test]
async fn the_id_of_a_secret_in_place_of_its_value_is_told() {
    let world = World::start().await;
    let client = world.microsoft_with(json!({"clientSecret": "0d1a5d0b-6c7d-4b58-9e50-7f6d5f5f2b11"}));
    world.next(Reply::error(401, "invalid_client", 7_000_215));
    let error = client.refresh(&Secret::from("canary-refresh"), None, &call()).await.unwrap_err();
    assert!(error.to_string().contains("has the form of a Secret ID"), "{error}");
    assert_eq!((error.code(), error.category()), (Code::ClientRejected, Category::Auth));
    assert!(!clean(&error, &[]).contains("0d1a5d0b"));
}

#[tokio::test]
async fn every_entra_number_survives_the_wire() {
    let world = World::start().await;
    let client = world.microsoft();
    for (number, action) in [
        (7_000_222, Action::FixConfig),
        (53003, Action::AskAdmin),
        (50076, Action::Reauthorize),
        (90033, Action::Retry),
    ] {
        world.next(Reply::json(400, &json!({
            "error": "invalid_grant", "error_description": "AADSTS: …", "error_codes": [number], "suberror": "x",
            "claims": "{\"access_token\":{}}", "trace_id": "t-1", "correlation_id": "c-1", "timestamp": "2026-11-22 15:00:00Z",
        })));
        let error = client.refresh(&Secret::from("canary-refresh"), None, &call()).await.unwrap_err();
        assert_eq!(error.action(), action, "AADSTS{number}");
        let reply = error.server().unwrap();
        assert_eq!(reply.status, "400");
        let details: Value = serde_json::from_str(&reply.details.unwrap()).unwrap();
        assert_eq!((&details["errorCodes"], &details["traceId"]), (&json!([number]), &json!("t-1")));
        assert!(error.advice().is_some());
    }
}

#[tokio::test]
async fn an_unknown_ca_is_a_tls_error() {
    let (world, stranger) = (World::start().await, World::start().await);
    let provider = world.microsoft().provider().clone();
    let client = Client::new(provider, &stranger.server.connector()).unwrap();
    let error = client.refresh(&Secret::from("canary-refresh"), None, &call()).await.unwrap_err();
    clean(&error, &[]);
    assert_eq!((error.code(), error.category()), (Code::CertificateUntrusted, Category::Tls));
    assert!(world.token_requests().is_empty());
}

#[tokio::test]
async fn nothing_is_sent_for_arguments_that_cannot_work() {
    let world = World::start().await;
    let client = world.microsoft();
    for token in ["", "a\r\nb", "a\0", "é", "a\u{1}b"] {
        let token = Secret::from(token);
        for error in [
            client.refresh(&token, None, &call()).await.unwrap_err(),
            client.profile(&token, &call()).await.unwrap_err(),
            client.revoke(&token, &call()).await.unwrap_err(),
        ] {
            assert_eq!((error.code(), error.protocol()), (Code::InvalidArgument, None));
        }
    }
    for scopes in [vec![], vec!["a b".to_owned()], vec!["a\r\nb".to_owned()]] {
        let error = client.refresh(&Secret::from("canary-refresh"), Some(&scopes), &call()).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
    }
    assert!(world.server.log.lock().unwrap().is_empty());
}

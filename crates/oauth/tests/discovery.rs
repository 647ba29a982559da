//! Any OpenID Connect provider by its discovery document, honest and not.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use email_base::{Action, Category, Classify, Code};
use email_oauth::{Client, DiscoverOptions, Error, Provider};
use serde_json::{Value, json};
use support::{CLIENT_ID, Reply, World, call, callback, clean, pending};

const PATH: &str = "/.well-known/openid-configuration";

fn metadata(world: &World) -> Value {
    let base = &world.server.base;
    json!({
        "issuer": base, "authorization_endpoint": format!("{base}/authorize"), "token_endpoint": format!("{base}/token"),
        "jwks_uri": format!("{base}/keys"), "userinfo_endpoint": format!("{base}/userinfo"),
        "revocation_endpoint": format!("{base}/revoke"), "authorization_response_iss_parameter_supported": true,
    })
}

async fn discover(world: &World, more: Value) -> Result<Provider, Error> {
    let mut options = json!({
        "issuer": world.server.base, "clientId": CLIENT_ID, "clientSecret": "canary-secret",
        "scopes": ["openid", "offline_access"], "imap": {"host": "imap.example", "port": 993, "tls": "implicit"},
        "timeoutMs": 5000,
    });
    for (name, value) in more.as_object().unwrap() {
        options[name] = value.clone();
    }
    let options: DiscoverOptions = serde_json::from_value(options).unwrap();
    Provider::discover(options, &world.server.connector(), &call()).await
}

#[tokio::test]
async fn a_provider_is_read_and_a_mailbox_linked() {
    let world = World::start().await;
    world.at(PATH, Reply::json(200, &metadata(&world)));
    let provider = discover(&world, json!({})).await.unwrap();
    let view = serde_json::to_value(&provider).unwrap();
    assert_eq!(
        (&view["name"], &view["smtp"], &view["deviceAuthorizationEndpoint"]),
        (&"localhost".into(), &Value::Null, &Value::Null)
    );
    assert_eq!(view["imap"]["host"], "imap.example");
    let client = Client::new(provider, &world.server.connector()).unwrap();
    let pending = pending(&client);
    let mut claims = world.claims(&pending);
    claims["iss"] = world.server.base.clone().into();
    world.give_id_token(world.key.sign(&claims));
    // It promised `iss` in every callback (RFC 9207 §2.4): without it somebody else may have sent it.
    let error = client.redeem(&callback(&pending), &pending, &call()).await.unwrap_err();
    assert_eq!(error.code(), Code::AuthorizationMismatch);
    let url = format!("{}&iss={}", callback(&pending), world.server.base);
    let identity = client.redeem(&url, &pending, &call()).await.unwrap().identity.unwrap();
    assert_eq!(identity.key, format!("{}#subject", world.server.base));
    let request = world.server.requests("/token").remove(0);
    assert!(request.headers["authorization"].starts_with("Basic "));
    assert!(!request.body.contains("canary-secret"));

    world.at("/userinfo", Reply::json(200, &json!({"sub": "subject", "name": "Ada", "email": "ada@example.com"})));
    let profiled = client.profile(&"canary-refresh".into(), &call()).await.unwrap();
    assert_eq!((profiled.profile.id.as_str(), profiled.profile.mail.as_deref()), ("subject", Some("ada@example.com")));
    assert_eq!(client.start_device_authorization(&call()).await.unwrap_err().code(), Code::CapabilityMissing);
}

#[tokio::test]
async fn a_secret_goes_where_the_provider_takes_it() {
    let world = World::start().await;
    for (methods, in_header) in [
        (json!(["client_secret_post"]), false),
        (json!(["client_secret_post", "client_secret_basic"]), true),
        (json!(["private_key_jwt"]), true),
        (json!("nonsense"), true),
    ] {
        let mut document = metadata(&world);
        document["token_endpoint_auth_methods_supported"] = methods.clone();
        world.at(PATH, Reply::json(200, &document));
        let client = Client::new(discover(&world, json!({})).await.unwrap(), &world.server.connector()).unwrap();
        client.refresh(&"canary-refresh".into(), None, &call()).await.unwrap();
        let request = world.server.requests("/token").pop().unwrap();
        assert_eq!(request.headers.contains_key("authorization"), in_header, "{methods}");
        assert_eq!(request.body.contains("client_secret"), !in_header, "{methods}");
    }
}

#[tokio::test]
async fn documents_that_lead_elsewhere() {
    let world = World::start().await;
    let spoilt = |name: &str, value: Value| {
        let mut document = metadata(&world);
        document[name] = value;
        Reply::json(200, &document)
    };
    let cases = [
        ("another issuer", spoilt("issuer", json!("https://evil.example"))),
        ("issuer missing", spoilt("issuer", Value::Null)),
        ("issuer of another type", spoilt("issuer", json!([world.server.base]))),
        ("token endpoint in clear", spoilt("token_endpoint", json!("http://localhost/token"))),
        ("token endpoint missing", spoilt("token_endpoint", Value::Null)),
        ("token endpoint of another type", spoilt("token_endpoint", json!(7))),
        ("authorization endpoint as a script", spoilt("authorization_endpoint", json!("javascript:alert(1)"))),
        ("authorization endpoint missing", spoilt("authorization_endpoint", Value::Null)),
        ("keys in clear", spoilt("jwks_uri", json!("http://localhost/keys"))),
        ("keys missing", spoilt("jwks_uri", Value::Null)),
        ("revocation in clear", spoilt("revocation_endpoint", json!("http://localhost/revoke"))),
        ("userinfo with a password", spoilt("userinfo_endpoint", json!("https://u:p@localhost/me"))),
        ("nothing there", Reply::new(404, "text/html", "")),
        ("nothing there, in JSON", Reply::json(404, &json!({"error": "not_found"}))),
        ("gone", Reply::new(410, "text/html", "<h1>")),
    ];
    for (name, reply) in cases {
        world.at(PATH, reply);
        let error = discover(&world, json!({})).await.map(|_| name).unwrap_err();
        clean(&error, &[]);
        assert_eq!((error.code(), error.action()), (Code::OAuthConfig, Action::FixConfig), "{name}: {error}");
    }
}

/// A proxy's page, a captive portal, a host that has moved: as at every other endpoint, and told by what was met.
#[tokio::test]
async fn answers_that_are_no_document_are_not_blamed_on_the_settings_alone() {
    let world = World::start().await;
    let redirect = |status| Reply::new(status, "text/html", "").header("location", "https://evil.example/?canary-code");
    let cases = [
        ("a page", Reply::new(200, "text/html; charset=utf-8", "<h1>Sign in</h1>"), "a document of type text/html"),
        ("a page with 403", Reply::new(403, "text/html", "<h1>No</h1>"), "a document of type text/html"),
        ("a page that says JSON", Reply::new(200, "application/json", "<h1>"), "not the JSON of its protocol"),
        ("a list", Reply::json(200, &json!([])), "not the JSON of its protocol"),
        ("nothing", Reply::new(200, "text/plain", ""), "nothing else"),
        ("a redirect", redirect(301), "redirects are not followed"),
        ("a redirect that keeps the method", redirect(307), "redirects are not followed"),
        ("too long", Reply::new(200, "application/json", vec![b' '; 300 * 1024]), "longer than 262144 bytes"),
    ];
    for (name, reply, met) in cases {
        let status = reply.status.to_string();
        world.at(PATH, reply);
        let error = discover(&world, json!({})).await.map(|_| name).unwrap_err();
        let seen = clean(&error, &["evil.example", "Sign in"]);
        assert_eq!((error.code(), error.action()), (Code::UnexpectedResponse, Action::Retry), "{name}: {seen}");
        assert_eq!((error.category(), error.retryable()), (Category::Protocol, true), "{name}");
        assert_eq!(error.server().map(|reply| reply.status), Some(status.clone()), "{name}");
        let text = error.to_string();
        for part in [met, &format!("HTTP {status}"), &world.server.base] {
            assert!(text.contains(part), "{name}: {text}");
        }
    }
}

#[tokio::test]
async fn an_outage_of_the_issuer_passes() {
    let world = World::start().await;
    world.at(PATH, Reply::new(503, "text/html", "busy"));
    let error = discover(&world, json!({})).await.unwrap_err();
    assert_eq!((error.code(), error.retryable()), (Code::ServerUnavailable, true));
}

#[tokio::test]
async fn arguments_are_checked_before_a_byte_is_sent() {
    let world = World::start().await;
    for more in [
        json!({"issuer": "http://localhost"}),
        json!({"issuer": ""}),
        json!({"issuer": "https://localhost/?x=1"}),
        json!({"issuer": "https://localhost/#x"}),
        json!({"clientId": " "}),
        json!({"clientSecret": "s\n"}),
        json!({"scopes": []}),
        json!({"scopes": ["a b"]}),
    ] {
        assert_eq!(discover(&world, more.clone()).await.unwrap_err().code(), Code::InvalidArgument, "{more}");
    }
    assert!(world.server.log.lock().unwrap().is_empty());
}

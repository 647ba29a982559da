//! What must never become an identity or a token: forged, replayed, mixed-up and broken answers. Each case is checked for
//! its code and for canaries.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use email_base::{Action, Call, Category, Classify, Code, Secret, clock};
use email_oauth::{Client, Error, PendingAuthorization};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use support::{CLIENT_ID, Key, REDIRECT, Reply, World, call, callback, clean, encode, pending};
use tokio_util::sync::CancellationToken;

/// How one case spoils an honest token: from the world, its key and the honest claims to what is sent.
type Spoil = fn(&World, &Key, Value) -> String;

fn with(mut claims: Value, name: &str, value: impl Into<Value>) -> Value {
    claims[name] = value.into();
    claims
}

fn without(mut claims: Value, name: &str) -> Value {
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn now() -> i64 {
    clock::unix_seconds()
}

const ID_TOKENS: &[(&str, &str, Spoil)] = &[
    // ── signature and header
    ("alg none without a signature", "RS256, PS256 or ES256", |_, _, c| {
        format!("{}.{}.", encode(r#"{"alg":"none","typ":"JWT"}"#), encode(&c.to_string()))
    }),
    ("alg None in another case", "RS256, PS256 or ES256", |_, k, c| {
        k.sign_with(&json!({"alg": "NonE", "kid": "k1"}), &c)
    }),
    ("alg none with a signature", "RS256, PS256 or ES256", |_, k, c| {
        k.sign_with(&json!({"alg": "none", "kid": "k1"}), &c)
    }),
    ("alg HS256 keyed with the public key", "RS256, PS256 or ES256", |_, k, c| {
        let secret = jsonwebtoken::EncodingKey::from_secret(k.public()["x"].as_str().unwrap().as_bytes());
        Key { algorithm: Algorithm::HS256, kid: "k1", private: secret }.sign(&c)
    }),
    ("alg HS256 keyed with the client secret", "RS256, PS256 or ES256", |_, _, c| {
        Key {
            algorithm: Algorithm::HS256,
            kid: "k1",
            private: jsonwebtoken::EncodingKey::from_secret(b"canary-secret"),
        }
        .sign(&c)
    }),
    ("alg RS512, which is on no list", "RS256, PS256 or ES256", |_, _, c| Key::rsa("k1", Algorithm::RS512).sign(&c)),
    ("alg EdDSA", "RS256, PS256 or ES256", |_, k, c| k.sign_with(&json!({"alg": "EdDSA", "kid": "k1"}), &c)),
    ("alg in lower case", "RS256, PS256 or ES256", |_, k, c| k.sign_with(&json!({"alg": "es256", "kid": "k1"}), &c)),
    ("no alg", "not a JWT", |_, k, c| k.sign_with(&json!({"kid": "k1"}), &c)),
    ("alg as a number", "not a JWT", |_, k, c| k.sign_with(&json!({"alg": 256, "kid": "k1"}), &c)),
    ("a foreign key with a known id", "signature", |_, _, c| Key::other_ec("k1").sign(&c)),
    ("a foreign key with its own id", "does not publish", |_, _, c| Key::other_ec("x").sign(&c)),
    ("a foreign key embedded as jwk", "signature", |_, _, c| {
        let key = Key::other_ec("k1");
        key.sign_with(&json!({"alg": "ES256", "kid": "k1", "jwk": key.public()}), &c)
    }),
    ("a foreign key by jku", "signature", |_, _, c| {
        Key::other_ec("k1").sign_with(&json!({"alg": "ES256", "kid": "k1", "jku": "https://evil.example/keys"}), &c)
    }),
    ("no key id, foreign key", "signature", |_, _, c| Key::other_ec("k1").sign_with(&json!({"alg": "ES256"}), &c)),
    ("RS256 announced for an EC key", "does not publish", |_, k, c| {
        k.sign_with(&json!({"alg": "RS256", "kid": "k1"}), &c)
    }),
    ("key id that is a path", "does not publish", |_, k, c| {
        k.sign_with(&json!({"alg": "ES256", "kid": "../../dev/null"}), &c)
    }),
    ("claims changed after signing", "signature", |_, k, c| {
        let token = k.sign(&c);
        let parts: Vec<&str> = token.split('.').collect();
        format!("{}.{}.{}", parts[0], encode(&with(c, "oid", "someone-else").to_string()), parts[2])
    }),
    ("signature cut short", "signature", |_, k, c| {
        let t = k.sign(&c);
        t[..t.len() - 6].to_owned()
    }),
    ("signature empty", "signature", |_, k, c| {
        let t = k.sign(&c);
        t[..=t.rfind('.').unwrap()].to_owned()
    }),
    ("signature of zeros", "signature", |_, k, c| {
        let t = k.sign(&c);
        format!("{}{}", &t[..=t.rfind('.').unwrap()], "A".repeat(86))
    }),
    ("critical extensions", "critical", |_, k, c| {
        k.sign_with(&json!({"alg": "ES256", "kid": "k1", "crit": ["b64"], "b64": false}), &c)
    }),
    ("typ of an access token", "another kind", |_, k, c| {
        k.sign_with(&json!({"alg": "ES256", "kid": "k1", "typ": "at+jwt"}), &c)
    }),
    ("typ of a logout token", "another kind", |_, k, c| {
        k.sign_with(&json!({"alg": "ES256", "kid": "k1", "typ": "logout+jwt"}), &c)
    }),
    // ── shape
    ("empty", "not a JWT", |_, _, _| String::new()),
    ("two parts", "not a JWT", |_, k, c| k.sign(&c).rsplit_once('.').unwrap().0.to_owned()),
    ("five parts (encrypted)", "not a JWT", |_, k, c| format!("{}.x.y", k.sign(&c))),
    ("padded base64", "not a JWT", |_, k, c| {
        let t = k.sign(&c);
        format!("={t}")
    }),
    ("not base64", "not a JWT", |_, _, _| "%%%.%%%.%%%".to_owned()),
    ("far too long", "not a JWT", |_, k, c| k.sign(&with(c, "groups", "g".repeat(70_000)))),
    ("claims that are a list", "not a JWT", |_, k, _| k.sign(&json!([1, 2]))),
    ("claims that are nested without end", "not a JWT", |_, k, _| {
        k.sign_text(&json!({"alg": "ES256", "kid": "k1"}), &"[".repeat(20_000))
    }),
    ("a claim twice", "not a JWT", |_, k, c| {
        k.sign_text(&json!({"alg": "ES256", "kid": "k1"}), &c.to_string().replacen('{', r#"{"aud":"evil","#, 1))
    }),
    // ── issuer
    ("iss of another provider", "another issuer", |_, k, c| k.sign(&with(c, "iss", "https://evil.example/t/v2.0"))),
    ("iss of another tenant than tid", "another issuer", |w, k, c| {
        k.sign(&with(c, "iss", format!("{}/other/v2.0", w.server.base)))
    }),
    ("iss that is the template", "another issuer", |w, k, c| {
        k.sign(&with(with(c, "iss", format!("{}/{{tenantid}}/v2.0", w.server.base)), "tid", "{tenantid}"))
    }),
    ("iss with a slash more", "another issuer", |_, k, c| {
        let i = format!("{}/", c["iss"].as_str().unwrap());
        k.sign(&with(c, "iss", i))
    }),
    ("iss missing", "not a JWT", |_, k, c| k.sign(&without(c, "iss"))),
    ("iss as a list", "not a JWT", |_, k, c| {
        let i = c["iss"].clone();
        k.sign(&with(c, "iss", json!([i])))
    }),
    ("tid missing", "another issuer", |_, k, c| k.sign(&without(c, "tid"))),
    ("tid as a path", "another issuer", |w, k, c| {
        k.sign(&with(with(c, "tid", "a/b"), "iss", format!("{}/a/b/v2.0", w.server.base)))
    }),
    // ── audience
    ("aud of another app", "another app", |_, k, c| k.sign(&with(c, "aud", "someone-else"))),
    ("aud missing", "not a JWT", |_, k, c| k.sign(&without(c, "aud"))),
    ("aud empty", "another app", |_, k, c| k.sign(&with(c, "aud", json!([])))),
    ("aud with another app and no azp", "another app", |_, k, c| {
        k.sign(&with(c, "aud", json!([CLIENT_ID, "someone-else"])))
    }),
    ("aud as an object", "not a JWT", |_, k, c| k.sign(&with(c, "aud", json!({"id": CLIENT_ID})))),
    ("aud in another case", "another app", |_, k, c| k.sign(&with(c, "aud", CLIENT_ID.to_uppercase()))),
    ("azp of another party", "azp", |_, k, c| k.sign(&with(c, "azp", "someone-else"))),
    ("azp of another party among several", "azp", |_, k, c| {
        k.sign(&with(with(c, "aud", json!([CLIENT_ID, "x"])), "azp", "x"))
    }),
    // ── nonce
    ("nonce missing", "nonce", |_, k, c| k.sign(&without(c, "nonce"))),
    ("nonce of another authorization", "nonce", |_, k, c| k.sign(&with(c, "nonce", "replayed"))),
    ("nonce empty", "nonce", |_, k, c| k.sign(&with(c, "nonce", ""))),
    ("nonce as a list", "not a JWT", |_, k, c| {
        let n = c["nonce"].clone();
        k.sign(&with(c, "nonce", json!([n])))
    }),
    // ── times
    ("expired", "expired", |_, k, c| k.sign(&with(with(c, "exp", now() - 400), "iat", now() - 4000))),
    ("exp as a string", "not a JWT", |_, k, c| k.sign(&with(c, "exp", (now() + 3600).to_string()))),
    ("exp missing", "not a JWT", |_, k, c| k.sign(&without(c, "exp"))),
    ("exp null", "not a JWT", |_, k, c| k.sign(&with(c, "exp", Value::Null))),
    ("exp before iat", "expired", |_, k, c| k.sign(&with(c, "exp", now() - 10))),
    ("exp negative", "expired", |_, k, c| k.sign(&with(c, "exp", -1))),
    ("exp in an old millennium's milliseconds", "expired", |_, k, c| k.sign(&with(c, "exp", 1))),
    ("iat missing", "not a JWT", |_, k, c| k.sign(&without(c, "iat"))),
    ("iat as a string", "not a JWT", |_, k, c| k.sign(&with(c, "iat", now().to_string()))),
    ("iat in the future", "future", |_, k, c| k.sign(&with(with(c, "iat", now() + 400), "exp", now() + 4000))),
    ("nbf in the future", "future", |_, k, c| k.sign(&with(c, "nbf", now() + 400))),
    ("nbf as a string", "not a JWT", |_, k, c| k.sign(&with(c, "nbf", now().to_string()))),
    // ── subject
    ("sub missing", "not a JWT", |_, k, c| k.sign(&without(c, "sub"))),
    ("sub empty", "sub, tid or oid", |_, k, c| k.sign(&with(c, "sub", ""))),
    ("sub as a number", "not a JWT", |_, k, c| k.sign(&with(c, "sub", 7))),
    ("sub with a line break", "sub, tid or oid", |_, k, c| k.sign(&with(c, "sub", "a\nb"))),
    ("sub far too long", "sub, tid or oid", |_, k, c| k.sign(&with(c, "sub", "s".repeat(256)))),
    ("oid missing", "sub, tid or oid", |_, k, c| k.sign(&without(c, "oid"))),
    ("oid that would forge a key", "sub, tid or oid", |_, k, c| k.sign(&with(c, "oid", "a:b"))),
    ("at_hash of another access token", "at_hash", |_, k, c| k.sign(&with(c, "at_hash", "AAAAAAAAAAAAAAAAAAAAAA"))),
];

#[tokio::test]
async fn id_tokens_that_are_not_proven() {
    let world = World::start().await;
    let client = world.microsoft();
    for (name, why, spoil) in ID_TOKENS {
        let pending = pending(&client);
        let token = spoil(&world, &world.key, world.claims(&pending));
        world.give_id_token(token.clone());
        // A fresh client for those that would use up the fetches of unknown keys.
        let client = world.microsoft();
        let error = client.redeem(&callback(&pending), &pending, &call()).await.map(|_| *name).unwrap_err();
        let seen = clean(&error, &[&token, pending.code_verifier.expose(), pending.nonce.expose()]);
        assert_eq!(error.code(), Code::IdTokenInvalid, "{name}: {seen}");
        assert!(error.to_string().contains(why), "{name}: {seen}");
    }
    assert!(ID_TOKENS.len() >= 60, "{}", ID_TOKENS.len());
    // The table would be worth nothing if honest tokens failed, too; clocks may differ by less than five minutes.
    let pending = pending(&client);
    let honest = world.claims(&pending);
    for claims in [
        honest.clone(),
        with(with(honest.clone(), "aud", json!([CLIENT_ID])), "azp", CLIENT_ID),
        with(with(honest.clone(), "iat", now() - 3900), "exp", now() - 200),
        with(with(honest.clone(), "iat", now() + 200), "nbf", now() + 200),
        with(honest.clone(), "exp", json!(now() as f64 + 3600.5)),
        without(honest, "nbf"),
    ] {
        world.give_id_token(world.key.sign(&claims));
        assert!(client.redeem(&callback(&pending), &pending, &call()).await.is_ok(), "{claims}");
    }
}

#[tokio::test]
async fn an_id_token_that_was_asked_and_left_out() {
    let world = World::start().await;
    let client = world.microsoft();
    let pending = pending(&client);
    let error = client.redeem(&callback(&pending), &pending, &call()).await.unwrap_err();
    assert_eq!(error.code(), Code::IdTokenInvalid);
    clean(&error, &[]);
}

#[tokio::test]
async fn callbacks_that_belong_to_another_authorization() {
    let world = World::start().await;
    let client = world.microsoft();
    let other = pending(&client);
    let pending = pending(&client);
    let state = pending.state.expose().as_str();
    let good = callback(&pending);
    let iss = |issuer: &str| format!("{good}&iss={}", encoded(issuer));
    let cases = [
        ("no state", format!("{REDIRECT}?code=canary-code")),
        ("empty state", format!("{REDIRECT}?code=canary-code&state=")),
        ("state of another session", callback(&other)),
        ("state cut short", format!("{REDIRECT}?code=canary-code&state={}", &state[..42])),
        ("state in another case", format!("{REDIRECT}?code=canary-code&state={}", state.to_ascii_uppercase())),
        ("state twice", format!("{good}&state={state}")),
        ("state twice, the wrong one first", format!("{REDIRECT}?state=x&code=canary-code&state={state}")),
        ("code twice", format!("{good}&code=other")),
        ("no code", format!("{REDIRECT}?state={state}")),
        ("empty code", format!("{REDIRECT}?code=&state={state}")),
        ("code with a line break", format!("{REDIRECT}?code=a%0Ab&state={state}")),
        ("code and state in the fragment", format!("{REDIRECT}#code=canary-code&state={state}")),
        ("another host", good.replace("crm.example", "crm.example.evil.example")),
        ("another port", good.replace("crm.example", "crm.example:8443")),
        ("another scheme", good.replace("https:", "http:")),
        ("another path", good.replace("/oauth2", "/oauth2/x")),
        ("a slash more", good.replace("/oauth2?", "/oauth2/?")),
        ("a path that climbs", good.replace("/oauth2?", "/x/../other?")),
        ("a user in the address", good.replace("https://", "https://user@")),
        ("issuer mix-up", iss("https://evil.example/t/v2.0")),
        ("issuer with a path in the tenant", iss(&format!("{}/a/b/v2.0", world.server.base))),
        ("issuer empty", iss("")),
        ("issuer twice", format!("{}&iss=https://evil.example", iss(&format!("{}/t/v2.0", world.server.base)))),
        ("an error of another session", format!("{REDIRECT}?error=access_denied&state={}", other.state.expose())),
        ("an error without state", format!("{REDIRECT}?error=access_denied&error_description=canary-code")),
        ("error twice", format!("{REDIRECT}?error=access_denied&error=server_error&state={state}")),
        ("a flood of parameters", format!("{good}{}", "&a=b".repeat(100))),
    ];
    for (name, url) in &cases {
        let error = client.redeem(url, &pending, &call()).await.map(|_| *name).unwrap_err();
        let seen = clean(&error, &[state]);
        assert_eq!(
            (error.code(), error.action()),
            (Code::AuthorizationMismatch, Action::Reauthorize),
            "{name}: {seen}"
        );
    }
    for url in ["", "/admin/settings/mail/oauth2?code=x", "not a url", &format!("{good}{}", "x".repeat(40_000))] {
        assert_eq!(client.redeem(url, &pending, &call()).await.unwrap_err().code(), Code::InvalidArgument, "{url:.40}");
    }
    let mut forged = pending.clone();
    forged.state = Secret::from("");
    let url = format!("{REDIRECT}?code=canary-code&state=");
    assert_eq!(client.redeem(&url, &forged, &call()).await.unwrap_err().code(), Code::AuthorizationMismatch);
    assert!(world.token_requests().is_empty(), "a code was sent for a callback that is not ours");
    // And the honest one works, with the issuer named as well (RFC 9207).
    world.give_id_token(world.key.sign(&world.claims(&pending)));
    let url = iss(&format!("{}/t/v2.0", world.server.base));
    assert!(client.redeem(&url, &pending, &call()).await.is_ok());
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[tokio::test]
async fn error_callbacks_say_who_has_to_act() {
    let world = World::start().await;
    let client = world.microsoft();
    for (error, description, code, action) in [
        ("access_denied", "", Code::AuthorizationDenied, Action::Reauthorize),
        ("access_denied", "AADSTS65004: User declined", Code::AuthorizationDenied, Action::Reauthorize),
        ("access_denied", "AADSTS90094: admin", Code::AdminConsentRequired, Action::AskAdmin),
        ("consent_required", "AADSTS65001: consent", Code::InteractionRequired, Action::Reauthorize),
        ("interaction_required", "AADSTS50105: assigned", Code::BlockedByPolicy, Action::AskAdmin),
        ("login_required", "", Code::InteractionRequired, Action::Reauthorize),
        ("invalid_request", "AADSTS50011: redirect URI", Code::OAuthConfig, Action::FixConfig),
        ("invalid_request", "AADSTS50194: single tenant", Code::OAuthConfig, Action::FixConfig),
        ("unauthorized_client", "AADSTS700016: app", Code::ClientRejected, Action::FixConfig),
        ("invalid_scope", "AADSTS28000: scopes", Code::InvalidScope, Action::FixConfig),
        ("server_error", "", Code::ServerUnavailable, Action::Retry),
        ("temporarily_unavailable", "", Code::ServerUnavailable, Action::Retry),
        ("admin_policy_enforced", "", Code::BlockedByPolicy, Action::AskAdmin),
        ("news_from_2030", "AADSTS123456789: x", Code::CommandRejected, Action::None),
    ] {
        let pending = pending(&client);
        let state = pending.state.expose();
        let url = format!(
            "{REDIRECT}?error={error}&error_description={}%20canary-code%20{state}&code=canary-code&state={state}",
            encoded(description)
        );
        let refused = client.redeem(&url, &pending, &call()).await.unwrap_err();
        clean(&refused, &[state]);
        assert_eq!((refused.code(), refused.action()), (code, action), "{error} {description}");
        assert_eq!(refused.server().unwrap().code.as_deref(), Some(error));
    }
    assert!(world.token_requests().is_empty());
}

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
    assert!(error.to_string().contains("has the form of a secret's ID"), "{error}");
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

//! Linking a mailbox end to end: what is sent, what is checked, what comes of it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use email_base::{Call, Classify, Code, Secret};
use email_oauth::AuthorizationOptions;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use support::{CLIENT_ID, Key, REDIRECT, Reply, TENANT, World, call, callback, clean, pending};
use tokio_util::sync::CancellationToken;
use url::Url;

fn query(url: &str) -> std::collections::HashMap<String, String> {
    Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

fn options(more: Value) -> AuthorizationOptions {
    let mut options = json!({"redirectUri": REDIRECT});
    for (name, value) in more.as_object().unwrap() {
        options[name] = value.clone();
    }
    serde_json::from_value(options).unwrap()
}

#[tokio::test]
async fn the_page_is_asked_with_pkce_state_nonce_and_both_resources() {
    let world = World::start().await;
    let client = world.microsoft();
    let one = client.authorization_url(&options(json!({"loginHint": "ada@contoso.example"}))).unwrap();
    let sent = query(&one.url);
    assert_eq!(sent["response_type"], "code");
    assert_eq!(sent["client_id"], CLIENT_ID);
    assert_eq!(sent["redirect_uri"], REDIRECT);
    assert_eq!(sent["code_challenge_method"], "S256");
    assert_eq!(sent["login_hint"], "ada@contoso.example");
    assert_eq!((&sent["state"], &sent["nonce"]), (one.state.expose(), one.nonce.expose()));
    assert!(sent["scope"].contains("https://outlook.office.com/SMTP.Send"));
    assert!(sent["scope"].contains("https://graph.microsoft.com/User.Read"));
    assert!(!sent.contains_key("prompt"), "forced prompts loop where only administrators may consent");
    // 256 bits each, never the same twice, and the verifier stays here.
    let two = client.authorization_url(&options(json!({}))).unwrap();
    for secret in [&one.state, &one.nonce, &one.code_verifier] {
        assert_eq!(secret.expose().len(), 43);
        assert!(![&two.state, &two.nonce, &two.code_verifier].contains(&secret));
    }
    assert!(!one.url.contains(one.code_verifier.expose().as_str()));
    assert!(!format!("{one:?}").contains(one.state.expose().as_str()));
}

#[tokio::test]
async fn google_is_asked_for_a_refresh_token_unless_told_otherwise() {
    let world = World::start().await;
    let client = world.google();
    let sent = query(&client.authorization_url(&options(json!({}))).unwrap().url);
    assert_eq!((sent["access_type"].as_str(), sent["prompt"].as_str()), ("offline", "consent"));
    let other = json!({"prompt": "select_account", "extra": {"access_type": "online", "hd": "contoso.example"}});
    let sent = query(&client.authorization_url(&options(other)).unwrap().url);
    assert_eq!((sent["access_type"].as_str(), sent["prompt"].as_str()), ("online", "select_account"));
    assert_eq!(sent["hd"], "contoso.example");
}

#[tokio::test]
async fn a_pending_authorization_survives_a_database() {
    let world = World::start().await;
    let before = pending(&world.microsoft());
    let stored = serde_json::to_value(&before).unwrap();
    let names: Vec<&String> = stored.as_object().unwrap().keys().collect();
    assert_eq!(names, ["codeVerifier", "createdAt", "nonce", "redirectUri", "state", "url"]);
    let after: email_oauth::PendingAuthorization = serde_json::from_value(stored).unwrap();
    assert_eq!((after.state, after.code_verifier, after.nonce), (before.state, before.code_verifier, before.nonce));
}

#[tokio::test]
async fn a_callback_becomes_tokens_and_an_identity() {
    let world = World::start().await;
    let client = world.microsoft();
    let pending = pending(&client);
    world.give_id_token(world.key.sign(&world.claims(&pending)));
    let redeemed = client.redeem(&callback(&pending), &pending, &call()).await.unwrap();
    let json = serde_json::to_value(&redeemed).unwrap();
    assert_eq!(json["tokens"]["accessToken"], "canary-access-1");
    assert_eq!(json["tokens"]["refreshToken"], "canary-refresh-1");
    assert_eq!(json["tokens"]["tokenType"], "Bearer");
    assert_eq!(
        json["identity"],
        json!({
            "key": format!("{TENANT}:00000000-0000-0000-0000-0000000000a1"),
            "issuer": format!("{}/{TENANT}/v2.0", world.server.base), "subject": "subject", "tenantId": TENANT,
            "email": "ada@contoso.example", "emailVerified": false, "name": "Ada Lovelace",
        })
    );
    let sent = world.token_requests().remove(0);
    assert_eq!(sent["grant_type"], "authorization_code");
    assert_eq!(sent["code"], "canary-code");
    assert_eq!(sent["code_verifier"], *pending.code_verifier.expose());
    assert_eq!(sent["redirect_uri"], REDIRECT);
    assert_eq!((sent["client_id"].as_str(), sent["client_secret"].as_str()), (CLIENT_ID, "canary-secret"));
    assert!(!sent["scope"].contains("graph"), "one resource a token: {}", sent["scope"]);
    assert!(sent["scope"].contains("https://outlook.office.com/IMAP.AccessAsUser.All"));
    assert!(!format!("{redeemed:?}").contains("canary"));
}

#[tokio::test]
async fn rsa_signatures_of_both_paddings_are_proven() {
    for algorithm in [Algorithm::RS256, Algorithm::PS256] {
        let world = World::start().await;
        let key = Key::rsa("r1", algorithm);
        world.answers.lock().unwrap().jwks = vec![json!({"kty": "future", "kid": 7}), key.public()];
        let client = world.microsoft();
        let pending = pending(&client);
        world.give_id_token(key.sign(&world.claims(&pending)));
        assert!(client.redeem(&callback(&pending), &pending, &call()).await.is_ok(), "{algorithm:?}");
    }
}

#[tokio::test]
async fn google_keys_by_issuer_and_subject() {
    let world = World::start().await;
    let client = world.google();
    let pending = pending(&client);
    let mut claims = world.claims(&pending);
    claims["iss"] = world.server.base.clone().into();
    claims["email_verified"] = true.into();
    claims["azp"] = CLIENT_ID.into();
    world.give_id_token(world.key.sign(&claims));
    let identity = client.redeem(&callback(&pending), &pending, &call()).await.unwrap().identity.unwrap();
    assert_eq!(identity.key, format!("{}#subject", world.server.base));
    assert_eq!((identity.email_verified, identity.tenant_id), (true, None));
}

#[tokio::test]
async fn key_rotation_costs_one_more_fetch_and_made_up_keys_do_not_storm() {
    let world = World::start().await;
    let client = world.microsoft();
    for kid in ["k1", "k2"] {
        let key = Key::ec(kid);
        world.answers.lock().unwrap().jwks = vec![key.public()];
        let pending = pending(&client);
        world.give_id_token(key.sign(&world.claims(&pending)));
        client.redeem(&callback(&pending), &pending, &call()).await.unwrap();
    }
    assert_eq!(world.server.requests("/keys").len(), 2);
    for _ in 0..20 {
        let pending = pending(&client);
        world.give_id_token(Key::ec("made-up").sign(&world.claims(&pending)));
        let error = client.redeem(&callback(&pending), &pending, &call()).await.unwrap_err();
        assert_eq!(error.code(), Code::IdTokenInvalid);
    }
    assert!(world.server.requests("/keys").len() <= 6, "{}", world.server.requests("/keys").len());
}

#[tokio::test]
async fn a_code_is_not_spent_when_the_keys_cannot_be_had() {
    let world = World::start().await;
    let client = world.microsoft();
    let pending = pending(&client);
    world.at("/keys", Reply::new(503, "text/html", "busy"));
    let error = client.redeem(&callback(&pending), &pending, &call()).await.unwrap_err();
    assert_eq!((error.code(), error.retryable()), (Code::ServerUnavailable, true));
    assert!(world.token_requests().is_empty());
    // So the same callback works later.
    world.answers.lock().unwrap().at.clear();
    world.give_id_token(world.key.sign(&world.claims(&pending)));
    assert!(client.redeem(&callback(&pending), &pending, &call()).await.is_ok());
}

#[tokio::test]
async fn without_openid_there_is_no_identity_and_no_key_is_fetched() {
    let world = World::start().await;
    let client = world.microsoft_with(json!({"scopes": ["offline_access", "IMAP.AccessAsUser.All"]}));
    let pending = pending(&client);
    let redeemed = client.redeem(&callback(&pending), &pending, &call()).await.unwrap();
    assert_eq!(redeemed.identity, None);
    assert!(world.server.requests("/keys").is_empty());
}

#[tokio::test]
async fn a_refresh_takes_the_rotated_token_and_never_loses_the_held_one() {
    let world = World::start().await;
    let client = world.microsoft();
    let held = Secret::from("canary-refresh-held");
    let rotated = client.refresh(&held, None, &call()).await.unwrap();
    assert_eq!(rotated.refresh_token.unwrap().expose(), "canary-refresh-1");
    world.answers.lock().unwrap().rotates = false;
    let kept = client.refresh(&held, None, &call()).await.unwrap();
    assert_eq!(kept.refresh_token, Some(held.clone()));
    let other = ["https://graph.microsoft.com/User.Read".to_owned()];
    let graph = client.refresh(&held, Some(&other), &call()).await.unwrap();
    assert_eq!(graph.scopes, other);
    let scopes: Vec<String> = world.token_requests().into_iter().map(|form| form["scope"].clone()).collect();
    assert!(scopes[0].contains("SMTP.Send") && scopes[0].contains("offline_access") && !scopes[0].contains("graph"));
    assert_eq!(scopes[2], other[0]);
}

#[tokio::test]
async fn google_is_refreshed_without_scopes() {
    let world = World::start().await;
    let set = world.google().refresh(&Secret::from("canary-refresh"), None, &call()).await.unwrap();
    assert!(!world.token_requests()[0].contains_key("scope"));
    assert!(set.scopes.contains(&"https://mail.google.com/".to_owned()), "an omitted scope is what was asked");
}

#[tokio::test]
async fn app_only_access_by_secret_and_by_certificate() {
    let world = World::start().await;
    world.answers.lock().unwrap().rotates = false;
    let by_secret = world.microsoft_with(json!({"tenant": TENANT}));
    let set = by_secret.client_credentials(None, &call()).await.unwrap();
    assert_eq!(set.refresh_token, None);
    let sent = world.token_requests().remove(0);
    assert_eq!((sent["grant_type"].as_str(), sent["client_secret"].as_str()), ("client_credentials", "canary-secret"));
    assert_eq!(sent["scope"], "https://outlook.office365.com/.default");

    let certificate = json!({
        "privateKey": include_str!("keys/rsa.pem"), "certificate": include_str!("keys/rsa-certificate.pem"),
    });
    let by_certificate =
        world.microsoft_with(json!({"tenant": TENANT, "clientSecret": null, "clientCertificate": certificate}));
    by_certificate.client_credentials(None, &call()).await.unwrap();
    let sent = world.token_requests().remove(1);
    assert!(!sent.contains_key("client_secret"));
    assert_eq!(sent["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    let header = jsonwebtoken::decode_header(&sent["client_assertion"]).unwrap();
    assert_eq!((header.alg, header.x5t_s256.unwrap().len()), (Algorithm::PS256, 43));

    let public = world.microsoft_with(json!({"tenant": TENANT, "clientSecret": null}));
    assert_eq!(public.client_credentials(None, &call()).await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(world.token_requests().len(), 2, "nothing was sent for what cannot work");
}

#[tokio::test]
async fn the_device_flow_waits_slows_down_and_ends() {
    let world = World::start().await;
    let client = world.microsoft();
    world.at("/devicecode", Reply::json(200, &json!({
        "device_code": "canary-device-code", "user_code": "ABCD1234", "verification_uri": "https://login.example/device",
        "expires_in": 900, "interval": 5, "message": "…",
    })));
    let device = client.start_device_authorization(&call()).await.unwrap();
    let json = serde_json::to_value(&device).unwrap();
    assert_eq!(json["deviceCode"], "canary-device-code");
    assert_eq!(
        (&json["userCode"], &json["intervalMs"], &json["verificationUriComplete"]),
        (&"ABCD1234".into(), &5000.into(), &Value::Null)
    );
    let device: email_oauth::DeviceAuthorization = serde_json::from_value(json).unwrap();
    let short = || Call::new(Duration::from_secs(3), CancellationToken::new());
    for (word, code, wait) in [
        ("authorization_pending", Code::AuthorizationPending, Some(5)),
        ("slow_down", Code::AuthorizationPending, Some(10)),
        ("authorization_declined", Code::AuthorizationDenied, None),
        ("access_denied", Code::AuthorizationDenied, None),
        ("expired_token", Code::DeviceCodeExpired, None),
        ("bad_verification_code", Code::DeviceCodeExpired, None),
    ] {
        world.next(Reply::json(400, &json!({"error": word, "error_description": "canary-device-code ABCD1234"})));
        let error = client.poll_device_authorization(&device, &short()).await.unwrap_err();
        clean(&error, &["ABCD1234"]);
        assert_eq!((error.code(), error.retry_after()), (code, wait.map(Duration::from_secs)), "{word}");
    }
    assert_eq!(world.token_requests().len(), 6, "a short call polls once");
    let mut ended = device.clone();
    ended.expires_at = email_oauth::IsoTime::from_unix_ms(0);
    assert_eq!(client.poll_device_authorization(&ended, &call()).await.unwrap_err().code(), Code::DeviceCodeExpired);
    assert_eq!(world.token_requests().len(), 6);
    let mut claims = world.claims(&pending(&client));
    claims.as_object_mut().unwrap().remove("nonce");
    world.give_id_token(world.key.sign(&claims));
    // A patient call goes on through pending, slow_down and an outage until the user has finished.
    world.next(Reply::json(400, &json!({"error": "authorization_pending"})));
    world.next(Reply::json(400, &json!({"error": "slow_down"})));
    world.next(Reply::new(503, "text/html", "busy"));
    let patient = Call::new(Duration::from_secs(900), CancellationToken::new());
    let begun = tokio::time::Instant::now();
    let (redeemed, ()) = tokio::join!(client.poll_device_authorization(&device, &patient), async {
        while world.token_requests().len() < 10 {
            // In real time a request takes a moment, of the clock's time seconds pass.
            tokio::time::sleep(Duration::from_millis(10)).await;
            tokio::time::pause();
            tokio::time::advance(Duration::from_secs(1)).await;
            tokio::time::resume();
        }
    });
    assert!(begun.elapsed() >= Duration::from_secs(5 + 10 + 10));
    let redeemed = redeemed.unwrap();
    assert!(redeemed.identity.is_some());
    let sent = world.token_requests().pop().unwrap();
    assert_eq!(sent["grant_type"], "urn:ietf:params:oauth:grant-type:device_code");
    assert_eq!((sent["device_code"].as_str(), sent["client_secret"].as_str()), ("canary-device-code", "canary-secret"));
}

#[tokio::test]
async fn a_device_page_is_https() {
    let world = World::start().await;
    for uri in ["http://login.example/device", "javascript:alert(1)", "ftp://x/"] {
        world.at(
            "/devicecode",
            Reply::json(
                200,
                &json!({
                    "device_code": "canary-device", "user_code": "A", "verification_uri": uri, "expires_in": 900,
                }),
            ),
        );
        let error = world.microsoft().start_device_authorization(&call()).await.unwrap_err();
        assert_eq!(error.code(), Code::UnexpectedResponse, "{uri}");
    }
}

#[tokio::test]
async fn a_profile_is_read_with_its_own_token() {
    let world = World::start().await;
    world.at("/me", Reply::json(200, &json!({
        "id": "1", "displayName": "Ada", "mail": "ada@contoso.example", "userPrincipalName": "ada@contoso.example",
        "proxyAddresses": ["SMTP:ada@contoso.example", "smtp:lovelace@contoso.example"],
    })));
    let profiled = world.microsoft().profile(&Secret::from("canary-refresh"), &call()).await.unwrap();
    assert_eq!(profiled.profile.aliases, ["lovelace@contoso.example"]);
    assert_eq!(profiled.tokens.refresh_token.unwrap().expose(), "canary-refresh-1");
    assert!(world.token_requests()[0]["scope"].ends_with("https://graph.microsoft.com/User.Read"));
    let request = world.server.requests("/me").remove(0);
    assert_eq!(request.headers["authorization"], "Bearer canary-access-1");

    for (status, body, code) in [
        (
            401,
            json!({"error": {"code": "InvalidAuthenticationToken", "message": "canary-access-2 x"}}),
            Code::TokenRefused,
        ),
        (403, json!({"error": {"code": "Authorization_RequestDenied", "message": "no"}}), Code::InvalidScope),
        (401, json!({"error": "invalid_token", "error_description": "canary-access-4"}), Code::TokenRefused),
        (200, json!({"mail": "ada@contoso.example"}), Code::UnexpectedResponse),
        (200, json!([1]), Code::UnexpectedResponse),
    ] {
        world.at("/me", Reply::json(status, &body));
        let error = world.microsoft().profile(&Secret::from("canary-refresh"), &call()).await.unwrap_err();
        clean(&error, &[]);
        assert_eq!(error.code(), code, "{body}");
    }
}

#[tokio::test]
async fn revoking() {
    let world = World::start().await;
    world.at("/revoke", Reply::new(200, "text/plain", ""));
    let client = world.google();
    client.revoke(&Secret::from("canary-refresh"), &call()).await.unwrap();
    assert_eq!(world.server.requests("/revoke")[0].form()["token"], "canary-refresh");
    // What is dead already is what was asked for.
    world.at("/revoke", Reply::json(400, &json!({"error": "invalid_token", "error_description": "canary-refresh"})));
    client.revoke(&Secret::from("canary-refresh"), &call()).await.unwrap();
    world.at("/revoke", Reply::json(400, &json!({"error": "invalid_request", "error_description": "canary-refresh"})));
    let error = client.revoke(&Secret::from("canary-refresh"), &call()).await.unwrap_err();
    clean(&error, &[]);
    let mut endpoints = world.endpoints();
    endpoints.as_object_mut().unwrap().remove("revocationEndpoint");
    let entra = world.microsoft_with(json!({"endpoints": endpoints}));
    let error = entra.revoke(&Secret::from("canary-refresh"), &call()).await.unwrap_err();
    assert_eq!(error.code(), Code::CapabilityMissing);
}

#[tokio::test]
async fn the_admin_consent_page() {
    let world = World::start().await;
    let client = world.microsoft();
    let options = serde_json::from_value(json!({"redirectUri": REDIRECT, "state": "s"})).unwrap();
    let url = client.admin_consent_url(&options).unwrap();
    assert!(url.starts_with(&format!("{}/common/v2.0/adminconsent?client_id={CLIENT_ID}&scope=", world.server.base)));
    let sent = query(&url);
    assert!(sent["scope"].contains("User.Read") && sent["scope"].contains("SMTP.Send"));
    assert_eq!((sent["redirect_uri"].as_str(), sent["state"].as_str()), (REDIRECT, "s"));
    assert!(world.google().admin_consent_url(&options).is_err());
    assert!(world.microsoft_with(json!({"tenant": "consumers"})).admin_consent_url(&options).is_err());
}

#[tokio::test]
async fn abort_and_deadline_settle_at_once() {
    let world = World::start().await;
    let mut silent = Reply::json(200, &json!({}));
    silent.silent = true;
    world.at("/token", silent);
    let client = world.microsoft();
    let held = Secret::from("canary-refresh");
    let cancel = CancellationToken::new();
    let aborted = Call::new(Duration::from_secs(60), cancel.clone());
    let (error, ()) = tokio::join!(client.refresh(&held, None, &aborted), async {
        while world.token_requests().is_empty() {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    });
    assert_eq!(error.unwrap_err().code(), Code::Aborted);
    let late = Call::new(Duration::from_millis(20), CancellationToken::new());
    assert_eq!(client.refresh(&held, None, &late).await.unwrap_err().code(), Code::Timeout);
    let sent = world.token_requests().len();
    assert_eq!(client.refresh(&held, None, &aborted).await.unwrap_err().code(), Code::Aborted);
    assert_eq!(world.token_requests().len(), sent, "an aborted call sends nothing");
}

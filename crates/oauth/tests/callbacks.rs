//! Callbacks: those of another authorization, and those that bring an error.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use email_base::{Action, Classify, Code, Secret};
use support::{REDIRECT, World, call, callback, clean, pending};

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
    let forge = |verifier: &str, nonce: &str| {
        let mut forged = pending.clone();
        (forged.code_verifier, forged.nonce) = (Secret::from(verifier), Secret::from(nonce));
        forged
    };
    let (verifier, nonce) = (pending.code_verifier.expose(), pending.nonce.expose());
    for forged in [forge("", nonce), forge(&"v".repeat(42), nonce), forge(&"v ".repeat(30), nonce), forge(verifier, "")]
    {
        assert_eq!(client.redeem(&good, &forged, &call()).await.unwrap_err().code(), Code::InvalidArgument);
    }
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

//! id_tokens that must never become an identity: forged, replayed, mixed-up. Each is checked for its fault and for
//! canaries, through the whole of `redeem`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use email_base::{Classify, Code, clock};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use support::{CLIENT_ID, Key, World, call, callback, clean, encode, pending};

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

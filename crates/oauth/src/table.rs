//! The classification of OAuth errors, as data: who has to act.
//!
//! Order: `error` with `suberror` (RFC 6749 §4.1.2.1 and §5.2, RFC 8628 §3.5, OIDC Core §3.1.2.6), then the HTTP status,
//! then Microsoft's AADSTS numbers as a refinement, since they may change. Never the description: it is prose. What no
//! row knows gets [`UNKNOWN`].

use email_base::Code;

/// Neither "the user must sign in again" nor "try again for ever": the answer is shown and nobody is sent about.
const UNKNOWN: Code = Code::CommandRejected;

/// What the table says of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The row of the public table.
    pub(crate) code: Code,
    /// What to switch on, where; `None` when only the public row's remedy is known.
    pub(crate) advice: Option<&'static str>,
}

/// Sorts a refusal.
pub(crate) fn verdict(error: &str, suberror: Option<&str>, status: Option<u16>, numbers: &[u32]) -> Verdict {
    // "Too fast" outranks every word: to act on anything else would mean asking again now.
    if status == Some(429) {
        return Verdict { code: Code::RateLimited, advice: None };
    }
    if let Some(row) = numbers.iter().find_map(|number| AADSTS.iter().find(|row| row.number == *number)) {
        return Verdict { code: row.code, advice: Some(row.advice) };
    }
    let by_word = suberror.and_then(|word| look_up(SUBERRORS, word)).or_else(|| look_up(ERRORS, error));
    let code = by_word.unwrap_or(match status {
        Some(500..=599) => Code::ServerUnavailable,
        _ => UNKNOWN,
    });
    Verdict { code, advice: None }
}

fn look_up(table: &[(&str, Code)], word: &str) -> Option<Code> {
    table.iter().find(|(known, _)| *known == word).map(|(_, code)| *code)
}

/// `error` → code.
const ERRORS: &[(&str, Code)] = &[
    // The user.
    ("invalid_grant", Code::InvalidGrant),
    ("interaction_required", Code::InteractionRequired),
    ("login_required", Code::InteractionRequired),
    ("consent_required", Code::InteractionRequired),
    ("account_selection_required", Code::InteractionRequired),
    ("access_denied", Code::AuthorizationDenied),
    ("authorization_declined", Code::AuthorizationDenied),
    // Google's Workspace admins.
    ("admin_policy_enforced", Code::BlockedByPolicy),
    ("policy_enforced", Code::BlockedByPolicy),
    // The app's settings.
    ("invalid_client", Code::ClientRejected),
    ("deleted_client", Code::ClientRejected),
    ("unauthorized_client", Code::OAuthConfig),
    ("invalid_request", Code::OAuthConfig),
    ("unsupported_grant_type", Code::OAuthConfig),
    ("unsupported_response_type", Code::OAuthConfig),
    ("unsupported_token_type", Code::OAuthConfig),
    ("redirect_uri_mismatch", Code::OAuthConfig),
    ("org_internal", Code::OAuthConfig),
    ("invalid_tenant", Code::OAuthConfig),
    ("invalid_scope", Code::InvalidScope),
    ("insufficient_scope", Code::InvalidScope),
    ("invalid_resource", Code::InvalidScope),
    ("invalid_target", Code::InvalidScope),
    // A resource server's word for the access token (RFC 6750 §3.1).
    ("invalid_token", Code::TokenRefused),
    // Graph's words.
    ("InvalidAuthenticationToken", Code::TokenRefused),
    ("Authorization_RequestDenied", Code::InvalidScope),
    ("ErrorAccessDenied", Code::InvalidScope),
    // Nobody.
    ("temporarily_unavailable", Code::ServerUnavailable),
    ("server_error", Code::ServerUnavailable),
    ("internal_failure", Code::ServerUnavailable),
    ("rate_limit_exceeded", Code::RateLimited),
    // The device flow.
    ("authorization_pending", Code::AuthorizationPending),
    ("slow_down", Code::AuthorizationPending),
    ("expired_token", Code::DeviceCodeExpired),
    ("bad_verification_code", Code::DeviceCodeExpired),
    ("code_expired", Code::DeviceCodeExpired),
];

/// Entra's `suberror` → code.
const SUBERRORS: &[(&str, Code)] = &[
    ("bad_token", Code::InvalidGrant),
    ("token_expired", Code::InvalidGrant),
    ("client_mismatch", Code::InvalidGrant),
    ("basic_action", Code::InteractionRequired),
    ("additional_action", Code::InteractionRequired),
    ("message_only", Code::InteractionRequired),
    ("consent_required", Code::InteractionRequired),
    ("user_password_expired", Code::InteractionRequired),
    ("protection_policy_required", Code::BlockedByPolicy),
    ("device_authentication_failed", Code::BlockedByPolicy),
];

/// One AADSTS number.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) number: u32,
    pub(crate) code: Code,
    pub(crate) advice: &'static str,
}

const fn row(number: u32, code: Code, advice: &'static str) -> Row {
    Row { number, code, advice }
}

// Each names the portal's page and, where one of its steps helps, the step of the set-up guide (docs/setup-microsoft.md).
const MFA: &str = "The user links the mailbox again and answers the multi-factor prompt (set-up guide, step 8).";
const REVOKED: &str =
    "The grant was revoked or the password changed: the user links the mailbox again (set-up guide, step 8).";
const EXPIRED: &str = "The grant is too old: the user links the mailbox again (set-up guide, step 8); save every rotated refresh token to prevent it.";
const PASSWORD: &str =
    "The user's password has expired: the user changes it and links the mailbox again (set-up guide, step 8).";
const CONSENT: &str = "Microsoft Entra admin center > Enterprise applications > the app > Permissions: an administrator grants admin consent there or at `adminConsentUrl` (set-up guide, step 5).";
const ACCESS_POLICY: &str = "A Conditional Access policy blocks the sign-in: Microsoft Entra admin center > Monitoring > Sign-in logs shows which, by the correlation id (set-up guide, step 5).";
const DEVICE_POLICY: &str = "A Conditional Access policy wants a compliant or joined device, which a server cannot be: the administrator excludes this app in Microsoft Entra admin center > Protection > Conditional Access (set-up guide, step 5).";
const TENANT_OF_USER: &str = "The account is not in this tenant: sign in with an account of the tenant, have it invited as a guest, or set the tenant to where it lives (set-up guide, steps 1 and 7).";
const NOT_IN_TENANT: &str = "Exchange Online is not set up for this app in the tenant: an administrator opens `adminConsentUrl` once (set-up guide, step 5) and checks the tenant's licences.";
const ASSERTION: &str = "Microsoft Entra admin center > App registrations > the app > Certificates & secrets > Certificates: upload the certificate whose private key is configured, and check that it has not expired (set-up guide, step 3).";
const CLIENT_ID: &str = "Microsoft Entra admin center > App registrations > the app > Overview: copy `Application (client) ID`, and check that the tenant is the app's or that the app is multi-tenant (set-up guide, steps 1 and 7).";
const SCOPES: &str = "Ask for the scopes of one resource a token: the mail scopes are https://outlook.office.com/IMAP.AccessAsUser.All and https://outlook.office.com/SMTP.Send (set-up guide, step 4).";
const PERMISSIONS: &str = "Microsoft Entra admin center > App registrations > the app > API permissions: add IMAP.AccessAsUser.All and SMTP.Send (listed under Microsoft Graph, delegated), then consent again (set-up guide, step 4).";
const ACCOUNT_TYPES: &str = "The account type does not fit: Microsoft Entra admin center > App registrations > the app > Authentication > Supported account types, and the `tenant` setting (set-up guide, steps 1 and 7).";
const TENANT: &str = "There is no such tenant: copy `Directory (tenant) ID` from Microsoft Entra admin center > App registrations > the app > Overview (set-up guide, step 7).";
const PASSING: &str = "Entra has a passing problem: try again later.";
const PARAMETERS: &str = "The request does not fit the app's registration: compare tenant, redirect URI and account types (set-up guide, steps 1, 2 and 7).";
const SECRET: &str = "Microsoft Entra admin center > App registrations > the app > Certificates & secrets: copy the secret's Value, not its Secret ID; the Value is shown only once, so make a new secret if it is gone (set-up guide, step 3).";
/// A rejected secret that is a GUID: no Value is.
pub(crate) const SECRET_ID: &str = "The configured client secret has the form of a Secret ID: copy the secret's Value, not its Secret ID, from Microsoft Entra admin center > App registrations > the app > Certificates & secrets, or make a new secret if it is gone (set-up guide, step 3).";

/// Google's `error` word → advice (docs/setup-google.md).
const GOOGLE: &[(&str, &str)] = &[
    ("invalid_client", GOOGLE_CLIENT),
    ("invalid_request", GOOGLE_CLIENT),
    ("unauthorized_client", GOOGLE_CLIENT),
    (
        "deleted_client",
        "The OAuth client was deleted: make a new one in Google Cloud console > Google Auth Platform > Clients (set-up guide, step 4).",
    ),
    (
        "redirect_uri_mismatch",
        "Google Cloud console > Google Auth Platform > Clients > the client: add the redirect URI, character for character, to Authorized redirect URIs (set-up guide, step 4).",
    ),
    (
        "invalid_grant",
        "The user links the mailbox again (set-up guide, step 6); if it dies every seven days, the app is still in Testing: publish it in Google Cloud console > Google Auth Platform > Audience (step 2).",
    ),
    (
        "access_denied",
        "The user accepts when linking again (set-up guide, step 6); of an app in Testing only the users listed in Google Cloud console > Google Auth Platform > Audience can (step 2).",
    ),
    (
        "org_internal",
        "The app is for its own organisation: make it External in Google Cloud console > Google Auth Platform > Audience, or link an account of the organisation (set-up guide, step 2).",
    ),
    (
        "invalid_scope",
        "Google Cloud console > Google Auth Platform > Data access: add the scope https://mail.google.com/ (set-up guide, step 3).",
    ),
    ("admin_policy_enforced", GOOGLE_POLICY),
    ("policy_enforced", GOOGLE_POLICY),
];
const GOOGLE_CLIENT: &str = "Google Cloud console > Google Auth Platform > Clients > the client of type Web application: copy Client ID and Client secret again (set-up guide, step 4).";
const GOOGLE_POLICY: &str = "The Workspace administrator allows the app: Google Admin console > Security > API controls > App access control (set-up guide, step 2).";

/// What to switch on at Google, by its `error` word.
pub(crate) fn google_advice(error: &str) -> Option<&'static str> {
    GOOGLE.iter().find(|(known, _)| *known == error).map(|(_, advice)| *advice)
}

/// AADSTS number → code and advice.
pub(crate) const AADSTS: &[Row] = &[
    // ── reauthorize: the user
    row(50072, Code::InteractionRequired, MFA),
    row(50074, Code::InteractionRequired, MFA),
    row(50076, Code::InteractionRequired, MFA),
    row(50078, Code::InteractionRequired, MFA),
    row(50079, Code::InteractionRequired, MFA),
    row(50173, Code::InvalidGrant, REVOKED),
    row(50089, Code::InvalidGrant, EXPIRED),
    row(50132, Code::InvalidGrant, REVOKED),
    row(50133, Code::InvalidGrant, REVOKED),
    row(50055, Code::InteractionRequired, PASSWORD),
    row(50144, Code::InteractionRequired, PASSWORD),
    row(
        65001,
        Code::InteractionRequired,
        "Nobody consented to these permissions yet: the user links the mailbox again and accepts (set-up guide, step 8), or an administrator opens `adminConsentUrl` (step 5).",
    ),
    row(
        65004,
        Code::AuthorizationDenied,
        "The user declined the permissions: link again and accept (set-up guide, step 8).",
    ),
    row(
        70000,
        Code::InvalidGrant,
        "The refresh token or code is not valid any more: the user links the mailbox again (set-up guide, step 8).",
    ),
    row(70008, Code::InvalidGrant, EXPIRED),
    row(
        70043,
        Code::InvalidGrant,
        "A sign-in frequency policy ended the grant: the user links the mailbox again (set-up guide, step 8); the administrator may lengthen the period.",
    ),
    row(700_082, Code::InvalidGrant, EXPIRED),
    row(700_084, Code::InvalidGrant, EXPIRED),
    row(
        54005,
        Code::InvalidGrant,
        "The authorization code was redeemed before: redeem each callback once; the user starts the link again.",
    ),
    row(
        501_481,
        Code::AuthorizationMismatch,
        "The PKCE verifier is not the one of this authorization: keep each pending authorization with its own session.",
    ),
    row(700_020, Code::InteractionRequired, "Entra wants the user: link the mailbox again (set-up guide, step 8)."),
    // ── ask-admin: the tenant
    row(90094, Code::AdminConsentRequired, CONSENT),
    row(90095, Code::AdminConsentRequired, CONSENT),
    row(53000, Code::BlockedByPolicy, DEVICE_POLICY),
    row(53001, Code::BlockedByPolicy, DEVICE_POLICY),
    row(
        53002,
        Code::BlockedByPolicy,
        "A Conditional Access policy allows approved apps only: the administrator excludes this app from it (set-up guide, step 5).",
    ),
    row(53003, Code::BlockedByPolicy, ACCESS_POLICY),
    row(
        53011,
        Code::BlockedByPolicy,
        "The user is blocked for risk: the administrator dismisses it in Microsoft Entra admin center > Protection > Risky users (set-up guide, step 5).",
    ),
    row(
        530_032,
        Code::BlockedByPolicy,
        "A security policy of the tenant blocks the sign-in: Microsoft Entra admin center > Monitoring > Sign-in logs shows which (set-up guide, step 5).",
    ),
    row(
        530_035,
        Code::BlockedByPolicy,
        "The tenant's security defaults block the sign-in: the administrator checks Microsoft Entra admin center > Properties > Security defaults (set-up guide, step 5).",
    ),
    row(
        50105,
        Code::BlockedByPolicy,
        "The user is not assigned to the app: Microsoft Entra admin center > Enterprise applications > the app > Users and groups (set-up guide, step 5).",
    ),
    row(50057, Code::BlockedByPolicy, "The user's account is disabled: the administrator enables it."),
    row(50020, Code::BlockedByPolicy, TENANT_OF_USER),
    row(50034, Code::BlockedByPolicy, TENANT_OF_USER),
    row(500_011, Code::AdminConsentRequired, NOT_IN_TENANT),
    row(650_052, Code::AdminConsentRequired, NOT_IN_TENANT),
    row(650_056, Code::AdminConsentRequired, CONSENT),
    row(
        7_000_112,
        Code::BlockedByPolicy,
        "The app is disabled in the tenant: Microsoft Entra admin center > Enterprise applications > the app > Properties > Enabled for users to sign-in (set-up guide, step 5).",
    ),
    // ── fix-config: the app's registration
    row(7_000_215, Code::ClientRejected, SECRET),
    row(
        7_000_222,
        Code::ClientRejected,
        "The client secret has expired: make a new one in Microsoft Entra admin center > App registrations > the app > Certificates & secrets, and note its expiry date (set-up guide, step 3).",
    ),
    row(
        7_000_218,
        Code::ClientRejected,
        "The app is a confidential client and needs its secret or certificate: Microsoft Entra admin center > App registrations > the app > Certificates & secrets (set-up guide, step 3).",
    ),
    row(
        700_025,
        Code::ClientRejected,
        "The app is a public client: Microsoft Entra admin center > App registrations > the app > Authentication: register the redirect URI under the platform Web, or leave the secret out (set-up guide, step 2).",
    ),
    row(700_027, Code::ClientRejected, ASSERTION),
    row(50012, Code::ClientRejected, ASSERTION),
    row(700_016, Code::ClientRejected, CLIENT_ID),
    row(700_011, Code::ClientRejected, CLIENT_ID),
    row(70001, Code::ClientRejected, CLIENT_ID),
    row(
        50011,
        Code::OAuthConfig,
        "The redirect URI is not registered: Microsoft Entra admin center > App registrations > the app > Authentication > platform Web: add it character for character (set-up guide, step 2).",
    ),
    row(
        50194,
        Code::OAuthConfig,
        "The app is single-tenant: set `tenant` to the directory's id instead of `common` (set-up guide, step 7), or make it multi-tenant in Microsoft Entra admin center > App registrations > the app > Authentication (step 1).",
    ),
    row(
        9_001_023,
        Code::OAuthConfig,
        "This flow needs a tenant: set `tenant` to the directory's id instead of `common` or `consumers` (set-up guide, step 7).",
    ),
    row(70011, Code::InvalidScope, SCOPES),
    row(28000, Code::InvalidScope, SCOPES),
    row(28002, Code::InvalidScope, SCOPES),
    row(28003, Code::InvalidScope, SCOPES),
    row(700_022, Code::InvalidScope, SCOPES),
    row(650_057, Code::InvalidScope, PERMISSIONS),
    row(9_002_332, Code::OAuthConfig, ACCOUNT_TYPES),
    row(90130, Code::OAuthConfig, ACCOUNT_TYPES),
    row(90002, Code::OAuthConfig, TENANT),
    row(900_023, Code::OAuthConfig, TENANT),
    row(900_144, Code::OAuthConfig, PARAMETERS),
    row(
        50196,
        Code::OAuthConfig,
        "Entra saw a loop of equal requests: stop, and find what asks again and again (tokens that are not saved, a wrong scope).",
    ),
    // ── retry: nobody
    row(50033, Code::ServerUnavailable, PASSING),
    row(50087, Code::ServerUnavailable, PASSING),
    row(50088, Code::ServerUnavailable, PASSING),
    row(90006, Code::ServerUnavailable, PASSING),
    row(90012, Code::ServerUnavailable, PASSING),
    row(90024, Code::ServerUnavailable, PASSING),
    row(90033, Code::ServerUnavailable, PASSING),
    row(90055, Code::RateLimited, "The tenant sends too many requests: wait."),
    row(90090, Code::ServerUnavailable, PASSING),
    row(70012, Code::ServerUnavailable, PASSING),
];

#[cfg(test)]
mod tests {
    use email_base::{Action, Category};

    use super::*;

    /// The table of the facts, by who has to act.
    const REAUTHORIZE: &[u32] = &[
        50072, 50074, 50076, 50078, 50079, 50173, 50089, 50132, 50133, 50055, 50144, 65001, 65004, 70000, 70008,
        700_082, 700_084, 70043, 54005, 501_481, 700_020,
    ];
    const ASK_ADMIN: &[u32] = &[
        90094, 90095, 53003, 53000, 53001, 53002, 530_032, 530_035, 53011, 50105, 50057, 50020, 50034, 500_011,
        650_052, 650_056, 7_000_112,
    ];
    const FIX_CONFIG: &[u32] = &[
        7_000_215, 7_000_222, 7_000_218, 700_025, 700_027, 50012, 700_016, 700_011, 70001, 50011, 50194, 9_001_023,
        70011, 28000, 28002, 28003, 700_022, 650_057, 9_002_332, 90130, 90002, 900_023, 900_144, 50196,
    ];
    const RETRY: &[u32] = &[50033, 50087, 50088, 90006, 90012, 90024, 90033, 90055, 90090, 70012];

    #[test]
    fn every_number_has_its_action_category_and_retry_advice() {
        let groups = [
            (REAUTHORIZE, Action::Reauthorize, &[Category::Auth][..], false),
            (ASK_ADMIN, Action::AskAdmin, &[Category::Permission], false),
            (FIX_CONFIG, Action::FixConfig, &[Category::Auth], false),
            (RETRY, Action::Retry, &[Category::Rejected, Category::RateLimit], true),
        ];
        let mut count = 0;
        for (numbers, action, categories, retryable) in groups {
            for number in numbers {
                count += 1;
                // The word says "the user" and the status "bad request", as Entra often does: the number refines.
                let found = verdict("invalid_grant", None, Some(400), &[*number]);
                let entry = found.code.entry();
                assert_eq!(entry.action, action, "AADSTS{number}");
                assert!(categories.contains(&entry.category), "AADSTS{number}: {:?}", entry.category);
                assert_eq!(entry.retryable, retryable, "AADSTS{number}");
                assert!(found.advice.is_some_and(|advice| advice.ends_with('.')), "AADSTS{number}");
            }
        }
        assert_eq!(count, AADSTS.len(), "a row of the table is in no group");
    }

    /// The steps of docs/setup-microsoft.md and docs/setup-google.md that an advice may name.
    #[test]
    fn advice_names_steps_that_the_guides_have() {
        let all = AADSTS.iter().map(|row| (row.advice, 9)).chain(GOOGLE.iter().map(|(_, advice)| (*advice, 7)));
        for (advice, last) in all {
            let after = advice.split("step ").skip(1).chain(advice.split("steps ").skip(1));
            for number in after.map(|rest| rest.chars().next().and_then(|c| c.to_digit(10)).unwrap_or(0)) {
                assert!((1..=last).contains(&number), "{advice}");
            }
            assert!(advice.ends_with('.') && !advice.contains("Microsoft Microsoft"), "{advice}");
        }
    }

    #[test]
    fn numbers_stand_once() {
        let mut seen = std::collections::HashSet::new();
        assert!(AADSTS.iter().all(|row| seen.insert(row.number)));
    }

    #[test]
    fn word_first_status_next_and_a_safe_default() {
        let code = |error, suberror, status, numbers: &[u32]| verdict(error, suberror, status, numbers).code;
        assert_eq!(code("invalid_grant", None, Some(400), &[]), Code::InvalidGrant);
        assert_eq!(code("invalid_grant", Some("basic_action"), Some(400), &[]), Code::InteractionRequired);
        assert_eq!(code("invalid_grant", Some("news"), Some(400), &[99_999]), Code::InvalidGrant);
        assert_eq!(code("invalid_client", None, Some(503), &[]), Code::ClientRejected);
        assert_eq!(code("news", None, Some(503), &[]), Code::ServerUnavailable);
        assert_eq!(code("news", None, Some(400), &[99_999]), Code::CommandRejected);
        assert_eq!(code("news", None, None, &[]), Code::CommandRejected);
        assert_eq!(code("", None, Some(401), &[]), Code::CommandRejected);
    }

    #[test]
    fn too_fast_outranks_every_word() {
        assert_eq!(verdict("invalid_grant", Some("bad_token"), Some(429), &[50173]).code, Code::RateLimited);
    }

    #[test]
    fn of_several_numbers_the_first_known_counts() {
        assert_eq!(verdict("invalid_grant", None, Some(400), &[1, 53003, 50076]).code, Code::BlockedByPolicy);
    }
}

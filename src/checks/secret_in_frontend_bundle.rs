//! Secrets that a build puts into the program that browsers load.

use super::credentials::{Home, report};
use super::samples::no_worse_than;
use super::secret_names::is_secret_name;
use crate::facts::{Repository, SettingSource};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeMap;

/// Beginnings of names whose values frameworks write into the bundle.
/// <https://nextjs.org/docs/app/guides/environment-variables#bundling-environment-variables-for-the-browser>,
/// <https://vite.dev/guide/env-and-mode>, <https://create-react-app.dev/docs/adding-custom-environment-variables/>,
/// <https://nuxt.com/docs/guide/going-further/runtime-config>, <https://docs.expo.dev/guides/environment-variables/>,
/// <https://www.gatsbyjs.com/docs/how-to/local-development/environment-variables/>,
/// <https://cli.vuejs.org/guide/mode-and-env.html>, <https://svelte.dev/docs/kit/$env-static-public>
pub(super) const PREFIXES: &[&str] = &[
    "NEXT_PUBLIC_",
    "VITE_",
    "REACT_APP_",
    "NUXT_PUBLIC_",
    "NUXT_ENV_",
    "EXPO_PUBLIC_",
    "GATSBY_",
    "VUE_APP_",
    "PUBLIC_",
    "WEB__",
];

/// So many further places one finding lists.
const MOST_PLACES: usize = 10;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    report(repository, verdict, Home::Bundle);
    let mut names: BTreeMap<&str, Vec<(Span, bool)>> = BTreeMap::new();
    for setting in &repository.facts.settings {
        let variable = matches!(
            setting.source,
            SettingSource::Dotenv | SettingSource::Pipeline | SettingSource::Image | SettingSource::Service
        );
        if variable && is_exposed(&setting.key) {
            names.entry(&setting.key).or_default().push((setting.key_place, false));
        }
    }
    for (pipeline, job, step) in repository.steps() {
        let all = step.settings.iter().chain(&job.settings).chain(&pipeline.settings);
        for setting in all.filter(|s| is_exposed(&s.key)) {
            names.entry(&setting.key).or_default().push((setting.key_place, false));
        }
    }
    for read in &repository.facts.env_reads {
        let public = is_exposed(&read.key);
        if public || read.bundled && is_secret(&read.key) {
            names.entry(&read.key).or_default().push((read.place, read.bundled && !public));
        }
    }
    for (name, mut places) in names {
        places.retain(|(p, _)| repository.is_own(*p));
        places.sort();
        places.dedup();
        // What the configuration of a bundler does is the defect, not who else reads the variable.
        let Some(&(first, bundled)) = places.iter().find(|(_, bundled)| *bundled).or(places.first()) else {
            continue;
        };
        let message = if bundled {
            format!("The bundler's configuration puts `{name}` into the program that browsers load")
        } else {
            format!("`{name}` is named like a secret, and its prefix puts it into the frontend's bundle")
        };
        let finding = verdict.fail(first, format!("bundled {name}"), message);
        finding.label("every visitor can read it").at_most(Confidence::Medium);
        if !is_grave(name) {
            no_worse_than(finding, Severity::Warning)
                .against("some providers issue tokens that browsers may have");
        }
        for (place, _) in places.iter().filter(|(p, _)| *p != first).take(MOST_PLACES) {
            finding.relate(*place, "and here");
        }
    }
}

/// Whether a variable has a public prefix and the name of a secret behind it.
fn is_exposed(key: &str) -> bool {
    let Some(prefix) = PREFIXES.iter().find(|p| key.starts_with(**p)) else { return false };
    let rest = &key[prefix.len()..];
    // `WEB__` is a service's prefix as well, of which a server can be part.
    is_secret(rest)
        && (*prefix != "WEB__" || is_grave(rest) && !rest.contains("SESSION") && !rest.contains("COOKIE"))
}

/// Whether the name is that of a secret, not of a public half, a switch, a text or a page about one.
fn is_secret(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let words: Vec<&str> = upper.split('_').filter(|w| !w.is_empty()).collect();
    const PUBLIC: &[&str] = &[
        "PUBLIC",
        "PUBLISHABLE",
        "ANON",
        "ANONYMOUS",
        "SITE",
        "SITEKEY",
        "VAPID",
        "MAPS",
        "MAP",
        "MAPBOX",
        "GOOGLE",
        "FIREBASE",
        "ALGOLIA",
        "SEARCH",
        "POSTHOG",
        "SEGMENT",
        "AMPLITUDE",
        "MIXPANEL",
        "INTERCOM",
        "SENTRY",
        "DATADOG",
        "DD",
        "RUM",
        "CLIENT",
        "BROWSER",
        "CESIUM",
        "CONTENTFUL",
        "PRISMIC",
        "STORYBLOK",
        "STORYBLOCK",
        "STOREFRONT",
        "DELIVERY",
        "PREVIEW",
        "TINYMCE",
        "RECAPTCHA",
        "HCAPTCHA",
        "TURNSTILE",
        "CAPTCHA",
        "GIPHY",
        "MAPTILER",
        "LAUNCHDARKLY",
        "STATSIG",
        "ROLLBAR",
        "BUGSNAG",
        "HONEYBADGER",
        "LOGROCKET",
        "CHATWOOT",
        "PUSHER",
        "ABLY",
        "ANALYTICS",
        "TRACKING",
        "WRITE",
        "INGEST",
        "FREE",
        "DEMO",
        "GUEST",
        "DEFAULT",
        "ROTATE",
    ];
    const SWITCHES: &[&str] = &[
        "ENABLE", "ENABLED", "DISABLE", "DISABLED", "SHOW", "HIDE", "ALLOW", "REQUIRE", "USE", "HAS", "IS",
        "FORGOT", "RESET", "CHANGE", "MIN", "MAX", "WITH", "WITHOUT", "NO",
    ];
    let grave = is_grave(&upper);
    let public = words.iter().any(|w| PUBLIC.contains(w));
    let switch = words.iter().any(|w| SWITCHES.contains(w));
    // A key alone is what most providers call what browsers are given.
    let key = words.ends_with(&["API", "KEY"])
        || words.ends_with(&["APIKEY"])
        || words.ends_with(&["ACCESS", "KEY"]);
    is_secret_name(name) && !switch && (grave || !public && !key)
        || !switch && grave && (upper.ends_with("_URL") || upper.ends_with("_KEY"))
}

/// Names that no provider gives to something public.
fn is_grave(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    const PAID: &[&str] = &[
        "OPENAI_API_KEY",
        "ANTHROPIC_API_KEY",
        "OPENROUTER_API_KEY",
        "MISTRAL_API_KEY",
        "SENDGRID_API_KEY",
        "RESEND_API_KEY",
    ];
    let public = ["PUBLIC", "PUBLISHABLE", "SITE_"].iter().any(|w| upper.contains(w));
    !public
        && (PAID.iter().any(|k| upper.ends_with(k))
            || [
                "SERVICE_ROLE_KEY",
                "SECRET_KEY",
                "PRIVATE_KEY",
                "CLIENT_SECRET",
                "_SECRET",
                "PASSWORD",
                "PASSWD",
                "AUTH_TOKEN",
                "BOT_TOKEN",
            ]
            .iter()
            .any(|end| upper.ends_with(end))
            || upper == "SECRET"
            || upper.ends_with("DATABASE_URL"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_prefix_exposes() {
        for (name, exposed) in [
            ("NEXT_PUBLIC_STRIPE_SECRET_KEY", true),
            ("VITE_DB_PASSWORD", true),
            ("REACT_APP_CLIENT_SECRET", true),
            ("NUXT_PUBLIC_JWT_PRIVATE_KEY", true),
            ("EXPO_PUBLIC_OPENAI_API_KEY", true),
            ("NEXT_PUBLIC_SUPABASE_SERVICE_ROLE_KEY", true),
            ("VITE_SENTRY_AUTH_TOKEN", true),
            ("VITE_GITHUB_TOKEN", true),
            ("WEB__JWT_SECRET", true),
            ("WEB__SESSION_SECRET", false),
            ("NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY", false),
            ("NEXT_PUBLIC_SUPABASE_ANON_KEY", false),
            ("VITE_RECAPTCHA_SITE_KEY", false),
            ("VITE_VAPID_PUBLIC_KEY", false),
            ("REACT_APP_GOOGLE_MAPS_API_KEY", false),
            ("VITE_MAPBOX_ACCESS_TOKEN", false),
            ("VITE_API_KEY", false),
            ("NEXT_PUBLIC_FORGOT_PASSWORD", false),
            ("VITE_DISABLE_PASSWORD", false),
            ("NEXT_PUBLIC_PASSWORD_MIN_LENGTH", false),
            ("STRIPE_SECRET_KEY", false),
            ("PUBLIC_KEY", false),
            ("PUBLIC_URL", false),
        ] {
            assert_eq!(is_exposed(name), exposed, "{name}");
        }
    }
}

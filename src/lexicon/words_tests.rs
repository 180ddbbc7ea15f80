use super::super::places::{classify_branch, classify_host};
use super::*;

fn ours(policy: &str) -> Environments {
    toml::from_str(policy).expect("the policy of the test parses")
}

const NONE: &[Stage] = &[];
const LOCAL: &[Stage] = &[Stage::Local];
const CI: &[Stage] = &[Stage::Ci];
const DEVELOPMENT: &[Stage] = &[Stage::Development];
const INTEGRATION: &[Stage] = &[Stage::Integration];
const PREVIEW: &[Stage] = &[Stage::Preview];
const STAGING: &[Stage] = &[Stage::Staging];
const PRODUCTION: &[Stage] = &[Stage::Production];
const STAGING_THEN_PRODUCTION: &[Stage] = &[Stage::Staging, Stage::Production];

#[test]
fn names_mention_exactly_these_stages() {
    let table: &[(&[Stage], &[&str])] = &[
        (
            PRODUCTION,
            &[
                "prod",
                "production",
                "PRODUCTION",
                "prd",
                "live",
                "prod2",
                "ProdUS",
                "prodEast",
                "PRODEast",
                "eu-prod",
                "app_prod_db",
                "deploy:production",
                "deploy-to-production",
                "production_line",
                "production-stage",
                "test-production",
                "values-prod.yaml",
                "docker-compose.prod.yml",
                "k8s/overlays/production/kustomization.yaml",
                "arn:aws:iam::123456789012:role/prod-deploy",
                "gke_acme_us-east1_prod",
                "DATABASE_URL_PROD",
                "PROD_DB_PASSWORD",
                "go-live",
                "Production – acme-web",
                "Rails.env.production?",
                "Deploy (PROD)",
                "live-eu",
                "productionDatabase",
                "myProdDB",
                "prodécor prod",
            ],
        ),
        (
            STAGING,
            &[
                "stage",
                "staging",
                "stg",
                "Staging2",
                "stage2",
                "preprod",
                "pre-prod",
                "pre_production",
                "pre-production",
                "PreProd",
                "prelive",
                "uat",
                "UATEast",
                "qa",
                "qa1",
                "acceptance",
                "nonprod",
                "non-prod",
                "nonProduction",
                "nonproduction",
                "non prod eu",
                "deploy-stage",
                "staging-smoke-test",
                "non-production environments",
                "ci-staging",
                "production-like-staging",
                "lower-prod",
            ],
        ),
        (DEVELOPMENT, &["dev", "development", "dev2", "DEV_DB_HOST", "app-dev", "secret/dev/db", "dev-test"]),
        (INTEGRATION, &["int", "integration", "int-eu", "deploy_integration"]),
        (CI, &["test", "ci", "TEST_DB", "testing", "values-test.yaml", ".env.test", ".env.ci"]),
        (
            LOCAL,
            &[
                "local",
                "localhost",
                "docker-compose.local.yml",
                ".env.local",
                "local-dev",
                "http://localhost:3000",
            ],
        ),
        (
            PREVIEW,
            &[
                "preview",
                "review",
                "review/login",
                "review-app",
                "pr-123",
                "pr123",
                "preview-pr-7",
                "ephemeral",
            ],
        ),
        (
            NONE,
            &[
                "",
                "-",
                "product",
                "products",
                "productive",
                "reproduce",
                "reproduction",
                "producer",
                "delivery",
                "livereload",
                "live-reload",
                "liveReload",
                "LiveView",
                "alive",
                "keep-alive",
                "keep_live",
                "liveness",
                "livenessProbe",
                "time-to-live",
                "isLive",
                "staged",
                "backstage",
                "stages",
                "stage-1",
                "build-stage",
                "multi-stage",
                "upstage",
                "not_prod",
                "no-prod",
                "post-production",
                "production-ready",
                "production-grade",
                "production-like",
                "devel",
                "libssl-devel",
                "devise",
                "device",
                "devops",
                "devDependencies",
                "dev-dependencies",
                "save-dev",
                "/dev/null",
                "/dev/stdin",
                "latest",
                "contest",
                "attestation",
                "greatest",
                "unit-test",
                "integration-test",
                "acceptance tests",
                "smoke-test",
                "interface",
                "internal",
                "print",
                "pint",
                "integrations",
                "locale",
                "localize",
                "localStorage",
                "/usr/local/bin",
                "reviewer",
                "code-review",
                "Review dependencies",
                "production-dependencies",
                "production mode",
                "local-exec",
                "github-pages",
                "pypi",
                "dependency-review",
                "pr-title",
                "previewer",
                "ephemeral-storage",
                "cicd",
                "ci-cd",
                "CI_COMMIT_REF_SLUG",
                "circle",
                "aquarium",
                "main",
                "release",
                "canary",
                "prodé",
            ],
        ),
        (STAGING_THEN_PRODUCTION, &["staging-to-prod", "promote: stage → live", "stagingProd", "qa/prod"]),
        (&[Stage::Production, Stage::Preview], &["prod-preview"]),
    ];
    let nothing = Environments::default();
    for (expected, names) in table {
        for name in *names {
            let found = mentions(name, &nothing);
            assert_eq!(found.stages(), *expected, "{name}");
            assert_eq!(found.is_ambiguous(), expected.len() > 1, "{name}");
            let single = if expected.len() == 1 { Some(expected[0]) } else { None };
            assert_eq!(classify(name, &nothing), single, "{name}");
        }
    }
}

#[test]
fn a_mention_says_where_it_stands() {
    let found = mentions("copy nonProd to «prodEast»", &Environments::default());
    let marked: Vec<&str> = found.0.iter().map(|m| &"copy nonProd to «prodEast»"[m.range.clone()]).collect();
    assert_eq!(marked, ["nonProd", "prod"]);
    assert!(found.includes(Stage::Staging) && found.includes(Stage::Production));
    assert!(!found.includes(Stage::Local));
}

#[test]
fn a_teams_own_names_come_first() {
    let own = ours(
        "production = { names = ['blue', 'customers'], hosts = ['*.example.com'], branches = ['release/*'] }\n\
         staging = { names = ['blue canary', 'live'], hosts = ['.next.example.com', 'qa.example.org'] }\n\
         development = { names = ['prod sandbox', '--'] }\n",
    );
    for (name, expected) in [
        ("blue", PRODUCTION),
        ("BLUE_2", PRODUCTION),
        ("deployBlueEast", PRODUCTION),
        ("blueprint", NONE),
        ("blue-canary", STAGING),
        ("canary", NONE),
        ("live", STAGING),
        ("prod-sandbox", DEVELOPMENT),
        ("prod", PRODUCTION),
        ("blue-test", PRODUCTION),
        ("--", NONE),
    ] {
        assert_eq!(mentions(name, &own).stages(), expected, "{name}");
    }
    assert!(mentions("staging-to-blue", &own).is_ambiguous());
    for (host, expected) in [
        ("app.example.com", Some(Stage::Production)),
        ("APP.Example.com:443", Some(Stage::Production)),
        ("example.com", None),
        ("qa.example.org", Some(Stage::Staging)),
        // Two declarations that disagree: the team has to say which.
        ("app.next.example.com", None),
    ] {
        assert_eq!(classify_host(host, &own), expected, "{host}");
    }
    assert_eq!(classify_branch("refs/heads/release/1.2", &own), Some(Stage::Production));
    assert_eq!(classify_branch("release/1.2", &Environments::default()), None);

    let twice = ours("production = { names = ['green'] }\nstaging = { names = ['Green'] }\n");
    assert!(mentions("green", &twice).is_ambiguous());
}

#[test]
fn a_name_of_a_million_words_takes_no_noticeable_time() {
    let own = ours("production = { names = ['a a a a b'] }");
    let found = mentions(&"a-".repeat(500_000), &own);
    assert!(found.0.is_empty());
    assert_eq!(classify_host(&"a.".repeat(200_000), &own), None);
}

proptest::proptest! {
    #[test]
    fn ranges_lie_on_character_boundaries(text in "\\PC{0,40}(prod|Staging|pré|ǅ|1)\\PC{0,10}") {
        for mention in mentions(&text, &Environments::default()).0 {
            proptest::prop_assert!(text.get(mention.range).is_some());
        }
        classify_host(&text, &Environments::default());
        classify_branch(&text, &Environments::default());
    }
}

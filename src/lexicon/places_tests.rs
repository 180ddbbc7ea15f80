use super::*;

#[test]
fn hosts_are_judged_by_the_labels_their_owner_chose() {
    let nothing = Environments::default();
    for (host, expected) in [
        ("prod-db.example.com", Some(Stage::Production)),
        ("db.prod.internal", Some(Stage::Production)),
        ("api.prod.svc.cluster.local", Some(Stage::Production)),
        ("prod-db.c9akciq32.us-east-1.rds.amazonaws.com", Some(Stage::Production)),
        ("acme-staging.com", Some(Stage::Staging)),
        ("staging.example.co.uk", Some(Stage::Staging)),
        ("acme-staging.herokuapp.com", Some(Stage::Staging)),
        ("non-prod.example.com.", Some(Stage::Staging)),
        ("app.dev.example.com:8443", Some(Stage::Development)),
        ("pr-12.preview.example.com", Some(Stage::Preview)),
        ("prod", Some(Stage::Production)),
        ("localhost", Some(Stage::Local)),
        ("localhost:5432", Some(Stage::Local)),
        ("shop.localhost", Some(Stage::Local)),
        ("127.0.0.1:80", Some(Stage::Local)),
        ("[::1]:80", Some(Stage::Local)),
        ("::1", Some(Stage::Local)),
        ("10.0.0.4", None),
        ("web.dev", None),
        ("example.dev", None),
        ("login.live.com", None),
        ("live.co.uk", None),
        ("printer.local", None),
        ("api.default.svc.cluster.local", None),
        ("dev.azure.com", None),
        ("test.pypi.org", None),
        ("product.example.com", None),
        ("staging.prod.example.com", None),
        ("", None),
        (".", None),
        ("...", None),
        ("[", None),
    ] {
        assert_eq!(classify_host(host, &nothing), expected, "{host}");
    }
}

#[test]
fn only_branches_named_for_an_environment_stand_for_one() {
    let nothing = Environments::default();
    for (branch, expected) in [
        ("main", None),
        ("master", None),
        ("trunk", None),
        ("", None),
        ("/", None),
        ("release/1.4", None),
        ("feature/prod-login", None),
        ("hotfix/production", None),
        ("fix-prod", None),
        ("update-staging", None),
        ("make-the-prod-button-red", None),
        ("dependabot/npm/dev-1", None),
        ("test/new-runner", None),
        ("alice/prod", None),
        ("develop", Some(Stage::Development)),
        ("dev", Some(Stage::Development)),
        ("production", Some(Stage::Production)),
        ("origin/production", Some(Stage::Production)),
        ("refs/heads/live", Some(Stage::Production)),
        ("release/production", Some(Stage::Production)),
        ("env/prod", Some(Stage::Production)),
        ("deploy/staging-eu", Some(Stage::Staging)),
        ("staging-eu", Some(Stage::Staging)),
        ("prod/eu", Some(Stage::Production)),
        ("web-prod", Some(Stage::Production)),
        ("pre-prod", Some(Stage::Staging)),
        ("qa", Some(Stage::Staging)),
    ] {
        assert_eq!(classify_branch(branch, &nothing), expected, "{branch}");
    }
}

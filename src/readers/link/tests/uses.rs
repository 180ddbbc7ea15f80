//! Building blocks and what they bring about.

use super::*;

#[test]
fn actions_bring_about_what_their_inputs_say() {
    for (name, inputs, expected) in [
        (
            "docker/build-push-action",
            &[("push", "true"), ("tags", "ghcr.io/acme/shop:${{ github.sha }}")][..],
            "build ghcr.io/acme/shop:{commit}, publish ghcr.io/acme/shop:{commit}",
        ),
        ("docker/build-push-action", &[("push", "false"), ("tags", "a:1\na:2")], "build a:1, build a:2"),
        (
            "docker/build-push-action",
            &[
                ("push", "${{ github.event_name != 'pull_request' }}"),
                ("tags", "${{ steps.meta.outputs.tags }}"),
            ],
            "build {steps.meta.outputs.tags}, publish {steps.meta.outputs.tags}",
        ),
        ("docker/metadata-action", &[("images", "acme/shop")], ""),
        (
            "azure/webapps-deploy",
            &[
                ("app-name", "shop"),
                ("slot-name", "production"),
                ("images", "acme/shop@${{ needs.build.outputs.digest }}"),
            ],
            "deploy acme/shop@needs.build.outputs.digest @production(context)",
        ),
        (
            "appleboy/ssh-action",
            &[
                ("host", "prod.example.com"),
                ("script", "cd /srv\ndocker compose pull && docker compose up -d"),
            ],
            "shell @production(host), fetch @production(host), deploy @production(host)",
        ),
        ("Azure/K8s-Deploy", &[("namespace", "staging")], "deploy @staging(context)"),
        (
            "cloudflare/wrangler-action",
            &[("command", "deploy --env production")],
            "deploy @production(context)",
        ),
        ("cloudflare/wrangler-action", &[("command", "whoami")], ""),
        (
            "SamKirkland/FTP-Deploy-Action",
            &[("server", "ftp.staging.example.com")],
            "copy-files:up @staging(host), deploy @staging(host)",
        ),
        ("amondnet/vercel-action", &[("vercel-args", "--prod")], "deploy @production(context)"),
        ("peaceiris/actions-gh-pages", &[], "publish:docs"),
        ("aquasecurity/trivy-action", &[("scan-type", "fs")], "scan:sca"),
        ("github/codeql-action/analyze", &[], "scan:sast"),
        ("trstringer/manual-approval", &[], "approve"),
        ("hashicorp/setup-terraform", &[], ""),
        ("codecov/codecov-action", &[], ""),
        ("someone/unknown", &[("environment", "production")], ""),
    ] {
        let lexicon = Lexicon::default();
        let around =
            Surroundings { lexicon: &lexicon, scope: Scope::default(), chosen: None, elsewhere: false };
        assert_eq!(say(&around.outcome_of_use(&used(name, inputs)).effects), expected, "{name} {inputs:?}");
    }
}

#[test]
fn an_image_of_a_build_service_implies_its_program() {
    let uses = Lexicon::default().uses();
    assert_eq!(uses.program_of_image("gcr.io/cloud-builders/docker"), Some("docker"));
    assert_eq!(uses.program_of_image("gcr.io/acme/deployer"), None);
}

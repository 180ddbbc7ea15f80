//! What shows that secrets come from a store that is made for them.

use crate::facts::{Repository, Resource, Setting, Stage, System, Target};
use crate::lexicon::stores::SECRET_STORE_OBJECTS;
use crate::text::Span;

/// A mention of a store.
pub(super) struct Mention {
    pub(super) place: Span,
    /// The environment that it serves; all of them where none is named.
    pub(super) stage: Option<Stage>,
}

/// Beginnings of Terraform types that declare or read a store.
const TYPES: &[&str] = &[
    "aws_secretsmanager_",
    "azurerm_key_vault",
    "google_secret_manager_",
    "vault_",
    "doppler_",
    "infisical_",
    "onepassword_",
    "sops_",
    "ibm_sm_",
    "oci_vault_",
    "scaleway_secret",
];

/// Beginnings of references to a store's entries, as settings write them.
const REFERENCES: &[&str] = &[
    "vault:",
    "ref+",
    "op://",
    "sm://",
    "gsm:",
    "akv:",
    "infisical:",
    "doppler:",
    "arn:aws:secretsmanager:",
    "enc[",
    "@microsoft.keyvault(",
    "{{resolve:secretsmanager:",
    "{{resolve:ssm-secure:",
    "secretsmanager:",
];

/// Commands that read a store, decrypt, or hand secrets to a platform that keeps them.
const COMMANDS: &[&str] = &[
    "vault kv ",
    "vault read ",
    "vault agent",
    "bao kv ",
    "aws secretsmanager ",
    "aws ssm get-parameter",
    "aws ssm put-parameter",
    "gcloud secrets ",
    "az keyvault ",
    "sops ",
    "ansible-vault ",
    "doppler ",
    "op read",
    "op run",
    "op inject",
    "chamber ",
    "infisical ",
    "berglas ",
    "git-crypt unlock",
    "fly secrets ",
    "flyctl secrets ",
    "wrangler secret ",
    "kubeseal",
    "helm secrets ",
    "bws ",
];

/// Actions that read a store.
const ACTIONS: &[&str] = &[
    "hashicorp/vault-action",
    "aws-actions/aws-secretsmanager-get-secrets",
    "google-github-actions/get-secretmanager-secrets",
    "azure/get-keyvault-secrets",
    "1password/load-secrets-action",
    "infisical/secrets-action",
    "dopplerhq/secrets-fetch-action",
    "dopplerhq/cli-action",
    "mdgreenwald/mozilla-sops-action",
    "bitwarden/sm-action",
];

/// Everything here that speaks of a store.
pub(super) fn mentions(repository: &Repository) -> Vec<Mention> {
    let stage = |target: Option<&Target>| target.and_then(|t| t.stage.known().copied());
    let facts = &repository.facts;
    let mut found: Vec<Mention> = Vec::new();
    let resources = facts.resources.iter().filter(|r| is_store(r));
    found.extend(resources.map(|r| Mention { place: r.place, stage: stage(r.target.as_ref()) }));
    let settings = facts.settings.iter().chain(facts.resources.iter().flat_map(|r| &r.entries));
    let settings = settings.filter(|s| refers(s));
    found.extend(settings.map(|s| Mention { place: s.place, stage: stage(s.target.as_deref()) }));
    for (owner, command) in repository.commands() {
        let google = command.program == "gcloud" && command.line.contains("--set-secrets");
        if google || COMMANDS.iter().any(|c| command.line.starts_with(c) || command.line == c.trim_end()) {
            found.push(Mention { place: command.place, stage: stage(owner.target()) });
        }
    }
    for (_, job, step) in repository.steps() {
        let Some(uses) = &step.uses else { continue };
        let name = uses.name.to_ascii_lowercase();
        if ACTIONS.iter().any(|a| name.starts_with(a))
            || name.contains("deploy-cloudrun") && uses.input("secrets").is_some()
        {
            found.push(Mention { place: step.place, stage: stage(job.target.as_ref()) });
        }
    }
    // Encrypted files lie in the repository itself.
    let encrypted = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        name == ".sops.yaml"
            || name == ".sops.yml"
            || [
                ".yml.enc",
                ".yaml.enc",
                ".sops.yaml",
                ".sops.yml",
                ".sops.json",
                ".enc.yaml",
                ".enc.yml",
                ".sops.env",
            ]
            .iter()
            .any(|end| name.ends_with(end))
            || path.contains(".git-crypt/")
            || name == ".gitsecret"
            || path.contains(".gitsecret/")
    };
    let files = repository.files.iter().filter(|f| encrypted(&f.path));
    found.extend(files.map(|f| Mention { place: f.place, stage: None }));
    found
}

fn is_store(resource: &Resource) -> bool {
    match resource.system {
        System::Kubernetes => {
            SECRET_STORE_OBJECTS.contains(&resource.sort.as_str())
                || resource.encrypted
                || resource.entry("spec.decryption.provider").is_some()
        }
        System::Terraform => {
            let parameter = resource.sort == "aws_ssm_parameter"
                && (resource.block == "data"
                    || resource
                        .entry("type")
                        .is_some_and(|t| t.setting.known().is_some_and(|v| v == "SecureString")));
            // A database whose password its cloud keeps and rotates.
            let managed = resource.entry("manage_master_user_password").is_some();
            parameter || managed || TYPES.iter().any(|t| resource.sort.starts_with(t))
        }
        System::CloudFormation => {
            resource.sort == "AWS::SecretsManager::Secret"
                || resource.entry("Properties.ManageMasterUserPassword").is_some()
        }
        System::Ansible | System::Platform | System::Nginx => false,
    }
}

fn refers(setting: &Setting) -> bool {
    let value = setting.setting.text();
    let value = value.trim_start_matches(['"', '\'', ' ']);
    let starts = |with: &str| {
        value.as_bytes().get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()))
    };
    REFERENCES.iter().any(|p| starts(p))
        || starts("arn:aws:ssm:") && value.to_ascii_lowercase().contains(":parameter/")
        || starts("projects/") && value.to_ascii_lowercase().contains("/secrets/")
        // Annotations of Vault's injector.
        || setting.path.contains("vault.hashicorp.com/")
}

//! What shows that secrets come from a store that is made for them.

use crate::facts::{Command, File, Repository, Resource, Setting, Stage, Step, System, Target, Value};
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

/// Everything here that speaks of a store, what is cheap to find first.
pub(super) fn mentions(repository: &Repository) -> impl Iterator<Item = Mention> {
    let stage = |target: Option<&Target>| target.and_then(|t| t.stage.known().copied());
    let facts = &repository.facts;
    let resources = facts.resources.iter().filter(|r| is_store(r));
    let resources = resources.map(move |r| Mention { place: r.place, stage: stage(r.target.as_ref()) });
    // Encrypted files lie in the repository itself.
    let files = repository.files.iter().filter(|f| is_encrypted(f));
    let files = files.map(|f| Mention { place: f.place, stage: None });
    let steps = repository.steps().filter(|(.., step)| reads_store(step));
    let steps = steps.map(move |(_, job, s)| Mention { place: s.place, stage: stage(job.target.as_ref()) });
    let commands = repository.commands().filter(|(_, command)| is_of_store(command));
    let commands = commands.map(move |(owner, c)| Mention { place: c.place, stage: stage(owner.target()) });
    let settings = facts.settings.iter().chain(facts.resources.iter().flat_map(|r| &r.entries));
    let settings = settings.filter(|s| refers(s));
    let settings = settings.map(move |s| Mention { place: s.place, stage: stage(s.target.as_deref()) });
    resources.chain(files).chain(steps).chain(commands).chain(settings)
}

fn is_of_store(command: &Command) -> bool {
    let google = command.program == "gcloud" && command.line.contains("--set-secrets");
    google || COMMANDS.iter().any(|c| command.line.starts_with(c) || command.line == c.trim_end())
}

fn reads_store(step: &Step) -> bool {
    let Some(uses) = &step.uses else { return false };
    let name = uses.name.to_ascii_lowercase();
    ACTIONS.iter().any(|a| name.starts_with(a))
        || name.contains("deploy-cloudrun") && uses.input("secrets").is_some()
}

fn is_encrypted(file: &File) -> bool {
    const ENDINGS: &[&str] = &[
        ".yml.enc",
        ".yaml.enc",
        ".sops.yaml",
        ".sops.yml",
        ".sops.json",
        ".enc.yaml",
        ".enc.yml",
        ".sops.env",
    ];
    let name = file.name();
    matches!(name, ".sops.yaml" | ".sops.yml" | ".gitsecret")
        || ENDINGS.iter().any(|end| name.ends_with(end))
        || file.path.split('/').any(|part| matches!(part, ".git-crypt" | ".gitsecret"))
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
    let (Value::Known(value) | Value::Expr(value)) = &setting.setting else { return false };
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

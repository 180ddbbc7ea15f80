//! Files that hold secrets by their nature: Terraform state and plans, kubeconfigs, key stores.

use super::samples::no_worse_than;
use crate::facts::{Repository, in_file};
use crate::finding::{Confidence, Severity, Verdict};
use crate::parameters::Parameters;

/// What a file with this name holds, and whether the name alone makes that certain.
fn kind(path: &str) -> Option<(&'static str, bool)> {
    let lower = path.to_ascii_lowercase();
    let name = lower.rsplit('/').next().unwrap_or(&lower);
    let ends = |all: &[&str]| all.iter().any(|end| name.ends_with(end));
    if ends(&[".tfstate", ".tfstate.backup"]) || name.contains(".tfstate.") && ends(&[".backup"]) {
        return Some(("Terraform state", true));
    }
    if ends(&[".tfplan", ".tfplan.json"])
        || matches!(name, "tfplan" | "tfplan.json" | "plan.tfplan" | "tfplan.out")
    {
        return Some(("Terraform plan", true));
    }
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    let config = matches!(ending, "" | "yaml" | "yml" | "json" | "conf" | "config");
    let words = || stem.split(['.', '-', '_']);
    let made = |w: &str| matches!(w, "example" | "sample" | "template" | "tpl" | "test" | "schema");
    if config
        && words().any(|w| w == "kubeconfig")
        && words().all(|w| w.len() < 20 && !made(w))
        && words().count() <= 3
        || ends(&[".kubeconfig"])
        || lower == ".kube/config"
        || lower.ends_with("/.kube/config")
    {
        return Some(("Kubeconfig", false));
    }
    // Android's tools make every developer a debug store with a published password.
    if name == "debug.keystore" || name.contains("truststore") || name == "cacerts" {
        return None;
    }
    ends(&[".p12", ".pfx", ".jks", ".keystore", ".pkcs12", ".bks", ".jceks"]).then_some(("Key store", false))
}

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for file in &repository.files {
        if file.tracked != Some(true) || file.vendored || file.size == Some(0) {
            continue;
        }
        let Some((what, certain)) = kind(&file.path) else { continue };
        // A kubeconfig's keys and tokens are reported where they stand; a link is only a path.
        let held = || !in_file(&repository.facts.credentials, file.place.file).is_empty();
        if file.link || what == "Kubeconfig" && held() {
            verdict.examined(file.place);
            continue;
        }
        let message = format!("{what} `{}` is in git", file.path);
        let finding = verdict.fail(file.place, what.to_ascii_lowercase(), message);
        finding.label("tracked by git");
        if !certain {
            finding.at_most(Confidence::Medium);
        }
        if file.sample {
            no_worse_than(finding, Severity::Note).against("it lies among tests or examples");
        } else if !certain {
            finding.against("whether it holds a private key or token cannot be told from its name");
        }
    }
}

//! Secrets in the text of errors, by the name of what is put there.

use super::secret_names::names_a_value;
use crate::facts::{DisclosureForm, Repository};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    for text in &repository.facts.disclosures {
        if !repository.is_own(text.place) || !names_a_value(&text.name) {
            continue;
        }
        let into = match text.form {
            DisclosureForm::Raised => "the text of an error",
            DisclosureForm::Answered => "the answer to a failed request",
            // That is another rule's.
            DisclosureForm::Logged => continue,
        };
        let message =
            format!("`{}` puts `{}` into {into}", repository.file(text.place.file).name(), text.name);
        let finding = verdict.fail(text.place, format!("error with {}", text.name), message);
        finding.label("logged and shown with the error").at_most(Confidence::Medium);
        finding.against("only its name says that it is a secret");
    }
}

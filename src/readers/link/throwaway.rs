//! Passwords of containers that are thrown away, wherever else they are written.

use crate::facts::{Certainty, Credential, Facts, Stage};
use crate::text::Secret;
use std::collections::BTreeSet;

/// What opens the database of a job or of a developer's project opens nothing else under whichever name, in whichever
/// file, a program or a test is told it: unless that file is one of staging or production.
pub(super) fn share(facts: &mut Facts) {
    let made = facts.credentials.iter().filter(|c| c.ephemeral && is_password(c));
    let made: BTreeSet<Secret> = made.map(|c| c.value.clone()).collect();
    let staged = |c: &Credential| {
        let target = c.target.as_ref();
        target.is_some_and(|t| t.is(Stage::Production) || t.is(Stage::Staging))
    };
    for credential in facts.credentials.iter_mut().filter(|c| is_password(c) && !staged(c)) {
        credential.ephemeral |= made.contains(&credential.value);
    }
}

fn is_password(credential: &Credential) -> bool {
    credential.certainty == Certainty::Generic || credential.credential == "connection-string"
}

//! Where the built-in manuals disagree, with each other or with themselves.

use std::sync::OnceLock;

use serde::Deserialize;

/// A topic on which the manuals take different positions. Rules name it as `contested = "C10"`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conflict {
    /// `C1`, `C2` and so on.
    pub id: String,
    /// What it is about.
    pub topic: String,
    /// The parameters through which it is settled; none if rules settle it.
    #[serde(default)]
    pub parameters: Vec<String>,
    /// `true`: the strictest active position holds. `false`: no position is stricter than another, so that
    /// several active ones have to be reconciled or chosen from. `None`: they stand side by side.
    pub ordered: Option<bool>,
    /// How rules settle it.
    pub resolution: String,
    /// Who says what.
    pub positions: Vec<Position>,
}

/// What some clauses say on the topic of a [`Conflict`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// The position, in a few words.
    pub says: String,
    /// The ids of the clauses that take it.
    pub clauses: Vec<String>,
}

/// All conflicts between the built-in manuals, in the order of their numbers; read on first use.
pub fn conflicts() -> &'static [Conflict] {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        conflict: Vec<Conflict>,
    }
    static CONFLICTS: OnceLock<Vec<Conflict>> = OnceLock::new();
    CONFLICTS.get_or_init(|| {
        toml::from_str::<File>(include_str!("../../rules/manuals/conflicts.toml"))
            .expect("a test reads the file that is compiled in")
            .conflict
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;
    use crate::policy::manual;

    #[test]
    fn conflicts_speak_of_clauses_and_parameters_that_exist() {
        let known = Parameters::describe();
        for (index, conflict) in conflicts().iter().enumerate() {
            assert_eq!(conflict.id, format!("C{}", index + 1));
            assert!(!conflict.topic.is_empty() && conflict.resolution.ends_with('.'), "{}", conflict.id);
            assert!(!conflict.positions.is_empty(), "{}", conflict.id);
            for clause in conflict.positions.iter().flat_map(|position| &position.clauses) {
                assert!(manual::clause(clause).is_some(), "{}: there is no {clause}", conflict.id);
            }
            for parameter in &conflict.parameters {
                assert!(known.iter().any(|one| one.name == parameter), "{}: no {parameter}", conflict.id);
            }
        }
        assert_eq!(conflicts().len(), 40);
    }

    #[test]
    fn every_parameter_on_which_manuals_differ_belongs_to_a_conflict() {
        let mut given: std::collections::BTreeMap<&str, Vec<(&str, &toml::Value)>> = Default::default();
        for id in manual::builtin_ids() {
            let manual = manual::load_builtin(id).expect("built in");
            for one in &manual.parameters {
                given.entry(&one.name).or_default().push((id, &one.value));
            }
        }
        for (name, values) in given {
            let differs =
                values.iter().any(|(manual, value)| (*manual, *value) != values[0] && *value != values[0].1);
            let contested =
                conflicts().iter().any(|conflict| conflict.parameters.iter().any(|one| one == name));
            // Demands of one manual that add up are no disagreement.
            let one_manual = values.iter().all(|(manual, _)| *manual == values[0].0);
            assert!(!differs || one_manual || contested, "{name}: {values:?}");
        }
    }
}

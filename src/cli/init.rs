//! `plimsoll init`: says what it recognised, writes a first policy, offers the baseline.

use super::Exit;
use super::args::{Choice, Init};
use super::baseline;
use super::check::to_stdout;
use super::failure::Failure;
use super::plan::{Plan, today};
use crate::report::write_whole;
use crate::source::Target;
use crate::{Options, audit};

pub(super) fn run(init: &Init) -> Result<Exit, Failure> {
    let choice = Choice { manuals: init.manuals.clone(), ..Choice::default() };
    let plan = Plan::new(std::slice::from_ref(&init.path), &choice, None)?;
    if let Some(document) = plan.config.documents.first() {
        return Err(Failure::new(
            format!("there is a policy already: `{}`", document.path.display()),
            "change it there; `plimsoll config show` prints what holds",
        ));
    }
    let target = Target::WorkTree { root: plan.root.clone(), paths: Vec::new() };
    let options = Options { source: plan.source_options(), ..Options::default() };
    let report = audit(&target, &plan.policy, today(), &options)?;
    let path = plan.root.join("plimsoll.toml");
    write_whole(&path, policy(&init.manuals).as_bytes()).map_err(|e| Failure::io("written", &path, &e))?;

    let mut text = format!("Recognised {}.\nWrote plimsoll.toml.\n", report.taken_for);
    let known = report.failures().count();
    if init.baseline {
        text += &baseline::create(&plan, false)?;
    } else if known > 0 {
        let them = if known == 1 { "1 finding".to_owned() } else { format!("all {known} findings") };
        text += &format!("`plimsoll baseline create` sets {them} aside, so that only new ones count.\n");
    }
    text += match known {
        0 => "`plimsoll check` finds nothing to mend.\n",
        _ => "`plimsoll check` shows what it finds.\n",
    };
    to_stdout(text.as_bytes())?;
    Ok(Exit::Passed)
}

/// A policy of at most 15 lines that changes nothing until somebody edits it.
fn policy(manuals: &[String]) -> String {
    let manuals = match manuals {
        [] => "# manuals = [\"doc-009\"]".to_owned(),
        some => format!("manuals = {some:?}"),
    };
    format!(
        "# What plimsoll checks here; `plimsoll config schema` lists every key.\n\
         \n\
         # Manuals whose rules run beside the core set; `plimsoll clause` lists them.\n\
         {manuals}\n\
         # The mildest severity that fails the check: error, warning, note or never.\n\
         fail-on = \"error\"\n\
         # Files that are not looked at, as in .gitignore.\n\
         exclude = []\n\
         \n\
         # Your own names, where the usual words do not tell:\n\
         # [environments]\n\
         # production = {{ names = [\"blue\"], hosts = [\"*.example.com\"], branches = [\"release/*\"] }}\n\
         # [per-path]\n\
         # \"examples/\" = {{ severity = \"note\" }}\n"
    )
}

#[cfg(test)]
mod tests {
    use crate::policy::Config;

    #[test]
    fn the_first_policy_is_short_and_right_with_and_without_its_comments() {
        for manuals in [Vec::new(), vec!["doc-009".to_owned(), "step-08".to_owned()]] {
            let text = super::policy(&manuals);
            assert!(text.lines().count() <= 15, "{text}");
            let config = Config::parse("plimsoll.toml", &text).expect("it is right");
            assert_eq!(config.manuals.len(), manuals.len());
            let uncommented: String = text
                .lines()
                .map(|line| {
                    line.strip_prefix("# ").filter(|l| l.contains('=') || l.starts_with('[')).unwrap_or(line)
                })
                .map(|line| format!("{line}\n"))
                .collect();
            assert!(Config::parse("plimsoll.toml", &uncommented).is_ok(), "{uncommented}");
        }
    }
}

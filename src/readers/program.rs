//! What program a container runs, and how.

use crate::readers::commands;
use crate::syntax::shell;

/// The program that an image runs when a step names none; `None` if its first argument is the program.
/// <https://cloud.google.com/build/docs/cloud-builders>
pub(super) fn builder(image: &str) -> Option<String> {
    let (name, _) = commands::split_image(image);
    let last = name.rsplit('/').next().unwrap_or(&name);
    match last {
        "docker" => Some("docker".to_owned()),
        "cloud-sdk" | "google-cloud-cli" => None,
        // An official image of Docker Hub runs what it is given.
        _ if !name.contains('/') => None,
        _ => Some(last.to_owned()),
    }
}

pub(in crate::readers) fn is_shell(program: &str) -> bool {
    matches!(program.rsplit('/').next().unwrap_or(program), "bash" | "sh" | "dash" | "ash" | "zsh")
}

/// The options that the words before a script set.
pub(in crate::readers) fn options<'w>(words: impl Iterator<Item = &'w str>) -> shell::Options {
    let mut options = shell::Options { errexit: Some(false), pipefail: Some(false) };
    for word in words {
        if word.starts_with('-') && !word.starts_with("--") && word.contains('e') {
            options.errexit = Some(true);
        }
        if word == "pipefail" {
            options.pipefail = Some(true);
        }
    }
    options
}

/// Which argument of a shell is its script: the first behind the options, if `-c` is one of these.
pub(in crate::readers) fn script_argument(args: &[&str]) -> Option<usize> {
    let mut given = false;
    let mut at = 0;
    while let Some(letters) = args.get(at)?.strip_prefix('-').filter(|l| !l.is_empty()) {
        let long = letters.starts_with('-');
        given |= !long && letters.contains('c');
        // `-o` takes the next word as its name.
        at += 1 + usize::from(!long && letters.ends_with('o'));
    }
    given.then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_the_first_argument_behind_the_options() {
        for (args, expected) in [
            (&["-c", "x"][..], Some(1)),
            (&["-ceu", "x"], Some(1)),
            (&["-euo", "pipefail", "-c", "x", "y"], Some(3)),
            (&["-ceuo", "pipefail", "x"], Some(2)),
            (&["--login", "-c", "x"], Some(2)),
            (&["./deploy.sh", "-c"], None),
            (&["-c"], None),
            (&[], None),
        ] {
            assert_eq!(script_argument(args), expected, "{args:?}");
        }
    }
}

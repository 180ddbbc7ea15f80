//! `depends`: which tasks, and how they must have ended.
//! <https://argo-workflows.readthedocs.io/en/latest/enhanced-depends-logic/>

/// What an expression asks of the tasks that it names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Depends {
    /// The tasks, each with whether it is enough that one of several holds.
    pub tasks: Vec<(String, bool)>,
    /// It asks for a failure, and for no success.
    pub on_failure: bool,
    /// It holds whether a task failed or not.
    pub always: bool,
}

/// Reads an expression such as `a && (b.Succeeded || b.Skipped)`.
pub(super) fn parse(text: &str) -> Depends {
    let mut asked: Vec<(String, Vec<&str>)> = Vec::new();
    for word in text
        .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
        .filter(|w| !w.is_empty())
    {
        let (task, result) = word.split_once('.').unwrap_or((word, "Succeeded"));
        match asked.iter().position(|(t, _)| t == task) {
            Some(at) => asked[at].1.push(result),
            None if asked.len() < 200 => asked.push((task.to_owned(), vec![result])),
            None => break,
        }
    }
    let fails = |r: &&&str| matches!(**r, "Failed" | "Errored" | "AnyFailed");
    let succeeds =
        |r: &&&str| matches!(**r, "Succeeded" | "Skipped" | "Daemoned" | "AnySucceeded" | "AllFailed");
    let failed = asked.iter().any(|(_, results)| results.iter().any(|r| fails(&r)));
    let succeeded = asked.iter().any(|(_, results)| results.iter().any(|r| succeeds(&r) && *r != "Skipped"));
    // `a || b`: of tasks with different names either may be missing.
    let several = asked.len() > 1 && text.contains("||");
    let either = several && !asked.iter().any(|(_, results)| results.len() > 1);
    Depends {
        tasks: asked.iter().map(|(task, _)| (task.clone(), either)).collect(),
        on_failure: failed && !succeeded,
        always: failed && succeeded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_names_tasks_and_how_they_must_have_ended() {
        for (text, tasks, either, on_failure, always) in [
            ("a", &["a"][..], false, false, false),
            ("a && b.Succeeded", &["a", "b"], false, false, false),
            ("a.Succeeded || a.Skipped", &["a"], false, false, false),
            ("a || b", &["a", "b"], true, false, false),
            ("a.Failed", &["a"], false, true, false),
            ("a.Failed || a.Errored", &["a"], false, true, false),
            ("(a.Succeeded || a.Failed)", &["a"], false, false, true),
            ("", &[], false, false, false),
        ] {
            let found = parse(text);
            let names: Vec<&str> = found.tasks.iter().map(|(t, _)| t.as_str()).collect();
            assert_eq!(names, tasks, "{text}");
            assert_eq!(found.tasks.iter().any(|(_, e)| *e), either, "{text}");
            assert_eq!((found.on_failure, found.always), (on_failure, always), "{text}");
        }
    }
}

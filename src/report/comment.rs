//! How a person says, in a file, that a finding is not meant.

/// The comment that allows `rule` in the file `path`, e.g. `// plimsoll: allow[rule] reason`; `None`
/// if files of its kind have no comments, or ones that are not heeded (prose).
pub(super) fn allow(path: &str, rule: &str) -> Option<String> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
    let (open, close) = match extension.as_str() {
        _ if name.starts_with("Jenkinsfile") => ("// ", ""),
        "json" | "md" | "markdown" | "txt" | "rst" | "adoc" | "csv" | "lock" | "ipynb" | "pem" => {
            return None;
        }
        "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx" | "go" | "rs" | "java" | "kt" | "kts"
        | "scala" | "groovy" | "gradle" | "c" | "h" | "cc" | "cpp" | "hpp" | "cs" | "fs" | "swift"
        | "dart" | "php" | "proto" | "bicep" | "jsonc" | "json5" | "jsonnet" | "libsonnet" | "cue"
        | "scss" | "less" | "zig" => ("// ", ""),
        "sql" | "lua" | "hs" | "elm" => ("-- ", ""),
        "ini" | "reg" | "asm" | "clj" | "el" => ("; ", ""),
        "tex" | "erl" => ("% ", ""),
        "css" => ("/* ", " */"),
        "xml" | "html" | "htm" | "xhtml" | "svg" | "vue" | "csproj" | "fsproj" | "props" | "targets"
        | "config" | "plist" | "xsd" => ("<!-- ", " -->"),
        "tpl" | "gotmpl" | "tmpl" => ("{{/* ", " */}}"),
        "j2" | "jinja" | "jinja2" | "twig" => ("{# ", " #}"),
        "bat" | "cmd" => ("REM ", ""),
        _ => ("# ", ""),
    };
    Some(format!("{open}plimsoll: allow[{rule}] <reason>{close}"))
}

#[cfg(test)]
mod tests {
    use super::allow;

    #[test]
    fn a_comment_is_one_in_the_language_of_its_file() {
        for (path, expected) in [
            (".github/workflows/cd.yml", Some("# plimsoll: allow[r] <reason>")),
            ("Dockerfile", Some("# plimsoll: allow[r] <reason>")),
            ("a/Jenkinsfile.prod", Some("// plimsoll: allow[r] <reason>")),
            ("a/B.XML", Some("<!-- plimsoll: allow[r] <reason> -->")),
            ("db/1.sql", Some("-- plimsoll: allow[r] <reason>")),
            ("run.cmd", Some("REM plimsoll: allow[r] <reason>")),
            ("package.json", None),
            ("README.md", None),
        ] {
            assert_eq!(allow(path, "r").as_deref(), expected, "{path}");
        }
    }
}

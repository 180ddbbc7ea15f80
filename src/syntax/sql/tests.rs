use super::*;
use proptest::prelude::*;

/// What stands between the first and the last token of each statement.
fn bodies(text: &str) -> Vec<&str> {
    let script = read(text);
    let body = |s: &Statement| {
        let tokens = &script.tokens[s.tokens()];
        match (tokens.first(), tokens.last()) {
            (Some(first), Some(last)) => Some(&text[first.start as usize..last.end as usize]),
            _ => s.client.then(|| text[s.start as usize..s.end as usize].trim()),
        }
    };
    script.statements.iter().filter_map(body).collect()
}

/// Parses, and holds what is promised of every script.
fn read(text: &str) -> Script {
    let script = parse(text, None);
    let mut at = 0;
    for statement in &script.statements {
        assert_eq!(statement.start, at, "statements tile the text: {text:?}");
        assert!(statement.end > statement.start, "{text:?}");
        assert!(text.get(statement.start as usize..statement.end as usize).is_some(), "{text:?}");
        at = statement.end;
    }
    assert_eq!(at as usize, text.len(), "statements tile the text: {text:?}");
    let mut end = 0;
    for token in &script.tokens {
        assert!(token.start >= end && token.end > token.start, "{text:?}");
        assert!(text.get(token.range()).is_some(), "{text:?}");
        end = token.end;
    }
    for comment in &script.comments {
        assert!(text.get(comment.start as usize..comment.end as usize).is_some(), "{text:?}");
    }
    script
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(bodies(text), expected, "{text}");
}

#[test]
fn strings_names_and_comments_hold_no_end() {
    check("A; B", &["A", "B"]);
    check("a ';' b; c", &["a ';' b", "c"]);
    check("a 'it''s; ' ; c", &["a 'it''s; '", "c"]);
    check("a \"x;y\" ; b `x;y`; c [x;y]; d", &["a \"x;y\"", "b `x;y`", "c [x;y]", "d"]);
    check("a -- ;\n b; c", &["a -- ;\n b", "c"]);
    check("a /* ; /* ; */ ; */ b; c", &["a /* ; /* ; */ ; */ b", "c"]);
    check("a /* /* ; */ b; c", &["a /* /* ; */ b", "c"]);
    check("# it's a comment\na; b", &["a", "b"]);
    check("a #> '{x;y}'; b #>> c", &["a #> '{x;y}'", "b #>> c"]);
    check("SELECT E'it\\'s; '; b", &["SELECT E'it\\'s; '", "b"]);
    check("SELECT 'c:\\'; b", &["SELECT 'c:\\'", "b"]);
    check("INSERT INTO `t` VALUES ('it\\'s; '); b", &["INSERT INTO `t` VALUES ('it\\'s; ')", "b"]);
    check("a x[1]; b ARRAY['x']; c int[]", &["a x[1]", "b ARRAY['x']", "c int[]"]);
    check("SELECT q'[it's; ]' FROM dual; b", &["SELECT q'[it's; ]' FROM dual", "b"]);
}

#[test]
fn dollar_quotes() {
    check("DO $$ BEGIN a; b; END $$; c", &["DO $$ BEGIN a; b; END $$", "c"]);
    check("AS $x$ a; $$ b; $x$ LANGUAGE sql; c", &["AS $x$ a; $$ b; $x$ LANGUAGE sql", "c"]);
    check("SELECT $1; b $ c", &["SELECT $1", "b $ c"]);
    check("SELECT v$session.a; b", &["SELECT v$session.a", "b"]);
}

#[test]
fn bodies_of_routines_stay_whole() {
    let trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE b SET c = CASE WHEN 1 THEN 2 END; DELETE FROM d; END";
    check(&format!("{trigger}; x"), &[trigger, "x"]);
    let procedure = "CREATE PROCEDURE p() BEGIN IF a THEN b; END IF; WHILE c DO d; END WHILE; END";
    check(&format!("{procedure}; x"), &[procedure, "x"]);
    check(
        "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET NEW.b = 1; x",
        &["CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET NEW.b = 1", "x"],
    );
    check("BEGIN; a; COMMIT; b", &["BEGIN", "a", "COMMIT", "b"]);
    check("BEGIN TRANSACTION; a; COMMIT", &["BEGIN TRANSACTION", "a", "COMMIT"]);
    check(
        "ALTER TABLE x ADD event int, ADD \"begin\" int; b",
        &["ALTER TABLE x ADD event int, ADD \"begin\" int", "b"],
    );
}

#[test]
fn clients_have_their_own_ends() {
    let body = "CREATE PROCEDURE p() BEGIN a; b; END";
    check(
        &format!("DELIMITER $$\n{body}$$\nDELIMITER ;\nc;d"),
        &["DELIMITER $$", body, "DELIMITER ;", "c", "d"],
    );
    check("delimiter //\na; b//\nc //", &["delimiter //", "a; b", "c"]);
    check(
        "ALTER TABLE a ADD b int\nGO\nIF x BEGIN y; z; END\ngo 2\nc",
        &["ALTER TABLE a ADD b int", "IF x BEGIN y; z; END", "c"],
    );
    check(
        "DECLARE n NUMBER;\nBEGIN\n a; b;\nEND;\n/\nDROP TABLE x;\n/\n",
        &["DECLARE n NUMBER;\nBEGIN\n a; b;\nEND;", "DROP TABLE x"],
    );
    check("\\connect shop\na;\n\\i b.sql\nc", &["\\connect shop", "a", "\\i b.sql", "c"]);
    check("COPY t (a) FROM stdin;\n1\tit's; \n\\.\n\nb;", &["COPY t (a) FROM stdin", "b"]);
    check("/*!40101 SET NAMES utf8 */;\na", &["SET NAMES utf8", "a"]);
    check("-- +goose StatementBegin\na; b;\n-- +goose StatementEnd\nc", &["a; b;", "c"]);
    check("a\n--> statement-breakpoint\nb;--> statement-breakpoint\nc", &["a", "b", "c"]);
}

#[test]
fn templates_are_words() {
    check(
        "DROP TABLE ${schema}.a_${x}; {{ name }} b; {% if x %} c {% endif %};",
        &["DROP TABLE ${schema}.a_${x}", "{{ name }} b", "c"],
    );
    assert_eq!(read("a_${x}").tokens.len(), 1);
}

#[test]
fn what_never_ends_takes_linear_time() {
    for piece in [
        "$a$ ",
        "/* ",
        "'",
        "\"",
        "[",
        "`",
        "{{",
        "${",
        "{% ",
        "BEGIN ",
        "CASE ",
        "/*!",
        "*/",
        "DELIMITER x\n",
        "\\\n",
        "COPY x FROM stdin;\n",
        "q'[",
        "\n/",
        "GO\n",
        "-- +goose StatementBegin\n",
        "CREATE FUNCTION f BEGIN ",
        "é",
        "#",
    ] {
        read(&piece.repeat(20_000));
    }
    read(&(0..20_000).map(|i| format!("$a{i}$ ")).collect::<String>());
}

proptest! {
    #[test]
    fn every_text_is_tiled(text in "[ -~\n\ré☃]{0,60}") {
        read(&text);
    }

    #[test]
    fn every_row_of_pieces_is_tiled(pieces in prop::collection::vec(prop::sample::select(vec![
        "CREATE ", "TRIGGER ", "BEGIN", "END", " ", ";", "\n", "GO", "/", "'", "''", "\\", "\"", "$$", "$x$", "/*", "*/", "--",
        "DELIMITER ", "//", "COPY ", "stdin", "\\.", "${", "}", "{{", "}}", "[", "]", "é", "#", "CASE", "IF", "-- +goose ",
        "StatementBegin", "q'[", "]'", "\u{feff}", "{%", "%}",
    ]), 0..40)) {
        read(&pieces.concat());
    }
}

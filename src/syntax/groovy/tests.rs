use super::*;
use crate::text::FileId;

/// The calls of a text with what they hold, one line each.
fn outline(text: &str) -> Vec<String> {
    fn block(block: &Block, depth: usize, text: &str, out: &mut Vec<String>) {
        block.statements.iter().for_each(|s| statement(s, depth, text, out));
    }
    fn statement(s: &Statement, depth: usize, text: &str, out: &mut Vec<String>) {
        match s {
            Statement::Value { name, value } => {
                if let Some((name, _)) = name {
                    out.push(format!("{:depth$}{name} =", ""));
                }
                expression(value, depth, text, out);
            }
            Statement::If(branches) => {
                for (condition, body) in branches {
                    let condition = condition.as_ref().map_or("else", |c| &text[c.at()]);
                    out.push(format!("{:depth$}if {condition}", ""));
                    block(body, depth + 1, text, out);
                }
            }
            Statement::Try { body, catches, finally } => {
                out.push(format!("{:depth$}try {}", "", catches.len()));
                [body].into_iter().chain(catches).chain(finally).for_each(|b| block(b, depth + 1, text, out));
            }
            Statement::Repeat(_, body) => {
                out.push(format!("{:depth$}repeat", ""));
                block(body, depth + 1, text, out);
            }
            Statement::Function { name, parameters, body } => {
                out.push(format!("{:depth$}function {name}({})", "", parameters.join(",")));
                block(body, depth + 1, text, out);
            }
            Statement::Leave { throws, value, .. } => {
                out.push(format!("{:depth$}{}", "", if *throws { "throw" } else { "return" }));
                value.iter().for_each(|v| expression(v, depth + 1, text, out));
            }
        }
    }
    fn expression(e: &Expr, depth: usize, text: &str, out: &mut Vec<String>) {
        let shown = |e: &Expr| match e.passage(FileId(0), text) {
            Some(p) => p.text().to_owned(),
            None => "…".into(),
        };
        match e {
            Expr::Call(call) => {
                call.receiver.iter().for_each(|r| expression(r, depth, text, out));
                let arguments: Vec<String> = call
                    .arguments
                    .iter()
                    .map(|a| match &a.name {
                        Some((name, _)) => format!("{name}: {}", shown(&a.value)),
                        None => shown(&a.value),
                    })
                    .collect();
                let dot = if call.receiver.is_some() { "." } else { "" };
                out.push(format!("{:depth$}{dot}{}({})", "", call.name, arguments.join(", ")));
                call.body.iter().for_each(|b| block(b, depth + 1, text, out));
            }
            Expr::Closure(b) => block(b, depth + 1, text, out),
            Expr::List(all, _) => all.iter().for_each(|a| expression(&a.value, depth + 1, text, out)),
            Expr::Sum(all, _) | Expr::Other(all, _) => {
                all.iter().for_each(|e| expression(e, depth, text, out))
            }
            Expr::Name(..) | Expr::Text(_) => {}
        }
    }
    let script = parse(text);
    let mut out = Vec::new();
    script.statements.iter().for_each(|s| statement(s, 0, text, &mut out));
    out.extend(script.errors.iter().map(|e| format!("! {}", e.1)));
    out
}

#[test]
fn calls_are_read_in_every_form() {
    for (text, expected) in [
        ("sh 'make'", &["sh(make)"][..]),
        ("sh(\"make ${env.X} $Y\")", &["sh(make ${X} $Y)"]),
        ("sh script: 'a', returnStatus: true", &["sh(script: a, returnStatus: true)"]),
        ("sh([script: 'a'])", &["sh(…)"]),
        ("stage('T') {\n sh 'a'\n}", &["stage(T)", " sh(a)"]),
        ("stages\n{\n}\nsteps { }", &["stages()", "steps()"]),
        ("def x = sh(script: 'a').trim()", &["x =", "sh(script: a)", ".trim()"]),
        ("String x = 'a' + b + \"c\"", &["x ="]),
        ("docker.build(\"s:$T\").push()", &["docker.build(s:$T)", ".push()"]),
        ("docker.image('n')\n  .inside { sh 'a' }", &["docker.image(n)", ".inside()", " sh(a)"]),
        ("parallel a: { sh 'x' }, b: {\n sh 'y'\n}", &["parallel(a: …, b: …)"]),
        ("checkout([$class: 'GitSCM', extensions: [], m: [:]])", &["checkout(…)"]),
        ("@Library('lib@v1') _\npipeline { }", &["@Library(lib@v1)", "pipeline()"]),
        (
            "if (a == 'b') { sh 'x' } else if (c) sh 'y'\nelse { sh 'z' }",
            &["if (a == 'b')", " sh(x)", "if (c)", " sh(y)", "if else", " sh(z)"],
        ),
        (
            "try { sh 'x' }\ncatch (Exception e) { throw e } finally { sh 'z' }",
            &["try 1", " sh(x)", " throw", " sh(z)"],
        ),
        ("def f(String a, b = 1) {\n sh a\n}\nf('x')", &["function f(a,b)", " sh(${a})", "f(x)"]),
        (
            "timeout(time: 5, unit: 'MINUTES') { input 'ok?' }",
            &["timeout(time: 5, unit: MINUTES)", " input(ok?)"],
        ),
        ("for (x in ['a']) { sh x }", &["repeat", " sh(${x})"]),
        ("xs.each { x -> sh \"$x\" }", &["xs.each()", " sh($x)"]),
        ("echo 'a'; echo 'b'", &["echo(a)", "echo(b)"]),
        ("echo 'a' // sh 'b'\n/* sh 'c' */ echo 'd'", &["echo(a)", "echo(d)"]),
        ("x ==~ /rel.*'/ ? sh('a') : sh('b')", &["sh(a)", "sh(b)"]),
        ("env.X = \"a\"\nenv.Y = readFile 'b'", &["env.X =", "env.Y =", "readFile(b)"]),
        ("Map<String, List> m = [a: 1]\nsh 'x'", &["m =", "sh(x)"]),
        ("static Map<String, A> g(String a) {\n sh a\n}", &["function g(a)", " sh(${a})"]),
        ("sh 'a'\n}\nsh 'b'", &["sh(a)", "sh(b)", "! a brace that nothing opens"]),
        ("steps {\n sh 'a'", &["steps()", " sh(a)", "! a brace that is not closed"]),
        ("sh 'a\nsh 'b'", &["sh(a)", "sh(b)", "! a quote that is not closed"]),
    ] {
        assert_eq!(outline(text), expected, "{text}");
    }
}

#[test]
fn texts_lead_back_to_where_they_stand() {
    let text = "sh \"\"\"\n  a \\$B ${env.C}\n  d\\\n e\"\"\"";
    let script = parse(text);
    let Statement::Value { value: Expr::Call(call), .. } = &script.statements[0] else { panic!("a call") };
    let passage = call.arguments[0].value.passage(FileId(0), text).expect("a text");
    assert_eq!(passage.text(), "\n  a $B ${C}\n  d e");
    let of = |part: &str| {
        let at = passage.text().find(part).expect("it is there");
        &text[passage.span(at..at + part.len()).range()]
    };
    assert_eq!((of("$B"), of("${C}"), of("d e")), ("\\$B", "${env.C}", "d\\\n e"));
}

#[test]
fn an_expression_has_the_name_of_what_it_reads() {
    for (expression, name) in [
        ("env.BUILD_NUMBER", "BUILD_NUMBER"),
        ("params.TARGET", "TARGET"),
        ("env['X']", "X"),
        ("GIT_COMMIT.take(7)", "GIT_COMMIT"),
        ("pom.version", "pom_version"),
        ("X ?: 'y'", "X"),
        ("X == 'a' ? 'b' : 'c'", "GROOVY_EXPRESSION"),
        ("1 + 2", "GROOVY_EXPRESSION"),
    ] {
        assert_eq!(variable(expression), name, "{expression}");
    }
}

#[test]
fn hostile_texts_are_read_in_time_and_without_a_crash() {
    for text in [
        "{".repeat(200_000),
        "a(".repeat(200_000),
        "[".repeat(200_000),
        "a { b ".repeat(50_000),
        "if (a) ".repeat(50_000),
        "else if (a) { } ".repeat(50_000),
        "a.b()".repeat(50_000),
        format!("x{}", ".y()".repeat(200_000)),
        "\"${".repeat(100_000),
        "'''".into(),
        "/*".into(),
        "$/".into(),
        "\\".into(),
        "\"\\".into(),
        "a ? ".repeat(50_000),
        "a: ".repeat(50_000),
        "@".repeat(50_000),
        "def ".repeat(50_000),
        "x = ".repeat(50_000),
        "a 'b', ".repeat(50_000),
        "try ".repeat(50_000),
        "return ".repeat(50_000),
        "ä'é\"ö${ü}\"".repeat(1_000),
        "f(a ".repeat(50_000),
    ] {
        let script = parse(&text);
        for statement in &script.statements {
            if let Statement::Value { value, .. } = statement {
                let at = value.at();
                assert!(text.get(at.clone()).is_some(), "{at:?}");
                value.passage(FileId(0), &text);
            }
        }
    }
}

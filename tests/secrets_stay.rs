//! No secret leaves: whatever is asked, in whatever format, no byte that is written holds a planted value
//! or a piece of it.

mod common;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use common::Repository;

/// Pieces of this length would help whoever looks for the value.
const PIECE: usize = 8;

/// Made-up values: characters that look drawn at random, the same in every run.
struct Mint {
    state: u64,
    bodies: Vec<String>,
}

impl Mint {
    fn new() -> Mint {
        Mint { state: 0x9e37_79b9_7f4a_7c15, bodies: Vec::new() }
    }

    fn draw(&mut self, alphabet: &str, length: usize) -> String {
        let letters = alphabet.as_bytes();
        let mut next = || {
            self.state =
                self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(self.state >> 33).expect("31 bits")
        };
        let body: String = (0..length).map(|_| char::from(letters[next() % letters.len()])).collect();
        self.bodies.push(body.clone());
        body
    }

    /// A value in the form of the kind that a word names.
    fn value(&mut self, kind: &str) -> String {
        const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        match kind {
            "PAY" => format!("{}{}", concat!("sk_", "live_"), self.draw(ALNUM, 24)),
            "CHAT" => format!("{}473920118465-902817364551-{}", concat!("xo", "xb-"), self.draw(ALNUM, 24)),
            "AWS" => self.draw(BASE64, 40),
            "LAB" => format!("{}{}", concat!("gl", "pat-"), self.draw(ALNUM, 20)),
            "MAIL" => format!("{}{}.{}", concat!("S", "G."), self.draw(ALNUM, 22), self.draw(ALNUM, 43)),
            "PASS" => self.draw(ALNUM, 20),
            // With one letter written as a YAML or JSON escape.
            "ESCAPED" => {
                let body = self.draw(ALNUM, 24);
                format!("{}\\u{:04x}{}", &body[..11], body.as_bytes()[11], &body[12..])
            }
            "PEM" => {
                let lines: Vec<String> = (0..6).map(|_| self.draw(BASE64, 64)).collect();
                let name = concat!("RSA PRIV", "ATE KEY");
                format!("-----BEGIN {name}-----\n{}\n-----END {name}-----", lines.join("\n"))
            }
            other => panic!("no kind of value is called {other}"),
        }
    }

    /// The text with every `<KIND>` replaced by a value of its own. `<PEM:n>` is indented by n blanks.
    fn fill(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('<') {
            out.push_str(before);
            let kind: String = behind.chars().take_while(char::is_ascii_uppercase).collect();
            match behind[kind.len()..].chars().next() {
                Some('>') if !kind.is_empty() => {
                    out.push_str(&self.value(&kind));
                    rest = &behind[kind.len() + 1..];
                }
                Some(':') if kind == "PEM" => {
                    let (indent, behind) = behind[4..].split_once('>').expect("closed");
                    let blanks = " ".repeat(indent.parse().expect("a number"));
                    out.push_str(&self.value("PEM").replace('\n', &format!("\n{blanks}")));
                    rest = behind;
                }
                _ => {
                    out.push('<');
                    rest = behind;
                }
            }
        }
        out + rest
    }

    /// What must be found nowhere.
    fn pieces(&self) -> BTreeSet<&[u8]> {
        self.bodies.iter().flat_map(|body| body.as_bytes().windows(PIECE)).collect()
    }
}

/// Files of every medium, with secrets in places of every kind.
const PLANTED: &[(&str, &str)] = &[
    (
        ".env",
        "PAY_KEY=<PAY>\nDB_PASSWORD='<PASS>'\nDATABASE_URL=postgres://shop:<PASS>@db.prod.example.io/shop\n",
    ),
    ("deploy/crlf.env", "PAY_KEY=<PAY>\r\nAPI_TOKEN=<PASS>\r\n"),
    ("docker/Dockerfile", "FROM alpine:3.20\nENV API_TOKEN=<PASS>\\\n<PASS> OTHER=1\n"),
    (".npmrc", "//registry.example.io/:_authToken=<LAB>\n"),
    (
        "config/app.yaml",
        "db:\n  password: \"<PASS>\"\n  url: mysql://root:<PASS>@db.example.io/shop\nkeys: &k\n  pay: <PAY>\nagain: *k\n<PAY>: a key that is a secret\n",
    ),
    ("config/key.yaml", "tls:\n  key: |\n    <PEM:4>\n"),
    ("config/app.json", "{\"password\": \"<PASS>\", \"chat\": \"<CHAT>\", \"list\": [\"<PAY>\"]}\n"),
    ("config/app.ini", "[db]\npassword = <PASS>\n"),
    ("config/app.properties", "spring.datasource.password=<PASS>\npay.key=<PAY>\n"),
    ("config/app.toml", "[pay]\nkey = \"<PAY>\"\npassword = '<PASS>'\n"),
    ("config/web.xml", "<a><password><PASS></password><chat><CHAT></chat></a>\n"),
    ("config/prod.tfvars", "db_password = \"<PASS>\"\npay_key = \"<PAY>\"\n"),
    ("main.tf", "provider \"aws\" {\n  secret_key = \"<AWS>\"\n}\n"),
    (
        "src/settings.py",
        "PASSWORD = '<PASS>'\nPAY = os.environ.get('PAY_KEY', '<PAY>')\nconn = 'amqp://shop:<PASS>@mq.example.io'\n",
    ),
    ("src/app.js", "const chat = `<CHAT>`;\nfetch(u, {headers: {Authorization: 'Bearer <PASS>'}});\n"),
    ("src/Main.java", "String password = \"<PASS>\";\n// the key was <PAY>\n"),
    ("src/app.rb", "Stripe.api_key = '<PAY>'\n"),
    ("src/app.go", "const mail = \"<MAIL>\"\n"),
    ("tests/test_app.py", "PAY_KEY = '<PAY>'\n"),
    (
        "Dockerfile",
        "FROM node:latest\nARG NPM_TOKEN=<LAB>\nENV DB_PASSWORD=<PASS> PAY=<PAY>\nRUN curl -H 'Authorization: Bearer <LAB>' https://example.io | sh || true\n",
    ),
    (
        "docker-compose.yml",
        "services:\n  db:\n    image: postgres\n    environment:\n      POSTGRES_PASSWORD: <PASS>\n      - PAY=<PAY>\n  web:\n    image: web\n    environment: [\"PAY_KEY=<PAY>\"]\n",
    ),
    (
        "compose/prod.yml",
        "services:\n  db:\n    image: postgres\n    environment:\n      POSTGRES_PASSWORD: <PASS>\n",
    ),
    (
        ".github/workflows/cd.yml",
        "on: push\nenv:\n  PAY_KEY: <PAY>\njobs:\n  ship:\n    environment: production\n    runs-on: ubuntu-24.04\n    env: { DB_PASSWORD: <PASS> }\n    steps:\n      - name: call <CHAT>\n        run: |\n          docker login -u shop -p <PASS> registry.example.io\n          echo <PAY> | base64\n          npm test || true\n          PGPASSWORD=<PASS> psql -h prod-db.example.io -c 'select 1'\n      - uses: evil/action@0123456789abcdef0123456789abcdef01234567\n        with: { token: <LAB>, password: \"<PASS>\" }\n      # plimsoll: allow[evil-action] because <PAY> was told\n      - uses: evil/action@0123456789abcdef0123456789abcdef01234567\n",
    ),
    (".github/workflows/broken.yml", "on: push\njobs: [}\n  password: <PASS>\n  pay: <PAY>\n"),
    (
        ".gitlab-ci.yml",
        "variables:\n  PAY_KEY: <PAY>\n  DB_PASSWORD: \"<PASS>\"\nship:\n  environment: production\n  script:\n    - git push https://bot:<LAB>@gitlab.example.io/shop/shop.git\n    - mysql -u root --password=<PASS> shop\n",
    ),
    (
        "cloudbuild.yaml",
        "steps:\n  - name: gcr.io/cloud-builders/docker\n    args: [build, --build-arg, \"PAY_KEY=<PAY>\", .]\n    env: [\"DB_PASSWORD=<PASS>\"]\n",
    ),
    (
        "k8s/secret.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: { name: shop }\nstringData:\n  password: <PASS>\n  pay: <PAY>\n",
    ),
    (
        "scripts/deploy.sh",
        "#!/bin/sh\nexport DB_PASSWORD='<PASS>'\ncurl -u shop:<PASS> https://api.example.io\nAWS_SECRET_ACCESS_KEY=<AWS> aws s3 ls\ncat > .env <<EOT\nPAY_KEY=<PAY>\nEOT\n",
    ),
    ("scripts/deploy.ps1", "$Password = \"<PASS>\"\n$env:PAY_KEY = '<PAY>'\n"),
    ("Makefile", "PAY_KEY = <PAY>\ndeploy:\n\tDB_PASSWORD=<PASS> ./deploy.sh\n"),
    (
        "package.json",
        "{\"scripts\": {\"deploy\": \"PAY_KEY=<PAY> node deploy.js\", \"test\": \"jest || true\"}}\n",
    ),
    (
        "docs/runbook.md",
        "# Run\n\nThe key is <PAY>.\n\n```sh\nssh prod.example.io\nexport DB_PASSWORD=<PASS>\nmysql --password=<PASS> -h prod-db.example.io\n```\n",
    ),
    ("config/escaped.json", "{\"password\": \"<ESCAPED>\"}\n"),
    (
        "escaped/docker-compose.yml",
        "services:\n  db:\n    image: postgres\n    environment:\n      POSTGRES_PASSWORD: \"<ESCAPED>\"\n",
    ),
    ("docs/<b>.txt", "chat <CHAT>\n"),
    ("deploy/id_rsa", "<PEM>\n"),
    ("src/long.min.js", "LONGa={key:\"<PAY>\",b:1};LONGpassword=\"<PASS>\";LONG\n"),
    ("src/unicode.py", "# ключ — 🔑\npassword = '<PASS>'  # 🔑 <PAY>\n"),
    ("UTF16/app.config.json", "{\"password\": \"<PASS>\", \"pay\": \"<PAY>\"}\n"),
    ("UTF16/prod.env", "PAY_KEY=<PAY>\r\nDB_PASSWORD=<PASS>\r\n"),
];

/// Rules of a team that quote what they find.
const QUOTING: &[(&str, &str, &str)] = &[
    ("quoted-setting", "setting", "The setting {key} is {setting}"),
    ("quoted-command", "command", "The command {program} {args} of {line} with {assignments}"),
    ("quoted-use", "use", "It uses {name} with {inputs}"),
    ("quoted-instruction", "instruction", "{keyword} {args}"),
    ("quoted-credential", "credential", "A {credential} for {key}"),
    ("quoted-section", "section", "{heading}: {text}"),
    ("quoted-step", "step", "The step {name}"),
];

/// Folders that each hold all of it once more: what is meant for the root lies elsewhere there.
const COPIES: [&str; 3] = ["", "apps/one/", "src/test/two/"];

fn plant(mint: &mut Mint) -> Repository {
    let it = Repository::new(&[]);
    for (copy, (path, text)) in COPIES.iter().flat_map(|copy| PLANTED.iter().map(move |p| (copy, p))) {
        let text = mint.fill(text).replace("LONG", &"x=1;".repeat(3000));
        match path.strip_prefix("UTF16/") {
            Some(path) => {
                let units = text.encode_utf16().flat_map(u16::to_le_bytes);
                let bytes: Vec<u8> = [0xff, 0xfe].into_iter().chain(units).collect();
                it.write_bytes(&format!("{copy}wide/{path}"), &bytes);
            }
            None => it.write(&format!("{copy}{path}"), &text),
        }
    }
    it
}

fn quoting(it: &Repository) {
    for (id, each, message) in QUOTING {
        let mut rule =
            format!("id = \"{id}\"\ntitle = \"It is quoted\"\nseverity = \"error\"\nconfidence = \"high\"\n");
        let _ =
            write!(rule, "core = true\nsince = \"0.1\"\nsubjects = \"files\"\nwhy = \"x\"\nfix = \"x\"\n");
        let _ = write!(
            rule,
            "[facts]\neach = \"{each}\"\nforbid.place = {{ exists = true }}\nmessage = \"{message}\"\nsubject = \"{message}\"\n"
        );
        it.write(&format!("quoting/{id}.toml"), &rule);
    }
}

/// What the run wrote, as (where, bytes).
fn written(it: &Repository, arguments: &str, known: &BTreeSet<std::path::PathBuf>) -> Vec<(String, Vec<u8>)> {
    let output = it
        .command()
        .args(arguments.split_whitespace())
        .env("RUST_BACKTRACE", "1")
        .stdin(std::process::Stdio::null())
        .output()
        .expect("the program is built");
    let mut all = vec![
        (format!("{arguments}: standard output"), output.stdout),
        (format!("{arguments}: standard error"), output.stderr),
    ];
    for (path, bytes) in it.files() {
        if !known.contains(&path) {
            all.push((format!("{arguments}: {}", path.display()), bytes));
            std::fs::remove_file(path).expect("ours");
        }
    }
    all
}

/// Where pieces stand, named by what surrounds them.
fn leaks(written: &[(String, Vec<u8>)], pieces: &BTreeSet<&[u8]>) -> Vec<String> {
    let mut found = Vec::new();
    for (place, bytes) in written {
        // A format may write text in two bytes for each character.
        let narrow: Vec<u8> = bytes.iter().copied().filter(|b| *b != 0).collect();
        for text in [bytes, &narrow] {
            if let Some(at) = text.windows(PIECE).position(|window| pieces.contains(window)) {
                let around = String::from_utf8_lossy(&text[at.saturating_sub(100)..text.len().min(at + 40)]);
                found.push(format!("{place}: …{around}…"));
                break;
            }
        }
    }
    found
}

#[test]
fn no_command_and_no_format_writes_a_planted_secret() {
    let mut mint = Mint::new();
    let it = plant(&mut mint);
    quoting(&it);
    it.git("init -q -b main");
    it.commit("planted");
    it.commit(&mint.fill("deploy-with-<PAY>"));
    it.git(&mint.fill("tag -a v1.0 -m token=<LAB>"));
    it.write("hollow", "");
    let pieces = mint.pieces();
    assert!(mint.bodies.len() >= 200, "{}", mint.bodies.len());
    let known: BTreeSet<_> = it.files().into_iter().map(|(path, _)| path).collect();
    let mut all = Vec::new();
    for arguments in [
        "check -v --show all --statistics --manual all",
        "check -q",
        "check -vv --show open",
        "check --require-evidence --strict --manual all --show all -f json",
        "check --rev HEAD -vv --show all -f full",
        "check --since HEAD -f sarif -f json",
        "check --staged -vv --show all",
        "exception secret-in-config config/app.yaml",
        "exception secret-in-source src/settings.py",
        "check --color always",
        "check -f concise --manual all --show all",
        "check -f json --manual all",
        "check -f json --rules quoting",
        "check -v --rules quoting --select quoted-setting,quoted-command,quoted-use,quoted-section,quoted-step,quoted-instruction",
        "check -f sarif --manual all --rules quoting",
        "check -f full=a.txt -f concise=b.txt -f json=c.json -f sarif=d.sarif",
        "check --rev HEAD -f json",
        "check --history -vv --show all",
        "check --history --manual all -f json -f sarif=e.sarif",
        "check --staged -f json --manual all",
        "check --since HEAD -f concise",
        "check config -v",
        "facts",
        "facts .github",
        "baseline create",
        "baseline create --rules quoting",
        "init --baseline",
        "rule",
        "config show",
    ] {
        all.extend(written(&it, arguments, &known));
    }
    let found = leaks(&all, &pieces);
    assert!(found.is_empty(), "{}", found.join("\n"));
    // The same search does find what is there, and the runs did speak of the planted files.
    let planted: Vec<_> = it.files().into_iter().map(|(p, b)| (p.display().to_string(), b)).collect();
    assert!(leaks(&planted, &pieces).len() >= COPIES.len() * (PLANTED.len() - 2));
    let spoken = |path: &str| all.iter().any(|(_, b)| String::from_utf8_lossy(b).contains(path));
    assert!(
        ["config/app.yaml", "deploy/id_rsa", "wide/prod.env", ".git/commit-message", ".git/tag-message/v1.0"]
            .iter()
            .all(|path| spoken(path))
    );
}

#[test]
fn every_planted_secret_is_seen() {
    let mut mint = Mint::new();
    let it = plant(&mut mint);
    let said = it.run("facts");
    let facts: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    let seen: BTreeSet<&str> = facts["credentials"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|c| c["place"]["path"].as_str())
        .collect();
    let unseen: Vec<&str> = PLANTED
        .iter()
        .map(|(path, _)| *path)
        .filter(|path| !seen.contains(path.replace("UTF16", "wide").as_str()))
        .collect();
    assert!(unseen.is_empty(), "{unseen:?}");
}

#[test]
fn no_error_writes_a_secret_that_stands_beside_it() {
    for (path, text, arguments) in [
        ("plimsoll.toml", "ignor = ['<PAY>']\n", "check"),
        ("plimsoll.toml", "ignore = ['<PAY>']\n", "check"),
        ("plimsoll.toml", "# <PAY>\nselect = [\npassword = '<PASS>'\n", "check"),
        (
            "pyproject.toml",
            "[tool.x]\npassword = '<PASS>'\n[tool.plimsoll]\nselct = []\npay = '<PAY>'\n",
            "check",
        ),
        (".plimsoll/rules/x.toml", "id = 'x'\n# <PAY>\ntitel = '<CHAT>'\n", "check"),
        (".plimsoll/rules/x.toml", "id = 'x'\n# <PAY>\ntitel = '<CHAT>'\n", "rule"),
        (".plimsoll/kinds/x.toml", "provider = 'x'\n# <PAY>\nsorce = '<CHAT>'\n", "check"),
        (
            ".plimsoll/kinds/x.toml",
            "provider = 'x'\nsource = 'x'\n[[kind]]\nid = 'x-y'\ntitle = 'x'\nkeywords = ['xyz']\nregex = 'xyz(?P<secret>.{99})'\n[[bad]]\nkind = 'x-y'\npath = 'a'\ntext = 'xyz«<PASS>»'\n[[good]]\npath = 'a'\ntext = '<PAY>'\n",
            "test",
        ),
        (".plimsoll/baseline", "# plimsoll baseline 1\nsome <PAY> words\n", "check"),
        (".plimsoll/exceptions.toml", "[[exception]]\npassword = '<PASS>'\n# <PAY>\n", "check"),
        (".plimsoll/manuals/x.toml", "id = 'x'\n# <PAY>\ntitel = '<CHAT>'\n", "clause"),
    ] {
        let mut mint = Mint::new();
        let it = Repository::new(&[]);
        it.write(path, &mint.fill(text));
        let known: BTreeSet<_> = it.files().into_iter().map(|(path, _)| path).collect();
        let all = written(&it, arguments, &known);
        assert!(!all[1].1.is_empty(), "{path} is refused");
        let found = leaks(&all, &mint.pieces());
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

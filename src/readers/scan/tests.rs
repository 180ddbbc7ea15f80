use super::own_kinds::{Examples, holds};
use super::*;
use crate::facts::{Certainty, Credential, Form, Stage};
use crate::lexicon::kinds::BUILT_IN;
use crate::lexicon::patterns::TextPattern;
use std::sync::OnceLock;

fn scanner() -> &'static Scanner {
    static SCANNER: OnceLock<Scanner> = OnceLock::new();
    SCANNER.get_or_init(|| Scanner::new(&Lexicon::default()))
}

pub(super) fn scan(path: &str, text: &str) -> Facts {
    let mut facts = Facts::default();
    let environments = Environments::default();
    scanner()
        .scan(&ScanText { file: FileId(0), path, text, offset: 0, environments: &environments }, &mut facts);
    facts
}

fn credentials(path: &str, text: &str) -> Vec<(String, String)> {
    scan(path, text).credentials.into_iter().map(|c| (c.credential, c.value.expose().to_owned())).collect()
}

fn only(path: &str, text: &str) -> Credential {
    let mut all = scan(path, text).credentials;
    assert_eq!(all.len(), 1, "{path}: {}", &text[..text.len().min(400)]);
    all.remove(0)
}

/// Each `«…»` of a bad example is exactly one credential of its kind; a good one has none of the file's.
fn examples_hold(path: &str) {
    let file = BUILT_IN.iter().find(|f| f.path == path).expect("the file is built in");
    let provider = file.read().expect("it is well-formed");
    let examples: Examples = toml::from_str(file.tail).expect("its examples are well-formed");
    for kind in &provider.kinds {
        let shown = examples.bad.iter().any(|e| e.get_ref().kind.as_ref() == Some(&kind.id));
        assert!(shown, "{} has no bad example", kind.id);
    }
    assert!(!examples.good.is_empty(), "{path} has no good example");
    for (number, (bad, example)) in examples.all().enumerate() {
        let held = holds(scanner(), &provider, bad, example.get_ref());
        assert_eq!(held, Ok(()), "{path}: example {number}, {:?}", example.get_ref().kind);
    }
}

mod kind_examples {
    use super::examples_hold;
    include!(concat!(env!("OUT_DIR"), "/kind_tests.rs"));
}

/// A value that looks random and belongs to nobody.
pub(super) const RANDOM: &str = concat!("q7Rk2ZpL9v", "Xw4TnB6yHd");

#[test]
fn generic_credentials_are_found_where_people_write_them() {
    for (path, text, kind, value) in [
        ("config/app.yaml", "db:\n  password: hunter2\n", "password", "hunter2"),
        ("src/app.py", "client = Client(token=\"RANDOM\")\n", "token", RANDOM),
        (".env", "SESSION_SECRET=RANDOM\n", "secret", RANDOM),
        ("a.tf", "resource \"x\" \"y\" {\n  master_password = \"Tr0ub4dor\"\n}\n", "password", "Tr0ub4dor"),
        ("src/db.go", "dsn := \"app:s3cretpw@tcp(db:3306)/x\"\n", "connection-string", "s3cretpw"),
        (
            "appsettings.json",
            "\"Db\": \"Server=d;User Id=sa;Password=Tr0ub4;Encrypt=True\"",
            "connection-string",
            "Tr0ub4",
        ),
        (
            "web.js",
            "mongoose.connect('mongodb://app:s3cretpw@db.corp.io/x')",
            "connection-string",
            "s3cretpw",
        ),
        ("x.sh", "curl --token RANDOM https://x.io\n", "token", RANDOM),
        ("conf/db_qa.properties", "password=Tr0ub4dor\n", "password", "Tr0ub4dor"),
    ] {
        let text = text.replace("RANDOM", RANDOM);
        assert_eq!(credentials(path, &text), [(kind.to_owned(), value.to_owned())], "{path}: {text}");
    }
}

#[test]
fn what_is_no_credential_is_silent() {
    for (path, text) in [
        ("config/app.yaml", "password: ${DB_PASSWORD}\ntoken: vault:secret/data/x#y\n"),
        ("app/i18n/de.json", "\"password\": \"Kennwort1\"\n"),
        ("package-lock.json", "\"token\": \"RANDOM\"\n"),
        ("node_modules/x/index.js", "password = \"hunter2\"\n"),
        ("a.yaml", "kind: SealedSecret\nspec:\n  encryptedData:\n    password: AgBRANDOM\n"),
        ("a.yaml", "password: ENC[AES256_GCM,data:abc,iv:xx=]\n"),
        (".env", "API_KEY=encrypted:RANDOM\n"),
        (
            "k.yaml",
            "env:\n- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: db\n      key: password\n",
        ),
        (
            ".github/workflows/a.yml",
            "with:\n  token: ${{ secrets.GITHUB_TOKEN }}\npermissions:\n  id-token: write\n",
        ),
        ("src/a.ts", "interface A { password: string; token: Token }\n"),
        ("src/a.py", "# password = \"hunter2\"\n"),
        ("src/a.py", "password = os.environ[\"DB_PASSWORD\"]\n"),
        ("README.md", "postgres://user:password@localhost/db and postgres://postgres:postgres@localhost/x\n"),
        ("src/a.js", "fetch('https://user:pass@example.com')\n"),
        ("openapi.yaml", "password:\n  type: string\n  format: password\n"),
        (
            "src/a.py",
            "connect(user=config[\"user\"], password=config[\"password\"], port=1)\nadd(username=login, password=passwd)\n",
        ),
        (
            "Jenkinsfile",
            "environment {\n  PASSWORD = credentials('hub-password')\n  API_TOKEN = credentials( 'x1' )\n}\n",
        ),
        (
            "alerts.tf",
            "module \"alerts\" {\n  secret_name = \"shop\"\n  secret_key = \"SHOP_SLACK_URL\"\n}\n",
        ),
        ("src/layout/en-US/strings.json", "{ \"Password\": \"password\" }\n"),
        (".github/workflows/a.yml", "env:\n  API_PASSWORD: longvaluefullofnumbersandlettersinbothcases\n"),
        ("src/a.py", "COOKIES = {\"csrftoken\": \"RANDOM\"}\n"),
        ("config/bench.yaml", "url: 'http://localhost:8888/index?cmd=x&pass=03cb9f67dbbc&token=RANDOM'\n"),
        (
            "docs/search.js",
            concat!("docsearch({ indexName: 'shop', apiKey: '9f3a61c07b2e4d58", "a1c6e0f94b7d2385' })\n"),
        ),
        ("config/app.yml", "#  - username: user\n#    password: secretpass\ntoken: k8s_etcd\n"),
        ("res/login_de.properties", "Confirm\\ password=Passwort-Wiederholung\n"),
        ("res/details_pt_BR.properties", "Password=password\n"),
        ("src/a.php", "'set one of `sentry://PROJECT_ID:SENTRY_API_KEY@SENTRY_HOST/`'\n"),
        ("web/trans/hi.json", "{\"password\": \"senha1\"}\n"),
        ("chart/values.yaml", "secrets:\n  DB_PASS: \"database_password\"\n"),
        ("main.tf", "password = var.db_password\nsecret = data.aws_secretsmanager_secret.x.arn\n"),
        // What the manuals of Stripe and OpenRouter show.
        ("src/a.py", concat!("stripe.api_key = \"sk_te", "st_4eC39HqLyjWDarjtT1zdp7dc\"\n")),
        (
            "src/a.ts",
            concat!(
                "const OPENROUTER_API_KEY = 'sk-or",
                "-v1-0e6f44a47a05f1dad2ad7e88c4c1d6b77688157716fb1a5271146f7464951c96';\n"
            ),
        ),
    ] {
        let text = text.replace("RANDOM", RANDOM);
        assert_eq!(credentials(path, &text), [], "{path}: {text}");
    }
}

#[test]
fn surroundings_say_what_a_credential_serves() {
    let c = only(
        "docker-compose.yml",
        "services:\n  db:\n    image: postgres\n    environment:\n      POSTGRES_PASSWORD: postgres\n",
    );
    assert!(c.default && c.ephemeral && !c.test);
    let c = only(
        ".github/workflows/ci.yml",
        "jobs:\n  a:\n    env:\n      DATABASE_URL: postgres://postgres:postgres@localhost:5432/x\n",
    );
    assert!(c.default && c.ephemeral);
    assert_eq!(c.key.as_deref(), Some("DATABASE_URL"));
    assert!(c.target.is_some_and(|t| t.is(Stage::Local)));
    let c = only("deploy/prod/values.yaml", "password: hunter2\n");
    assert!(!c.ephemeral && c.target.is_some_and(|t| t.is(Stage::Production)));
    let c = only(
        "docker-compose.prod.yml",
        "services:\n  db:\n    environment:\n      POSTGRES_PASSWORD: hunter2\n",
    );
    assert!(!c.ephemeral);
    let c = only("src/a.js", "const s = process.env.JWT_SECRET || 'supersecret-jwt-1';\n");
    assert!(c.fallback);
    let c = only("tests/test_a.py", "login(password=\"hunter2\")\n");
    assert!(c.test && c.certainty == Certainty::Generic);
}

/// A token of GitHub's shape, which nobody was given.
fn token() -> String {
    format!("{}{}", "ghp_", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8")
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0u32, |bits, b| bits << 8 | u32::from(*b)) << (8 * (3 - group.len()));
        for digit in 0..4 {
            let digit = (digit <= group.len()).then(|| DIGITS[(bits >> (18 - 6 * digit) & 63) as usize]);
            out.push(digit.unwrap_or(b'=') as char);
        }
    }
    out
}

#[test]
fn credentials_are_found_one_level_deep_in_encodings() {
    let token = token();
    let hex: String = format!("token is {token}!").bytes().map(|b| format!("{b:02x}")).collect();
    let lines = base64(format!("some text goes before {token} and some behind it").as_bytes());
    let wrapped: Vec<&str> =
        lines.as_bytes().chunks(64).map(|l| std::str::from_utf8(l).expect("ASCII")).collect();
    for (path, text, kind, value, form) in [
        (
            "k8s/secret.yaml",
            format!("kind: Secret\ndata:\n  token: {}\n", base64(token.as_bytes())),
            "github-personal-token",
            token.as_str(),
            Form::Base64,
        ),
        (
            "k8s/secret.yaml",
            format!("data:\n  config: |\n    {}\n", wrapped.join("\n    ")),
            "github-personal-token",
            &token,
            Form::Base64,
        ),
        (
            "k8s/secret.yaml",
            format!("data:\n  DATABASE_URL: {}\n", base64(b"postgres://app:s3cretpw@db.corp.io/x")),
            "connection-string",
            "s3cretpw",
            Form::Base64,
        ),
        ("a.py", format!("x = bytes.fromhex('{hex}')\n"), "github-personal-token", &token, Form::Hex),
        (
            "a.sh",
            "open 'x?next=https%3A%2F%2Fapp%3As3cret%21pw%40db.corp.io%2Fx'\n".to_owned(),
            "connection-string",
            "s3cret!pw",
            Form::Percent,
        ),
    ] {
        let found = only(path, &text);
        assert_eq!(
            (found.credential.as_str(), found.value.expose(), found.form),
            (kind, value, form),
            "{text}"
        );
        let written = &text[found.place.range()];
        assert!(!written.contains(value) && found.encoded.is_some_and(|e| e.expose() == written), "{text}");
    }
    for text in [
        // Names mean nothing in decoded text, two levels are one too many, and a mask is no value.
        base64(format!("password = {RANDOM} and nothing else").as_bytes()),
        base64(base64(format!("the token {token} is here").as_bytes()).as_bytes()),
        base64(b"postgres://user:password@localhost/db and more"),
    ] {
        assert_eq!(credentials("a.yaml", &format!("data: {text}\n")), [], "{text}");
    }
}

#[test]
fn long_credentials_are_never_cut() {
    let claims = base64(format!("{{\"sub\":\"{}\"}}", "x".repeat(48_000)).as_bytes());
    let token = format!("eyJhbGciOiJIUzI1NiJ9.{}.c2lnbmF0dXJlc2lnbmF0dXJl", claims.trim_end_matches('='));
    assert!(token.len() > 64_000);
    let found = only("a.yaml", &format!("session: {token}\n"));
    assert_eq!((found.place.len() as usize, found.certainty), (token.len(), Certainty::Proved));
    let body: String =
        (0..64).map(|i| format!("{}\n", base64(&[i, 7, 91, 200, i * 3, 17].repeat(8)))).collect();
    let key = format!("-----BEGIN {} KEY-----\n{body}-----END {} KEY-----", "RSA PRIVATE", "RSA PRIVATE");
    let (kind, value) = credentials("id_rsa", &key).remove(0);
    assert_eq!((kind.as_str(), value), ("private-key-pem", key.clone()));
    // A provider's own file says more than the key in it, and a path in a program more than its name.
    let account = format!(
        "{{\n  \"type\": \"service_account\",\n  \"private_key\": \"{}\"\n}}\n",
        key.replace('\n', "\\n")
    );
    assert_eq!(credentials("key.json", &account).len(), 1);
}

#[test]
fn one_value_at_one_place_is_one_credential_and_twice_is_two() {
    let token = format!("{}{}", "ghp_", "q7Rk2ZpL9vXw4TnB6yHdQ8sJ3fM5cG1aW0eU");
    let found = credentials(".env", &format!("GITHUB_TOKEN={token}\nOTHER_TOKEN={token}\n"));
    assert_eq!(found, vec![("github-personal-token".to_owned(), token); 2]);
    let facts = scan(".env", &format!("DB_PASSWORD=postgres://app:{RANDOM}@db.corp.io/x\n"));
    assert_eq!(facts.credentials.len(), 1);
    assert_eq!(facts.credentials[0].key.as_deref(), Some("DB_PASSWORD"));
}

#[test]
fn debug_output_of_facts_never_shows_a_value() {
    let text = format!("password: hunter2\napi_key: {RANDOM}\nurl: amqp://app:s3cretpw@mq.corp.io\n");
    let facts = scan("config/app.yaml", &text);
    assert_eq!(facts.credentials.len(), 3);
    let shown = format!("{facts:?}");
    for value in ["hunter2", RANDOM, "s3cretpw"] {
        assert!(!shown.contains(value));
    }
}

#[test]
fn patterns_of_rules_are_searched_in_their_files() {
    let written = TextPattern {
        rule: "no-latest".into(),
        patterns: vec!["image: (?P<here>\\S+:latest)".into()],
        paths: vec!["*.yaml".into()],
        not_paths: vec!["old/**".into()],
        unless: vec!["pinned below".into()],
    };
    let lexicon = Lexicon { patterns: vec![written], ..Lexicon::default() };
    let scanner = Scanner::new(&lexicon);
    let text = "image: a:latest\nimage: b:latest # pinned below\nimage: é:latest\n";
    for (path, expected) in [("k/a.yaml", vec!["a:latest"]), ("old/a.yaml", vec![]), ("a.yml", vec![])] {
        let mut facts = Facts::default();
        scanner.scan(
            &ScanText { file: FileId(3), path, text, offset: 0, environments: &lexicon.environments },
            &mut facts,
        );
        let hits: Vec<&str> = facts.text_hits.iter().map(|h| &text[h.place.range()]).collect();
        assert_eq!(hits, expected, "{path}");
    }
}

#[test]
fn chunks_give_what_the_whole_gives() {
    let line = format!("api_key: {RANDOM}\n# plimsoll: allow[x] why\nurl: amqp://app:s3cretpw@mq.corp.io\n");
    let text = line.repeat(200);
    let whole = scan("config/app.yaml", &text);
    let environments = Environments::default();
    let mut facts = Facts::default();
    let mut at = 0;
    while at < text.len() {
        let end = (at + 4096).min(text.len());
        let chunk = ScanText {
            file: FileId(0),
            path: "config/app.yaml",
            text: &text[at..end],
            offset: at,
            environments: &environments,
        };
        scanner().scan(&chunk, &mut facts);
        at += 2048;
    }
    drop_repeats(&mut facts);
    let places = |f: &Facts| f.credentials.iter().map(|c| c.place).collect::<Vec<_>>();
    assert_eq!(places(&facts), places(&whole));
}

#[test]
fn long_lines_full_of_key_words_come_to_an_end() {
    for unit in [
        "password",
        "password=",
        "password:\"",
        "token=a,",
        "://a:",
        "://",
        "secret: {",
        "eyJ",
        "ghp_",
        "plimsoll:",
        "process.env.",
        "-----BEGIN RSA PRIVATE KEY-----",
        "it.skip(",
        "@tcp(",
        "password=\"a\\",
        "Server=;Password=",
        "${password:-",
        "AKIA",
        "api_key=\"aZ1",
        "name: password\n",
    ] {
        // Text of this length ends a test only if the time is in proportion to it.
        let text = unit.repeat(400_000 / unit.len());
        for path in ["tests/a.test.ts", "config/a.yaml"] {
            let facts = scan(path, &text);
            assert!(spans(&facts).iter().all(|s| text.get(s.range()).is_some()), "{unit}");
        }
    }
}

fn spans(facts: &Facts) -> Vec<crate::text::Span> {
    let mut all: Vec<_> = facts.credentials.iter().map(|c| c.place).collect();
    all.extend(facts.env_reads.iter().map(|f| f.place));
    all.extend(facts.test_marks.iter().map(|f| f.place));
    all.extend(facts.allows.iter().flat_map(|f| [f.place, f.covers]));
    all.extend(facts.allows.iter().flat_map(|f| f.rules.iter().map(|r| r.span)));
    all.extend(facts.credentials.iter().filter_map(|c| c.target.as_ref()).map(|t| t.place));
    all
}

proptest::proptest! {
    #[test]
    fn spans_lie_on_character_boundaries(
        parts in proptest::collection::vec(
            proptest::prop_oneof![
                proptest::sample::select(vec![
                    "password", "token", "=", ": ", "\"", "'", "://", "@", ":", "é", "😀", "\n", "\r\n", " ", "\\", "${", "}",
                    "plimsoll: allow[", "]", "#", "// ", "it.skip(", "process.env.", "ENV[", "PORT", "-----BEGIN RSA PRIVATE KEY-----",
                    "eyJ", "ghp_", "AKIA", "@tcp(", "value", "name=", "<", ">", "a1B2c3D4", "Server=", ";", "&", "||", ",", "(", ")", "env",
                ]).prop_map(str::to_owned),
                "\\PC{0,6}",
            ],
            0..40,
        ),
        path in proptest::sample::select(vec![
            "a.test.ts", "a.py", "config.yaml", ".env", "Dockerfile", ".github/workflows/a.yml", "x.md", "x.rs", "tests/a_test.go", "é",
        ]),
    ) {
        let text: String = parts.concat();
        for span in spans(&scan(path, &text)) {
            proptest::prop_assert!(text.get(span.range()).is_some());
        }
    }
}
use proptest::strategy::Strategy as _;

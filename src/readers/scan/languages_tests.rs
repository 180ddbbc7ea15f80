//! Generic credentials in programming languages. `§` is a password, `¤` a random token; in a bad row exactly these are
//! found, in a good row nothing is.

use super::tests::{RANDOM, scan};

pub(super) const PASSWORD: &str = concat!("Tr0ub", "4dor9");

pub(super) fn hold(path: &str, bad: &[&str], good: &[&str]) {
    let mut wrong = Vec::new();
    for row in bad {
        let marks = row.chars().filter(|c| matches!(c, '§' | '¤'));
        let expected: Vec<&str> = marks.map(|c| if c == '§' { PASSWORD } else { RANDOM }).collect();
        assert!(!expected.is_empty(), "{row}: a bad row marks its credential");
        let found = found(path, row);
        if found != expected {
            wrong.push(format!("not as marked, but {found:?}: {row}"));
        }
    }
    for row in good {
        let found = found(path, row);
        if !found.is_empty() {
            wrong.push(format!("harmless, but {found:?}: {row}"));
        }
    }
    assert!(wrong.is_empty(), "{path}:\n{}", wrong.join("\n"));
}

fn found(path: &str, row: &str) -> Vec<String> {
    let text = row.replace('§', PASSWORD).replace('¤', RANDOM);
    scan(path, &text).credentials.into_iter().map(|c| c.value.expose().to_owned()).collect()
}

#[test]
fn python() {
    hold(
        "app/a.py",
        &[
            "password = \"§\"",
            "PASSWORD: Final[str] = '§'",
            "self.db_password = \"§\"",
            "connect(host='h', user='u', password=\"§\")",
            "conf = {'password': '§', 'a': 1}",
            "conn = mysql.connector.connect(\"h\", \"app\", \"§\")",
            "smtp.login('a@corp.io', '§')",
            "headers = {\"Authorization\": \"Bearer ¤\"}",
            "headers['X-Api-Key'] = '¤'",
            "password = (\n    \"§\"\n)",
            "requests.get(url, auth=('svc', '§'))",
            "os.environ['DB_PASSWORD'] = '§'",
            "def connect(user, password='§'):",
            "r = redis.Redis(host='r', port=6379, password='§')",
            "create_engine('postgresql://app:§@db.corp.io/x')",
            "token = \"\"\"\n¤\n\"\"\"",
            "password = b'§'",
            "psycopg2.connect('dbname=x user=app password=§ host=db')",
            "db_password = SecretStr('§')",
            "if (password := \"§\"):",
        ],
        &[
            "password = getpass('Password: ')",
            "assert password == '§'",
            "password = models.CharField(max_length=128)",
            "parser.add_argument('--password', help='The password1')",
            "pattern = re.compile(r'password=(\\S+)1')",
            "password = f'{prefix}-{secret}1'",
            "log.info('password=%s1', user)",
            "password_hash = '$2b$12$§'",
            "token_type = 'bearer2'",
            "raise ValueError('password: must have 8 characters')",
            "PASSWORD_VALIDATORS = ['a.b.MinimumLength8']",
            "password = request.form['password1']",
            "secret_name = 'prod/shop/db1'",
            "fields = ('username', 'password1', 'password2')",
            "token = 'csrfmiddlewaretoken'",
            "api_key = settings.API_KEYS['v2']",
            "PASSWORD_RESET_URL = '/accounts/reset/1'",
            "password = 'pre' + suffix",
            "event.connect('a', 'b', handler)",
            "password = '{password1}'.format(**x)",
        ],
    );
}

#[test]
fn javascript_and_typescript() {
    hold(
        "web/a.ts",
        &[
            "const password = '§';",
            "const password: string = \"§\";",
            "export const db = { user: 'app', password: '§' };",
            "new Sequelize('db', 'root', '§');",
            "fetch(u, { headers: { 'X-Api-Key': '¤' } })",
            "axios.defaults.headers.common['Authorization'] = 'Bearer ¤';",
            "process.env.DB_PASSWORD = '§';",
            "mysql.createConnection({ host: 'h', password: `§` })",
            "const token =\n  '¤';",
            "mongoose.connect('mongodb://app:§@db.corp.io/x')",
            "private readonly apiKey = '¤';",
            "client.set('api_key', '¤')",
            "this.password ||= '§'",
            "jwt.sign(data, { secret: '¤' })",
        ],
        &[
            "interface A { password: string; token?: Token1 }",
            "const schema = { password: Joi.string().min(8) };",
            "if (password === '§') {}",
            "<input type=\"password\" name=\"password1\" />",
            "document.querySelector('#password1')",
            "const password = document.getElementById('password1').value;",
            "t('form.password.min8')",
            "errors.password = 'At least 8 characters';",
            "pub(super) const PASSWORD_REGEX = /^(?=.*\\d)[A-Za-z\\d]{8,}$/;",
            "enum Field { Password = 'PASSWORD' }",
            "export const FORGOT_PASSWORD_PATH = '/forgot-password/1';",
            "const token = `${prefix}-1`;",
            "type Kind = 'password1' | 'token1';",
            "setPassword('');",
            "const passwordInput = 'input[name=password1]';",
            "const token = localStorage.getItem('token1');",
            "apiKey: 'phc_¤',",
            "const secretArn = 'arn:aws:secretsmanager:eu-west-1:1:secret:x1';",
        ],
    );
}

#[test]
fn java_and_kotlin() {
    hold(
        "src/main/java/A.java",
        &[
            "private static final String PASSWORD = \"§\";",
            "DriverManager.getConnection(url, \"app\", \"§\");",
            "config.setPassword(\"§\");",
            "props.put(\"password\", \"§\");",
            "builder.username(\"app\").password(\"§\").build();",
            "new PasswordAuthentication(\"app\", \"§\".toCharArray());",
            "char[] password = \"§\".toCharArray();",
            "request.setHeader(\"X-Api-Key\", \"¤\");",
            "String url = \"jdbc:mysql://db.corp.io/x?user=app&password=§\";",
            "System.setProperty(\"javax.net.ssl.keyStorePassword\", \"§\");",
        ],
        &[
            "String password = rs.getString(\"password1\");",
            "@Column(name = \"password1\") private String password;",
            "public static final String PASSWORD = \"password\";",
            "if (\"§\".equals(password)) {}",
            "private String password;",
            "String password = request.getParameter(\"password1\");",
            "log.info(\"password={}1\", x);",
            "throw new Bad(\"password: at least 8\");",
            "String token = UUID.randomUUID().toString();",
            "user.setPassword(encoder.encode(raw));",
            "getPassword(\"shop1\");",
        ],
    );
    hold(
        "src/main/kotlin/A.kt",
        &[
            "val password = \"§\"",
            "private const val API_KEY: String = \"¤\"",
            "mapOf(\"password\" to \"§\")",
            "connect(user = \"app\", password = \"§\")",
            "dataSource.password = \"§\"",
            "var token: String? = \"¤\"",
        ],
        &[
            "val password: String",
            "var password by remember { mutableStateOf(\"\") }",
            "val password = \"$prefix-1\"",
            "val password = arguments?.getString(\"password1\")",
            "const val KEY_PASSWORD = \"key_password\"",
            "when (kind) { \"password\" -> \"Kennwort1\" }",
        ],
    );
}

#[test]
fn c_sharp() {
    hold(
        "src/A.cs",
        &[
            "private const string Password = \"§\";",
            "public string Password { get; set; } = \"§\";",
            "new SqlConnection(\"Server=db;User Id=sa;Password=§;\");",
            "client.Credentials = new NetworkCredential(\"app\", \"§\");",
            "client.DefaultRequestHeaders.Add(\"X-Api-Key\", \"¤\");",
            "options.Password = @\"§\";",
            "[\"Smtp:Password\"] = \"§\",",
        ],
        &[
            "public string Password { get; set; } = string.Empty;",
            "[Display(Name = \"New password1\")]",
            "var password = configuration[\"Db:Password1\"];",
            "string Password => _options.Password;",
            "if (password != \"§\") return;",
            "[Compare(\"Password\", ErrorMessage = \"The passwords1 differ\")]",
            "nameof(Password)",
            "var password = $\"{prefix}1\";",
        ],
    );
}

#[test]
fn go() {
    hold(
        "cmd/a.go",
        &[
            "password := \"§\"",
            "var password string = \"§\"",
            "const dbPassword = `§`",
            "cfg := Config{Password: \"§\", User: \"app\"}",
            "m := map[string]string{\"password\": \"§\"}",
            "req.SetBasicAuth(\"app\", \"§\")",
            "os.Setenv(\"DB_PASSWORD\", \"§\")",
            "dsn := \"app:§@tcp(db:3306)/x\"",
            "req.Header.Set(\"X-Api-Key\", \"¤\")",
            "secret := []byte(\"¤\")",
        ],
        &[
            "password := os.Getenv(\"DB_PASSWORD1\")",
            "Password string `json:\"password1\"`",
            "if password == \"§\" {",
            "case \"password\": kind = 1",
            "password := r.FormValue(\"password1\")",
            "fmt.Sprintf(\"password=%s1\", p)",
            "const passwordKey = \"spec.password1.name\"",
            "cmd.Flags().StringVar(&password, \"password\", \"\", \"password of user 1\")",
        ],
    );
}

#[test]
fn ruby() {
    hold(
        "app/a.rb",
        &[
            "password = '§'",
            "config.password = \"§\"",
            "User.create!(email: 'a@b.io', password: '§')",
            "{ :password => '§' }",
            "ENV['DB_PASSWORD'] = '§'",
            "http_basic_authenticate_with name: 'app', password: '§'",
            "request['X-Api-Key'] = '¤'",
            "PASSWORD = '§'.freeze",
        ],
        &[
            "password = params[:password1]",
            "validates :password, length: { minimum: 8 }",
            "t.string :password_digest1",
            "password = ENV['DB_PASSWORD1']",
            "fill_in 'Password', with: x",
            "password = \"#{a}1\"",
            "attr_accessor :password",
            "flash[:error] = 'password: wrong 1'",
        ],
    );
}

#[test]
fn php() {
    hold(
        "app/a.php",
        &[
            "$password = '§';",
            "'password' => '§',",
            "define('DB_PASSWORD', '§');",
            "pub(super) const PASSWORD = '§';",
            "new PDO($dsn, 'app', '§');",
            "mysqli_connect('h', 'app', '§');",
            "$config['db']['password'] = '§';",
            "$this->password = '§';",
        ],
        &[
            "'password' => 'required|string|max:255',",
            "$password = $_POST['password1'];",
            "'password' => env('DB_PASSWORD'),",
            "if ($password === '§') {}",
            "'password' => bcrypt($x1),",
            "$table->string('password1');",
            "public string $password;",
            "protected $hidden = ['password1', 'token1'];",
            "'password' => ['required', 'min:8'],",
        ],
    );
}

#[test]
fn rust_swift_and_scala() {
    hold(
        "src/a.rs",
        &[
            "pub(super) const PASSWORD: &str = \"§\";",
            "let password = String::from(\"§\");",
            "let password = \"§\".to_string();",
            "Config { password: \"§\".into(), port: 1 }",
            "builder.password(\"§\")",
            "opts.with_password(\"§\")",
        ],
        &[
            "let password = env::var(\"DB_PASSWORD1\")?;",
            "password: String,",
            "if password == \"§\" {",
            "\"password\" => Kind::Password1,",
            "let password = format!(\"{a}1\");",
            "Token::Password1 => \"password\",",
            "#[arg(long = \"password\", help = \"of user 1\")]",
        ],
    );
    hold(
        "App/A.swift",
        &[
            "let password = \"§\"",
            "static let apiKey: String = \"¤\"",
            "login(user: \"app\", password: \"§\")",
            "let token = \"¤\"",
            "config[\"password\"] = \"§\"",
            "URLCredential(user: \"a\", password: \"§\", persistence: .none)",
        ],
        &[
            "@State private var password = \"\"",
            "let password: String",
            "TextField(\"password\", text: $password1)",
            "case password = \"password1_field\".x",
            "let password = \"\\(prefix)1\"",
            "guard password == \"§\" else { return }",
        ],
    );
    hold(
        "src/A.scala",
        &[
            "val password = \"§\"",
            "val password: String = \"§\"",
            "Map(\"password\" -> \"§\")",
            "connect(user = \"app\", password = \"§\")",
            "DriverManager.getConnection(url, \"app\", \"§\")",
            "val apiKey = Some(\"¤\")",
        ],
        &[
            "val password = config.getString(\"db.password1\")",
            "case class User(password: String)",
            "val password = s\"$a-1\"",
            "if (password == \"§\") x",
            "val tokenParser = \"a1\"",
            "def password: String",
        ],
    );
}

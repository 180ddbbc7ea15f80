//! Generic credentials in the syntaxes that people write. `§` is a password, `¤` a random token; in a bad
//! row exactly these are found, in a good row nothing is.

use super::tests::{RANDOM, scan};

const PASSWORD: &str = concat!("Tr0ub", "4dor9");

fn hold(path: &str, bad: &[&str], good: &[&str]) {
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
            "const PASSWORD_REGEX = /^(?=.*\\d)[A-Za-z\\d]{8,}$/;",
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
            "const PASSWORD = '§';",
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
            "const PASSWORD: &str = \"§\";",
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

#[test]
fn shell() {
    hold(
        "deploy.sh",
        &[
            "PASSWORD=§",
            "export DB_PASSWORD='§'",
            "PGPASSWORD=§ psql -h db",
            "curl -u app:§ https://x.io",
            "mysql -uroot -p§ db",
            "mysql --password=§ db",
            "tool --password § run",
            "kubectl create secret generic x --from-literal=password=§",
            "curl -H \"X-Api-Key: ¤\" https://x.io",
            "docker login -u app -p § registry.corp.io",
            "sshpass -p '§' ssh host",
            "docker run -e POSTGRES_PASSWORD=§ x",
            "psql -c \"ALTER ROLE app PASSWORD '§'\"",
            "redis-cli -a § ping",
            "java -Dspring.datasource.password=§ -jar a.jar",
        ],
        &[
            "PASSWORD=\"$1\"",
            "PASSWORD=$(cat /run/secrets/db1)",
            "read -s -p 'Password1: ' PASSWORD",
            "curl -u \"$USER:$PASSWORD\" https://x.io",
            "mysql -u root -p db1",
            "tool --password-file /run/secrets/db1",
            "if [ \"$PASSWORD\" = \"§\" ]; then",
            "docker login --password-stdin <p1",
            "TOKEN=`get-token 1`",
            "export PASSWORD",
            "echo $PASSWORD1",
            "PASSWORD=%DB_PASSWORD1%",
            "kubectl get secret db-password1",
        ],
    );
    hold(
        "deploy.ps1",
        &[
            "$password = \"§\"",
            "$secure = ConvertTo-SecureString \"§\" -AsPlainText -Force",
            "$env:DB_PASSWORD = '§'",
            "New-Thing -User app -Password '§'",
            "@{ Password = '§' }",
            "$headers = @{ 'X-Api-Key' = '¤' }",
        ],
        &[
            "$password = $env:DB_PASSWORD1",
            "$password = Read-Host -AsSecureString 'Password1'",
            "[string]$Password,",
            "ConvertTo-SecureString $plain1 -AsPlainText -Force",
            "if ($password -eq '§') {}",
            "New-Thing -Password $password1",
        ],
    );
}

#[test]
fn sql() {
    hold(
        "db/a.sql",
        &[
            "CREATE USER app IDENTIFIED BY '§';",
            "CREATE USER 'app'@'%' IDENTIFIED WITH mysql_native_password BY '§';",
            "ALTER ROLE app WITH PASSWORD '§';",
            "CREATE ROLE app LOGIN\n  PASSWORD '§';",
            "CREATE LOGIN app WITH PASSWORD = '§';",
            "DECLARE @password NVARCHAR(50) = '§';",
            "SET PASSWORD FOR 'app'@'h' = PASSWORD('§');",
        ],
        &[
            "SELECT password FROM users WHERE id = '1';",
            "CREATE TABLE users (password VARCHAR(64));",
            "ALTER ROLE app PASSWORD :'password1';",
            "COMMENT ON COLUMN users.password IS 'hash 1';",
            "UPDATE users SET password = $1;",
            "CREATE USER app IDENTIFIED BY '${password1}';",
            "-- CREATE USER app IDENTIFIED BY 'word'",
        ],
    );
}

#[test]
fn configuration() {
    for path in ["deploy/a.yaml", "config/a.yaml"] {
        hold(
            path,
            &[
                "password: §\n",
                "password: \"§\" # note\n",
                "password: |\n  §\nother: x\n",
                "a:\n  password: >-\n    §\n",
                "db: { user: app, password: §, port: 1 }\n",
                "env:\n- name: DB_PASSWORD\n  value: §\n",
                "url: Server=db;User Id=sa;Password=§;\n",
                "password:\n  \"§\"\n",
                "pass: \"{{ .Values.password | default \\\"a\\\" }}\"\ntoken: ¤\n",
            ],
            &[
                "password: ${DB_PASSWORD}\n",
                "password: |\n  many words that explain it 1\n",
                "password: |\n  line1\n  line2\n",
                "password:\n  secretKeyRef: {name: a, key: b1}\n",
                "password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  613262\n",
                "password: !Ref DbPassword1\n",
                "password: '{{resolve:secretsmanager:db1:SecretString:password}}'\n",
                "password: '{cipher}¤'\n",
                "password: ENC[AES256_GCM,data:1]\n",
                "password: <%= ENV['P1'] %>\n",
                "password: op://shop/db/password1\n",
                "password: $(DB_PASSWORD1)\n",
                "password: '%env(DB_PASSWORD1)%'\n",
                "apiVersion: external-secrets.io/v1\ndata:\n- secretKey: github_app_id\n  remoteRef:\n    key: x\n",
                "passwordSecretName: shop-db-1\n",
                "token: ssm:/shop/token1\n",
                "secret: projects/1/secrets/x1\n",
            ],
        );
    }
    hold(
        "config/a.json",
        &["{\"password\": \"§\"}", "{\"password\":\n  \"§\"}", "{\"adminPassword\": {\"value\": \"§\"}}"],
        &[
            "{\"password\": {\"type\": \"string\"}}",
            "{\"a\": \"rs.getString(\\\"password\\\");\"}",
            "{\"cve\": \"lib/a.js:9:hardcoded_jwt_secret:CWE-798\"}",
            "{\"m\": \"send:password:completion1:timeOut:\"}",
            "{\"s\": \"\\\"btnPwd\\\" : \\\"aktiv\\u00e1l\\u00e1s\\\"\"}",
            "{\"password\": \"ប្រើពាក្យសម្ងាត់\"}",
        ],
    );
    hold(
        "a.xml",
        &[
            "<password>§</password>",
            "<property name=\"password\" value=\"§\"/>",
            "<entry key=\"password\">§</entry>",
            "<property name=\"password\"><value>§</value></property>",
            "<dict><key>password</key><string>§</string></dict>",
            "<add name=\"Main\" connectionString=\"Server=db;User Id=sa;Password=§;\"/>",
        ],
        &[
            "<Snippet>String res_pwd = rs.getString(&quot;password&quot;);</Snippet>",
            "<Snippet>String res_pwd = rs.getString(\"password1\");</Snippet>",
            "<password>${db.password1}</password>",
            "<q>name=&amp;password=&amp;--begin1--</q>",
            "<xs:element name=\"password\" type=\"xs:string1\"/>",
            "<string name=\"password\">Passwort</string>",
        ],
    );
    hold(
        "main.tf",
        &[
            "resource \"a\" \"b\" {\n  password = \"§\"\n}",
            "variable \"db_password\" {\n  type = string\n  default = \"§\"\n}",
            "locals { password = \"§\" }",
        ],
        &[
            "password = var.db_password1",
            "password = data.aws_secretsmanager_secret_version.x1.secret_string",
            "variable \"db_password\" {\n  type = string\n  sensitive = true\n}",
            "password = file(\"p1.txt\")",
            "password = random_password.db1.result",
            "password = \"${var.p1}\"",
        ],
    );
    hold(
        "settings.toml",
        &["password = '''\n§\n'''\n", "password = \"§\"\n"],
        &["password = \"\"\"\nmany words 1\n\"\"\"\n"],
    );
    hold(
        "build.gradle",
        &["storePassword '§'", "storePassword = \"§\""],
        &["storePassword System.getenv('P1')"],
    );
    hold(
        "src/config.h",
        &["#define WIFI_PASSWORD \"§\"", "char *password = \"§\";", "const char password[] = \"§\";"],
        &["#define PASSWORD_LENGTH 12"],
    );
    hold(
        "Dockerfile",
        &["ENV DB_PASSWORD=§", "ENV DB_PASSWORD §", "ARG NPM_TOKEN=¤", "ENV A=1 \\\n    DB_PASSWORD=§"],
        &["ENV DB_PASSWORD=$X1", "ARG DB_PASSWORD", "ENV DB_PASSWORD_FILE=/run/secrets/db1"],
    );
}

#[test]
fn what_a_lookup_falls_back_on_is_said() {
    for (path, text) in [
        ("a.ts", "const p = process.env.DB_PASSWORD || '§';"),
        ("a.ts", "const p = process.env.DB_PASSWORD ?? \"§\";"),
        ("a.ts", "const { DB_PASSWORD = '§' } = process.env;"),
        ("a.ts", "const {\n  DB_PASSWORD = '§',\n  PORT,\n} = process.env;"),
        ("a.py", "P = os.getenv('DB_PASSWORD', '§')"),
        ("a.py", "P = os.environ.get('DB_PASSWORD', '§')"),
        ("a.py", "os.environ.setdefault('DB_PASSWORD', '§')"),
        ("a.py", "P = config('DB_PASSWORD', default='§')"),
        ("a.py", "P = env.str('DB_PASSWORD', default='§')"),
        ("a.py", "P = os.getenv('DB_PASSWORD') or '§'"),
        ("a.rb", "p = ENV.fetch('DB_PASSWORD', '§')"),
        ("a.rb", "p = ENV.fetch('DB_PASSWORD') { '§' }"),
        ("a.rb", "p = ENV['DB_PASSWORD'] || '§'"),
        ("a.sh", "P=${DB_PASSWORD:-§}"),
        ("a.sh", ": \"${DB_PASSWORD:=§}\""),
        ("A.java", "System.getenv().getOrDefault(\"DB_PASSWORD\", \"§\");"),
        ("A.java", "@Value(\"${db.password:§}\") String p;"),
        ("A.kt", "val p = System.getenv(\"DB_PASSWORD\") ?: \"§\""),
        ("A.cs", "var p = Environment.GetEnvironmentVariable(\"DB_PASSWORD\") ?? \"§\";"),
        ("a.go", "viper.SetDefault(\"db.password\", \"§\")"),
        ("a.go", "p := getEnv(\"DB_PASSWORD\", \"§\")"),
        ("a.php", "'x' => env('DB_PASSWORD', '§'),"),
        ("a.php", "$p = getenv('DB_PASSWORD') ?: '§';"),
        ("a.rs", "let p = env::var(\"DB_PASSWORD\").unwrap_or(\"§\".into());"),
        ("a.rs", "let p = env::var(\"DB_PASSWORD\").unwrap_or_else(|_| \"§\".to_string());"),
        ("A.scala", "sys.env.getOrElse(\"DB_PASSWORD\", \"§\")"),
        ("A.swift", "let p = ProcessInfo.processInfo.environment[\"DB_PASSWORD\"] ?? \"§\""),
        ("a.exs", "password: System.get_env(\"DB_PASSWORD\") || \"§\""),
        ("compose.yaml", "x: ${DB_PASSWORD:-§}\n"),
        ("t.yaml", "Parameters:\n  DbPassword:\n    Type: String\n    Default: §\n"),
        ("chart/t.yaml", "p: {{ .Values.password | default \"§\" }}\n"),
        ("v.tf", "variable \"db_password\" {\n  default = \"§\"\n}"),
    ] {
        let text = text.replace('§', PASSWORD);
        let all = scan(path, &text).credentials;
        let told: Vec<_> = all.iter().map(|c| (c.value.expose(), c.fallback)).collect();
        assert_eq!(told, [(PASSWORD, true)], "{path}: {text}");
    }
    for (path, text) in [
        ("a.go", "os.Setenv(\"DB_PASSWORD\", \"§\")"),
        ("a.py", "os.environ['DB_PASSWORD'] = '§'"),
        ("a.ts", "const { password = '§' } = options;"),
    ] {
        let text = text.replace('§', PASSWORD);
        let all = scan(path, &text).credentials;
        assert!(all.len() == 1 && !all[0].fallback, "{path}: {text}");
    }
}

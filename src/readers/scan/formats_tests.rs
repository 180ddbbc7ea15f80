//! Generic credentials in shells, SQL and configuration, and what a look-up falls back on, in the marks of
//! `languages_tests`.

use super::languages_tests::{PASSWORD, hold};
use super::tests::scan;

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

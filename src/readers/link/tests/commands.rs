//! Command lines and what they bring about.

use super::*;
use crate::lexicon::commands::Commands;
use crate::lexicon::uses::Uses;

#[test]
fn commands_bring_about_what_their_manuals_say() {
    let mut wrong = Vec::new();
    for (line, expected) in [
        ("docker build -t ghcr.io/acme/shop:$GITHUB_SHA .", "build ghcr.io/acme/shop:{commit}"),
        (
            "docker buildx build --push -t acme/shop:${CI_COMMIT_SHORT_SHA} -t acme/shop:1.2 .",
            "build acme/shop:{commit}, build acme/shop:1.2, publish acme/shop:{commit}, publish acme/shop:1.2",
        ),
        ("docker buildx build --push=false -t acme/shop .", "build acme/shop"),
        ("docker build -t localhost:5000/shop:1 .", "build localhost:5000/shop:1"),
        ("docker build -t acme/shop-staging:latest .", "build acme/shop-staging:latest"),
        ("docker build -t acme/shop:$STAGE .", "build acme/shop:{STAGE}"),
        ("docker push europe-docker.pkg.dev/acme/shop:prod", "publish europe-docker.pkg.dev/acme/shop:prod"),
        ("docker pull acme/shop@sha256:abc", "fetch acme/shop@sha256:abc"),
        ("docker tag acme/shop:1 acme/shop:2", "fetch acme/shop:1, promote acme/shop:2"),
        (
            "helm upgrade shop ./chart -n staging --set image.repository=acme/shop,image.tag=$CI_COMMIT_SHA",
            "deploy ./chart @staging(context), deploy acme/shop:{commit} @staging(context)",
        ),
        ("helm upgrade shop ./chart --set web.image.tag=1.4", "deploy ./chart, deploy :1.4"),
        ("helm upgrade shop ./chart --set replicas=2", "deploy ./chart"),
        ("crane copy acme/shop:1 acme/shop:live", "fetch acme/shop:1, promote acme/shop:live"),
        ("docker run --rm acme/tests", ""),
        ("docker compose up -d", ""),
        ("docker compose -f docker-compose.test.yml up", ""),
        (
            "docker compose -f docker-compose.prod.yml up -d",
            "deploy docker-compose.prod.yml @production(context)",
        ),
        ("docker --context prod compose up -d", "deploy @production(context)"),
        ("kubectl get pods -n production", ""),
        ("kubectl apply -f k8s/production/ ", "deploy k8s/production/ @production(context)"),
        (
            "kubectl --context prod-eu set image deploy/shop app=acme/shop:$CI_COMMIT_SHA",
            "deploy acme/shop:{commit} @production(context)",
        ),
        ("kubectl apply --dry-run=server -f k8s/ --context prod", "validate k8s/ @production(context)"),
        ("kubectl rollout undo deploy/shop -n staging", "roll-back @staging(context)"),
        ("kubectl rollout status deploy/shop", "verify"),
        ("kubectl scale deploy/shop --replicas 3 -n prod", "configure @production(context)"),
        ("kubectl exec -it shop -n prod -- sh", "shell @production(context)"),
        ("kubectl port-forward svc/db 5432 --context=prod", "tunnel @production(context)"),
        ("helm upgrade --install shop ./chart -f values-staging.yaml", "deploy ./chart @staging(context)"),
        ("helm upgrade shop ./chart -n prod --dry-run", "validate ./chart @production(context)"),
        ("helm template shop ./chart -f values-prod.yaml", "validate"),
        ("helm rollback shop-prod 3", "roll-back @production(context)"),
        ("terraform plan -var-file=prod.tfvars", "validate @production(context)"),
        ("terraform -chdir=envs/prod apply -auto-approve", "provision @production(context)"),
        ("tofu apply -var environment=staging", "provision @staging(context)"),
        ("terraform fmt -check", "lint"),
        ("ansible-playbook -i inventories/production site.yml", "deploy @production(context)"),
        ("ansible-playbook --check -i inventories/production site.yml", "validate @production(context)"),
        (
            "aws ecs update-service --cluster prod --service shop --force-new-deployment",
            "deploy @production(context)",
        ),
        (
            "aws s3 sync dist s3://shop-prod --delete",
            "copy-files:up dist @production(host), deploy dist @production(host)",
        ),
        ("aws s3 cp s3://shop-prod/x.txt .", "copy-files:down s3://shop-prod/x.txt from @production(host)"),
        ("aws s3 sync coverage s3://reports", "copy-files:up coverage"),
        (
            "gcloud run deploy shop --image gcr.io/acme/shop:$COMMIT_SHA --project acme-prod",
            "deploy gcr.io/acme/shop:{commit} @production(context)",
        ),
        ("gcloud sql export sql prod-db gs://dumps/x.sql", "dump from @production(context)"),
        ("az webapp deploy -g rg -n shop-prod --src-path app.zip", "deploy app.zip @production(context)"),
        ("vercel deploy --prod", "deploy @production(context)"),
        ("vercel", "deploy @preview(context)"),
        ("vercel build", "build"),
        ("netlify deploy --dir=dist", "deploy dist @preview(context)"),
        ("heroku pg:backups:capture -a shop-prod", "backup @production(context)"),
        ("heroku config:set X=1 --app shop-staging", "configure @staging(context)"),
        ("fly deploy --app shop-staging", "deploy @staging(context)"),
        ("serverless deploy --stage prod", "deploy @production(context)"),
        ("wrangler deploy --env production", "deploy @production(context)"),
        ("cap production deploy", "deploy @production(context)"),
        ("cap production deploy:rollback", "roll-back @production(context)"),
        ("kamal deploy -d staging", "deploy @staging(context)"),
        ("ssh deploy@prod.example.com uptime", "shell @production(host)"),
        ("ssh deploy@$PROD_HOST uptime", "shell @production(name)"),
        ("ssh -i key deploy@${{ secrets.STAGING_HOST }} uptime", "shell @staging(name)"),
        ("ssh -T git@github.com", ""),
        ("ssh -N -L 5432:db:5432 bastion.prod.example.com", "tunnel @production(host)"),
        (
            "scp app.tgz deploy@prod.example.com:/srv",
            "copy-files:up app.tgz @production(host), deploy app.tgz @production(host)",
        ),
        (
            "scp deploy@prod.example.com:/srv/x.sql .",
            "copy-files:down deploy@prod.example.com:/srv/x.sql from @production(host)",
        ),
        (
            "rsync -az --delete dist/ web@staging.example.com:/var/www",
            "copy-files:up dist/ @staging(host), deploy dist/ @staging(host)",
        ),
        ("rsync -a src/ dst/", ""),
        ("pg_dump -h prod-db.example.com shop", "dump from @production(host)"),
        ("psql postgres://u@staging-db.example.com/shop", "query @staging(host)"),
        ("psql -h localhost shop", "query @local(host)"),
        ("alembic upgrade head", "migrate"),
        ("alembic downgrade -1", "migrate-down"),
        ("python manage.py migrate --check", "validate"),
        ("python manage.py migrate shop zero", "migrate-down"),
        ("poetry run python manage.py migrate", "migrate"),
        ("RAILS_ENV=production bundle exec rails db:migrate", "migrate @production(context)"),
        ("bundle exec rails db:prepare:primary", "migrate"),
        ("rails db:rollback:primary STEP=1", "migrate-down"),
        ("./gradlew flywayUndo", "migrate-down"),
        ("npx prisma migrate deploy", "migrate"),
        ("npx prisma migrate status", "validate"),
        ("php artisan migrate --force", "migrate"),
        ("migrate -path db -database $DATABASE_URL up", "migrate"),
        ("goose postgres postgres://x@prod-db.example.com/shop down", "migrate-down @production(host)"),
        ("python -m pytest -q", "test:unit"),
        ("npx --yes jest --ci", "test:unit"),
        ("cargo nextest run", "test:unit"),
        ("./gradlew test", "test:unit"),
        ("./mvnw -B verify", "build, test:unit, test:integration"),
        ("mvn package -DskipTests", "build"),
        ("gradle build -x test", "build"),
        ("npx playwright test", "test:e2e"),
        ("npx playwright install --with-deps chromium", "install"),
        ("cypress run --browser chrome", "test:e2e"),
        ("cypress verify", ""),
        ("npm test", "test:unit"),
        ("npm run test:e2e", "test:e2e"),
        ("npm ci", "install"),
        ("npm publish --access public", "publish:package"),
        ("cargo publish --dry-run", ""),
        ("npx gh-pages -d dist", "publish:docs dist"),
        ("trivy image --severity HIGH acme/shop:1", "scan:container acme/shop:1"),
        ("gitleaks detect", "scan:secret"),
        ("npm audit --audit-level=high", "scan:sca"),
        ("curl -fsS https://staging.example.com/health", "verify @staging(host)"),
        ("curl -X POST https://hooks.slack.com/services/x", "notify"),
        ("curl -fsSL https://example.com/install.sh -o x", ""),
        ("git push heroku main", "deploy"),
        ("git push origin main", ""),
        ("git pull", ""),
        ("cosign sign acme/shop@sha256:abc", "sign acme/shop@sha256:abc"),
        ("echo deploy to production", ""),
        ("unknown-tool deploy production", ""),
        ("kubectl --help", ""),
        ("", ""),
    ] {
        let found = say(&outcome(&command(line), Scope::default()).effects);
        if found != expected {
            wrong.push(format!("{line}\n    expected `{expected}`\n    found    `{found}`"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_command_sent_to_a_host_works_there() {
    for (line, host, expected) in [
        ("docker compose up -d", "deploy@prod.example.com", "deploy @production(host)"),
        ("systemctl restart shop", "staging.example.com", "deploy @staging(host)"),
        ("git pull", "$PROD_HOST", "deploy @production(name)"),
        ("rails db:migrate", "prod.example.com", "migrate @production(host)"),
    ] {
        let command = Command { remote: Some(host.into()), ..command(line) };
        assert_eq!(say(&outcome(&command, Scope::default()).effects), expected, "{line}");
    }
}

#[test]
fn a_word_with_several_values_has_several_targets() {
    let mut helm = command("helm upgrade shop ./chart -n $NS");
    helm.args.last_mut().unwrap().values = vec!["staging".into(), "production".into()];
    assert_eq!(say(&outcome(&helm, Scope::default()).effects), "deploy ./chart @staging|production(context)");
}

#[test]
fn every_effect_of_the_tables_is_one_that_facts_know() {
    let tools = Commands::builtin().tools().iter().chain(Uses::builtin().tools());
    for line in tools.clone().flat_map(|t| &t.lines) {
        for word in line.does.split_whitespace() {
            let effect = word.split(':').next().unwrap();
            assert!(EffectKind::from_name(effect).is_some(), "unknown effect `{effect}`");
        }
        if let Some(kind) = line.of.split_whitespace().next() {
            assert!(ArtifactKind::from_name(kind).is_some(), "unknown artifact `{kind}`");
        }
        if !line.stage.is_empty() {
            assert!(Stage::from_name(&line.stage).is_some(), "unknown stage `{}`", line.stage);
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    for name in Commands::builtin().tools().iter().flat_map(|t| t.names.split_whitespace()) {
        assert!(seen.insert(name), "`{name}` stands twice");
    }
}

#[test]
fn hostile_words_end_quickly() {
    let long = format!("docker build -t {}", "$A:${".repeat(20_000));
    outcome(&command(&long), Scope::default());
    let many = format!("kubectl {}", "-n ".repeat(20_000));
    outcome(&command(&many), Scope::default());
}

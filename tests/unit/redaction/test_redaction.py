"""What is a secret and what is not. The secrets are put together here, so no scanner finds one."""

from __future__ import annotations

from time import process_time

import pytest

from shared.domain.redaction import redact

LETTERS = "aB3dE6gH9jK2mN5pQ8rS1tU4vW7xY0zA3bC6dE9fG2hJ5kL8mN1pQ4rS7tU0vW3xY6"
HEX = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
KEY_BODY = "MIIEpAIBAAKCAQEA7bq1" * 4


def begin(kind: str) -> str:
    return f"-----BEGIN {kind}-----"


SECRETS = [
    ("aws-access-key", "AKIA" + "Q3EGRZ5XBD2JV7PL"),
    ("aws-secret-key", f"aws_secret_access_key = {LETTERS[:40]}"),
    ("aws-secret-key", f'"SecretAccessKey": "{LETTERS[:40]}"'),
    ("github-token", "ghp_" + LETTERS[:36]),
    ("github-token", "github_pat_" + LETTERS[:22] + "_" + LETTERS[:40]),
    ("gitlab-token", "glpat-" + LETTERS[:20]),
    ("slack-token", "xoxb-" + "1234567890-" + LETTERS[:24]),
    ("slack-webhook", "https://hooks.slack.com/services/" + "T01234567/B01234567/" + LETTERS[:24]),
    ("google-api-key", "AIza" + LETTERS[:35]),
    ("google-oauth-secret", "GOCSPX-" + LETTERS[:28]),
    ("stripe-key", "sk_live_" + LETTERS[:24]),
    ("stripe-webhook-secret", "whsec_" + LETTERS[:32]),
    ("anthropic-key", "sk-ant-api03-" + LETTERS[:60]),
    ("openai-key", "sk-proj-" + LETTERS[:48]),
    ("openai-key", "sk-" + LETTERS[:48]),
    ("npm-token", "npm_" + LETTERS[:36]),
    ("pypi-token", "pypi-AgEIcHlwaS5vcmc" + LETTERS[:60]),
    ("huggingface-token", "hf_" + LETTERS[:34]),
    ("supabase-key", "sbp_" + HEX[:40]),
    ("supastate-key", "sst_" + LETTERS[:32]),
    ("jwt", f"eyJ{LETTERS[:20]}.eyJ{LETTERS[:40]}.{LETTERS[:30]}"),
    ("url-password", "postgresql://app:" + "Tr0ub4dor@db.internal:5432/app"),
    ("url-password", "redis://:" + "p@ssw0rd@cache:6379"),
    ("bearer-token", "curl -H 'Authorization: Bearer " + LETTERS[:30] + "'"),
    ("basic-credentials", "Authorization: Basic " + "YWxhZGRpbjpvcGVuc2VzYW1l"),
    ("quoted-password", 'password = "' + 'hunter2"'),
    ("quoted-password", "'db_password': '" + "correct-horse'"),
    ("quoted-secret", 'client_secret: "' + LETTERS[:24] + '"'),
    ("quoted-secret", "API_KEY := `" + LETTERS[:24] + "`"),
    ("environment-secret", "export DB_PASSWORD=" + "s3cr3t-value"),
    ("environment-secret", "DEPLOY_TOKEN=" + LETTERS[:24]),
    ("private-key", f"{begin('RSA PRIVATE KEY')}\n{KEY_BODY}\n-----END RSA PRIVATE KEY-----"),
    ("private-key", f'"{begin("OPENSSH PRIVATE KEY")}\\n{KEY_BODY}\\n"'),
]

NO_SECRETS = [
    "commit 6706f449a5df3f1680790f66e120002312eaea32",
    "id 4a5fce66-8fe1-480f-811b-2c873d5230ea in the log",
    '"integrity": "sha512-' + LETTERS + 'abcdefghijklmnopqrs=="',
    "h1:" + LETTERS[:43] + "=",
    "sha256:" + HEX,
    "https://github.com/acme/tool/blob/main/README.md?plain=1#L10",
    "git@github.com:acme/tool.git",
    "http://localhost:8080/@fs/src/main.ts",
    "postgresql://app:${DB_PASSWORD}@db/app",
    "https://<user>:<password>@host/path",
    'password: "string"',
    'password = "your-password-here"',
    "the bearer authentication-scheme-for-services of RFC 6750",
    'token: "refresh-token-endpoint"',
    "TOKEN=$(cat token.txt)",
    "MAX_TOKENS=4096",
    'API_KEY=os.environ["API_KEY"]',
    "if the password is wrong, show an error",
    "sk-learn-compatible-estimators-are-great",
    f"text about {begin('PRIVATE KEY')} headers without a key",
    "eyJ is how a JWT starts",
    "key = 'src/components/Button/index.module.css'",
]


@pytest.mark.parametrize(("kind", "text"), SECRETS)
def test_a_known_secret_is_replaced_by_a_visible_mark(kind: str, text: str) -> None:
    redacted, found = redact(f"before\n{text}\nafter")

    assert f"[redacted:{kind}]" in redacted
    assert found == {kind: 1}
    assert redacted.startswith("before\n")
    assert redacted.endswith("\nafter")


@pytest.mark.parametrize("text", NO_SECRETS)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    redacted, found = redact(text)

    assert redacted == text
    assert not found


@pytest.mark.parametrize(("kind", "text"), SECRETS)
def test_redacting_twice_changes_nothing_more(kind: str, text: str) -> None:
    once, _ = redact(text)

    twice, found = redact(once)

    assert twice == once
    assert not found[kind]


def test_the_name_beside_a_secret_stays_readable() -> None:
    text, _ = redact('db.connect(user="app", password="' + 'hunter2", host="db")')

    assert text == 'db.connect(user="app", password="[redacted:quoted-password]", host="db")'


def test_several_secrets_are_counted_by_kind() -> None:
    keys = " ".join(["AKIA" + "Q3EGRZ5XBD2JV7PL"] * 3 + ["ghp_" + LETTERS[:36]])

    assert redact(keys)[1] == {"aws-access-key": 3, "github-token": 1}


def test_text_beyond_ascii_keeps_its_place() -> None:
    text, _ = redact("größe → password = '" + "geheim' ✓")

    assert text == "größe → password = '[redacted:quoted-password]' ✓"


def test_lone_surrogates_and_nul_do_not_stop_redaction() -> None:
    text, found = redact("a\x00b\ud800 ghp_" + LETTERS[:36])

    assert text == "a\ufffdb\ufffd [redacted:github-token]"
    assert found.total() == 1


@pytest.mark.parametrize(
    "part", ['password = "', "https://a:", begin("PRIVATE KEY"), "eyJaaaaaaaaaaaa.", "aws secret "]
)
def test_hostile_text_takes_linear_time(part: str) -> None:
    text = part * (1_000_000 // len(part))
    started = process_time()

    redact(text)

    assert process_time() - started < 5  # 0.4 s alone; a backtracking engine needs hours

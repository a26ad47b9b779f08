"""The secret shapes that are redacted, the specific ones first. Pure.

A rule runs only where one of its keywords stands in the text, in any case. A group named `secret`
narrows what is replaced. The patterns are google-re2's: no look-around, linear time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_PLACEHOLDER = re.compile(
    r"[\[<{$%*(#]|(x{3,}|\.{3,}|_{3,}|your|my|some|change.?me|example|placeholder|dummy|redacted"
    r"|process\.env|os\.environ|env[.(]|import\.meta|secrets?\.|string$|text$|password$|passwd$"
    r"|none$|null$|undefined$|true$|false$|required$|optional$|token$|secret$)",
    re.IGNORECASE,
)
_WORDS = re.compile(r"^[A-Za-z]+([ _./:-][A-Za-z]+)*$")


def _any(_: str) -> bool:
    return True


def _no_placeholder(value: str) -> bool:
    return _PLACEHOLDER.match(value) is None


def _random_looking(value: str) -> bool:
    """Return whether a value reads like a key rather than like words or a name."""
    if not _no_placeholder(value) or _WORDS.match(value):
        return False
    return any(letter.isdigit() for letter in value) and any(letter.isalpha() for letter in value)


@dataclass(frozen=True, slots=True)
class Rule:
    """One shape: its name in the replacement, what must stand in the text, and the pattern."""

    kind: str
    keywords: tuple[str, ...]
    pattern: str
    accepts: Callable[[str], bool] = _any


_ASSIGN = r"""["'`]?\s{0,8}(?:=>|:=|={1,3}|:)\s{0,8}"""
_PHRASE_NAMES = r"(?i:password|passwd|passphrase|pwd)"
_KEY_NAMES = (
    r"(?i:secret|token|api[_-]?key|apikey|access[_-]?key|auth[_-]?key|private[_-]?key|signing[_-]?key"
    r"|encryption[_-]?key|client[_-]?secret|credentials?)"
)
# Between the lines of a key, also where it stands in a string of some language.
_GAP = r"""(?:\s|\\[nr]|["'+,])"""
_BASE64_URL = "[A-Za-z0-9_-]"

RULES: Final = (
    Rule(
        "private-key",
        ("-----begin",),
        r"-----BEGIN[ A-Z0-9]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        rf"(?:{_GAP}*[A-Za-z-]{{1,20}}: [^\r\n\\]{{0,200}})*(?:{_GAP}*[A-Za-z0-9+/=]{{16,}})+"
        rf"(?:{_GAP}*[A-Za-z0-9+/=]*{_GAP}*-----END[ A-Z0-9]{{0,40}}PRIVATE KEY(?: BLOCK)?-----)?",
    ),
    Rule("supastate-key", ("sst_",), rf"\bsst_{_BASE64_URL}{{16,}}"),
    Rule(
        "aws-access-key",
        ("akia", "asia", "abia", "acca", "a3t"),
        r"\b(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}\b",
    ),
    Rule(
        "aws-secret-key",
        ("aws", "secret"),
        rf"(?i:aws|secret)[A-Za-z_. -]{{0,30}}(?i:key){_ASSIGN}"
        r"""["']?(?P<secret>[A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)""",
    ),
    Rule(
        "github-token",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})",
    ),
    Rule(
        "gitlab-token",
        ("glpat-", "gldt-", "glrt-", "glptt-", "gloas-", "glft-", "glsoat-", "glcbt-", "glagent-"),
        rf"\bgl(?:pat|dt|rt|ptt|oas|ft|soat|cbt|agent)-{_BASE64_URL}{{20,}}",
    ),
    Rule("slack-token", ("xox",), r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    Rule("slack-token", ("xapp-",), r"\bxapp-\d-[A-Za-z0-9-]{20,}"),
    Rule(
        "slack-webhook",
        ("hooks.slack.com",),
        r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<secret>[A-Za-z0-9+/]{30,})",
    ),
    Rule(
        "discord-webhook",
        ("/api/webhooks/",),
        rf"/api/webhooks/\d{{10,25}}/(?P<secret>{_BASE64_URL}{{50,}})",
    ),
    Rule("google-api-key", ("aiza",), rf"\bAIza{_BASE64_URL}{{35}}"),
    Rule("google-oauth-secret", ("gocspx-",), rf"\bGOCSPX-{_BASE64_URL}{{20,}}"),
    Rule("google-oauth-token", ("ya29.",), rf"\bya29\.{_BASE64_URL}{{20,}}"),
    Rule(
        "stripe-key",
        ("sk_test_", "sk_live_", "sk_prod_", "rk_test_", "rk_live_", "rk_prod_"),
        r"\b[sr]k_(?:test|live|prod)_[A-Za-z0-9]{10,}",
    ),
    Rule("stripe-webhook-secret", ("whsec_",), r"\bwhsec_[A-Za-z0-9+/=]{24,}"),
    Rule("anthropic-key", ("sk-ant-",), rf"\bsk-ant-[a-z0-9]{{2,10}}-{_BASE64_URL}{{20,}}"),
    Rule("openrouter-key", ("sk-or-",), r"\bsk-or-v\d-[0-9a-f]{32,}"),
    Rule(
        "openai-key",
        ("sk-proj-", "sk-svcacct-", "sk-admin-", "sk-none-"),
        rf"\bsk-(?:proj|svcacct|admin|None)-{_BASE64_URL}{{20,}}",
    ),
    Rule("openai-key", ("sk-",), r"\bsk-[A-Za-z0-9]{32,64}\b", _random_looking),
    Rule("npm-token", ("npm_",), r"\bnpm_[A-Za-z0-9]{36}\b"),
    Rule("pypi-token", ("pypi-age",), rf"\bpypi-AgE{_BASE64_URL}{{30,}}"),
    Rule("huggingface-token", ("hf_",), r"\bhf_[A-Za-z0-9]{30,}\b"),
    Rule("sendgrid-key", ("sg.",), rf"\bSG\.{_BASE64_URL}{{16,32}}\.{_BASE64_URL}{{32,64}}"),
    Rule("telegram-token", (":aa",), rf"\b\d{{8,10}}:AA{_BASE64_URL}{{33}}\b"),
    Rule("digitalocean-token", ("_v1_",), r"\bdo[opr]_v1_[a-f0-9]{64}\b"),
    Rule("docker-token", ("dckr_pat_",), rf"\bdckr_pat_{_BASE64_URL}{{20,}}"),
    Rule("databricks-token", ("dapi",), r"\bdapi[a-f0-9]{32}\b"),
    Rule("supabase-key", ("sbp_", "sb_secret_"), rf"\b(?:sbp|sb_secret)_{_BASE64_URL}{{20,}}"),
    Rule("linear-key", ("lin_api_",), r"\blin_api_[A-Za-z0-9]{32,}"),
    Rule("vault-token", ("hvs.", "hvb."), rf"\bhv[sb]\.{_BASE64_URL}{{24,}}"),
    Rule("shopify-token", ("shpat_", "shpss_", "shpca_"), r"\bshp(?:at|ss|ca)_[a-fA-F0-9]{32}\b"),
    Rule("grafana-token", ("glsa_", "glc_"), r"\bgl(?:sa|c)_[A-Za-z0-9_+/=]{32,}"),
    Rule("age-key", ("age-secret-key-",), r"\bAGE-SECRET-KEY-1[A-Z0-9]{50,}"),
    Rule("azure-key", ("accountkey=",), r"(?i)AccountKey=(?P<secret>[A-Za-z0-9+/]{60,}={0,2})"),
    Rule(
        "jwt",
        ("eyj",),
        rf"\beyJ{_BASE64_URL}{{10,}}\.eyJ{_BASE64_URL}{{10,}}\.{_BASE64_URL}{{10,}}",
    ),
    Rule(
        "url-password",
        ("://",),
        r"""\b[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s:/@"'<>`]{0,100}"""
        r""":(?P<secret>[^\s/"'<>`]{3,200})@[A-Za-z0-9.\[_-]""",
        _no_placeholder,
    ),
    Rule(
        "bearer-token",
        ("bearer",),
        r"(?i:bearer)\s+(?P<secret>[A-Za-z0-9._~+/=-]{16,})",
        _random_looking,
    ),
    Rule(
        "basic-credentials",
        ("basic",),
        r"""(?i:authorization)["']?\s*[:=,]\s*["'`]?(?i:basic)\s+(?P<secret>[A-Za-z0-9+/=]{8,})""",
        _no_placeholder,
    ),
    Rule(
        "quoted-password",
        ("passw", "passphrase", "pwd"),
        rf"""{_PHRASE_NAMES}s?{_ASSIGN}["'`](?P<secret>[^"'`\s]{{4,200}})["'`]""",
        _no_placeholder,
    ),
    Rule(
        "quoted-secret",
        ("secret", "token", "key", "credential"),
        rf"""{_KEY_NAMES}s?{_ASSIGN}["'`](?P<secret>[^"'`\s]{{12,500}})["'`]""",
        _random_looking,
    ),
    Rule(
        "environment-secret",
        ("password", "passwd", "secret", "token", "api_key", "apikey", "access_key", "private_key"),
        r"\b[A-Z0-9_]{0,60}(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_KEY|PRIVATE_KEY)"
        r"""(?:_[A-Z0-9_]{1,30})?=(?P<secret>[^\s"'`<>;&|]{8,500})""",
        _random_looking,
    ),
)

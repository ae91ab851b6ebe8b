"""Made-up secrets of every form that is known, and the campaign that looks for them.

`python -m tests.hostile.secrets --cases 200 --files 4000 --seed 1` makes that many secrets of each
form, puts each into every setting it may be met in, and counts what is found; then it reads the
source of installed packages, where next to nothing may be taken for a secret; then it times
hostile texts of 200,000 characters. Exit code 1 on a miss, on more than one false alarm in 10,000
lines, or on a text that takes longer than its bound.
"""

import argparse
import base64
import json
import string
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from urllib.parse import quote

from storage.redaction import HIDDEN, Redactor
from tests.benchmarks.machine import machine

_LETTERS = string.ascii_letters + string.digits
_URL = _LETTERS + "-_"
LARGEST = 200_000
BOUND_S = 2.0
MOST_PER_10_000 = 1.0

Maker = Callable[[Random], str]


def _run(alphabet: str, length: int) -> Maker:
    return lambda random: "".join(random.choices(alphabet, k=length))


def _form(*parts: str | Maker) -> Maker:
    return lambda random: "".join(p if isinstance(p, str) else p(random) for p in parts)


def _base64url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _jwt(random: Random) -> str:
    head = _base64url(json.dumps({"alg": "RS256", "typ": "JWT"}))
    body = _base64url(json.dumps({"iss": random.randrange(10**6), "exp": 1_790_000_000}))
    return f"{head}.{body}.{_run(_URL, 43)(random)}"


def _discord_bot(random: Random) -> str:
    number = _base64url(str(random.randrange(10**17, 10**18)))
    return f"{number}.{_run(_URL, 6)(random)}.{_run(_URL, 38)(random)}"


def _private_key(kind: str) -> Maker:
    def make(random: Random) -> str:
        lines = [_run(_LETTERS + "+/", 64)(random) for _ in range(random.randrange(3, 26))]
        body = "\n".join(lines)
        return f"-----BEGIN {kind}-----\n{body}\n-----END {kind}-----"

    return make


def _interaction(random: Random) -> str:
    return _base64url(
        f"interaction:{random.randrange(10**18, 10**19)}:{_run(_LETTERS, 40)(random)}"
    )


_DIGITS = _run(string.digits, 12)
_HEX32, _HEX40, _HEX64 = (_run("0123456789abcdef", n) for n in (32, 40, 64))

FORMS: Mapping[str, Maker] = {
    "GitHub, classic": _form("ghp_", _run(_LETTERS, 36)),
    "GitHub, fine-grained": _form("github_pat_", _run(_LETTERS, 22), "_", _run(_LETTERS, 59)),
    "GitHub, OAuth": _form("gho_", _run(_LETTERS, 36)),
    "GitHub, user to server": _form("ghu_", _run(_LETTERS, 36)),
    "GitHub, refresh": _form("ghr_", _run(_LETTERS, 76)),
    "GitHub, installation": _form("ghs_", _run(_LETTERS, 36)),
    "GitHub, installation with a JWT": _form("ghs_", _run(string.digits, 7), "_", _jwt),
    "Slack, bot": _form("xoxb-", _DIGITS, "-", _DIGITS, "-", _run(_LETTERS, 24)),
    "Slack, user": _form("xoxp-", _DIGITS, "-", _DIGITS, "-", _DIGITS, "-", _HEX32),
    "Slack, refresh": _form("xoxe-1-", _run(_LETTERS, 147)),
    "Slack, rotated user": _form("xoxe.xoxp-1-", _run(_LETTERS, 163)),
    "Slack, rotated bot": _form("xoxe.xoxb-1-", _run(_LETTERS, 163)),
    "Slack, app": _form("xapp-1-A", _run(string.ascii_uppercase, 10), "-", _DIGITS, "-", _HEX64),
    "Slack, webhook": _form(
        "https://hooks.slack.com/services/T", _run(string.ascii_uppercase, 8),
        "/B", _run(string.ascii_uppercase, 8), "/", _run(_LETTERS, 24),
    ),
    "Slack, response_url": _form(
        "https://hooks.slack.com/commands/T", _run(string.ascii_uppercase, 8), "/", _DIGITS,
        "/", _run(_LETTERS, 24),
    ),
    "Discord, bot": _discord_bot,
    "Discord, webhook": _form(
        "https://discord.com/api/webhooks/", _run(string.digits, 18), "/", _run(_URL, 68)
    ),
    "Discord, interaction": _interaction,
    "JWT": _jwt,
    "AWS, key id": _form("AKIA", _run(string.ascii_uppercase + "234567", 16)),
    "Google, API key": _form("AIza", _run(_URL, 35)),
    "Google, access": _form("ya29.", _run(_URL, 120)),
    "Google, client": _form("GOCSPX-", _run(_URL, 28)),
    "Azure, client": _form(_run(_LETTERS, 3), "8Q~", _run(_LETTERS + "._-", 34)),
    "Stripe": _form("sk_live_", _run(_LETTERS, 24)),
    "Stripe, webhook": _form("whsec_", _run(_LETTERS, 32)),
    "npm": _form("npm_", _run(_LETTERS, 36)),
    "PyPI": _form("pypi-AgEIcHlwaS5vcmc", _run(_URL, 130)),
    "GitLab": _form("glpat-", _run(_LETTERS, 20)),
    "Docker": _form("dckr_pat_", _run(_URL, 27)),
    "model provider, sk-ant": _form("sk-ant-api03-", _run(_URL, 93)),
    "model provider, sk-proj": _form("sk-proj-", _run(_URL, 120)),
    "model provider, sk": _form("sk-", _run(_LETTERS, 48)),
    "model provider, hf": _form("hf_", _run(_LETTERS, 34)),
    "model provider, gsk": _form("gsk_", _run(_LETTERS, 52)),
    "SendGrid": _form("SG.", _run(_URL, 22), ".", _run(_URL, 43)),
    "Telegram": _form(_run("123456789", 9), ":AA", _run(_URL, 33)),
    "Vault": _form("hvs.", _run(_URL, 90)),
    "age": _form("AGE-SECRET-KEY-1", _run(string.ascii_uppercase + string.digits, 58)),
    "RSA key": _private_key("RSA PRIVATE KEY"),
    "OpenSSH key": _private_key("OPENSSH PRIVATE KEY"),
    "EC key": _private_key("EC PRIVATE KEY"),
    "PKCS8 key": _private_key("PRIVATE KEY"),
    "PGP key": _private_key("PGP PRIVATE KEY BLOCK"),
}  # fmt: skip
"""Known by themselves."""

SETTINGS: Mapping[str, Callable[[str], str]] = {
    "alone": lambda secret: secret,
    "in a sentence": lambda secret: f"the value {secret} was there",
    "in quotes": lambda secret: f'TOKEN = "{secret}"  # here',
    "in JSON": lambda secret: json.dumps({"a": [secret]}),
    "in a query": lambda secret: f"https://example.org/?a=1&b={quote(secret, safe='')}&c=2",
    "in code of Markdown": lambda secret: f"run `{secret}` now",
    "in a file name": lambda secret: f"src/{secret}/module.py".replace("\n", ""),
    "in an error": lambda secret: f"ValueError: bad value: '{secret}'",
}
_UNQUOTABLE = ("key", "PGP")
"""Percent signs within base64 lines hide a private key from everyone."""

_CONTEXTS: Mapping[str, tuple[Maker, tuple[str, ...]]] = {
    "AWS secret": (
        _run(_LETTERS + "+/", 40),
        ("AWS_SECRET_ACCESS_KEY={}", 'aws_secret_access_key = "{}"', '"SecretAccessKey": "{}"'),
    ),
    "Slack signing secret": (
        _HEX32,
        ("SLACK_SIGNING_SECRET={}", "signing_secret: {}", 'signing_secret="{}"'),
    ),
    "Azure account key": (
        _form(_run(_LETTERS + "+/", 86), "=="),
        ("DefaultEndpointsProtocol=https;AccountKey={};EndpointSuffix=x", '"account_key": "{}"'),
    ),
    "password": (
        _form(_run(string.ascii_lowercase, 5), _run(string.digits, 3), "!", _run(_LETTERS, 4)),
        ('password = "{}"', "PGPASSWORD={}", "password: {}", "db_passwd='{}'", "?password={}&x=1"),
    ),
    "password in an address": (
        _run(_LETTERS, 14),
        ("postgresql://app:{}@db.internal/x", "https://ann:{}@host.example/a", "redis://:{}@h:1"),
    ),
    "authorization": (
        _run(_LETTERS, 30),
        ("Authorization: Bearer {}", '"Authorization": "Bearer {}"', "authorization: token {}",
         "Authorization: Basic {}", "-H 'Authorization: Bot {}'"),
    ),
    "token": (
        _HEX40,
        ("GITHUB_TOKEN={}", 'api_key="{}"', "//registry.npmjs.org/:_authToken={}",
         "client_secret: '{}'", '"access_token":"{}"', "access_token={}&scope=x"),
    ),
    "signature": (_run(_LETTERS, 44), ("https://x.blob.example/a?sv=1&sig={}&se=2",)),
    "curl": (_run(_LETTERS, 12), ("curl -u ann:{} https://example.org",)),
}  # fmt: skip

HOSTILE: Mapping[str, str] = {
    "letters": "a",
    "spaces": "password ",
    "newlines": "a\n",
    "JWT heads": "eyJ",
    "JWT heads with dots": "eyJhbGciOiJIUzI1NiJ9.",
    "dots": "a.",
    "dashes": "-",
    "key begins": "-----BEGIN PRIVATE KEY-----\n",
    "key begins with text": "-----BEGIN PRIVATE KEY-----" + "A" * 70 + "\n",
    "addresses": "://a:",
    "long address": "://" + "a:" * 40,
    "assignments": "token=",
    "assigned spaces": "password   =   ",
    "Slack addresses": "hooks.slack.com/services/",
    "Discord parts": "MTIzNDU2Nzg5MDEyMzQ1Njc4.GaBcDe.",
    "bearer": "Bearer ",
    "GitHub heads": "ghs_1_eyJ",
    "model heads": "sk-",
    "quotes": "\"'\\\n",
    "zero width": "\u200ba",
    "indented": "a" + " " * 50 + "\n",
    "list marks": "a\n> > * ",
    "query": "?sig=",
    "logins": "login a password ",
    "base64": "QUJD/+",
    "key ends": "-----END PRIVATE KEY-----",
    "digits": "0123456789:AA",
}


def recall(cases: int, seed: int) -> tuple[int, list[str]]:
    """How many texts were tried, and what stayed readable in which."""
    random, redactor, tried = Random(seed), Redactor(), 0
    missed: list[str] = []
    for name, make in FORMS.items():
        for _ in range(cases):
            secret = make(random)
            for setting, put in SETTINGS.items():
                if setting in ("in a query", "in a file name") and secret.startswith("-----"):
                    continue
                tried += 1
                if _is_readable(secret, redactor.redacted(put(secret))):
                    missed.append(f"{name} {setting}: {secret[:60]}")
    for name, (make, frames) in _CONTEXTS.items():
        for frame in frames:
            for _ in range(cases):
                secret = make(random)
                tried += 1
                if secret in redactor.redacted(frame.format(secret)):
                    missed.append(f"{name} in {frame}: {secret}")
    return tried, missed


def _is_readable(secret: str, said: str) -> bool:
    """Whether half of the secret in a row is still there."""
    plain = said.replace("\\n", "\n")
    half = max(8, len(secret) // 2)
    steps = range(0, len(secret) - half + 1, 4)
    return secret in plain or any(secret[at : at + half] in plain for at in steps)


def split_recall(cases: int, seed: int) -> tuple[int, list[str]]:
    """The same for secrets that a line's end, or what cannot be seen, stands in."""
    random, redactor, tried = Random(seed), Redactor(), 0
    missed: list[str] = []
    breaks = ("\n", "\n    ", "\\\n", '"\n    "', "\u200b", "\r\n", "\n> ")
    for name, make in FORMS.items():
        for _ in range(cases):
            secret = make(random)
            if "\n" in secret or "://" in secret:
                continue
            at = random.randrange(len(secret) // 4 + 1, len(secret) - 4)
            for between in breaks:
                tried += 1
                said = redactor.redacted(f"before {secret[:at]}{between}{secret[at:]} after")
                if secret[:at] in said and secret[at:] in said:
                    missed.append(f"{name} cut by {between!r}: {secret[:at]}|{secret[at:]}")
    return tried, missed


def false_alarms(root: Path, files: int, seed: int) -> tuple[int, list[str]]:
    """Lines of ordinary code read, and what was taken for a secret in them."""
    redactor, lines = Redactor(), 0
    found: list[str] = []
    paths = sorted(root.rglob("*.py"))
    for path in Random(seed).sample(paths, min(files, len(paths))):
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        lines += text.count("\n")
        said = redactor.redacted(text)
        number = said.count(HIDDEN) - text.count(HIDDEN)
        found += [f"{path.name}: {number}"] * number
    return lines, found


def slowest() -> tuple[str, float]:
    """The hostile text that takes longest, and the seconds it took."""
    redactor = Redactor(("a-secret-of-ours-" + "x" * 40,))
    worst = ("", 0.0)
    for name, unit in HOSTILE.items():
        text = (unit * (LARGEST // len(unit) + 1))[:LARGEST]
        begun = time.perf_counter()
        redactor.redacted(text)
        took = time.perf_counter() - begun
        worst = max(worst, (name, took), key=lambda each: each[1])
    return worst


def main() -> int:
    """Run the campaign; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=50)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(machine())
    print(f"seed {options.seed}")
    tried, missed = recall(options.cases, options.seed)
    print(f"recall: {tried - len(missed):,} of {tried:,}", *missed[:20], sep="\n  ")
    split, torn = split_recall(options.cases, options.seed)
    print(f"recall of split ones: {split - len(torn):,} of {split:,}", *torn[:20], sep="\n  ")
    root = Path(sysconfig.get_paths()["purelib"])
    lines, alarms = false_alarms(root, options.files, options.seed)
    rate = len(alarms) / max(lines, 1) * 10_000
    print(f"false alarms: {len(alarms)} in {lines:,} lines, {rate:.2f} in 10,000")
    name, took_s = slowest()
    print(f"slowest of {len(HOSTILE)} hostile texts: {name}, {took_s * 1000:.0f} ms")
    bad = missed or torn or rate > MOST_PER_10_000 or took_s > BOUND_S
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

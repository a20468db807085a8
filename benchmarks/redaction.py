"""How much of what must not leave the process is hidden, and how much of what may is left alone, on a corpus drawn from a seed.

python benchmarks/redaction.py [--lines N] [--seed S] [--json]. Recall is by kind of secret over the ways in which logs, settings, addresses
and headers write them; precision is over all that was hidden. Secrets are random text of each vendor's documented form; nothing here was
read from anybody's logs. CPU seconds go to standard error.
"""

import argparse
import base64
import collections
import json
import string
import sys
import time
from collections.abc import Callable

import numpy as np

from rootward import _rng
from rootward.evals import statistics
from rootward.signals import veil

ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
WORDS = [
    "order",
    "cart",
    "payment",
    "retry",
    "upstream",
    "volume",
    "secret",
    "token",
    "key",
    "password",
    "user",
    "session",
    "cache",
    "commit",
    "broker",
    "lease",
    "shard",
]
Draw = np.random.Generator


def text(draw: Draw, alphabet: str, length: int) -> str:
    return "".join(alphabet[int(i)] for i in draw.integers(0, len(alphabet), length))


def word(draw: Draw) -> str:
    return WORDS[int(draw.integers(len(WORDS)))]


def encoded(draw: Draw, length: int) -> str:
    return base64.urlsafe_b64encode(draw.bytes(length)).decode().rstrip("=")


def card(draw: Draw, *, valid: bool) -> str:
    digits = [4, *(int(i) for i in draw.integers(0, 10, 14))]
    total = sum(d if i % 2 else (d * 2 - 9 if d > 4 else d * 2) for i, d in enumerate(digits))
    check = -total % 10
    digits.append(check if valid else (check + int(draw.integers(1, 10))) % 10)
    return "".join(map(str, digits))


SECRETS: dict[str, Callable[[Draw], str]] = {
    "password": lambda d: text(d, ALNUM, int(d.integers(8, 20))) + text(d, string.digits, 2),
    "AWS access key": lambda d: "AKIA" + text(d, string.ascii_uppercase + string.digits, 16),
    "GitHub token": lambda d: "ghp_" + text(d, ALNUM, 36),
    "Slack token": lambda d: f"xoxb-{text(d, string.digits, 12)}-{text(d, ALNUM, 24)}",
    "JSON web token": lambda d: f"eyJ{encoded(d, 24)}.{encoded(d, 60)}.{encoded(d, 32)}",
    "bearer token": lambda d: text(d, ALNUM, 32) + text(d, string.digits, 2),
    "GitLab token": lambda d: "glpat-" + text(d, ALNUM + "_-", 20),
    "npm token": lambda d: "npm_" + text(d, ALNUM, 36),
    "PyPI token": lambda d: "pypi-AgEIcHlwaS5vcmc" + encoded(d, 60),
    "Hugging Face token": lambda d: "hf_" + text(d, ALNUM, 34),
    "Google OAuth token": lambda d: "ya29." + text(d, ALNUM + "_-", 60),
    "Stripe restricted key": lambda d: "rk_live_" + text(d, ALNUM, 24),
    "model provider's key": lambda d: "sk-ant-api03-" + text(d, ALNUM + "_-", 60),
    "Slack webhook": lambda d: (
        f"T{text(d, string.ascii_uppercase, 9)}/B{text(d, string.ascii_uppercase, 10)}/{text(d, ALNUM, 24)}"
    ),
    "private key": lambda d: text(d, ALNUM + "+/", 64),
    "secret by name": lambda d: text(d, HEX, 32),
    "payment card": lambda d: card(d, valid=True),
    "e-mail address": lambda d: (
        f"{word(d)}.{text(d, string.ascii_lowercase, 6)}@{text(d, string.ascii_lowercase, 7)}.com"
    ),
}
ASSIGNED = (
    "password={}",
    '{{"password": "{}"}}',
    "DB_PASSWORD: {}",
    "--password {}",
    "--password={}",
    "CREATE ROLE app WITH LOGIN PASSWORD '{}'",
    "ALTER USER app IDENTIFIED BY '{}'",
    "postgres://app:{}@db:5432/shop",
    "passwd='{}'",
)
LOOSE = (
    "rejected {} for user",
    '{{"value":"{}"}}',
    "got {} from env",
    "url=https://shop.io/cb?t={}&x=1",
    "[{}]",
    "header x-auth: {}",
)
WRITTEN = {
    "password": ASSIGNED,
    "Slack webhook": (
        "POST https://hooks.slack.com/services/{} 404",
        '{{"url":"https://hooks.slack.com/services/{}"}}',
    ),
    "private key": (
        "-----BEGIN EC PRIVATE KEY-----\\n{}\\n-----END EC PRIVATE KEY-----",
        "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n",
    ),
    "secret by name": (
        "DD_API_KEY={}",
        "X-Api-Key: {}",
        "?api_key={}&page=2",
        "?access_token={}",
        "AccountKey={};EndpointSuffix=core.windows.net",
        '{{"clientSecret":"{}"}}',
        "--token {}",
        "set-cookie: session_token={}; Path=/",
        "encryption_key: {}",
    ),
    "bearer token": ("Authorization: Bearer {}", '"authorization":"bearer {}"', "curl -H 'Authorization: Bearer {}'"),
    "e-mail address": ("user {} not found", '{{"email":"{}"}}', "mail to <{}> bounced", "actor={} action=sync"),
    "payment card": ("card {} declined", '{{"pan":"{}"}}', "pan={} amount=12"),
}
INNOCENT: tuple[Callable[[Draw], str], ...] = (
    lambda d: f"trace_id={text(d, HEX, 32)} span_id={text(d, HEX, 16)}",
    lambda d: f"pulled sha256:{text(d, HEX, 64)}",
    lambda d: (
        f"request {text(d, HEX, 8)}-{text(d, HEX, 4)}-4{text(d, HEX, 3)}-a{text(d, HEX, 3)}-{text(d, HEX, 12)} done"
    ),
    lambda d: f"order {card(d, valid=False)} shipped",
    lambda d: f"ts=17{text(d, string.digits, 17)} offset={text(d, string.digits, 16)}",
    lambda d: f"{word(d)} {word(d)}: {word(d)} expired",
    lambda d: f'password authentication failed for user "{word(d)}"',
    lambda d: f"max_tokens={int(d.integers(9999))} {word(d)}_key_count={int(d.integers(99))}",
    lambda d: f"git@github.com:shop/{word(d)}.git at {text(d, HEX, 40)}",
    lambda d: f"secretName: {word(d)}-credentials mounted in {word(d)}",
    lambda d: f"cache key={word(d)}:{int(d.integers(1e6))} evicted",
    lambda d: f"/v1/{word(d)}/{int(d.integers(1e9))}?page_token={int(d.integers(99))}",
)


def measure(lines: int, seed: int) -> dict[str, object]:
    """Rates with their bands: recall per kind, of all, and precision (the share of hidden pieces that were secrets)."""
    draw = _rng.stream(seed, "redaction")
    found: dict[str, list[bool]] = collections.defaultdict(list)
    innocent = harmed = 0
    missed: list[str] = []
    kinds = list(SECRETS)
    for number in range(lines):
        if number % 2:
            line = INNOCENT[int(draw.integers(len(INNOCENT)))](draw)
            innocent += 1
            harmed += veil.Veil().hide(line) != line
            continue
        kind = kinds[int(draw.integers(len(kinds)))]
        forms = WRITTEN.get(kind, LOOSE)
        secret = SECRETS[kind](draw)
        form = forms[int(draw.integers(len(forms)))]
        gone = secret not in veil.Veil().hide(f"{word(draw)} {form.format(secret)} {word(draw)}")
        found[kind].append(gone)
        if not gone:
            missed.append(f"{kind}: {form}")
    everything = [one for kind in kinds for one in found[kind]]
    hidden = sum(everything)
    return {
        "recall": {kind: band(sum(hits), len(hits)) for kind, hits in [*found.items(), ("all", everything)]},
        "precision": band(hidden, hidden + harmed),
        "innocent lines changed": band(harmed, innocent),
        "missed": dict(collections.Counter(missed).most_common(10)),
    }


def band(hits: int, n: int) -> dict[str, float]:
    found = statistics.rate(hits, n)
    return {"n": n, "rate": hits / n if n else float("nan"), "low": found.low, "high": found.high}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    began_s = time.process_time()
    result = measure(chosen.lines, chosen.seed)
    print(f"{time.process_time() - began_s:.1f} CPU s", file=sys.stderr)
    if chosen.json:
        print(json.dumps(result))
        return
    rows = [(f"recall of {kind}", one) for kind, one in dict(result["recall"]).items()]  # type: ignore[call-overload]
    for name, one in [*rows, *((name, result[name]) for name in ("precision", "innocent lines changed"))]:
        print(f"{name:28} {one['rate']:.4f} [{one['low']:.4f}–{one['high']:.4f}]  n={one['n']}")
    for form, count in dict(result["missed"]).items():  # type: ignore[call-overload]
        print(f"missed {count:5} × {form}")


if __name__ == "__main__":
    main()

"""Takes secrets out of text that came from production, before anybody reads, stores or sends it.

One compiled pattern, one pass. A line that holds none of the pattern's cheap hints is returned as it is, so that five
thousand ordinary lines cost a few milliseconds. Ordinary words near "password" or "token" stay readable: an error
message that loses its meaning helps nobody.
"""

import base64
import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MASK = "[redacted]"

# What vendors' keys look like, by their own documentation: a literal that each holds in lower case, and the key.
_VENDORS = (
    *((hint, hint + r"\w{20,}") for hint in ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_")),
    ("xox", r"xox[a-z]-[\w-]{10,}"),
    ("k_live_", r"[sr]k_live_\w{10,}"),
    ("sk-", r"sk-[\w-]{20,}"),
    ("aiza", r"aiza[\w-]{30,}"),
    ("glpat-", r"glpat-[\w-]{20,}"),
    ("npm_", r"npm_[a-z0-9]{36}"),
    ("pypi-", r"pypi-[\w-]{40,}"),
    ("hf_", r"hf_[a-z0-9]{30,}"),
    ("ya29.", r"ya29\.[\w-]{20,}"),
    ("dop_v1_", r"dop_v1_[0-9a-f]{64,}"),
)
_HINTS = (
    "pass", "pwd", "secret", "key", "token", "bearer", "basic", "credential", "eyj", "akia", "asia", "@", "identified", "hooks.slack",
    *(hint for hint, _ in _VENDORS),
)  # fmt: skip

_SENSITIVE = (
    r"(?:pass(?:word|wd|phrase)|pwd|secret|(?:api|access|account|private|secret|signing|encryption)[_-]?(?:access[_-]?)?key"
    r"|(?:auth|access|refresh|id|session|security|bot|api)[_-]?token|token|credentials?)"
)

_PATTERN = re.compile(
    r"(?P<pem>-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z))"
    r"|(?P<jwt>\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)"
    r"|\b(?P<aws>(?-i:(?:AKIA|ASIA)[0-9A-Z]{16}))\b"
    r"|\b(?P<vendor>" + "|".join(form for _, form in _VENDORS) + ")"
    r"|(?P<hook>hooks\.slack\.com/services/)(?P<hook_secret>[\w/]{20,})"
    r"|(?P<url>://[^\s/:@\"']*:)(?P<url_secret>[^\s/@\"']+)(?=@)"
    r"|(?P<scheme>\b(?:bearer|basic)\s+)(?P<scheme_secret>(?=[^\s\"',]*\d)[\w.~+/=-]{12,})"
    r"|(?P<sql>(?:password|identified\s+by)\s+')(?P<sql_secret>[^'\s]+)(?=')"
    r"|(?P<flag>--(?:[\w-]{0,40}-)?" + _SENSITIVE + r"\s+)(?P<flag_secret>(?=\S*\d)[^\s\"'-]\S{5,})"
    r"|(?P<key>" + _SENSITIVE + r")(?P<glue>\\?[\"']?\s?(?:=|:)>?\s?\\?[\"']?)"
    r"(?P<value>[^\s\"',;&}\\)\]]+)"
    r"|(?<![\w.:-])(?P<card>(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|6011|65\d\d)(?:[ -]?\d{4}){3}|3[47]\d\d[ -]?\d{6}[ -]?\d{5})"
    r"(?![\w.-])",
    re.IGNORECASE | re.DOTALL,
)

# Each is what a part of the pattern cannot do without, led by a literal (that is how `re` is quick), for lower-case ASCII.
_ASSIGNED = r"\\?[\"']?\s?[=:]"
_ASSIGNMENTS = tuple(
    (hint, re.compile(hint + rest + _ASSIGNED))
    for hint, rest in (("pass", "(?:word|wd|phrase)"), ("pwd", ""), ("secret", ""), ("key", r"(?<=[isetgn_-]key)"), ("token", ""),
                       ("credential", "s?"))
)  # fmt: skip
_SPACED = tuple((hint, re.compile(hint + r"\s+(?=[^\s\"',]*\d)[\w.~+/=-]{12,}")) for hint in ("bearer", "basic"))
_LITERALS = (
    ("eyj", re.compile(r"eyj[\w-]{8,}\.[\w-]{8,}\.")),
    ("akia", re.compile(r"akia[0-9a-z]{16}")),
    ("asia", re.compile(r"asia[0-9a-z]{16}")),
    ("hooks.slack", re.compile(r"hooks\.slack\.com/services/")),
    ("identified", re.compile(r"identified\s+by\s+'")),
    ("password", re.compile(r"password\s+'")),
    ("--", re.compile(r"--(?:[\w-]{0,40}-)?" + _SENSITIVE + r"\s")),
    *((hint, re.compile(form)) for hint, form in _VENDORS),
)
_LONG = (*_SPACED, *_LITERALS)
_URL = re.compile(r"://[^\s/:@\"']*:[^\s/@\"']+@")
_CARD = re.compile(r"(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|6011|65\d\d)(?:[ -]?\d{4}){3}|3[47]\d\d[ -]?\d{6}[ -]?\d{5}")
_ALL_ZEROS = bytes(48 if 48 <= code < 58 else code for code in range(256))
_CARD_HINT = re.compile(r"\d{4}[ -]?\d{4}[ -]?\d{3}")
_CARD_DIGITS = b"0" * 15
_LEAST_CHARS, _LEAST_LONG_CHARS = 5, 13  # "pwd=x", and the shortest of everything that is not an assignment or in a URL
# The same attribute values, label values and field names come thousands of times. Only texts without a secret are remembered.
_REMEMBERED, _REMEMBERED_CHARS = 20_000, 100
_TOGETHER = 24  # texts that are looked at as one: of more, some would nearly always be suspicious
_innocent: set[str] = set()
_NOT_SECRET = frozenset({"null", "none", "nil", "true", "false", "undefined", "empty", "***", "*****", "redacted"})


def redact(text: str) -> str:
    """`text` with secrets replaced by MASK: bearer and basic credentials, vendors' keys, JWTs, private keys, passwords in
    URLs and after `password=` and the like, card numbers that pass the Luhn check. Other text is unchanged."""
    if text in _innocent:
        return text
    if _suspicious(text):
        return _PATTERN.sub(_replace, text)
    if len(text) <= _REMEMBERED_CHARS:
        if len(_innocent) >= _REMEMBERED:
            _innocent.clear()
        _innocent.add(text)
    return text


def _suspicious(text: str) -> bool:
    """Whether the pattern may match: never wrong about no. The pattern itself costs a hundred times as much."""
    if not text.isascii():
        lowered = text.lower()
        return any(hint in lowered for hint in _HINTS) or _CARD_HINT.search(text) is not None
    if len(text) < _LEAST_CHARS:
        return False
    lowered = text.lower()
    if "=" in lowered or ":" in lowered:
        for hint, needed in _ASSIGNMENTS:
            if hint in lowered and needed.search(lowered):
                return True
        if "@" in lowered and "://" in lowered and _URL.search(lowered):
            return True
    return len(text) >= _LEAST_LONG_CHARS and _suspiciously_long(lowered)


def _suspiciously_long(lowered: str) -> bool:
    for hint, needed in _LONG:
        if hint in lowered and needed.search(lowered):
            return True
    if "private key-----" in lowered:
        return True
    # Fifteen digits in a row, blanks and dashes aside: bytes are sifted in no time.
    return _CARD_DIGITS in lowered.encode().translate(_ALL_ZEROS, b" -") and _CARD.search(lowered) is not None


def redact_all(texts: Iterable[str]) -> list[str]:
    """`redact` of each; some at a time are told innocent by one look at all of them."""
    listed = list(texts)
    done: list[str] = []
    for begin in range(0, len(listed), _TOGETHER):
        part = listed[begin : begin + _TOGETHER]
        done += [redact(text) for text in part] if _suspicious("\n".join(part)) else part
    return done


def redact_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """The same keys; a value is masked whole if its key names a secret, else redacted as text."""
    return {key: MASK if value and names_secret(key) else redact(value) for key, value in labels.items()}


def redact_tree(value: Any) -> Any:
    """A decoded JSON document with every text redacted; what a secret's name points to is masked whole.

    A Kubernetes Secret keeps its keys and loses its values, but for hosts and ports, which say where and not how to get in; an
    environment variable `{"name": …, "value": …}` whose name speaks of a secret loses its value.
    """
    form = type(value)  # the four forms that JSON mostly has are told apart at once: asking Mapping is slow
    if form is str:
        return redact(value)
    if form is dict:
        return _redact_mapping(value)
    if form is list:
        return [redact_tree(one) for one in value]
    if value is None or form is bool or form is int or form is float:
        return value
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return _redact_mapping(value)
    if isinstance(value, Sequence):
        return [redact_tree(one) for one in value]
    return value


_SECRET_KEY = re.compile(r"(?:^|[_.-]|(?<=[a-z])(?=[A-Z]))" + _SENSITIVE + r"$", re.IGNORECASE)


@functools.lru_cache(maxsize=4096)
def names_secret(key: str) -> bool:
    """Whether what is stored under `key` is a secret by its name ("DB_PASSWORD", "apiKey", "token"), not "secretName"."""
    return _SECRET_KEY.search(key) is not None


_ADDRESS_KEY = re.compile(r"(?:^|[_.-])(?:host|hostname|port)$", re.IGNORECASE)
_ADDRESS = re.compile(r"[a-z][a-z0-9-]{0,62}(?:\.[a-z0-9-]{1,63}){0,5}|\d{1,5}|\d{1,3}(?:\.\d{1,3}){3}")


def _veiled(name: Any, encoded: Any) -> Any:
    """One value of a Secret (base64): a host or a port stays, everything else is masked."""
    if isinstance(name, str) and isinstance(encoded, str) and _ADDRESS_KEY.search(name):
        try:
            plain = base64.b64decode(encoded, validate=True).decode("ascii")
        except ValueError:
            return MASK
        if _ADDRESS.fullmatch(plain):
            return encoded
    return MASK


def _redact_mapping(value: Mapping[str, Any]) -> dict[str, Any]:
    hidden: tuple[str, ...] = ()
    if value.get("kind") == "Secret":
        hidden = ("data", "stringData")
    elif isinstance(name := value.get("name"), str) and "value" in value and names_secret(name):
        hidden = ("value",)
    result: dict[str, Any] = {}
    for key, one in value.items():
        if key in hidden:
            result[key] = (
                {name: _veiled(name, inner) for name, inner in one.items()} if isinstance(one, Mapping) else MASK
            )
        elif isinstance(one, str):
            named = one and names_secret(key if type(key) is str else str(key))
            result[key] = MASK if named else one if one in _innocent else redact(one)
        else:
            result[key] = redact_tree(one)
    return result


def _replace(match: re.Match[str]) -> str:
    kind = match.lastgroup
    if kind is not None and kind.endswith("_secret"):
        return match[kind.removesuffix("_secret")] + MASK
    if kind == "value":
        return match["key"] + match["glue"] + MASK if _is_secret(match) else match[0]
    if kind == "card" and not _luhn(match["card"]):
        return match[0]
    return MASK


def _is_secret(match: re.Match[str]) -> bool:
    """Prose such as "password: invalid" or "token: expired" is kept; `key=value` and quoted values are not prose."""
    value, glue = match["value"], match["glue"]
    if value.lower() in _NOT_SECRET or value.startswith(("/", "${", "$(", "<", MASK.rstrip("]"))):
        return False
    if match["key"].lower().endswith("token") and len(value) < 8:
        return False
    quoted = glue.endswith(('"', "'"))
    tight = "=" in glue and " " not in glue
    return quoted or tight or (len(value) >= 6 and any(c.isdigit() for c in value) and not value.isdigit())


def _luhn(text: str) -> bool:
    """The check digit of payment cards (ISO/IEC 7812-1, annex B)."""
    digits = [int(c) for c in text if c.isdigit()]
    doubled = [d if i % 2 == 0 else (d * 2 - 9 if d > 4 else d * 2) for i, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0

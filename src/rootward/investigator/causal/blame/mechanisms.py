"""How a change breaks a service: what the diff does, joined to what the symptom says. A table; each row is common SRE knowledge.

Rows follow the causes of change-induced incidents in public post-mortems (danluu/post-mortems; "How to fight production incidents",
SoCC 2022; the catalogue in docs/reference/faults.md).
"""

import dataclasses
import re
from collections.abc import Callable

from rootward.investigator.causal.blame import diffs


@dataclasses.dataclass(frozen=True, slots=True)
class Mechanism:
    """`does` looks at the diff (and, with the symptom's text, at what both name); `symptom` at what went wrong. `weight` in nats."""

    name: str
    fault: str
    does: Callable[[diffs.Diff, str], bool]
    symptom: re.Pattern[str]
    weight: float


SPECIFIC = 3.0  # nats from which a mechanism is believed of a change that claims to change nothing


def matching(diff: diffs.Diff, text: str) -> list[Mechanism]:
    """Mechanisms whose both sides are there, strongest first."""
    floor = SPECIFIC if diff.tidying or diff.wording else 0.0
    found = [one for one in MECHANISMS if one.weight >= floor and one.symptom.search(text) and one.does(diff, text)]
    return sorted(found, key=lambda one: -one.weight)


def _symptom(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _removed(pattern: str) -> Callable[[diffs.Diff, str], bool]:
    """More lines with the pattern are gone than added."""
    compiled = re.compile(pattern)

    def does(diff: diffs.Diff, _text: str) -> bool:
        gone, added = (sum(bool(compiled.search(line)) for line in lines) for lines in (diff.gone, diff.added))
        return gone > added

    return does


def _added(pattern: str) -> Callable[[diffs.Diff, str], bool]:
    compiled = re.compile(pattern)

    def does(diff: diffs.Diff, _text: str) -> bool:
        gone, added = (sum(bool(compiled.search(line)) for line in lines) for lines in (diff.gone, diff.added))
        return added > gone

    return does


def _lowered(pattern: str) -> Callable[[diffs.Diff, str], bool]:
    compiled = re.compile(pattern, re.IGNORECASE)
    return lambda diff, _text: diffs.moved(diff, compiled) < 0.8


def _raised(pattern: str) -> Callable[[diffs.Diff, str], bool]:
    compiled = re.compile(pattern, re.IGNORECASE)
    return lambda diff, _text: diffs.moved(diff, compiled) > 1.25


def _any(*tests: Callable[[diffs.Diff, str], bool]) -> Callable[[diffs.Diff, str], bool]:
    return lambda diff, text: any(test(diff, text) for test in tests)


_LOOP = re.compile(r"^\s*(for|while|foreach)\b|\.(map|forEach|each)\(")
_REMOTE = re.compile(
    r"\b\w*(?:client|catalog|repo|store|db|dao|session|api|svc|cache)\w*\.\w+\(|\b(SELECT|query|fetch)\b", re.IGNORECASE
)


def _call_in_loop(diff: diffs.Diff, _text: str) -> bool:
    """A new remote call or query below a loop (new or not)."""
    inside = any(_LOOP.search(line) for line in (*diff.added, *diff.near))
    gone = sum(bool(_REMOTE.search(line)) for line in diff.gone)
    return inside and sum(bool(_REMOTE.search(line)) for line in diff.added) > gone


_KEY = re.compile(r"['\"]([a-z_][\w.-]{2,40})['\"]", re.IGNORECASE)


def _renamed_key(diff: diffs.Diff, text: str) -> bool:
    """A quoted name was replaced by another one, and the symptom speaks of the old or the new."""
    old, new = set(_KEY.findall("\n".join(diff.gone))), set(_KEY.findall("\n".join(diff.added)))
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for name in (old - new) | (new - old) if old - new)


_TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE|JOIN|TABLE)\s+[\"'`]?(\w+)", re.IGNORECASE)


def _names_table(diff: diffs.Diff, text: str) -> bool:
    tables = set(_TABLE.findall("\n".join(diff.added))) | set(_TABLE.findall("\n".join(diff.gone)))
    return any(re.search(rf"\b{re.escape(table)}\b", text) for table in tables if len(table) > 3)


_HOST = re.compile(
    r"(?:https?|grpc|tcp|amqp|redis|postgres(?:ql)?|mysql)://[^\s\"']+|\b[a-z0-9-]+(?:\.[a-z0-9-]+)+:\d{2,5}\b|\b[a-z0-9-]+:\d{4,5}\b"
)


def _address(diff: diffs.Diff, _text: str) -> bool:
    """A URL or host:port was replaced by another, beyond spacing."""
    old, new = set(_HOST.findall("\n".join(diff.gone))), set(_HOST.findall("\n".join(diff.added)))
    return bool(old - new) and bool(new - old)


_PACKAGE = re.compile(r"([\w@./-]{3,})[\"']?\s*(?:[:=~^<>]+|\s)\s*[\"'^~]?v?\d+\.\d+")


def _bumped_package(diff: diffs.Diff, text: str) -> bool:
    """A dependency whose version changed is named by the symptom."""
    packages = set(_PACKAGE.findall("\n".join(diff.gone))) & set(_PACKAGE.findall("\n".join(diff.added)))
    words = {part for package in packages for part in re.split(r"[/.@_-]", package.lower()) if len(part) >= 4}
    words -= {"github", "google", "golang", "version", "internal", "core", "common", "client"}
    return any(re.search(rf"\b{re.escape(word)}", text, re.IGNORECASE) for word in words)


_CALL_LINE = re.compile(r"^(?:await |defer |go |self\.|this\.)?[\w.]+\([^{}]*\);?$")


def _call_gone(diff: diffs.Diff, _text: str) -> bool:
    """A whole statement that called something is gone, and nothing calls it any more."""
    gone = [line for line in diff.gone if _CALL_LINE.match(line) and not re.search(r"log|print", line, re.IGNORECASE)]
    names = [line.partition("(")[0].split(".")[-1].split(" ")[-1] for line in gone]
    return any(name not in "\n".join(diff.added) for name in names)


_VERBOSE = re.compile(r"\b(?:level|log_?level|verbosity)\b\W+(?:debug|trace|all)\b", re.IGNORECASE)


def _louder(diff: diffs.Diff, _text: str) -> bool:
    louder = any(_VERBOSE.search(line) for line in diff.added) and not any(_VERBOSE.search(line) for line in diff.gone)
    return louder or diffs.moved(diff, re.compile(r"sampl", re.IGNORECASE)) > 1.25


MECHANISMS = (
    Mechanism(
        "a check for a missing value was removed",
        "code_exception",
        _removed(r"[!=]==? ?(?:nil|null|undefined|None)\b|is (?:not )?None|isNull|\?\.|Optional"),
        _symptom(
            r"nil pointer|NullPointer|NoneType|null reference|of undefined|of null|segfault|invalid memory|unwrap\(\)"
        ),
        3.5,
    ),
    Mechanism(
        "a lock was removed",
        "code_exception",
        _removed(r"Lock\(|Mutex\b|synchronized|with \w*lock|\.acquire\(|Semaphore"),
        _symptom(r"concurrent|data race|race condition|ConcurrentModification|deadlock|corrupt"),
        3.5,
    ),
    Mechanism(
        "a time limit was lowered",
        "bad_deploy",
        _lowered(r"timeout|deadline|duration|Millisecond|Second\b|ttl|keepalive|interval"),
        _symptom(r"deadline|time(?:d)? ?out|cancell?ed"),
        3.5,
    ),
    Mechanism(
        "a limit was lowered",
        "bad_config",
        _lowered(r"max|pool|limit|workers?|threads?|replicas|concurren|buffer|queue|memory|cpu|heap|quota"),
        _symptom(r"pool|exhaust|too many|OOM|out of memory|saturat|throttl|pending|queue|overload|reject|evict"),
        3.0,
    ),
    Mechanism(
        "retries were raised",
        "retry_storm",
        _any(_raised(r"retr(?:y|ies)|attempts"), _removed(r"backoff|jitter")),
        _symptom(r"retr|overload|saturat|too many|429"),
        2.5,
    ),
    Mechanism(
        "logging became louder",
        "bad_config",
        _louder,
        _symptom(r"no space|disk|log volume|write throughput|inode"),
        3.5,
    ),
    Mechanism(
        "a query or remote call moved into a loop",
        "n_plus_one",
        _call_in_loop,
        _symptom(r"latency|slow|p9\d|duration|quer(?:y|ies)|SELECT|timeout"),
        3.5,
    ),
    Mechanism(
        "it names a table or column that the database lacks",
        "bad_deploy",
        _names_table,
        _symptom(
            r"does(?:n't| not) exist|no such (?:table|column)|unknown (?:table|column)|undefined (?:table|column)|invalid object"
        ),
        3.5,
    ),
    Mechanism(
        "a name was changed on one side only",
        "bad_deploy",
        _renamed_key,
        _symptom(
            r"unknown|no mapping|missing|not found|KeyError|unrecogni[sz]ed|undefined|unexpected|parse|deserial|schema|invalid"
        ),
        3.0,
    ),
    Mechanism(
        "a dependency that the failure names changed its version",
        "bad_deploy",
        _bumped_package,
        _symptom(
            r"panic|version|incompatib|registr|import|module|symbol|NoSuchMethod|ClassNotFound|AttributeError|undefined|crash"
        ),
        3.5,
    ),
    Mechanism(
        "a call was removed",
        "bad_deploy",
        _call_gone,
        _symptom(r"not found|not registered|no handler|uninitiali[sz]ed|unknown|missing|not initialized"),
        2.5,
    ),
    Mechanism(
        "a resource is no longer released",
        "pool_exhaustion",
        _removed(r"\.Close\(|\.close\(|\.release\(|\.dispose\(|finally|defer |using \(|with open"),
        _symptom(r"leak|too many open|exhaust|pool|memory|descriptor"),
        3.0,
    ),
    Mechanism(
        "a cache was bypassed or shortened",
        "cache_loss",
        _any(_removed(r"[cC]ache"), _lowered(r"ttl|expir|cache")),
        _symptom(r"cache|miss|latency|slow|overload|connections?|database"),
        2.5,
    ),
    Mechanism(
        "permissions or credentials changed",
        "bad_config",
        _any(
            _removed(r"(?i)permission|role|grant|policy|scope|token|secret|auth"),
            _added(r"(?i)deny|require.*auth|forbid"),
        ),
        _symptom(r"\b40[13]\b|denied|forbidden|unauthori[sz]ed|permission|credential|invalid token|signature"),
        2.5,
    ),
    Mechanism(
        "the schema was altered under load, or an index dropped",
        "slow_query",
        _added(r"(?i)drop index|alter table|create (?:unique )?index(?! concurrently)|add constraint|lock table"),
        _symptom(r"slow|lock|latency|timeout|seq(?:uential)? scan|blocked|deadlock|p9\d"),
        3.0,
    ),
    Mechanism(
        "an address was changed",
        "bad_config",
        _address,
        _symptom(r"refused|no such host|resol|unreachable|ENOTFOUND|no route|404|connect|dial|unavailable"),
        2.5,
    ),
    Mechanism(
        "transport security was changed",
        "bad_config",
        _any(
            _added(r"(?i)tls|cipher|ssl|x509|certificate|MinVersion"),
            _removed(r"(?i)tls|cipher|ssl|x509|certificate|RootCAs"),
        ),
        _symptom(
            r"handshake|tls|ssl|x509|certificate signed by unknown|unknown authority|bad certificate|protocol version"
        ),
        2.5,
    ),
    Mechanism(
        "input is checked more strictly",
        "code_return",
        _any(
            _added(r"(?i)validat|required|must |raise ValueError|BadRequest|return .*Err\w*Invalid"),
            _lowered(r"max_?len|max_?size|limit"),
        ),
        _symptom(r"\b4(?:00|13|22)\b|invalid|validation|bad request|rejected|too large"),
        2.0,
    ),
    Mechanism(
        "a pattern or algorithm became expensive",
        "cpu_overload",
        _added(r"(?i)regexp?|re\.compile|Pattern\.compile|\bsort|recurs|\.\*.*\.\*|(?:md5|sha|bcrypt|scrypt)\w*\("),
        _symptom(r"\bcpu\b|throttl|backtrack|event loop|hot loop"),
        2.5,
    ),
    Mechanism(
        "how messages are consumed was changed",
        "consumer_lag",
        _any(
            _lowered(r"(?i)poll|batch|concurren|partition|prefetch"),
            _added(r"(?i)group[._]?id|auto[._]offset|ack|commit\("),
            _removed(r"(?i)ack\(|commit\("),
        ),
        _symptom(r"\blag\b|backlog|rebalanc|consumer|redeliver|unacked|dead.?letter"),
        2.5,
    ),
    Mechanism(
        "a setting that the process needs was renamed or removed",
        "bad_config",
        _any(
            _removed(r"(?i)getenv|environ|process\.env|valueFrom|secretKeyRef|configMapKeyRef"),
            _added(r"(?i)getenv|environ\[|process\.env"),
        ),
        _symptom(
            r"environment variable|not set|missing (?:required )?(?:config|setting|env)|KeyError|undefined|config"
        ),
        2.5,
    ),
    Mechanism(
        "memory is kept that was not kept before",
        "memory_leak",
        _any(
            _added(r"append\(|\.push\(|\.put\(|\bcache\[|static .*Map|global "),
            _removed(r"evict|delete\(|\.remove\(|maxSize|LRU"),
        ),
        _symptom(r"OOM|out of memory|heap|memory|GC overhead|evicted"),
        2.0,
    ),
)

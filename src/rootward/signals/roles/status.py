"""Which label tells whether a request failed, and which of its values mean failure."""

from collections.abc import Mapping, Sequence

from rootward.signals import protocols

# gRPC codes that are the server's failure (OpenTelemetry semantic conventions, RPC, "server error" codes), plus overload.
_GRPC = (
    "Unknown",
    "DeadlineExceeded",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "ResourceExhausted",
    "Aborted",
)
_GRPC_UPPER = (
    "UNKNOWN",
    "DEADLINE_EXCEEDED",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "RESOURCE_EXHAUSTED",
    "ABORTED",
)
_WORDS = (
    "error", "ERROR", "Error", "err", "fail", "failed", "failure", "FAILURE", "FAILED", "fault", "SERVER_ERROR", "STATUS_CODE_ERROR",
    "exception", "timeout", "TIMEOUT",
)  # fmt: skip
SERVER_FAILURE = "|".join(("5[0-9][0-9]", "5xx", "5XX", *_WORDS, *_GRPC, *_GRPC_UPPER))
GRPC_NUMBERS = "2|4|8|10|12|13|14|15"

# Best first: labels that only ever mean status before those that may mean something else.
STATUS_LABELS: tuple[tuple[str, protocols.MatchOperator, str], ...] = (
    ("http_response_status_code", "=~", SERVER_FAILURE),
    ("http_status_code", "=~", SERVER_FAILURE),
    ("rpc_response_status_code", "=~", f"{SERVER_FAILURE}|{GRPC_NUMBERS}"),
    ("rpc_grpc_status_code", "=~", f"{GRPC_NUMBERS}|{'|'.join((*_GRPC, *_GRPC_UPPER))}"),
    ("grpc_response_status", "=~", f"{GRPC_NUMBERS}|{'|'.join((*_GRPC, *_GRPC_UPPER))}"),
    ("grpc_code", "=~", SERVER_FAILURE),
    ("response_code", "=~", f"{SERVER_FAILURE}|0"),  # a mesh writes 0 when the connection broke before an answer
    ("envoy_response_code_class", "=", "5"),
    ("status_code", "=~", SERVER_FAILURE),
    ("code", "=~", SERVER_FAILURE),
    ("http_code", "=~", SERVER_FAILURE),
    ("status_class", "=~", SERVER_FAILURE),
    ("status", "=~", f"{SERVER_FAILURE}|CLIENT_ERROR|IO_ERROR"),  # Micrometer's words for "no answer came"
    ("outcome", "=~", SERVER_FAILURE),
    ("result", "=~", SERVER_FAILURE),
    ("error_type", "!=", ""),
    ("error", "=~", "true|True|1"),
    ("exception", "!~", "none|None|NONE|"),
    ("success", "=~", "false|False|0"),
)
ANSWERED = "[1-4][0-9][0-9]"
# A client that got no answer leaves these out, so a failure is everything that is not an answer below 500.
ABSENT_ON_FAILURE = frozenset({"http_response_status_code", "http_status_code"})
_CODE_LABELS = (
    "http_response_status_code",
    "http_status_code",
    "response_code",
    "status_code",
    "code",
    "http_code",
    "status",
)


def failures(labels: Mapping[str, Sequence[str]] | None, assumed: Sequence[str] = ()) -> protocols.Matcher | None:
    """The condition that keeps failed requests only, None when no label tells; `assumed` labels count when none are known."""
    present = set(assumed) if labels is None else set(labels)
    for label, operator, value in STATUS_LABELS:
        if label in present:
            return protocols.Matcher(label, operator, value)
    return None


def throttled(labels: Mapping[str, Sequence[str]] | None) -> protocols.Matcher | None:
    """The condition that keeps requests refused for being too many, where such a status was seen."""
    for label in _CODE_LABELS:
        if "429" in (labels or {}).get(label, ()):
            return protocols.Matcher(label, "=", "429")
    return None

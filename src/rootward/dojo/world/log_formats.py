"""How each language's usual logger writes a line, and what its clients say when a call fails."""

import datetime as dt
import functools
import json
from collections.abc import Callable

Format = Callable[[float, str, str, str, str], str]
"""(time_s, level, component, text, trace id) → line"""


@functools.lru_cache(maxsize=4096)
def _minute(minute: int) -> str:
    return dt.datetime.fromtimestamp(minute * 60, tz=dt.UTC).strftime("%Y-%m-%dT%H:%M")


def iso(time_s: float) -> str:
    """A time in UTC with milliseconds, without a zone."""
    minute, second = divmod(time_s, 60.0)
    return f"{_minute(int(minute))}:{int(second):02d}.{int(second * 1000) % 1000:03d}"


def _go(time_s: float, level: str, component: str, text: str, trace: str) -> str:
    return f'{{"time":"{iso(time_s)}Z","level":"{level.upper()}","msg":{json.dumps(text)},"service":"{component}","trace_id":"{trace}"}}'


def _java(time_s: float, level: str, component: str, text: str, trace: str) -> str:
    thread = f"http-nio-8080-exec-{int(time_s * 1e3) % 24 + 1}"
    return f"{iso(time_s).replace('T', ' ')} {level.upper():>5} [{component},{trace},{trace[:16]}] 1 --- [{thread}] c.e.{component.replace('-', '.')}.Handler : {text}"


def _python(time_s: float, level: str, component: str, text: str, trace: str) -> str:
    return f"{iso(time_s).replace('T', ' ').replace('.', ',')} {level.upper().replace('WARN', 'WARNING')} [{component}] [trace_id={trace}] {text}"


def _node(time_s: float, level: str, component: str, text: str, trace: str) -> str:
    number = {"debug": 20, "info": 30, "warn": 40, "error": 50}[level]
    return f'{{"level":{number},"time":{int(time_s * 1e3)},"name":"{component}","msg":{json.dumps(text)},"traceId":"{trace}"}}'


def _nginx(time_s: float, level: str, component: str, text: str, trace: str) -> str:
    del component, trace
    moment = dt.datetime.fromtimestamp(time_s, tz=dt.UTC)
    return f"{moment:%Y/%m/%d %H:%M:%S} [{level}] 31#31: *{int(time_s * 997) % 9_000_000} {text}"


def _postgres(time_s: float, level: str, component: str, text: str, trace: str) -> str:
    del component, trace
    word = {"debug": "DEBUG1", "info": "LOG", "warn": "WARNING", "error": "ERROR"}[level]
    if text.startswith(("FATAL:", "PANIC:")):  # worse than an error, and said so by whoever writes it
        word, text = text[:5], text[6:].lstrip()
    return f"{iso(time_s).replace('T', ' ')} UTC [{int(time_s * 31) % 4000 + 90}] {word}:  {text}"


def _redis(time_s: float, level: str, component: str, text: str, trace: str) -> str:
    del component, trace
    moment = dt.datetime.fromtimestamp(time_s, tz=dt.UTC)
    return f"1:M {moment:%d %b %Y %H:%M:%S}.{int(time_s * 1000) % 1000:03d} {'#' if level == 'error' else '*'} {text}"


def _kafka(time_s: float, level: str, component: str, text: str, trace: str) -> str:
    del component, trace
    return (
        f"[{iso(time_s).replace('T', ' ').replace('.', ',')}] {level.upper()} {text} (kafka.server.KafkaRequestHandler)"
    )


def _rabbitmq(time_s: float, level: str, component: str, text: str, trace: str) -> str:
    del component, trace
    word = {"warn": "warning"}.get(level, level)
    return f"{iso(time_s).replace('T', ' ')}{int(time_s * 1e6) % 1000:03d}+00:00 [{word}] <0.{int(time_s * 7) % 900 + 200}.0> {text}"


FORMATS: dict[str, Format] = {
    "go": _go,
    "java": _java,
    "python": _python,
    "node": _node,
    "nginx": _nginx,
    "postgres": _postgres,
    "redis": _redis,
    "kafka": _kafka,
    "rabbitmq": _rabbitmq,
}

ORDINARILY_REFUSED = 0.001
"""Fewer refusals than this share of attempts happen on any day, and have nothing to do with what is wrong."""
REFUSED = {
    "go": "dial tcp {ip}:{port}: connect: connection refused",
    "java": "java.net.ConnectException: Connection refused: {host}/{ip}:{port}",
    "python": "ConnectionRefusedError: [Errno 111] Connect call failed ('{ip}', {port})",
    "node": "connect ECONNREFUSED {ip}:{port}",
    "nginx": 'connect() failed (111: Connection refused) while connecting to upstream, upstream: "http://{ip}:{port}/"',
}
UNRESOLVED = {
    "go": "dial tcp: lookup {host} on 172.20.0.10:53: server misbehaving",
    "java": "java.net.UnknownHostException: {host}: Temporary failure in name resolution",
    "python": "socket.gaierror: [Errno -3] Temporary failure in name resolution ({host})",
    "node": "getaddrinfo EAI_AGAIN {host}",
    "nginx": '{host} could not be resolved (2: Server failure), upstream: "http://{host}:{port}/"',
}
EXPIRED = {
    "go": "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time {now} is after {end} ({host})",
    "java": "javax.net.ssl.SSLHandshakeException: PKIX path validation failed: java.security.cert.CertificateExpiredException: NotAfter: {end} ({host})",
    "python": "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired ({host})",
    "node": "certificate has expired: CERT_HAS_EXPIRED {host}:{port}",
    "nginx": 'upstream SSL certificate verify error: (10:certificate has expired) while SSL handshaking to upstream, upstream: "https://{host}:8443/"',
}
UNREACHABLE = {
    "go": "dial tcp {ip}:{port}: i/o timeout",
    "java": "java.net.SocketTimeoutException: Connect timed out: {host}/{ip}:{port}",
    "python": "httpx.ConnectTimeout: timed out connecting to {host} ({ip}:{port})",
    "node": "connect ETIMEDOUT {ip}:{port}",
    "nginx": 'upstream timed out (110: Operation timed out) while connecting to upstream, upstream: "http://{ip}:{port}/"',
}
NO_PORT = {
    "go": "dial tcp {ip}:{port}: connect: cannot assign requested address",
    "java": "java.net.BindException: Cannot assign requested address (connect failed): {host}/{ip}:{port}",
    "python": "OSError: [Errno 99] Cannot assign requested address connecting to {host}:{port}",
    "node": "connect EADDRNOTAVAIL {ip}:{port} - Local (0.0.0.0:0)",
    "nginx": 'connect() to {ip}:{port} failed (99: Cannot assign requested address) while connecting to upstream, upstream: "http://{ip}:{port}/"',
}
DENIED = {
    "go": "{host} answered 403 Forbidden: AccessDenied: not authorized to perform this action",
    "java": "org.springframework.web.client.HttpClientErrorException$Forbidden: 403 Forbidden from {host}: AccessDenied",
    "python": "httpx.HTTPStatusError: Client error '403 Forbidden' for {host}: AccessDenied",
    "node": "upstream {host} responded with status 403: AccessDenied",
    "nginx": 'upstream sent status 403 while reading response header from upstream, upstream: "http://{ip}:{port}/"',
}
TIMED_OUT = {
    "go": 'Post "http://{host}:{port}/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
    "java": "java.net.SocketTimeoutException: Read timed out calling {host} after {ms} ms",
    "python": "httpx.ReadTimeout: no answer from {host} within {ms} ms",
    "node": "request to http://{host}:{port} timed out after {ms}ms",
    "nginx": 'upstream timed out (110: Operation timed out) while reading response header from upstream, upstream: "http://{ip}:{port}/"',
}
ANSWERED_BADLY = {
    "go": "{host} answered 500 Internal Server Error",
    "java": "org.springframework.web.client.HttpServerErrorException$InternalServerError: 500 from {host}",
    "python": "httpx.HTTPStatusError: Server error '500 Internal Server Error' for {host}",
    "node": "upstream {host} responded with status 500",
    "nginx": 'upstream sent status 500 while reading response header from upstream, upstream: "http://{ip}:{port}/"',
}
NO_CONNECTION = {
    "go": "failed to acquire connection from pool {host}: context deadline exceeded",
    "java": "HikariPool-1 ({host}) - Connection is not available, request timed out after {ms}ms (total={limit}, active={limit}, idle=0, waiting={waiting})",
    "python": "sqlalchemy.exc.TimeoutError: QueuePool limit of size {limit} overflow 0 reached, connection timed out, timeout {ms} ms ({host})",
    "node": "timeout exceeded when trying to connect to {host}: pool of {limit} clients is in use",
}
QUERY_CANCELLED = {
    "go": "query on {host} cancelled: canceling statement due to user request",
    "java": "org.postgresql.util.PSQLException: ERROR: canceling statement due to statement timeout ({host})",
    "python": "psycopg.errors.QueryCanceled: canceling statement due to statement timeout ({host})",
    "node": "error: canceling statement due to statement timeout ({host})",
}
NOT_PUBLISHED = {
    "kafka": {
        "go": "kafka: failed to publish to {host}: context deadline exceeded after {ms}ms",
        "java": "org.apache.kafka.common.errors.TimeoutException: Expiring 8 record(s) for {host}-0: {ms} ms has passed since batch creation",
        "python": 'confluent_kafka.KafkaException: KafkaError{{code=_MSG_TIMED_OUT,val=-192,str="Local: Message timed out"}} ({host})',
        "node": "KafkaJSConnectionError: Request Produce to {host} timed out after {ms}ms",
    },
    "rabbitmq": {
        "go": "amqp: publish to {host} not confirmed within {ms}ms",
        "java": "org.springframework.amqp.core.AmqpReplyTimeoutException: publisher confirm from {host} timed out after {ms} ms",
        "python": "pika.exceptions.ConnectionBlockedTimeout: Blocked connection timeout expired. ({host})",
        "node": "publish to {host} not confirmed within {ms}ms",
    },
}
CUT_OFF = {
    "go": "read tcp {ip}:{port}: read: connection reset by peer ({host})",
    "java": "java.io.IOException: Connection reset by peer ({host})",
    "python": "ConnectionResetError: [Errno 104] Connection reset by peer ({host})",
    "node": "read ECONNRESET {host}:{port}",
}
OWN = {
    "go": "request failed: validation: amount must be positive",
    "java": "java.lang.IllegalStateException: optimistic lock failed, giving up",
    "python": "ValueError: unsupported locale in request",
    "node": "RangeError: Invalid time value",
    "nginx": "client intended to send too large body",
}


def sql_error(text: str, code: str, name: str, *, word: str = "ERROR") -> dict[str, str]:
    """What drivers say when Postgres answers `text` with SQLSTATE `code` (`name` as psycopg calls it), by language."""
    return {
        "go": f"{word}: {text} (SQLSTATE {code})",
        "java": f"org.postgresql.util.PSQLException: {word}: {text}",
        "python": f"psycopg.errors.{name}: {text}",
        "node": f"error: {text}",
    }

"""How a component's logger is set up: which of its language's usual loggers it uses, and what they put around the words.

Layouts after the documentation of Spring Boot (default pattern, correlation ids), Spring Cloud Sleuth, logstash-logback-encoder, Go's
log/slog, zap, zerolog and logrus, Python's logging, structlog and gunicorn, pino and winston. A house mostly agrees on one per language;
some components have another, and which ones is drawn from the seed.
"""

import json

from rootward.dojo.world import frame as fr
from rootward.dojo.world import log_formats as lf

ODD = 0.15
"""Share of the components that do not log as the house does."""


def writer(frame: fr.Frame, i: int) -> lf.Format:
    """How a component writes: the same in every window of the same system."""
    component = frame.layout.components[i]
    usual = lf.FORMATS.get(component.language, lf.FORMATS["go"])
    layouts = LAYOUTS.get(component.language)
    if layouts is None:
        return usual
    house = frame.draft.rng("log layout", component.language)
    own = frame.draft.rng("log layout", component.name)
    rng = own if own.uniform() < ODD else house
    return layouts[int(rng.integers(0, len(layouts)))]


def with_stack(line: str, stack: str) -> str:
    """The same line with a stack trace: a field where lines are JSON, further lines where they are text."""
    if line.startswith("{") and line.endswith("}"):
        return f'{line[:-1]},"stack":{json.dumps(stack)}}}'
    return f"{line}\n{stack}"


def _thread(trace: str) -> str:
    """The worker thread that serves a request, the same for all of its lines."""
    return f"nio-8080-exec-{int(trace[:4], 16) % 25 + 1}"


def _logger(component: str, text: str) -> str:
    """The class that writes a line: what begins alike is said by the same class."""
    name = "".join(part.capitalize() for part in component.split("-"))
    kinds = ("Controller", "ServiceImpl", "Client", "Repository")
    return f"c.e.{component.replace('-', '.')}.{name}{kinds[(len(component) + sum(map(ord, text[:3]))) % 4]}"


def _spring(time_s: float, level: str, component: str, text: str, trace: str) -> str:
    stamp, thread = lf.iso(time_s).replace("T", " "), _thread(trace)
    return f"{stamp}  {level.upper():>5} 1 --- [{thread:>15.15}] {_logger(component, text):<40.40} : {text}"


def _spring_correlated(time_s: float, level: str, component: str, text: str, trace: str) -> str:
    tags = f"[{component}] [{_thread(trace):>15.15}] [{trace}-{trace[:16]}]"
    return f"{lf.iso(time_s)}Z {level.upper():>5} 1 --- {tags} {_logger(component, text):<40.40} : {text}"


def _logstash(time_s: float, level: str, component: str, text: str, trace: str) -> str:
    value = {"debug": 10000, "info": 20000, "warn": 30000, "error": 40000}[level]
    return f'{{"@timestamp":"{lf.iso(time_s)}Z","@version":"1","message":{json.dumps(text)},"logger_name":"{_logger(component, text)}","thread_name":"http-{_thread(trace)}","level":"{level.upper()}","level_value":{value},"traceId":"{trace}","spanId":"{trace[:16]}"}}'


def _zap(time_s: float, level: str, component: str, text: str, trace: str) -> str:
    place = f"{component.replace('-', '')}/{('handler', 'service', 'store', 'client')[sum(map(ord, text[:3])) % 4]}.go"
    return f'{{"level":"{level}","ts":{time_s:.6f},"caller":"{place}:{sum(map(ord, text[:5])) % 290 + 21}","msg":{json.dumps(text)},"trace_id":"{trace}"}}'


def _zerolog(time_s: float, level: str, component: str, text: str, trace: str) -> str:
    return f'{{"level":"{level}","svc":"{component}","trace":"{trace[:16]}","time":"{lf.iso(time_s)[:19]}Z","message":{json.dumps(text)}}}'


def _logrus(time_s: float, level: str, component: str, text: str, trace: str) -> str:
    word = {"warn": "warning"}.get(level, level)
    del trace
    return f'time="{lf.iso(time_s)[:19]}Z" level={word} msg={json.dumps(text)} service={component}'


def _structlog(time_s: float, level: str, component: str, text: str, trace: str) -> str:
    word = {"warn": "warning"}.get(level, level)
    return f'{{"event": {json.dumps(text)}, "level": "{word}", "logger": "{component.replace("-", "_")}", "trace_id": "{trace}", "timestamp": "{lf.iso(time_s)}Z"}}'


def _gunicorn(time_s: float, level: str, component: str, text: str, trace: str) -> str:
    word = level.upper().replace("WARN", "WARNING")
    stamp = lf.iso(time_s)[:19].replace("T", " ")
    return f"[{stamp} +0000] [{int(trace[:2], 16) % 4 + 7}] [{word}] {component.replace('-', '_')}: {text}"


def _winston(time_s: float, level: str, component: str, text: str, trace: str) -> str:
    return f'{{"level":"{level}","message":{json.dumps(text)},"service":"{component}","timestamp":"{lf.iso(time_s)}Z","trace_id":"{trace}"}}'


LAYOUTS: dict[str, tuple[lf.Format, ...]] = {
    "java": (lf.FORMATS["java"], _spring, _spring_correlated, _logstash),
    "go": (lf.FORMATS["go"], _zap, _zerolog, _logrus),
    "python": (lf.FORMATS["python"], _structlog, _gunicorn),
    "node": (lf.FORMATS["node"], _winston),
}
